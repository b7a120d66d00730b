// Starts a program, reads what it prints, and ends it in time.
#include "workflow/captured_program.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <sstream>
#include <thread>

namespace mlff {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

namespace {

  constexpr std::size_t most_output = 4 << 20;    // bytes; what follows is thrown away
  constexpr int not_started = 127;                // as of a shell

  [[noreturn]] void become(const std::vector<std::string> &words, int output)
  {
    setpgid(0, 0);    // so that all that it starts can be ended with it
    const int input = open("/dev/null", O_RDONLY);
    dup2(input, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    std::vector<char *> argv;
    argv.reserve(words.size() + 1);
    for (const auto &word : words) argv.push_back(const_cast<char *>(word.c_str()));
    argv.push_back(nullptr);
    execvp(argv[0], argv.data());
    _exit(not_started);
  }

  /// Milliseconds that are left, at least 0.
  int left_until(Clock::time_point end)
  {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    return std::max(0, int(left.count()));
  }

  /// Reads until the other side closes; false where that takes too long.
  bool read_until(int from, Clock::time_point end, std::string &text)
  {
    char buffer[4096];
    for (;;) {
      pollfd wait{from, POLLIN, 0};
      if (poll(&wait, 1, left_until(end)) <= 0) return false;
      const ssize_t n = read(from, buffer, sizeof buffer);
      if (n <= 0) return true;
      text.append(buffer,
                  std::min(std::size_t(n), most_output - std::min(most_output, text.size())));
    }
  }

  /// The status of a process that ends before `end`; false where it does not.
  bool wait_until(pid_t process, Clock::time_point end, int &status)
  {
    while (waitpid(process, &status, WNOHANG) == 0) {
      if (left_until(end) == 0) return false;
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return true;
  }

}    // namespace

std::optional<fs::path> program_on_path(const std::string &name)
{
  const char *folders = std::getenv("PATH");
  std::istringstream list(folders ? folders : "");
  for (std::string folder; std::getline(list, folder, ':');) {
    const fs::path file = fs::path(folder.empty() ? "." : folder) / name;
    if (fs::is_regular_file(file) && access(file.c_str(), X_OK) == 0) return file;
  }
  return std::nullopt;
}

std::optional<CapturedProgram> capture(const std::vector<std::string> &words, double seconds)
{
  int ends[2];
  if (words.empty() || pipe2(ends, O_CLOEXEC) != 0) return std::nullopt;
  const pid_t process = fork();
  if (process == 0) become(words, ends[1]);
  close(ends[1]);
  if (process < 0) {
    close(ends[0]);
    return std::nullopt;
  }
  CapturedProgram captured;
  const auto end = Clock::now() +
      std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
  int status = 0;
  captured.timed_out = !read_until(ends[0], end, captured.output) ||
      !wait_until(process, end, status);
  close(ends[0]);
  if (captured.timed_out) {
    kill(-process, SIGKILL);
    kill(process, SIGKILL);    // its group may not be there yet
    waitpid(process, &status, 0);
  }
  captured.status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  if (captured.status == not_started && captured.output.empty()) return std::nullopt;
  return captured;
}

}    // namespace mlff
