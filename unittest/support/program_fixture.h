// The program mlff as a user runs it, in a folder of the test's own.
#pragma once

#include "support/folder_fixture.h"

#include <array>
#include <cstdio>
#include <vector>

#include <sys/resource.h>
#include <sys/wait.h>

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

  void expect_error(const std::string &arguments, const std::vector<std::string> &words)
  {
    const std::string text = run(arguments, true);
    EXPECT_NE(status, 0) << arguments;
    for (const auto &word : words)
      EXPECT_NE(text.find(word), std::string::npos) << arguments << "\n" << text;
  }
};

}    // namespace mlff_test
