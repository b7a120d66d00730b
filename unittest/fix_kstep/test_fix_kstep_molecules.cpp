// fix kstep/hybrid inside LAMMPS: several molecules, alone and together, and what holds a molecule
// together.
#include "fix_kstep/kstep_fixture.h"
#include "models/jump/jump_record.h"

#include <cmath>

namespace mlff_test {

TEST_F(FixKstep, EachMoleculeAloneOneRank)
{
  // two molecules in one box, out of the forces' reach of each other: each as if it were alone
  const auto start = [&](int which) {
    box("-40 40 -20 20 -20 20");
    if (which != 1) add(ethanol());
    if (which != 0) add(ethanol(), which == 1 ? 0.0 : 20.0);
    forces_of(double_pair, student);
    command("velocity all set 0 0 0");
    for (int i = 0; i < 9; i++) {
      // different velocities of the two
      if (which != 1)
        set_velocity(i + 1, 3.0 * std::sin(i), 3.0 * std::cos(2 * i), 3.0 * std::sin(3 * i));
      if (which != 0)
        set_velocity(i + 1 + (which == 2 ? 9 : 0), 4.0 * std::cos(i), 4.0 * std::sin(2 * i + 1),
                     4.0 * std::cos(3 * i));
    }
    fix("corrector 1 temp 300 precision double");
    command("run 0 post no");
    command("run 15 post no");
  };
  start(0);
  const auto first = bits();
  const double e0 = hyb()->compute_scalar();
  start(1);
  const auto second = bits();
  const double e1 = hyb()->compute_scalar();
  start(2);
  const auto both = bits();
  EXPECT_EQ(entry("accepted"), 16.0);
  EXPECT_NEAR(hyb()->compute_scalar(), e0 + e1, 1e-6);
  double most_x = 0.0, most_v = 0.0;
  for (int k = 0; k < 27; k++) {
    most_x = std::max({most_x, std::abs(both.x[k] - first.x[k]),
                       std::abs(both.x[27 + k] - second.x[k] - (k % 3 == 0 ? 20.0 : 0.0))});
    most_v = std::max(
        {most_v, std::abs(both.v[k] - first.v[k]), std::abs(both.v[27 + k] - second.v[k])});
  }
  EXPECT_LT(most_x, 1e-6);
  EXPECT_LT(most_v, 1e-4);
  expect_in_log("18 atoms in 2 molecules, 16 bonds");
}

TEST_F(FixKstep, RejectedMoleculeFallsBackAloneOneRank)
{
  // one of three is too fast for a jump: it makes velocity Verlet, while the others wait where they
  // have arrived
  const auto start = [&] {
    molecules({0.0, 20.0, -20.0});
    hurry();
  };
  const std::string words = "corrector 0 temp 300 precision double";
  const auto part = [](const std::vector<double> &list, bool second) {
    std::vector<double> values;
    for (int k = 0; k < 81; k++)
      if ((k / 27 == 1) == second) values.push_back(list[k]);
    return values;
  };
  start();
  commands("fix move all nve\nrun 16 post no");
  const auto dynamics = bits();
  start();
  command("group others id 1:9 19:27");
  command("fix hyb others kstep/hybrid " + network + " C O H threads 1 " + words);
  command("run 1 post no");
  const auto jumped = bits();
  EXPECT_EQ(entry("accepted"), 2.0);

  start();
  fix(words);
  command("run 0 post no");
  const auto before = bits();
  const double energy = value("etotal");
  command("run 1 pre no post no");
  const auto landed = bits();
  EXPECT_EQ(entry("jumps"), 3.0);
  EXPECT_EQ(entry("accepted"), 2.0);
  EXPECT_EQ(entry("range"), 1.0);
  EXPECT_EQ(part(landed.x, true), part(before.x, true));
  EXPECT_EQ(part(landed.v, true), part(before.v, true));
  EXPECT_EQ(part(landed.f, true), part(before.f, true));
  EXPECT_LT(largest_difference(part(landed.x, false), part(jumped.x, false)), 1e-9);
  EXPECT_LT(largest_difference(part(landed.v, false), part(jumped.v, false)), 1e-7);
  EXPECT_NEAR(value("etotal") + hyb()->compute_scalar(), energy, 1e-6);
  EXPECT_NEAR(simulated(), 0.008 * 2 / 3, 1e-12);

  command("run 8 pre no post no");
  EXPECT_NEAR(simulated(), 0.008 * 2 / 3 + 8 * 0.0005 / 3, 1e-12);
  EXPECT_EQ(part(bits().x, false), part(landed.x, false));
  EXPECT_EQ(part(bits().v, false), part(landed.v, false));
  write_restart();
  command("run 8 pre no post no");
  const auto found = bits();
  EXPECT_EQ(part(found.x, false), part(landed.x, false));
  EXPECT_LT(largest_difference(part(found.x, true), part(dynamics.x, true)), 1e-10);
  EXPECT_LT(largest_difference(part(found.v, true), part(dynamics.v, true)), 1e-8);
  EXPECT_NEAR(simulated(), 0.008, 1e-12);
  EXPECT_EQ(entry("fallback"), 16.0);
  EXPECT_EQ(entry("calls"), 17.0);
  command("run 1 pre no post no");
  EXPECT_EQ(entry("jumps"), 6.0);

  // The restart file keeps the molecules that wait.
  read_restart(double_pair);
  fix(words);
  command("run 8 post no");
  EXPECT_LT(largest_difference(bits().x, found.x), 1e-9);
  EXPECT_LT(largest_difference(bits().v, found.v), 1e-7);
  EXPECT_NEAR(simulated(), 0.008, 1e-12);

  // a published retry takes all back, each try counted as one jump
  start();
  fix(words + " attempts 2");
  command("run 1 post no");
  EXPECT_EQ(entry("range"), 2.0);
  EXPECT_EQ(entry("accepted"), 0.0);
  EXPECT_EQ(entry("fallback"), 1.0);
  EXPECT_NEAR(simulated(), 0.0005, 1e-12);
}

TEST_F(FixKstep, LandingsAreJudgedForEachMoleculeOneRank)
{
  molecules({0.0, 20.0, -20.0});
  fix("corrector 0 drift 0.1 langevin 300 0.1 7");
  command("run 0 post no");
  const double start = value("etotal");
  int mixed = 0, cycles = 0;
  for (; cycles < 25; cycles++) {
    const double before = entry("accepted");
    command("run 1 pre no post no");
    const double passed = entry("accepted") - before;
    mixed += passed > 0.0 && passed < 3.0;
    EXPECT_NEAR(simulated(), 0.008 * (cycles + passed / 3.0), 1e-10);
    if (passed < 3.0) command("run 16 pre no post no");
    EXPECT_NEAR(simulated(), 0.008 * (cycles + 1), 1e-10);
  }
  EXPECT_GT(mixed, 3);
  EXPECT_EQ(entry("jumps"), 3.0 * cycles);
  EXPECT_EQ(entry("accepted") + entry("drift") + entry("range") + entry("energy") + entry("bond"),
            entry("jumps"));
  // velocity Verlet alone errs, by some meV
  EXPECT_NEAR(value("etotal") + hyb()->compute_scalar(), start, 0.05);
}

TEST_F(FixKstep, MoleculesWithinTheCutoffGoBackTogetherOneRank)
{
  molecule();
  add(ethanol(), 8.0);
  thermal_velocities();
  hurry();
  fix("corrector 0 temp 300");
  command("run 0 post no");
  const auto before = bits();
  command("run 1 pre no post no");
  EXPECT_EQ(entry("jumps"), 1.0);
  EXPECT_EQ(entry("range"), 1.0);
  // all make velocity Verlet at once, as no force call was needed to know
  EXPECT_EQ(entry("fallback"), 1.0);
  EXPECT_NEAR(simulated(), 0.0005, 1e-12);
  const auto after = bits();
  EXPECT_NE(after.x[0], before.x[0]);
  EXPECT_NE(after.x[27], before.x[27]);
}

TEST_F(FixKstep, MoleculesWithinTheCutoffOneRank)
{
  molecule();
  add(ethanol(), 8.0);
  fix("corrector 0 temp 300");
  command("run 0 post no");
  expect_in_log("of two molecules are");
  expect_in_log("takes every molecule for an isolated one");
}

TEST_F(FixKstep, OwnImageWithinTheCutoffOneRank)
{
  commands("clear\nunits metal\natom_style atomic\natom_modify map array\nboundary p p p");
  commands("region box block -4.5 4.5 -20 20 -20 20\ncreate_box 3 box\nmass 1 12.011\nmass 2 "
           "15.999\nmass 3 1.008");
  add(ethanol());
  forces_of(single_pair, student);
  fix("corrector 0 temp 300");
  command("run 0 post no");
  expect_in_log("from its own periodic image along x");
}

TEST_F(FixKstep, BondsOfTheTopologyOneRank)
{
  bonded_molecule();
  // one bond more than distances would find, and no other: atoms that are not joined to others are
  // molecules of their own
  commands("create_bonds single/bond 1 1 2\ncreate_bonds single/bond 1 1 3");
  fix("corrector 0 temp 300");
  command("run 0 post no");
  expect_in_log("9 atoms in 7 molecules, 2 bonds");
  command("set group all mol 1");
  command("unfix hyb");
  fix("corrector 0 temp 300");
  command("run 0 post no");
  expect_in_log("9 atoms in 1 molecule, 2 bonds");
}

TEST_F(FixKstep, OnlyItsGroupMovesOneRank)
{
  molecule();
  commands("create_atoms 1 single 15 15 15 units box\ngroup mol id <= 9");
  command("fix hyb mol kstep/hybrid " + network +
          " C O H threads 1 corrector 1 langevin 300 0.1 7");
  command("run 20 post no");
  const auto b = bits();
  for (int a = 0; a < 3; a++) EXPECT_EQ(b.x[27 + a], 15.0);
  EXPECT_GT(std::abs(b.x[0] - ethanol().positions[0]), 1e-3);
}

TEST_F(FixKstep, ClassesOfAtomsOneRank)
{
  // a network that tells atoms of an element apart: by the bonds around them, or by the names given
  Potential classes = random_jump({8, 2, 6}, {6, 6, 8, 1, 1, 1}, {8.0}, 6.0, 3);
  const char *names[] = {"C1", "C2", "O1", "H1", "H2", "H3"};
  for (int s = 0; s < 6; s++) {
    auto &species = jump_record(classes).species[s];
    species.name = names[s];
    species.mass = classes.elements[s] == 6 ? 12.011 : classes.elements[s] == 8 ? 15.999 : 1.008;
    species.environment = "X" + std::to_string(s);
  }
  const auto file = potential_file(classes);
  molecule();
  fix("corrector 0 temp 300", file);
  expect_error("run 0 post no", {"atom 1 is C bonded as C(", "the model knows only C1"});
  command("unfix hyb");
  command("fix hyb all kstep/hybrid " + file + " C1 O1 H2 corrector 0 temp 300");
  command("run 1 post no");
  EXPECT_EQ(entry("jumps"), 1.0);
}

TEST_F(FixKstep, SharedEnergiesDecideTogetherOneRank)
{
  // two molecules in a field: fixes tell one energy
  for (const bool exact : {true, false}) {
    molecule(double_pair);
    add(ethanol(), 17.0);
    thermal_velocities();
    if (exact) {
      commands("fix tether all spring/self 0.05\nfix_modify tether energy yes");
      fix("jump student 20 0.0005 langevin 300 0.1 7", potential_file(erring()));
    } else {
      // a style that says nothing about energies of atoms
      commands("pair_style hybrid/overlay mlff engine host threads 1 precision double lj/cut 16.0");
      commands("pair_coeff * * mlff " + student + " C O H\npair_coeff * * lj/cut 1e-10 3.0");
      fix("langevin 300 0.1 7");
    }
    command("run 0 post no");
    expect_in_log(
        exact ? "jumps of all 2 molecules together, by the energy of all: fixes that add energy"
              : "jumps of all 2 molecules together, by the energy of all: atoms ");
    const double start = value("etotal + f_hyb");
    for (int k = 0; k < 40; k++) {
      command("run 1 pre no post no");
      EXPECT_NEAR(value("etotal + f_hyb"), start, exact ? 1e-6 : 5e-3);
    }
    EXPECT_EQ(entry("jumps"), exact ? 40.0 : 20.0);
    EXPECT_GT(entry("accepted"), 0.0);
    EXPECT_EQ(entry("accepted") + entry("metropolis"), entry("jumps"));
  }
}

TEST_F(FixKstep, InteractingMoleculesAreSampledTogetherOneRank)
{
  // a sum of energies of atoms is not that of a molecule where others are near
  molecule();
  add(ethanol(), 6.0);
  thermal_velocities();
  fix("jump student 20 0.0005 langevin 300 0.1 7", student);
  command("run 20 post no");
  EXPECT_EQ(entry("jumps"), 20.0);
  expect_in_log("jumps of all 2 molecules together");
}

#ifdef MLFF_XTB
TEST_F(FixKstep, MoleculesOfOneCalculationOneRank)
{
  const std::string mlp = POTENTIALS "/ethanol-gfn2-mlp.safetensors";
  double rms[2];
  for (const bool each : {false, true}) {
    molecule(single_pair, student, "f f f");
    add(ethanol(), 15.0);
    commands("fix ids all property/atom mol ghost yes\ngroup one id <= 9\ngroup two id > 9\nset "
             "group one mol 1\nset group two mol 2");
    commands(std::string("pair_style xtb method gfnff system ") + (each ? "molecule" : "all") +
             "\npair_coeff * * C O H");
    thermal_velocities();
    fix("jump student 1 0.0005 langevin 300 0.1 7", mlp);
    command("run 30 post no");
    rms[each] = entry("change_rms");
    EXPECT_EQ(entry("jumps"), each ? 60.0 : 30.0);
    if (!each) expect_in_log("the pair style shares the energy of all out among its atoms");
  }
  // The energy of two molecules together changes √2 times as much as that of one. Shares would also
  // contain differences between the two molecules.
  EXPECT_LT(rms[0], 3.0 * rms[1]);
}
#endif

TEST_F(FixKstep, NetworksJumpWithWholeMoleculesOneRank)
{
  molecule();
  commands("group part id <= 8\nfix hyb part kstep/hybrid " + network +
           " C O H langevin 300 0.1 7");
  expect_refusal(
      {"are of one molecule, but only one of them is in the group", "jumps with whole molecules"});
}

}    // namespace mlff_test
