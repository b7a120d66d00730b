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

void run_tasks(std::vector<Task> &tasks, int jobs, const std::function<void(double share)> &report)
{
  std::map<pid_t, std::size_t> running;
  std::size_t next = 0, done = 0;
  const pid_t own = getpid();
  // whoever leaves this function early takes the processes along
  struct Guard {
    std::map<pid_t, std::size_t> &running;
    ~Guard()
    {
      for (const auto &[pid, task] : running) kill(pid, SIGKILL);
      for (const auto &[pid, task] : running) waitpid(pid, nullptr, 0);
    }
  } guard{running};

  while (done < tasks.size()) {
    while (next < tasks.size() && int(running.size()) < std::max(jobs, 1)) {
      std::fflush(nullptr);
      const pid_t pid = fork();
      if (pid < 0)
        throw std::runtime_error(std::string("cannot start a process: ") + std::strerror(errno));
      if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != own) _exit(1);
        int status = 1;
        try {
          status = tasks[next].run();
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
      auto &task = tasks[running[pid]];
      running.erase(pid);
      done++;
      task.finished(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
    } else
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    double share = double(done);
    for (const auto &[child, task] : running) share += std::clamp(tasks[task].progress(), 0.0, 1.0);
    report(share / double(tasks.size()));
  }
}

}    // namespace mlff
