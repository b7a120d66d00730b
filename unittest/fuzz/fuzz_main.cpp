// Runs a fuzz target where there is no libFuzzer, with the same words on the command line:
//
//   fuzz_NAME -runs=0 FILE_OR_FOLDER...              replays inputs
//   fuzz_NAME -max_total_time=60 FILE_OR_FOLDER...   mutates them for so many seconds, from -seed=1
//
// Compiled with -fsanitize-coverage=trace-pc it keeps mutations that reach new code. An input that
// ends the program, or takes more than -timeout=10 seconds, is written to -artifact_prefix=./ with
// the name crash-SEED-RUN or timeout-SEED-RUN.
#include "fuzz/fuzz_target.h"

#include <csignal>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <random>
#include <vector>

using Bytes = std::vector<std::uint8_t>;

// ---- which code was reached

namespace {
constexpr std::size_t n_places = 1 << 16;
std::uint8_t reached[n_places];    // in this run
bool known[n_places];              // in any
std::uintptr_t previous = 0;
}    // namespace

/// Called at every branch of the code under test, where it is compiled so: a place is a pair of
/// branches, one behind the other.
extern "C" __attribute__((no_sanitize("address", "undefined"))) void __sanitizer_cov_trace_pc()
{
  const auto here = std::uintptr_t(__builtin_return_address(0));
  reached[(here ^ (previous << 1)) % n_places] = 1;
  previous = here;
}

// Sanitizers end the program so that the signal is seen here.
extern "C" const char *__asan_default_options()
{
  return "abort_on_error=1:hard_rss_limit_mb=2048:max_allocation_size_mb=1024";
}
extern "C" const char *__ubsan_default_options()
{
  return "abort_on_error=1:print_stacktrace=1";
}

namespace {

/// Whether the last run reached a new place.
bool found_new()
{
  bool any = false;
  for (std::size_t k = 0; k < n_places; k++)
    if (reached[k] && !known[k]) any = known[k] = true;
  return any;
}

// ---- what is kept of a run that ends the program

Bytes input;
std::string prefix, run_name;
int timeout = 10;

void keep_input(const char *what)
{
  const std::string name = prefix + what + run_name;
  std::FILE *file = std::fopen(name.c_str(), "wb");
  if (!file) return;
  std::fwrite(input.data(), 1, input.size(), file);
  std::fclose(file);
  std::fprintf(stderr, "the input of %zu bytes is in %s\n", input.size(), name.c_str());
}

void on_signal(int number)
{
  if (number == SIGALRM) std::fprintf(stderr, "an input takes longer than %d s\n", timeout);
  keep_input(number == SIGALRM ? "timeout" : "crash");
  std::_Exit(1);
}

void run()
{
  std::memset(reached, 0, sizeof reached);
  previous = 0;
  alarm(unsigned(timeout));
  LLVMFuzzerTestOneInput(input.data(), input.size());
  alarm(0);
}

// ---- mutations

const std::string words[] = {"0",
                             "-1",
                             "1",
                             "2",
                             "65536",
                             "65537",
                             "2147483648",
                             "4294967297",
                             "9223372036854775807",
                             "-9223372036854775808",
                             "1e308",
                             "-1e309",
                             "nan",
                             "inf",
                             "0x10",
                             "1e-320",
                             "\"",
                             "[",
                             "]",
                             "{",
                             "}",
                             ":",
                             "=",
                             "\n",
                             " ",
                             "'",
                             ",",
                             "(",
                             ")",
                             "True",
                             "ITEM: ",
                             std::string(8, '\xff'),
                             std::string(4, '\0'),
                             "\xc3\x28"};

class Mutator {
 public:
  explicit Mutator(unsigned seed) : generator(seed) {}

  std::size_t below(std::size_t n) { return n ? std::size_t(generator()) % n : 0; }

  void mutate(Bytes &bytes, const Bytes &other)
  {
    for (std::size_t n = 1 + below(5); n > 0; n--) once(bytes, other);
    if (bytes.size() > largest) bytes.resize(largest);
  }

 private:
  static constexpr std::size_t largest = 1 << 20;
  std::mt19937_64 generator;

  void once(Bytes &bytes, const Bytes &other)
  {
    const std::size_t at = below(bytes.size() + 1),
                      length = std::min(bytes.size() - at, below(1 + below(64)));
    const auto place = bytes.begin() + std::ptrdiff_t(at), end = place + std::ptrdiff_t(length);
    switch (below(9)) {
      case 0:    // another bit
        if (at < bytes.size()) bytes[at] ^= std::uint8_t(1 << below(8));
        break;
      case 1:    // another byte
        if (at < bytes.size()) bytes[at] = std::uint8_t(below(256));
        break;
      case 2:    // nothing
        bytes.erase(place, end);
        break;
      case 3: {    // the same again, sometimes often
        const Bytes part(place, end);
        for (std::size_t n = below(8) ? 1 : below(500); n > 0; n--)
          bytes.insert(bytes.begin() + std::ptrdiff_t(at), part.begin(), part.end());
        break;
      }
      case 4:
      case 5: {    // a word, instead of what is there or beside it
        const std::string &word = words[below(std::size(words))];
        if (below(2)) bytes.erase(place, end);
        bytes.insert(bytes.begin() + std::ptrdiff_t(at), word.begin(), word.end());
        break;
      }
      case 6: {    // a part of another input
        const std::size_t from = below(other.size() + 1),
                          n = std::min(other.size() - from, below(1 + below(4096)));
        bytes.insert(place, other.begin() + std::ptrdiff_t(from),
                     other.begin() + std::ptrdiff_t(from + n));
        break;
      }
      case 7:    // the end
        if (below(4) == 0) bytes.resize(at);
        break;
      default:    // a whole number, larger or smaller
        for (std::size_t k = at; k < bytes.size() && k < at + 64; k++)
          if (bytes[k] >= '0' && bytes[k] <= '9') {
            bytes[k] = std::uint8_t('0' + below(10));
            break;
          }
    }
  }
};

std::vector<Bytes> read_inputs(const std::vector<std::string> &places)
{
  std::map<std::string, Bytes> list;    // in the same order everywhere
  const auto add = [&](const std::filesystem::path &path) {
    std::ifstream file(path, std::ios::binary);
    if (!file) {
      std::fprintf(stderr, "'%s' cannot be read\n", path.c_str());
      std::_Exit(2);
    }
    list[path.string()] = Bytes(std::istreambuf_iterator<char>(file), {});
  };
  for (const auto &place : places)
    if (std::filesystem::is_directory(place))
      for (const auto &entry : std::filesystem::directory_iterator(place)) add(entry.path());
    else
      add(place);
  std::vector<Bytes> inputs;
  for (auto &[name, bytes] : list) inputs.push_back(std::move(bytes));
  return inputs;
}

}    // namespace

int main(int n_words, char **given)
{
  std::map<std::string, std::string> options = {{"-runs", "-1"},
                                                {"-max_total_time", "0"},
                                                {"-seed", "1"},
                                                {"-artifact_prefix", "./"},
                                                {"-timeout", "10"}};
  std::vector<std::string> places;
  for (int k = 1; k < n_words; k++) {
    const std::string word = given[k];
    const auto at = word.find('=');
    if (!word.starts_with("-"))
      places.push_back(word);
    else if (at == std::string::npos || !options.contains(word.substr(0, at))) {
      std::fprintf(stderr,
                   "unknown option '%s'; accepted: -runs=0 -max_total_time=SECONDS -seed=N "
                   "-artifact_prefix=FOLDER/ -timeout=SECONDS\n",
                   word.c_str());
      return 2;
    } else
      options[word.substr(0, at)] = word.substr(at + 1);
  }
  const auto value = [&](const char *name) {
    return std::atol(options[name].c_str());
  };
  timeout = int(value("-timeout"));
  prefix = options["-artifact_prefix"];
  for (const int number : {SIGABRT, SIGALRM}) std::signal(number, on_signal);

  std::vector<Bytes> corpus = read_inputs(places);
  if (corpus.empty()) {
    std::fprintf(stderr, "no inputs; accepted: files, or folders of files\n");
    return 2;
  }
  const auto name_run = [&](long n) {
    run_name = "-" + options["-seed"] + "-" + std::to_string(n);
  };
  long n_runs = 0;
  for (const auto &bytes : corpus) {
    input = bytes;
    name_run(n_runs++);
    run();
    found_new();
  }
  const std::size_t n_seeds = corpus.size();
  if (value("-runs") == 0) {
    std::printf("%zu inputs\n", n_seeds);
    return 0;
  }

  Mutator mutator(unsigned(value("-seed")));
  const auto end =
      std::chrono::steady_clock::now() + std::chrono::seconds(value("-max_total_time"));
  for (; std::chrono::steady_clock::now() < end; n_runs++) {
    input = corpus[mutator.below(corpus.size())];
    mutator.mutate(input, corpus[mutator.below(corpus.size())]);
    name_run(n_runs);
    run();
    if (found_new()) corpus.push_back(input);
  }
  std::printf("%ld runs, %zu inputs and %zu mutations of them that reach other code\n", n_runs,
              n_seeds, corpus.size() - n_seeds);
  return 0;
}
