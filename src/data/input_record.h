// What resumable work is made from: contents of its input files, and versions of the programs.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace mlff {

/// Kept in the manifest or checkpoint of a work, and compared with what is there when the work goes
/// on: a file of the same name with other contents makes other work of it.
class InputRecord {
 public:
  /// Records the version of this program.
  InputRecord();

  /// `role`: what the file is for, such as "data.train". Throws FileError where it cannot be read.
  void add_file(const std::string &role, const std::string &path);

  /// Another property, such as the version of a library.
  void add(const std::string &key, const nlohmann::ordered_json &value) { record[key] = value; }

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
