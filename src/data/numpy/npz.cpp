// NumPy .npz archives: named arrays of numbers.
#include "data/numpy/npz.h"

#include <zip.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <optional>

namespace mlff {

namespace {

  template <typename T> void convert(const char *bytes, std::vector<double> &values)
  {
    for (std::size_t i = 0; i < values.size(); i++) {
      T value;
      std::memcpy(&value, bytes + i * sizeof(T), sizeof(T));
      values[i] = double(value);
    }
  }

  struct Format {
    const char *code;
    std::size_t width;
    void (*convert)(const char *, std::vector<double> &);
  };
  const Format formats[] = {{"<f8", 8, convert<double>},        {"<f4", 4, convert<float>},
                            {"<i8", 8, convert<std::int64_t>},  {"<i4", 4, convert<std::int32_t>},
                            {"<i2", 2, convert<std::int16_t>},  {"|i1", 1, convert<std::int8_t>},
                            {"<u8", 8, convert<std::uint64_t>}, {"<u4", 4, convert<std::uint32_t>},
                            {"<u2", 2, convert<std::uint16_t>}, {"|u1", 1, convert<std::uint8_t>},
                            {"|b1", 1, convert<std::uint8_t>}};

  /// Text behind a key of a header, without blanks before it; nothing where the key is missing.
  std::string_view behind(std::string_view header, std::string_view key)
  {
    const auto at = header.find(key);
    if (at == std::string_view::npos) return {};
    header.remove_prefix(at + key.size());
    header.remove_prefix(std::min(header.find_first_not_of(" \t\n"), header.size()));
    return header;
  }

  /// Text between the first character, which must be `open`, and the next `close`.
  std::optional<std::string_view> enclosed(std::string_view text, char open, char close)
  {
    const auto end = text.find(close, 1);
    if (text.empty() || text.front() != open || end == std::string_view::npos) return std::nullopt;
    return text.substr(1, end - 1);
  }

  /// Fortran order to C order.
  void transpose(Array &array)
  {
    std::vector<double> values(array.values.size());
    std::vector<std::int64_t> index(array.shape.size(), 0);
    for (const double value : array.values) {
      std::size_t place = 0;
      for (std::size_t a = 0; a < array.shape.size(); a++)
        place = place * array.shape[a] + index[a];
      values[place] = value;
      for (std::size_t a = 0; a < index.size() && ++index[a] == array.shape[a]; a++) index[a] = 0;
    }
    array.values = std::move(values);
  }

}    // namespace

NpzFile::NpzFile(const std::string &path) : path(path)
{
  int code = 0;
  archive = zip_open(path.c_str(), ZIP_RDONLY, &code);
  if (!archive) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    const std::string reason = zip_error_strerror(&error);
    zip_error_fini(&error);
    throw FileError("data file '" + path + "' cannot be read as .npz: " + reason);
  }
  const auto n = zip_get_num_entries(archive, 0);
  for (zip_int64_t i = 0; i < n; i++) {
    const char *found = zip_get_name(archive, zip_uint64_t(i), 0);
    std::string name = found ? found : "";
    if (name.ends_with(".npy")) name.resize(name.size() - 4);
    list.push_back(name);
  }
}

NpzFile::~NpzFile()
{
  if (archive) zip_discard(archive);
}

bool NpzFile::has(const std::string &name) const
{
  return std::find(list.begin(), list.end(), name) != list.end();
}

Array NpzFile::read(const std::string &name) const
{
  const auto fail = [&](const std::string &what) -> FileError {
    return FileError("data file '" + path + "', array '" + name + "': " + what);
  };
  const auto found = std::find(list.begin(), list.end(), name);
  if (found == list.end()) {
    std::string names;
    for (const auto &one : list) names += (names.empty() ? "" : ", ") + one;
    throw fail("it is missing; the file has: " + names);
  }
  zip_stat_t status;
  const auto entry = zip_uint64_t(found - list.begin());
  if (zip_stat_index(archive, entry, 0, &status) != 0 || !(status.valid & ZIP_STAT_SIZE))
    throw fail("its size is unknown");
  // the size is the archive's claim: a damaged one must not ask for all memory
  if (status.size > (std::uint64_t(1) << 36))
    throw fail("it claims " + std::to_string(status.size) + " bytes");
  zip_file_t *file = zip_fopen_index(archive, entry, 0);
  if (!file) throw fail(std::string("cannot be opened: ") + zip_strerror(archive));
  std::string bytes;
  char buffer[65536];
  for (zip_int64_t n;
       bytes.size() <= status.size && (n = zip_fread(file, buffer, sizeof buffer)) > 0;)
    bytes.append(buffer, std::size_t(n));
  const bool closed = zip_fclose(file) == 0;
  if (!closed || bytes.size() != status.size)
    throw fail("it is damaged: its bytes do not fit its size or checksum");

  return parse_npy(bytes, "data file '" + path + "', array '" + name + "'");
}

Array parse_npy(std::string_view bytes, const std::string &where)
{
  const auto fail = [&](const std::string &what) {
    return FileError(where + ": " + what);
  };
  // "\x93NUMPY", version, length of the header, header as a Python dictionary
  if (bytes.size() < 12 || bytes.substr(0, 6) != "\x93NUMPY") throw fail("it is not a NumPy array");
  const bool long_header = bytes[6] >= 2;
  std::uint32_t length = 0;
  std::memcpy(&length, bytes.data() + 8, long_header ? 4 : 2);
  const std::size_t start = (long_header ? 12 : 10) + std::size_t(length);
  if (start > bytes.size()) throw fail("its header is truncated");
  const std::string_view header = bytes.substr(long_header ? 12 : 10, length);
  const auto type = enclosed(behind(header, "'descr':"), '\'', '\''),
             extents = enclosed(behind(header, "'shape':"), '(', ')');
  const auto order = behind(header, "'fortran_order':");
  const bool fortran = order.starts_with("True");
  if (!type || !extents || extents->find_first_not_of("0123456789, ") != std::string_view::npos ||
      !(fortran || order.starts_with("False")))
    throw fail("its header is not that of an array of numbers: " +
               std::string(header.substr(0, 200)));

  Array array;
  const std::string text(*extents);
  std::int64_t n = 1;
  for (std::size_t begin = 0; (begin = text.find_first_not_of(", ", begin)) != std::string::npos;) {
    const auto end = std::min(text.find_first_of(", ", begin), text.size());
    std::int64_t extent = 0;
    if (end - begin > 12 ||
        std::from_chars(text.data() + begin, text.data() + end, extent).ec != std::errc())
      throw fail("its shape is (" + text + ")");
    array.shape.push_back(extent);
    if (extent > 0 && n > (std::int64_t(1) << 36) / extent)
      throw fail("its shape is (" + text + ")");
    n *= extent;
    begin = end;
  }
  const auto format = std::find_if(std::begin(formats), std::end(formats), [&](const Format &f) {
    return *type == f.code;
  });
  if (format == std::end(formats))
    throw fail("its type is '" + std::string(*type) +
               "'; expected floats, integers or booleans, little-endian");
  if (bytes.size() - start != std::size_t(n) * format->width)
    throw fail("it has " + std::to_string(bytes.size() - start) + " bytes of data; shape (" + text +
               ") and type '" + format->code + "' need " +
               std::to_string(std::size_t(n) * format->width));
  array.values.resize(std::size_t(n));
  format->convert(bytes.data() + start, array.values);
  if (fortran) transpose(array);
  return array;
}

}    // namespace mlff
