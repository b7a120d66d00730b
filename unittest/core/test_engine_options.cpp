// Options of engines by word and value, what engines tell of themselves, and the choice of the
// instruction set.
#include "core/engine_info.h"
#include "engine/make_engine.h"
#include "engine/make_gradient.h"
#include "kernels/instruction_set.h"
#include "models/jump/gradient/jump_gradient.h"
#include "models/molecule_mlp/molecule_mlp.h"
#include "models/random_model.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <functional>
#include <set>

using namespace mlff;

namespace {

template <typename Error>
void expect_error(const std::function<void()> &call, const std::vector<std::string> &words)
{
  try {
    call();
    FAIL() << "no error";
  } catch (const Error &error) {
    for (const auto &word : words)
      EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
  }
}

/// The environment variable MLFF_ISA, put back at the end.
class Environment {
 public:
  explicit Environment(const char *value)
  {
    if (const char *found = std::getenv("MLFF_ISA")) before = found;
    set(value);
  }
  ~Environment() { set(before.empty() ? nullptr : before.c_str()); }
  Environment(const Environment &) = delete;
  Environment &operator=(const Environment &) = delete;

 private:
  std::string before;
  static void set(const char *value)
  {
    if (value)
      setenv("MLFF_ISA", value, 1);
    else
      unsetenv("MLFF_ISA");
  }
};

TEST(EngineOptions, SetByWordAndValue)
{
  EngineOptions options;
  options.set("engine", "host");
  options.set("precision", "double");
  options.set("threads", "3");
  options.set("device", "cuda");
  options.set("filter", "spline");
  options.set("fmm", "direct");
  options.set("instruction_set", "avx2");
  EXPECT_EQ(options.engine, "host");
  EXPECT_EQ(options.precision, Precision::double_precision);
  EXPECT_EQ(options.threads, 3);
  EXPECT_EQ(options.device, "cuda");
  EXPECT_EQ(options.filter, Filter::spline);
  EXPECT_EQ(options.long_range, LongRangeForm::direct);
  EXPECT_EQ(options.instruction_set, InstructionSet::avx2);
  options.set("long_range", "linear");
  EXPECT_EQ(options.long_range, LongRangeForm::linear);
}

TEST(EngineOptions, EveryWordTakesItsValuesAndNoOther)
{
  for (const auto &word : EngineOptions::words()) {
    EngineOptions options;
    EXPECT_TRUE(EngineOptions::knows(word));
    for (const auto &value : EngineOptions::values(word)) EXPECT_NO_THROW(options.set(word, value));
    try {
      options.set(word, "nonsense");
      FAIL() << "no error for " << word;
    } catch (const OptionError &error) {
      EXPECT_EQ(error.option, word);
      EXPECT_EQ(error.value, "nonsense");
      EXPECT_EQ(error.number, EngineOptions::values(word).empty());
      EXPECT_NE(std::string(error.what()).find("accepted: " + error.accepted), std::string::npos);
    }
  }
  EXPECT_TRUE(EngineOptions::knows("long_range"));
  EXPECT_FALSE(EngineOptions::knows("precisions"));
}

TEST(EngineOptions, ErrorsNameWordAndValue)
{
  EngineOptions options;
  expect_error<OptionError>(
      [&] {
        options.set("precision", "half");
      },
      {"unknown precision 'half'; accepted: single, double"});
  for (const char *value : {"-1", "two", "2x", "", "99999999999"})
    expect_error<OptionError>(
        [&] {
          options.set("threads", value);
        },
        {std::string("threads is ") + value + "; accepted: 0 (automatic) or more"});
  expect_error<EngineError>(
      [&] {
        options.set("cutoff", "5");
      },
      {"unknown option 'cutoff' of an engine; accepted: engine, precision, threads, device"});
}

TEST(EngineInfo, TextsOfEngines)
{
  const std::string set =
      word_of(instruction_set_words, choose_instruction_set(InstructionSet::automatic));
  const Potential painn = random_potential({8, 2, 6}, {6, 8, 1}, 4.0, 1);
  EXPECT_EQ(make_engine(painn, {"host", Precision::single_precision, 2})->description(),
            "host engine (" + set + "), single precision, spline filter, at most 2 threads");
  LongRangeSizes block_sizes{.layers = 1};
  const Potential global = random_potential({8, 2, 6}, {6, 8, 1}, 4.0, 1, &block_sizes);
  EngineOptions options{"host", Precision::double_precision, 1};
  EXPECT_EQ(make_engine(global, options)->description(),
            "host engine (" + set +
                "), double precision, exact filter, long range direct or linear, at most 1 thread");
  options.long_range = LongRangeForm::linear;
  EXPECT_EQ(make_engine(global, options)->description(),
            "host engine (" + set +
                "), double precision, exact filter, long range linear, at most 1 thread");
  const Potential water = random_molecule({8, 1, 1}, {0, 0, 0, 0.96, 0, 0, -0.24, 0.93, 0}, {8}, 0);
  EXPECT_EQ(make_engine(water, options)->description(),
            "host engine (" + set +
                "), double precision, H2O with 2 permutations, at most 1 thread");
  EXPECT_EQ(make_weight_gradient(water, options)->description(),
            "host engine (" + set + "), double precision, at most 1 thread");
  EXPECT_EQ(make_weight_gradient(painn, options)->description(),
            "host engine (" + set + "), double precision, at most 1 thread");
  const Potential jump = random_jump({8, 2, 6}, {6, 8, 1}, {8.0});
  EXPECT_EQ(make_jump_engine(jump, options)->description(),
            "host engine (" + set + "), double precision, exact filter, at most 1 thread");
  EXPECT_EQ(make_jump_gradient(jump, options)->description(),
            "host engine (" + set + "), double precision, at most 1 thread");
#ifdef MLFF_TORCH
  options.engine = "torch";
  options.device = "cpu";
  for (const auto &text :
       {make_engine(painn, options)->description(), make_engine(global, options)->description(),
        make_engine(water, options)->description(),
        make_weight_gradient(painn, options)->description(),
        make_weight_gradient(water, options)->description(),
        make_jump_engine(jump, options)->description(),
        make_jump_gradient(jump, options)->description()})
    EXPECT_EQ(text, "torch engine, double precision, cpu, at most 1 thread");
  options.precision = Precision::single_precision;
  EXPECT_EQ(make_weight_gradient(painn, options, true)->description(),
            "torch engine, mixed precision, cpu, at most 1 thread");
#endif
}

TEST(EngineInfo, TextsOfDevices)
{
  EngineInfo info;
  info.backend = Backend::torch;
  info.device = DeviceKind::cuda;
  EXPECT_EQ(to_text(info), "torch engine, single precision, cuda");
  EXPECT_FALSE(info.on_host());
  info.device = DeviceKind::hip;
  EXPECT_EQ(to_text(info), "torch engine, single precision, hip");
  info.backend = Backend::kokkos;
  info.space = "HIP";
  info.filter = Filter::spline;
  info.long_range = LongRangeForm::direct;
  EXPECT_EQ(to_text(info), "Kokkos HIP, single precision, spline filter, long range direct");
  info.jumps = true;
  info.members = 3;
  info.batched = true;
  EXPECT_EQ(to_text(info),
            "jumps, Kokkos HIP, single precision, spline filter, long range direct, mean of 3 "
            "potentials, batched over replicas");
}

/// An engine that says what it is and does nothing.
class Idle : public Engine {
 public:
  explicit Idle(const EngineInfo &info) : own(info) {}
  void evaluate(const Graph &, Result &, GhostExchange *) override {}
  bool supports_domain_decomposition() const override { return false; }
  std::size_t bytes(int, int) const override { return 0; }
  EngineInfo info() const override { return own; }

 private:
  EngineInfo own;
};

TEST(EngineInfo, EnginesOfDevicesTakeNoCores)
{
  EngineInfo info;
  info.threads = 4;
  EXPECT_EQ(Idle(info).cores(), 4);
  for (const auto device : {DeviceKind::cuda, DeviceKind::hip, DeviceKind::sycl}) {
    info.device = device;
    EXPECT_EQ(Idle(info).cores(), 0);
  }
}

TEST(EngineInfo, KeysTellEnginesApart)
{
  std::vector<EngineInfo> list(1);
  const auto add = [&list](const std::function<void(EngineInfo &)> &change) {
    list.push_back(list.front());
    change(list.back());
  };
  add([](EngineInfo &i) {
    i.backend = Backend::torch;
  });
  add([](EngineInfo &i) {
    i.backend = Backend::kokkos;
  });
  add([](EngineInfo &i) {
    i.instruction_set = InstructionSet::avx2;
  });
  add([](EngineInfo &i) {
    i.precision = Precision::double_precision;
  });
  add([](EngineInfo &i) {
    i.mixed = true;
  });
  add([](EngineInfo &i) {
    i.threads = 2;
  });
  add([](EngineInfo &i) {
    i.filter = Filter::spline;
  });
  add([](EngineInfo &i) {
    i.long_range = LongRangeForm::direct;
  });
  add([](EngineInfo &i) {
    i.long_range = LongRangeForm::linear;
  });
  add([](EngineInfo &i) {
    i.model = "H2O";
  });
  add([](EngineInfo &i) {
    i.jumps = true;
  });
  add([](EngineInfo &i) {
    i.members = 2;
  });
  for (const auto device : {DeviceKind::cuda, DeviceKind::hip, DeviceKind::sycl})
    for (const int index : {0, 1})
      add([&](EngineInfo &i) {
        i.device = device;
        i.device_index = index;
      });
  std::set<std::string> keys;
  for (const auto &info : list) keys.insert(info.key());
  EXPECT_EQ(keys.size(), list.size());

  // Neither results nor the place of an evaluation depend on these members.
  EngineInfo gpu;
  gpu.device = DeviceKind::cuda;
  EngineInfo other = gpu;
  other.threads = 7;
  other.batched = true;
  EXPECT_EQ(gpu.key(), other.key());
}

TEST(InstructionSets, OptionEnvironmentAndProcessor)
{
  const auto available = available_instruction_sets();
  ASSERT_EQ(available.front(), InstructionSet::generic);
  const Potential potential = random_potential({8, 2, 6}, {6, 8, 1}, 4.0, 1);
  const auto used = [&](InstructionSet set) {
    EngineOptions options{"host"};
    options.instruction_set = set;
    return make_engine(potential, options)->info().instruction_set;
  };
  {
    const Environment none(nullptr);
    EXPECT_EQ(used(InstructionSet::automatic), available.back());
  }
  for (const auto set : available) {
    EXPECT_EQ(used(set), set);
    const Environment named(word_of(instruction_set_words, set));
    EXPECT_EQ(used(InstructionSet::automatic), set);
    EXPECT_EQ(used(InstructionSet::generic), InstructionSet::generic);    // an option goes before
  }
  const Environment wrong("sse9");
  expect_error<EngineError>(
      [&] {
        used(InstructionSet::automatic);
      },
      {"environment variable MLFF_ISA is 'sse9'; accepted: auto, generic, avx2, avx512"});
}

#ifdef __x86_64__
bool no_avx512vl(std::string_view feature)
{
  return feature != "avx512vl";
}

bool nothing(std::string_view)
{
  return false;
}

TEST(InstructionSets, ProcessorsThatLackFeatures)
{
  const Environment none(nullptr);
  EXPECT_EQ(choose_instruction_set(InstructionSet::automatic, no_avx512vl), InstructionSet::avx2);
  EXPECT_EQ(choose_instruction_set(InstructionSet::automatic, nothing), InstructionSet::generic);
  expect_error<EngineError>(
      [] {
        choose_instruction_set(InstructionSet::avx512, no_avx512vl);
      },
      {"instruction set avx512 needs avx512vl, which this processor lacks; it has: generic, avx2"});
  expect_error<EngineError>(
      [] {
        choose_instruction_set(InstructionSet::avx2, nothing);
      },
      {"needs sse4.2, popcnt, avx, avx2, fma, which this processor lacks; it has: generic"});
  const Environment named("avx512");
  expect_error<EngineError>(
      [] {
        choose_instruction_set(InstructionSet::automatic, no_avx512vl);
      },
      {"instruction set avx512 of the environment variable MLFF_ISA needs avx512vl"});
}
#endif

}    // namespace
