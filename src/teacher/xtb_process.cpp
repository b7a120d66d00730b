// xTB in a process of its own.
#include "teacher/xtb_process.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace mlff {

namespace {

  struct RequestHead {
    std::int64_t atoms;
    std::int32_t charge, uhf;
  };

  enum class Outcome : std::int64_t { done, failed, unavailable };

  /// Head of an answer; `size` bytes follow: energy and forces, or a text.
  struct AnswerHead {
    Outcome outcome;
    std::int64_t size;
  };

  template <class T> void append(std::string &bytes, const T *values, std::size_t count)
  {
    bytes.append(reinterpret_cast<const char *>(values), count * sizeof(T));
  }

  /// Reads from a channel in large pieces.
  class Reader {
   public:
    explicit Reader(int channel) : channel(channel), buffer(1 << 16) {}

    /// Whether nothing is left of what was read.
    bool is_empty() const { return begin == end; }

    bool read(void *into, std::size_t size)
    {
      auto *place = static_cast<char *>(into);
      while (size > 0) {
        if (is_empty()) {
          const ssize_t n = ::read(channel, buffer.data(), buffer.size());
          if (n < 0 && errno == EINTR) continue;
          if (n <= 0) return false;
          begin = 0;
          end = std::size_t(n);
        }
        const std::size_t n = std::min(size, end - begin);
        std::memcpy(place, buffer.data() + begin, n);
        begin += n;
        place += n;
        size -= n;
      }
      return true;
    }

   private:
    int channel;
    std::vector<char> buffer;
    std::size_t begin = 0, end = 0;
  };

  bool write_all(int channel, const std::string &bytes)
  {
    for (std::size_t done = 0; done < bytes.size();) {
      const ssize_t n = send(channel, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      done += std::size_t(n);
    }
    return true;
  }

  /// The work of the new process: answers requests until there are no more. Answers wait for each
  /// other while there are more requests, but no longer than a few milliseconds.
  void serve(int channel, XtbPool &pool, long &begun)
  {
    using Clock = std::chrono::steady_clock;
    constexpr auto longest_wait = std::chrono::milliseconds(2);
    Reader reader(channel);
    std::vector<int> numbers;
    std::vector<double> positions, result;
    std::string answers;
    auto written = Clock::now();
    for (RequestHead head; reader.read(&head, sizeof head);) {
      const auto n = std::size_t(head.atoms);
      numbers.resize(n);
      positions.resize(3 * n);
      result.resize(1 + 3 * n);
      if (!reader.read(numbers.data(), n * sizeof(int)) ||
          !reader.read(positions.data(), 3 * n * sizeof(double)))
        return;
      std::string text;
      auto outcome = Outcome::done;
      std::atomic_ref(begun)++;
      try {
        result[0] =
            pool.evaluate(numbers, head.charge, head.uhf, positions, std::span(result).subspan(1));
      } catch (const XtbUnavailable &error) {
        outcome = Outcome::unavailable;
        text = error.what();
      } catch (const std::exception &error) {
        outcome = Outcome::failed;
        text = error.what();
      }
      const AnswerHead answer_head{
          outcome,
          std::int64_t(outcome == Outcome::done ? result.size() * sizeof(double) : text.size())};
      append(answers, &answer_head, 1);
      if (outcome == Outcome::done)
        append(answers, result.data(), result.size());
      else
        answers += text;
      const auto now = Clock::now();
      if (!reader.is_empty() && now - written < longest_wait) continue;
      if (!write_all(channel, answers)) return;
      answers.clear();
      written = now;
    }
  }

}    // namespace

XtbProcess::XtbProcess(const XtbOptions &options) : pool(options)
{
  void *shared =
      mmap(nullptr, sizeof *begun, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED)
    throw XtbUnavailable(std::string("cannot share memory with a process for xTB: ") +
                         std::strerror(errno));
  begun = static_cast<long *>(shared);
}

XtbProcess::~XtbProcess()
{
  stop();
  munmap(begun, sizeof *begun);
}

void XtbProcess::start()
{
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    throw XtbUnavailable(std::string("cannot connect to a process for xTB: ") +
                         std::strerror(errno));
  messages = memfd_create("mlff-xtb", MFD_CLOEXEC);
  std::fflush(nullptr);
  answered = *begun = 0;
  const pid_t parent = getpid();
  child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    // If libxtb ends this process, its exit must not touch files of the other process.
    std::atexit([] {
      _exit(EXIT_FAILURE);
    });
    close(ends[0]);
    if (messages >= 0) {
      dup2(messages, STDOUT_FILENO);
      dup2(messages, STDERR_FILENO);
    }
    // libgomp waits for ever for threads that a fork has left behind; a new thread gets new ones
    std::thread([&] {
      serve(ends[1], pool, *begun);
    }).join();
    _exit(EXIT_SUCCESS);
  }
  close(ends[1]);
  channel = ends[0];
  if (child < 0) {
    child = 0;
    const std::string why = std::strerror(errno);
    stop();
    throw XtbUnavailable("cannot start a process for xTB: " + why);
  }
  fcntl(channel, F_SETFL, O_NONBLOCK);
}

void XtbProcess::stop()
{
  if (channel >= 0) close(channel);
  if (messages >= 0) close(messages);
  channel = messages = -1;
  if (child > 0) {
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    remove_xtb_folders(child);
  }
  child = 0;
  to_send.clear();
  received.clear();
  unsent = 0;
}

void XtbProcess::queue(const Request &request)
{
  const RequestHead head{std::int64_t(request.numbers.size()), request.charge, request.uhf};
  append(to_send, &head, 1);
  append(to_send, request.numbers.data(), request.numbers.size());
  append(to_send, request.positions.data(), request.positions.size());
}

/// A new process, which gets all that is under way.
void XtbProcess::restart()
{
  start();
  for (const auto &request : under_way)
    if (request.crash.empty()) queue(request);
}

void XtbProcess::send(const Structure &structure, int charge, int uhf)
{
  under_way.push_back({charge, uhf, structure.numbers, structure.positions, {}});
  if (child == 0)
    restart();
  else
    queue(under_way.back());
  // some at a time, as far as they go at once; the rest is sent while an answer is waited for
  constexpr int together = 8;
  if (++unsent < together) return;
  const ssize_t n = ::send(channel, to_send.data(), to_send.size(), MSG_NOSIGNAL);
  if (n > 0) to_send.erase(0, std::size_t(n));
  unsent = 0;
}

/// Sends and receives what there is, or waits. False: the process has ended.
bool XtbProcess::exchange()
{
  pollfd ready{channel, short(POLLIN | (to_send.empty() ? 0 : POLLOUT)), 0};
  if (poll(&ready, 1, -1) < 0) return errno == EINTR;
  if (ready.revents & POLLOUT) {
    const ssize_t n = ::send(channel, to_send.data(), to_send.size(), MSG_NOSIGNAL);
    if (n > 0) to_send.erase(0, std::size_t(n));
    unsent = 0;
  }
  if (ready.revents & (POLLIN | POLLHUP | POLLERR)) {
    char buffer[1 << 16];
    const ssize_t n = read(channel, buffer, sizeof buffer);
    if (n > 0) received.append(buffer, std::size_t(n));
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return false;
  }
  return true;
}

/// Tells how the process ended, with its last words.
std::string XtbProcess::end_of_child()
{
  int status = 0;
  waitpid(child, &status, 0);
  std::string text = "libxtb ended its process";
  if (WIFSIGNALED(status))
    text +=
        " by signal " + std::to_string(WTERMSIG(status)) + " (" + strsignal(WTERMSIG(status)) + ")";
  else
    text += " with status " + std::to_string(WEXITSTATUS(status));
  char buffer[4096];
  const off_t size = messages >= 0 ? lseek(messages, 0, SEEK_END) : 0;
  const off_t from = size > off_t(sizeof buffer) ? size - off_t(sizeof buffer) : 0;
  const ssize_t n = size > 0 ? pread(messages, buffer, sizeof buffer, from) : 0;
  std::istringstream lines(std::string(buffer, n > 0 ? std::size_t(n) : 0));
  std::string last;
  for (std::string line; std::getline(lines, line);)
    if (line.find_first_not_of(" \t\r") != std::string::npos) last = line;
  if (!last.empty()) text += ": " + last.substr(last.find_first_not_of(" \t"));
  remove_xtb_folders(child);
  child = 0;
  return text;
}

void XtbProcess::receive(Structure &structure)
{
  if (under_way.empty()) throw std::logic_error("XtbProcess: no structure is under way");
  AnswerHead head;
  const auto is_complete = [&] {
    if (received.size() < sizeof head) return false;
    std::memcpy(&head, received.data(), sizeof head);
    return received.size() >= sizeof head + std::size_t(head.size);
  };
  while (under_way.front().crash.empty() && !is_complete()) {
    if (child == 0) restart();
    if (exchange()) continue;
    // the culprit is the structure that was begun last; answers to others may be lost, and these
    // are sent again
    auto culprit = under_way.begin();
    for (long other = *begun - answered - 1; other > 0 || !culprit->crash.empty();) {
      if (culprit->crash.empty()) other--;
      if (++culprit == under_way.end())
        throw std::logic_error("XtbProcess: more was begun than sent");
    }
    culprit->crash = end_of_child();
    stop();
  }
  if (!under_way.front().crash.empty()) {
    const std::string crash = under_way.front().crash;
    under_way.pop_front();
    throw XtbError(crash);
  }
  answered++;
  const Request request = std::move(under_way.front());
  under_way.pop_front();
  const std::string text = received.substr(sizeof head, std::size_t(head.size));
  received.erase(0, sizeof head + std::size_t(head.size));
  if (head.outcome == Outcome::unavailable) throw XtbUnavailable(text);
  if (head.outcome == Outcome::failed) throw XtbError(text);
  if (text.size() != (1 + request.positions.size()) * sizeof(double))
    throw std::logic_error("XtbProcess: an answer is of another structure");
  pool.meet(request.numbers, request.charge, request.uhf, request.positions);
  structure.forces.resize(request.positions.size());
  double energy = 0.0;
  std::memcpy(&energy, text.data(), sizeof energy);
  std::memcpy(structure.forces.data(), text.data() + sizeof energy,
              structure.forces.size() * sizeof(double));
  structure.energy = energy;
}

void XtbProcess::meet(const Structure &structure, int charge, int uhf)
{
  pool.meet(structure.numbers, charge, uhf, structure.positions);
}

}    // namespace mlff
