// An ensemble against its members one by one: means, the spread of their forces, edges of different
// cutoffs.
#include "engine/ensemble.h"
#include "engine/make_engine.h"
#include "support/random_potential.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace mlff;
using mlff_test::random_potential;
using mlff_test::random_structure;

namespace {

const std::array<double, 9> cell = {8.1, 0, 0, 1.3, 7.7, 0, -0.9, 1.1, 8.6};
const EngineOptions in_double = {"host", Precision::double_precision, 1};

struct Single {
  Result result;
  std::vector<double> forces;
};

Single evaluate(Engine &engine, const std::vector<int> &elements, double cutoff,
                const std::vector<Structure> &structures)
{
  GraphStorage all;
  for (const auto &structure : structures) {
    GraphStorage graph;
    append_graph(structure, elements, cutoff, graph);
    all.append(graph.view());
  }
  Single out;
  engine.evaluate(all.view(), out.result);
  sum_forces(all.view(), out.result, out.forces);
  return out;
}

/// Members that differ in weights, sizes, order of elements and cutoff.
std::vector<Potential> potentials(const std::vector<double> &cutoffs)
{
  return {random_potential({8, 2, 6}, {6, 8, 1}, cutoffs[0], 1),
          random_potential({12, 1, 5}, {1, 7, 8, 6}, cutoffs[1], 2),
          random_potential({8, 2, 6}, {8, 6, 1}, cutoffs[2], 3)};
}

// What the first member says is not touched by the others, whether they are asked or not.
TEST(EnsembleDriver, IsTheFirstMemberToTheLastBit)
{
  const auto list = potentials({4.0, 3.5, 4.0});
  const std::vector<Structure> structures = {random_structure(20, 4, cell, {true, true, true}),
                                             random_structure(9, 5)};
  const auto alone = evaluate(*make_engine(list[0], in_double), list[0].elements, 4.0, structures);
  Ensemble committee(list, in_double, {"a", "b", "c"}), driven(list, in_double, {"a", "b", "c"});
  committee.find_spread = driven.find_spread = true;
  driven.first_drives = true;
  evaluate(committee, list[0].elements, 4.0, structures);
  for (const bool observes : {true, false, true}) {
    driven.observes = observes;
    const auto found = evaluate(driven, list[0].elements, 4.0, structures);
    EXPECT_EQ(found.result.energy, alone.result.energy);
    EXPECT_EQ(found.result.atom_energy, alone.result.atom_energy);
    EXPECT_EQ(found.result.gradient, alone.result.gradient);
    EXPECT_EQ(driven.spread, observes ? committee.spread : std::vector<double>{});
    EXPECT_EQ(driven.energy_spread, observes ? committee.energy_spread : std::vector<double>{});
  }
}

class EnsembleTest : public testing::TestWithParam<std::vector<double>> {};

TEST_P(EnsembleTest, IsMeanOfItsMembers)
{
  const auto list = potentials(GetParam());
  const double largest = *std::max_element(GetParam().begin(), GetParam().end());
  const std::vector<Structure> structures = {random_structure(20, 4, cell, {true, true, true}),
                                             random_structure(9, 5)};
  std::vector<Single> single;
  for (const auto &potential : list)
    single.push_back(evaluate(*make_engine(potential, in_double), potential.elements,
                              potential.cutoff, structures));

  Ensemble ensemble(list, in_double, {"a", "b", "c"});
  const auto without = evaluate(ensemble, list[0].elements, largest, structures);
  EXPECT_TRUE(ensemble.spread.empty());
  ensemble.find_spread = true;
  const auto found = evaluate(ensemble, list[0].elements, largest, structures);
  EXPECT_EQ(found.result.gradient, without.result.gradient)
      << "finding the spread changes the forces";

  ASSERT_EQ(found.result.energy.size(), 2u);
  ASSERT_EQ(ensemble.energy_spread.size(), 2u);
  for (int s = 0; s < 2; s++) {
    const double energy[3] = {single[0].result.energy[s], single[1].result.energy[s],
                              single[2].result.energy[s]};
    const double mean = (energy[0] + energy[1] + energy[2]) / 3;
    EXPECT_NEAR(found.result.energy[s], mean, 1e-11);
    double square = 0.0;
    for (const double e : energy) square += (e - mean) * (e - mean);
    EXPECT_NEAR(ensemble.energy_spread[s], std::sqrt(square / 3), 1e-11);
    EXPECT_GT(ensemble.energy_spread[s], 0.01) << "the members are too much alike for this test";
  }
  ASSERT_EQ(found.result.atom_energy.size(), 29u);
  ASSERT_EQ(ensemble.spread.size(), 29u);
  double largest_spread = 0.0;
  for (int i = 0; i < 29; i++) {
    EXPECT_NEAR(found.result.atom_energy[i],
                (single[0].result.atom_energy[i] + single[1].result.atom_energy[i] +
                 single[2].result.atom_energy[i]) /
                    3,
                1e-12);
    double square = 0.0;
    for (int a = 0; a < 3; a++) {
      const double f[3] = {single[0].forces[3 * i + a], single[1].forces[3 * i + a],
                           single[2].forces[3 * i + a]};
      const double mean = (f[0] + f[1] + f[2]) / 3;
      EXPECT_NEAR(found.forces[3 * i + a], mean, 1e-12) << i;
      for (const double x : f) square += (x - mean) * (x - mean);
    }
    EXPECT_NEAR(ensemble.spread[i], std::sqrt(square / 3), 1e-12) << i;
    largest_spread = std::max(largest_spread, ensemble.spread[i]);
  }
  EXPECT_GT(largest_spread, 0.1) << "the members are too much alike for this test";
}

INSTANTIATE_TEST_SUITE_P(Cutoffs, EnsembleTest,
                         testing::Values(std::vector<double>{4.0, 4.0, 4.0},
                                         std::vector<double>{4.0, 3.0, 3.5},
                                         std::vector<double>{3.0, 4.0, 3.0}));

TEST(Ensemble, OfEqualMembersHasNoSpread)
{
  const Potential one = random_potential();
  Ensemble ensemble({one, one}, in_double, {"a", "b"});
  ensemble.find_spread = true;
  evaluate(ensemble, one.elements, one.cutoff, {random_structure(12, 6)});
  ASSERT_EQ(ensemble.spread.size(), 12u);
  for (const double s : ensemble.spread) EXPECT_EQ(s, 0.0);
  EXPECT_EQ(ensemble.energy_spread, std::vector<double>{0.0});
}

TEST(Ensemble, ReportsItsMembers)
{
  const auto list = potentials({4.0, 3.0, 4.0});
  Ensemble ensemble(list, in_double, {"a", "b", "c"});
  EXPECT_TRUE(ensemble.supports_domain_decomposition());
  EXPECT_NE(ensemble.description().find("host engine"), std::string::npos);
  EXPECT_NE(ensemble.description().find("mean of 3 potentials"), std::string::npos);
  EXPECT_GT(ensemble.bytes(100, 2000),
            make_engine(list[0], in_double)->bytes(100, 2000) +
                make_engine(list[1], in_double)->bytes(100, 2000));
}

void expect_error(Ensemble &ensemble, const GraphStorage &graph,
                  const std::vector<std::string> &words)
{
  try {
    Result result;
    ensemble.evaluate(graph.view(), result);
    ADD_FAILURE() << "no error";
  } catch (const EngineError &error) {
    for (const auto &word : words)
      EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
  }
}

TEST(Ensemble, NamesTheMemberThatFails)
{
  Ensemble other({random_potential(), random_potential({8, 2, 6}, {1, 8}, 4.0, 2)}, in_double,
                 {"first.safetensors", "second.safetensors"});
  GraphStorage graph;
  append_graph(random_structure(9, 5), {6, 8, 1}, 4.0, graph);
  expect_error(other, graph, {"second.safetensors: element C is not in this potential"});
  Ensemble ensemble({random_potential(), random_potential({8, 2, 6}, {6, 8, 1}, 4.0, 2)}, in_double,
                    {"first.safetensors", "second.safetensors"});
  std::fill_n(graph.r.begin(), 3, 0.0);
  expect_error(ensemble, graph, {"first.safetensors: the energy of structure 1 is not finite"});
  EXPECT_THROW(Ensemble({random_potential()}, {"tensorflow"}, {"a"}), EngineError);
}

TEST(CommonRange, IsTheNarrowest)
{
  std::vector<Potential> list = {random_potential({8, 2, 6}, {6, 8, 1}),
                                 random_potential({8, 2, 6}, {1, 6}),
                                 random_potential({8, 2, 6}, {6, 7, 1})};
  EXPECT_TRUE(common_range(list).empty());
  list[1].range = {{7.0, 0.9}, {5.0, 1.2}};
  list[2].range = {{6.0, 1.3}, {1.0, 9.0}, {3.0, 0.8}};
  const auto range = common_range(list);
  ASSERT_EQ(range.size(), 3u);
  EXPECT_EQ(range[0].force, 5.0);
  EXPECT_EQ(range[0].nearest, 1.3);
  EXPECT_EQ(range[1].force, std::numeric_limits<double>::infinity());
  EXPECT_EQ(range[1].nearest, 0.0);
  EXPECT_EQ(range[2].force, 3.0);
  EXPECT_EQ(range[2].nearest, 0.9);
}

}    // namespace
