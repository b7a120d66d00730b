// A folder in which work goes on that may be interrupted, and goes on when the same command is
// given again.
#pragma once

#include "data/input_record.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <functional>
#include <memory>
#include <string>

namespace mlff {

/// Contents of a file; empty where it cannot be read.
std::string text_of(const std::filesystem::path &path);

/// Writes a JSON file, completely or not at all.
void write_json(const std::filesystem::path &path, const nlohmann::ordered_json &json);

/// Keeps two runs from writing to one place: holds the lock until it is destroyed. Throws FileError
/// where another run holds it.
class FileLock {
 public:
  explicit FileLock(const std::filesystem::path &path);
  ~FileLock();
  FileLock(const FileLock &) = delete;
  FileLock &operator=(const FileLock &) = delete;

 private:
  std::filesystem::path path;
  int file;
};

/// The folder belongs to one run of one program at a time. Its manifest holds the settings and the
/// inputs of the work, the commands that were given, the seconds of its stages, and what the
/// program adds; work with other settings or inputs is refused.
class RunFolder {
 public:
  /// Nothing is looked at or written yet. `program`: whose folder it is, such as "mlff label".
  RunFolder(std::filesystem::path path, std::string program,
            std::string manifest_name = "manifest.json");

  const std::filesystem::path &path() const { return folder; }
  std::string name() const { return folder.string(); }
  std::filesystem::path operator/(const std::filesystem::path &file) const { return folder / file; }
  std::filesystem::path manifest_path() const { return folder / manifest_name; }

  /// Makes the folder where it is missing, and locks it. Throws FileError where the path is no
  /// folder, where it holds files but no manifest, and where another run is at work.
  void open();

  /// Opens the folder and goes on with its manifest, or begins one with the members of `initial`.
  /// Throws FileError where a manifest lacks one of these, and names the first of the settings or
  /// inputs that are not those of the work before.
  void begin(const nlohmann::ordered_json &settings, const InputRecord &inputs,
             const std::string &command, const nlohmann::ordered_json &initial);

  nlohmann::ordered_json manifest;
  void save() const { write_json(manifest_path(), manifest); }

  /// Does a stage that is not done yet, and saves the manifest with its time in `seconds`.
  void stage(const std::string &name, const std::string &title, const std::function<void()> &work);

  /// Seconds of all stages that are done.
  double seconds_of_stages() const;

 private:
  std::filesystem::path folder;
  std::string program, manifest_name;
  std::unique_ptr<FileLock> lock;
};

}    // namespace mlff
