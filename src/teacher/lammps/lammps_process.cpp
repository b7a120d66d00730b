// LAMMPS in a process of its own.
#include "teacher/lammps/lammps_process.h"

#include "core/errors.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <set>
#include <sstream>
#include <utility>
#include <vector>

extern "C" char **environ;

namespace mlff {

namespace {

  [[noreturn]] void unavailable(const char *what)
  {
    throw TeacherUnavailable(std::string("cannot ") + what + " LAMMPS: " + std::strerror(errno));
  }

  /// Name by which other processes of the same user open a file descriptor of this one.
  std::string name_of(int file)
  {
    return "/proc/" + std::to_string(getpid()) + "/fd/" + std::to_string(file);
  }

  std::string trimmed(const std::string &line)
  {
    const auto begin = line.find_first_not_of(" \t\r");
    if (begin == std::string::npos) return "";
    return line.substr(begin, line.find_last_not_of(" \t\r") - begin + 1);
  }

  /// The environment of the new process.
  std::vector<std::string> environment_with(int threads)
  {
    std::vector<std::string> list;
    for (char **entry = environ; *entry; entry++)
      if (threads <= 0 || !std::string(*entry).starts_with("OMP_NUM_THREADS="))
        list.emplace_back(*entry);
    if (threads > 0) list.push_back("OMP_NUM_THREADS=" + std::to_string(threads));
    return list;
  }

}    // namespace

LammpsProcess::LammpsProcess(std::string program, int threads) :
    program(std::move(program)), threads(threads)
{
}

LammpsProcess::~LammpsProcess()
{
  if (runs()) {
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
  close_files();
}

bool LammpsProcess::runs() const
{
  return child != 0 && owner == getpid();
}

void LammpsProcess::close_files()
{
  for (int *file : {&channel, &messages, &data, &answer_begin, &answer_end})
    if (*file >= 0) close(std::exchange(*file, -1));
}

void LammpsProcess::start()
{
  close_files();
  answer.clear();
  heard = false;
  int input[2], answers[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, input) != 0) unavailable("connect to");
  channel = input[0];
  if (pipe2(answers, O_CLOEXEC) != 0) {
    close(input[1]);
    unavailable("connect to");
  }
  answer_end = answers[0];
  answer_begin = answers[1];
  fcntl(answer_end, F_SETFL, O_NONBLOCK);
  fcntl(answer_end, F_SETPIPE_SZ, 1 << 20);    // large answers need not wait for their reader
  data = memfd_create("mlff-lammps-data", MFD_CLOEXEC);
  messages = memfd_create("mlff-lammps-messages", MFD_CLOEXEC);
  if (data < 0 || messages < 0) {
    close(input[1]);
    unavailable("share memory with");
  }
  fcntl(messages, F_SETFL, O_APPEND);

  std::vector<std::string> words = environment_with(threads);
  std::vector<char *> environment;
  environment.reserve(words.size() + 1);
  for (auto &word : words) environment.push_back(word.data());
  environment.push_back(nullptr);
  std::fflush(nullptr);
  owner = getpid();
  child = fork();
  if (child == 0) become_lammps(input[1], environment.data());
  close(input[1]);
  if (child < 0) {
    child = 0;
    unavailable("start");
  }
  if (version_told == 0)
    send("print \"mlff version $(version:%.0f)\" append " + answer_file() + " screen no\n", "");
}

/// The work of the new process.
void LammpsProcess::become_lammps(int input, char *const *environment) const
{
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != owner) _exit(1);
  dup2(input, STDIN_FILENO);
  dup2(messages, STDOUT_FILENO);
  dup2(messages, STDERR_FILENO);
  const char *const words[] = {program.c_str(), "-log",   "none", "-nocite",
                               "-echo",         "screen", nullptr};
  execve(program.c_str(), const_cast<char *const *>(words), environment);
  std::fprintf(stderr, "'%s' cannot be run: %s\n", program.c_str(), std::strerror(errno));
  std::fflush(stderr);
  _exit(127);
}

std::string LammpsProcess::data_file() const
{
  return name_of(data);
}

std::string LammpsProcess::answer_file() const
{
  return name_of(answer_begin);
}

void LammpsProcess::send(const std::string &commands, const std::string &contents)
{
  given = commands;
  // what a process says that cannot even start must not be lost
  if ((heard && ftruncate(messages, 0) != 0) || ftruncate(data, 0) != 0)
    unavailable("share memory with");
  for (std::size_t done = 0; done < contents.size();) {
    const ssize_t n = pwrite(data, contents.data() + done, contents.size() - done, off_t(done));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) unavailable("share memory with");
    done += std::size_t(n);
  }
  for (std::size_t done = 0; done < commands.size();) {
    const ssize_t n = ::send(channel, commands.data() + done, commands.size() - done, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;    // the process has ended, which receive() tells
    done += std::size_t(n);
  }
}

bool LammpsProcess::receive()
{
  char buffer[1 << 16];
  const auto read_all = [&] {
    for (ssize_t n; (n = read(answer_end, buffer, sizeof buffer)) != 0;) {
      if (n > 0)
        answer.append(buffer, std::size_t(n));
      else if (errno != EINTR)
        break;
    }
  };
  read_all();
  pollfd alive{channel, POLLIN, 0};
  bool ended = false;
  if (poll(&alive, 1, 0) > 0) {
    const ssize_t n = recv(channel, buffer, sizeof buffer, MSG_DONTWAIT);
    ended = n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
  }
  if (ended) read_all();    // answers from before its end
  heard = heard || !answer.empty();
  constexpr const char *mark = "mlff version ";
  if (const auto end = answer.find('\n'); answer.starts_with(mark) && end != std::string::npos) {
    version_told = std::atol(answer.c_str() + std::strlen(mark));
    answer.erase(0, end + 1);
  }
  return !ended;
}

std::string LammpsProcess::end()
{
  int status = 0;
  // a process that has closed its input ends at once, or does not end
  constexpr int patience = 500;
  int waited = 0;
  while (waitpid(child, &status, WNOHANG) == 0 && waited++ < patience) usleep(10000);
  if (waited > patience) {
    kill(child, SIGKILL);
    waitpid(child, &status, 0);
  }
  child = 0;
  const off_t size = lseek(messages, 0, SEEK_END);
  std::string output(std::size_t(std::max<off_t>(size, 0)), '\0');
  const ssize_t n = pread(messages, output.data(), output.size(), 0);
  output.resize(std::size_t(std::max<ssize_t>(n, 0)));
  close_files();
  if (auto error = error_of_lammps(output, given); !error.empty()) return error;

  std::string text = "'" + std::filesystem::path(program).filename().string() + "' ended";
  if (WIFSIGNALED(status))
    text +=
        " by signal " + std::to_string(WTERMSIG(status)) + " (" + strsignal(WTERMSIG(status)) + ")";
  else
    text += " with status " + std::to_string(WEXITSTATUS(status));
  std::istringstream lines(output);
  std::string last;
  for (std::string line; std::getline(lines, line);)
    if (!trimmed(line).empty()) last = trimmed(line);
  return last.empty() ? text : text + ": " + last;
}

std::string error_of_lammps(const std::string &output, const std::string &given)
{
  std::set<std::string> commands;
  std::istringstream list(given), lines(output);
  for (std::string line; std::getline(list, line);) commands.insert(trimmed(line));
  std::string error, printed, named;
  for (std::string line; std::getline(lines, line);) {
    const std::string words = trimmed(line);
    if (error.empty() && commands.contains(words)) printed = words;
    if (words.starts_with("ERROR")) {
      error = words;
      named.clear();
    }
    for (const char *mark : {"Last input line:", "Last command:"})
      if (!error.empty() && named.empty() && words.starts_with(mark))
        named = trimmed(words.substr(std::strlen(mark)));
  }
  if (error.empty()) return "";
  if (named.empty()) named = printed;
  return "LAMMPS says '" + error + "'" + (named.empty() ? "" : " at '" + named + "'");
}

}    // namespace mlff
