// A progress bar on standard error: live in a terminal; elsewhere a line each tenth, but not more
// than one in ten seconds, and one at the end.
#pragma once

#include <chrono>
#include <string>

namespace mlff {

class Progress {
 public:
  explicit Progress(std::string title);
  ~Progress();

  /// share: 0 to 1. Prints at most ten times a second.
  void update(double share, const std::string &detail = "");

  /// Whether progress of this process is not shown at all, as --quiet asks for.
  static void set_quiet(bool quiet);

 private:
  std::string title;
  bool terminal;
  int tenths = -1;
  bool drawn = false;
  std::chrono::steady_clock::time_point start, last;
};

}    // namespace mlff
