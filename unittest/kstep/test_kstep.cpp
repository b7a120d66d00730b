// The parts of fix kstep/hybrid without LAMMPS: jumps, checks, conservation, thermostat, random
// numbers, accounting.
#include "engine/make_engine.h"
#include "kstep/kstep_accounting.h"
#include "kstep/kstep_conservation.h"
#include "kstep/kstep_guard.h"
#include "kstep/kstep_jump.h"
#include "kstep/kstep_restart.h"
#include "kstep/kstep_thermostat.h"
#include "kstep/kstep_tuner.h"

#include "core/errors.h"
#include "core/units.h"
#include "models/molecule_mlp/molecule_mlp.h"
#include "support/random_potential.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>

using namespace mlff;

namespace {

constexpr double unit = eV_in_amu_square_angstrom_per_square_ps;
constexpr double infinite = std::numeric_limits<double>::infinity(),
                 nan = std::numeric_limits<double>::quiet_NaN();

/// Molecules of `n` atoms each, bonded in chains, at places far from each other.
struct System {
  KstepMolecules molecules;
  KstepState state;

  explicit System(std::vector<int> sizes, unsigned seed = 7, double temperature = 300.0)
  {
    Uniform uniform(seed);
    KstepRandom random(seed);
    for (std::size_t m = 0; m < sizes.size(); m++) {
      const auto structure = mlff_test::random_structure(sizes[m], seed + unsigned(m));
      const int first = molecules.n_atoms();
      for (int i = 0; i < sizes[m]; i++) {
        const int z = structure.numbers[i];
        molecules.numbers.push_back(z);
        molecules.species.push_back(z == 6 ? 0 : z == 8 ? 1 : 2);
        molecules.mass.push_back(z == 1 ? 1.008 : 2.0 * z);
        for (int a = 0; a < 3; a++) {
          state.x.push_back(structure.positions[3 * i + a] + 50.0 * double(m));
          state.f.push_back(0.5 * uniform());
        }
        if (i > 0)
          molecules.bonds.push_back({first + i - 1, first + i, distance(first + i - 1, first + i)});
      }
      molecules.first_atom.push_back(int(molecules.mass.size()));
      molecules.first_bond.push_back(int(molecules.bonds.size()));
    }
    state.v.resize(state.x.size());
    random.gaussian(state.v);
    for (std::size_t k = 0; k < state.v.size(); k++)
      state.v[k] *= std::sqrt(boltzmann * temperature * unit / molecules.mass[k / 3]);
  }

  double distance(int i, int j) const
  {
    return std::hypot(state.x[3 * i] - state.x[3 * j], state.x[3 * i + 1] - state.x[3 * j + 1],
                      state.x[3 * i + 2] - state.x[3 * j + 2]);
  }
};

std::array<double, 3> momentum(const KstepMolecules &molecules, int m, const std::vector<double> &v)
{
  std::array<double, 3> sum{};
  for (int i = molecules.first_atom[m]; i < molecules.first_atom[m + 1]; i++)
    for (int a = 0; a < 3; a++) sum[a] += molecules.mass[i] * v[3 * i + a];
  return sum;
}

/// About the centre of mass.
std::array<double, 3> angular_momentum(const KstepMolecules &molecules, int m,
                                       const KstepState &state)
{
  double centre[3], drift[3];
  drift_of(molecules, m, state.x, centre);
  drift_of(molecules, m, state.v, drift);
  std::array<double, 3> sum{};
  for (int i = molecules.first_atom[m]; i < molecules.first_atom[m + 1]; i++) {
    double x[3], v[3];
    for (int a = 0; a < 3; a++) {
      x[a] = state.x[3 * i + a] - centre[a];
      v[a] = molecules.mass[i] * (state.v[3 * i + a] - drift[a]);
    }
    for (int a = 0; a < 3; a++)
      sum[a] += x[(a + 1) % 3] * v[(a + 2) % 3] - x[(a + 2) % 3] * v[(a + 1) % 3];
  }
  return sum;
}

double largest(const std::vector<double> &a, const std::vector<double> &b)
{
  double m = 0.0;
  for (std::size_t k = 0; k < a.size(); k++) m = std::max(m, std::abs(a[k] - b[k]));
  return m;
}

// random numbers and thermostat

TEST(KstepRandom, SameSequenceFromAState)
{
  KstepRandom one(4711), two(1);
  std::vector<double> numbers(101), again(101);
  one.gaussian(numbers);    // an odd number of them
  ASSERT_TRUE(two.set_state(one.state()));
  EXPECT_EQ(one.uniform(), two.uniform());
  one.gaussian(numbers);
  two.gaussian(again);
  EXPECT_EQ(numbers, again);
  const double next = one.uniform();
  EXPECT_FALSE(two.set_state("no generator"));
  EXPECT_EQ(two.uniform(), next);
  EXPECT_NE(KstepRandom(1).uniform(), KstepRandom(2).uniform());
}

TEST(KstepRandom, Moments)
{
  KstepRandom random(3);
  const int n = 200001;
  std::vector<double> g(n);
  random.gaussian(g);
  double moments[5] = {}, u = 0.0, product = 0.0;
  for (int k = 0; k < n; k++) {
    for (int p = 1; p <= 4; p++) moments[p] += std::pow(g[k], p) / n;
    if (k) product += g[k] * g[k - 1] / n;
    const double x = random.uniform();
    ASSERT_GT(x, 0.0);
    ASSERT_LT(x, 1.0);
    u += x / n;
  }
  // five standard errors of each mean
  const double error = 5.0 / std::sqrt(n);
  EXPECT_NEAR(moments[1], 0.0, error);
  EXPECT_NEAR(moments[2], 1.0, error * std::sqrt(2.0));
  EXPECT_NEAR(moments[3], 0.0, error * std::sqrt(15.0));
  EXPECT_NEAR(moments[4], 3.0, error * std::sqrt(96.0));
  EXPECT_NEAR(product, 0.0, error);
  EXPECT_NEAR(u, 0.5, error * std::sqrt(1.0 / 12.0));
}

TEST(KstepThermostat, BringsEveryElementToItsTemperature)
{
  System system({9});
  KstepThermostat bath(350.0, 10.0);
  KstepRandom random(5);
  std::vector<double> v(27, 0.0);
  std::array<double, 9> T{};
  const int n = 40000;
  for (int k = -500; k < n; k++) {
    bath.half_step(system.molecules, 0.1, v, random);    // exp(-0.5) of the velocity stays
    if (k < 0) continue;
    for (int i = 0; i < 9; i++)
      for (int a = 0; a < 3; a++)
        T[i] +=
            system.molecules.mass[i] * v[3 * i + a] * v[3 * i + a] / (3.0 * boltzmann * unit * n);
  }
  // squares of an autoregressive sequence forget with exp(-1) per step
  const double independent = 3.0 * n * (1.0 - std::exp(-1.0)) / (1.0 + std::exp(-1.0));
  for (const double t : T) EXPECT_NEAR(t, 350.0, 5.0 * 350.0 * std::sqrt(2.0 / independent));
}

TEST(KstepThermostat, TellsTheEnergyItGives)
{
  System system({9, 4});
  KstepThermostat bath(300.0, 10.0);
  KstepRandom random(5);
  auto v = system.state.v;
  const double gain = bath.half_step(system.molecules, 0.01, v, random);
  double change = 0.0;
  for (int m = 0; m < 2; m++)
    change += kinetic_energy(system.molecules, m, v) -
        kinetic_energy(system.molecules, m, system.state.v);
  EXPECT_NEAR(gain, change, 1e-12);
  EXPECT_GT(std::abs(gain), 1e-4);
  // no friction, no change
  KstepThermostat none(300.0, 0.0);
  EXPECT_EQ(none.half_step(system.molecules, 0.01, v, random), 0.0);
}

// energy conservation

TEST(KstepConservation, GainsWhatItIsAskedForAndKeepsMomenta)
{
  System system({9, 6});
  const auto before = system.state;
  for (const double gain : {0.02, -0.02}) {
    system.state = before;
    const double factor =
        rescale_internal(system.molecules, 1, system.state.x, system.state.v, gain);
    EXPECT_EQ(factor > 1.0, gain > 0.0);
    EXPECT_NEAR(kinetic_energy(system.molecules, 1, system.state.v) -
                    kinetic_energy(system.molecules, 1, before.v),
                gain, 1e-12);
    for (int a = 0; a < 3; a++) {
      EXPECT_NEAR(momentum(system.molecules, 1, system.state.v)[a],
                  momentum(system.molecules, 1, before.v)[a], 1e-10);
      EXPECT_NEAR(angular_momentum(system.molecules, 1, system.state)[a],
                  angular_momentum(system.molecules, 1, before)[a], 1e-8);
    }
    // the other molecule stays as it is, to the last bit
    EXPECT_TRUE(std::equal(before.v.begin(), before.v.begin() + 27, system.state.v.begin()));
  }
}

TEST(KstepConservation, IsClipped)
{
  System system({9});
  const auto v = system.state.v;
  auto up = v, down = v;
  EXPECT_EQ(rescale_internal(system.molecules, 0, system.state.x, up, 100.0), 1.1);
  EXPECT_EQ(rescale_internal(system.molecules, 0, system.state.x, down, -100.0), 0.9);
  EXPECT_LT(kinetic_energy(system.molecules, 0, up), 1.22 * kinetic_energy(system.molecules, 0, v));
  EXPECT_GT(kinetic_energy(system.molecules, 0, down),
            0.80 * kinetic_energy(system.molecules, 0, v));
}

TEST(KstepConservation, LinearMoleculesAndSingleAtoms)
{
  System two({2, 1});
  const auto before = two.state.v;
  rescale_internal(two.molecules, 0, two.state.x, two.state.v, 2e-4);
  EXPECT_NEAR(kinetic_energy(two.molecules, 0, two.state.v) -
                  kinetic_energy(two.molecules, 0, before),
              2e-4, 1e-12);
  EXPECT_EQ(rescale_internal(two.molecules, 1, two.state.x, two.state.v, 0.001), 1.0);
  for (int k = 6; k < 9; k++) EXPECT_EQ(two.state.v[k], before[k]);
}

// checks

class Guard : public testing::Test {
 protected:
  System system{{9, 5}};
  KstepState end = system.state;
  JumpRecord record;
  const double kT = boltzmann * 300.0;

  Guard()
  {
    for (int s = 0; s < 3; s++) record.species.push_back({"", "", 1.0, 200.0, 2.0, 1.0, 300.0});
    for (std::size_t k = 0; k < end.x.size(); k++) end.x[k] += 0.008 * system.state.v[k];
  }

  KstepVerdict way(const KstepLimits &limits, int m = 0) const
  {
    return KstepGuard(limits, &record, kT).check_way(system.molecules, m, system.state, end, 0.008);
  }
  KstepVerdict landing(const KstepLimits &limits, int m = 0) const
  {
    return KstepGuard(limits, &record, kT).check_landing(system.molecules, m, end);
  }
  KstepVerdict energies(const KstepLimits &limits, KstepEnergies e) const
  {
    return KstepGuard(limits, &record, kT).check_energies(system.molecules, 0, e);
  }
};

TEST_F(Guard, GoodJumpsPassAllLimits)
{
  for (const auto &limits : {KstepLimits(), KstepLimits::thermal(), KstepLimits::published()}) {
    EXPECT_EQ(way(limits), KstepVerdict::accepted);
    EXPECT_EQ(landing(limits), KstepVerdict::accepted);
    EXPECT_EQ(energies(limits, {-1.0, 0.3, -1.05, 0.36}), KstepVerdict::accepted);
  }
}

TEST_F(Guard, NumbersThatAreNotFinite)
{
  for (const double bad : {nan, infinite, -infinite})
    for (auto *list : {&end.x, &end.v}) {
      const double before = (*list)[7];
      (*list)[7] = bad;
      EXPECT_EQ(way(KstepLimits()), KstepVerdict::not_finite);
      EXPECT_EQ(way(KstepLimits(), 1), KstepVerdict::accepted);    // the other molecule
      EXPECT_EQ(landing(KstepLimits()), KstepVerdict::not_finite);
      (*list)[7] = before;
    }
  end.f[3] = nan;
  EXPECT_EQ(landing(KstepLimits()), KstepVerdict::not_finite);
  EXPECT_EQ(landing(KstepLimits(), 1), KstepVerdict::accepted);
  EXPECT_EQ(energies(KstepLimits(), {-1.0, 0.3, nan, 0.3}), KstepVerdict::not_finite);
}

TEST_F(Guard, TrainingRange)
{
  KstepLimits limits;
  limits.range = 1.0;
  EXPECT_EQ(way(limits), KstepVerdict::accepted);
  const auto start = system.state;
  const auto reach = end;

  // beyond the norm of training by a part in a thousand, and below it by one
  const auto at = [&](std::vector<double> &list, double norm) {
    list[9] = norm;
    list[10] = list[11] = 0.0;
  };
  for (const double off : {-1e-3, 1e-3}) {
    const auto expected = off > 0 ? KstepVerdict::range : KstepVerdict::accepted;
    at(system.state.f, 2.0 + off);
    EXPECT_EQ(way(limits), expected);
    system.state.f = start.f;
    at(end.f, 2.0 + off);
    EXPECT_EQ(landing(limits), expected);
    end.f = reach.f;

    double drift[3];
    drift_of(system.molecules, 0, system.state.v, drift);
    for (int a = 0; a < 3; a++)
      end.x[9 + a] = start.x[9 + a] + 0.008 * drift[a] + (a == 0 ? 1.0 + off : 0.0);
    EXPECT_EQ(way(limits), expected);
    end.x = reach.x;
    for (int a = 0; a < 3; a++)
      end.v[9 + a] = start.v[9 + a] + (a == 1 ? 300.0 + 300.0 * off : 0.0);
    EXPECT_EQ(way(limits), expected);
    end.v = reach.v;
  }
  // training is in the frame of the centre of mass: a fast molecule is no problem, a fast atom is
  // one
  for (int i = 0; i < 9; i++) {
    system.state.v[3 * i] += 1000.0;
    end.v[3 * i] += 1000.0;
    end.x[3 * i] += 8.0;
  }
  EXPECT_EQ(way(limits), KstepVerdict::accepted);
  system.state.v[3] += 400.0;
  EXPECT_EQ(way(limits), KstepVerdict::range);
  limits.range = 3.0;
  EXPECT_EQ(way(limits), KstepVerdict::accepted);
  // without a record there is no range to be in
  limits.range = 1.0;
  EXPECT_EQ(
      KstepGuard(limits, nullptr, kT).check_way(system.molecules, 0, system.state, end, 0.008),
      KstepVerdict::accepted);
}

TEST_F(Guard, Bonds)
{
  // the last atom of the chain has one bond
  const int i = 8, j = 7;
  const auto length = system.molecules.bonds[7].length;
  const auto place = [&](double ratio) {
    for (int a = 0; a < 3; a++)
      end.x[3 * i + a] = end.x[3 * j + a] + ratio * (a == 2 ? length : 0.0);
  };
  for (const bool published : {false, true}) {
    auto limits = published ? KstepLimits::published() : KstepLimits::thermal();
    limits.range = KstepLimits::off;
    const double most = published ? 2.0 : 1.5;
    place(0.999 * most);
    EXPECT_EQ(way(limits), KstepVerdict::accepted);
    place(1.001 * most);
    EXPECT_EQ(way(limits), KstepVerdict::bond);
    EXPECT_EQ(landing(limits), KstepVerdict::bond);
    EXPECT_EQ(landing(limits, 1), KstepVerdict::accepted);
    place(0.6);
    EXPECT_EQ(way(limits), published ? KstepVerdict::accepted : KstepVerdict::bond);
    place(0.7);
    EXPECT_EQ(way(limits), KstepVerdict::accepted);
  }
}

TEST_F(Guard, Energies)
{
  const auto ours = KstepLimits::thermal(), published = KstepLimits::published();
  // 3 kT, up and down
  for (const double sign : {-1.0, 1.0}) {
    EXPECT_EQ(energies(ours, {-1.0, 0.3, -1.0, 0.3 + sign * 2.99 * kT}), KstepVerdict::accepted);
    EXPECT_EQ(energies(ours, {-1.0, 0.3, -1.0, 0.3 + sign * 3.01 * kT}), KstepVerdict::drift);
    EXPECT_EQ(energies(published, {-1.0, 0.3, -1.0, 0.3 + sign * 3.01 * kT}),
              KstepVerdict::accepted);
  }
  // potential energy: ten fluctuations of nine atoms, or 1000 kJ/mol
  const double rise = 10.0 * std::sqrt(13.5) * kT;
  EXPECT_EQ(energies(ours, {-1.0, 2.0, -1.0 + 0.99 * rise, 2.0 - 0.99 * rise}),
            KstepVerdict::accepted);
  EXPECT_EQ(energies(ours, {-1.0, 2.0, -1.0 + 1.01 * rise, 2.0 - 1.01 * rise}),
            KstepVerdict::energy);
  EXPECT_EQ(energies(published, {-1.0, 0.3, 9.36, 0.3}), KstepVerdict::accepted);
  EXPECT_EQ(energies(published, {-1.0, 0.3, 9.37, 0.3}), KstepVerdict::energy);
  // kinetic energy: ten times the mean
  EXPECT_EQ(energies(published, {-1.0, 0.3, -1.0, 134.9 * kT}), KstepVerdict::accepted);
  EXPECT_EQ(energies(published, {-1.0, 0.3, -1.0, 135.1 * kT}), KstepVerdict::energy);
}

// jumps

Potential jump_potential()
{
  return random_jump({8, 2, 6}, {6, 8, 1}, {4.0, 8.0}, 4.0, 3);
}

TEST(KstepJump, NetworkKeepsMomentaAndTakesEachMoleculeAlone)
{
  System both({9, 5, 1});
  const auto potential = jump_potential();
  EngineOptions options;
  options.precision = Precision::double_precision;
  options.threads = 1;
  for (const int stride : {0, 1}) {
    const auto jump = make_network_jump(potential, stride, options);
    KstepState end = both.state;
    jump->propose(both.molecules, both.state, end);
    EXPECT_GT(largest(end.x, both.state.x), 0.01);
    const double T = 0.004 * (1 + stride);
    for (int m = 0; m < 3; m++) {
      const auto p = momentum(both.molecules, m, both.state.v),
                 q = momentum(both.molecules, m, end.v);
      const auto L = angular_momentum(both.molecules, m, both.state),
                 M = angular_momentum(both.molecules, m, end);
      double c[3], d[3], drift[3];
      drift_of(both.molecules, m, both.state.x, c);
      drift_of(both.molecules, m, end.x, d);
      drift_of(both.molecules, m, both.state.v, drift);
      for (int a = 0; a < 3; a++) {
        EXPECT_NEAR(p[a], q[a], 1e-9);
        EXPECT_NEAR(L[a], M[a], 1e-8);
        EXPECT_NEAR(d[a] - c[a], T * drift[a], 1e-10);
      }
    }
    // the second one alone
    System alone({9, 5, 1});
    KstepState one;
    KstepMolecules molecules;
    molecules.first_atom = {0, 5};
    molecules.first_bond = {0, 0};
    molecules.species.assign(both.molecules.species.begin() + 9,
                             both.molecules.species.begin() + 14);
    molecules.mass.assign(both.molecules.mass.begin() + 9, both.molecules.mass.begin() + 14);
    for (const auto list : {&KstepState::x, &KstepState::v, &KstepState::f})
      (one.*list).assign((both.state.*list).begin() + 27, (both.state.*list).begin() + 42);
    KstepState other = one;
    make_network_jump(potential, stride, options)->propose(molecules, one, other);
    for (int k = 0; k < 15; k++) {
      EXPECT_NEAR(other.x[k], end.x[27 + k], 1e-12);
      EXPECT_NEAR(other.v[k], end.v[27 + k], 1e-10);
    }
  }
}

TEST(KstepJump, Controls)
{
  System system({9});
  const auto potential = jump_potential();
  const auto end_of = [&](JumpControl control) {
    KstepState end = system.state;
    make_control_jump(potential, 1, control)->propose(system.molecules, system.state, end);
    return end;
  };
  const auto zero = end_of(JumpControl::zero), ballistic = end_of(JumpControl::ballistic),
             verlet = end_of(JumpControl::verlet);
  EXPECT_EQ(zero.x, system.state.x);
  EXPECT_EQ(zero.v, system.state.v);
  EXPECT_EQ(ballistic.v, system.state.v);
  for (int k = 0; k < 27; k++) {
    const double a = unit * system.state.f[k] / system.molecules.mass[k / 3];
    EXPECT_NEAR(ballistic.x[k], system.state.x[k] + 0.008 * system.state.v[k], 1e-12);
    EXPECT_NEAR(verlet.x[k],
                system.state.x[k] + 0.008 * system.state.v[k] + 0.5 * 0.008 * 0.008 * a, 1e-12);
    EXPECT_NEAR(verlet.v[k], system.state.v[k] + 0.008 * a, 1e-10);
  }
  EXPECT_GT(largest(end_of(JumpControl::linear).x, ballistic.x), 1e-3);
  for (const auto control :
       {JumpControl::zero, JumpControl::ballistic, JumpControl::verlet, JumpControl::linear})
    EXPECT_NE(make_control_jump(potential, 0, control)->description().find("control"),
              std::string::npos);
}

class Student : public testing::Test {
 protected:
  System system{{9, 5}};
  const Potential potential = random_potential({8, 2, 6}, {6, 8, 1}, 4.0);
  EngineOptions options;
  static constexpr int steps = 12;
  static constexpr double dt = 0.0002;

  Student()
  {
    options.precision = Precision::double_precision;
    options.threads = 1;
  }

  std::unique_ptr<KstepJump> jump() const
  {
    return make_student_jump(potential, steps, dt, make_engine(potential, options));
  }

  double potential_energy(const KstepState &state, std::vector<double> &forces) const
  {
    GraphStorage graph;
    for (int m = 0; m < 2; m++)
      append_pairs({system.molecules.species.data() + system.molecules.first_atom[m],
                    std::size_t(system.molecules.size(m))},
                   {state.x.data() + 3 * system.molecules.first_atom[m],
                    3 * std::size_t(system.molecules.size(m))},
                   potential.cutoff, graph);
    Result result;
    const auto engine = make_engine(potential, options);
    engine->evaluate(graph.view(), result);
    sum_forces(graph.view(), result, forces);
    return result.energy[0] + result.energy[1];
  }
};

TEST_F(Student, IsVelocityVerlet)
{
  KstepState end = system.state, expected = system.state;
  jump()->propose(system.molecules, system.state, end);
  std::vector<double> f;
  const double before = potential_energy(expected, f);
  for (int s = 0; s < steps; s++) {
    const auto kick = [&] {
      for (std::size_t k = 0; k < f.size(); k++)
        expected.v[k] += 0.5 * dt * unit * f[k] / system.molecules.mass[k / 3];
    };
    kick();
    for (std::size_t k = 0; k < f.size(); k++) expected.x[k] += dt * expected.v[k];
    potential_energy(expected, f);
    kick();
  }
  EXPECT_LT(largest(end.x, expected.x), 1e-11);
  EXPECT_LT(largest(end.v, expected.v), 1e-8);
  // The jump therefore keeps the student's energy.
  double change = potential_energy(end, f) - before;
  for (int m = 0; m < 2; m++)
    change += kinetic_energy(system.molecules, m, end.v) -
        kinetic_energy(system.molecules, m, system.state.v);
  EXPECT_LT(std::abs(change), 2e-3);
}

TEST_F(Student, IsReversible)
{
  auto jumper = jump();
  KstepState end = system.state, back = system.state;
  jumper->propose(system.molecules, system.state, end);
  for (double &v : end.v) v = -v;
  jumper->propose(system.molecules, end, back);
  EXPECT_LT(largest(back.x, system.state.x), 1e-9);
  for (double &v : back.v) v = -v;
  EXPECT_LT(largest(back.v, system.state.v), 1e-6);
  EXPECT_GT(largest(end.x, system.state.x), 1e-3);
}

TEST_F(Student, RemembersForcesOnlyWhereTheyAreRight)
{
  // after an accepted jump, after a rejected one, and from somewhere else: the same as a new one to
  // the last bit
  auto jumper = jump();
  auto other = system.state;
  other.x[4] += 0.01;
  KstepState end = system.state, expected = system.state;
  jumper->propose(system.molecules, system.state, end);
  for (const auto &start : {end, end, system.state, other, system.state}) {
    KstepState reach = start;
    jumper->propose(system.molecules, start, reach);
    jump()->propose(system.molecules, start, expected);
    EXPECT_EQ(reach.x, expected.x);
    EXPECT_EQ(reach.v, expected.v);
  }
}

TEST_F(Student, TellsAStateFromAMolecule)
{
  // a model of one molecule: breaking its bonds on the way is that jump's fault, another molecule
  // that of all jumps
  System one({5});
  const auto ours = random_molecule(one.molecules.numbers, one.state.x, {8}, 1, 3),
             other = random_molecule({6, 1, 1, 1, 1, 1}, System({6}).state.x, {8}, 1, 3);
  for (std::size_t k = 0; k < one.molecules.species.size(); k++)
    one.molecules.species[k] =
        int(std::find(ours.elements.begin(), ours.elements.end(), one.molecules.numbers[k]) -
            ours.elements.begin());
  const auto student = [&](const Potential &potential) {
    return make_student_jump(potential, steps, dt, make_engine(potential, options));
  };
  auto end = one.state;
  student(ours)->check(one.molecules, one.state);
  auto fast = one.state;
  for (double &v : fast.v) v *= 1e3;
  student(ours)->check(one.molecules, fast);
  EXPECT_THROW(student(ours)->propose(one.molecules, fast, end), StateError);
  // species are those of its own elements
  for (std::size_t k = 0; k < one.molecules.species.size(); k++)
    one.molecules.species[k] = one.molecules.numbers[k] == 1 ? 0 : 1;
  try {
    student(other)->check(one.molecules, one.state);
    ADD_FAILURE() << "no error";
  } catch (const EngineError &error) {
    EXPECT_EQ(kind_of(error), ErrorKind::engine);
    EXPECT_NE(std::string(error.what()).find("the model is of"), std::string::npos) << error.what();
  }
  // two atoms on one place: a state
  auto on_one_place = system.state;
  for (int a = 0; a < 3; a++) on_one_place.x[3 + a] = on_one_place.x[a];
  jump()->check(system.molecules, on_one_place);
  EXPECT_THROW(jump()->propose(system.molecules, on_one_place, end), StateError);
  make_network_jump(jump_potential(), 0, options)->check(system.molecules, on_one_place);
  EXPECT_THROW(
      make_network_jump(jump_potential(), 0, options)->propose(system.molecules, on_one_place, end),
      StateError);
  // a mass that the network did not learn: a fault
  system.molecules.mass[2] *= 2.0;
  EXPECT_THROW(
      make_network_jump(jump_potential(), 0, options)->check(system.molecules, system.state),
      EngineError);
}

TEST_F(Student, SaysWhatIsMissing)
{
  options.engine = "nothing";
  EXPECT_THROW(jump(), EngineError);
  EXPECT_THROW(make_network_jump(potential, 0, EngineOptions()), EngineError);
}

// accounting

TEST(KstepCounters, CountVerdictsAndEnergies)
{
  using C = KstepCounters;
  C c;
  EXPECT_EQ(c.acceptance(), 0.0);
  EXPECT_EQ(c.speedup(0.0005), 0.0);
  for (int k = 0; k < 6; k++) c.count(KstepVerdict::accepted);
  const std::vector<std::pair<KstepVerdict, C::Entry>> reasons = {
      {KstepVerdict::not_finite, C::not_finite},
      {KstepVerdict::range, C::range},
      {KstepVerdict::bond, C::bond},
      {KstepVerdict::energy, C::energy},
      {KstepVerdict::drift, C::drift},
      {KstepVerdict::metropolis, C::metropolis}};
  for (const auto &[verdict, entry] : reasons) {
    c.count(verdict);
    EXPECT_EQ(c[entry], 1.0);
  }
  EXPECT_EQ(c[C::jumps], 12.0);
  EXPECT_EQ(c.rejected(), 6.0);
  EXPECT_EQ(c.acceptance(), 0.5);
  for (const double change : {-0.1, 0.3, nan}) c.count_energy(change);
  EXPECT_NEAR(c.mean_change(), 0.1, 1e-12);
  EXPECT_NEAR(c.rms_change(), std::sqrt(0.05), 1e-12);
  EXPECT_NEAR(c.mean_boltzmann(), 0.5 * (std::exp(0.1) + std::exp(-0.3)), 1e-12);
  const C before = c;
  c.count(KstepVerdict::accepted);
  EXPECT_EQ(c.since(before)[C::jumps], 1.0);
  EXPECT_EQ(c.since(before).acceptance(), 1.0);
}

TEST(KstepCounters, SpeedUp)
{
  using C = KstepCounters;
  // 100 jumps of 16 steps with one corrector each, force 1 ms, model 0.1 ms, the fix itself nothing
  C c;
  c[C::time] = 100 * 17 * 0.0005;
  c[C::calls] = 200;
  c[C::t_force] = 0.2;
  c[C::t_jump] = 0.01;
  c[C::proposals] = 100;
  EXPECT_NEAR(c.calls_saved(0.0005), 1500.0, 1e-9);
  // (k + c) / (rho + c + 1)
  EXPECT_NEAR(c.speedup(0.0005), 17.0 / (0.1 + 2.0), 1e-12);
  EXPECT_NEAR(c.jump_seconds(), 1e-4, 1e-15);
  EXPECT_NEAR(c.force_seconds(), 1e-3, 1e-15);
  c[C::t_fix] = 0.01;
  EXPECT_NEAR(c.fix_share(), 0.01 / 0.22, 1e-12);
  EXPECT_LT(c.speedup(0.0005), 17.0 / 2.1);
}

/// An ethanol-like molecule: C C O and hydrogens on carbon and on oxygen.
System water_and_carbon()
{
  System system({9});
  auto &m = system.molecules;
  m.numbers = {6, 6, 8, 1, 1, 1, 1, 1, 1};
  for (int i = 0; i < 9; i++) m.mass[i] = m.numbers[i] == 1 ? 1.008 : 2.0 * m.numbers[i];
  m.bonds = {{0, 1, 1.5}, {1, 2, 1.4}, {0, 3, 1.1}, {0, 4, 1.1},
             {0, 5, 1.1}, {1, 6, 1.1}, {1, 7, 1.1}, {2, 8, 0.96}};
  m.first_bond = {0, 8};
  return system;
}

TEST(KstepTemperatures, EquipartitionGivesOneTemperature)
{
  auto system = water_and_carbon();
  KstepTemperatures T(system.molecules);
  KstepRandom random(17);
  const int n = 20000;
  for (int k = 0; k < n; k++) {
    random.gaussian(system.state.v);
    for (int c = 0; c < 27; c++)
      system.state.v[c] *= std::sqrt(boltzmann * 300.0 * unit / system.molecules.mass[c / 3]);
    T.sample(system.molecules, system.state.x, system.state.v, 0.008);
  }
  const auto names = [](const auto &list) {
    std::string text;
    for (const auto &one : list) text += one.name + " ";
    return text;
  };
  EXPECT_EQ(names(T.elements()), "H C O ");
  EXPECT_EQ(names(T.hydrogens()), "H(C) H(O) ");
  EXPECT_EQ(names(T.bonds()), "C-C C-O H-C H-O ");
  EXPECT_EQ(T.elements()[0].atoms, 6);
  EXPECT_EQ(T.bonds()[2].atoms, 5);
  for (const auto &list : {T.elements(), T.hydrogens()})
    for (const auto &one : list)
      EXPECT_NEAR(one.temperature, 300.0, 5.0 * 300.0 * std::sqrt(2.0 / (3.0 * n * one.atoms)));
  for (const auto &one : T.bonds()) {
    EXPECT_NEAR(one.temperature, 300.0, 5.0 * 300.0 * std::sqrt(2.0 / n));
    // independent samples: the error is known
    EXPECT_NEAR(one.error, 300.0 * std::sqrt(2.0 / (n * one.atoms)), 0.6 * one.error);
  }
  EXPECT_EQ(T.of_element(8), T.elements()[2].temperature);
  EXPECT_EQ(T.of_element(7), 0.0);
  EXPECT_TRUE(T.odd(0.05).empty());
  T.reset();
  EXPECT_EQ(T.all().temperature, 0.0);
}

TEST(KstepTemperatures, FindWhatIsHotterThanTheRest)
{
  auto system = water_and_carbon();
  KstepTemperatures T(system.molecules);
  KstepRandom random(18);
  for (int k = 0; k < 10000; k++) {
    random.gaussian(system.state.v);
    for (int c = 0; c < 27; c++)
      system.state.v[c] *=
          std::sqrt(boltzmann * (c / 3 == 8 ? 345.0 : 300.0) * unit / system.molecules.mass[c / 3]);
    T.sample(system.molecules, system.state.x, system.state.v, 0.008);
    // noise alone is no reason
    if (k == 200) { EXPECT_TRUE(T.odd(0.05).empty()); }
  }
  std::string odd;
  for (const auto &one : T.odd(0.05)) odd += one.name + " ";
  EXPECT_EQ(odd, "H(O) H-O ");
  // the total hides it
  EXPECT_NEAR(T.all().temperature, 305.0, 3.0);
}

TEST(KstepTemperatures, StretchingAlone)
{
  // two atoms that move against each other along their bond: all motion is in it
  System system({2});
  auto &m = system.molecules;
  const double reduced = m.mass[0] * m.mass[1] / (m.mass[0] + m.mass[1]),
               speed = std::sqrt(boltzmann * 500.0 * unit / reduced);
  const double r = system.distance(0, 1);
  for (int a = 0; a < 3; a++) {
    const double along = (system.state.x[3 + a] - system.state.x[a]) / r;
    system.state.v[a] = -speed * along * m.mass[1] / (m.mass[0] + m.mass[1]);
    system.state.v[3 + a] = speed * along * m.mass[0] / (m.mass[0] + m.mass[1]);
  }
  KstepTemperatures T(m);
  T.sample(m, system.state.x, system.state.v, 0.008);
  EXPECT_NEAR(T.bonds()[0].temperature, 500.0, 1e-9);
  EXPECT_NEAR(T.bonds()[0].length, r, 1e-12);
  EXPECT_NEAR(T.all().temperature, 500.0 / 6.0, 1e-9);
  EXPECT_EQ(T.all().error, infinite);
}

// tuning

/// Runs cycles of a made-up system under a tuner: force of 1 ms, model of `rho` ms, k 16,
/// acceptance by corrector length.
struct Tuned {
  KstepTuner tuner;
  KstepCounters counters;
  KstepTuner::Choice choice;
  std::vector<double> paused;
  double seconds_of_model = 0.0001;

  explicit Tuned(int corrector) : tuner(corrector, 0.0005), choice{corrector, 0} {}

  template <typename Acceptance> void run(int cycles, Acceptance &&acceptance)
  {
    using C = KstepCounters;
    double due = 0.0;
    for (int n = 0; n < cycles; n++) {
      const double A = acceptance(choice.corrector);
      due += A;
      const bool yes = due >= 1.0;
      if (yes) due -= 1.0;
      counters.count(yes ? KstepVerdict::accepted : KstepVerdict::drift);
      const double steps = 1 + choice.corrector + (yes ? 0 : 16);
      counters[C::calls] += steps;
      counters[C::t_force] += 0.001 * steps;
      counters[C::t_jump] += seconds_of_model;
      counters[C::proposals]++;
      counters[C::time] += 0.0005 * (16 + choice.corrector);
      choice = tuner.update(counters);
      if (choice.pause > 0) {
        paused.push_back(choice.pause);
        counters[C::calls] += choice.pause;
        counters[C::t_force] += 0.001 * choice.pause;
        counters[C::time] += 0.0005 * choice.pause;
      }
    }
  }
};

TEST(KstepTuner, LeavesTheCorrectorOutWhereItDoesNotHelp)
{
  Tuned tuned(2);
  tuned.run(600, [](int) {
    return 1.0;
  });
  EXPECT_EQ(tuned.choice.corrector, 0);
  EXPECT_TRUE(tuned.paused.empty());
  EXPECT_NEAR(tuned.tuner.speedup(0), 16.0 / 1.1, 1e-9);
  EXPECT_NEAR(tuned.tuner.speedup(2), 18.0 / 3.1, 1e-9);
  EXPECT_EQ(tuned.tuner.speedup(7), 0.0);
}

TEST(KstepTuner, KeepsACorrectorThatPays)
{
  // without corrector every second jump fails, with two steps none does
  Tuned tuned(1);
  tuned.run(600, [](int c) {
    return c == 0 ? 0.5 : c == 1 ? 0.6 : 1.0;
  });
  EXPECT_EQ(tuned.choice.corrector, 2);
}

TEST(KstepTuner, PausesLongerAndLonger)
{
  Tuned tuned(0);
  tuned.seconds_of_model = 0.1;    // a network as slow as a hundred forces
  tuned.run(1000, [](int) {
    return 1.0;
  });
  ASSERT_GE(tuned.paused.size(), 4u);
  for (std::size_t n = 0; n < tuned.paused.size(); n++)
    EXPECT_EQ(tuned.paused[n],
              std::min(double(KstepTuner::last_pause),
                       KstepTuner::first_pause * std::pow(2.0, double(n))));
  EXPECT_LT(tuned.tuner.speedup(0), 1.0);
  // Jumps start again when the model has become faster.
  const auto so_far = tuned.paused.size();
  tuned.seconds_of_model = 0.0001;
  tuned.run(2000, [](int) {
    return 1.0;
  });
  EXPECT_LE(tuned.paused.size(), so_far + 1);
  EXPECT_GT(tuned.tuner.speedup(0), 10.0);
}

TEST(KstepTuner, GoesOnFromItsState)
{
  const auto acceptance = [](int c) {
    return c == 0 ? 0.9 : 1.0;
  };
  for (const int cycles : {0, 17, 40, 95, 130, 2000}) {
    Tuned first(1);
    first.run(cycles, acceptance);
    Tuned second = first;
    second.tuner = KstepTuner(1, 0.0005);
    EXPECT_TRUE(second.tuner.set_state(first.tuner.state()));
    EXPECT_EQ(second.tuner.corrector(), first.tuner.corrector());
    first.run(300, acceptance);
    second.run(300, acceptance);
    EXPECT_EQ(second.tuner.state(), first.tuner.state()) << cycles;
    EXPECT_EQ(second.choice.corrector, first.choice.corrector);
  }
  // A state of another comparison is refused.
  const auto state = KstepTuner(1, 0.0005).state();
  EXPECT_FALSE(KstepTuner(2, 0.0005).set_state(state));
  EXPECT_FALSE(KstepTuner(1, 0.001).set_state(state));
  EXPECT_FALSE(KstepTuner(1, 0.0005).set_state({}));
  EXPECT_FALSE(KstepTuner().set_state(state));
}

// restart

TEST(KstepRestart, IsReadAsItWasWritten)
{
  KstepRestart out;
  out.student = true;
  out.k = 16;
  out.stride_ps = 0.008;
  out.limit_temperature = 312.5;
  out.phase = 1;
  out.left = 7;
  out.attempt = 2;
  out.waiting = {1, 0, 1};
  for (int n = 0; n < KstepCounters::n_entries; n++) out.counters.value[n] = 0.1 * n;
  out.bonds = {{1, 2, 1.09}, {7e15, 3, 1.5}};
  out.tuner = {3.0, 1.0 / 3.0};
  out.atoms = {{1, 5, 3, 1.008, 0.25, -1.5, 1.0 / 3.0}, {2, 5, 1, 12.011, 4.0, 5.0, 6.0}};
  out.seed = 4711;
  out.random = KstepRandom(5).state();
  out.segments = {12.0, 0.25};
  const auto data = out.pack();
  KstepRestart in;
  EXPECT_EQ(in.unpack(data.data()), 4);
  EXPECT_EQ(in.pack(), data);
  EXPECT_EQ(in.waiting, out.waiting);
  EXPECT_EQ(in.tuner, out.tuner);
  EXPECT_EQ(in.random, out.random);
  EXPECT_EQ(in.bonds.at(1).i, 7e15);
  EXPECT_EQ(in.left, 7);
  ASSERT_EQ(in.atoms.size(), 2u);
  EXPECT_EQ(in.atoms[0].z, 1.0 / 3.0);
  EXPECT_EQ(in.atoms[1].mass, 12.011);
  EXPECT_EQ(in.seed, 4711);
  EXPECT_EQ(in.segments, out.segments);

  // the first version ended with the bonds, the second one with the tuner, the third one with the
  // seed
  std::vector<double> list(data.size() / sizeof(double));
  std::memcpy(list.data(), data.data(), list.size() * sizeof(double));
  const auto third = std::size_t(list[0]) - (1 + 2), last = third - 1 - (1 + 2 * 7),
             before = last - (1 + 3) - (1 + 2);
  list[0] = double(before);
  list[2] = 1.0;
  std::vector<char> old(before * sizeof(double));
  std::memcpy(old.data(), list.data(), old.size());
  old.insert(old.end(), out.random.begin(), out.random.end());
  KstepRestart from_old;
  EXPECT_EQ(from_old.unpack(old.data()), 1);
  EXPECT_EQ(from_old.random, out.random);
  EXPECT_EQ(from_old.bonds.size(), 2u);
  EXPECT_TRUE(from_old.waiting.empty());
  EXPECT_TRUE(from_old.tuner.empty());

  list[0] = double(last);
  list[2] = 2.0;
  std::vector<char> second(last * sizeof(double));
  std::memcpy(second.data(), list.data(), second.size());
  second.insert(second.end(), out.random.begin(), out.random.end());
  KstepRestart from_second;
  EXPECT_EQ(from_second.unpack(second.data()), 2);
  EXPECT_EQ(from_second.random, out.random);
  EXPECT_EQ(from_second.tuner, out.tuner);
  EXPECT_TRUE(from_second.atoms.empty());
  EXPECT_EQ(from_second.seed, 0);

  list[0] = double(third);
  list[2] = 3.0;
  std::vector<char> of_third(third * sizeof(double));
  std::memcpy(of_third.data(), list.data(), of_third.size());
  of_third.insert(of_third.end(), out.random.begin(), out.random.end());
  KstepRestart from_third;
  EXPECT_EQ(from_third.unpack(of_third.data()), 3);
  EXPECT_EQ(from_third.seed, 4711);
  EXPECT_TRUE(from_third.segments.empty());

  // A restart file of an unknown version is refused.
  list[2] = 5.0;
  KstepRestart unknown;
  EXPECT_EQ(unknown.unpack(reinterpret_cast<const char *>(list.data())), 0);
}

}    // namespace
