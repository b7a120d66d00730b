// What the fuzz targets share: the bytes of an input as a file, and checks of what a reader says.
#pragma once

#include "data/trajectory.h"

#include <cstdint>
#include <filesystem>
#include <string>

namespace mlff_fuzz {

/// A file for the bytes of one input after the other, in a temporary folder of this process.
class InputFile {
 public:
  /// Ends the program where there is no place for the file.
  explicit InputFile(const std::string &name);
  ~InputFile();
  InputFile(const InputFile &) = delete;
  InputFile &operator=(const InputFile &) = delete;

  void write(const std::uint8_t *data, std::size_t size) const;
  const std::string &path() const { return file; }

 private:
  std::filesystem::path folder;
  std::string file;
};

/// Ends the program with this message: the reader has a fault.
[[noreturn]] void fault(const std::string &message);

/// An error of a reader must name the file.
void check_message(const std::exception &error, const std::string &path);

/// Reads all frames of a trajectory. Sizes of a frame must fit each other and numbers be finite;
/// frames that are written as extended XYZ must be read again as they were.
void check_trajectory(const std::string &path, const mlff::ReadOptions &options);

}    // namespace mlff_fuzz

/// The target: libFuzzer and fuzz_main.cpp call it with one input after the other.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size);
