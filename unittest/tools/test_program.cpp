// The program mlff as a user runs it: output, exit codes, error messages, help.
#include "structure/structure.h"
#include "support/npz_writer.h"
#include "support/program_fixture.h"
#include "support/random_potential.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <iomanip>

namespace {

class Program : public mlff_test::ProgramTest {
 protected:
  std::string model = file("model.safetensors");
  std::string frames = MLFF_TEST_DATA "/ethanol_rmd17.xyz";

  void SetUp() override
  {
    ProgramTest::SetUp();
    mlff_test::random_potential({8, 2, 6}, {1, 6, 8}, 4.0).write(model);
  }
};

TEST_F(Program, EvalJson)
{
  for (const char *more : {"", " --precision double", " --batch 3 --threads 1", " --engine host"}) {
    const auto report = nlohmann::json::parse(
        run("eval --json --model " SHIPPED_POTENTIAL " --data " + frames + more));
    EXPECT_EQ(status, 0);
    EXPECT_EQ(report["n_frames"], 20);
    EXPECT_NEAR(report["force_mae_meV_per_A"], 5.904, 0.001);
    EXPECT_NEAR(report["force_rmse_meV_per_A"], 8.630, 0.001);
    EXPECT_NEAR(report["energy_mae_meV"], 0.929, 0.02);
    EXPECT_NEAR(report["energy_rmse_meV"], 1.187, 0.02);
    EXPECT_NEAR(report["elements"]["O"]["force_mae_meV_per_A"], 9.135, 0.001);
  }
}

TEST_F(Program, EvalTableAndPredictions)
{
  const std::string text = run("eval --model " SHIPPED_POTENTIAL " --data " + frames +
                               " -o predicted.xyz --precision double");
  EXPECT_EQ(status, 0);
  for (const char *word : {"20 frames", "MAE", "RMSE", "5.904", "on H"})
    EXPECT_NE(text.find(word), std::string::npos) << text;
  // predictions compared with themselves: no error left
  const auto report = nlohmann::json::parse(
      run("eval --json --precision double --model " SHIPPED_POTENTIAL " --data predicted.xyz"));
  EXPECT_LT(report["force_mae_meV_per_A"], 1e-9);
  EXPECT_LT(report["energy_mae_meV"], 1e-6);
  expect_error("eval --model " + model + " --data " + frames + " -o predicted.xyz",
               {"predicted.xyz' exists already"});
  expect_error("eval --model " + model + " --data predicted.xyz -o predicted.xyz --force",
               {"is the file given by --data"});
  EXPECT_NE(run("eval --model " + model + " --data " + frames, true).find("100 %"),
            std::string::npos);
}

TEST_F(Program, EvalRefusals)
{
  expect_error("eval --data " + frames, {"--model is required"});
  expect_error("eval --model none.safetensors --data " + frames,
               {"error", "'none.safetensors'", "cannot be opened"});
  expect_error("eval --model " + model + " --data none.xyz", {"'none.xyz'", "cannot be opened"});
  expect_error("eval --model " + model + " --data " + frames + " --engine fast",
               {"engine 'fast'", "it has: host"});
  expect_error("eval --model " + model + " --data " + frames + " --precision half", {"half"});
  std::ofstream((folder / "n.xyz").string()) << "1\n\nN 0 0 0\n";
  expect_error("eval --model " + model + " --data n.xyz",
               {"'n.xyz'", "frame 1", "atom 1 is N", "H C O"});
  std::ofstream((folder / "c.xyz").string()) << "1\n\nC 0 0 0\n";
  expect_error("eval --model " + model + " --data c.xyz",
               {"neither energies nor forces", "--output"});
  std::ofstream((folder / "empty.xyz").string()) << "";
  expect_error("eval --model " + model + " --data empty.xyz", {"holds no frame"});
  expect_error("eval --model " + model + " --data " + frames + " -o p.txt", {"unknown ending"});
}

TEST_F(Program, Info)
{
  const std::string text = run("info " SHIPPED_POTENTIAL);
  EXPECT_EQ(status, 0);
  for (const char *word : {"painn", "128", "5.0", "Sch", "pair_coeff * *", "H C O"})
    EXPECT_NE(text.find(word), std::string::npos) << text;
  const auto info = nlohmann::json::parse(run("info --json " + model));
  EXPECT_EQ(info["features"], 8);
  EXPECT_EQ(info["reference_energy_eV"].size(), 3u);
  EXPECT_EQ(info["sha256"].get<std::string>().size(), 64u);
  EXPECT_FALSE(info.contains("range"));
  auto potential = mlff::Potential::read(model);
  potential.range = {{5.5, 1.1}, {6.25, 1.2}, {7.5, 0.9}};
  potential.write(file("range.safetensors"));
  const auto range = nlohmann::json::parse(run("info --json range.safetensors"))["range"];
  ASSERT_EQ(range.size(), 3u);
  EXPECT_EQ(range["C"]["force_eV_per_A"], 6.25);
  EXPECT_EQ(range["C"]["nearest_A"], 1.2);
  EXPECT_NE(run("info range.safetensors").find("\"nearest_A\":1.2"), std::string::npos);
  std::ofstream((folder / "bad.safetensors").string()) << "bad";
  expect_error("info bad.safetensors", {"'bad.safetensors'", "truncated"});
}

TEST_F(Program, CheckGradients)
{
  const auto report = nlohmann::json::parse(
      run("check-gradients --json --frames 2 --model " + model + " --data " + frames));
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(report["within_tolerance"]);
  EXPECT_GT(report["checks"].size(), 7u);
  for (const auto &check : report["checks"]) EXPECT_GT(check["values"], 0) << check["derivative"];
  // a tolerance that nothing meets: exit code 3, and the table says where
  const std::string text =
      run("check-gradients --frames 1 --tolerance 1e-20 --model " + model + " --data " + frames);
  EXPECT_EQ(WEXITSTATUS(status), 3);
  EXPECT_NE(text.find("TOO LARGE"), std::string::npos) << text;
  expect_error("check-gradients --model " + model + " --data none.xyz", {"'none.xyz'"});
}

TEST_F(Program, Bench)
{
  const auto report = nlohmann::json::parse(run(
      "bench --json --repeats 1 --batch 1 2 --atoms 20 --model " + model + " --data " + frames));
  EXPECT_EQ(status, 0);
  ASSERT_EQ(report["systems"].size(), 3u);
  EXPECT_EQ(report["systems"][1]["atoms"], 18);
  EXPECT_EQ(report["systems"][2]["atoms"], 20);
  EXPECT_GT(report["systems"][2]["host"]["us_per_atom"], 0.0);
}

TEST_F(Program, ImportRefusals)
{
  expect_error("import none.npz --elements H -o new.safetensors", {"'none.npz'"});
  mlff_test::write_npz((folder / "w.npz").string(),
                       {{"a", mlff_test::npy<double>("<f8", {1}, {1})}});
  expect_error("import w.npz --elements H -o new.safetensors", {"'w.npz'", "it is missing"});
  expect_error("import w.npz --elements Hh -o new.safetensors", {"'Hh' is not an element"});
  expect_error("import w.npz -o new.safetensors", {"--elements is required"});
  expect_error("import w.npz --elements H -o new.safetensors --energy-unit Ry", {"Ry"});
  EXPECT_FALSE(std::filesystem::exists(folder / "new.safetensors"));
}

TEST_F(Program, Help)
{
  EXPECT_NE(run("--version").find("mlff "), std::string::npos);
  expect_error("", {"no command given; accepted: train, distill, import"});
  expect_error("fly", {"unknown command 'fly'; accepted: train, distill, import"});
  expect_error("info " + model + " more", {"more"});
  for (const char *command :
       {"import", "info", "eval", "check-gradients", "molecule", "dataset", "bench"}) {
    EXPECT_NE(run("--help").find(command), std::string::npos);
    const std::string help = run(std::string(command) + " --help");
    EXPECT_EQ(status, 0);
    EXPECT_NE(help.find("\nExample"), std::string::npos) << help;
    EXPECT_NE(help.find(std::string(":\n  mlff ") + command), std::string::npos) << help;
  }
}

// ---- data sets

TEST_F(Program, DuplicatesHaveTheSameAtomsAndCell)
{
  const auto put = [&](const std::string &name, const std::string &text) {
    std::ofstream(file(name)) << text;
  };
  std::string crystals, swapped;
  for (int k = 0; k < 15; k++) {
    const std::string a = std::to_string(2.0 + 0.1 * k);
    crystals += "1\nLattice=\"" + a + " 0 0 0 " + a + " 0 0 0 " + a +
        "\" pbc=\"T T T\" energy=" + std::to_string(k - 50) +
        " Properties=species:S:1:pos:R:3:forces:R:3\nC 0 0 0 0 0 0\n";
  }
  for (const char *atoms : {"C 0 0 0 0 0 0\nO 1.2 0 0 0 0 0\n", "O 0 0 0 0 0 0\nC 1.2 0 0 0 0 0\n"})
    swapped += std::string("2\nLattice=\"4 0 0 0 4 0 0 0 4\" pbc=\"T T T\" energy=-9 "
                           "Properties=species:S:1:pos:R:3:forces:R:3\n") +
        atoms;
  put("crystals.xyz", crystals);
  put("swapped.xyz", swapped);
  for (const char *name : {"crystals.xyz", "swapped.xyz"}) {
    EXPECT_EQ(nlohmann::json::parse(run(std::string("dataset --json ") + name))["duplicates"], 0)
        << name;
    EXPECT_EQ(status, 0) << name;
  }
  // open and periodic, neutral and charged are different systems; another energy is not
  const std::string frame = "1\nLattice=\"4 0 0 0 4 0 0 0 4\" pbc=\"T T T\" energy=-9 "
                            "Properties=species:S:1:pos:R:3:forces:R:3\nC 0 0 0 0 0 0\n";
  std::string open = frame, charged = frame, again = frame;
  open.replace(open.find("T T T"), 5, "T T F");
  charged.insert(charged.find("energy"), "charge=1 ");
  again.replace(again.find("-9"), 2, "-8");
  put("four.xyz", frame + open + charged + again);
  EXPECT_EQ(nlohmann::json::parse(run("dataset --json four.xyz"))["duplicates"], 1);
  EXPECT_NE(status, 0);
  run("dataset crystals.xyz --split 1 -o split");
  EXPECT_EQ(nlohmann::json::parse(run("dataset --json split/train.xyz"))["frames"], 15);
}

TEST_F(Program, WorkOfAtomsThatCrossTheCell)
{
  // two atoms on a spring through the border of a sheared cell, which both leave on the way:
  // wrapped and as they are
  const double cell[3][3] = {{4, 0, 0}, {1, 5, 0}, {-0.5, 0.75, 6}};
  std::string text[2];
  for (int k = 0; k < 40; k++) {
    const double shift = 0.2 * k, length = 1.0 + 0.02 * std::sin(0.3 * k),
                 pull = 20.0 * (length - 1.0), energy = 10.0 * (length - 1.0) * (length - 1.0);
    for (int wrapped = 0; wrapped < 2; wrapped++) {
      char line[256];
      std::snprintf(line, sizeof line,
                    "2\nLattice=\"4 0 0 1 5 0 -0.5 0.75 6\" pbc=\"T T T\" Timestep=%d energy=%.12f "
                    "Properties=species:S:1:pos:R:3:forces:R:3\n",
                    k, energy);
      text[wrapped] += line;
      for (int i = 0; i < 2; i++) {
        double x[3] = {3.5 + shift + (i ? length : 0.0), 4.0 + 0.5 * shift, 5.0 + 0.25 * shift};
        for (int a = 2; a >= 0 && wrapped; a--) {
          // the cell is lower triangular
          const double whole = std::floor(x[a] / cell[a][a]);
          for (int b = 0; b < 3; b++) x[b] -= whole * cell[a][b];
        }
        std::snprintf(line, sizeof line, "H %.12f %.12f %.12f %.12f 0 0\n", x[0], x[1], x[2],
                      i ? -pull : pull);
        text[wrapped] += line;
      }
    }
  }
  double deviation[2];
  for (int wrapped = 0; wrapped < 2; wrapped++) {
    std::ofstream(file("w.xyz")) << text[wrapped];
    const auto report = nlohmann::json::parse(run("dataset --json w.xyz"));
    EXPECT_EQ(status, 0);
    EXPECT_EQ(report["work_against_energy"]["pairs"], 39);
    deviation[wrapped] = report["work_against_energy"]["relative_deviation"];
    EXPECT_LT(deviation[wrapped], 1e-6);
  }
  EXPECT_NEAR(deviation[0], deviation[1], 1e-6);
}

TEST_F(Program, ASplitKeepsWhatItDoesNotKnow)
{
  const std::string comment =
      "Timestep=820 Time=0.41 pbc=\"F F F\" Lattice=\"2 0 0 0 3 0 0 0 4\" Potential_energy=-7.5 "
      "Temperature=269.8 charge=0 config_type=md "
      "stress=\"1 0 0 0 1 0 0 0 1\" "
      "Properties=species:S:1:pos:R:3:vel:R:3:forces:R:3:mass:R:1:residue:I:1";
  const std::string text = "1\n" + comment + "\nH 0.5 0 0 5 0 0 0 0 0 2.014 3\n";
  std::ofstream(file("m.xyz")) << text;
  run("dataset m.xyz --split 1 -o split");
  EXPECT_EQ(status, 0);
  EXPECT_EQ(content("split/train.xyz"), text);
  run("dataset m.xyz --split 1 -o centred --centre");
  EXPECT_EQ(content("centred/train.xyz"), "1\n" + comment + "\nH 0 0 0 0 0 0 0 0 0 2.014 3\n");
}

TEST_F(Program, DatasetSaysWhatIsWrongAndNoMore)
{
  const auto messages = [&](const std::string &text, const std::string &more = "") {
    std::ofstream(file("d.xyz")) << text;
    return run("dataset d.xyz " + more) + run("dataset d.xyz " + more, true);
  };
  const std::string frame =
                        "1\nenergy=-1 Properties=species:S:1:pos:R:3:forces:R:3\nC 0 0 0 0 0 0\n",
                    other =
                        "1\nenergy=-1 Properties=species:S:1:pos:R:3:forces:R:3\nO 0 0 0 0 0 0\n";
  EXPECT_NE(messages(frame + frame).find("a split (-o) leaves the duplicates out"),
            std::string::npos);
  const auto lacking = messages(
      frame + "1\ndft_energy=-1 Properties=species:S:1:pos:R:3:forces:R:3\nO 0 0 0 0 0 0\n");
  EXPECT_EQ(lacking.find("a split"), std::string::npos) << lacking;
  for (const char *words : {"1 frames have no energy",
                            "'dft_energy' may be labels, but were not read", "--key energy=NAME"})
    EXPECT_NE(lacking.find(words), std::string::npos) << lacking;
  EXPECT_NE(messages("1\nProperties=species:S:1:pos:R:3 charge=1 energy=-1\nC 0 0 "
                     "0\n1\nProperties=species:S:1:pos:R:3 charge=0 energy=-1\nC 0 0 0\n")
                .find("frames of C have the charges 0, 1, which a potential"),
            std::string::npos);
  // numbers beyond all sense do not fill lines
  const auto table =
      messages("1\nenergy=-1 Properties=species:S:1:pos:R:3:forces:R:3\nC 0 0 0 1e200 0 0\n");
  EXPECT_NE(table.find("1e+200"), std::string::npos) << table;
  EXPECT_EQ(table.find("00000000000000000000"), std::string::npos) << table;
  expect_error("dataset d.xyz --split 1 0 -o split",
               {"--split: found '0'; accepted: a number above 0"});
  EXPECT_LT(run("dataset d.xyz --split 1 0 -o split", true).size(), 200u);
  expect_error("dataset d.xyz --key dipole=mu",
               {"--key 'dipole=mu'", "accepted quantities: energy, forces"});
  expect_error("dataset d.xyz --units si", {"--units", "si"});
}

TEST_F(Program, UnitsKeysAndElementsOfFiles)
{
  // Data of LAMMPS in units real, with types in the place of symbols, and labels under another
  // name.
  const auto ours = nlohmann::json::parse(
      run("eval --json --precision double --model " SHIPPED_POTENTIAL " --data " + frames));
  run("eval --precision double --model " SHIPPED_POTENTIAL " --data " + frames + " -o metal.xyz");
  std::ifstream in(file("metal.xyz"));
  std::ofstream real(file("real.xyz"));
  const double unit = 4184.0 / (1.602176634e-19 * 6.02214076e23);
  for (std::string count, comment; std::getline(in, count) && std::getline(in, comment);) {
    const auto at = comment.find("energy=") + 7;
    real << count << "\ndft_energy=" << std::setprecision(17)
         << std::stod(comment.substr(at)) / unit
         << " Properties=species:S:1:pos:R:3:dft_forces:R:3\n";
    for (int i = 0; i < std::stoi(count); i++) {
      std::string symbol;
      double x[6];
      in >> symbol >> x[0] >> x[1] >> x[2] >> x[3] >> x[4] >> x[5];
      real << (symbol == "C" ? 1 : symbol == "O" ? 2 : 3);
      for (int k = 0; k < 6; k++) real << ' ' << (k < 3 ? x[k] : x[k] / unit);
      real << '\n';
    }
    std::getline(in, comment);
  }
  real.close();
  const std::string command = "eval --json --precision double --model " SHIPPED_POTENTIAL
                              " --data real.xyz",
                    keys = " --key energy=dft_energy --key forces=dft_forces";
  const auto report = nlohmann::json::parse(run(command + keys + " --units real --elements C O H"));
  EXPECT_EQ(report["n_frames"], ours["n_frames"]);
  EXPECT_LT(report["force_mae_meV_per_A"], 1e-6);
  EXPECT_LT(report["energy_mae_meV"], 1e-5);
  expect_error(command, {"found '1' for the species", "--elements"});
  expect_error(command + " --elements C O H",
               {"neither energies nor forces", "'dft_energy', 'dft_forces' may be some",
                "--key energy=NAME"});
  expect_error(command + keys + " --elements C O H",
               {"real.xyz', frame 1: an energy of", "below that of all electrons", "--units real"});
}

TEST_F(Program, LogsHoldFewLinesOfProgress)
{
  const std::string text = run("eval --batch 1 --model " + model + " --data " + frames, true);
  EXPECT_EQ(std::count(text.begin(), text.end(), '%'), 1) << text;
}

TEST_F(Program, PotentialsByName)
{
  const std::string name = std::filesystem::path(SHIPPED_POTENTIAL).filename().string();
  EXPECT_NE(run("info " + name).find("painn"), std::string::npos);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(
      nlohmann::json::parse(run("eval --json --model " + name + " --data " + frames))["n_frames"],
      20);
  EXPECT_EQ(nlohmann::json::parse(run("check-gradients --json --frames 1 --model " + name +
                                      " --data " + frames))["within_tolerance"],
            true);
  // a file of this name here comes first
  std::filesystem::copy_file(model, file(name));
  EXPECT_EQ(nlohmann::json::parse(run("info --json " + name))["features"], 8);
}

TEST_F(Program, PredictionsTakeThePlaceOfOldResults)
{
  std::ofstream(file("old.xyz"))
      << "1\nREF_energy=-1 stress=\"1 0 0 0 1 0 0 0 1\" config_type=a "
         "Properties=species:S:1:pos:R:3:REF_forces:R:3:tag:I:1\nC 0 0 0 0.5 0 0 7\n";
  run("eval --model " + model + " --data old.xyz -o new.xyz");
  EXPECT_EQ(status, 0);
  const auto text = content("new.xyz");
  EXPECT_EQ(text.find("stress"), std::string::npos) << text;
  for (const char *words :
       {"REF_energy=",
        " config_type=a Properties=species:S:1:pos:R:3:REF_forces:R:3:tag:I:1\nC 0 0 0 ", " 7\n"})
    EXPECT_NE(text.find(words), std::string::npos) << text;
  EXPECT_EQ(text.find("=-1 "), std::string::npos) << text;
}

}    // namespace
