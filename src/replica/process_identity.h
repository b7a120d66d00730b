// Identity of processes that find each other without messages: the process, whether it still
// exists, and the launch that it belongs to.
#pragma once

#include <sys/types.h>

#include <string>

namespace mlff {

/// A process of this machine. The start time distinguishes it from a later process with the same
/// number.
struct ProcessIdentity {
  pid_t pid = 0;
  long start_time = 0;    ///< clock ticks since boot

  bool operator==(const ProcessIdentity &) const = default;

  /// Returns false for a process that has ended, also if its parent has not waited for it yet.
  bool exists() const;

  static ProcessIdentity of_this_process();
};

/// Start time of a process in clock ticks since boot, or 0 if it no longer exists or is a zombie.
long start_time_of(pid_t pid);

/// Name of the launch that this process belongs to, found without messages: the launcher's job
/// number if the launcher gives it (PMIx, Slurm), else the parent process and its start time.
std::string launch_of_this_process();

}    // namespace mlff
