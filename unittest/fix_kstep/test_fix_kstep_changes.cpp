// fix kstep/hybrid inside LAMMPS: what other commands change between runs and within them.
#include "fix_kstep/kstep_fixture.h"

namespace mlff_test {

TEST_F(FixKstep, MassesChangedBetweenRunsOneRank)
{
  const std::string pair = double_pair;
  molecule(pair);
  commands("fix move all nve\nrun 20 post no\nmass 3 2.014\nrun 40 post no");
  const auto expected = bits();
  molecule(pair);
  fix("jump student 20 0.0005 temp 100000 precision double", student);
  commands("run 1 post no\nmass 3 2.014\nrun 2 post no");
  expect_in_log("Fix kstep/hybrid since its last step: atom 4 has mass 2.014, it had 1.008");
  EXPECT_LT(largest_difference(bits().x, expected.x), 1e-7);
  EXPECT_LT(largest_difference(bits().v, expected.v), 1e-4);

  molecule();
  fix("langevin 300 0.1 7");
  commands("run 3 post no\nmass 3 2.014");
  expect_refusal({"atom 4 has mass 2.014, but the network learned H with 1.008"});
}

TEST_F(FixKstep, TypesChangedBetweenRunsOneRank)
{
  // forces of the student that are known are of the element before
  const std::string pair = double_pair;
  molecule(pair);
  commands("fix move all nve\nrun 20 post no\nset atom 9 type 2\nrun 20 post no");
  const auto expected = bits();
  molecule(pair);
  fix("jump student 20 0.0005 temp 1e7 precision double", student);
  commands("run 1 post no\nset atom 9 type 2\nrun 1 post no");
  expect_in_log("atom 9 has type 2, it had 3");
  EXPECT_EQ(entry("accepted"), 2.0);
  EXPECT_LT(largest_difference(bits().x, expected.x), 1e-7);
}

TEST_F(FixKstep, RenumberedBetweenRunsOneRank)
{
  molecule();
  fix("corrector 1 langevin 300 0.1 7");
  commands("run 20 post no\nreset_atoms id sort yes\nrun 40 post no");
  expect_in_log("molecules are found again, and a new cycle begins");
  EXPECT_EQ(entry("jumps"), 30.0);
  EXPECT_EQ(entry("acceptance"), 1.0);

  // only hydrogens change places: types and masses of all IDs stay
  molecule();
  fix("corrector 1 langevin 300 0.1 7");
  command("run 20 post no");
  auto *atom = lmp->atom;
  std::swap(atom->tag[atom->map(4)], atom->tag[atom->map(6)]);
  atom->map_init(0);
  atom->map_set();
  command("run 40 post no");
  expect_in_log("atom 4 was moved by");
  EXPECT_EQ(entry("jumps"), 30.0);
  EXPECT_EQ(entry("acceptance"), 1.0);
}

TEST_F(FixKstep, MoleculesChangedBetweenRunsOneRank)
{
  molecule();
  add(ethanol(), 17.0);
  thermal_velocities();
  // the second one is too fast for a jump: the first one waits for it
  hurry();
  fix("corrector 0 temp 300");
  command("run 5 post no");
  expect_in_log("18 atoms in 2 molecules, 16 bonds");
  EXPECT_EQ(entry("range"), 1.0);
  commands("group second id > 9\ndelete_atoms group second\nrun 5 post no");
  expect_in_log("there are 9 atoms, there were 18");
  expect_in_log("9 atoms in 1 molecule, 8 bonds");
  EXPECT_EQ(entry("jumps"), 7.0);
  EXPECT_EQ(entry("accepted"), 6.0);

  // an unchanged input goes on in its cycle
  molecule();
  fix("corrector 2 langevin 300 0.1 7");
  commands("run 2 post no\nvelocity all scale 250\nrun 1 post no");
  EXPECT_EQ(entry("jumps"), 1.0);
  commands("displace_atoms all random 0.01 0.01 0.01 5\nrun 1 post no");
  EXPECT_EQ(entry("jumps"), 2.0);
  expect_in_log("was moved by");
}

TEST_F(FixKstep, BondsChangedBetweenRunsOneRank)
{
  bonded_molecule();
  commands("create_bonds single/bond 1 1 2\nset group all mol 1\nvelocity all create 300 4711");
  fix("corrector 0 temp 300");
  command("run 1 post no");
  expect_in_log("9 atoms in 1 molecule, 1 bonds");
  commands("create_bonds single/bond 1 1 3\nrun 1 post no");
  expect_in_log("the bonds of the topology are others");
  expect_in_log("9 atoms in 1 molecule, 2 bonds");
  commands("set atom 9 mol 0\nrun 1 post no");
  expect_in_log("atom 9 has molecule ID 0, it had 1");
}

TEST_F(FixKstep, RefusesChangesWithinARunOneRank)
{
  const auto refuses = [&](const std::string &change, const std::vector<std::string> &words) {
    for (const int corrector : {0, 2}) {
      molecule();
      fix("corrector " + std::to_string(corrector) + " langevin 300 0.1 7");
      commands("run 1 post no\n" + change);
      expect_error("run 1 pre no post no", words);
    }
  };
  refuses("timestep 0.001",
          {"on timestep 2: the time step is 0.001, but it was 0.0005 when the run began"});
  refuses("mass 3 2.014",
          {"on timestep 2: atom 4 has mass 2.014, it had 1.008 since the last step",
           "before a run with 'pre yes'"});
  refuses("set atom 9 type 2", {"atom 9 has type 2, it had 3"});
  refuses("group one id 1\ndisplace_atoms one move 0.1 0 0",
          {"atom 1 was moved by 0.1 since the last step"});
  refuses("group gone id 9\ndelete_atoms group gone", {"Fix kstep/hybrid: atom 9 is lost"});

  // molecules may be moved as a whole, by a command or to keep them in place
  molecule();
  commands("fix middle all recenter INIT INIT INIT");
  fix("corrector 2 langevin 300 0.1 7");
  commands("run 10 post no\ndisplace_atoms all move 0.1 0.2 0.3\nrun 5 pre no post no");
  EXPECT_EQ(entry("acceptance"), 1.0);
}

}    // namespace mlff_test
