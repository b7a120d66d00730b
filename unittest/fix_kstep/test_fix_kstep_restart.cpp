// fix kstep/hybrid inside LAMMPS: restart files.
#include "fix_kstep/kstep_fixture.h"

namespace mlff_test {

TEST_F(FixKstep, RestartInEveryPhaseOneRank)
{
  // c 2, and limits that refuse some jumps, before as after the force call
  const std::string words = "corrector 2 langevin 300 0.05 99 drift 0.12 range 0.8";
  const int total = 60;
  molecule(double_pair);
  fix(words);
  std::vector<Bits> states;
  std::vector<double> times, scalars;
  command("run 0 post no");
  for (int step = 0; step < total; step++) {
    command("run 1 pre no post no");
    states.push_back(bits());
    times.push_back(simulated());
    scalars.push_back(hyb()->compute_scalar());
  }
  EXPECT_GT(entry("drift"), 0.0);
  EXPECT_GT(entry("accepted"), 0.0);
  for (int stop = 0; stop < 26; stop++) {
    molecule(double_pair);
    fix(words);
    command("run " + std::to_string(stop) + " post no");
    write_restart();
    read_restart(double_pair);
    fix(words);
    command("run 8 post no");
    const auto found = bits();
    const int last = stop + 7;
    EXPECT_LT(largest_difference(found.x, states[last].x), 1e-9) << stop;
    EXPECT_LT(largest_difference(found.v, states[last].v), 1e-6) << stop;
    EXPECT_NEAR(simulated(), times[last], 1e-12) << stop;
    EXPECT_NEAR(hyb()->compute_scalar(), scalars[last], 1e-8) << stop;
    EXPECT_EQ(entry("calls"), last + 1);
  }
}

TEST_F(FixKstep, RestartKeepsTheTunerOneRank)
{
  // the first comparison is of the given corrector, then of none: a restart goes on there
  molecule();
  fix("corrector 1 langevin 300 0.1 7 tune yes");
  command("run 110 post no");
  const double chosen = entry("corrector");
  EXPECT_EQ(chosen, 0.0);
  write_restart();
  const auto read = [&](const std::string &words) {
    read_restart();
    fix(words);
    command("run 0 post no");
  };
  read("corrector 1 langevin 300 0.1 7 tune yes");
  EXPECT_EQ(entry("corrector"), 0.0);
  read("corrector 3 langevin 300 0.1 7 tune yes");
  EXPECT_EQ(entry("corrector"), 3.0) << "another comparison begins";
  read("corrector 1 langevin 300 0.1 7");
  EXPECT_EQ(entry("corrector"), 1.0);
}

TEST_F(FixKstep, RestartOfOtherJumpsBeginsACycleOneRank)
{
  molecule();
  fix("corrector 0 drift 1e-9 jump network 16 0.0005 langevin 300 0.1 7");
  command("run 5 post no");
  write_restart();
  read_restart();
  fix("corrector 0 jump network 32 0.0005 langevin 300 0.1 7", long_network);
  expect_in_log("a new cycle begins");
  command("run 1 post no");
  EXPECT_EQ(entry("jumps"), 2.0);
}

TEST_F(FixKstep, RestartFileOfOtherAtomsOneRank)
{
  molecule();
  fix("corrector 1 langevin 300 0.1 7");
  command("run 21 post no");
  write_restart();
  const auto read = [&] {
    read_restart();
  };
  read();
  command("mass 3 2.014");
  fix("jump student 20 0.0005 langevin 300 0.1 7", student);
  command("run 1 post no");
  expect_in_log("atom 4 has mass 2.014, it had 1.008");
  // bonds of the file are of the IDs in it
  read();
  fix("corrector 1 langevin 300 0.1 7");
  command("reset_atoms id sort yes");
  command("run 41 post no");
  EXPECT_GT(entry("jumps"), 30.0);
  EXPECT_EQ(entry("acceptance"), 1.0);
}

TEST_F(FixKstep, RestartWithAnotherSeedOneRank)
{
  // several chains from one file
  molecule();
  fix("corrector 1 langevin 300 0.1 7");
  command("run 6 post no");
  write_restart();
  const auto go_on = [&](int seed) {
    read_restart();
    fix("corrector 1 langevin 300 0.1 " + std::to_string(seed));
    command("run 6 post no");
    return bits();
  };
  const auto same = go_on(7), again = go_on(7), other = go_on(8), third = go_on(9);
  EXPECT_EQ(same, again);
  EXPECT_GT(largest_difference(same.x, other.x), 1e-3);
  EXPECT_GT(largest_difference(other.x, third.x), 1e-3);
  expect_in_log("the seed is 8, that of the restart file 7: random numbers begin anew");
}

TEST_F(FixKstep, RestartWithARestraintOneRank)
{
  // the restraint is defined last: its energy is known when the run begins, not when the fix is set
  // up
  const std::string words = "jump student 20 0.0005 langevin 300 0.1 7 precision double timing no",
                    pair = double_pair;
  const std::string restraint =
      "fix hold all restrain bond 2 3 20.0 20.0 2.60\nfix_modify hold energy yes\n";
  Bits ends[2];
  for (const bool interrupted : {false, true}) {
    molecule(pair);
    fix(words, student);
    commands(restraint + "run " + (interrupted ? "13" : "30") + " post no");
    if (interrupted) {
      write_restart();
      read_restart(pair);
      fix(words, student);
      commands(restraint + "run 17 post no");
    }
    EXPECT_GT(entry("accepted"), 3.0);
    EXPECT_GT(entry("metropolis"), 3.0);
    ends[interrupted] = bits();
  }
  EXPECT_LT(largest_difference(ends[0].x, ends[1].x), 1e-9);
  EXPECT_LT(largest_difference(ends[0].v, ends[1].v), 1e-6);
}

}    // namespace mlff_test
