// A program started for this one by a command line, in a folder of its own.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace mlff {

/// A folder for temporary files that goes with this object.
class TemporaryFolder {
 public:
  /// Throws ClientError where there is no place for it.
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder &) = delete;
  TemporaryFolder &operator=(const TemporaryFolder &) = delete;

  const std::filesystem::path &path() const { return folder; }

 private:
  std::filesystem::path folder;
  pid_t owner;
};

/// A command line run by the shell. It sees nothing of the MPI that this process may belong to,
/// finds programs beside this one, and ends with this process.
class ClientProcess {
 public:
  using Variables = std::vector<std::pair<std::string, std::string>>;

  /// Runs `command` in `folder`, with further environment variables. Throws ClientError.
  ClientProcess(const std::string &command, const std::filesystem::path &folder,
                const Variables &variables = {});

  /// Ends the command and all that it has started.
  ~ClientProcess();
  ClientProcess(const ClientProcess &) = delete;
  ClientProcess &operator=(const ClientProcess &) = delete;

  pid_t pid() const { return child; }

  bool has_ended() const;

  /// Whether it has ended otherwise than with status 0.
  bool has_failed() const;

  /// Waits at most so many seconds for its end; whether it has come.
  bool wait(double seconds) const;

  /// "it ended with status 1", "it was ended by signal 9 (Killed)", "it runs"
  std::string state() const;

  /// All that it has printed, at most some MiB.
  std::string output() const;

  /// The last lines of its output, each behind a line end and two blanks; empty: it said nothing.
  std::string last_lines() const;

 private:
  std::filesystem::path output_file;
  pid_t child = 0, owner;
};

}    // namespace mlff
