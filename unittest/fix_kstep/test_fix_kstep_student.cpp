// fix kstep/hybrid inside LAMMPS: jumps by a student, which Metropolis makes exact.
#include "fix_kstep/kstep_fixture.h"

namespace mlff_test {

TEST_F(FixKstep, StudentIsExactOneRank)
{
  // another potential as student: the mean of exp(-dH/kT) is one, whatever its error
  molecule();
  fix("jump student 10 0.0005 langevin 300 0.1 7", potential_file(erring(0.04)));
  command("run 200 post no");
  command("run 3000 post no");
  EXPECT_GT(entry("acceptance"), 0.6);
  EXPECT_LT(entry("acceptance"), 0.995);
  EXPECT_EQ(entry("metropolis") + entry("accepted"), entry("jumps"));
  EXPECT_NEAR(entry("boltzmann"), 1.0, 0.1);
  EXPECT_GT(entry("change_rms"), 0.1);
  EXPECT_NEAR(simulated(), 0.005 * entry("accepted"), 1e-9);
  EXPECT_EQ(entry("fallback"), 0.0);
}

TEST_F(FixKstep, StudentEqualToTheForceOneRank)
{
  const auto expected = plain(60, double_pair);
  molecule(double_pair);
  fix("jump student 20 0.0005 temp 100000 precision double", student);
  command("run 3 post no");
  EXPECT_EQ(entry("accepted"), 3.0);
  EXPECT_LT(largest_difference(bits().x, expected.x), 1e-7);
  EXPECT_LT(largest_difference(bits().v, expected.v), 1e-4);
}

TEST_F(FixKstep, RejectionTurnsVelocitiesRoundOneRank)
{
  // At (almost) no temperature nothing that raises the energy is accepted. The way back, with
  // reversed velocities, raises it, too, or is accepted.
  molecule();
  fix("jump student 20 0.0005 temp 1e-9", potential_file(erring()));
  command("run 0 post no");
  for (int k = 0; k < 6; k++) {
    const auto before = bits();
    const double rejected = entry("metropolis");
    command("run 1 pre no post no");
    if (entry("metropolis") == rejected) continue;
    auto after = bits();
    for (double &v : after.v) v = -v;
    EXPECT_EQ(after, before);
  }
  EXPECT_GT(entry("metropolis"), 0.0);
}

TEST_F(FixKstep, StudentWithoutMetropolisOneRank)
{
  molecule();
  fix("jump student 16 0.0005 metropolis no langevin 300 0.1 7 drift 0.05",
      potential_file(erring()));
  command("run 200 post no");
  EXPECT_EQ(entry("metropolis"), 0.0);
  EXPECT_GT(entry("drift"), 0.0);
  EXPECT_GT(entry("accepted"), 0.0);
  EXPECT_GT(entry("fallback"), 0.0);
}

TEST_F(FixKstep, MetropolisForEachMoleculeOneRank)
{
  molecules({0.0, 20.0, -20.0});
  command("velocity all create 300.0 4711");
  fix("jump student 20 0.0005 langevin 300 0.1 7", potential_file(erring()));
  command("run 0 post no");
  const double start = value("etotal");
  int mixed = 0;
  for (int k = 0; k < 60; k++) {
    const double before = entry("metropolis");
    command("run 1 pre no post no");
    const double rejected = entry("metropolis") - before;
    mixed += rejected > 0.0 && rejected < 3.0;
    // printed energies are those of the molecules that moved and of those that did not
    EXPECT_NEAR(value("etotal") + hyb()->compute_scalar(), start, 1e-6);
  }
  EXPECT_EQ(entry("jumps"), 180.0);
  EXPECT_GT(mixed, 0);
  EXPECT_NEAR(simulated(), 0.01 * entry("accepted") / 3.0, 1e-9);
  command("run 0 post no");
  EXPECT_NEAR(value("etotal") + hyb()->compute_scalar(), start, 1e-5);
}

TEST_F(FixKstep, MetropolisHasTheTemperatureOfTheThermostatOneRank)
{
  const auto refuses = [&](const std::string &other, const std::string &keywords,
                           const std::vector<std::string> &words) {
    molecule();
    commands(other);
    fix("jump student 20 0.0005 " + keywords, student);
    expect_refusal(words);
  };
  refuses(
      "", "langevin 300 0.1 7 temp 3000",
      {"temp is 3000 K, but the thermostat keeps 300 K", "must be the same, or temp be left out"});
  refuses("fix bath all temp/berendsen 300 300 0.1", "temp 330",
          {"temp is 330 K, but the thermostat keeps 300 K"});
  refuses("fix bath all temp/berendsen 350 350 0.1", "langevin 300 0.1 7",
          {"needs one temperature: fix bath of style temp/berendsen keeps 350 K, but langevin of "
           "fix kstep/hybrid 300 K"});
  refuses("fix bath all temp/rescale 1 300 300 10 1.0", "",
          {"fix bath of style temp/rescale: it does not say which temperature it keeps"});
  molecule();
  commands("fix bath all temp/berendsen 300 300 0.1");
  fix("jump student 20 0.0005 langevin 300 0.1 7 temp 300", student);
  command("run 2 post no");

  // a thermostat too slow to change anything says what is accepted: everything, then nothing that
  // raises the energy
  const auto accepts = [&](const std::string &bath) {
    molecule();
    command("fix bath all temp/berendsen " + bath + " 1e9");
    fix("jump student 20 0.0005", potential_file(erring(0.1)));
    command("run 40 post no");
    return entry("accepted");
  };
  EXPECT_EQ(accepts("1e7 1e7"), 40.0);
  EXPECT_LT(accepts("0.01 0.01"), 30.0);
  EXPECT_GT(accepts("0.01 1e8"), accepts("0.01 0.01")) << "it is that of each step";

  // limits of a network may mean another temperature
  molecule();
  fix("langevin 300 0.1 7 temp 400");
  command("run 2 post no");
  molecule();
  fix("jump student 20 0.0005 temp 300", student);
  command("run 1 post no");
  expect_in_log("jumps alone do not sample the canonical ensemble");
}

TEST_F(FixKstep, AsThermostatByNameOneRank)
{
  molecule();
  expect_error("fix hyb all nvt/kstep/hybrid " + network + " C O H corrector 0",
               {"Fix nvt/kstep/hybrid", "needs the keyword langevin T damp seed"});
  std::vector<Bits> ends;
  for (const std::string style : {"kstep/hybrid", "nvt/kstep/hybrid"}) {
    molecule();
    command("fix hyb all " + style + " " + student +
            " C O H threads 1 jump student 20 0.0005 langevin 300 0.1 7");
    command("run 20 post no");
    int dim = -1;
    EXPECT_EQ(*(double *) hyb()->extract("t_target", dim), 300.0);
    hyb()->reset_target(1e-6);
    command("run 20 pre no post no");
    EXPECT_EQ(*(double *) hyb()->extract("t_target", dim), 1e-6);
    EXPECT_LT(entry("accepted"), 40.0) << "the test of Metropolis is of the new temperature";
    ends.push_back(bits());
  }
  EXPECT_EQ(ends[0], ends[1]);
  command("fix_modify hyb energy yes");
  try {
    hyb()->reset_target(310.0);
    ADD_FAILURE() << "temperatures would be exchanged by the energy of the thermostat";
  } catch (const LAMMPS_NS::LAMMPSException &error) {
    EXPECT_NE(std::string(error.what())
                  .find("'fix_modify hyb energy yes' adds what the thermostat took out"),
              std::string::npos);
  }
}

TEST_F(FixKstep, StudentThatBreaksBondsOneRank)
{
  // a student without any sense tears its own molecule apart: those jumps are rejected
  molecule();
  auto senseless = random_molecule(ethanol().numbers, ethanol().positions, {8}, 1, 3);
  for (double &s : senseless.tensors.at("scale").values) s = 300.0;
  fix("jump student 200 0.0005 langevin 300 0.1 7", potential_file(senseless));
  command("run 3 post no");
  EXPECT_EQ(entry("not_finite"), 3.0);
  EXPECT_EQ(simulated(), 0.0);
}

}    // namespace mlff_test
