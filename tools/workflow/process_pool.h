// Independent tasks in processes of their own, as many at a time as there are cores.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace mlff {

struct Task {
  std::function<int()>
      run;    ///< in the new process; its value is the exit status. May replace the process.
  std::function<double()> progress;    ///< share done, asked in this process while the task runs
  std::function<void(int status)>
      finished;    ///< in this process; status 0, or the exit status, or 128 + the signal
};

/// Runs all tasks, at most `jobs` at a time, and tells `report` the share of all that is done. The
/// processes end with this one, however it ends.
void run_tasks(std::vector<Task> &tasks, int jobs, const std::function<void(double share)> &report);

}    // namespace mlff
