// A file of frames that grows while they are labelled, and goes on growing in a later run.
#pragma once

#include "data/input_record.h"
#include "structure/structure.h"
#include "workflow/run_folder.h"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

namespace mlff {

/// Written beside the output, with a manifest that says how much of it is complete.
class PartialFile {
 public:
  /// Locks the output. Throws FileError where another run writes it.
  explicit PartialFile(const std::string &output);

  nlohmann::ordered_json manifest;

  /// Goes on where an earlier run stopped, or begins. Returns the number of frames that are done.
  /// Throws FileError where the earlier run had other settings or inputs.
  long begin(const nlohmann::ordered_json &settings, const InputRecord &inputs,
             const std::string &command);

  void write(const Structure &frame);

  /// Lets a later run go on behind this many frames.
  void save(long frames);

  void remove() const;

  /// Puts the complete file in its place.
  void finish();

 private:
  std::filesystem::path output, path, manifest_path;
  FileLock lock;
  std::unique_ptr<std::FILE, int (*)(std::FILE *)> file{nullptr, std::fclose};

  nlohmann::ordered_json read_manifest() const;
};

}    // namespace mlff
