// Structures in pieces of a memory budget: the same numbers, whatever memory there is.
#include "engine/make_engine.h"
#include "engine/split_engine.h"
#include "support/random_potential.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <new>

using namespace mlff;

namespace {

const Potential &potential()
{
  static const Potential model = mlff_test::random_potential({8, 2, 6}, {1, 6, 8}, 4.0);
  return model;
}

GraphStorage many()
{
  GraphStorage graph;
  for (const int n : {3, 1, 40, 7, 7, 90, 2, 5, 1, 30})
    append_graph(mlff_test::random_structure(n, unsigned(n)), potential().elements,
                 potential().cutoff, graph);
  return graph;
}

/// Says that it takes a byte an atom, and has memory for so many.
class Small : public Engine {
 public:
  Small(int atoms, std::vector<int> &calls) :
      inner(make_engine(potential(), {"host", Precision::single_precision, 1})), most(atoms),
      calls(calls)
  {
  }
  void evaluate(const Graph &graph, Result &result, GhostExchange *) override
  {
    if (graph.n_centres() > most) throw std::bad_alloc();
    calls.push_back(graph.n_centres());
    inner->evaluate(graph, result);
  }
  bool supports_domain_decomposition() const override { return false; }
  std::size_t bytes(int atoms, int) const override { return std::size_t(atoms); }
  EngineInfo info() const override { return {}; }

 private:
  std::unique_ptr<Engine> inner;
  int most;
  std::vector<int> &calls;
};

void expect_same(const Result &a, const Result &b)
{
  EXPECT_EQ(a.energy, b.energy);
  EXPECT_EQ(a.atom_energy, b.atom_energy);
  EXPECT_EQ(a.gradient, b.gradient);
}

TEST(SplitEngine, AnyBudgetGivesTheSameBits)
{
  const GraphStorage graph = many();
  Result whole, pieces;
  std::vector<int> calls;
  Small(1000, calls).evaluate(graph.view(), whole, nullptr);
  for (const std::size_t budget : {1000, 186, 185, 100, 50, 9, 1}) {
    calls.clear();
    SplitEngine engine(std::make_unique<Small>(1000, calls), budget);
    engine.evaluate(graph.view(), pieces);
    expect_same(whole, pieces);
    EXPECT_EQ(engine.n_splits(), budget >= 186 ? 0 : 1);
    // a structure larger than the budget goes alone
    for (const int atoms : calls)
      EXPECT_TRUE(std::size_t(atoms) <= budget || atoms == 90 || budget < 50)
          << atoms << " of " << budget;
    if (budget == 1) { EXPECT_EQ(calls.size(), 10u); }
  }
}

TEST(SplitEngine, MemoryThatRunsOutIsMetByHalving)
{
  const GraphStorage graph = many();
  Result whole, pieces;
  std::vector<int> calls;
  Small(1000, calls).evaluate(graph.view(), whole, nullptr);
  calls.clear();
  SplitEngine engine(std::make_unique<Small>(95, calls));
  for (int repeat = 0; repeat < 2; repeat++) {
    engine.evaluate(graph.view(), pieces);
    expect_same(whole, pieces);
  }
  EXPECT_LE(*std::max_element(calls.begin(), calls.end()), 95);
}

TEST(SplitEngine, AStructureThatDoesNotFitIsNamed)
{
  const GraphStorage graph = many();
  std::vector<int> calls;
  SplitEngine engine(std::make_unique<Small>(50, calls));
  Result result;
  try {
    engine.evaluate(graph.view(), result);
    FAIL() << "no error";
  } catch (const EngineError &error) {
    EXPECT_NE(std::string(error.what()).find("not enough memory for structure 6 of 90 atoms"),
              std::string::npos)
        << error.what();
  }
}

/// Takes eight times the memory that it tells.
class Greedy : public Small {
 public:
  Greedy(int atoms, std::vector<int> &calls, DeviceKind device = DeviceKind::host) :
      Small(atoms, calls), device(device)
  {
  }
  void evaluate(const Graph &graph, Result &result, GhostExchange *exchange) override
  {
    Small::evaluate(graph, result, exchange);
    taken.resize(std::max(taken.size(), std::size_t(graph.n_centres()) << 20), 1);
  }
  std::size_t bytes(int atoms, int) const override { return std::size_t(atoms) << 17; }
  EngineInfo info() const override
  {
    EngineInfo info;
    info.device = device;
    return info;
  }

 private:
  DeviceKind device;
  std::vector<char> taken;
};

TEST(SplitEngine, TheProbeCorrectsAnEstimateThatIsTooLow)
{
  std::vector<int> calls;
  SplitEngine engine(std::make_unique<Greedy>(1000, calls), std::size_t(150) << 20);
  const GraphStorage graph = many();
  Result result;
  EXPECT_EQ(engine.bytes(10, 0), std::size_t(10) << 17);
  engine.evaluate(graph.view(), result);    // 186 atoms: 23 MB by the estimate, 186 in truth
  EXPECT_EQ(engine.n_splits(), 0);
  EXPECT_GT(engine.bytes(10, 0), std::size_t(10) << 19);
  engine.evaluate(graph.view(), result);
  EXPECT_EQ(engine.n_splits(), 1);
}

TEST(SplitEngine, MemoryOfTheProcessSaysNothingOfAGpu)
{
  const GraphStorage graph = many();
  for (const auto device : {DeviceKind::cuda, DeviceKind::hip, DeviceKind::sycl}) {
    std::vector<int> calls;
    SplitEngine engine(std::make_unique<Greedy>(1000, calls, device), std::size_t(150) << 20);
    Result result;
    for (int repeat = 0; repeat < 2; repeat++) engine.evaluate(graph.view(), result);
    EXPECT_EQ(engine.bytes(10, 0), std::size_t(10) << 17);
    EXPECT_EQ(engine.n_splits(), 0);
  }
}

}    // namespace
