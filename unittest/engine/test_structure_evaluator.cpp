// Structures evaluated together against the engine one by one: bits, stress, pieces, chunks,
// threads, committees, errors.
#include "core/errors.h"
#include "engine/make_engine.h"
#include "engine/structure_evaluator.h"
#include "structure/lattice.h"
#include "support/random_potential.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <functional>
#include <string>
#include <thread>
#include <vector>

using namespace mlff;
using mlff_test::random_potential;
using mlff_test::random_structure;

namespace {

const std::array<double, 9> cell = {8.1, 0, 0, 1.3, 7.7, 0, -0.9, 1.1, 8.6};

EngineOptions in_double(int threads = 1)
{
  return {"host", Precision::double_precision, threads};
}

/// Molecules, a crystal and a slab of different sizes.
std::vector<Structure> some_structures()
{
  return {random_structure(9, 5), random_structure(20, 4, cell, {true, true, true}),
          random_structure(14, 7), random_structure(18, 8, cell, {true, true, false})};
}

std::vector<Structure> many_structures(int n)
{
  std::vector<Structure> many;
  for (int k = 0; k < n; k++) many.push_back(random_structure(9, 1 + k % 13));
  return many;
}

StructureEvaluator evaluator_of(const Potential &potential, int threads = 1, std::size_t memory = 0)
{
  return {{potential}, in_double(threads), {"a"}, memory};
}

void expect_same(const Evaluation &a, const Evaluation &b)
{
  EXPECT_EQ(a.energy, b.energy);
  EXPECT_EQ(a.atom_energy, b.atom_energy);
  EXPECT_EQ(a.forces, b.forces);
  ASSERT_EQ(a.stress.size(), b.stress.size());
  for (std::size_t k = 0; k < a.stress.size(); k++)
    EXPECT_TRUE(a.stress[k] == b.stress[k] || (std::isnan(a.stress[k]) && std::isnan(b.stress[k])))
        << k;
}

TEST(StructureEvaluator, GivesWhatTheEngineGivesOneByOne)
{
  const Potential potential = random_potential();
  const auto structures = some_structures();
  auto evaluator = evaluator_of(potential);
  const Evaluation all = evaluator.evaluate(structures);
  ASSERT_EQ(all.energy.size(), 4u);
  ASSERT_EQ(all.atom_energy.size(), 61u);
  ASSERT_EQ(all.forces.size(), 183u);
  ASSERT_EQ(all.stress.size(), 36u);
  EXPECT_TRUE(all.spread.empty());
  EXPECT_TRUE(all.energy_spread.empty());
  const auto engine = make_engine(potential, in_double());
  std::size_t atom = 0;
  for (std::size_t s = 0; s < structures.size(); s++) {
    GraphStorage graph;
    append_graph(structures[s], potential.elements, potential.cutoff, graph);
    Result result;
    std::vector<double> forces;
    engine->evaluate(graph.view(), result);
    sum_forces(graph.view(), result, forces);
    EXPECT_EQ(all.energy[s], result.energy[0]);
    for (std::size_t i = 0; i < structures[s].numbers.size(); i++) {
      EXPECT_EQ(all.atom_energy[atom + i], result.atom_energy[i]);
      for (int a = 0; a < 3; a++) EXPECT_EQ(all.forces[3 * (atom + i) + a], forces[3 * i + a]);
    }
    atom += structures[s].numbers.size();
  }
}

TEST(StructureEvaluator, StressIsTheDerivativeByStrain)
{
  const Structure crystal = random_structure(20, 4, cell, {true, true, true});
  auto evaluator = evaluator_of(random_potential());
  const auto energy_at = [&](int a, int b, double strain) {
    Structure moved = crystal;
    std::array<double, 9> matrix = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    matrix[3 * a + b] += strain / 2;
    matrix[3 * b + a] += strain / 2;
    const auto strained = [&](double *x) {
      const std::array<double, 3> old = {x[0], x[1], x[2]};
      for (int c = 0; c < 3; c++)
        x[c] = old[0] * matrix[c] + old[1] * matrix[3 + c] + old[2] * matrix[6 + c];
    };
    for (std::size_t k = 0; k < moved.positions.size(); k += 3) strained(&moved.positions[k]);
    for (int k = 0; k < 9; k += 3) strained(&moved.cell[k]);
    return evaluator.evaluate({&moved, 1}).energy[0];
  };
  const auto stress = evaluator.evaluate({&crystal, 1}).stress;
  const double step = 1e-5;
  for (int a = 0; a < 3; a++)
    for (int b = 0; b < 3; b++) {
      const double slope = (energy_at(a, b, step) - energy_at(a, b, -step)) / (2 * step);
      EXPECT_NEAR(stress[3 * a + b], slope / cell_volume(cell), 1e-8) << a << b;
      EXPECT_EQ(stress[3 * a + b], stress[3 * b + a]);
    }
  EXPECT_GT(std::abs(stress[1]), 1e-4) << "this crystal has too little shear stress for this test";
}

TEST(StructureEvaluator, OpenStructuresHaveNoStress)
{
  auto evaluator = evaluator_of(random_potential());
  const auto stress = evaluator.evaluate(some_structures()).stress;
  for (int c = 0; c < 9; c++) {
    EXPECT_TRUE(std::isnan(stress[c]));
    EXPECT_TRUE(std::isfinite(stress[9 + c]));
    EXPECT_TRUE(std::isnan(stress[18 + c]));
    EXPECT_TRUE(std::isfinite(stress[27 + c])) << "of a slab";
  }
  Structure flat = random_structure(18, 8, cell, {true, true, false});
  for (int c = 6; c < 9; c++) flat.cell[c] = 0.0;
  for (const double x : evaluator.evaluate({&flat, 1}).stress) EXPECT_TRUE(std::isnan(x));
}

TEST(StructureEvaluator, PiecesForMemoryChangeNoBit)
{
  const Potential potential = random_potential();
  const auto structures = some_structures();
  GraphStorage largest;
  append_graph(structures[1], potential.elements, potential.cutoff, largest);
  const auto engine = make_engine(potential, in_double());
  const std::size_t one = engine->bytes(largest.view().n_atoms(), largest.view().n_edges());
  expect_same(evaluator_of(potential, 1, 2 * one).evaluate(structures),
              evaluator_of(potential).evaluate(structures));
}

TEST(StructureEvaluator, ChunksAndThreadsChangeNoBit)
{
  const Potential potential = random_potential({4, 1, 4});
  const auto many = many_structures(2000);    // 18000 atoms, more than one chunk
  const Evaluation together = evaluator_of(potential).evaluate(many);
  expect_same(evaluator_of(potential, 2).evaluate(many), together);
  ASSERT_EQ(together.energy.size(), 2000u);
  for (std::size_t k = 13; k < 2000; k++) {
    EXPECT_EQ(together.energy[k], together.energy[k - 13]) << k;
    for (int c = 0; c < 27; c++)
      EXPECT_EQ(together.forces[27 * k + c], together.forces[27 * (k - 13) + c]) << k;
  }
}

TEST(StructureEvaluator, CommitteesGiveMeansAndSpreads)
{
  const std::vector<Potential> members = {random_potential({8, 2, 6}, {6, 8, 1}, 4.0, 1),
                                          random_potential({12, 1, 5}, {1, 7, 8, 6}, 3.5, 2),
                                          random_potential({8, 2, 6}, {8, 6, 1}, 3.0, 3)};
  StructureEvaluator committee(members, in_double(), {"a", "b", "c"});
  EXPECT_TRUE(committee.is_committee());
  EXPECT_EQ(committee.cutoff(), 4.0);
  const auto structures = some_structures();
  const Evaluation found = committee.evaluate(structures);
  std::vector<Evaluation> single;
  for (const auto &member : members) single.push_back(evaluator_of(member).evaluate(structures));
  ASSERT_EQ(found.energy_spread.size(), 4u);
  ASSERT_EQ(found.spread.size(), 61u);
  for (std::size_t s = 0; s < 4; s++) {
    double mean = 0.0, square = 0.0;
    for (const auto &one : single) mean += one.energy[s] / 3;
    for (const auto &one : single) square += std::pow(one.energy[s] - mean, 2) / 3;
    EXPECT_NEAR(found.energy[s], mean, 1e-11);
    EXPECT_NEAR(found.energy_spread[s], std::sqrt(square), 1e-11);
    EXPECT_GT(found.energy_spread[s], 0.01);
  }
  for (std::size_t i = 0; i < 61; i++) {
    double square = 0.0;
    for (std::size_t c = 3 * i; c < 3 * i + 3; c++) {
      const double mean = (single[0].forces[c] + single[1].forces[c] + single[2].forces[c]) / 3;
      EXPECT_NEAR(found.forces[c], mean, 1e-12);
      for (const auto &one : single) square += std::pow(one.forces[c] - mean, 2) / 3;
    }
    EXPECT_NEAR(found.spread[i], std::sqrt(square), 1e-12);
  }
}

void expect_error(StructureEvaluator &evaluator, const std::vector<Structure> &structures,
                  const std::string &text)
{
  try {
    evaluator.evaluate(structures);
    ADD_FAILURE() << "no error";
  } catch (const std::exception &error) {
    EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what();
  }
}

TEST(StructureEvaluator, NamesTheStructureThatFailsAndGoesOn)
{
  auto evaluator = evaluator_of(random_potential());
  const auto structures = some_structures();
  const Evaluation expected = evaluator.evaluate(structures);
  const auto with = [&](int s, const std::function<void(Structure &)> &change) {
    auto wrong = structures;
    change(wrong[s]);
    return wrong;
  };
  expect_error(evaluator,
               with(2,
                    [](Structure &one) {
                      one.numbers[3] = 14;
                    }),
               "structure 3: atom 4 is Si");
  expect_error(evaluator,
               with(1,
                    [](Structure &one) {
                      one.positions[5] = NAN;
                    }),
               "structure 2: the position of atom 2 is not finite");
  expect_error(evaluator,
               with(3,
                    [](Structure &one) {
                      one.cell[0] = 0.01;
                    }),
               "structure 4: ");
  expect_error(evaluator,
               with(0,
                    [](Structure &one) {
                      one = {};
                    }),
               "structure 1: there are no atoms");
  expect_error(evaluator, {Structure()}, "there are no atoms");
  expect_same(evaluator.evaluate(structures), expected);
  EXPECT_TRUE(evaluator.evaluate({}).energy.empty());
}

TEST(StructureEvaluator, CallersTakeTurns)
{
  auto evaluator = evaluator_of(random_potential());
  const auto structures = some_structures();
  const Evaluation expected = evaluator.evaluate(structures);
  std::vector<Evaluation> found(4);
  std::vector<std::thread> callers;
  for (auto &mine : found)
    callers.emplace_back([&] {
      for (int k = 0; k < 20; k++) mine = evaluator.evaluate(structures);
    });
  for (auto &caller : callers) caller.join();
  for (const auto &mine : found) expect_same(mine, expected);
}

}    // namespace
