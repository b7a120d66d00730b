// molecule-mlp: kernels against differences and autograd, symmetries, which atom is which, its
// file, its training.
#include "models/molecule_mlp/molecule_mlp.h"

#include "data/trajectory.h"
#include "engine/make_engine.h"
#include "engine/make_gradient.h"
#include "models/molecule_mlp/molecule_record.h"
#include "models/random_model.h"
#include "structure/structure.h"
#include "support/program_fixture.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <cstring>
#include <functional>
#include <map>
#include <numbers>
#include <set>
#include <sstream>
#include <thread>

#include <sys/wait.h>

using namespace mlff;
using Json = nlohmann::json;

namespace {

const std::string data = MLFF_TEST_DATA "/ethanol_gfn2.xyz";

std::vector<Structure> frames(int n)
{
  const auto reader = open_trajectory(data);
  std::vector<Structure> list;
  for (Structure frame; int(list.size()) < n && reader->next(frame);) list.push_back(frame);
  return list;
}

Structure ethanol()
{
  return frames(1)[0];
}

Potential model(int permutations = 0, const std::vector<int> &widths = {24, 20})
{
  const Structure structure = ethanol();
  return random_molecule(structure.numbers, structure.positions, widths, permutations);
}

Structure permuted(const Structure &from, const Permutation &p)
{
  Structure to = from;
  for (std::size_t k = 0; k < p.size(); k++) {
    to.numbers[k] = from.numbers[p[k]];
    std::copy_n(&from.positions[3 * std::size_t(p[k])], 3, &to.positions[3 * k]);
  }
  return to;
}

struct Prediction {
  double energy = 0.0;
  std::vector<double> forces, atom_energy;
};

Prediction evaluate(Engine &engine, const Potential &potential, const Structure &structure)
{
  GraphStorage graph;
  append_graph(structure, potential.elements, potential.cutoff, graph);
  Result result;
  engine.evaluate(graph.view(), result);
  Prediction prediction{result.energy[0], {}, result.atom_energy};
  sum_forces(graph.view(), result, prediction.forces);
  return prediction;
}

Prediction evaluate(const Potential &potential, const Structure &structure,
                    const std::string &engine = "host",
                    Precision precision = Precision::double_precision, int threads = 1)
{
  return evaluate(*make_engine(potential, {engine, precision, threads, "cpu"}), potential,
                  structure);
}

double difference(const std::vector<double> &a, const std::vector<double> &b)
{
  EXPECT_EQ(a.size(), b.size());
  double m = 0.0;
  for (std::size_t k = 0; k < std::min(a.size(), b.size()); k++)
    m = std::max(m, std::abs(a[k] - b[k]));
  return m;
}

double largest(const std::vector<double> &a)
{
  return difference(a, std::vector<double>(a.size(), 0.0));
}

void expect_mismatch(const Potential &potential, const Structure &structure,
                     const std::vector<std::string> &words)
{
  try {
    evaluate(potential, structure);
    ADD_FAILURE() << "no error";
  } catch (const EngineError &error) {
    for (const auto &word : words)
      EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << word << "\n"
                                                                         << error.what();
  }
}

// dimethyl ether: ethanol's atoms, other bonds
Structure ether()
{
  Structure structure;
  structure.numbers = {6, 8, 6, 1, 1, 1, 1, 1, 1};
  structure.positions = {-1.17, -0.19, 0.0,  0.0,   0.59,  0.0,   1.17,  -0.19, 0.0,
                         -1.21, -0.84, 0.89, -1.21, -0.84, -0.89, -2.03, 0.49,  0.0,
                         1.21,  -0.84, 0.89, 1.21,  -0.84, -0.89, 2.03,  0.49,  0.0};
  return structure;
}

}    // namespace

TEST(BondedMolecule, PermutationsOfEthanol)
{
  const Structure structure = ethanol();
  const BondedMolecule molecule = bonded_molecule(structure.numbers, structure.positions);
  EXPECT_EQ(molecule.formula(), "C2H6O");
  EXPECT_EQ(molecule.bonds.size(), 8u);
  // Half of the 12 automorphisms of the bonded graph would turn one carbon inside out and not the
  // other.
  const auto all = equivalent_permutations(molecule, 100);
  ASSERT_EQ(all.size(), 6u);
  for (std::size_t k = 0; k < 9; k++) EXPECT_EQ(all[0][k], int(k));
  const auto generators = generators_within(all, 9, 100);
  const auto group = group_of(generators, 9, 100);
  EXPECT_EQ(std::set<Permutation>(all.begin(), all.end()),
            std::set<Permutation>(group.begin(), group.end()));
  EXPECT_EQ(group_of(generators_within(all, 9, 5), 9, 100).size(), 3u);
  EXPECT_EQ(group_of(generators_within(all, 9, 2), 9, 100).size(), 2u);
  EXPECT_TRUE(generators_within(all, 9, 1).empty());
  EXPECT_TRUE(group_of(generators, 9, 5).empty());
  EXPECT_THROW(equivalent_permutations(molecule, 5), MoleculeMismatch);
  EXPECT_EQ(cycle_text(molecule, {0, 1, 2, 4, 5, 3, 6, 7, 8}), "(H4 H5 H6)");
}

TEST(BondedMolecule, PermutationsOfOtherMolecules)
{
  const auto count = [](const std::vector<int> &numbers, const std::vector<double> &x) {
    return equivalent_permutations(bonded_molecule(numbers, x), 1000).size();
  };
  // methane: 12 turns and 12 mirror images, all of them reached (inverse distances do not tell a
  // molecule from its mirror image)
  const double c = 0.63;
  EXPECT_EQ(count({6, 1, 1, 1, 1}, {0, 0, 0, c, c, c, -c, -c, c, -c, c, -c, c, -c, -c}), 24u);
  // ammonia, which turns inside out by itself
  EXPECT_EQ(
      count({7, 1, 1, 1}, {0, 0, 0.1, 0.94, 0, -0.27, -0.47, 0.81, -0.27, -0.47, -0.81, -0.27}),
      6u);
  // benzene: the dihedral group of the ring
  std::vector<int> numbers;
  std::vector<double> x;
  for (int k = 0; k < 12; k++) {
    const double r = k < 6 ? 1.39 : 2.48, angle = k * std::numbers::pi / 3;
    numbers.push_back(k < 6 ? 6 : 1);
    x.insert(x.end(), {r * std::cos(angle), r * std::sin(angle), 0.0});
  }
  EXPECT_EQ(count(numbers, x), 12u);
  // a carbon of four different atoms has no permutation but the identity
  EXPECT_EQ(
      count({6, 1, 9, 17, 35}, {0, 0, 0, c, c, c, -0.8, -0.8, 0.8, -1, 1, -1, 1.1, -1.1, -1.1}),
      1u);
}

class MoleculeEngines : public testing::TestWithParam<std::tuple<int, std::vector<int>>> {
 protected:
  Potential potential = model(std::get<0>(GetParam()), std::get<1>(GetParam()));
};

TEST_P(MoleculeEngines, ForcesMatchDifferences)
{
  Structure structure = ethanol();
  const auto engine = make_engine(potential, {"host", Precision::double_precision, 1});
  const auto forces = evaluate(*engine, potential, structure).forces;
  EXPECT_GT(largest(forces), 0.1);
  const double h = 1e-4;
  for (std::size_t k = 0; k < 27; k++) {
    const double x = structure.positions[k];
    const auto at = [&](double step) {
      structure.positions[k] = x + step;
      return evaluate(*engine, potential, structure).energy;
    };
    const double slope = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
    structure.positions[k] = x;
    EXPECT_NEAR(forces[k], -slope, 1e-8 * std::max(1.0, largest(forces))) << k;
  }
}

TEST_P(MoleculeEngines, MatchAutograd)
{
#ifndef MLFF_TORCH
  GTEST_SKIP() << "this build has no LibTorch";
#endif
  for (const auto &structure : frames(3)) {
    const auto host = evaluate(potential, structure),
               torch = evaluate(potential, structure, "torch"),
               single = evaluate(potential, structure, "host", Precision::single_precision);
    EXPECT_NEAR(host.energy, torch.energy, 1e-10);
    EXPECT_LT(difference(host.forces, torch.forces), 1e-10 * largest(torch.forces));
    EXPECT_LT(difference(host.atom_energy, torch.atom_energy), 1e-10);
    EXPECT_NEAR(host.energy, single.energy, 1e-4);
    EXPECT_LT(difference(host.forces, single.forces), 1e-4 * largest(host.forces));
  }
}

TEST_P(MoleculeEngines, ManyAtOnceAreAsOneAlone)
{
  GraphStorage graph;
  const auto list = frames(7);
  for (const auto &structure : list)
    append_graph(structure, potential.elements, potential.cutoff, graph);
  for (const int threads : {1, 3})
    for (const Precision precision : {Precision::single_precision, Precision::double_precision}) {
      const auto engine = make_engine(potential, {"host", precision, threads});
      Result together;
      for (int repeat = 0; repeat < 2; repeat++) engine->evaluate(graph.view(), together);
      std::vector<double> forces;
      sum_forces(graph.view(), together, forces);
      for (std::size_t s = 0; s < list.size(); s++) {
        const auto alone = evaluate(potential, list[s], "host", precision);
        EXPECT_EQ(together.energy[s], alone.energy);
        for (std::size_t k = 0; k < 27; k++) EXPECT_EQ(forces[27 * s + k], alone.forces[k]);
      }
    }
}

TEST_P(MoleculeEngines, InvariantUnderPermutationsAndMotion)
{
  const Structure structure = ethanol();
  const auto before = evaluate(potential, structure);
  for (const auto &p : group_of(molecule_record(potential).generators, 9, max_permutations)) {
    const auto after = evaluate(potential, permuted(structure, p));
    EXPECT_NEAR(after.energy, before.energy, 1e-11);
    for (std::size_t k = 0; k < 9; k++)
      for (std::size_t a = 0; a < 3; a++)
        EXPECT_NEAR(after.forces[3 * k + a], before.forces[3 * std::size_t(p[k]) + a], 1e-10);
  }
  Structure moved = structure;
  const double c = std::cos(0.7), s = std::sin(0.7);
  const auto turned = [&](const double *x, double *y) {
    const double z[3] = {c * x[0] - s * x[1], s * x[0] + c * x[1], x[2]};
    y[0] = z[0];
    y[1] = c * z[1] - s * z[2];
    y[2] = s * z[1] + c * z[2];
  };
  for (std::size_t i = 0; i < 9; i++) {
    turned(&structure.positions[3 * i], &moved.positions[3 * i]);
    for (std::size_t a = 0; a < 3; a++) moved.positions[3 * i + a] += 5.0 - 3.0 * double(a);
  }
  const auto after = evaluate(potential, moved);
  EXPECT_NEAR(after.energy, before.energy, 1e-11);
  double net[3] = {0, 0, 0};
  for (std::size_t i = 0; i < 9; i++) {
    double expected[3];
    turned(&before.forces[3 * i], expected);
    for (std::size_t a = 0; a < 3; a++) {
      EXPECT_NEAR(after.forces[3 * i + a], expected[a], 1e-10);
      net[a] += before.forces[3 * i + a];
    }
  }
  for (const double x : net) EXPECT_NEAR(x, 0.0, 1e-12);
}

TEST_P(MoleculeEngines, WeightGradientMatchesDifferencesAndAutograd)
{
  GraphStorage storage;
  for (const auto &structure : frames(11))
    append_graph(structure, potential.elements, potential.cutoff, storage);
  const Graph graph = storage.view();
  for (double &e : potential.tensors["reference_energy"].values) e = -1.0;
  // L = sum c E + b E^2 / 2 + G F + H F^2 / 2, energies of structures
  const auto term = [](int k) {
    return std::sin(1.7 * k + 0.3);
  };
  double value = 0.0;
  const auto loss = [&](int first, int last, const LossArrays &arrays) {
    const double *e = arrays.atom_energy, *f = arrays.force;
    double *e_bar = arrays.energy_bar, *f_bar = arrays.force_bar;
    ASSERT_EQ(arrays.strain_gradient, nullptr);
    ASSERT_EQ(arrays.strain_bar, nullptr);
    for (int s = first; s < last; s++) {
      double energy = 0.0;
      for (int i = graph.first_atom[s]; i < graph.first_atom[s + 1]; i++) energy += e[i];
      value += term(s) * energy + 0.1 * energy * energy;
      for (int i = graph.first_atom[s]; i < graph.first_atom[s + 1]; i++) {
        e_bar[i] = term(s) + 0.2 * energy;
        for (int k = 3 * i; k < 3 * i + 3; k++) {
          value += term(k) * f[k] + 0.2 * f[k] * f[k];
          f_bar[k] = term(k) + 0.4 * f[k];
        }
      }
    }
  };
  const auto gradient = [&](const std::string &engine, Precision precision, int threads) {
    std::vector<double> sum(flat_weights(potential).size(), 0.0);
    make_weight_gradient(potential, {engine, precision, threads, "cpu"})
        ->add_gradient(graph, loss, sum);
    return sum;
  };
  const auto exact = gradient("host", Precision::double_precision, 1);
  const auto one = make_weight_gradient(potential, {"host", Precision::double_precision, 1});
  const auto weights = flat_weights(potential);
  const double h = 1e-4;
  for (const auto &slice : weight_slices(potential))
    for (std::size_t k = slice.offset; k < slice.offset + slice.size;
         k += std::max<std::size_t>(1, slice.size / 5)) {
      const auto at = [&](double step) {
        auto moved = weights;
        moved[k] += step;
        one->set_weights(moved);
        std::vector<double> unused(weights.size(), 0.0);
        value = 0.0;
        one->add_gradient(graph, loss, unused);
        return value;
      };
      const double slope = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
      EXPECT_NEAR(exact[k], slope, 1e-7 * std::max(1.0, largest(exact)))
          << slice.name << " " << k - slice.offset;
    }
  EXPECT_LT(difference(gradient("host", Precision::double_precision, 3), exact),
            1e-11 * largest(exact));
  EXPECT_LT(difference(gradient("host", Precision::single_precision, 1), exact),
            2e-4 * largest(exact));
#ifdef MLFF_TORCH
  EXPECT_LT(difference(gradient("torch", Precision::double_precision, 1), exact),
            1e-10 * largest(exact));
#endif
}

INSTANTIATE_TEST_SUITE_P(Sizes, MoleculeEngines,
                         testing::Combine(testing::Values(1, 3, 0),
                                          testing::Values(std::vector<int>{64, 64},
                                                          std::vector<int>{20},
                                                          std::vector<int>{17, 40, 33})));

TEST(MoleculeMlp, ManyPermutationsInBlocks)
{
  // a block is one methane, all of whose 24 permutations it can reach by turns and as its own
  // mirror image
  const double c = 0.63;
  Structure structure;
  structure.numbers = {6, 1, 1, 1, 1};
  structure.positions = {0, 0, 0, c, c, c + 0.1, -c, -c, c, -c, c + 0.05, -c, c, -c, -c};
  const Potential potential = random_molecule(structure.numbers, structure.positions, {16}, 0);
  ASSERT_EQ(group_of(molecule_record(potential).generators, 5, 100).size(), 24u);
  const auto engine = make_engine(potential, {"host", Precision::double_precision, 1});
  const double before = evaluate(*engine, potential, structure).energy;
  EXPECT_NEAR(evaluate(*engine, potential, permuted(structure, {0, 2, 1, 3, 4})).energy, before,
              1e-12);
  // more permutations than rows of a block
  Structure ring;
  for (int k = 0; k < 14; k++) {
    const double angle = k * 2 * std::numbers::pi / 14;
    ring.numbers.push_back(7);
    ring.positions.insert(ring.positions.end(),
                          {3.1 * std::cos(angle), 3.1 * std::sin(angle), 0.02 * k});
  }
  const Potential large = random_molecule(ring.numbers, ring.positions, {16, 16}, 0);
  ASSERT_EQ(group_of(molecule_record(large).generators, 14, 100).size(), 28u);
  const auto a = evaluate(large, ring);
  Permutation turn(14);
  for (int k = 0; k < 14; k++) turn[k] = (k + 5) % 14;
  const auto b = evaluate(large, permuted(ring, turn));
  EXPECT_NEAR(a.energy, b.energy, 1e-12);
  EXPECT_NEAR(a.forces[3 * 5], b.forces[0], 1e-11);
}

TEST(MoleculeMlp, FindsAtomsInAnyOrder)
{
  const Structure structure = ethanol();
  for (const int permutations : {0, 1}) {
    const Potential potential = model(permutations);
    const auto before = evaluate(potential, structure);
    // all other orders in which each of these engines saw the molecule before must not matter
    const auto engine = make_engine(potential, {"host", Precision::double_precision, 1});
    Permutation order = {8, 2, 1, 0, 3, 4, 5, 6, 7};
    for (int k = 0; k < 20; k++) {
      std::rotate(order.begin(), order.begin() + 1 + k % 5, order.end());
      std::swap(order[k % 9], order[(3 * k + 1) % 9]);
      const auto after = evaluate(*engine, potential, permuted(structure, order));
      if (permutations == 1) {
        // equivalent atoms may have been told apart otherwise
        EXPECT_TRUE(std::isfinite(after.energy));
        continue;
      }
      EXPECT_NEAR(after.energy, before.energy, 1e-11);
      for (std::size_t i = 0; i < 9; i++)
        for (std::size_t a = 0; a < 3; a++)
          EXPECT_NEAR(after.forces[3 * i + a], before.forces[3 * std::size_t(order[i]) + a], 1e-10);
    }
    EXPECT_EQ(evaluate(*engine, potential, structure).energy, before.energy);
  }
}

TEST(MoleculeMlp, KeepsHandednessApart)
{
  // the hydrogens of CH2 exchanged, those of CH3 not: another labelling of the same molecule, which
  // the order must undo
  const Structure structure = ethanol();
  const Potential potential = model();
  const auto before = evaluate(potential, structure);
  const auto after = evaluate(potential, permuted(structure, {0, 1, 2, 3, 4, 5, 7, 6, 8}));
  EXPECT_NEAR(after.energy, before.energy, 1e-11);
  // the mirror image has the same distances
  Structure mirror = structure;
  for (std::size_t i = 0; i < 9; i++) mirror.positions[3 * i] *= -1;
  EXPECT_NEAR(evaluate(potential, mirror).energy, before.energy, 1e-11);
  // a bond that is long for a moment does not change who is who
  Structure stretched = structure;
  for (std::size_t a = 0; a < 3; a++)
    stretched.positions[3 * 3 + a] =
        structure.positions[a] + 1.3 * (structure.positions[9 + a] - structure.positions[a]);
  const auto engine = make_engine(potential, {"host", Precision::double_precision, 1});
  evaluate(*engine, potential, structure);
  EXPECT_EQ(evaluate(*engine, potential, stretched).energy, evaluate(potential, stretched).energy);
}

TEST(MoleculeMlp, RefusesOtherMolecules)
{
  const Potential potential = model();
  expect_mismatch(potential, ether(),
                  {"C2H6O with the bonds", "C1-O2", "the model is of C2H6O with the bonds C1-C2"});
  Structure other = ethanol();
  other.numbers[2] = 6;
  expect_mismatch(potential, other, {"C3H6", "the model is of C2H6O alone"});
  other = ethanol();
  other.numbers.pop_back();
  other.positions.resize(24);
  expect_mismatch(potential, other,
                  {"structure 1, C2H5O", "atom 1 has 7 neighbors within the cutoff",
                   "one molecule C2H6O", "has 8"});
  other = ethanol();
  for (std::size_t a = 0; a < 3; a++) other.positions[24 + a] += 30.0;
  expect_mismatch(potential, other, {"atom 1 has 7 neighbors within the cutoff"});
  // broken, but still near
  other = ethanol();
  for (std::size_t a = 0; a < 3; a++)
    other.positions[24 + a] =
        other.positions[6 + a] + 2.0 * (other.positions[24 + a] - other.positions[6 + a]);
  expect_mismatch(potential, other, {"structure 1: the atoms 1 to 9", "the model is of"});
  // the two hands of a chiral molecule are one to it, but not one centre of two turned inside out
  Structure chiral;
  const double c = 0.63;
  chiral.numbers = {6, 1, 9, 17, 6, 1, 9, 17};
  chiral.positions = {0,   0,    0,    c,   c,    c,    -0.8, -0.8, 0.8,  -1,  1,    -1,
                      0.9, -0.9, -0.9, 0.9, -0.9, -2.0, 1.1,  -2.2, -0.5, 2.6, -0.4, -0.5};
  const Potential of_chiral = random_molecule(chiral.numbers, chiral.positions, {8}, 0);
  Structure diastereomer = chiral;
  const auto bond = [&](std::size_t i, std::size_t a) {
    return chiral.positions[3 * i + a] - chiral.positions[12 + a];
  };
  const auto length = [&](std::size_t i) {
    return std::hypot(bond(i, 0), bond(i, 1), bond(i, 2));
  };
  for (std::size_t a = 0; a < 3; a++) {
    diastereomer.positions[15 + a] = chiral.positions[12 + a] + bond(6, a) * length(5) / length(6);
    diastereomer.positions[18 + a] = chiral.positions[12 + a] + bond(5, a) * length(6) / length(5);
  }
  EXPECT_NO_THROW(evaluate(of_chiral, chiral));
  expect_mismatch(of_chiral, diastereomer, {"another stereoisomer"});
}

TEST(MoleculeMlp, SeveralCopiesFarApart)
{
  const auto list = frames(2);
  const Potential potential = model();
  Structure both = list[0];
  const Structure second = permuted(list[1], {8, 7, 6, 5, 4, 3, 2, 1, 0});
  both.numbers.insert(both.numbers.end(), second.numbers.begin(), second.numbers.end());
  for (std::size_t k = 0; k < 27; k++)
    both.positions.push_back(second.positions[k] + (k % 3 == 0 ? 3 * potential.cutoff : 0.0));
  const auto first = evaluate(potential, list[0]), other = evaluate(potential, second),
             together = evaluate(potential, both);
  EXPECT_NEAR(together.energy, first.energy + other.energy, 1e-10);
  for (std::size_t k = 0; k < 27; k++) {
    EXPECT_NEAR(together.forces[k], first.forces[k],
                1e-12);    // edges of larger boxes come in another order
    EXPECT_NEAR(together.forces[27 + k], other.forces[k], 1e-10);
  }
  for (std::size_t k = 0; k < 27; k++)
    both.positions[27 + k] -= k % 3 == 0 ? 2.6 * potential.cutoff : 0.0;
  expect_mismatch(potential, both,
                  {"C4H12O2", "neighbors within the cutoff", "further apart than the cutoff"});
}

class MoleculeFile : public mlff_test::ProgramTest {
 protected:
  std::string path = file("m.safetensors");

  /// The file with a change of its header; lengths of tensors stay.
  void change(const std::function<void(Json &)> &edit)
  {
    model().write(path, true);
    std::string bytes = content("m.safetensors");
    std::uint64_t size;
    std::memcpy(&size, bytes.data(), 8);
    Json header = Json::parse(bytes.substr(8, size));
    edit(header);
    std::string text = header.dump();
    text.resize((text.size() + 7) / 8 * 8, ' ');
    size = text.size();
    std::ofstream out(path, std::ios::binary);
    out.write(reinterpret_cast<const char *>(&size), 8);
    out << text
        << bytes.substr(8 + std::uint64_t(*reinterpret_cast<const std::uint64_t *>(bytes.data())));
  }

  void change_molecule(const std::function<void(Json &)> &edit)
  {
    change([&](Json &header) {
      Json molecule = Json::parse(header["__metadata__"]["molecule"].get<std::string>());
      edit(molecule);
      header["__metadata__"]["molecule"] = molecule.dump();
    });
  }

  void expect_refusal(const std::vector<std::string> &words)
  {
    try {
      Potential::read(path);
      ADD_FAILURE() << "read without an error; expected " << words[0];
    } catch (const PotentialError &error) {
      EXPECT_NE(std::string(error.what()).find(path), std::string::npos);
      for (const auto &word : words)
        EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << word << "\n"
                                                                           << error.what();
    }
  }
};

TEST_F(MoleculeFile, RoundTripAndInfo)
{
  Potential potential = model();
  potential.write(path);
  const Potential read = Potential::read(path);
  EXPECT_EQ(read.model(), "molecule-mlp");
  EXPECT_EQ(molecule_record(read).numbers, molecule_record(potential).numbers);
  EXPECT_EQ(molecule_record(read).bonds, molecule_record(potential).bonds);
  EXPECT_EQ(molecule_record(read).handedness, molecule_record(potential).handedness);
  EXPECT_EQ(molecule_record(read).generators, molecule_record(potential).generators);
  EXPECT_EQ(molecule_record(read).widths, molecule_record(potential).widths);
  EXPECT_EQ(evaluate(read, ethanol()).energy, evaluate(potential, ethanol()).energy);
  const Json info = Json::parse(run("info --json m.safetensors"));
  EXPECT_EQ(info["widths"], Json({24, 20}));
  EXPECT_EQ(info["molecule"], "C2H6O");
  EXPECT_EQ(info["permutations"], 6);
  EXPECT_EQ(info["generators"][0], "(H4 H5 H6)");
  const Json report = Json::parse(run("eval --json --model m.safetensors --data " + data));
  EXPECT_EQ(status, 0);
  EXPECT_GT(report["n_frames"], 10);
  const Json bench =
      Json::parse(run("bench --json --repeats 1 --batch 1 3 --model m.safetensors --data " + data));
  EXPECT_EQ(bench["systems"].size(), 2u);
  expect_error("bench --model m.safetensors", {"m.safetensors", "one molecule", "--data"});
  run("check-gradients --model m.safetensors --data " + data + " --frames 2");
  EXPECT_EQ(status, 0);
}

TEST_F(MoleculeFile, RefusesWhatDoesNotFit)
{
  change_molecule([](Json &) {
  });
  EXPECT_NO_THROW(Potential::read(path));
  change_molecule([](Json &m) {
    m.erase("bonds");
  });
  expect_refusal({"'molecule'", "bonds"});
  change_molecule([](Json &m) {
    m["atoms"][0] = "Xx";
  });
  expect_refusal({"'atoms'", "Xx"});
  change_molecule([](Json &m) {
    m["atoms"][0] = "N";
  });
  expect_refusal({"'elements'"});
  change_molecule([](Json &m) {
    m["bonds"][0] = {1, 0};
  });
  expect_refusal({"'bonds'", "[1,0]"});
  change_molecule([](Json &m) {
    m["bonds"][0] = {0, 99};
  });
  expect_refusal({"'bonds'", "[0,99]"});
  change_molecule([](Json &m) {
    m["handedness"][2] = 1;
  });
  expect_refusal({"'handedness' of atom 2"});
  change_molecule([](Json &m) {
    m["handedness"].erase(0);
  });
  expect_refusal({"8 entries of 'handedness'"});
  change_molecule([](Json &m) {
    m["handedness"][0] = 0.5;
  });
  expect_refusal({"'handedness'", "whole numbers"});
  change_molecule([](Json &m) {
    m["generators"][0] = {0, 1, 2, 3, 4, 5, 6, 8, 7};
  });
  expect_refusal({"'generators'", "keep elements and bonds"});
  change_molecule([](Json &m) {
    m["generators"][0] = {0, 0, 2, 3, 4, 5, 6, 7, 8};
  });
  expect_refusal({"'generators'"});
  change([](Json &h) {
    h["__metadata__"].erase("molecule");
  });
  expect_refusal({"lack the key 'molecule'"});
  change([](Json &h) {
    h["__metadata__"]["hyperparameters"] = R"({"widths": [24, 21]})";
  });
  expect_refusal({"shape", "expected"});
  change([](Json &h) {
    h["__metadata__"]["hyperparameters"] = R"({"widths": [24, 20], "activation": "tanh"})";
  });
  expect_refusal({"tanh", "silu"});
  change([](Json &h) {
    h["__metadata__"]["hyperparameters"] = R"({"widths": []})";
  });
  expect_refusal({"'widths' has 0 entries"});
  Potential potential = model();
  potential.tensors["input_mean"].values[BondedMolecule::pair(3, 0)] += 1e-3;
  EXPECT_THROW(potential.check("x"), PotentialError);
  potential = model();
  potential.tensors["input_scale"].values[0] = 0.0;
  EXPECT_THROW(potential.check("x"), PotentialError);
  potential = model();
  potential.tensors.erase("layer.1.bias");
  EXPECT_THROW(potential.check("x"), PotentialError);
}

class MoleculeTrain : public mlff_test::ProgramTest {
 protected:
  void settings(const std::string &name, const std::map<std::string, std::string> &changes = {})
  {
    std::map<std::string, std::string> sections = {
        {"model", "{kind: molecule-mlp, widths: [16, 16]}"},
        {"data", "{train: {file: " + data + "}, valid_fraction: 0.2}"},
        {"training", "{steps: 60, batch_atoms: 36, validate_every: 20, warmup: 5, threads: 1}"},
        {"output", name + ".safetensors"}};
    for (const auto &[key, value] : changes) sections[key] = value;
    std::ofstream out(file(name + ".yaml"));
    for (const auto &[key, value] : sections) out << key << ": " << value << "\n";
  }

  Json log(const std::string &name) const
  {
    Json lines = Json::array();
    std::istringstream text(content(name + ".training/log.jsonl"));
    for (std::string line; std::getline(text, line);) lines.push_back(Json::parse(line));
    return lines;
  }

  void expect_settings_error(const std::map<std::string, std::string> &changes,
                             const std::vector<std::string> &words)
  {
    settings("wrong", changes);
    expect_error("train wrong.yaml", words);
    EXPECT_FALSE(std::filesystem::exists(file("wrong.safetensors")));
  }
};

TEST_F(MoleculeTrain, Learns)
{
  settings("a",
           {{"training",
             "{steps: 2000, batch_atoms: 36, validate_every: 500, warmup: 20, threads: 1, "
             "learning_rate: 0.005}"}});
  const std::string text = run("train a.yaml --no-plots");
  ASSERT_EQ(status, 0);
  for (const char *word : {"C2H6O, bonds C1-C2", "6 of its permutations, made of (H4 H5 H6)"})
    EXPECT_NE(text.find(word), std::string::npos) << text;
  const auto lines = log("a");
  EXPECT_LT(lines[3]["train_force_mae_meV_per_A"],
            0.3 * lines[0]["train_force_mae_meV_per_A"].get<double>());
  const Potential read = Potential::read(file("a.safetensors"));
  EXPECT_EQ(molecule_record(read).widths, (std::vector<int>{16, 16}));
  const auto t = Json::parse(read.training);
  EXPECT_EQ(t["settings"]["model"]["kind"], "molecule-mlp");
  const auto report = Json::parse(run("eval --json --model a.safetensors --data " + data));
  const double n = t["n_train"].get<double>(), m = t["n_valid"].get<double>();
  const double claimed = (n * t["train"]["force_mae_meV_per_A"].get<double>() +
                          m * t["valid"]["force_mae_meV_per_A"].get<double>()) /
      (n + m);
  EXPECT_NEAR(report["force_mae_meV_per_A"].get<double>(), claimed, 1e-3 * claimed);

  // A training can start from these weights.
  settings("b", {{"model", "{kind: molecule-mlp, init_from: a.safetensors}"}});
  run("train b.yaml --no-plots");
  ASSERT_EQ(status, 0);
  EXPECT_LT(log("b")[0]["train_force_mae_meV_per_A"],
            0.5 * lines[0]["train_force_mae_meV_per_A"].get<double>());
  settings("c", {{"model", "{kind: painn, init_from: a.safetensors}"}});
  expect_error("train c.yaml", {"'model.init_from'", "molecule-mlp", "painn"});
  settings("d", {{"model", "{kind: molecule-mlp, permutations: none}"}});
  run("train d.yaml --no-plots");
  const Potential without = Potential::read(file("d.safetensors"));
  EXPECT_TRUE(molecule_record(without).generators.empty());
}

TEST_F(MoleculeTrain, TeachesAndIsTaught)
{
  model().write(file("t.safetensors"));
  settings("a",
           {{"teacher", "{models: t.safetensors}"},
            {"data", "{train: {file: " + data + ", labels: teacher}, valid_fraction: 0.2}"},
            {"training", "{steps: 300, batch_atoms: 36, validate_every: 100, warmup: 5}"}});
  run("train a.yaml --no-plots");
  ASSERT_EQ(status, 0);
  EXPECT_LT(log("a")[2]["train_force_mae_meV_per_A"],
            0.7 * log("a")[0]["train_force_mae_meV_per_A"].get<double>());
}

TEST_F(MoleculeTrain, KilledAndResumedIsTheSame)
{
  const std::string course =
      "{steps: 3000, batch_atoms: 90, validate_every: 100, threads: 1, checkpoint_seconds: 0.0";
  settings("whole", {{"training", course + "}"}});
  settings("parts", {{"training", course + "}"}});
  run("train --no-plots whole.yaml");
  ASSERT_EQ(status, 0);
  int kills = 0;
  for (int round = 0; round < 2; round++) {
    const pid_t child = fork();
    if (child == 0) {
      if (chdir(folder.c_str()) != 0) _exit(1);
      if (!std::freopen("out", "w", stdout) || !std::freopen("err", "w", stderr)) _exit(1);
      execl(MLFF_PROGRAM, MLFF_PROGRAM, "train", "--no-plots", "parts.yaml", nullptr);
      _exit(1);
    }
    const std::size_t before =
        std::filesystem::exists(file("parts.training/log.jsonl")) ? log("parts").size() : 0;
    for (int wait = 0; wait < 20000; wait++) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      int status = 0;
      if (waitpid(child, &status, WNOHANG) != 0) {
        ADD_FAILURE() << "the training ended before it could be killed: " << content("err");
        return;
      }
      std::istringstream text(content("parts.training/log.jsonl"));
      std::size_t lines = 0;
      for (std::string line; std::getline(text, line);) lines++;
      if (lines < before + 2) continue;
      kill(child, SIGKILL);
      kills++;
      break;
    }
    waitpid(child, nullptr, 0);
  }
  ASSERT_EQ(kills, 2);
  EXPECT_FALSE(std::filesystem::exists(file("parts.safetensors")));
  const std::string text = run("train --no-plots parts.yaml");
  ASSERT_EQ(status, 0);
  EXPECT_NE(text.find("resumed at step"), std::string::npos);
  EXPECT_EQ(Potential::read(file("whole.safetensors")).sha256,
            Potential::read(file("parts.safetensors")).sha256);
}

TEST_F(MoleculeTrain, SettingsErrors)
{
  const std::string kind = "{kind: molecule-mlp, ";
  expect_settings_error({{"model", kind + "features: 32}"}},
                        {"features", "widths", "permutations"});
  expect_settings_error({{"model", kind + "widths: [64, 2.5]}"}}, {"model.widths", "2.5"});
  expect_settings_error({{"model", kind + "widths: []}"}}, {"model.widths", "0 entries"});
  expect_settings_error({{"model", kind + "permutations: some}"}},
                        {"model.permutations", "some", "all, none, or a number"});
  expect_settings_error({{"model", kind + "permutations: 0}"}}, {"model.permutations", "'0'"});
  expect_settings_error({{"model", "{widths: [4]}"}}, {"widths", "features"});
  expect_settings_error({{"training", "{precision: mixed}"}},
                        {"training.precision", "mixed", "single, double"});
  expect_settings_error({{"loss", "{atom_energy: {weight: 1}}"}},
                        {"loss.atom_energy", "molecule-mlp"});
  expect_settings_error({{"loss", "{jacobian: {weight: 1}}"}}, {"loss.jacobian", "molecule-mlp"});
  expect_settings_error({{"loss", "{stress: {weight: 1}}"}},
                        {"'loss.stress' is for periodic systems", "molecule-mlp",
                         "isolated molecules", "a weight of 0"});
  const auto put = [&](const std::string &name, const Structure &second) {
    auto list = frames(4);
    Structure labelled = second;
    labelled.energy = -1.0;
    labelled.forces.assign(second.positions.size(), 0.0);
    list.push_back(labelled);
    std::FILE *out = std::fopen(file(name).c_str(), "w");
    for (const auto &frame : list) write_xyz(out, frame);
    std::fclose(out);
  };
  put("ether.xyz", ether());
  expect_settings_error({{"data", "{train: {file: ether.xyz}}"}},
                        {"ether.xyz', frame 5", "C1-O2", "the model is of C2H6O"});
  Structure periodic = ethanol();
  periodic.periodic = {true, true, true};
  periodic.cell = {20, 0, 0, 0, 20, 0, 0, 0, 20};
  put("periodic.xyz", periodic);
  expect_settings_error({{"data", "{train: {file: periodic.xyz}}"}},
                        {"periodic.xyz', frame 5", "periodic"});
}
