// The program mlff as a user runs it, in a folder of the test's own.
#pragma once

#include "support/folder_fixture.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <fstream>
#include <functional>
#include <thread>
#include <vector>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace mlff_test {

class ProgramTest : public FolderTest {
 protected:
  int status = 0;

  /// Runs mlff; returns standard output, or with `errors` standard error.
  std::string run(const std::string &arguments, bool errors = false)
  {
    const std::string command = "cd '" + folder.string() + "' && " MLFF_PROGRAM " " + arguments +
        (errors ? " 2>&1 >/dev/null" : " 2>/dev/null");
    std::FILE *pipe = popen(command.c_str(), "r");
    std::string text;
    std::array<char, 4096> buffer;
    for (std::size_t n; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
      text.append(buffer.data(), n);
    status = pclose(pipe);
    return text;
  }

  /// Runs mlff, its output to the file `out`; returns the largest memory that it had resident, KiB.
  long peak_memory(const std::string &arguments)
  {
    const pid_t child = fork();
    if (child == 0) {
      const std::string command =
          "cd '" + folder.string() + "' && exec " MLFF_PROGRAM " " + arguments + " > out 2>&1";
      execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
      _exit(1);
    }
    rusage used{};
    wait4(child, &status, 0, &used);
    return used.ru_maxrss;
  }

  /// Starts mlff, its output to the files `out` and `err`, and sends it a signal when it is
  /// `late_enough`; true if it was still at work.
  bool kill_when(const std::string &arguments, const std::function<bool()> &late_enough,
                 int signal = SIGKILL)
  {
    const pid_t child = fork();
    if (child == 0) {
      const std::string command =
          "cd '" + folder.string() + "' && exec " MLFF_PROGRAM " " + arguments + " > out 2> err";
      execl("/bin/sh", "sh", "-c", command.c_str(), nullptr);
      _exit(1);
    }
    for (bool late = false; !late;) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      late = late_enough();
      if (waitpid(child, nullptr, WNOHANG) == child) return false;
    }
    kill(child, signal);
    waitpid(child, nullptr, 0);
    return true;
  }

  long lines(const std::string &name) const
  {
    std::ifstream in(file(name));
    return std::count(std::istreambuf_iterator<char>(in), {}, '\n');
  }

  void expect_error(const std::string &arguments, const std::vector<std::string> &words)
  {
    const std::string text = run(arguments, true);
    EXPECT_NE(status, 0) << arguments;
    for (const auto &word : words)
      EXPECT_NE(text.find(word), std::string::npos) << arguments << "\n" << text;
  }
};

}    // namespace mlff_test
