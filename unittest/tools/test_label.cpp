// Labelled data and its checks: mlff molecule, mlff label, mlff dataset.
#include "core/elements.h"
#include "data/trajectory.h"
#include "models/random_model.h"
#include "molecule/molecule.h"
#include "support/program_fixture.h"
#include "teacher/xtb_calculator.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <random>
#include <set>

using namespace mlff;

namespace {

std::vector<Structure> frames_of(const std::string &path)
{
  const auto reader = open_trajectory(path);
  std::vector<Structure> frames;
  for (Structure frame; reader->next(frame);) frames.push_back(frame);
  return frames;
}

class Label : public mlff_test::ProgramTest {
 protected:
  const std::string quick = " --method gfnff --warmup 100 ";
};

TEST_F(Label, MoleculeWritesDataAndXyz)
{
  run("molecule CCO -o a.data -o a.xyz --copies 8 --conformers 2");
  EXPECT_EQ(status, 0);
  const auto data = content("a.data");
  for (const char *words : {"72 atoms", "3 atom types", "Atom Type Labels", "2 C",
                            "2 12.011    # C", "Atoms # full", "\n72 8 1 "})
    EXPECT_NE(data.find(words), std::string::npos) << words;
  EXPECT_EQ(frames_of(file("a.xyz")).size(), 2u);
  expect_error("molecule CCO -o a.data", {"a.data' exists already and is not overwritten"});
  expect_error("molecule CCX -o a.data --force", {"cannot be parsed"});
  EXPECT_EQ(content("a.data"), data);
  expect_error("molecule CCO -o a.pdb", {"unknown ending; accepted: .data, .xyz"});
  run("molecule CCO -o b.data --no-labels");
  EXPECT_EQ(content("b.data").find("Labels"), std::string::npos);
}

TEST_F(Label, LangevinFramesAreTheMethodsOwn)
{
  run("label --molecule CCO --sampling langevin --frames 5 --temperature 300 500 -o out" + quick);
  ASSERT_EQ(status, 0);
  for (const char *name : {"out/molecule_300K.xyz", "out/molecule_500K.xyz"}) {
    const auto frames = frames_of(file(name));
    ASSERT_EQ(frames.size(), 5u);
    XtbCalculator calculator({XtbMethod::gfnff}, frames[0].numbers, frames[0].positions);
    for (const auto &frame : frames) {
      std::vector<double> forces(frame.forces.size());
      // no force of a thermostat in it; ten digits in the file
      EXPECT_NEAR(calculator.evaluate(frame.positions, forces), *frame.energy, 1e-6);
      for (std::size_t k = 0; k < forces.size(); k++) EXPECT_NEAR(forces[k], frame.forces[k], 1e-6);
    }
  }
  const auto manifest = nlohmann::json::parse(content("out/manifest.json"));
  EXPECT_EQ(manifest["settings"]["method"], "gfnff");
  EXPECT_EQ(manifest["trajectories"]["molecule_500K"]["temperature"], 500.0);
  EXPECT_EQ(manifest["trajectories"]["molecule_500K"]["frames"], 5);
  EXPECT_FALSE(manifest["xtb_version"].get<std::string>().empty());
  EXPECT_FALSE(std::filesystem::exists(folder / "out" / ".work"));
}

TEST_F(Label, VelocitiesAreInAngstromPerPicosecond)
{
  run("label --molecule CCO --frames 500 --every 60 --temperature 300 -o out" + quick);
  ASSERT_EQ(status, 0);
  // kinetic energy 3/2 kT an atom; 15 ps of Langevin dynamics at 10/ps know it to 3 % or so
  constexpr double boltzmann = 8.617333262e-5, unit = 1.0364269e-4;    // eV/K; g/mol Å^2/ps^2 in eV
  double sum = 0.0;
  long n = 0;
  for (const auto &frame : frames_of(file("out/molecule_300K.xyz")))
    for (int i = 0; i < frame.n_atoms(); i++, n++)
      for (int a = 0; a < 3; a++)
        sum += 0.5 * atomic_mass(frame.numbers[i]) * frame.velocities[3 * i + a] *
            frame.velocities[3 * i + a] * unit;
  EXPECT_NEAR(sum / double(n) / (1.5 * boltzmann), 300.0, 36.0);
}

TEST_F(Label, GoesOnAfterAKill)
{
  const std::string arguments = "label --molecule CCO --sampling nve --windows 3 --window 2000 "
                                "--temperature 300 350 400 450 --jobs 1" +
      quick;
  run(arguments + "-o whole");
  ASSERT_EQ(status, 0);
  // at least one trajectory is done, and not the last
  ASSERT_TRUE(kill_when(arguments + "-o cut", [&] {
    return content("cut/manifest.json").find("\"done\": true") != std::string::npos;
  }));
  ASSERT_FALSE(std::filesystem::exists(folder / "cut/molecule_450K.xyz"));
  const auto first = std::filesystem::last_write_time(folder / "cut/molecule_300K.xyz");
  const auto messages = run(arguments + "-o cut", true);
  EXPECT_EQ(status, 0);
  EXPECT_NE(messages.find("are there already"), std::string::npos) << messages;
  EXPECT_EQ(std::filesystem::last_write_time(folder / "cut/molecule_300K.xyz"), first);
  for (const char *name : {"300", "350", "400", "450"}) {
    const auto path = std::string("/molecule_") + name + "K.xyz";
    EXPECT_EQ(content("cut" + path), content("whole" + path)) << path;
  }
  expect_error(arguments + "--seed 2 -o cut", {"'cut' was made with seed = 1, now it is 2"});

  // labels of two versions do not mix; frames that somebody changed are neither counted nor lost
  const auto manifest = content("cut/manifest.json");
  auto other = nlohmann::ordered_json::parse(manifest);
  other["xtb_version"] = "0.1";
  std::ofstream(file("cut/manifest.json")) << other;
  expect_error(arguments + "-o cut",
               {"'cut' was made with xtb_version = \"0.1\"", "another output"});
  std::ofstream(file("cut/manifest.json")) << manifest;
  std::ofstream(file("cut/molecule_350K.xyz")) << content("cut/molecule_300K.xyz");
  expect_error(arguments + "-o cut",
               {"molecule_350K.xyz' does not hold the frames that were written to it"});
  EXPECT_EQ(content("cut/molecule_350K.xyz"), content("cut/molecule_300K.xyz"));
  std::filesystem::remove(folder / "cut/molecule_350K.xyz");
  run(arguments + "-o cut");
  EXPECT_EQ(status, 0);
  EXPECT_EQ(content("cut/molecule_350K.xyz"), content("whole/molecule_350K.xyz"));
  run("dataset cut/molecule_300K.xyz");
  EXPECT_EQ(status, 0);
}

TEST_F(Label, BeginsAnewAfterAKillInTheFirstManifest)
{
  std::filesystem::create_directories(folder / "out");
  std::ofstream(file("out/.lock"));
  std::ofstream(file("out/manifest.json.part4711")) << "{\n \"inputs\": [";
  run("label --molecule CCO -o out --frames 3" + quick);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(std::filesystem::exists(folder / "out/manifest.json"));
  EXPECT_FALSE(std::filesystem::exists(folder / "out/manifest.json.part4711"));
}

TEST_F(Label, RattleAndRelabel)
{
  run("label --molecule CCO --sampling rattle --rattle 0.03 --frames 6 --method gfn2 -o out");
  ASSERT_EQ(status, 0);
  run("label --structures out/molecule.xyz --method gfn1 -o gfn1.xyz");
  EXPECT_EQ(status, 0);
  const auto before = frames_of(file("out/molecule.xyz")), after = frames_of(file("gfn1.xyz"));
  ASSERT_EQ(after.size(), 6u);
  EXPECT_EQ(before[5].positions, after[5].positions);
  EXPECT_GT(std::abs(*before[5].energy - *after[5].energy), 1.0);
  // an ensemble of two: their mean, and half of their difference
  for (const unsigned seed : {1, 2}) {
    const auto name = std::to_string(seed);
    random_potential({8, 2, 6}, {1, 6, 8}, 4.0, seed).write(file("m" + name + ".safetensors"));
    run("label --structures out/molecule.xyz --model m" + name + ".safetensors -o one" + name +
        ".xyz");
    EXPECT_EQ(status, 0);
  }
  run("label --structures out/molecule.xyz --model m1.safetensors m2.safetensors -o both.xyz");
  EXPECT_EQ(status, 0);
  const auto one = frames_of(file("one1.xyz")), two = frames_of(file("one2.xyz")),
             both = frames_of(file("both.xyz"));
  EXPECT_TRUE(one[0].spread.empty());
  ASSERT_EQ(both[3].spread.size(), 9u);
  EXPECT_NEAR(*both[3].energy, 0.5 * (*one[3].energy + *two[3].energy), 1e-9);
  EXPECT_NEAR(*both[3].energy_spread, 0.5 * std::abs(*one[3].energy - *two[3].energy), 1e-9);
  EXPECT_GT(*both[3].energy_spread, 1e-3);
  double squares = 0.0;
  for (int k = 12; k < 15; k++) {
    EXPECT_NEAR(both[3].forces[k], 0.5 * (one[3].forces[k] + two[3].forces[k]), 1e-9);
    squares += 0.25 * (one[3].forces[k] - two[3].forces[k]) * (one[3].forces[k] - two[3].forces[k]);
  }
  EXPECT_NEAR(both[3].spread[4], std::sqrt(squares), 1e-9);
}

TEST_F(Label, StructuresGoOnOnlyFromTheSameContents)
{
  run("label --molecule CCO --sampling rattle --rattle 0.03 --frames 60 -o some");
  ASSERT_EQ(status, 0);
  std::string all;
#ifdef __SANITIZE_ADDRESS__
  constexpr int copies = 200;    // with the sanitizer a frame takes ten times as long
#else
  constexpr int copies = 2000;
#endif
  for (int k = 0; k < copies; k++) all += content("some/molecule.xyz");
  std::ofstream(file("in.xyz")) << all;
  for (const unsigned seed : {1, 2})
    random_potential({64, 2, 6}, {1, 6, 8}, 4.0, seed)
        .write(file("m" + std::to_string(seed) + ".safetensors"));
  std::ofstream(file("model.safetensors")) << content("m1.safetensors");
  const std::string arguments = "label --structures in.xyz --model model.safetensors -o out.xyz";
  run("label --structures in.xyz --model model.safetensors -o whole.xyz");
  ASSERT_EQ(status, 0);

  ASSERT_TRUE(kill_when(arguments, [&] {
    return content("out.xyz.json").find("\"frames\"") != std::string::npos;
  })) << "the labelling was too short to be killed";
  ASSERT_FALSE(std::filesystem::exists(file("out.xyz")));
  const auto manifest = content("out.xyz.json");

  std::ofstream(file("in.xyz")) << content("some/molecule.xyz") << all;
  expect_error(
      arguments,
      {"'in.xyz' (--structures) are not those that 'out.xyz.part' was made from", "start again"});
  std::ofstream(file("in.xyz")) << all;
  std::ofstream(file("model.safetensors")) << content("m2.safetensors");
  expect_error(arguments,
               {"'model.safetensors' (--model) are not those that 'out.xyz.part' was made from"});
  EXPECT_EQ(content("out.xyz.json"), manifest);
  std::ofstream(file("model.safetensors")) << content("m1.safetensors");
  const auto messages = run(arguments, true);
  ASSERT_EQ(status, 0);
  EXPECT_NE(messages.find("frames are there already"), std::string::npos) << messages;
  EXPECT_EQ(content("out.xyz"), content("whole.xyz"));
}

class LabelStructures : public Label {
 protected:
  /// Runs mlff in a shell after other commands; returns standard error.
  std::string run_after(const std::string &commands, const std::string &arguments,
                        const std::string &by = "")
  {
    const std::string line = "cd '" + folder.string() + "' && " + commands + "; exec " + by +
        MLFF_PROGRAM " " + arguments + " 2>&1 >/dev/null";
    std::FILE *pipe = popen(line.c_str(), "r");
    std::string text;
    for (int c; (c = std::fgetc(pipe)) != EOF;) text += char(c);
    status = pclose(pipe);
    return text;
  }

  void write(const std::string &name, const std::vector<Structure> &frames)
  {
    std::FILE *out = std::fopen(file(name).c_str(), "w");
    for (const auto &frame : frames) write_xyz(out, frame);
    std::fclose(out);
  }

  /// The first conformer of a SMILES, atoms sorted by element.
  Structure molecule(const std::string &smiles)
  {
    const auto m = make_molecule(smiles, 1, 1);
    Structure s;
    for (const int z : {6, 7, 8, 1})
      for (int i = 0; i < m.n_atoms(); i++)
        if (m.numbers[i] == z) {
          s.numbers.push_back(z);
          for (int a = 0; a < 3; a++) s.positions.push_back(m.conformers[0][3 * i + a]);
        }
    return s;
  }

  static Structure rattled(Structure s, unsigned seed)
  {
    std::mt19937 generator(seed);
    std::normal_distribution<double> normal(0.0, 0.05);
    for (double &x : s.positions) x += normal(generator);
    return s;
  }

  std::vector<double> energies(const std::string &name)
  {
    std::vector<double> all;
    for (const auto &frame : frames_of(file(name))) all.push_back(*frame.energy);
    return all;
  }
};

TEST_F(LabelStructures, IsomersInOneFileHaveTheirOwnEnergies)
{
  const auto ethanol = molecule("CCO"), ether = molecule("COC");
  ASSERT_EQ(ethanol.numbers, ether.numbers);
  for (const std::string method : {"gfnff", "gfn2"}) {
    write("1.xyz", {ethanol});
    write("2.xyz", {ether});
    write("12.xyz", {ethanol, ether, ethanol, ether});
    for (const std::string name : {"1", "2", "12"}) {
      run("label --structures " + name + ".xyz --method " + method + " -o " + method + name +
          ".xyz");
      ASSERT_EQ(status, 0);
    }
    const double one = energies(method + "1.xyz")[0], two = energies(method + "2.xyz")[0];
    const auto both = energies(method + "12.xyz");
    ASSERT_EQ(both.size(), 4u);
    for (int k = 0; k < 4; k++) EXPECT_NEAR(both[k], k % 2 ? two : one, 1e-7) << method;
  }
}

TEST_F(LabelStructures, ManyCompositionsNeedFewFilesAndAStackOfAnySize)
{
  const auto a = molecule("CCO"), b = molecule("CO");
  std::vector<Structure> frames;
  for (int k = 0; k < 120; k++) frames.push_back(rattled(k % 2 ? a : b, k));
  write("many.xyz", frames);
  // one tenth of the files that one calculator for each change would need
  for (const std::string method : {"gfn2", "gfnff"}) {
    const auto text =
        run_after("ulimit -n 16",
                  "label --structures many.xyz --method " + method + " -o " + method + ".xyz");
    EXPECT_EQ(status, 0) << text;
    EXPECT_EQ(frames_of(file(method + ".xyz")).size(), 120u);
  }
  Structure drops;
  const auto w = molecule("O");
  for (int k = 0; k < 27; k++) {
    drops.numbers.insert(drops.numbers.end(), w.numbers.begin(), w.numbers.end());
    const double shift[3] = {3.1 * (k % 3), 3.1 * (k / 3 % 3), 3.1 * (k / 9)};
    for (int m = 0; m < 9; m++) drops.positions.push_back(w.positions[m] + shift[m % 3]);
  }
  write("drops.xyz", {drops});
  const auto text =
      run_after("ulimit -s 256", "label --structures drops.xyz -o drops_labelled.xyz");
  EXPECT_EQ(status, 0) << text;
  EXPECT_EQ(frames_of(file("drops_labelled.xyz")).size(), 1u);
}

/// libgomp would wait in the new process for threads that were there before the fork.
TEST_F(LabelStructures, ConformersAreRattledWithTwoThreads)
{
  const auto text = run_after(
      "export OMP_NUM_THREADS=2",
      "label --molecule CCO --sampling rattle --frames 3 --method gfnff -o out", "timeout 60 ");
  EXPECT_EQ(status, 0) << text;
  EXPECT_EQ(frames_of(file("out/molecule.xyz")).size(), 3u);
}

TEST_F(LabelStructures, ResumedFramesHaveTheForceFieldOfTheFirst)
{
  // GFN-FF's bond orders of this one depend on the positions that they are made from
  const auto m = molecule("CC(=O)Oc1ccccc1C(=O)O");
  std::vector<Structure> frames;
  for (int k = 0; k < 6; k++) frames.push_back(rattled(m, k));
  auto bad = frames;
  for (int a = 0; a < 3; a++)
    bad[3].positions[3 + a] = bad[3].positions[a];    // two atoms at the same position
  write("frames.xyz", bad);
  expect_error("label --structures frames.xyz --method gfnff -o cut.xyz",
               {"'frames.xyz', frame 4: libxtb refuses", "two atoms at the same position"});
  ASSERT_TRUE(std::filesystem::exists(folder / "cut.xyz.part"));
  run("label --structures frames.xyz --method gfnff --skip-failed -o cut.xyz");
  EXPECT_EQ(status, 0);
  run("label --structures frames.xyz --method gfnff --skip-failed -o whole.xyz");
  EXPECT_EQ(status, 0);
  const auto cut = energies("cut.xyz"), whole = energies("whole.xyz");
  ASSERT_EQ(cut.size(), 5u);
  ASSERT_EQ(whole.size(), 5u);
  for (int k = 0; k < 5; k++) EXPECT_NEAR(cut[k], whole[k], 1e-9) << k;
  XtbCalculator first({XtbMethod::gfnff}, m.numbers, frames[0].positions);
  double largest = 0.0;
  for (int k = 0; k < 5; k++) {
    const auto &frame = frames[k < 3 ? k : k + 1];
    std::vector<double> forces(frame.positions.size());
    EXPECT_NEAR(first.evaluate(frame.positions, forces), whole[k], 1e-8) << k;
    XtbCalculator alone({XtbMethod::gfnff}, frame.numbers, frame.positions);
    largest = std::max(largest, std::abs(alone.evaluate(frame.positions, forces) - whole[k]));
  }
  EXPECT_GT(largest, 1e-6);    // else the test would see nothing
}

TEST_F(LabelStructures, AFrameThatDoesNotConvergeNamesWhatHelps)
{
  Structure apart;
  apart.numbers = {11, 17};
  apart.positions = {0.0, 0.0, 0.0, 0.0, 0.0, 8.0};
  write("apart.xyz", {apart});
  expect_error("label --structures apart.xyz -o cold.xyz",
               {"'apart.xyz', frame 1: gfn2 failed", "did not converge",
                "a higher electronic temperature (etemp)"});
  run("label --structures apart.xyz --etemp 2000 -o hot.xyz");
  EXPECT_EQ(status, 0);
  XtbCalculator calculator({XtbMethod::gfn2, 0, 0, 0.1, 2000.0}, apart.numbers, apart.positions);
  std::vector<double> forces(6);
  EXPECT_NEAR(energies("hot.xyz")[0], calculator.evaluate(apart.positions, forces), 1e-7);
}

TEST_F(LabelStructures, WhatNoFrameSurvivesEndsTheRunAlsoWhenFailuresAreSkipped)
{
  write("a.xyz", {molecule("CO"), molecule("CCO")});
  const auto text =
      run_after("export TMPDIR=/nonexistent", "label --structures a.xyz --skip-failed -o b.xyz");
  EXPECT_NE(status, 0);
  EXPECT_NE(text.find("'a.xyz', frame 1: the folder for temporary files is not a folder"),
            std::string::npos)
      << text;
  EXPECT_NE(text.find("set TMPDIR"), std::string::npos) << text;
  EXPECT_EQ(text.find("is left out"), std::string::npos) << text;
  for (const char *name : {"b.xyz", "b.xyz.part", "b.xyz.lock"})
    EXPECT_FALSE(std::filesystem::exists(folder / name)) << name;
}

TEST_F(Label, ChargeAndMultiplicityTravel)
{
  run("molecule '[NH3+]CC[NH3+]' -o d.xyz");
  EXPECT_NE(content("d.xyz").find(" charge=2 spin=1\n"), std::string::npos) << content("d.xyz");
  run("label --structures d.xyz -o l0.xyz");
  EXPECT_EQ(status, 0);
  run("label --structures d.xyz --charge 2 -o l2.xyz");
  EXPECT_EQ(status, 0);
  const auto as_it_is = frames_of(file("l0.xyz"))[0], asked = frames_of(file("l2.xyz"))[0];
  EXPECT_NEAR(*as_it_is.energy, -386.2459, 1e-3);
  EXPECT_EQ(*as_it_is.energy, *asked.energy);
  EXPECT_EQ(as_it_is.charge, 2.0);
  EXPECT_EQ(as_it_is.multiplicity, 1.0);
  expect_error("label --structures d.xyz --charge 0 -o x.xyz",
               {"'d.xyz', frame 1: the charge of the frame is 2, but --charge is 0"});

  // two states of the same atoms in one file, under the names of other programs
  run("molecule C[CH2] -o radical.xyz");
  EXPECT_NE(content("radical.xyz").find("charge=0 spin=2"), std::string::npos);
  auto cation = content("radical.xyz");
  cation.replace(cation.find("charge=0 spin=2"), 15, "total_charge=1.0 total_spin=1");
  std::ofstream(file("cation.xyz")) << cation;
  std::ofstream(file("both.xyz")) << content("radical.xyz") << cation << content("radical.xyz");
  for (const char *name : {"radical", "cation", "both"}) {
    run(std::string("label --structures ") + name + ".xyz -o l" + name + ".xyz");
    EXPECT_EQ(status, 0) << name;
  }
  const auto radical = frames_of(file("lradical.xyz"))[0], ion = frames_of(file("lcation.xyz"))[0];
  const auto both = frames_of(file("lboth.xyz"));
  EXPECT_GT(*ion.energy - *radical.energy, 5.0);
  for (int k = 0; k < 3; k++)
    EXPECT_NEAR(*both[k].energy, k == 1 ? *ion.energy : *radical.energy, 1e-5) << k;
  EXPECT_NE(content("lcation.xyz").find("total_charge=1.0 total_spin=1"), std::string::npos);
  expect_error("label --structures radical.xyz --uhf 3 -o x.xyz",
               {"the number of unpaired electrons (spin - 1) of the frame is 1, but --uhf is 3"});
  const auto with = [&](const std::string &keys) {
    auto text = content("radical.xyz");
    text.replace(text.find("charge=0 spin=2"), 15, keys);
    std::ofstream(file("bad.xyz")) << text;
  };
  with("charge=0 spin=0");
  expect_error("label --structures bad.xyz -o x.xyz",
               {"a multiplicity (spin) of 0; accepted: 1 for a singlet"});
  with("charge=0.5 spin=2");
  expect_error("label --structures bad.xyz -o x.xyz",
               {"a charge of 0.5; accepted: a whole number"});

  // New labels of sampled frames have the charge with which they were sampled.
  run("label --molecule [NH4+] --frames 2 -o out" + quick);
  ASSERT_EQ(status, 0);
  run("label --structures out/molecule_300K.xyz --method gfnff -o again.xyz");
  ASSERT_EQ(status, 0);
  const auto sampled = frames_of(file("out/molecule_300K.xyz")),
             again = frames_of(file("again.xyz"));
  for (int k = 0; k < 2; k++) {
    EXPECT_EQ(sampled[k].charge, 1.0);
    EXPECT_EQ(sampled[k].multiplicity, 1.0);
    EXPECT_NEAR(*sampled[k].energy, *again[k].energy, 1e-5);
  }
  run("molecule 'CC(=O)[O-].[CH3]' --apart 3 4 --frames 1 -o pair.xyz");
  EXPECT_NE(content("pair.xyz").find("charge=-1 spin=2"), std::string::npos);
}

TEST_F(Label, LabelsOfAnotherMethodTakeThePlaceOfOldOnes)
{
  run("molecule O -o w.xyz");
  auto text = content("w.xyz");
  text.insert(
      text.find("\nO "),
      " config_type=a energy=-5 stress=\"1 0 0 0 1 0 0 0 1\" dipole=\"0 0 1\" MACE_energy=-5");
  std::ofstream(file("w.xyz")) << text;
  run("label --structures w.xyz --method gfnff -o l.xyz");
  ASSERT_EQ(status, 0);
  const auto labelled = content("l.xyz");
  for (const char *gone : {"stress", "dipole", "MACE_energy", "energy=-5 "})
    EXPECT_EQ(labelled.find(gone), std::string::npos) << labelled;
  for (const char *there : {"config_type=a", ":forces:R:3"})
    EXPECT_NE(labelled.find(there), std::string::npos) << labelled;
}

TEST_F(Label, IsotopesHaveTheirMasses)
{
  const auto masses = [&](const std::string &smiles) {
    run("molecule '" + smiles + "' -o m.data -o m.xyz --force");
    EXPECT_EQ(status, 0) << smiles;
    const auto data = content("m.data");
    const auto at = data.find("Masses\n\n") + 8;
    return data.substr(at, data.find("\n\n", at) - at);
  };
  EXPECT_EQ(masses("[2H]O[2H]"), "1 2.014101778    # D\n2 15.999    # O");
  EXPECT_NE(content("m.data").find("Atom Type Labels\n\n1 D\n2 O\n"), std::string::npos);
  const auto water = frames_of(file("m.xyz"))[0];
  EXPECT_EQ(water.numbers, (std::vector<int>{1, 8, 1}));
  ASSERT_EQ(water.masses.size(), 3u);
  EXPECT_NEAR(water.masses[0], 2.014, 1e-3);
  EXPECT_NEAR(water.masses[1], 15.999, 1e-3);
  EXPECT_EQ(masses("[13CH4]").substr(0, 25), "1 1.008    # H\n2 13.00335");
  // some of an element: a type of their own, of the same element
  EXPECT_EQ(masses("C[2H]"), "1 1.008    # H\n2 2.014101778    # D\n3 12.011    # C");
  EXPECT_EQ(masses("CCO"), "1 1.008    # H\n2 12.011    # C\n3 15.999    # O");
  EXPECT_TRUE(frames_of(file("m.xyz"))[0].masses.empty());
  EXPECT_NE(run("molecule C[2H] -o m.data --force", true).find("types H H C"), std::string::npos);
  expect_error("molecule [999CH4] -o n.data", {"SMILES '[999CH4]'", "isotope"});

  // Isotopes move with their own masses: a mean energy of 3/2 kT has two masses in it.
  run("label --molecule '[2H]O[2H]' --frames 3 -o out" + quick);
  ASSERT_EQ(status, 0);
  for (const auto &frame : frames_of(file("out/molecule_300K.xyz")))
    EXPECT_NEAR(frame.masses[0], 2.014, 1e-3);
  run("label --molecule 'C[2H]' --sampling rattle --method gfnff --frames 2 -o rattled");
  EXPECT_NEAR(frames_of(file("rattled/molecule.xyz"))[1].masses[1], 2.014, 1e-3);
  const double unit = 9648.533212 / 2.014101778;    // Å/ps² on D by 1 eV/Å
  run("label --molecule '[2H]O[2H]' --sampling nve --windows 1 --window 20 -o windows" + quick);
  const auto window = frames_of(file("windows/molecule_300K.xyz"));
  ASSERT_EQ(window.size(), 21u);
  for (std::size_t k = 1; k < window.size(); k++)
    EXPECT_NEAR(window[k].velocities[0] - window[k - 1].velocities[0],
                0.5 * 0.0005 * unit * (window[k].forces[0] + window[k - 1].forces[0]), 1e-6)
        << k;
}

TEST_F(Label, BadInputChangesNothing)
{
  std::ofstream(file("bad.smi")) << "# two molecules\nCCO ethanol\nCC#N\n";
  expect_error("label --smiles bad.smi -o out" + quick,
               {"SMILES file 'bad.smi', line 3: found only 'CC#N'; expected a SMILES and a name"});
  std::ofstream(file("twice.smi")) << "CCO a\nCC a\n";
  expect_error("label --smiles twice.smi -o out" + quick, {"line 2: the name 'a' appears twice"});
  expect_error("label --molecule [Am] -o out", {"gfn2 has no element Am"});
  expect_error("label --molecule CC* -o out", {"wildcard"});
  expect_error("label --structures none.xyz -o x.xyz", {"none.xyz' cannot be opened"});
  expect_error("label -o out", {"one of --smiles, --molecule and --structures is required"});
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));
  std::filesystem::create_directories(folder / "mine");
  std::ofstream(file("mine/thesis.txt")) << "years of work";
  expect_error("label --molecule CCO -o mine", {"holds other files and no manifest"});
  EXPECT_EQ(content("mine/thesis.txt"), "years of work");

  run("molecule CCO -o a.xyz");
  const auto whole = content("a.xyz");
  std::ofstream(file("cut.xyz")) << whole << whole.substr(0, whole.size() / 2);
  expect_error("label --structures cut.xyz -o x.xyz", {"data file 'cut.xyz', frame 2, line"});
  auto nan = whole;
  nan.replace(nan.find("\nO ") + 3, 5, "nan  ");
  std::ofstream(file("nan.xyz")) << nan;
  expect_error("label --structures nan.xyz -o x.xyz", {"nan.xyz', frame 1, line 5: found 'nan"});
  expect_error("label --structures a.xyz --charge 1 -o x.xyz",
               {"a.xyz', frame 1: charge 1 leaves 25 electrons"});
  expect_error("label --structures a.xyz -o a.xyz", {"a.xyz' exists already"});
  EXPECT_EQ(content("a.xyz"), whole);
  for (const auto &entry : std::filesystem::directory_iterator(folder))
    EXPECT_EQ(entry.path().filename().string().find("x.xyz"), std::string::npos);
}

TEST_F(Label, DatasetFindsWhatIsWrong)
{
  run("label --molecule CCO --sampling nve --windows 4 --window 30 --temperature 300 400 -o out" +
      quick);
  auto report =
      nlohmann::json::parse(run("dataset --json out/molecule_300K.xyz out/molecule_400K.xyz"));
  EXPECT_EQ(status, 0);
  EXPECT_EQ(report["frames"], 248);
  EXPECT_EQ(report["duplicates"], 0);
  EXPECT_EQ(report["problems"].size(), 0u);
  EXPECT_EQ(report["work_against_energy"]["pairs"], 240);
  EXPECT_LT(report["work_against_energy"]["relative_deviation"], 0.02);
  EXPECT_EQ(report["elements"]["H"]["atoms"], 6 * 248);

  expect_error("dataset out/molecule_300K.xyz out/molecule_300K.xyz",
               {"the data set has problems"});
  report = nlohmann::json::parse(run("dataset --json out/molecule_300K.xyz out/molecule_300K.xyz"));
  EXPECT_EQ(report["duplicates"], 124);

  // forces in another unit, and a force that pushes the molecule
  auto frames = frames_of(file("out/molecule_300K.xyz"));
  const auto write = [&](const std::string &name) {
    std::FILE *out = std::fopen(file(name).c_str(), "w");
    for (const auto &frame : frames) write_xyz(out, frame);
    std::fclose(out);
  };
  for (auto &frame : frames)
    for (double &f : frame.forces) f *= 0.5;
  write("unit.xyz");
  const auto unit = run("dataset unit.xyz");
  EXPECT_NE(status, 0);
  EXPECT_NE(unit.find("forces are not the gradient of the energy"), std::string::npos) << unit;
  frames[7].forces[0] += 1.0;
  write("pushed.xyz");
  const auto pushed = run("dataset pushed.xyz");
  EXPECT_NE(pushed.find("forces do not sum to zero: up to 1.000000 eV/A ('pushed.xyz', frame 8)"),
            std::string::npos)
      << pushed;
}

TEST_F(Label, DatasetSplitsByGroups)
{
  run("label --molecule CCO --sampling nve --windows 5 --window 9 --temperature 300 350 400 450 -o "
      "out" +
      quick);
  run("dataset out/molecule_300K.xyz out/molecule_350K.xyz out/molecule_400K.xyz "
      "out/molecule_450K.xyz --split 0.6 0.2 0.2 --by window --centre -o split");
  EXPECT_EQ(status, 0);
  std::set<double> seen;
  std::size_t n = 0;
  for (const char *name : {"split/train.xyz", "split/valid.xyz", "split/test.xyz"}) {
    const auto part = frames_of(file(name));
    EXPECT_EQ(part.size() % 10, 0u) << "a window was torn";
    n += part.size();
    for (const auto &frame : part) {
      EXPECT_TRUE(seen.insert(*frame.energy).second) << "a frame appears twice";
      double sum[6] = {};
      for (int k = 0; k < 27; k++) {
        sum[k % 3] += atomic_mass(frame.numbers[k / 3]) * frame.positions[k];
        sum[3 + k % 3] += atomic_mass(frame.numbers[k / 3]) * frame.velocities[k];
      }
      for (const double s : sum) EXPECT_NEAR(s, 0.0, 1e-9);
    }
  }
  EXPECT_EQ(n, 200u);
  EXPECT_EQ(frames_of(file("split/train.xyz")).size(), 120u);
  expect_error("dataset out/molecule_300K.xyz --split 0.5 0.5 --by trajectory -o other",
               {"the split by trajectory leaves nothing for valid.xyz"});
  expect_error("dataset out/molecule_300K.xyz -o split", {"exists already and is not overwritten"});
}

}    // namespace
