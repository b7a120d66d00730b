// Independent pieces of work in processes of their own, as many at a time as there are cores.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace mlff {

/// `given`, or the number of cores where that is 0.
int processes_at_a_time(int given);

class ProcessPool {
 public:
  struct Work {
    /// Runs in the new process; its value is the exit status. May replace the process.
    std::function<int()> run;

    /// Share done, asked in this process while the other runs; null: not known.
    std::function<double()> progress;

    /// Called in this process at the end, with status 0, or the exit status, or 128 + the signal.
    std::function<void(int status)> finished;
  };

  void add(Work work) { list.push_back(std::move(work)); }
  std::size_t size() const { return list.size(); }

  /// Runs all work, at most so many processes at a time, and tells `report` the share of all that
  /// is done. The processes end with this one, however it ends.
  void run(int at_a_time, const std::function<void(double share)> &report);

 private:
  std::vector<Work> list;
};

}    // namespace mlff
