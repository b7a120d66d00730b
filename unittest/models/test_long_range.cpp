// The long-range block: its quadrature, host kernels against autograd and differences, direct
// against linear form, and the symmetries.
#include "engine/make_engine.h"
#include "engine/make_gradient.h"
#include "models/long_range/long_range.h"
#include "models/long_range/long_range_sizes.h"
#include "models/painn/painn_sizes.h"
#include "potential/model_kind.h"
#include "support/folder_fixture.h"
#include "support/long_range_cases.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

using namespace mlff;
using namespace mlff_test;

namespace {

std::unique_ptr<Engine> engine_of(const Potential &potential, LongRangeForm form,
                                  const std::string &name = "host",
                                  Precision precision = Precision::double_precision,
                                  int threads = 1)
{
  EngineOptions options{name, precision, threads, "cpu", Filter::exact};
  options.long_range = form;
  return make_engine(potential, options);
}

void expect_error(const std::function<void()> &action, const std::vector<std::string> &words)
{
  try {
    action();
    ADD_FAILURE() << "no error with '" << words.front() << "'";
  } catch (const std::runtime_error &error) {
    for (const auto &word : words)
      EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
  }
}

}    // namespace

TEST(SphereRule, MeansOfPlaneWaves)
{
  Uniform uniform(4);
  for (const double tolerance : {1e-7, 1e-12})
    for (const double phase : {0.3, 1.6, 6.3, 25.0, 80.0, 200.0}) {
      const SphereRule rule = sphere_rule(phase, tolerance);
      double sum = 0.0;
      for (const double weight : rule.weight) sum += weight;
      EXPECT_NEAR(sum, 1.0, 1e-13);
      const auto error = [&](double x, const double *n) {
        double even = 0.0, odd[3] = {0, 0, 0};
        for (int m = 0; m < rule.size(); m++) {
          const double *u = &rule.u[3 * std::size_t(m)],
                       along = u[0] * n[0] + u[1] * n[1] + u[2] * n[2];
          even += rule.weight[m] * std::cos(x * along);
          for (int a = 0; a < 3; a++) odd[a] += rule.weight[m] * u[a] * std::sin(x * along);
        }
        double worst = std::abs(even - std::sph_bessel(0, x));
        for (int a = 0; a < 3; a++)
          worst = std::max(worst, std::abs(odd[a] - std::sph_bessel(1, x) * n[a]));
        return worst;
      };
      double inside = 0.0, beyond = 0.0;
      for (int k = 0; k < 60; k++) {
        double n[3] = {uniform(), uniform(),
                       k % 4 ? uniform() : 3.0};    // some of them near the pole
        const double length = std::hypot(n[0], n[1], n[2]);
        for (double &a : n) a /= length;
        inside = std::max(inside, error(phase * (k < 30 ? 1.0 : 0.5 * (uniform() + 1.0)), n));
        beyond = std::max(beyond, error(2.0 * phase + 8.0, n));
      }
      EXPECT_LT(inside, 20.0 * tolerance) << phase;
      EXPECT_GT(beyond, 1e4 * tolerance) << phase;    // the rule is no larger than it has to be
    }
  EXPECT_EQ(sphere_rule(0.0, 1e-12).size(), 1);
}

TEST(SphereRule, Monomials)
{
  const SphereRule rule = sphere_rule(10.0, 1e-12);
  double mean[8] = {};
  for (int m = 0; m < rule.size(); m++) {
    const double x = rule.u[3 * m], y = rule.u[3 * m + 1], z = rule.u[3 * m + 2],
                 w = rule.weight[m];
    const double terms[8] = {x * x,         z * z,         x * y,         x * x * x * x,
                             z * z * z * z, x * x * y * y, x * x * z * z, x * y * z * z};
    for (int k = 0; k < 8; k++) mean[k] += w * terms[k];
  }
  const double expected[8] = {1. / 3, 1. / 3, 0, 1. / 5, 1. / 5, 1. / 15, 1. / 15, 0};
  for (int k = 0; k < 8; k++) EXPECT_NEAR(mean[k], expected[k], 1e-13) << k;
}

TEST(PlaneWaves, EveryFrequencyHasItsOwnRule)
{
  LongRangeSizes block_sizes = sizes_of(1, 1.5);
  const double phase = phase_of(block_sizes, 20.0, 1e-7);
  EXPECT_GE(phase, 30.0);
  EXPECT_LT(phase, 32.0);
  const PlaneWaves waves = plane_waves(block_sizes, phase, 1e-7);
  std::vector<int> count(4, 0);
  std::vector<double> sum(4, 0.0);
  for (int p = 0; p < waves.size(); p++) {
    count[waves.frequency[p]]++;
    sum[waves.frequency[p]] += waves.weight[p];
    EXPECT_EQ(waves.kappa[p], block_sizes.kappa(waves.frequency[p]));
  }
  EXPECT_EQ(count[0], 1);    // kappa 0: one wave, of no length
  for (int t = 1; t < 4; t++) EXPECT_GT(count[t], count[t - 1]);
  for (const double s : sum) EXPECT_NEAR(s, 1.0, 1e-13);

  block_sizes.directions = 194;
  const double fixed = phase_of(block_sizes, 1.0, 1e-7);
  EXPECT_EQ(fixed, phase_of(block_sizes, fixed / 1.5, 1e-7));
  EXPECT_LE(2 * sphere_rule(fixed, 1e-7).size(), 194);
  EXPECT_GT(fixed, 4.0);
  expect_error(
      [&] {
        phase_of(block_sizes, 40.0, 1e-7);
      },
      {"the 194 directions of this potential (fmm_directions) serve systems up to",
       "this one is 40.0 Å across", "fmm_directions 0"});
  block_sizes.directions = 0;
  expect_error(
      [&] {
        phase_of(block_sizes, 150.0, 1e-7);
      },
      {"serves systems up to 133 Å with kappa_max 1.5", "150 Å across", "direct form",
       "fmm_kappa_max"});
}

class LongRange : public testing::TestWithParam<std::tuple<int, LongRangeForm>> {
 protected:
  int layers = std::get<0>(GetParam());
  LongRangeForm form = std::get<1>(GetParam());
};

TEST_P(LongRange, EqualsAutograd)
{
#ifdef MLFF_TORCH
  for (const int variant : {0, 1, 2}) {
    LongRangeSizes block_sizes = sizes_of(layers);
    if (variant == 1) {    // full width, no frequency 0, one key
      block_sizes.value_width = 0;
      block_sizes.kappa_min = 0.3;
      block_sizes.key_width = 1;
    }
    if (variant == 2) {
      block_sizes.kappa_count = 1;
      block_sizes.heads = 1;
      block_sizes.value_width = 17;
      block_sizes.precision = "double";
    }
    const Potential potential = long_range(block_sizes);
    std::vector<Structure> structures = {two_clusters(11.0), random_structure(1, 2),
                                         random_structure(23, 8), two_clusters(4.0, 9, 2)};
    const auto host = evaluate(*engine_of(potential, form), potential, structures);
    const auto torch = evaluate(*engine_of(potential, form, "torch"), potential, structures);
    ASSERT_GT(largest(torch.position_gradient), 1e-2);
    EXPECT_LT(largest_difference(host.atom_energy, torch.atom_energy),
              1e-10 * std::max(1.0, largest(torch.atom_energy)))
        << variant;
    EXPECT_LT(largest_difference(host.forces, torch.forces),
              1e-10 * std::max(1.0, largest(torch.forces)))
        << variant;
    EXPECT_LT(largest_difference(host.position_gradient, torch.position_gradient),
              1e-10 * std::max(1.0, largest(torch.position_gradient)))
        << variant;
  }
#else
  GTEST_SKIP() << "this build has no torch engine to compare with";
#endif
}

TEST_P(LongRange, EqualsDifferences)
{
  const Potential potential = long_range(sizes_of(layers));
  Structure structure = two_clusters(9.0, 12, 4);
  const auto engine = engine_of(potential, form);
  const auto base = evaluate(*engine, potential, {structure});
  const double h = 1e-4;
  for (std::size_t k = 0; k < structure.positions.size(); k++) {
    const double x = structure.positions[k];
    double slope = 0.0;
    for (const auto &[step, factor] : {std::pair{1, 8.0}, {-1, -8.0}, {2, -1.0}, {-2, 1.0}}) {
      structure.positions[k] = x + step * h;
      slope += factor * evaluate(*engine, potential, {structure}).energy[0] / (12.0 * h);
    }
    structure.positions[k] = x;
    EXPECT_NEAR(-slope, base.forces[k], 1e-7 * std::max(1.0, largest(base.forces))) << k;
  }
}

TEST_P(LongRange, RotationAndTranslation)
{
  const Potential potential = long_range(sizes_of(layers));
  Structure structure = two_clusters(36.0, 21, 30);
  const auto engine = engine_of(potential, form);
  const auto base = evaluate(*engine, potential, {structure});
  structure.forces = base.forces;
  Structure other = turned(structure, 0.7, -1.1, 2.3);
  for (std::size_t k = 0; k < other.positions.size(); k++)
    other.positions[k] += 5.0 - double(k % 3);
  const auto found = evaluate(*engine, potential, {other});
  const double tolerance = form == LongRangeForm::linear
      ? 1e-9
      : 1e-10;    // rule of double precision; 1e-6 is asked for
  EXPECT_NEAR(found.energy[0], base.energy[0], tolerance * std::max(1.0, std::abs(base.energy[0])));
  EXPECT_LT(largest_difference(found.forces, other.forces),
            tolerance * std::max(1.0, largest(base.forces)));
  double sum[3] = {0, 0, 0};
  for (std::size_t k = 0; k < found.forces.size(); k++) sum[k % 3] += found.forces[k];
  for (const double f : sum) EXPECT_NEAR(f, 0.0, 1e-9 * std::max(1.0, largest(base.forces)));

  const auto single = engine_of(potential, form, "host", Precision::single_precision);
  const auto first = evaluate(*single, potential, {structure}),
             second = evaluate(*single, potential, {other});
  structure.forces = first.forces;
  const double scale = largest(base.forces);
  EXPECT_LT(largest_difference(second.forces, turned(structure, 0.7, -1.1, 2.3).forces),
            1e-4 * scale);
  EXPECT_LT(largest_difference(first.forces, base.forces), 1e-4 * scale);
}

TEST_P(LongRange, StructuresOfABatchDoNotMeet)
{
  const Potential potential = long_range(sizes_of(layers));
  const std::vector<Structure> structures = {random_structure(5, 1), two_clusters(15.0),
                                             random_structure(1, 3), random_structure(33, 4)};
  for (const int threads : {1, 3}) {
    const auto engine = engine_of(potential, form, "host", Precision::double_precision, threads);
    const auto together = evaluate(*engine, potential, structures);
    std::vector<double> forces, energy;
    for (const auto &structure : structures) {
      const auto alone = evaluate(*engine, potential, {structure});
      forces.insert(forces.end(), alone.forces.begin(), alone.forces.end());
      energy.push_back(alone.energy[0]);
    }
    EXPECT_LT(largest_difference(together.forces, forces), 1e-11 * largest(forces));
    EXPECT_LT(largest_difference(together.energy, energy), 1e-11 * largest(energy));
  }
}

TEST_P(LongRange, GatesAtZeroChangeNothing)
{
  Potential potential = long_range(sizes_of(layers)),
            local = random_potential(painn_sizes(potential), potential.elements, potential.cutoff);
  for (auto &[name, tensor] : potential.tensors)
    if (name.ends_with("_gate")) std::fill(tensor.values.begin(), tensor.values.end(), 0.0);
  for (auto &[name, tensor] : local.tensors) tensor = potential.tensors.at(name);
  const std::vector<Structure> structures = {two_clusters(8.0)};
  const auto with = evaluate(*engine_of(potential, form), potential, structures);
  const auto without =
      evaluate(*make_engine(local, {"host", Precision::double_precision, 1, "cpu", Filter::exact}),
               local, structures);
  EXPECT_EQ(with.energy, without.energy);
  EXPECT_EQ(largest(with.position_gradient), 0.0);
  EXPECT_TRUE(without.position_gradient.empty());
  EXPECT_EQ(with.forces, without.forces);
}

INSTANTIATE_TEST_SUITE_P(
    Forms, LongRange,
    testing::Combine(testing::Values(1, 2),
                     testing::Values(LongRangeForm::direct, LongRangeForm::linear)),
    [](const auto &info) {
      return std::string(std::get<1>(info.param) == LongRangeForm::direct ? "direct_" : "linear_") +
          std::to_string(std::get<0>(info.param));
    });

TEST(LongRangeForms, SplineOfTheDirectForm)
{
  for (const int variant : {0, 1, 2, 3}) {
    LongRangeSizes block_sizes = sizes_of(1 + variant % 2);
    if (variant >= 2) {    // several vectors of channels a head, the last one not full
      block_sizes.heads = variant - 1;
      block_sizes.value_width = 17;
      block_sizes.key_width = 3;
      block_sizes.kappa_min = 0.2;
    }
    const Potential potential = long_range(block_sizes);
    const std::vector<Structure> structures = {random_structure(1, 2), two_clusters(9.0, 12, 4),
                                               random_structure(33, 8), two_clusters(25.0, 4, 11)};
    const auto exact =
        evaluate(*engine_of(potential, LongRangeForm::direct), potential, structures);
    for (const auto precision : {Precision::double_precision, Precision::single_precision})
      for (const int threads : {1, 3}) {
        EngineOptions options{"host", precision, threads, "cpu", Filter::spline};
        options.long_range = LongRangeForm::direct;
        const auto engine = make_engine(potential, options);
        evaluate(*engine, potential, {structures[0], structures[1]});    // the table grows
        const auto spline = evaluate(*engine, potential, structures);
        EXPECT_LT(largest_difference(spline.position_gradient, exact.position_gradient),
                  2e-5 * largest(exact.position_gradient))
            << variant;
        EXPECT_GT(largest_difference(spline.position_gradient, exact.position_gradient), 0.0)
            << "there is no spline";
        EXPECT_LT(largest_difference(spline.forces, exact.forces), 1e-4 * largest(exact.forces))
            << variant;
        // a system too large for a table does without, and leaves the table as it is
        const Structure lost = two_clusters(1e7);
        const auto far = evaluate(*engine, potential, {lost}),
                   far_exact =
                       evaluate(*engine_of(potential, LongRangeForm::direct), potential, {lost});
        EXPECT_LT(largest_difference(far.forces, far_exact.forces),
                  1e-4 * largest(far_exact.forces))
            << variant;
        EXPECT_EQ(evaluate(*engine, potential, structures).forces, spline.forces);
      }

    // forces are the derivatives of the spline, also across its knots
    EngineOptions options{"host", Precision::double_precision, 1, "cpu", Filter::spline};
    options.long_range = LongRangeForm::direct;
    const auto engine = make_engine(potential, options);
    Structure structure = structures[1];
    const auto base = evaluate(*engine, potential, {structure});
    for (std::size_t k = 0; k < structure.positions.size(); k += 2) {
      const double x = structure.positions[k], h = 1e-5;
      structure.positions[k] = x + h;
      double slope = evaluate(*engine, potential, {structure}).energy[0];
      structure.positions[k] = x - h;
      slope -= evaluate(*engine, potential, {structure}).energy[0];
      structure.positions[k] = x;
      EXPECT_NEAR(-slope / (2.0 * h), base.forces[k], 1e-7 * std::max(1.0, largest(base.forces)))
          << k;
    }
  }
}

TEST(LongRangeForms, LinearEqualsDirect)
{
  for (const int directions : {0, 3000}) {
    LongRangeSizes block_sizes = sizes_of(2);
    block_sizes.directions = directions;
    const Potential potential = long_range(block_sizes);
    for (const double apart : {4.0, 15.0, 40.0}) {
      const Structure structure = two_clusters(apart, 31, 20);
      const auto direct =
          evaluate(*engine_of(potential, LongRangeForm::direct), potential, {structure});
      const auto linear =
          evaluate(*engine_of(potential, LongRangeForm::linear), potential, {structure});
      EXPECT_LT(largest_difference(direct.forces, linear.forces), 1e-9 * largest(direct.forces))
          << apart;
      EXPECT_GT(largest_difference(direct.forces, linear.forces), 0.0)
          << "both forms are the same one";
      const auto single = evaluate(
          *engine_of(potential, LongRangeForm::linear, "host", Precision::single_precision),
          potential, {structure});
      EXPECT_LT(largest_difference(direct.forces, single.forces), 1e-4 * largest(direct.forces))
          << apart;
    }
  }
}

TEST(LongRangeForms, TooFewDirectionsAreAnError)
{
  LongRangeSizes block_sizes = sizes_of(1);
  block_sizes.directions = 194;
  const Potential potential = long_range(block_sizes);
  const auto engine = engine_of(potential, LongRangeForm::linear);
  expect_error(
      [&] {
        evaluate(*engine, potential, {two_clusters(40.0)});
      },
      {"194 directions", "fmm_directions", "Å across", "direct form"});
  EXPECT_NO_THROW(
      evaluate(*engine_of(potential, LongRangeForm::direct), potential, {two_clusters(40.0)}));
}

TEST(LongRangeForms, Words)
{
  EXPECT_EQ(long_range_form_of("auto"), LongRangeForm::automatic);
  EXPECT_EQ(long_range_form_of("direct"), LongRangeForm::direct);
  EXPECT_EQ(long_range_form_of("linear"), LongRangeForm::linear);
  expect_error(
      [] {
        long_range_form_of("fast");
      },
      {"long-range block 'fast'", "accepted: auto, direct, linear"});
}

TEST(LongRangeForms, FarAtomsAreSeen)
{
  // 10 Å beyond the cutoff; the local model of the same weights feels nothing
  const Potential potential = long_range(sizes_of(1));
  Structure structure = two_clusters(20.0, 6, 4);
  const auto base =
      evaluate(*engine_of(potential, LongRangeForm::automatic), potential, {structure});
  structure.numbers.back() = structure.numbers.back() == 8 ? 6 : 8;
  const auto changed =
      evaluate(*engine_of(potential, LongRangeForm::automatic), potential, {structure});
  EXPECT_GT(std::abs(base.forces[0] - changed.forces[0]), 1e-4 * largest(base.forces));
}

// ---- periodic systems

TEST(LatticeWaves, AreHalfOfTheLatticeWithSmoothWeights)
{
  LongRangeSizes block_sizes = sizes_of(1, 1.2);
  const PlaneWaves waves = lattice_waves(block_sizes, oblique.data());
  // every vector belongs to the lattice, none to the half of another
  std::vector<std::array<int, 3>> found;
  for (int p = 0; p < waves.size(); p++) {
    std::array<int, 3> n;
    for (int a = 0; a < 3; a++) {
      double turns = 0.0;
      for (int x = 0; x < 3; x++)
        turns +=
            oblique[3 * a + x] * waves.kappa[p] * waves.u[3 * p + x] / (2.0 * std::numbers::pi);
      n[a] = int(std::lround(turns));
      EXPECT_NEAR(turns, n[a], 1e-12);
    }
    found.push_back(n);
    EXPECT_LT(waves.kappa[p], 1.6);
    EXPECT_GT(waves.weight[p] + waves.next_weight[p], 0.0);
  }
  for (const auto &n : std::vector(found)) found.push_back({-n[0], -n[1], -n[2]});
  std::sort(found.begin(), found.end());
  EXPECT_EQ(std::adjacent_find(found.begin(), found.end()), found.end());
  // The number of lattice vectors follows from the volume of the sphere.
  EXPECT_NEAR(double(found.size()),
              4.0 / 3.0 * std::numbers::pi * std::pow(1.6, 3) * 785.0 /
                  std::pow(2.0 * std::numbers::pi, 3),
              12.0);

  // slopes are those of the weights, whose lengths move with the cell
  const double h = 1e-5;
  std::array<double, 9> smaller = oblique, larger = oblique;
  for (int k = 0; k < 9; k++) {
    smaller[k] *= 1.0 - h;
    larger[k] *= 1.0 + h;
  }
  const PlaneWaves a = lattice_waves(block_sizes, smaller.data()),
                   b = lattice_waves(block_sizes, larger.data());
  ASSERT_EQ(a.size(), b.size());
  for (int p = 0; p < waves.size(); p++) {
    if (a.frequency[p] != waves.frequency[p] || b.frequency[p] != waves.frequency[p]) continue;
    // scaling by 1 + h divides k by it and multiplies the volume by its cube
    EXPECT_NEAR((b.weight[p] - a.weight[p]) / (2.0 * h), -waves.slope[p] - 3.0 * waves.weight[p],
                1e-6);
    EXPECT_NEAR((b.next_weight[p] - a.next_weight[p]) / (2.0 * h),
                -waves.next_slope[p] - 3.0 * waves.next_weight[p], 1e-6);
  }
}

TEST(LatticeWaves, TendToTheIntegralOfTheWindow)
{
  LongRangeSizes block_sizes = sizes_of(1, 0.6);
  const std::array<double, 9> cell = {75, 0, 0, 0, 80, 0, 3, 0, 70};
  const PlaneWaves waves = lattice_waves(block_sizes, cell.data());
  const double r[3] = {3.0, -4.0, 1.5}, length = std::hypot(r[0], r[1], r[2]),
               width = window_width(block_sizes);
  for (int t = 1; t < 4; t++) {
    double even = 0.0, odd[3] = {0, 0, 0}, j0 = 0.0, j1 = 0.0;
    for (int p = 0; p < waves.size(); p++) {
      const double weight = waves.frequency[p] == t ? waves.weight[p]
          : waves.frequency[p] + 1 == t             ? waves.next_weight[p]
                                                    : 0.0;
      double along = 0.0;
      for (int x = 0; x < 3; x++) along += waves.u[3 * p + x] * r[x];
      even += weight * std::cos(waves.kappa[p] * along);
      for (int x = 0; x < 3; x++)
        odd[x] += weight * waves.u[3 * p + x] * std::sin(waves.kappa[p] * along);
    }
    const int n = 20000;
    for (int k = 0; k < n; k++) {
      const double y = -1.0 + 2.0 * (k + 0.5) / n, kappa = block_sizes.kappa(t) + y * width,
                   window = std::pow(std::cos(0.5 * std::numbers::pi * y), 2) * 2.0 / n;
      j0 += window * std::sph_bessel(0, kappa * length);
      j1 += window * std::sph_bessel(1, kappa * length);
    }
    // the window next to frequency 0 has a share at G = 0, the same for all r, which the block
    // leaves out: 2 pi^2 h(k) / (V k^2) for k -> 0
    const double volume = cell[0] * cell[4] * cell[8],
                 share = 2.0 * std::pow(std::numbers::pi, 2) / volume *
        std::pow(0.5 * std::numbers::pi / width, 2) / width;
    EXPECT_NEAR(even + (t == 1 ? share : 0.0), j0, 2e-3) << t;
    EXPECT_GT(share, 1e-2);
    for (int x = 0; x < 3; x++) EXPECT_NEAR(odd[x], j1 * r[x] / length, 2e-3) << t;
    EXPECT_NEAR(j0, std::sph_bessel(0, block_sizes.kappa(t) * length), 0.1)
        << t;    // the window is close to the frequency's own function
  }
}

class LongRangePeriodic : public testing::TestWithParam<int> {
 protected:
  Potential potential = long_range(sizes_of(GetParam()));
  Structure structure = random_structure(40, 6, oblique, everywhere);
};

TEST_P(LongRangePeriodic, EqualsAutograd)
{
#ifdef MLFF_TORCH
  for (const int variant : {0, 1, 2}) {
    LongRangeSizes block_sizes = sizes_of(GetParam(), variant == 1 ? 1.4 : 1.0);
    if (variant == 1) block_sizes.kappa_min = 0.5;
    if (variant == 2) {
      block_sizes.kappa_count = 1;
      block_sizes.heads = 1;
      block_sizes.precision = "double";
    }
    potential = long_range(block_sizes);
    const std::vector<Structure> structures = {
        structure, random_structure(9, 2),
        random_structure(12, 4, {11, 0, 0, 2, 9, 0, 0, 0, 7}, everywhere)};
    const auto host =
        evaluate(*engine_of(potential, LongRangeForm::automatic), potential, structures);
    const auto torch =
        evaluate(*engine_of(potential, LongRangeForm::automatic, "torch"), potential, structures);
    ASSERT_GT(largest(torch.strain_gradient), 1e-2);
    EXPECT_LT(largest_difference(host.atom_energy, torch.atom_energy),
              1e-10 * std::max(1.0, largest(torch.atom_energy)))
        << variant;
    EXPECT_LT(largest_difference(host.forces, torch.forces),
              1e-10 * std::max(1.0, largest(torch.forces)))
        << variant;
    EXPECT_LT(largest_difference(host.strain_gradient, torch.strain_gradient),
              1e-10 * std::max(1.0, largest(torch.strain_gradient)))
        << variant;
  }
#else
  GTEST_SKIP() << "this build has no torch engine to compare with";
#endif
}

TEST_P(LongRangePeriodic, EqualsDifferences)
{
  const auto engine = engine_of(potential, LongRangeForm::linear);
  const auto base = evaluate(*engine, potential, {structure});
  const auto slope = [&](const auto &move, double h) {
    double sum = 0.0;
    for (const auto &[step, factor] : {std::pair{1, 8.0}, {-1, -8.0}, {2, -1.0}, {-2, 1.0}}) {
      Structure moved = structure;
      move(moved, step * h);
      sum += factor * evaluate(*engine, potential, {moved}).energy[0] / (12.0 * h);
    }
    return sum;
  };
  for (std::size_t k = 0; k < structure.positions.size(); k += 7)
    EXPECT_NEAR(-slope(
                    [k](Structure &moved, double h) {
                      moved.positions[k] += h;
                    },
                    1e-4),
                base.forces[k], 1e-7 * std::max(1.0, largest(base.forces)))
        << k;
  const int first[6] = {0, 1, 2, 0, 0, 1}, second[6] = {0, 1, 2, 1, 2, 2};
  for (int k = 0; k < 6; k++) {
    const auto strain = [&](Structure &moved, double h) {
      const auto apply = [&](double *x) {
        const double a = x[first[k]], b = x[second[k]];
        x[first[k]] += 0.5 * h * b;
        x[second[k]] += 0.5 * h * a;
      };
      for (std::size_t i = 0; i < moved.positions.size(); i += 3) apply(&moved.positions[i]);
      for (int a = 0; a < 9; a += 3) apply(&moved.cell[a]);
    };
    EXPECT_NEAR(slope(strain, 3e-5), base.strain[k], 1e-8 * std::max(1.0, largest(base.strain)))
        << k;
  }
}

TEST_P(LongRangePeriodic, RotationTranslationImages)
{
  const auto engine = engine_of(potential, LongRangeForm::linear);
  const auto base = evaluate(*engine, potential, {structure});
  structure.forces = base.forces;
  Structure other = turned(structure, 0.7, -1.1, 2.3);
  for (int i = 0; i < other.n_atoms(); i++)
    for (int a = 0; a < 3; a++)
      other.positions[3 * i + a] +=
          5.0 - a + (i % 3 - 1) * other.cell[a] + i % 2 * other.cell[6 + a];
  const auto found = evaluate(*engine, potential, {other});
  EXPECT_NEAR(found.energy[0], base.energy[0], 1e-10 * std::max(1.0, std::abs(base.energy[0])));
  EXPECT_LT(largest_difference(found.forces, other.forces),
            1e-10 * std::max(1.0, largest(base.forces)));
  double sum[3] = {0, 0, 0};
  for (std::size_t k = 0; k < found.forces.size(); k++) sum[k % 3] += found.forces[k];
  for (const double f : sum) EXPECT_NEAR(f, 0.0, 1e-10 * std::max(1.0, largest(base.forces)));

  // other vectors of the same lattice
  Structure same = structure;
  for (int a = 0; a < 3; a++) same.cell[a] += same.cell[3 + a];
  EXPECT_NEAR(evaluate(*engine, potential, {same}).energy[0], base.energy[0],
              1e-10 * std::max(1.0, std::abs(base.energy[0])));

  const auto single =
      evaluate(*engine_of(potential, LongRangeForm::linear, "host", Precision::single_precision),
               potential, {structure});
  EXPECT_LT(largest_difference(single.forces, base.forces), 1e-4 * largest(base.forces));
  EXPECT_LT(largest_difference(single.strain, base.strain), 1e-4 * largest(base.strain));
}

TEST_P(LongRangePeriodic, SupercellsHaveAsManyTimesTheEnergy)
{
  const auto engine = engine_of(potential, LongRangeForm::linear);
  const auto base = evaluate(*engine, potential, {structure});
  const int times[3] = {2, 1, 3};
  Structure super = structure;
  super.numbers.clear();
  super.positions.clear();
  std::vector<double> forces;
  for (int k = 0; k < 6; k++) {
    super.numbers.insert(super.numbers.end(), structure.numbers.begin(), structure.numbers.end());
    forces.insert(forces.end(), base.forces.begin(), base.forces.end());
    for (std::size_t i = 0; i < structure.positions.size(); i++)
      super.positions.push_back(structure.positions[i] + k % 2 * structure.cell[i % 3] +
                                k / 2 * structure.cell[6 + i % 3]);
  }
  for (int k = 0; k < 9; k++) super.cell[k] *= times[k / 3];
  const auto found = evaluate(*engine, potential, {super});
  EXPECT_NEAR(found.energy[0], 6.0 * base.energy[0], 1e-10 * std::abs(found.energy[0]));
  EXPECT_LT(largest_difference(found.forces, forces), 1e-10 * std::max(1.0, largest(forces)));
  for (int k = 0; k < 6; k++)
    EXPECT_NEAR(found.strain[k], 6.0 * base.strain[k], 1e-9 * std::max(1.0, largest(found.strain)))
        << k;
}

TEST_P(LongRangePeriodic, EnergyIsSmoothWhereVectorsComeAndGo)
{
  // a cubic cell that shrinks until (2, 2, 1) leaves: k = 3 * 2 pi / edge = 4/3
  const auto engine = engine_of(potential, LongRangeForm::linear);
  const double at = 3.0 * 2.0 * std::numbers::pi / (4.0 / 3.0);
  const auto energy = [&](double edge) {
    Structure cube = random_structure(30, 3, {at, 0, 0, 0, at, 0, 0, 0, at}, everywhere);
    for (double &x : cube.positions) x *= edge / at;
    for (double &x : cube.cell) x *= edge / at;
    return evaluate(*engine, potential, {cube}).energy[0];
  };
  const double h = 1e-5,
               waves = lattice_waves(
                           long_range_sizes(potential),
                           std::array<double, 9>{at + h, 0, 0, 0, at + h, 0, 0, 0, at + h}.data())
                           .size(),
               fewer = lattice_waves(
                           long_range_sizes(potential),
                           std::array<double, 9>{at - h, 0, 0, 0, at - h, 0, 0, 0, at - h}.data())
                           .size();
  ASSERT_GT(waves, fewer);
  const double left = (energy(at - h) - energy(at - 2 * h)) / h,
               right = (energy(at + 2 * h) - energy(at + h)) / h;
  EXPECT_NEAR(left, right, 1e-3 * std::max(1.0, std::abs(left)));
  EXPECT_NEAR(energy(at + h) - energy(at - h), 2.0 * h * left,
              1e-7 * std::max(1.0, std::abs(left)));
}

TEST_P(LongRangePeriodic, EngineKeepsUpWithCellsAndThreads)
{
  Structure other = random_structure(17, 9, {8, 0, 0, 0, 12, 0, 0, 1, 9}, everywhere);
  for (const int threads : {1, 3}) {
    const auto kept = engine_of(potential, LongRangeForm::automatic, "host",
                                Precision::double_precision, threads);
    for (const auto &structures : {std::vector{structure, other},
                                   {other},
                                   {random_structure(6, 3), other, structure},
                                   {structure}}) {
      const auto found = evaluate(*kept, potential, structures);
      std::vector<double> energy, forces;
      for (const auto &one : structures) {
        const auto alone =
            evaluate(*engine_of(potential, LongRangeForm::automatic), potential, {one});
        energy.push_back(alone.energy[0]);
        forces.insert(forces.end(), alone.forces.begin(), alone.forces.end());
      }
      EXPECT_LT(largest_difference(found.energy, energy), 1e-11 * largest(energy));
      EXPECT_LT(largest_difference(found.forces, forces), 1e-11 * largest(forces));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Layers, LongRangePeriodic, testing::Values(1, 2));

TEST(LongRangeEngines, RefuseCellsThatDoNotFit)
{
  const Potential potential = long_range(sizes_of(1));
  const auto refuse = [&](const Structure &structure, LongRangeForm form,
                          const std::vector<std::string> &words) {
    for (const auto &name : available_engines())
      expect_error(
          [&] {
            evaluate(*engine_of(potential, form, name), potential, {structure});
          },
          words);
  };
  const Structure slab = random_structure(8, 3, {9, 0, 0, 0, 9, 0, 0, 0, 9}, {true, true, false});
  refuse(slab, LongRangeForm::automatic, {"painn-fmm", "open or periodic in all directions"});
  const Structure cube = random_structure(8, 3, {9, 0, 0, 0, 9, 0, 0, 0, 9}, everywhere);
  refuse(cube, LongRangeForm::direct, {"direct form", "this one is periodic; use the linear form"});
  Structure small = random_structure(1, 3, {4.5, 0, 0, 0, 4.5, 0, 0, 0, 4.5}, everywhere);
  refuse(
      small, LongRangeForm::linear,
      {"sees nothing in this cell", "1.4 1/Å long", "from 0 to 1.33333 1/Å", "use a larger cell"});
  Structure large = random_structure(1, 3, {150, 0, 0, 0, 150, 0, 0, 0, 150}, everywhere);
  refuse(large, LongRangeForm::linear,
         {"vectors of the reciprocal lattice in this cell of 3375000 Å^3; accepted: 50000 at most, "
          "up to",
          "fmm_kappa_max"});
}

#ifdef MLFF_TORCH
TEST(LongRangeGradient, MatchesDifferencesOfEveryTensor)
{
  for (const auto form : {LongRangeForm::direct, LongRangeForm::linear}) {
    Potential potential =
        long_range(sizes_of(2, form == LongRangeForm::direct ? 1.0 : 0.5), {8, 1, 5, 1e-2});
    GraphStorage storage;
    std::vector<Structure> structures = {two_clusters(5.0, 2, 2), random_structure(3, 9)};
    if (form == LongRangeForm::linear)
      structures.push_back(random_structure(6, 4, {9, 0, 0, 1, 8, 0, 0, 0, 10}, everywhere));
    for (const auto &structure : structures)
      append_graph(structure, potential.elements, potential.cutoff, storage);
    const Graph graph = storage.view();
    EngineOptions options{"torch", Precision::double_precision, 1, "cpu"};
    options.long_range = form;
    const auto gradient = make_weight_gradient(potential, options);
    double value = 0.0;
    const LossDerivative loss = [&](int, int, const LossArrays &arrays) {
      value = 0.0;
      for (int i = 0; i < graph.n_centres(); i++) {
        value += 0.3 * arrays.atom_energy[i];
        arrays.energy_bar[i] = 0.3;
        for (int k = 3 * i; k < 3 * i + 3; k++) {
          value += 0.5 * arrays.force[k] * arrays.force[k] + 0.1 * (k % 4) * arrays.force[k];
          arrays.force_bar[k] = arrays.force[k] + 0.1 * (k % 4);
        }
      }
      ASSERT_EQ(arrays.strain_bar != nullptr, form == LongRangeForm::linear);
      for (int k = 0; k < 6 * graph.n_structures() && arrays.strain_bar; k++) {
        const double slope = graph.cell_of(k / 6) ? 0.2 + 0.1 * (k % 6) : 0.0,
                     strain = arrays.strain_gradient[k];
        value += slope * strain + 0.15 * strain * strain;
        arrays.strain_bar[k] = slope + 0.3 * strain;
      }
    };
    auto weights = flat_weights(potential);
    std::vector<double> sum(weights.size(), 0.0), unused(weights.size());
    gradient->add_gradient(graph, loss, sum);
    for (const auto &slice : weight_slices(potential)) {
      const std::size_t at = slice.offset + slice.size / 2;
      const double w = weights[at], h = 1e-4;
      double slope = 0.0;
      for (const auto &[step, factor] : {std::pair{1, 8.0}, {-1, -8.0}, {2, -1.0}, {-2, 1.0}}) {
        weights[at] = w + step * h;
        gradient->set_weights(weights);
        gradient->add_gradient(graph, loss, unused);
        slope += factor * value / (12.0 * h);
      }
      weights[at] = w;
      EXPECT_NEAR(slope, sum[at], 1e-6 * std::max(1.0, largest(sum))) << slice.name;
    }
  }
}

TEST(LongRangeGradient, GivesDerivativesByStrain)
{
  const Potential potential = long_range(sizes_of(2), {8, 1, 5, 1e-2});
  const Structure crystal = random_structure(9, 4, oblique, everywhere);
  const auto expected =
      evaluate(*engine_of(potential, LongRangeForm::linear), potential, {crystal}).strain;
  GraphStorage storage;
  append_graph(two_clusters(5.0, 2, 2), potential.elements, potential.cutoff, storage);
  append_graph(crystal, potential.elements, potential.cutoff, storage);
  EngineOptions options{"torch", Precision::double_precision, 1, "cpu"};
  options.long_range = LongRangeForm::linear;
  std::vector<double> strain, unused(flat_weights(potential).size());
  make_weight_gradient(potential, options)
      ->add_gradient(
          storage.view(),
          [&](int, int, const LossArrays &arrays) {
            strain.assign(arrays.strain_gradient, arrays.strain_gradient + 12);
          },
          unused);
  for (int k = 0; k < 6; k++) {
    EXPECT_EQ(strain[k], 0.0) << "an open structure";
    EXPECT_NEAR(strain[6 + k], expected[k], 1e-10 * std::max(1.0, largest(expected))) << k;
  }
}

TEST(LongRangeGradient, SaysWhatCannotTrain)
{
  const Potential potential = long_range(sizes_of(1));
  expect_error(
      [&] {
        make_weight_gradient(potential, {"host"});
      },
      {"long-range block", "engine torch"});
  expect_error(
      [&] {
        make_weight_gradient(potential, {"torch"}, true);
      },
      {"painn-fmm has no mixed precision"});
}
#endif

class LongRangeFile : public mlff_test::FolderTest {};

TEST_F(LongRangeFile, KeepsItsHyperparameters)
{
  LongRangeSizes block_sizes = sizes_of(2);
  block_sizes.directions = 110;
  block_sizes.kappa_min = 0.1;
  block_sizes.precision = "double";
  Potential potential = long_range(block_sizes);
  potential.write(file("long.safetensors"));
  const Potential read = Potential::read(file("long.safetensors"));
  EXPECT_EQ(read.model(), "painn-fmm");
  EXPECT_TRUE(read.kind().needs_positions);
  EXPECT_EQ(long_range_sizes(read).layers, 2);
  EXPECT_EQ(long_range_sizes(read).directions, 110);
  EXPECT_EQ(long_range_sizes(read).kappa_min, 0.1);
  EXPECT_EQ(long_range_sizes(read).kappa_max, 1.0);
  EXPECT_EQ(long_range_sizes(read).kappa_count, 4);
  EXPECT_EQ(long_range_sizes(read).heads, 2);
  EXPECT_EQ(long_range_sizes(read).key_width, 4);
  EXPECT_EQ(long_range_sizes(read).value_width, 3);
  EXPECT_EQ(long_range_sizes(read).precision, "double");
  EXPECT_EQ(read.size_text(), "F8 L2 K6 + 2 node layers H2 C3 T4");
  const auto a =
      evaluate(*engine_of(potential, LongRangeForm::direct), potential, {two_clusters(9.0)});
  const auto b = evaluate(*engine_of(read, LongRangeForm::direct), read, {two_clusters(9.0)});
  EXPECT_EQ(a.forces, b.forces);
}

TEST_F(LongRangeFile, RefusesWhatDoesNotFit)
{
  const std::string path = "long.safetensors";
  const auto with = [&](const std::function<void(LongRangeSizes &)> &change) {
    LongRangeSizes block_sizes = sizes_of(1);
    Potential potential = long_range(block_sizes);
    change(long_range_sizes(potential));
    potential.check(path);
  };
  for (const auto &[change, words] :
       std::vector<std::pair<std::function<void(LongRangeSizes &)>, std::string>>{
           {[](LongRangeSizes &f) {
              f.layers = 0;
            },
            "'fmm_layers' is 0; expected a whole number from 1 to 8"},
           {[](LongRangeSizes &f) {
              f.kappa_count = 0;
            },
            "'fmm_kappa_count' is 0; expected a whole number from 1 to 64"},
           {[](LongRangeSizes &f) {
              f.heads = 65;
            },
            "'fmm_heads' is 65; expected a whole number from 1 to 64"},
           {[](LongRangeSizes &f) {
              f.key_width = 0;
            },
            "'fmm_key_width' is 0; expected a whole number from 1 to 64"},
           {[](LongRangeSizes &f) {
              f.value_width = 300;
            },
            "'fmm_value_width' is 300; expected a whole number from 0 to 256"},
           {[](LongRangeSizes &f) {
              f.directions = 5;
            },
            "'fmm_directions' is 5; expected a whole number from 6 to 65536"},
           {[](LongRangeSizes &f) {
              f.heads = 3;
              f.value_width = 0;
            },
            "'fmm_heads' is 3, expected a divisor"},
           {[](LongRangeSizes &f) {
              f.kappa_min = -0.1;
            },
            "'fmm_kappa_min' is -0.1; expected a number of 1/Å, 0 or more"},
           {[](LongRangeSizes &f) {
              f.kappa_max = 0.0;
            },
            "'fmm_kappa_max' is 0.0; expected a number of 1/Å above 'fmm_kappa_min'"},
           {[](LongRangeSizes &f) {
              f.precision = "half";
            },
            "'fmm_precision' is 'half'; expected 'engine' or 'double'"},
           {[](LongRangeSizes &f) {
              f.key_width = 5;
            },
            "tensor 'fmm.0.key.weight' has shape [8, 8]; expected [10, 8]"}})
    expect_error(
        [&] {
          with(change);
        },
        {path, words});
}
