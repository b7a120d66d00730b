// Reads and writes the container of potential files.
#include "potential/safetensors.h"

#include "core/sha256.h"
#include "potential/find_potential.h"
#include "potential/potential_error.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>
#include <tuple>

namespace mlff {

using json = nlohmann::json;
static_assert(std::endian::native == std::endian::little, "safetensors files are little-endian");

namespace {

  constexpr std::uint64_t largest_header = 100'000'000;    // the limit of the safetensors library

  std::int64_t element_count(const std::vector<std::int64_t> &shape)
  {
    std::int64_t n = 1;
    for (const auto extent : shape) {
      if (extent < 0 || (extent > 0 && n > (std::int64_t(1) << 40) / extent)) return -1;
      n *= extent;
    }
    return n;
  }

  template <typename T> void unpack(const char *bytes, std::vector<double> &values)
  {
    for (std::size_t i = 0; i < values.size(); i++) {
      T value;
      std::memcpy(&value, bytes + i * sizeof(T), sizeof(T));
      values[i] = double(value);
    }
  }

  template <typename T> void pack(const std::vector<double> &values, std::string &bytes)
  {
    for (const double v : values) {
      const T value = T(v);
      bytes.append(reinterpret_cast<const char *>(&value), sizeof(T));
    }
  }

  std::size_t bytes_per_value(const std::string &dtype)
  {
    return dtype == "F32" ? 4 : dtype == "F64" ? 8 : 0;
  }

  std::string read_bytes(std::ifstream &file, std::uint64_t n)
  {
    std::string bytes(n, '\0');
    file.read(bytes.data(), std::streamsize(n));
    return bytes;
  }

  /// Throws json::exception for anything but an array of whole numbers from 0 to 2^63 - 1.
  template <typename T> std::vector<T> whole_array(const json &value)
  {
    std::vector<T> list;
    for (const auto &entry : value.get_ref<const json::array_t &>()) {
      const auto number = entry.get_ref<const json::number_unsigned_t &>();
      list.push_back(T(std::min<std::uint64_t>(number, std::numeric_limits<std::int64_t>::max())));
    }
    return list;
  }

  /// Bytes of a tensor among the data of a file.
  struct Range {
    std::uint64_t begin, end;
    std::string name;
  };

  /// One tensor by its entry in the header.
  Tensor read_tensor(const std::string &path, const std::string &name, const json &entry,
                     const std::string &data, Range &range)
  {
    Tensor tensor;
    std::vector<std::uint64_t> offsets;
    try {
      tensor.dtype = entry.at("dtype").get<std::string>();
      tensor.shape = whole_array<std::int64_t>(entry.at("shape"));
      offsets = whole_array<std::uint64_t>(entry.at("data_offsets"));
    } catch (const json::exception &) {
      reject_potential(path,
                       "has a bad header: the entry of tensor '" + name + "' is " + entry.dump() +
                           "; expected dtype, shape and data_offsets");
    }
    const auto width = bytes_per_value(tensor.dtype);
    if (width == 0)
      reject_potential(
          path, "tensor '" + name + "' has dtype '" + tensor.dtype + "'; expected 'F32' or 'F64'");
    const auto n = element_count(tensor.shape);
    if (offsets.size() != 2 || offsets[0] > offsets[1] || n < 0 ||
        offsets[1] - offsets[0] != std::uint64_t(n) * width)
      reject_potential(path,
                       "has a bad header: tensor '" + name + "' of shape " +
                           shape_text(tensor.shape) + " and dtype " + tensor.dtype +
                           " has data_offsets " + entry["data_offsets"].dump());
    if (offsets[1] > data.size())
      reject_potential(path,
                       "is truncated: tensor '" + name + "' ends at byte " +
                           std::to_string(offsets[1]) + " of the data, which has " +
                           std::to_string(data.size()));
    range = {offsets[0], offsets[1], name};
    tensor.values.resize(std::size_t(n));
    if (tensor.dtype == "F32")
      unpack<float>(data.data() + offsets[0], tensor.values);
    else
      unpack<double>(data.data() + offsets[0], tensor.values);
    return tensor;
  }

  /// The ranges of all tensors must lie side by side and cover all data.
  void check_cover(const std::string &path, std::vector<Range> ranges, std::uint64_t data_size)
  {
    std::sort(ranges.begin(), ranges.end(), [](const Range &a, const Range &b) {
      return std::tie(a.begin, a.end) < std::tie(b.begin, b.end);
    });
    std::uint64_t covered = 0;
    for (const auto &range : ranges) {
      if (range.begin != covered)
        reject_potential(path,
                         "has a bad header: the data of tensor '" + range.name +
                             "' overlap others or leave a gap");
      covered = range.end;
    }
    if (covered != data_size)
      reject_potential(path,
                       "has " + std::to_string(data_size) +
                           " bytes of data; its header describes " + std::to_string(covered));
  }

}    // namespace

void reject_potential(const std::string &path, const std::string &what)
{
  throw PotentialError("potential file '" + path + "': " + what);
}

json parse_json(const std::string &text)
{
  int depth = 0;
  bool quoted = false;
  for (std::size_t k = 0; k < text.size(); k++) {
    const char c = text[k];
    if (c == '"') quoted = !quoted;
    if (quoted && c == '\\') k++;
    if (!quoted) depth += (c == '[' || c == '{') - (c == ']' || c == '}');
    if (depth > 64) return json(json::value_t::discarded);
  }
  return json::parse(text, nullptr, false);
}

std::string shape_text(const std::vector<std::int64_t> &shape)
{
  std::string text = "[";
  for (const auto n : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(n);
  return text + "]";
}

SafetensorsReader::SafetensorsReader(const std::string &path) : path(path)
{
  std::error_code code;
  if (std::filesystem::is_directory(path, code))
    reject_potential(path, "it is a folder; expected a .safetensors file");
  file.open(path, std::ios::binary | std::ios::ate);
  if (!file) {
    const std::string why = std::strerror(errno);
    reject_potential(path, "cannot be opened: " + why + similar_potentials(path));
  }
  const std::uint64_t file_size = std::uint64_t(file.tellg());
  file.seekg(0);

  std::uint64_t header_size = 0;
  if (file_size < sizeof header_size)
    reject_potential(path,
                     "is truncated: it has " + std::to_string(file_size) +
                         " bytes, a safetensors file starts with 8");
  file.read(reinterpret_cast<char *>(&header_size), sizeof header_size);
  if (header_size > largest_header)
    reject_potential(path,
                     "is not a safetensors file: its first 8 bytes give a header of " +
                         std::to_string(header_size) + " bytes, " + std::to_string(largest_header) +
                         " are allowed");
  if (header_size > file_size - sizeof header_size)
    reject_potential(path,
                     "is truncated: its header has " + std::to_string(header_size) +
                         " bytes, the file " + std::to_string(file_size));
  parsed = parse_json(read_bytes(file, header_size));
  if (parsed.is_discarded() || !parsed.is_object())
    reject_potential(path, "has a bad header: it is not a JSON object");
  data_size = file_size - sizeof header_size - header_size;
}

std::map<std::string, Tensor> SafetensorsReader::read_tensors(std::string &sha256)
{
  const std::string data = read_bytes(file, data_size);
  if (!file) reject_potential(path, "cannot be read to its end");
  std::map<std::string, Tensor> tensors;
  std::vector<Range> ranges;
  for (const auto &[name, entry] : parsed.items()) {
    if (name == "__metadata__") continue;
    ranges.emplace_back();
    tensors.emplace(name, read_tensor(path, name, entry, data, ranges.back()));
  }
  check_cover(path, std::move(ranges), data_size);
  sha256 = sha256_of(data);
  return tensors;
}

SafetensorsWriter::SafetensorsWriter(const std::map<std::string, Tensor> &tensors) :
    header(json::object())
{
  for (const char *dtype : {"F64", "F32"})
    for (const auto &[name, tensor] : tensors) {
      if (tensor.dtype != dtype) continue;
      const auto begin = data.size();
      if (tensor.dtype == "F32")
        pack<float>(tensor.values, data);
      else
        pack<double>(tensor.values, data);
      header[name] = {
          {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {begin, data.size()}}};
    }
  hash = sha256_of(data);
}

void SafetensorsWriter::write(const std::string &path, const json &metadata) const
{
  json whole = header;
  whole["__metadata__"] = metadata;
  std::string header_text;
  try {
    header_text = whole.dump();
  } catch (const json::exception &) {
    reject_potential(path, "its date, citation or training text is not valid UTF-8");
  }
  header_text.resize((header_text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t header_size = header_text.size();

  const std::string partial = path + ".part";
  {
    std::ofstream file(partial, std::ios::binary | std::ios::trunc);
    if (!file) reject_potential(partial, std::string("cannot be written: ") + std::strerror(errno));
    file.write(reinterpret_cast<const char *>(&header_size), sizeof header_size);
    file.write(header_text.data(), std::streamsize(header_text.size()));
    file.write(data.data(), std::streamsize(data.size()));
    file.close();
    if (!file) {
      std::filesystem::remove(partial);
      reject_potential(path, std::string("cannot be written: ") + std::strerror(errno));
    }
  }
  std::error_code code;
  std::filesystem::rename(partial, path, code);
  if (code) reject_potential(path, "cannot be written: " + code.message());
}

}    // namespace mlff
