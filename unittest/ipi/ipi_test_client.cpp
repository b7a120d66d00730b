// A client of the i-PI protocol for tests: Lennard-Jones, and faults at will. It has no code of
// the package.
#include "support/lennard_jones.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <limits>
#include <map>
#include <string>
#include <thread>

namespace {

constexpr double bohr = 0.529177210903, hartree = 27.211386245988;

std::map<std::string, std::string> options;

bool has(const std::string &name)
{
  return options.count(name) > 0;
}

double number(const std::string &name, double standard)
{
  return has(name) ? std::atof(options[name].c_str()) : standard;
}

int connection = -1;

void connect_to_server()
{
  if (has("--socket")) {
    sockaddr_un place{};
    place.sun_family = AF_UNIX;
    std::snprintf(place.sun_path, sizeof place.sun_path, "/tmp/ipi_%s",
                  options["--socket"].c_str());
    connection = socket(AF_UNIX, SOCK_STREAM, 0);
    for (int attempt = 0; attempt < 400; attempt++) {
      if (connect(connection, reinterpret_cast<sockaddr *>(&place), sizeof place) == 0) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(25));
    }
  } else {
    addrinfo hints{}, *list = nullptr;
    hints.ai_socktype = SOCK_STREAM;
    getaddrinfo(options["--host"].c_str(), options["--port"].c_str(), &hints, &list);
    connection = socket(list->ai_family, SOCK_STREAM, 0);
    if (connect(connection, list->ai_addr, list->ai_addrlen) == 0) return;
  }
  std::perror("ipi_test_client: cannot connect");
  std::exit(4);
}

void read_all(void *into, std::size_t size)
{
  auto *place = static_cast<char *>(into);
  while (size > 0) {
    const ssize_t n = read(connection, place, size);
    if (n <= 0) std::exit(0);
    place += n;
    size -= std::size_t(n);
  }
}

template <class T> std::vector<T> read_numbers(std::size_t count)
{
  std::vector<T> values(count);
  read_all(values.data(), count * sizeof(T));
  return values;
}

template <class T> void write_numbers(const std::vector<T> &values)
{
  const auto *bytes = reinterpret_cast<const char *>(values.data());
  for (std::size_t left = values.size() * sizeof(T); left > 0;) {
    const ssize_t n = send(connection, bytes, left, MSG_NOSIGNAL);
    if (n <= 0) std::exit(0);
    bytes += n;
    left -= std::size_t(n);
  }
}

void say(std::string word)
{
  word.resize(12, ' ');
  write_numbers(std::vector<char>(word.begin(), word.end()));
}

struct Start {
  std::string comment;
  std::array<bool, 3> periodic;
  std::size_t atoms = 0;
};

Start read_start(const std::string &path)
{
  Start start;
  std::ifstream in(path);
  if (!in) {
    std::cerr << "ipi_test_client: no start structure " << path << "\n";
    std::exit(5);
  }
  std::string first;
  std::getline(in, first);
  std::getline(in, start.comment);
  start.atoms = std::stoul(first);
  const auto at = start.comment.find("pbc=\"");
  for (int a = 0; a < 3; a++) start.periodic[a] = start.comment[at + 5 + 2 * a] == 'T';
  return start;
}

double smallest_distance(const std::vector<double> &x)
{
  double least = std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < x.size(); i += 3)
    for (std::size_t j = 0; j < i; j += 3)
      least = std::min(least, std::hypot(x[i] - x[j], x[i + 1] - x[j + 1], x[i + 2] - x[j + 2]));
  return least;
}

/// Whether this evaluation is the one with the fault.
bool is_faulty(int evaluation, const std::vector<double> &x)
{
  if (!has("--fault")) return false;
  if (has("--below")) return smallest_distance(x) < number("--below", 0.0);
  if (evaluation != int(number("--at", 1))) return false;
  if (!has("--once")) return true;
  if (std::ifstream(options["--once"])) return false;
  std::ofstream(options["--once"]) << "done\n";
  return true;
}

/// Faults that no answer follows.
void fail_before_answer(const std::string &fault)
{
  if (fault == "die") raise(SIGKILL);
  if (fault == "close") std::exit(0);
  if (fault == "exit") {
    std::cerr << "a first line\nthe field did not converge\n";
    std::exit(3);
  }
  if (fault == "hang") std::this_thread::sleep_for(std::chrono::hours(1));
  if (fault == "nonsense") say("BANANA");
  if (fault == "not-ready") say("READY");
}

void send_forces(const mlff_test::LennardJones::Result &result, const std::string &fault)
{
  say("FORCEREADY");
  const double nan = std::numeric_limits<double>::quiet_NaN();
  write_numbers<double>({fault == "nan" ? nan : result.energy / hartree});
  std::vector<double> forces = result.forces;
  for (double &f : forces) f *= bohr / hartree;
  if (fault == "nan-force") forces[1] = nan;
  if (fault == "wrong-atoms") forces.resize(forces.size() - 3);
  write_numbers<std::int32_t>({std::int32_t(forces.size() / 3)});
  write_numbers(forces);
  std::vector<double> virial(result.virial.begin(), result.virial.end());
  for (double &w : virial) w /= hartree;
  if (has("--no-virial")) virial.assign(9, 0.0);
  if (has("--upper")) virial[3] = virial[6] = virial[7] = 0.0;
  if (fault == "nan-virial") virial[4] = nan;
  write_numbers(virial);
  std::string extra = has("--extra") ? options["--extra"] : std::string(1, '\0');
  write_numbers<std::int32_t>({fault == "long-text" ? -7 : std::int32_t(extra.size())});
  write_numbers(std::vector<char>(extra.begin(), extra.end()));
}

}    // namespace

int main(int argc, char **argv)
{
  for (int k = 1; k < argc; k++) {
    const std::string name = argv[k];
    const bool flag = k + 1 == argc || std::string(argv[k + 1]).substr(0, 2) == "--";
    options[name] = flag ? "" : argv[++k];
  }
  const Start start = read_start(options["--structure"]);
  if (has("--fail-at-start")) {
    std::cerr << "ipi_test_client: no licence\n";
    return 6;
  }
  if (has("--log"))
    std::ofstream(options["--log"], std::ios::app)
        << "start " << getpid() << " " << start.atoms << " " << start.comment << "\n";
  if (has("--quit")) return 0;
  connect_to_server();
  const mlff_test::LennardJones model{number("--epsilon", 0.01), number("--sigma", 3.0),
                                      number("--cutoff", 6.0)};
  std::string state = has("--need-init") ? "NEEDINIT" : "READY";
  mlff_test::LennardJones::Result result;
  if (has("--old-data")) {
    state = "HAVEDATA";
    result.forces.assign(3, 1.0);
  }
  std::string fault;
  for (int evaluation = 0;;) {
    std::string word(12, ' ');
    read_all(word.data(), 12);
    word.erase(word.find_last_not_of(' ') + 1);
    if (word == "EXIT") break;
    if (word == "STATUS") {
      say(state);
    } else if (word == "INIT") {
      const auto numbers = read_numbers<std::int32_t>(2);
      read_numbers<char>(std::size_t(numbers[1]));
      state = "READY";
    } else if (word == "POSDATA") {
      const auto h = read_numbers<double>(9);
      read_numbers<double>(9);
      const auto n = read_numbers<std::int32_t>(1);
      auto x = read_numbers<double>(3 * std::size_t(n[0]));
      for (double &value : x) value *= bohr;
      // columns of the matrix are the vectors of the cell
      std::array<double, 9> cell = {h[0], h[3], h[6], h[1], h[4], h[7], h[2], h[5], h[8]};
      for (double &value : cell) value *= bohr;
      evaluation++;
      fault = is_faulty(evaluation, x) ? options["--fault"] : "";
      if (has("--sleep"))
        std::this_thread::sleep_for(std::chrono::duration<double>(number("--sleep", 0.0)));
      fail_before_answer(fault);
      result = model(x, cell, start.periodic, int(number("--images", 3)));
      state = "HAVEDATA";
      if (has("--log"))
        std::ofstream(options["--log"], std::ios::app)
            << "evaluate " << getpid() << " " << x[0] << "\n";
    } else if (word == "GETFORCE") {
      send_forces(result, fault);
      state = "READY";
    } else {
      std::cerr << "ipi_test_client: unknown word " << word << "\n";
      return 7;
    }
  }
  if (has("--log")) std::ofstream(options["--log"], std::ios::app) << "exit " << getpid() << "\n";
  return 0;
}
