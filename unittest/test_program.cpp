// The program mlff as a user runs it: output, exit codes, error messages, help.
#include "npz_writer.h"
#include "program_fixture.h"
#include "random_potential.h"
#include "structure.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <fstream>

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
    const auto report = nlohmann::json::parse(run("eval --json --model " SHIPPED_POTENTIAL " --data " + frames + more));
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
  const std::string text = run("eval --model " SHIPPED_POTENTIAL " --data " + frames + " -o predicted.xyz --precision double");
  EXPECT_EQ(status, 0);
  for (const char *word : {"20 frames", "MAE", "RMSE", "5.904", "on H"}) EXPECT_NE(text.find(word), std::string::npos) << text;
  // predictions compared with themselves: no error left
  const auto report = nlohmann::json::parse(run("eval --json --precision double --model " SHIPPED_POTENTIAL " --data predicted.xyz"));
  EXPECT_LT(report["force_mae_meV_per_A"], 1e-9);
  EXPECT_LT(report["energy_mae_meV"], 1e-6);
  expect_error("eval --model " + model + " --data " + frames + " -o predicted.xyz", {"predicted.xyz' exists already"});
  expect_error("eval --model " + model + " --data predicted.xyz -o predicted.xyz --force", {"is the file given by --data"});
  EXPECT_NE(run("eval --model " + model + " --data " + frames, true).find("100 %"), std::string::npos);
}

TEST_F(Program, EvalRefusals)
{
  expect_error("eval --data " + frames, {"--model is required"});
  expect_error("eval --model none.safetensors --data " + frames, {"error", "'none.safetensors'", "cannot be opened"});
  expect_error("eval --model " + model + " --data none.xyz", {"'none.xyz'", "cannot be opened"});
  expect_error("eval --model " + model + " --data " + frames + " --engine fast", {"engine 'fast'", "it has: host"});
  expect_error("eval --model " + model + " --data " + frames + " --precision half", {"half"});
  std::ofstream((folder / "n.xyz").string()) << "1\n\nN 0 0 0\n";
  expect_error("eval --model " + model + " --data n.xyz", {"'n.xyz'", "frame 1", "atom 1 is N", "H C O"});
  std::ofstream((folder / "c.xyz").string()) << "1\n\nC 0 0 0\n";
  expect_error("eval --model " + model + " --data c.xyz", {"neither energies nor forces", "--output"});
  std::ofstream((folder / "empty.xyz").string()) << "";
  expect_error("eval --model " + model + " --data empty.xyz", {"holds no frame"});
  expect_error("eval --model " + model + " --data " + frames + " -o p.txt", {"unknown ending"});
}

TEST_F(Program, Info)
{
  const std::string text = run("info " SHIPPED_POTENTIAL);
  EXPECT_EQ(status, 0);
  for (const char *word : {"painn", "128", "5.0", "Sch", "pair_coeff * *", "H C O"}) EXPECT_NE(text.find(word), std::string::npos) << text;
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
  const auto report = nlohmann::json::parse(run("check-gradients --json --frames 2 --model " + model + " --data " + frames));
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(report["within_tolerance"]);
  EXPECT_GT(report["checks"].size(), 7u);
  for (const auto &check : report["checks"]) EXPECT_GT(check["values"], 0) << check["derivative"];
  // a tolerance that nothing meets: exit code 2, and the table says where
  const std::string text = run("check-gradients --frames 1 --tolerance 1e-20 --model " + model + " --data " + frames);
  EXPECT_EQ(WEXITSTATUS(status), 2);
  EXPECT_NE(text.find("TOO LARGE"), std::string::npos) << text;
  expect_error("check-gradients --model " + model + " --data none.xyz", {"'none.xyz'"});
}

TEST_F(Program, Bench)
{
  const auto report = nlohmann::json::parse(run("bench --json --repeats 1 --batch 1 2 --atoms 20 --model " + model + " --data " + frames));
  EXPECT_EQ(status, 0);
  ASSERT_EQ(report["systems"].size(), 3u);
  EXPECT_EQ(report["systems"][1]["atoms"], 18);
  EXPECT_EQ(report["systems"][2]["atoms"], 20);
  EXPECT_GT(report["systems"][2]["host"]["us_per_atom"], 0.0);
}

TEST_F(Program, ImportRefusals)
{
  expect_error("import none.npz --elements H -o new.safetensors", {"'none.npz'"});
  mlff_test::write_npz((folder / "w.npz").string(), {{"a", mlff_test::npy<double>("<f8", {1}, {1})}});
  expect_error("import w.npz --elements H -o new.safetensors", {"'w.npz'", "it is missing"});
  expect_error("import w.npz --elements Hh -o new.safetensors", {"'Hh' is no element"});
  expect_error("import w.npz -o new.safetensors", {"--elements is required"});
  expect_error("import w.npz --elements H -o new.safetensors --energy-unit Ry", {"Ry"});
  EXPECT_FALSE(std::filesystem::exists(folder / "new.safetensors"));
}

TEST_F(Program, Help)
{
  EXPECT_NE(run("--version").find("mlff "), std::string::npos);
  expect_error("", {"no command given; accepted: import, info, eval, check-gradients, molecule"});
  expect_error("fly", {"unknown command 'fly'; accepted: import, info, eval, check-gradients, molecule"});
  expect_error("info " + model + " more", {"more"});
  for (const char *command : {"import", "info", "eval", "check-gradients", "molecule", "dataset", "bench"}) {
    EXPECT_NE(run("--help").find(command), std::string::npos);
    const std::string help = run(std::string(command) + " --help");
    EXPECT_EQ(status, 0);
    EXPECT_NE(help.find(std::string("Example:\n  mlff ") + command), std::string::npos) << help;
  }
}

}    // namespace
