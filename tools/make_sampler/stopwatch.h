// Wall-clock time since a moment.
#pragma once

#include <chrono>

namespace mlff {

class Stopwatch {
 public:
  double seconds() const
  {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }

 private:
  std::chrono::steady_clock::time_point start = std::chrono::steady_clock::now();
};

}    // namespace mlff
