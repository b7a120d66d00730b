// The chain of mlff make-sampler, whose samples must be those of the true force, and its estimates.
#include "core/elements.h"
#include "core/errors.h"
#include "core/units.h"
#include "data/trajectory.h"
#include "make_sampler/chain/acceptance.h"
#include "make_sampler/chain/energy_function.h"
#include "make_sampler/chain/exact_chain.h"
#include "make_sampler/sampler_plan.h"
#include "make_sampler/sound_frame.h"
#include "potential/potential.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>

namespace {

using namespace mlff;

constexpr double T = 300.0, kT = boltzmann * T;

class Chains : public testing::Test {
 protected:
  const Potential student = Potential::read(POTENTIALS "/ethanol-gfn2-mlp.safetensors");
  Structure ethanol;
  ChainConditions conditions;

  void SetUp() override
  {
    ASSERT_TRUE(open_trajectory(MLFF_TEST_DATA "/ethanol_gfn2.xyz")->next(ethanol));
    std::vector<double> masses;
    for (const int z : ethanol.numbers) masses.push_back(atomic_mass(z));
    conditions = {ethanol.numbers, masses, ethanol.positions, T, 0.0005};
  }

  /// Å, from the first atom, a carbon, to the oxygen.
  double stretch(std::span<const double> x) const
  {
    std::size_t o = 0;
    while (ethanol.numbers[o] != 8) o++;
    return std::hypot(x[3 * o] - x[0], x[3 * o + 1] - x[1], x[3 * o + 2] - x[2]);
  }

  /// The student and a force along that distance that it does not know.
  EnergyFunction pulled(double eV_per_angstrom) const
  {
    const auto energy = energy_of_potential(student, ethanol.numbers);
    return [this, energy, eV_per_angstrom](std::span<const double> x, std::vector<double> &forces) {
      return energy(x, forces) + eV_per_angstrom * stretch(x);
    };
  }
};

TEST_F(Chains, EnergiesAreThoseOfThePotential)
{
  std::vector<double> forces, moved;
  const auto energy = energy_of_potential(student, ethanol.numbers);
  const double e = energy(ethanol.positions, forces);
  EXPECT_NEAR(e, *ethanol.energy, 0.02);
  for (std::size_t k = 0; k < forces.size(); k++) EXPECT_NEAR(forces[k], ethanol.forces[k], 0.05);

  // changes along a chain
  StudentChain chain(student, conditions, 80, 1);
  chain.start(ethanol.positions);
  chain.move(7);
  EXPECT_NEAR(chain.place().energy, energy(chain.place().x, moved) - e, 1e-4);
  const auto place = chain.place();
  chain.move(3);
  EXPECT_NE(chain.place().x, place.x);
  chain.go_to(place);
  EXPECT_EQ(chain.place().x, place.x);
  EXPECT_EQ(chain.place().energy, place.energy);
  EXPECT_EQ(chain.tally().segments, 10.0);

  // the same seed, the same chain
  StudentChain one(student, conditions, 80, 5), two(student, conditions, 80, 5);
  for (auto *other : {&one, &two}) {
    other->start(ethanol.positions);
    other->move(4);
  }
  EXPECT_EQ(one.place().x, two.place().x);

  auto argon = conditions;
  argon.numbers.front() = 18;
  EXPECT_THROW(StudentChain(student, argon, 80, 1), EngineError);
  EXPECT_THROW(energy_of_potential(student, argon.numbers), EngineError);
}

TEST_F(Chains, HydrogensMayMoveUnlessTheModelIsOfOneMolecule)
{
  Molecule molecule;
  molecule.numbers = ethanol.numbers;
  molecule.conformers = {ethanol.positions};
  std::size_t o = 0, h = 0;
  while (molecule.numbers[o] != 8) o++;
  const auto from_oxygen = [&](std::size_t k) {
    const double *x = ethanol.positions.data();
    const double *from = x + 3 * o, *to = x + 3 * k;
    return std::hypot(from[0] - to[0], from[1] - to[1], from[2] - to[2]);
  };
  for (std::size_t k = 0; k < molecule.numbers.size(); k++)
    if (molecule.numbers[k] == 1 && (molecule.numbers[h] != 1 || from_oxygen(k) < from_oxygen(h)))
      h = k;
  ASSERT_LT(from_oxygen(h), 1.2);
  // the hydrogen of the oxygen at this many times its distance, on the same or the other side
  const auto with_hydrogen = [&](double factor) {
    auto x = ethanol.positions;
    for (int a = 0; a < 3; a++)
      x[3 * h + a] = x[3 * o + a] + factor * (x[3 * h + a] - x[3 * o + a]);
    return x;
  };
  for (const bool one_molecule : {true, false}) {
    EXPECT_TRUE(is_sound(molecule, ethanol.positions, one_molecule));
    EXPECT_TRUE(is_sound(molecule, with_hydrogen(1.2), one_molecule));
    EXPECT_FALSE(is_sound(molecule, with_hydrogen(0.4), one_molecule));
    EXPECT_FALSE(is_sound(molecule, with_hydrogen(3.0), one_molecule));
  }
  // at the end of the molecule, 1.1 Å from the carbon
  auto moved = ethanol.positions;
  const std::size_t c = molecule.numbers[0] == 6 && from_oxygen(0) > 2.0 ? 0 : 1;
  ASSERT_GT(from_oxygen(c), 2.0);
  for (int a = 0; a < 3; a++) {
    const double along = ethanol.positions[3 * c + a] - ethanol.positions[3 * o + a];
    moved[3 * h + a] = ethanol.positions[3 * c + a] + 1.1 * along / from_oxygen(c);
  }
  EXPECT_FALSE(is_sound(molecule, moved, true));
  EXPECT_TRUE(is_sound(molecule, moved, false));
  // but not the oxygen
  auto broken = ethanol.positions;
  for (const std::size_t k : {o, h}) broken[3 * k] += 1.5;
  EXPECT_FALSE(is_sound(molecule, broken, false));
}

TEST_F(Chains, SamplesAreThoseOfTheTrueForce)
{
  // frames of the student with weights are frames of the true force
  const auto truth = pulled(0.3);
  StudentChain free(student, conditions, 60, 1);
  free.start(ethanol.positions);
  free.move(50);
  double sum = 0.0, weighted = 0.0, plain = 0.0;
  constexpr int n = 2000;
  for (int k = 0; k < n; k++) {
    free.move(2);
    const double d = stretch(free.place().x), weight = std::exp(-0.3 * (d - 2.4) / kT);
    sum += weight;
    weighted += weight * d;
    plain += d / n;
  }
  weighted /= sum;
  ASSERT_GT(plain - weighted, 0.02);

  StudentChain chain(student, conditions, 60, 2);
  chain.start(ethanol.positions);
  ExactChain exact(chain, truth, T, 2, 3);
  for (int k = 0; k < 100; k++) exact.propose();
  std::vector<double> forces;
  BlockMean lengths, factors;
  int accepted = 0;
  for (int k = 0; k < n; k++) {
    const auto before = chain.place();
    const auto proposal = exact.propose();
    accepted += proposal.accepted;
    if (!proposal.accepted) EXPECT_EQ(chain.place().x, before.x);
    factors.add(std::exp(-proposal.difference));
    lengths.add(stretch(chain.place().x));
  }
  EXPECT_NEAR(exact.energy_of_place(), truth(chain.place().x, forces), 1e-4);
  EXPECT_NEAR(lengths.mean(), weighted, 5.0 * lengths.error());
  EXPECT_LT(lengths.error(), 0.2 * (plain - weighted));
  EXPECT_NEAR(factors.mean(), 1.0, 4.0 * factors.error());
  EXPECT_LT(factors.error(), 0.05);
  EXPECT_GT(accepted, n / 4);
  EXPECT_LT(accepted, n * 19 / 20);
}

TEST_F(Chains, AStudentThatIsRightIsAlwaysAccepted)
{
  StudentChain chain(student, conditions, 80, 1);
  chain.start(ethanol.positions);
  const auto energy = energy_of_potential(student, ethanol.numbers);
  ExactChain exact(
      chain,
      [&](std::span<const double> x, std::vector<double> &forces) {
        return energy(x, forces) - 1000.0;
      },
      T, 3, 2);
  int accepted = 0;
  for (int k = 0; k < 100; k++) {
    const auto proposal = exact.propose();
    accepted += proposal.accepted;
    EXPECT_NEAR(proposal.difference, 0.0, 0.01);
  }
  EXPECT_GE(accepted, 98);
}

TEST_F(Chains, APlaceWithoutATrueEnergyIsNotTaken)
{
  const auto energy = energy_of_potential(student, ethanol.numbers);
  const double longest = stretch(ethanol.positions) + 0.02;
  const EnergyFunction truth = [&](std::span<const double> x, std::vector<double> &forces) {
    if (stretch(x) > longest) throw StateError("too long");
    return energy(x, forces);
  };
  StudentChain chain(student, conditions, 80, 1);
  chain.start(ethanol.positions);
  ExactChain exact(chain, truth, T, 3, 2);
  int without = 0;
  for (int k = 0; k < 200; k++) {
    const auto before = chain.place();
    const auto proposal = exact.propose();
    EXPECT_LE(stretch(chain.place().x), longest);
    if (std::isfinite(proposal.difference)) continue;
    without++;
    EXPECT_FALSE(proposal.accepted);
    EXPECT_EQ(chain.place().x, before.x);
  }
  EXPECT_GT(without, 20);
  EXPECT_LT(without, 180);
  const EnergyFunction none = [](std::span<const double>, std::vector<double> &) -> double {
    throw StateError("nowhere");
  };
  EXPECT_THROW(ExactChain(chain, none, T, 3, 2), StateError);
}

TEST_F(Chains, DynamicsKeepTheTemperature)
{
  // mean of the energy of the student by its dynamics and by its chain
  StudentDynamics dynamics(student, conditions, 0.1, 1);
  const double start = dynamics.energy();
  dynamics.run(4000);
  BlockMean moving, sampled;
  for (int k = 0; k < 3000; k++) {
    dynamics.run(40);
    moving.add(dynamics.energy() - start);
  }
  EXPECT_NE(dynamics.x(), ethanol.positions);
  StudentChain chain(student, conditions, 80, 1);
  chain.start(ethanol.positions);
  chain.move(50);
  for (int k = 0; k < 3000; k++) {
    chain.move(1);
    sampled.add(chain.place().energy);
  }
  EXPECT_NEAR(moving.mean(), sampled.mean(), 4.0 * std::hypot(moving.error(), sampled.error()));
  EXPECT_LT(sampled.error(), 0.01);
  EXPECT_NEAR(chain.tally().boltzmann.mean(), 1.0, 4.0 * chain.tally().boltzmann.error());
}

TEST(Acceptance, OfKnownDistributions)
{
  // two frames: weights 1 and 1/2; half of the way up is accepted, all of the way down
  const auto two = expected_acceptance({0.0, std::log(2.0)});
  EXPECT_NEAR(two.direct, 2.0 * 0.5 / 1.5, 1e-12);
  EXPECT_NEAR(two.deviation, std::log(2.0) / std::sqrt(2.0), 1e-12);

  std::mt19937 generator(1);
  for (const double s : {0.05, 0.6, 1.2}) {
    std::normal_distribution<double> normal(-4000.0, s);
    std::vector<double> differences(20000);
    for (double &d : differences) d = normal(generator);
    const auto expected = expected_acceptance(differences);
    EXPECT_NEAR(expected.deviation, s, 0.02 * s);
    EXPECT_NEAR(expected.gaussian, std::erfc(0.5 * s), 0.01);
    EXPECT_NEAR(expected.direct, std::erfc(0.5 * s), 0.02) << s;
    // what the formulas are for: x of the target, x' of the student
    std::normal_distribution<double> target(-4000.0 - s * s, s);
    double mean = 0.0;
    constexpr int n = 100000;
    for (int k = 0; k < n; k++)
      mean += std::min(1.0, std::exp(target(generator) - normal(generator))) / n;
    EXPECT_NEAR(mean, std::erfc(0.5 * s), 0.005) << s;
  }
  EXPECT_EQ(expected_acceptance({3.0, 3.0, 3.0}).direct, 1.0);
  for (const double acceptance : {0.5, 0.8, 0.99})
    EXPECT_NEAR(gaussian_acceptance(deviation_for(acceptance)), acceptance, 1e-12);
}

TEST(SamplerPlan, KeepsTimeAndBudget)
{
  RoundSituation s;
  s.seconds = s.seconds_left = 540.0;
  s.label_seconds = 0.002;
  double planned = 0.0;
  long before = 0;
  for (s.round = 0; s.round < most_rounds; s.round++) {
    const SamplerRound round = plan_sampler_round(s);
    ASSERT_FALSE(round.closing);
    EXPECT_EQ(round.frames == 0, !s.has_student);
    EXPECT_GT(round.seconds, planned / (s.round + 1));
    EXPECT_GE(round.frames + round.above, before);
    EXPECT_EQ(round.json(), SamplerRound::of(round.json()).json());
    before = round.frames + round.above;
    planned += round.seconds;
    s.seconds_left -= round.seconds;
    s.has_student = true;
    s.frame_seconds = 0.004;
  }
  EXPECT_LT(planned, 540.0);
  EXPECT_GT(planned, 500.0);
  EXPECT_TRUE(plan_sampler_round(s).closing);
  EXPECT_GT(plan_sampler_round(s).frames, 50);
  EXPECT_EQ(plan_sampler_round(s).above, 0);

  // dear labels: the budget decides, and some are left to measure the last student
  long left = 120;
  s = {.seconds = 1e6, .seconds_left = 1e6, .label_seconds = 5.0};
  for (s.round = 0;; s.round++) {
    ASSERT_LE(s.round, most_rounds);
    s.labels_left = left;
    const SamplerRound round = plan_sampler_round(s);
    left -= round.frames + round.above;
    s.has_student = true;
    if (!round.closing) continue;
    EXPECT_GE(round.frames, 10);
    break;
  }
  EXPECT_GE(left, 0);
  EXPECT_LT(left, 20);

  // where a training has enough passes over dear labels in a minute, the other time makes labels
  s = {.round = 2,
       .has_student = true,
       .seconds = 3000.0,
       .seconds_left = 2000.0,
       .label_seconds = 5.0,
       .frame_seconds = 0.1,
       .labels_before = 40};
  const SamplerRound unknown = plan_sampler_round(s);
  s.frames_per_second = 5e4;
  const SamplerRound known = plan_sampler_round(s);
  EXPECT_EQ(known.seconds, unknown.seconds);
  const double labels = double(known.frames + known.above),
               training = most_passes * (labels + 40.0) / s.frames_per_second;
  EXPECT_GT(known.frames, 1.5 * unknown.frames);
  EXPECT_NEAR(5.1 * labels + training, known.seconds, 5.2);
  s.frames_per_second = 100.0;
  EXPECT_EQ(plan_sampler_round(s).json(), unknown.json());

  // no time at all: one round, and the measurement
  s = {.seconds = 1.0, .seconds_left = 0.5, .label_seconds = 1.0};
  EXPECT_FALSE(plan_sampler_round(s).closing);
  EXPECT_GT(plan_sampler_round(s).above, 0);
  s.round = 1;
  s.has_student = true;
  EXPECT_TRUE(plan_sampler_round(s).closing);
}

}    // namespace
