// fix kstep/hybrid inside LAMMPS: what a cycle does, and the controls in the place of a jump.
#include "fix_kstep/kstep_fixture.h"

#include <array>
#include <cmath>
#include <numbers>

namespace mlff_test {

TEST_F(FixKstep, CyclesOneRank)
{
  molecule();
  fix("corrector 2 langevin 300 0.1 7");
  commands("run 0 post no");
  EXPECT_EQ(entry("calls"), 0.0);
  const double dt = 0.0005, T = 0.008;
  double expected = 0.0;
  for (int step = 1; step <= 9; step++) {
    command("run 1 pre no post no");
    expected += step % 3 == 1 ? T : dt;
    EXPECT_NEAR(simulated(), expected, 1e-12) << step;
    EXPECT_NEAR(entry("time"), expected, 1e-12);
    EXPECT_EQ(entry("calls"), step);
    EXPECT_EQ(entry("jumps"), (step + 2) / 3);
  }
  EXPECT_EQ(entry("accepted"), 3.0);
  EXPECT_EQ(entry("acceptance"), 1.0);
  EXPECT_NEAR(entry("saved"), 3 * 18 - 9, 1e-9);
  EXPECT_EQ(entry("corrector"), 2.0);
  EXPECT_GT(entry("model_time"), 0.0);
  EXPECT_GT(entry("force_time"), 0.0);
  EXPECT_GT(entry("speedup"), 0.0);
  EXPECT_GT(entry("fix_share"), 0.0);
  EXPECT_LT(entry("change_rms"), 1.0);
  EXPECT_GT(entry("change_rms"), 0.001);
}

TEST_F(FixKstep, FractionAndDefaultsOneRank)
{
  molecule();
  fix("fraction 0.25 langevin 300 0.1 7");
  command("run 0 post no");
  EXPECT_EQ(entry("corrector"), 4.0);
  command("unfix hyb");
  fix("langevin 300 0.1 7");
  command("run 0 post no");
  EXPECT_EQ(entry("corrector"), 1.0);
  command("unfix hyb");
  fix("jump student 20 0.0005 langevin 300 0.1 7", student);
  command("run 0 post no");
  EXPECT_EQ(entry("corrector"), 0.0);
}

TEST_F(FixKstep, EnergyWithTheScalarIsConservedOneRank)
{
  // without corrector steps everything that changes the energy is the fix: equal to rounding
  molecule();
  fix("corrector 0 langevin 300 0.1 7");
  command("run 0 post no");
  const double start = value("etotal");
  double largest = 0.0, moved = 0.0;
  for (int k = 0; k < 50; k++) {
    command("run 4 pre no post no");
    largest = std::max(largest, std::abs(value("etotal") + hyb()->compute_scalar() - start));
    moved = std::max(moved, std::abs(value("etotal") - start));
  }
  EXPECT_LT(largest, 1e-7);
  EXPECT_GT(moved, 0.05);
  // Thermo output adds the energy with fix_modify energy yes.
  command("fix_modify hyb energy yes");
  command("run 10 post no");
  EXPECT_NEAR(value("etotal"), start, 1e-7);
}

TEST_F(FixKstep, ConservesTheEnergyOfAJumpOneRank)
{
  molecule();
  fix("corrector 0 conserve yes");
  command("run 0 post no");
  const double start = value("etotal");
  command("run 40 post no");
  EXPECT_EQ(entry("accepted"), 40.0);
  EXPECT_NEAR(value("etotal"), start, 1e-7);
  EXPECT_GT(entry("work_size"), 0.005);
  molecule();
  fix("corrector 0 conserve no");
  command("run 40 post no");
  EXPECT_GT(std::abs(value("etotal") - start), 1e-5);
  EXPECT_EQ(entry("work_size"), 0.0);
  EXPECT_NEAR(value("etotal") + hyb()->compute_scalar(), start, 1e-7);
}

TEST_F(FixKstep, FollowsVelocityVerletOneRank)
{
  // ten jumps of 8 fs stay as near to plain dynamics at 0.5 fs as dynamics at 1 fs does, in
  // velocities
  const auto fine = plain(160);
  molecule();
  commands("timestep 0.001\nfix move all nve\nrun 80 post no");
  const auto coarse = bits();
  molecule();
  fix("corrector 0");
  command("run 10 post no");
  const auto jumped = bits();
  EXPECT_NEAR(simulated(), 0.08, 1e-12);
  const auto off = [&](const std::vector<double> &a, const std::vector<double> &b) {
    double sum = 0.0;
    for (std::size_t k = 0; k < a.size(); k++) sum += (a[k] - b[k]) * (a[k] - b[k]);
    return std::sqrt(sum / double(a.size()));
  };
  EXPECT_LT(off(jumped.x, fine.x), 0.03);
  EXPECT_LT(off(jumped.v, fine.v), off(coarse.v, fine.v));
}

TEST_F(FixKstep, TemperatureOneRank)
{
  molecule();
  fix("corrector 0 langevin 300 0.1 7");
  commands("run 400 post no\nfix mean all ave/time 1 1 1 c_thermo_temp ave running\nrun 2500");
  // 20 ps, memory of about 0.1 ps, 27 degrees of freedom: a standard error of 4 %; bound five of
  // them
  EXPECT_NEAR(value("f_mean"), 300.0, 60.0);
  EXPECT_GT(entry("acceptance"), 0.99);
  EXPECT_NEAR(entry("boltzmann"), 1.0, 0.1);
  const int n_named = int(LAMMPS_NS::kstep_vector().size());
  ASSERT_EQ(hyb()->size_vector, n_named + 3);
  EXPECT_EQ(entry("paused"), 0.0);
  for (int k = 0; k < 3; k++) EXPECT_NEAR(hyb()->compute_vector(n_named + k), 300.0, 100.0);
  for (const auto *words : {"20 ps simulated in 2500 steps, one force call each, 125 per ps",
                            "jumps of 8 fs (network)", "temperature of elements: H ",
                            "temperature of hydrogens: H(C) ", "temperature of bonds: C-C "})
    expect_in_log(words);
}

TEST_F(FixKstep, UnitsRealOneRank)
{
  molecule();
  fix("corrector 1");
  command("run 11 post no");
  const auto metal = bits();
  const double e = hyb()->compute_scalar();
  // LAMMPS' constants differ by a part in a million between units: start from the same velocities
  molecule();
  auto velocities = bits().v;
  box("-20 20 -20 20 -20 20", "real");
  add(ethanol());
  forces_of(single_pair, student);
  command("timestep 0.5");
  for (int i = 0; i < 9; i++)
    set_velocity(i + 1, 1e-3 * velocities[3 * i], 1e-3 * velocities[3 * i + 1],
                 1e-3 * velocities[3 * i + 2]);
  command("fix hyb all kstep/hybrid " + network +
          " C O H jump network 16 0.5 corrector 1 threads 1");
  command("run 11 post no");
  const auto real = bits();
  EXPECT_LT(largest_difference(real.x, metal.x), 2e-5);
  double most = 0.0;
  for (int k = 0; k < 27; k++) most = std::max(most, std::abs(1e3 * real.v[k] - metal.v[k]));
  EXPECT_LT(most, 5e-3);
  EXPECT_NEAR(simulated(), 6 * 8.0 + 5 * 0.5, 1e-9);
  EXPECT_NEAR(entry("time"), simulated(), 1e-9);
  EXPECT_NEAR(hyb()->compute_scalar() * kcal_per_mol_in_eV, e, 1e-4);
}

TEST_F(FixKstep, ZeroPassesStaticTestsAndFailsDynamicsOneRank)
{
  // without thermostat nothing but the corrector moves: 8 fs of life in each 8.5 are missing
  const auto expected = plain(10);
  molecule();
  fix("corrector 1 control zero");
  command("run 20 post no");
  EXPECT_EQ(entry("acceptance"), 1.0);
  EXPECT_LT(entry("change_rms"), 1e-9);
  EXPECT_NEAR(simulated(), 0.085, 1e-12);
  EXPECT_LT(largest_difference(bits().x, expected.x), 1e-9);
}

TEST_F(FixKstep, TheHydroxylTurnsAsInDynamicsOneRank)
{
  // mean square displacement of the torsion H-O-C-C in 0.5 ps, from 25 ps: two or three rad² in
  // dynamics; where jumps stand still it is that of the corrector's 0.03 ps, hardly more than its
  // libration
  const auto msd = [&](const std::string &words) {
    molecule();
    fix("corrector 1 langevin 300 0.1 7 " + words);
    command("run 600 post no");
    std::vector<double> angle;
    const int per_frame = 6, lag = 20;    // 6 steps are 25.5 fs
    for (int frame = 0; frame < 1000; frame++) {
      command("run " + std::to_string(per_frame) + " pre no post no");
      const auto x = bits().x;
      std::array<std::array<double, 3>, 3> bond;
      const int atoms[4] = {9, 3, 1, 2};    // H O C C
      for (int k = 0; k < 3; k++)
        for (int a = 0; a < 3; a++)
          bond[k][a] =
              std::remainder(x[3 * (atoms[k + 1] - 1) + a] - x[3 * (atoms[k] - 1) + a], 40.0);
      const auto cross = [](const auto &p, const auto &q) {
        return std::array<double, 3>{p[1] * q[2] - p[2] * q[1], p[2] * q[0] - p[0] * q[2],
                                     p[0] * q[1] - p[1] * q[0]};
      };
      const auto dot = [](const auto &p, const auto &q) {
        return p[0] * q[0] + p[1] * q[1] + p[2] * q[2];
      };
      const auto m = cross(bond[0], bond[1]), n = cross(bond[1], bond[2]);
      const double now =
          std::atan2(dot(cross(m, n), bond[1]) / std::sqrt(dot(bond[1], bond[1])), dot(m, n));
      angle.push_back(angle.empty() ? now
                                    : angle.back() +
                              std::remainder(now - angle.back(), 2 * std::numbers::pi));
    }
    double sum = 0.0;
    for (std::size_t k = lag; k < angle.size(); k++)
      sum += (angle[k] - angle[k - lag]) * (angle[k] - angle[k - lag]);
    return sum / double(angle.size() - lag);
  };
  const double network_turns = msd(""), zero_turns = msd("control zero");
  EXPECT_GT(network_turns, 0.8);
  EXPECT_LT(network_turns, 8.0);
  EXPECT_LT(zero_turns, 0.3);
}

TEST_F(FixKstep, CorrectorAloneOneRank)
{
  const auto expected = plain(30);
  molecule();
  fix("control corrector");
  command("run 30 post no");
  EXPECT_EQ(bits(), expected);
  EXPECT_EQ(entry("jumps"), 0.0);
  EXPECT_NEAR(simulated(), 0.015, 1e-12);
}

TEST_F(FixKstep, OtherControlsOneRank)
{
  for (const auto *control : {"ballistic", "verlet", "linear"}) {
    molecule();
    fix("corrector 0 control " + std::string(control));
    command("run 20 post no");
    EXPECT_LT(entry("accepted"), 3.0) << control;
    EXPECT_NEAR(simulated(), 0.008 * entry("accepted") + 0.0005 * entry("fallback"), 1e-12);
  }
}

TEST_F(FixKstep, TunesTheCorrectorOneRank)
{
  // forces of a tiny student are no dearer than the network: jumps cannot win, and the fix finds
  // out
  molecule();
  fix("corrector 1 langevin 300 0.1 7 tune yes");
  command("run 2000");
  EXPECT_GT(entry("jumps"), 40.0);
  expect_in_log("tuned: corrector of ");
  EXPECT_NEAR(simulated(),
              0.008 * entry("accepted") +
                  0.0005 *
                      (entry("calls") - entry("accepted") - entry("drift") - entry("energy") -
                       entry("bond")),
              1e-9);
}

TEST_F(FixKstep, WithoutTimingOutputIsReproducibleOneRank)
{
  molecule();
  fix("corrector 1 langevin 300 0.1 7 timing no");
  command("run 20 post no");
  for (const auto *which : {"model_time", "force_time", "speedup", "fix_share"})
    EXPECT_EQ(entry(which), 0.0);
  EXPECT_EQ(entry("calls"), 20.0);
}

TEST_F(FixKstep, RerunOneRank)
{
  molecule(double_pair);
  command("fix move all nve");
  commands("dump all all custom 5 " + file("dump") +
           " id type x y z\ndump_modify all sort id format float %.17g\nrun 10 post no\nundump "
           "all\nunfix move");
  const double last = value("pe");
  fix("langevin 300 0.1 7");
  command("rerun " + file("dump") + " dump x y z");
  EXPECT_NEAR(value("pe"), last, 1e-7);
  EXPECT_EQ(entry("calls"), 0.0);
}

TEST_F(FixKstep, MinimizersAreNotDisturbedOneRank)
{
  molecule();
  fix("langevin 300 0.1 7");
  command("minimize 0 0.05 50 200");
  EXPECT_EQ(entry("calls"), 0.0);
  command("velocity all create 300 5");
  command("run 4 post no");
  EXPECT_EQ(entry("calls"), 4.0);
}

}    // namespace mlff_test
