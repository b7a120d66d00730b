// OutputFile: a file that appears under its name only when it is complete.
#pragma once

#include <cstdio>
#include <string>

namespace mlff {

class OutputFile {
 public:
  /// Throws FileError if the file exists and may not be overwritten.
  static void check(const std::string &path, bool force);

  /// Opens a file beside `path`. Throws FileError if that is not possible or check() fails.
  OutputFile(const std::string &path, bool force);

  /// Removes a file that was not finished.
  ~OutputFile();
  OutputFile(const OutputFile &) = delete;
  OutputFile &operator=(const OutputFile &) = delete;

  operator std::FILE *() const { return file; }

  /// Moves the file to its place. Throws FileError if something could not be written.
  void finish();

 private:
  std::string path, beside;
  std::FILE *file;
};

}    // namespace mlff
