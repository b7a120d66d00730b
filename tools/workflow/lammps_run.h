// LAMMPS, and other work, in a process of its own: its log, its progress, its threads.
#pragma once

#include "teacher/lammps/find_lammps.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace mlff {

/// Counts frames of an extended XYZ file while another process writes them.
class FrameCounter {
 public:
  explicit FrameCounter(std::filesystem::path path) : path(std::move(path)) {}
  long count();

 private:
  std::filesystem::path path;
  std::streamoff offset = 0;
  long frames = 0;
};

/// Standard output and error of this process go to a file from now on.
void output_to(const std::filesystem::path &path);

/// The last line with ERROR of a log, or what the exit status says.
std::string last_error(const std::filesystem::path &log, int status);

/// Processes started from now on use one thread each, and may use MPI as any user.
void one_thread_each();

/// A number as LAMMPS' command line takes it.
std::string number(double value);

/// A recipe of LAMMPS with other forces: its commands pair_style and pair_coeff, which follow each
/// other, are replaced by `force`, some of whose commands go before the system is made.
std::string with_force(const std::string &recipe, const std::string &force);

/// Writes `input` to in.run in a folder and replaces this process by LAMMPS running it there, with
/// the variables given. Does not return.
[[noreturn]] void
replace_by_lammps(const std::string &lammps, const std::filesystem::path &folder,
                  const std::string &input,
                  const std::vector<std::pair<std::string, std::string>> &variables);

}    // namespace mlff
