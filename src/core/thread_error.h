// Errors of the threads of a parallel region, which an exception must not leave.
#pragma once

#include <atomic>
#include <exception>

namespace mlff {

class ThreadError {
 public:
  /// Runs `work`, and keeps what it throws where it is the first of all threads. After an error
  /// nothing is run any more.
  template <typename Work> void run(const Work &work) noexcept
  {
    if (failed.load(std::memory_order_relaxed)) return;
    try {
      work();
    } catch (...) {
      if (!failed.exchange(true)) error = std::current_exception();
    }
  }

  /// Behind the region: throws what was kept.
  void rethrow() const
  {
    if (error) std::rethrow_exception(error);
  }

 private:
  std::atomic<bool> failed = false;
  std::exception_ptr error;
};

}    // namespace mlff
