// Record of the input of resumable work: contents of its input files, and versions of the programs.
#pragma once

#include <nlohmann/json.hpp>

#include <optional>
#include <string>

namespace mlff {

/// The first setting that two descriptions of settings do not share.
struct SettingsDifference {
  std::string key;            ///< keys of maps and places of lists, with dots between them
  std::string before, now;    ///< JSON; "none" where the description lacks the key
};

/// Compares all values of two descriptions, except that of the key `ignored`.
std::optional<SettingsDifference> difference_of(const nlohmann::ordered_json &before,
                                                const nlohmann::ordered_json &now,
                                                const std::string &ignored = "");

/// Throws FileError naming the first setting in which they differ, because results of `work` and
/// results of the present settings must not mix.
void compare_settings(const nlohmann::ordered_json &before, const nlohmann::ordered_json &now,
                      const std::string &work);

/// Record in the manifest or checkpoint of a work. It is compared with the present input when the
/// work goes on: a file with the same name and other contents makes a different work.
class InputRecord {
 public:
  /// Records the version of this program.
  InputRecord();

  /// `role`: purpose of the file, such as "data.train". Throws FileError if the file cannot be
  /// read.
  void add_file(const std::string &role, const std::string &path);

  /// Another property, such as the version of a library.
  void add(const std::string &key, const nlohmann::ordered_json &value) { record[key] = value; }

  /// Adds the provenance of a part: `versions`, a map of properties, and `files`, a list of paths,
  /// which get the role given.
  void add_provenance(const nlohmann::ordered_json &provenance, const std::string &role);

  /// {"program": ..., "files": [{"role", "file", "sha256"}, ...], further properties}; names of
  /// files are without folders.
  const nlohmann::ordered_json &json() const { return record; }

  /// Throws FileError naming the first file or property that differs from `before`, the record of
  /// `work` (which may hold more); `remedy` ends the message.
  void compare(const nlohmann::ordered_json &before, const std::string &work,
               const std::string &remedy) const;

 private:
  nlohmann::ordered_json record;
};

}    // namespace mlff
