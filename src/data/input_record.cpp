// Record of the input of resumable work, and whether it has changed.
#include "data/input_record.h"

#include "core/sha256.h"
#include "data/numpy/deepmd_folder.h"
#include "data/numpy/npz.h"

#include <algorithm>
#include <filesystem>

namespace mlff {

using Json = nlohmann::ordered_json;

std::optional<SettingsDifference> difference_of(const Json &before, const Json &now,
                                                const std::string &ignored)
{
  const Json flat_before = before.flatten(), flat_now = now.flatten();
  const auto text = [](const Json &json, const std::string &key) {
    return json.contains(key) ? json[key].dump() : "none";
  };
  for (const auto *side : {&flat_now, &flat_before})
    for (const auto &[key, value] : side->items()) {
      std::string name = key.substr(key.starts_with('/') ? 1 : 0);
      std::replace(name.begin(), name.end(), '/', '.');
      const bool same =
          flat_before.contains(key) && flat_now.contains(key) && flat_before[key] == flat_now[key];
      if (!same && name != ignored)
        return SettingsDifference{name, text(flat_before, key), text(flat_now, key)};
    }
  return std::nullopt;
}

void compare_settings(const Json &before, const Json &now, const std::string &work)
{
  if (const auto found = difference_of(before, now))
    throw FileError(work + " was made with " + found->key + " = " + found->before + ", now it is " +
                    found->now + "; use the same settings to go on, or another output");
}

InputRecord::InputRecord() : record({{"program", "mlff " MLFF_VERSION}, {"files", Json::array()}})
{
}

namespace {

  /// Of a folder the hash is that of the names and hashes of its files.
  std::string sha256_of_input(const std::string &path)
  {
    if (!is_deepmd_folder(path)) return sha256_of_file(path);
    std::string list;
    for (const auto &file : deepmd_files(path))
      list += file + " " + sha256_of_file(path + "/" + file) + "\n";
    return sha256_of(list);
  }

}    // namespace

void InputRecord::add_file(const std::string &role, const std::string &path)
{
  try {
    std::filesystem::path name(path);
    if (!name.has_filename()) name = name.parent_path();    // a folder with / at its end
    record["files"].push_back(
        {{"role", role}, {"file", name.filename().string()}, {"sha256", sha256_of_input(path)}});
  } catch (const std::runtime_error &error) {
    throw FileError(role + ": " + error.what());
  }
}

void InputRecord::add_provenance(const Json &provenance, const std::string &role)
{
  for (const auto &[name, version] : provenance["versions"].items()) add(name, version);
  for (const auto &file : provenance["files"]) add_file(role, file);
}

void InputRecord::compare(const Json &before, const std::string &work,
                          const std::string &remedy) const
{
  if (!before.is_object() || !before.contains("files") || !before["files"].is_array())
    throw FileError(
        work + " does not say what its input files held, as work of this version does; " + remedy);
  const auto text = [](const Json &json, const std::string &key) {
    return json.contains(key) ? json[key].dump() : "missing";
  };
  for (const auto &[key, value] : record.items())
    if (key != "files" && text(record, key) != text(before, key))
      throw FileError(work + " was made with " + key + " = " + text(before, key) + ", now it is " +
                      text(record, key) + "; " + remedy);
  const Json &files_now = record["files"], &files_before = before["files"];
  for (std::size_t k = 0; k < std::max(files_now.size(), files_before.size()); k++) {
    if (k >= files_now.size() || k >= files_before.size() ||
        text(files_now[k], "role") != text(files_before[k], "role"))
      throw FileError(work + " was made from " + std::to_string(files_before.size()) +
                      " input files, now there are " + std::to_string(files_now.size()) + "; " +
                      remedy);
    if (text(files_now[k], "sha256") != text(files_before[k], "sha256"))
      throw FileError("the contents of '" + files_now[k]["file"].get<std::string>() + "' (" +
                      files_now[k]["role"].get<std::string>() + ") are not those that " + work +
                      " was made from; " + remedy);
  }
}

}    // namespace mlff
