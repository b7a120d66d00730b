// Teams of several threads on the CPU: a team has one there as a rule, so that races between its
// threads, which a GPU would have, do not show in other tests. Needs Kokkos with four threads.
#include "engine/make_engine.h"
#include "kokkos/engine/engine_kokkos.h"

#include "support/jump_states.h"
#include "support/lammps_fixture.h"
#include "support/random_potential.h"

#include <algorithm>
#include <string>

using namespace mlff;
using namespace mlff_test;

namespace {

struct Shape {
  std::string name;
  TeamShape teams;
};

/// Teams of two and four threads; tiles of a long-range block with one and several groups of them.
const std::vector<Shape> shapes = {{"two threads", {2, 0}},
                                   {"four threads", {4, 0}},
                                   {"two threads, two groups", {2, 2}},
                                   {"four threads, three groups", {4, 3}},
                                   {"one thread, two groups", {1, 2}}};

class Teams : public LammpsTest {
 protected:
  void SetUp() override
  {
    LammpsTest::SetUp();
    if (kokkos_threads() < 4) GTEST_SKIP() << "Kokkos has less than four threads in this run";
  }

  static EngineOptions options(Precision precision, Filter filter, LongRangeForm form)
  {
    EngineOptions options;
    options.engine = "host";
    options.precision = precision;
    options.threads = 1;
    options.filter = filter;
    options.long_range = form;
    return options;
  }

  /// All numbers of an evaluation, by name.
  using Numbers = std::vector<std::pair<std::string, std::vector<double>>>;

  static Numbers evaluate(Engine &engine, const Graph &graph)
  {
    Result result;
    std::vector<double> forces;
    engine.evaluate(graph, result);
    sum_forces(graph, result, forces);
    return {{"energies of atoms", result.atom_energy},
            {"forces", forces},
            {"gradients by positions", result.position_gradient},
            {"gradients by the strain", result.strain_gradient}};
  }

  static Numbers evaluate(JumpEngine &engine, const Graph &graph, const JumpInput &input)
  {
    JumpResult result;
    engine.evaluate(graph, input, result);
    return {{"displacements", result.displacement}, {"velocities", result.velocity_change}};
  }

  static void expect_near(const Numbers &found, const Numbers &expected, double tolerance,
                          const std::string &what)
  {
    for (std::size_t q = 0; q < expected.size(); q++) {
      const auto &[name, values] = expected[q];
      ASSERT_EQ(found[q].second.size(), values.size()) << what << ", " << name;
      EXPECT_LT(largest_difference(found[q].second, values),
                tolerance * std::max(1.0, largest(values)))
          << what << ", " << name;
    }
  }

  /// Engines with teams of several threads against `host` and one with teams of one; a race need
  /// not show every time, but then two evaluations differ.
  template <typename Make, typename Run>
  static void expect_same(const Make &make, const Run &run, const Numbers &host,
                          Precision precision, const std::string &what)
  {
    const bool single = precision == Precision::single_precision;
    const Numbers alone = run(*make(TeamShape{1, 0}));
    for (const auto &[name, teams] : shapes) {
      const auto engine = make(teams);
      const std::string words = what + (single ? ", single, " : ", double, ") + name;
      const Numbers found = run(*engine);
      expect_near(found, host, single ? 1e-4 : 1e-10, words + ", against the host");
      expect_near(found, alone, single ? 1e-5 : 1e-12, words + ", against one thread");
      for (int again = 0; again < 5; again++)
        EXPECT_EQ(run(*engine), found) << words << ", evaluation " << again + 2;
    }
  }

  static void expect_same_energies(const Potential &potential,
                                   const std::vector<Structure> &structures, Filter filter,
                                   LongRangeForm form, const std::string &what)
  {
    GraphStorage graph;
    for (const auto &structure : structures)
      append_graph(structure, potential.elements, potential.cutoff, graph);
    for (const auto precision : {Precision::double_precision, Precision::single_precision}) {
      const auto choices = options(precision, filter, form);
      const auto run = [&](Engine &engine) {
        return evaluate(engine, graph.view());
      };
      expect_same(
          [&](const TeamShape &teams) {
            return make_kokkos_engine(potential, choices, false, teams);
          },
          run, run(*make_engine(potential, choices)), precision, what);
    }
  }
};

/// Structures of many sizes, with a lone atom among them.
std::vector<Structure> open_structures()
{
  return {random_structure(23, 8), random_structure(1, 2), random_structure(61, 4),
          random_structure(9, 5)};
}

LongRangeSizes block(int layers, int heads, int key_width)
{
  LongRangeSizes block_sizes;
  block_sizes.layers = layers;
  block_sizes.heads = heads;
  block_sizes.key_width = key_width;
  block_sizes.value_width = 3;
  block_sizes.kappa_count = 4;
  block_sizes.kappa_max = 0.6;
  return block_sizes;
}

Potential with_block(const LongRangeSizes &block_sizes)
{
  Potential potential = random_potential({20, 2, 6, 1e-2}, {6, 8, 1}, 3.0, 5, &block_sizes);
  // gates of order one, so that the block counts
  for (auto &[name, tensor] : potential.tensors)
    if (name.ends_with("_gate"))
      for (double &x : tensor.values) x = float(0.5 + 5.0 * x);
  return potential;
}

}    // namespace

TEST_F(Teams, LocalLayers)
{
  for (const PainnSizes &sizes : {PainnSizes{48, 1, 5}, {72, 3, 6, 1e-2}})
    for (const auto filter : {Filter::exact, Filter::spline})
      expect_same_energies(random_potential(sizes, {6, 8, 1}, 4.0, 3), open_structures(), filter,
                           LongRangeForm::automatic, "F " + std::to_string(sizes.features));
}

TEST_F(Teams, LongRangeDirect)
{
  for (const auto &block_sizes : {block(1, 1, 4), block(2, 4, 8), block(2, 3, 5)})
    expect_same_energies(with_block(block_sizes), open_structures(), Filter::exact,
                         LongRangeForm::direct, std::to_string(block_sizes.heads) + " heads");
}

TEST_F(Teams, LongRangeLinear)
{
  const std::array<bool, 3> everywhere = {true, true, true};
  auto structures = open_structures();
  structures.push_back(
      random_structure(40, 6, {9.1, 0.3, -0.2, 1.7, 8.2, 0.4, -1.1, 0.9, 10.3}, everywhere));
  for (const auto &block_sizes : {block(1, 1, 4), block(2, 4, 8), block(2, 3, 5)})
    expect_same_energies(with_block(block_sizes), structures, Filter::exact, LongRangeForm::linear,
                         std::to_string(block_sizes.heads) + " heads");
}

TEST_F(Teams, Jumps)
{
  const Potential potential = potential_of({72, 3, 7, 1e-2});
  const States all = states(7, 9);
  const GraphStorage graph = all.graph();
  for (const auto precision : {Precision::double_precision, Precision::single_precision}) {
    const auto choices = options(precision, Filter::exact, LongRangeForm::automatic);
    const auto run = [&](JumpEngine &engine) {
      return evaluate(engine, graph.view(), all.input());
    };
    expect_same(
        [&](const TeamShape &teams) {
          return make_kokkos_jump(potential, choices, teams);
        },
        run, run(*make_jump_engine(potential, choices)), precision, "jumps");
  }
}
