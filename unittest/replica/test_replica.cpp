// Replicas that evaluate together: same numbers as alone, whoever comes, leaves, fails or dies.
#include "core/errors.h"
#include "engine/make_engine.h"
#include "models/jump/jump.h"
#include "models/jump/jump_record.h"
#include "models/painn/painn_sizes.h"
#include "replica/replica_engine.h"
#include "replica/replica_jump_engine.h"
#include "support/random_potential.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <mutex>
#include <new>
#include <set>
#include <thread>

#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace mlff;
using Clock = std::chrono::steady_clock;

const Potential &potential()
{
  static const Potential model = mlff_test::random_potential({8, 2, 6}, {1, 6, 8}, 4.0);
  return model;
}

std::unique_ptr<Engine> host()
{
  return make_engine(potential(), {"host", Precision::single_precision, 1});
}

GraphStorage cluster(int n, unsigned seed)
{
  GraphStorage graph;
  if (n > 0)
    append_graph(mlff_test::random_structure(n, seed), potential().elements, potential().cutoff,
                 graph);
  return graph;
}

Result alone(const GraphStorage &graph)
{
  Result result;
  host()->evaluate(graph.view(), result);
  return result;
}

bool same(const Result &a, const Result &b)
{
  return a.energy == b.energy && a.atom_energy == b.atom_energy && a.gradient == b.gradient;
}

/// Fails where a system has as many atoms as it is told, as an engine does that meets numbers which
/// are not finite, or no memory.
class Fragile : public Engine {
 public:
  Fragile(int bad_atoms, int most_atoms) :
      inner(host()), bad_atoms(bad_atoms), most_atoms(most_atoms)
  {
  }
  void evaluate(const Graph &graph, Result &result, GhostExchange *) override
  {
    for (int s = 0; s < graph.n_structures(); s++)
      if (graph.first_atom[s + 1] - graph.first_atom[s] == bad_atoms)
        throw EngineError("the energy of structure " + std::to_string(s + 1) + " is not finite");
    if (graph.n_centres() > most_atoms) throw std::bad_alloc();
    inner->evaluate(graph, result);
  }
  bool supports_domain_decomposition() const override { return false; }
  std::size_t bytes(int atoms, int) const override { return std::size_t(atoms); }
  EngineInfo info() const override { return {}; }

 private:
  std::unique_ptr<Engine> inner;
  int bad_atoms, most_atoms;
};

/// Runs work(k) of each replica in a thread of its own.
template <typename Work> void in_threads(int n_replicas, const Work &work)
{
  std::vector<std::thread> threads;
  for (int k = 0; k < n_replicas; k++) threads.emplace_back(work, k);
  for (auto &thread : threads) thread.join();
}

/// Replicas that all wait for each other from here; make() gives the engine of each.
template <typename Make>
std::vector<std::unique_ptr<ReplicaEngine>> join(int n_replicas, const BatchOptions &options,
                                                 const Make &make)
{
  std::vector<std::unique_ptr<ReplicaEngine>> replicas;
  for (int k = 0; k < n_replicas; k++) {
    replicas.push_back(std::make_unique<ReplicaEngine>(make(), options));
    replicas.back()->meeting().enter();
  }
  return replicas;
}

class Replica : public testing::Test {
 protected:
  std::string job =
      std::to_string(getpid()) + testing::UnitTest::GetInstance()->current_test_info()->name();

  BatchOptions options(double wait = 0.5) const { return {job, "model", wait, 0, 1}; }

  static void SetUpTestSuite() { before = shared_memory(); }

  /// Nothing may be left in shared memory.
  void TearDown() override { EXPECT_EQ(shared_memory(), before); }

  static std::set<std::string> shared_memory()
  {
    std::set<std::string> names;
    for (const auto &entry : std::filesystem::directory_iterator("/dev/shm"))
      if (entry.path().filename().string().find("mlff") != std::string::npos)
        names.insert(entry.path().filename().string());
    return names;
  }
  static inline std::set<std::string> before;
};

TEST_F(Replica, OneAloneIsThePlainEngine)
{
  ReplicaEngine batch(host(), options(30.0));
  for (const int n : {1, 20, 7, 300, 2}) {
    const auto graph = cluster(n, unsigned(n));
    Result result;
    const auto start = Clock::now();
    batch.evaluate(graph.view(), result);
    EXPECT_LT(Clock::now() - start, std::chrono::seconds(10)) << "it waited for nobody";
    EXPECT_TRUE(same(result, alone(graph)));
  }
  EXPECT_EQ(batch.meeting().statistics().histogram[1], 5);
  EXPECT_EQ(batch.meeting().statistics().calls, 5);
}

TEST_F(Replica, ThreadsOfAllSizesAreBitwiseTheSameAsAlone)
{
  constexpr int n_replicas = 12, rounds = 40;
  const int sizes[] = {0, 1, 9, 2, 33, 1, 500, 5, 0, 64, 3, 2000};
  std::vector<GraphStorage> graphs;
  std::vector<Result> expected;
  for (int k = 0; k < n_replicas; k++) {
    graphs.push_back(cluster(sizes[k], unsigned(k + 1)));
    expected.push_back(alone(graphs[k]));
  }
  const auto replicas = join(n_replicas, options(), host);
  EXPECT_EQ(replicas[0]->meeting().n_replicas(), n_replicas);
  std::atomic<int> wrong = 0;
  in_threads(n_replicas, [&](int k) {
    Result result;
    for (int round = 0; round < rounds; round++) {
      // sizes wander over the replicas
      const int g = (k + round) % n_replicas;
      replicas[k]->evaluate(graphs[g].view(), result);
      if (!same(result, expected[g])) wrong++;
    }
    replicas[k]->meeting().leave();
  });
  EXPECT_EQ(wrong, 0);
  const auto statistics = replicas[0]->meeting().statistics();
  EXPECT_EQ(statistics.calls, n_replicas * rounds);
  long evaluated = 0;
  for (std::size_t n = 0; n < statistics.histogram.size(); n++)
    evaluated += long(n) * statistics.histogram[n];
  EXPECT_EQ(evaluated, n_replicas * rounds);
  ASSERT_EQ(statistics.histogram.size(), std::size_t(n_replicas + 1));
  EXPECT_GT(statistics.histogram[n_replicas], rounds / 2) << "most evaluations hold all";
}

#ifdef MLFF_TORCH
TEST_F(Replica, TorchTogetherIsTorchAlone)
{
  const int sizes[] = {0, 1, 9, 33, 500, 2000, 1, 64};
  constexpr int n_replicas = 8;
  const EngineOptions single{"torch", Precision::single_precision, 1, "cpu"};
  std::vector<GraphStorage> graphs;
  std::vector<Result> expected;
  const auto replicas = join(n_replicas, options(), [&] {
    return make_engine(potential(), single);
  });
  for (int k = 0; k < n_replicas; k++) {
    graphs.push_back(cluster(sizes[k], unsigned(k + 1)));
    expected.emplace_back();
    make_engine(potential(), single)->evaluate(graphs.back().view(), expected.back());
  }
  in_threads(n_replicas, [&](int k) {
    Result result;
    for (int round = 0; round < 5; round++) {
      replicas[k]->evaluate(graphs[k].view(), result);
      ASSERT_EQ(result.energy.size(), expected[k].energy.size());
      for (std::size_t s = 0; s < result.energy.size(); s++)
        EXPECT_NEAR(result.energy[s], expected[k].energy[s], 1e-6) << sizes[k] << " atoms";
      for (std::size_t i = 0; i < result.gradient.size(); i++)
        ASSERT_NEAR(result.gradient[i], expected[k].gradient[i], 1e-5);
    }
    replicas[k]->meeting().leave();
  });
  EXPECT_GT(replicas[0]->meeting().statistics().histogram[n_replicas], 0);
}
#endif

TEST_F(Replica, ThousandRounds)
{
  constexpr int n_replicas = 4, rounds = 1000;
  std::vector<GraphStorage> graphs;
  std::vector<Result> expected;
  for (int k = 0; k < n_replicas; k++) {
    graphs.push_back(cluster(3 + k, unsigned(k + 1)));
    expected.push_back(alone(graphs[k]));
  }
  std::atomic<int> wrong = 0;
  in_threads(n_replicas, [&](int k) {
    // unequal lengths, and some come later
    std::this_thread::sleep_for(std::chrono::milliseconds(k));
    ReplicaEngine replica(host(), options(0.0));
    Result result;
    for (int round = 0; round < rounds - 100 * k; round++) {
      replica.evaluate(graphs[k].view(), result);
      if (!same(result, expected[k])) wrong++;
      if (round % 97 == 13) replica.meeting().leave();
    }
  });
  EXPECT_EQ(wrong, 0);
}

TEST_F(Replica, DifferentModelsDoNotMeet)
{
  ReplicaEngine a(host(), options()), b(host(), {job, "another model", 0.5, 0}),
      c(host(), {job + "x", "model", 0.5, 0});
  EXPECT_EQ(a.meeting().n_replicas(), 1);
  EXPECT_EQ(b.meeting().n_replicas(), 1);
  EXPECT_EQ(c.meeting().n_replicas(), 1);
  ReplicaEngine d(host(), options());
  EXPECT_EQ(a.meeting().n_replicas(), 2);
}

TEST_F(Replica, OneThatNeverComesIsNotAwaitedForEver)
{
  ReplicaEngine a(host(), options(0.5)), b(host(), options(0.5));
  b.meeting().enter();
  const auto graph = cluster(9, 1);
  const auto expected = alone(graph);
  const auto start = Clock::now();
  Result result;
  for (int k = 0; k < 50; k++) {
    a.evaluate(graph.view(), result);
    EXPECT_TRUE(same(result, expected));
  }
  EXPECT_LT(Clock::now() - start, std::chrono::seconds(15))
      << "after it missed twice nobody waits for it";
  // A replica that comes late can join.
  std::atomic<bool> finished = false;
  std::thread late([&] {
    Result other;
    for (int k = 0; k < 20; k++) b.evaluate(graph.view(), other);
    EXPECT_TRUE(same(other, expected));
    b.meeting().leave();
    finished = true;
  });
  while (!finished) a.evaluate(graph.view(), result);
  a.meeting().leave();
  late.join();
  EXPECT_GT(a.meeting().statistics().histogram.size(), 2u);
}

TEST_F(Replica, AGraphThatCannotBeEvaluatedHarmsNobodyElse)
{
  constexpr int n_replicas = 5, bad = 7;
  const auto replicas = join(n_replicas, options(), [&] {
    return std::make_unique<Fragile>(bad, 1000000);
  });
  std::atomic<int> good = 0, failures = 0;
  in_threads(n_replicas, [&](int k) {
    const auto graph = cluster(k == 2 ? bad : 4 + (k > 2) * 6, unsigned(k));
    Result result;
    try {
      replicas[k]->evaluate(graph.view(), result);
      if (same(result, alone(graph))) good++;
    } catch (const EngineError &error) {
      if (k == 2 && std::string(error.what()).find("not finite") != std::string::npos) failures++;
    }
    replicas[k]->meeting().leave();
  });
  EXPECT_EQ(good, n_replicas - 1);
  EXPECT_EQ(failures, 1);
}

TEST_F(Replica, MemorySplitsABatch)
{
  // Batches are limited by the budget, no more than 20 atoms together, or by experience: the engine
  // has no memory for more than 15.
  for (const bool told : {true, false}) {
    constexpr int n_replicas = 6;
    auto o = options();
    if (told) o.memory = 20;
    const auto replicas = join(n_replicas, o, [&] {
      return std::make_unique<Fragile>(-1, told ? 20 : 15);
    });
    std::atomic<int> good = 0;
    in_threads(n_replicas, [&](int k) {
      const auto graph = cluster(9, unsigned(k));
      Result result;
      for (int round = 0; round < 5; round++) {
        replicas[k]->evaluate(graph.view(), result);
        if (same(result, alone(graph))) good++;
      }
      replicas[k]->meeting().leave();
    });
    EXPECT_EQ(good, 5 * n_replicas);
    EXPECT_GT(replicas[0]->meeting().statistics().splits, 0);
  }
}

/// Engine with a set speed: a device that takes one evaluation at a time, or cores that take any
/// number.
class Timed : public Engine {
 public:
  Timed(std::chrono::microseconds call, std::chrono::microseconds structure, std::mutex *device) :
      inner(host()), call(call), structure(structure), device(device)
  {
  }
  void evaluate(const Graph &graph, Result &result, GhostExchange *) override
  {
    std::unique_lock<std::mutex> lock;
    if (device) lock = std::unique_lock(*device);
    const int now = ++running;
    for (int before = most; before < now && !most.compare_exchange_weak(before, now);) {}
    std::this_thread::sleep_for(call + structure * (graph.n_structures() - 1));
    inner->evaluate(graph, result);
    running--;
  }
  bool supports_domain_decomposition() const override { return false; }
  std::size_t bytes(int atoms, int) const override { return std::size_t(atoms); }
  EngineInfo info() const override { return {}; }

  static inline std::atomic<int> running = 0, most = 0;

 private:
  std::unique_ptr<Engine> inner;
  std::chrono::microseconds call, structure;
  std::mutex *device;
};

TEST_F(Replica, TheFasterWayIsChosen)
{
  using std::chrono::microseconds;
  std::mutex device;
  const auto graph = cluster(5, 1);
  const auto expected = alone(graph);
  for (const bool batches_pay : {true, false}) {
    constexpr int n_replicas = 6, calls = 200;
    auto o = options(0.0);
    o.choice = BatchOptions::Choice::faster;
    const auto replicas = join(n_replicas, o, [&] {
      return batches_pay ? std::make_unique<Timed>(microseconds(500), microseconds(0), &device)
                         : std::make_unique<Timed>(microseconds(500), microseconds(500), nullptr);
    });
    std::atomic<int> wrong = 0;
    in_threads(n_replicas, [&](int k) {
      Result result;
      for (int call = 0; call < calls; call++) {
        replicas[k]->evaluate(graph.view(), result);
        if (!same(result, expected)) wrong++;
      }
      replicas[k]->meeting().leave();
    });
    const auto s = replicas[0]->meeting().statistics();
    EXPECT_EQ(wrong, 0);
    EXPECT_EQ(s.calls + s.single_calls, n_replicas * calls);
    EXPECT_EQ(s.compared, n_replicas);
    EXPECT_EQ(s.together > s.single, batches_pay) << s.together << " " << s.single;
    EXPECT_GT(batches_pay ? s.calls : s.single_calls, n_replicas * calls / 2);
  }
}

TEST_F(Replica, AsManyEvaluationsAtATimeAsThereAreCoresFor)
{
  constexpr int n_replicas = 8, rounds = 60;
  Timed::most = 0;
  auto o = options(0.2);
  o.at_a_time = 2;
  const auto replicas = join(n_replicas, o, [] {
    return std::make_unique<Timed>(std::chrono::microseconds(500), std::chrono::microseconds(100),
                                   nullptr);
  });
  const auto graph = cluster(5, 1);
  const auto expected = alone(graph);
  std::atomic<int> wrong = 0;
  in_threads(n_replicas, [&](int k) {
    Result result;
    for (int round = 0; round < rounds; round++) {
      replicas[k]->evaluate(graph.view(), result);
      if (!same(result, expected)) wrong++;
    }
    replicas[k]->meeting().leave();
  });
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(Timed::most, 2);
  const auto s = replicas[0]->meeting().statistics();
  ASSERT_GT(s.histogram.size(), 4u);
  EXPECT_GT(s.histogram[4], rounds) << "two halves take turns";
}

TEST_F(Replica, ErrorsKeepTheirKind)
{
  // an error of a state is one where it was evaluated by another replica, too
  class Faulty : public Fragile {
   public:
    Faulty() : Fragile(-1, 1000) {}
    void evaluate(const Graph &graph, Result &result, GhostExchange *exchange) override
    {
      for (int s = 0; s < graph.n_structures(); s++) {
        const int n = graph.first_atom[s + 1] - graph.first_atom[s];
        if (n < 5) throw_error(ErrorKind(n - 1), std::to_string(n) + " atoms");
      }
      Fragile::evaluate(graph, result, exchange);
    }
  };
  constexpr int n_replicas = 4, rounds = 20;
  const auto replicas = join(n_replicas, options(), std::make_unique<Faulty>);
  std::atomic<int> right = 0;
  in_threads(n_replicas, [&](int k) {
    const auto graph = cluster(k < 3 ? k + 1 : 9, 1);
    Result result;
    for (int round = 0; round < rounds; round++) {
      try {
        replicas[k]->evaluate(graph.view(), result);
        right += k == 3;
      } catch (const EngineError &error) {
        right += k < 3 && kind_of(error) == ErrorKind(k) &&
            error.what() == std::to_string(k + 1) + " atoms";
      }
    }
    replicas[k]->meeting().leave();
  });
  EXPECT_EQ(right, n_replicas * rounds);
  EXPECT_GT(replicas[0]->meeting().statistics().retries, 0) << "they met";
}

TEST_F(Replica, GhostsAreRefused)
{
  ReplicaEngine batch(host(), options());
  GraphStorage graph = cluster(4, 1);
  graph.species.push_back(0);
  Result result;
  EXPECT_THROW(batch.evaluate(graph.view(), result), EngineError);
}

/// Jumps of one or two molecules, with the strides of one network.
struct Jump {
  GraphStorage graph;
  std::vector<double> mass, velocity, force;
  std::vector<int> stride;

  Jump(const std::vector<int> &sizes, unsigned seed)
  {
    for (const int n : sizes) {
      const auto s = mlff_test::random_structure(n, seed + unsigned(n));
      append_graph(s, network().elements, network().cutoff, graph);
      stride.push_back(int(seed + unsigned(n)) % 2);
      for (int k = 0; k < 3 * n; k++) {
        velocity.push_back(3.0 * std::sin(k + seed));
        force.push_back(std::cos(k * 0.7 + seed));
      }
    }
    for (const int s : graph.species) mass.push_back(jump_record(network()).species[s].mass);
  }

  JumpInput input() const { return {mass, velocity, force, stride}; }

  static const Potential &network()
  {
    static const Potential model = random_jump({8, 2, 6}, {1, 6, 8}, {4.0, 8.0}, 4.0);
    return model;
  }
};

std::unique_ptr<JumpEngine> jump_engine()
{
  return make_jump_engine(Jump::network(), {"host", Precision::single_precision, 1});
}

bool same(const JumpResult &a, const JumpResult &b)
{
  return a.displacement == b.displacement && a.velocity_change == b.velocity_change;
}

TEST_F(Replica, JumpsTogetherAreJumpsAlone)
{
  constexpr int n_replicas = 5, rounds = 40;
  std::vector<Jump> jumps;
  for (const auto &sizes : std::vector<std::vector<int>>{{9}, {1, 20}, {2}, {40, 3, 7}, {5}})
    jumps.emplace_back(sizes, unsigned(jumps.size()));
  for (const std::size_t memory : {std::size_t(0), std::size_t(100000)}) {
    auto o = options();
    o.memory = memory;
    std::vector<std::unique_ptr<ReplicaJumpEngine>> replicas;
    for (int k = 0; k < n_replicas; k++) {
      replicas.push_back(
          std::make_unique<ReplicaJumpEngine>(jump_engine(), painn_sizes(Jump::network()), o));
      replicas.back()->meeting().enter();
    }
    std::atomic<int> wrong = 0;
    in_threads(n_replicas, [&](int k) {
      const auto own = jump_engine();
      JumpResult together, alone;
      for (int round = 0; round < rounds; round++) {
        const Jump &jump = jumps[(k + round) % n_replicas];
        replicas[k]->evaluate(jump.graph.view(), jump.input(), together);
        own->evaluate(jump.graph.view(), jump.input(), alone);
        if (!same(together, alone)) wrong++;
      }
      replicas[k]->meeting().leave();
    });
    EXPECT_EQ(wrong, 0);
    const auto s = replicas[0]->meeting().statistics();
    EXPECT_EQ(s.calls, n_replicas * rounds);
    ASSERT_EQ(s.histogram.size(), std::size_t(n_replicas + 1));
    EXPECT_GT(s.histogram[n_replicas], rounds / 2);
    EXPECT_EQ(s.splits > 0, memory > 0);
  }
}

TEST_F(Replica, JumpsThatCannotBeMadeHarmNobodyElse)
{
  constexpr int n_replicas = 3;
  std::vector<std::unique_ptr<ReplicaJumpEngine>> replicas;
  for (int k = 0; k < n_replicas; k++) {
    replicas.push_back(std::make_unique<ReplicaJumpEngine>(
        jump_engine(), painn_sizes(Jump::network()), options()));
    replicas.back()->meeting().enter();
  }
  std::atomic<int> good = 0, failures = 0;
  in_threads(n_replicas, [&](int k) {
    Jump jump({6 + k}, unsigned(k));
    if (k == 1) jump.mass[2] *= 2.0;    // not the mass of training
    JumpResult together, alone;
    try {
      replicas[k]->evaluate(jump.graph.view(), jump.input(), together);
      jump_engine()->evaluate(jump.graph.view(), jump.input(), alone);
      good += same(together, alone);
    } catch (const EngineError &) {
      failures += k == 1;
    }
    replicas[k]->meeting().leave();
  });
  EXPECT_EQ(good, 2);
  EXPECT_EQ(failures, 1);
  // Input of the wrong size throws before any meeting.
  const Jump jump({4}, 1);
  JumpResult result;
  auto input = jump.input();
  input.force = input.force.subspan(3);
  EXPECT_THROW(replicas[0]->evaluate(jump.graph.view(), input, result), EngineError);
}

/// Processes; one of them dies by a signal at a stage, again and again.
class ReplicaDeath : public Replica, public testing::WithParamInterface<const char *> {};

const char *deadly_stage = "";

TEST_P(ReplicaDeath, OthersFinishWithRightNumbers)
{
  constexpr int n_replicas = 4, rounds = 30;
  std::vector<GraphStorage> graphs;
  std::vector<Result> expected;
  for (int k = 0; k < n_replicas; k++) {
    graphs.push_back(cluster(5 + 3 * k, unsigned(k + 1)));
    expected.push_back(alone(graphs[k]));
  }
  for (int repeat = 0; repeat < 20; repeat++) {
    job = std::to_string(getpid()) + GetParam() + std::to_string(repeat);
    const auto start = Clock::now();
    std::vector<pid_t> children;
    for (int k = 0; k < n_replicas; k++) {
      const pid_t child = fork();
      if (child == 0) {
        int wrong = 0;
        {
          ReplicaEngine replica(host(), options(0.05));
          deadly_stage = GetParam();
          Result result;
          for (int round = 0; round < rounds; round++) {
            if (k == repeat % n_replicas && round >= 3 + repeat / 4)
              replica.meeting().at_stage = [](const char *stage) {
                if (std::strcmp(stage, deadly_stage) == 0) kill(getpid(), SIGKILL);
              };
            replica.evaluate(graphs[k].view(), result);
            if (!same(result, expected[k])) wrong++;
          }
        }
        _exit(wrong);
      }
      children.push_back(child);
    }
    int killed = 0;
    for (int k = 0; k < n_replicas; k++) {
      int status = 0;
      waitpid(children[k], &status, 0);
      if (WIFSIGNALED(status))
        killed++;
      else
        EXPECT_EQ(WEXITSTATUS(status), 0) << "replica " << k << ", repeat " << repeat;
    }
    EXPECT_LE(killed, 1);
    EXPECT_LT(Clock::now() - start, std::chrono::seconds(5)) << "repeat " << repeat;
    EXPECT_EQ(shared_memory(), before);
  }
}
INSTANTIATE_TEST_SUITE_P(Stages, ReplicaDeath,
                         testing::Values("gathered", "locked", "waiting", "evaluating",
                                         "evaluated"));

TEST_F(Replica, NobodyMeetsTheDead)
{
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  const pid_t child = fork();
  if (child == 0) {
    ReplicaEngine replica(host(), options());
    replica.meeting().enter();
    if (write(ready[1], "x", 1) == 1) pause();
    _exit(0);
  }
  char x;
  ASSERT_EQ(read(ready[0], &x, 1), 1);
  ReplicaEngine early(host(), options());
  EXPECT_EQ(early.meeting().n_replicas(), 2);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  ReplicaEngine late(host(), options());
  EXPECT_EQ(late.meeting().n_replicas(), 2);
}

}    // namespace
