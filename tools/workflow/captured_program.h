// Other programs, asked for what they print.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace mlff {

struct CapturedProgram {
  bool timed_out = false;
  int status = 0;        ///< exit status, or 128 + the signal
  std::string output;    ///< standard output and error together, at most a few MiB

  bool good() const { return !timed_out && status == 0; }
};

/// The file of a program that the shell would find, or nothing.
std::optional<std::filesystem::path> program_on_path(const std::string &name);

/// Runs a program without a shell, its standard input empty, and waits at most so many seconds;
/// then it and what it has started are killed. Nothing where it cannot be started.
std::optional<CapturedProgram> capture(const std::vector<std::string> &words, double seconds);

}    // namespace mlff
