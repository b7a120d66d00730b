// A program started by a command line: its environment, its output, its end.
#include "ipi/client_process.h"

#include "ipi/client_errors.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>
#include <system_error>
#include <thread>

namespace mlff {

namespace fs = std::filesystem;

namespace {

  /// Begins of names of variables by which an MPI library knows its ranks. A client with MPI would
  /// take itself for one of ours.
  constexpr std::array<std::string_view, 7> variables_of_mpi = {"OMPI_COMM_WORLD_",
                                                                "OMPI_MCA_ess",
                                                                "OMPI_MCA_orte_",
                                                                "OMPI_MCA_pmix",
                                                                "PMIX_",
                                                                "PMI_",
                                                                "HYDI_"};

  /// Folders in which programs of the package lie: that of this program, and that of the Python
  /// which has started it.
  std::string folders_of_programs()
  {
    std::error_code error;
    std::string folders = ":" + fs::read_symlink("/proc/self/exe", error).parent_path().string();
    if (const char *python = std::getenv("MLFF_PYTHON"))
      folders += ":" + fs::path(python).parent_path().string();
    return folders;
  }

  std::vector<std::string> environment_of(const ClientProcess::Variables &variables)
  {
    std::vector<std::string> words;
    for (char **word = environ; *word; word++) {
      const std::string_view text = *word;
      const bool of_mpi =
          std::any_of(variables_of_mpi.begin(), variables_of_mpi.end(), [&](auto begin) {
            return text.starts_with(begin);
          });
      if (!of_mpi && !text.starts_with("PATH=")) words.emplace_back(text);
    }
    const char *path = std::getenv("PATH");
    words.push_back("PATH=" + std::string(path ? path : "/usr/bin:/bin") + folders_of_programs());
    for (const auto &[name, value] : variables) words.push_back(name + "=" + value);
    return words;
  }

  std::vector<char *> pointers_to(std::vector<std::string> &words)
  {
    std::vector<char *> pointers;
    pointers.reserve(words.size() + 1);
    for (auto &word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    return pointers;
  }

  /// The new process, up to its program. It calls only what a process of several threads may call
  /// behind a fork.
  [[noreturn]] void become(const char *folder, int output, pid_t parent, char *const *words,
                           char *const *environment)
  {
    // a group, so that all it starts can be ended; and not the one that gets an interrupt
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGCHLD}) signal(number, SIG_DFL);
    const int nothing = open("/dev/null", O_RDONLY);
    dup2(nothing, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    for (int other = STDERR_FILENO + 1; other < 1024; other++) close(other);
    if (chdir(folder) == 0) execve(words[0], words, environment);
    _exit(127);
  }

}    // namespace

TemporaryFolder::TemporaryFolder() : owner(getpid())
{
  std::error_code error;
  std::string path = (fs::temp_directory_path(error) / "mlff-client-XXXXXX").string();
  if (error || !mkdtemp(path.data()))
    throw ClientError("there is no folder for temporary files (TMPDIR): " +
                      (error ? error.message() : std::strerror(errno)));
  folder = path;
}

TemporaryFolder::~TemporaryFolder()
{
  std::error_code error;
  if (owner == getpid()) fs::remove_all(folder, error);
}

ClientProcess::ClientProcess(const std::string &command, const fs::path &folder,
                             const Variables &variables) :
    output_file(folder / "client.out"),
    owner(getpid())
{
  std::vector<std::string> words = {"/bin/sh", "-c", command},
                           environment = environment_of(variables);
  const auto word = pointers_to(words), variable = pointers_to(environment);
  const std::string place = folder.string();
  const int output =
      open(output_file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644);
  if (output < 0)
    throw ClientError("'" + output_file.string() + "' cannot be written: " + std::strerror(errno));
  child = fork();
  if (child == 0) become(place.c_str(), output, owner, word.data(), variable.data());
  const int error = errno;
  close(output);
  if (child < 0)
    throw ClientError("the command '" + command + "' cannot be started: " + std::strerror(error));
  // also here, as either process may be the first
  setpgid(child, child);
}

ClientProcess::~ClientProcess()
{
  if (owner != getpid()) return;
  // until it is waited for, its number belongs to no other process
  if (!has_ended()) kill(-child, SIGTERM);
  if (!wait(0.5)) kill(-child, SIGKILL);
  kill(-child, SIGKILL);
  while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {}
}

bool ClientProcess::has_ended() const
{
  siginfo_t info{};
  // an error: the process is not there any more
  return waitid(P_PID, id_t(child), &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
      info.si_pid == child;
}

bool ClientProcess::has_failed() const
{
  siginfo_t info{};
  if (waitid(P_PID, id_t(child), &info, WEXITED | WNOHANG | WNOWAIT) != 0) return true;
  return info.si_pid == child && (info.si_code != CLD_EXITED || info.si_status != 0);
}

bool ClientProcess::wait(double seconds) const
{
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  while (!has_ended()) {
    if (Clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

std::string ClientProcess::state() const
{
  siginfo_t info{};
  if (waitid(P_PID, id_t(child), &info, WEXITED | WNOHANG | WNOWAIT) != 0) return "it is gone";
  if (info.si_pid != child) return "it runs";
  const auto signal_text = [](int number) {
    return "signal " + std::to_string(number) + " (" + strsignal(number) + ")";
  };
  if (info.si_code != CLD_EXITED) return "it was ended by " + signal_text(info.si_status);
  const int status = info.si_status;
  // so the shell tells of a program that a signal has ended
  if (status > 128 && status < 128 + NSIG) return "it was ended by " + signal_text(status - 128);
  return "it ended with status " + std::to_string(status);
}

std::string ClientProcess::output() const
{
  constexpr std::streamoff most = 4 << 20;
  std::ifstream in(output_file, std::ios::binary);
  in.seekg(0, std::ios::end);
  in.seekg(std::max<std::streamoff>(0, in.tellg() - most));
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::string ClientProcess::last_lines() const
{
  constexpr std::size_t most_lines = 6, most_columns = 300;
  std::vector<std::string> lines;
  std::istringstream in(output());
  for (std::string line; std::getline(in, line);)
    if (line.find_first_not_of(" \t\r") != std::string::npos)
      lines.push_back(line.substr(0, most_columns));
  std::string text;
  for (std::size_t k = lines.size() - std::min(lines.size(), most_lines); k < lines.size(); k++)
    text += "\n  " + lines[k];
  return text;
}

}    // namespace mlff
