// Pieces of work in processes of their own.
#include "workflow/process_pool.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <map>
#include <stdexcept>
#include <thread>

namespace mlff {

int processes_at_a_time(int given)
{
  return given > 0 ? given : std::max(1, int(std::thread::hardware_concurrency()));
}

void ProcessPool::run(int at_a_time, const std::function<void(double share)> &report)
{
  std::map<pid_t, std::size_t> running;
  std::size_t next = 0, done = 0;
  const pid_t parent = getpid();
  // an exception must not leave processes behind
  struct Guard {
    std::map<pid_t, std::size_t> &running;
    ~Guard()
    {
      for (const auto &[pid, index] : running) kill(pid, SIGKILL);
      for (const auto &[pid, index] : running) waitpid(pid, nullptr, 0);
    }
  } guard{running};

  while (done < list.size()) {
    while (next < list.size() && int(running.size()) < std::max(at_a_time, 1)) {
      std::fflush(nullptr);
      const pid_t pid = fork();
      if (pid < 0)
        throw std::runtime_error(std::string("cannot start a process: ") + std::strerror(errno));
      if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) _exit(1);
        int status = 1;
        try {
          status = list[next].run();
        } catch (const std::exception &error) {
          std::fprintf(stderr, "ERROR: %s\n", error.what());
        }
        std::fflush(nullptr);
        _exit(status);
      }
      running[pid] = next++;
    }
    int status = 0;
    const pid_t pid = waitpid(-1, &status, WNOHANG);
    if (pid > 0 && running.contains(pid)) {
      const auto &work = list[running[pid]];
      running.erase(pid);
      done++;
      work.finished(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    } else
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    double share = double(done);
    for (const auto &[child, index] : running)
      if (list[index].progress) share += std::clamp(list[index].progress(), 0.0, 1.0);
    report(share / double(list.size()));
  }
}

}    // namespace mlff
