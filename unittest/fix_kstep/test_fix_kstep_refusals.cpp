// fix kstep/hybrid inside LAMMPS: what it warns of and refuses.
#include "fix_kstep/kstep_fixture.h"

namespace mlff_test {

TEST_F(FixKstep, WarningsOneRank)
{
  molecule();
  fix("corrector 1");
  command("run 0 post no");
  expect_in_log("without a thermostat");
  start();
  molecule();
  fix("corrector 1 langevin 300 0.2 7");
  command("run 0 post no");
  expect_in_log("friction of 5 1/ps may be too weak");
  start();
  molecule();
  fix("corrector 1 langevin 900 0.1 7");
  command("run 0 post no");
  expect_in_log("learned between 300 and 500 K, but the temperature is 900 K");
}

TEST_F(FixKstep, WarnsOfAnElementThatIsHotOneRank)
{
  // heavier friction cannot help where another fix keeps one hydrogen hot: the total is what the
  // thermostat says, the O-H is not
  molecule();
  fix("corrector 0 langevin 300 0.1 7");
  command("group oh id 9");
  command("fix heat oh temp/rescale 1 900 900 0 1.0");
  command("compute_modify heat_temp extra/dof 0");
  command("run 4000");
  expect_in_log("energy is not evenly shared");
  expect_in_log("the temperature of H(O) is");
}

TEST_F(FixKstep, NoWarningWithAThermostatOneRank)
{
  molecule();
  commands("fix bath all temp/berendsen 300 300 0.1");
  fix("corrector 1");
  command("run 0 post no");
  std::fflush(nullptr);
  std::ifstream in(log());
  const std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  EXPECT_EQ(text.find("without a thermostat"), std::string::npos);
}

TEST_F(FixKstep, RefusesWordsOneRank)
{
  molecule();
  const std::string head = "fix hyb all kstep/hybrid " + network + " C O H ";
  expect_error("fix hyb all kstep/hybrid " + network + " C O",
               {"Illegal fix kstep/hybrid command: missing argument"});
  expect_error("fix hyb all kstep/hybrid nowhere.safetensors C O H",
               {"Cannot open potential file 'nowhere.safetensors'"});
  put("bad.safetensors", "no potential");
  expect_error("fix hyb all kstep/hybrid " + file("bad.safetensors") + " C O H",
               {"Fix kstep/hybrid:", "bad.safetensors"});
  expect_error("fix hyb all kstep/hybrid " + network + " C N H",
               {"Species 'N' of atom type 2", "accepted: H C O, NULL"});
  expect_error("fix hyb all kstep/hybrid " + network + " NULL NULL NULL",
               {"maps every atom type to NULL"});
  expect_error(head + "jumps 3",
               {"Unknown fix kstep/hybrid keyword 'jumps'", "accepted: jump, corrector"});
  expect_error(head + "corrector", {"missing argument"});
  expect_error(head + "jump network 16", {"missing argument"});
  expect_error(head + "jump teleport 16 0.0005",
               {"Unknown fix kstep/hybrid jump 'teleport'; accepted: network, student"});
  expect_error(head + "jump network 0 0.0005", {"jump has 0 steps; accepted: 1 or more"});
  expect_error(head + "jump network 16 -1", {"time step of a jump is -1; accepted: above 0"});
  expect_error(head + "corrector -1", {"corrector is -1; accepted: 0 or more"});
  expect_error(head + "fraction -0.5", {"fraction is -0.5; accepted: 0 to 10"});
  expect_error(head + "limits none",
               {"Unknown fix kstep/hybrid limits 'none'; accepted: thermal, published"});
  expect_error(head + "range 0", {"limit range is 0; accepted: above 0, off"});
  expect_error(head + "langevin 300 0 1", {"damping time is 0; accepted: above 0"});
  expect_error(head + "langevin 0 0.1 1", {"temperature is 0; accepted: above 0"});
  expect_error(head + "langevin 300 0.1 0", {"seed is 0; accepted: above 0"});
  expect_error(head + "attempts 0", {"attempts is 0; accepted: 1 or more"});
  expect_error(head + "scale 1.5", {"scale is 1.5; accepted: above 0, at most 1"});
  expect_error(head + "fallback half",
               {"Unknown fix kstep/hybrid fallback 'half'; accepted: full, off"});
  expect_error(head + "control magic",
               {"Unknown fix kstep/hybrid control 'magic'; accepted: none, corrector, zero"});
  expect_error(head + "engine warp",
               {"Unknown fix kstep/hybrid engine 'warp'; accepted: auto, host"});
  expect_error(head + "precision half", {"accepted: single, double"});
  expect_error(head + "batch maybe",
               {"Unknown batch 'maybe' of fix kstep/hybrid; accepted: auto, on, off"});
  expect_error(head + "wait 0",
               {"Fix kstep/hybrid wait is 0; accepted: auto, or a number of milliseconds above 0"});
  expect_error(head + "threads -1", {"threads is -1; accepted: 0 (automatic) or more"});
  expect_error(head + "metropolis yes", {"metropolis yes is exact only for jump student"});
  expect_error(head + "jump student 16 0.0005",
               {"jump student takes a potential with energies", "use jump network"});
  const auto published =
      potential_file(random_jump({8, 2, 6}, {6, 8, 1}, {8.0}, 6.0, 3, "kstep-egnn", true),
                     "published.safetensors");
  expect_error("fix hyb all kstep/hybrid " + published + " C O H",
               {"the published form of kstep-egnn", "breaks the symmetry of rotation"});
  expect_error(head + "tune yes timing no", {"tune yes needs timing yes"});
  expect_error(head + "tune yes control corrector", {"tune yes needs jumps"});
  expect_error("fix hyb all kstep/hybrid " + student + " C O H",
               {"jump network takes a jump network", "use jump student"});
  expect_error("fix hyb all kstep/hybrid " + student + " C O H jump student 16 0.0005 control zero",
               {"control takes the place of a network"});
  expect_error("fix hyb all kstep/hybrid " + student + " C O H jump student 16 0.0005 attempts 2",
               {"attempts above 1 do not go with metropolis yes"});
  expect_error("fix hyb all kstep/hybrid " + student + " C O H jump student 16 0.0005 limits ours",
               {"limits do not go with metropolis yes"});
}

TEST_F(FixKstep, RefusesInputsOneRank)
{
  const auto refuses = [&](const std::string &before, const std::vector<std::string> &words,
                           const std::string &keywords = "temp 300") {
    molecule();
    commands(before);
    if (!hyb()) fix(keywords);
    expect_refusal(words);
  };
  refuses("run_style respa 2 2 pair 2", {"does not run with run_style respa"});
  refuses("fix move all nve", {"wants to be the only one; found fix move of style nve"});
  refuses("fix bath all langevin 300 300 0.1 5",
          {"Fix bath of style langevin would put random forces", "keyword langevin"});
  refuses("timestep 0.001", {"has a time step of 0.0005, but the input one of 0.001"},
          "temp 300 jump network 16 0.0005");
  refuses("", {"12 steps of 0.5 fs are not a stride of network", "it has: 8 fs"},
          "temp 300 jump network 12 0.0005");
  refuses("timestep 0.0007", {"not a stride of network"});
  refuses("velocity all set 0 0 0", {"needs a temperature for its limits"}, "corrector 0");
  refuses("mass 3 2.014", {"atom 4 has mass 2.014, but the network learned H with 1.008 g/mol"});
  molecule();
  command("fix hyb all kstep/hybrid " + network + " C O NULL temp 300");
  expect_refusal({"atom 4 has type 3, which is mapped to NULL"});
  molecule();
  commands("group none empty\nfix hyb none kstep/hybrid " + network + " C O H temp 300");
  expect_refusal({"has no atoms"});
  commands("clear\nunits lj\natom_modify map array\nregion box block 0 40 0 40 0 40\ncreate_box 3 "
           "box\nmass * 1.0\ncreate_atoms 1 single 1 1 1\npair_style "
           "zero 3.0\npair_coeff * *");
  fix("temp 300");
  expect_refusal({"has no units 'lj'; accepted: metal, real"});
  commands("clear\nunits metal\natom_modify id no\nregion box block 0 40 0 40 0 40\ncreate_box 3 "
           "box\nmass * 1.0\ncreate_atoms 1 single 1 1 1\npair_style zero "
           "3.0\npair_coeff * *\ntimestep 0.0005");
  fix("temp 300");
  expect_refusal({"requires atom IDs"});
#ifndef MLFF_PLUGIN
  if (!kokkos) {
    molecule();
    expect_error("fix hyb all kstep/hybrid/kk " + network + " C O H",
                 {"Fix kstep/hybrid/kk needs the KOKKOS package switched on", "'-k on'"});
  }
#endif
  // a network of several strides must be told which
  const auto two = potential_file(random_jump({8, 2, 6}, {6, 8, 1}, {4.0, 8.0}, 6.0, 3));
  molecule();
  fix("temp 300", two);
  expect_refusal({"has several strides (4, 8 fs)", "jump network k dt"});
}

TEST_F(FixKstep, RefusesConstraintsOneRank)
{
  const auto refuses = [&](const std::string &constraint, const std::string &word) {
    bonded_molecule();
    commands("\ncreate_bonds "
             "single/bond 1 3 9");
    command("velocity all create 300.0 4711");
    command(constraint);
    fix("temp 300");
    expect_refusal({"does not work with constraints; found fix hold of style " + word});
  };
  refuses("fix hold all shake 1e-4 20 0 b 1", "shake");
  refuses("fix hold all rattle 1e-4 20 0 b 1", "rattle");
  refuses("fix hold all rigid single", "rigid");
  refuses("fix hold all rigid/nve single", "rigid/nve");
}

TEST_F(FixKstep, RefusesModelsOfOtherMoleculesOneRank)
{
  // a model of one molecule, and another molecule: an error before the run, and no run of
  // rejections
  auto other = ethanol();
  std::swap(other.numbers[1], other.numbers[2]);    // an ether
  auto large = ethanol();
  large.numbers.push_back(1);
  large.positions.insert(large.positions.end(), {-1.9, 0.1, -1.0});
  const auto model = [&](const Structure &s, const std::string &name) {
    return potential_file(random_molecule(s.numbers, s.positions, {8}, 1, 3), name);
  };
  molecule();
  fix("jump student 16 0.0005 langevin 300 0.1 7", model(other, "ether.safetensors"));
  expect_refusal({"ether.safetensors' makes no jumps of these molecules",
                  "are C2H6O with the bonds", "the model is of C2H6O with the bonds"});
  command("unfix hyb");
  fix("jump student 16 0.0005 metropolis no langevin 300 0.1 7", model(large, "large.safetensors"));
  expect_refusal({"large.safetensors' makes no jumps of these molecules",
                  "the model is of one molecule C2H7O"});

  // A molecule of the network jumps until a bond breaks that was there at set-up.
  molecule();
  fix("jump student 16 0.0005 langevin 300 0.1 7", model(ethanol(), "own.safetensors"));
  command("run 0 post no");
  EXPECT_EQ(entry("jumps"), 0.0);
  auto *atom = lmp->atom;
  atom->x[atom->map(9)][1] -= 2.0;
  expect_error(
      "run 1 pre no post no",
      {"Fix kstep/hybrid on timestep 1", "own.safetensors' makes no jumps of these molecules"});
}

TEST_F(FixKstep, RefusesSeveralRanks)
{
  if (n_ranks == 1) GTEST_SKIP() << "several ranks only";
  molecule();
  fix("temp 300");
  expect_refusal({"runs on one MPI rank per partition, found " + std::to_string(n_ranks)});
}

}    // namespace mlff_test
