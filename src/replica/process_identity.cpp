// Processes by number and start time, read from /proc, and the launch by the environment.
#include "replica/process_identity.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace mlff {

long start_time_of(pid_t pid)
{
  char path[64], text[1024];
  std::snprintf(path, sizeof(path), "/proc/%d/stat", int(pid));
  const int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  const ssize_t n = read(file, text, sizeof(text) - 1);
  close(file);
  if (n <= 0) return 0;
  text[n] = '\0';
  // the last parenthesis, as the program's name between them may hold any character
  const char *at = std::strrchr(text, ')');
  if (!at || at[1] != ' ' || at[2] == 'Z' || at[2] == 'X') return 0;
  // fields 3 to 22, a blank before each
  for (int field = 3; field <= 22; field++) {
    at = std::strchr(at + 1, ' ');
    if (!at) return 0;
  }
  return std::atol(at);
}

bool ProcessIdentity::exists() const
{
  return start_time_of(pid) == start_time;
}

ProcessIdentity ProcessIdentity::of_this_process()
{
  return {getpid(), start_time_of(getpid())};
}

std::string launch_of_this_process()
{
  std::string text;
  for (const char *name :
       {"PMIX_NAMESPACE", "OMPI_MCA_ess_base_jobid", "PMI_JOBID", "SLURM_STEP_ID"})
    if (const char *value = std::getenv(name)) {
      text = std::string(name) + "=" + value;
      break;
    }
  if (const char *value = std::getenv("SLURM_JOB_ID")) text += std::string(";") + value;
  if (text.empty()) text = std::to_string(getppid());
  return text + ";" + std::to_string(getppid()) + ";" + std::to_string(start_time_of(getppid()));
}

}    // namespace mlff
