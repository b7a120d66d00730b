// A file that appears under its name only when it is complete.
#pragma once

#include <cstdio>
#include <string>

namespace mlff {

class OutputFile {
 public:
  /// Throws FileError where the file exists and may not be overwritten.
  static void check(const std::string &path, bool force);

  /// Opens a file beside `path`. Throws FileError where that is not possible or check() fails.
  OutputFile(const std::string &path, bool force);

  /// Removes what was not finished.
  ~OutputFile();
  OutputFile(const OutputFile &) = delete;
  OutputFile &operator=(const OutputFile &) = delete;

  operator std::FILE *() const { return file; }

  /// Puts the file in its place. Throws FileError where something could not be written.
  void finish();

 private:
  std::string path, beside;
  std::FILE *file;
};

}    // namespace mlff
