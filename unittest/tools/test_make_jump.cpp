// mlff make-jump as a user runs it, with very little time.
#include "engine/make_gradient.h"
#include "models/jump/jump.h"
#include "models/jump/jump_record.h"
#include "potential/model_kind.h"
#include "support/program_fixture.h"
#include "support/random_potential.h"

#include <nlohmann/json.hpp>

namespace {

using namespace mlff;
using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

class MakeJump : public mlff_test::ProgramTest {
 protected:
  const std::string quick = " --minutes 0.01 --stride 4 --jobs 1 --no-plots";
  const std::string ethanol = MLFF_POTENTIALS "/ethanol-gfn2-jump8.safetensors";

  Json manifest(const std::string &name) const
  {
    return Json::parse(content(name + "/manifest.json"));
  }
  Json training(const std::string &name) const
  {
    return Json::parse(Potential::read(file(name + "/jump.safetensors")).training);
  }
  std::vector<double> weights(const std::string &name) const
  {
    return flat_weights(Potential::read(file(name + "/jump.safetensors")));
  }
};

TEST_F(MakeJump, FromScratchToAnInput)
{
  const std::string table =
      run("make-jump O --from none --minutes 0.01 --stride 4 --jobs 1 -o water");
  ASSERT_EQ(status, 0);
  const Potential potential = Potential::read(file("water/jump.safetensors"));
  EXPECT_TRUE(potential.kind().gives_jumps);
  EXPECT_EQ(jump_record(potential).strides, std::vector<double>{4.0});
  EXPECT_EQ(potential.element_names(), "H O");
  const Json record = training("water");
  EXPECT_EQ(record["teacher"], "gfn2");
  EXPECT_EQ(record["make_jump"]["settings"]["smiles"], "O");
  const Json jumps = record["make_jump"]["report"]["jumps"];
  EXPECT_LT(jumps["network"]["error_of_change"]["x"], jumps["ballistic"]["error_of_change"]["x"]);
  EXPECT_GT(jumps["network"]["energy_kT"]["windows"], 5);
  EXPECT_FALSE(jumps["linear"].contains("energy_kT"));
  EXPECT_LT(jumps["dynamics"]["energy_kT"]["deviation"], 0.3);
  for (const char *words :
       {"# Jumps of 4 fs of O", "| this network |", "| linear |", "from random weights"})
    EXPECT_NE(table.find(words), std::string::npos) << words;
  EXPECT_EQ(table.substr(0, table.size() - 1), content("water/report.md"));
  const std::string input = content("water/in.jump");
  for (const char *words :
       {"kstep/hybrid jump.safetensors H O &",
        "jump network 8 0.0005 corrector 1 langevin 300.0 0.1", "pair_coeff      * * H O",
        "method gfn2 charge 0 uhf 0", "jumps of 4 fs"})
    EXPECT_NE(input.find(words), std::string::npos) << words;
  EXPECT_EQ(input.find('<'), std::string::npos);
  EXPECT_NE(content("water/molecule.data").find("3 atoms"), std::string::npos);
  EXPECT_GT(fs::file_size(file("water/report.png")), 5000u);
  // nothing is left over, and a second run finds all done
  for (const char *name : {"water/.pilot", "water/.lock", "water/training.log"})
    EXPECT_FALSE(fs::exists(file(name))) << name;
  const auto written = fs::last_write_time(file("water/jump.safetensors"));
  EXPECT_EQ(run("make-jump O --from none" + quick + " -o water"), table);
  EXPECT_EQ(fs::last_write_time(file("water/jump.safetensors")), written);
  EXPECT_EQ(manifest("water")["commands"].size(), 2u);
}

TEST_F(MakeJump, ANetworkThatKnowsTheMoleculeIsTaken)
{
  const std::string table =
      run("make-jump CCO --from ethanol --minutes 0.2 --jobs 1 --no-plots -o ethanol");
  ASSERT_EQ(status, 0);
  EXPECT_EQ(manifest("ethanol")["zero_shot"]["accepted"], true);
  EXPECT_FALSE(fs::exists(file("ethanol/train")));
  EXPECT_EQ(weights("ethanol"), flat_weights(Potential::read(ethanol)));
  EXPECT_NE(table.find("as it is | "), std::string::npos);
}

TEST_F(MakeJump, ANetworkThatDoesNotIsTrained)
{
  // methanol heats up by it; the training starts from its weights
  run("make-jump CO --from " + ethanol + " --minutes 0.05 --jobs 1 --no-plots -o methanol");
  ASSERT_EQ(status, 0);
  EXPECT_EQ(manifest("methanol")["zero_shot"]["accepted"], false);
  EXPECT_EQ(training("methanol")["settings"]["model"]["init_from"],
            "ethanol-gfn2-jump8.safetensors");
  const Json before = manifest("methanol")["zero_shot"]["report"]["jumps"]["network"],
             after = manifest("methanol")["report"]["jumps"]["network"];
  EXPECT_LT(after["error_of_change"]["x"], before["error_of_change"]["x"]);
  EXPECT_NE(weights("methanol"), flat_weights(Potential::read(ethanol)));

  // an element that it has never seen
  const std::string said =
      run("make-jump N --from " + ethanol + " --minutes 0.01 --jobs 1 --no-plots -o ammonia", true);
  ASSERT_EQ(status, 0);
  EXPECT_NE(
      said.find("cannot be tested: it knows H C O, and not N; the training starts from scratch"),
      std::string::npos)
      << said;
  EXPECT_FALSE(training("ammonia")["settings"]["model"].contains("init_from"));
  EXPECT_EQ(Potential::read(file("ammonia/jump.safetensors")).element_names(), "H N");

  // a stride that it does not have
  const std::string other = run("make-jump CO --from " + ethanol + quick + " -o four", true);
  ASSERT_EQ(status, 0);
  EXPECT_NE(other.find("it has no stride of 4 fs; the training starts from its weights"),
            std::string::npos)
      << other;
  EXPECT_TRUE(training("four")["settings"]["model"].contains("init_from"));
}

TEST_F(MakeJump, KilledAndResumedIsTheSame)
{
  run("make-jump O --from none" + quick + " -o whole");
  ASSERT_EQ(status, 0);
  // A longer training on the same labels, whole and in parts, gives one result.
  Json longer = manifest("whole");
  longer["steps"] = 12000;
  for (const char *stage : {"training", "result"}) longer["seconds"].erase(stage);
  fs::remove_all(file("whole/training"));
  fs::copy(file("whole"), file("parts"), fs::copy_options::recursive);
  for (const char *name : {"whole", "parts"})
    std::ofstream(file(std::string(name) + "/manifest.json")) << longer;
  run("make-jump O --from none" + quick + " -o whole");
  ASSERT_EQ(status, 0);

  const std::string command = "make-jump O --from none" + quick + " -o parts";
  const fs::path checkpoint = file("parts/training/network.training/checkpoint");
  int kills = 0;
  for (int k = 0; k < 2; k++) {
    const auto before = fs::exists(checkpoint) ? fs::last_write_time(checkpoint)
                                               : fs::file_time_type();
    kills += kill_when(command, [&] {
      return fs::exists(checkpoint) && fs::last_write_time(checkpoint) != before;
    });
  }
  ASSERT_EQ(kills, 2) << "the training was too short to be killed";
  run(command);
  ASSERT_EQ(status, 0);
  EXPECT_EQ(weights("parts"), weights("whole"));

  // labels of one version of libxtb, and a network of one version of the program
  for (const char *key : {"xtb_version", "program"}) {
    Json other = manifest("parts");
    other[key] = "0.1";
    std::ofstream(file("parts/manifest.json")) << other;
    expect_error("make-jump O --from none" + quick + " -o parts",
                 {"'parts' was made with", key, "\"0.1\"", "another output"});
    std::ofstream(file("parts/manifest.json")) << longer;
  }
}

TEST_F(MakeJump, KilledWhileItLabels)
{
  const std::string command = "make-jump O --from none" + quick + " -o water";
  ASSERT_TRUE(kill_when(command, [&] {
    return fs::exists(file("water/probe/.work"));
  }));
  ASSERT_TRUE(kill_when(command, [&] {
    return content("water/train/manifest.json").find("\"done\": true") != std::string::npos;
  }));
  ASSERT_TRUE(fs::exists(file("water/train/molecule_300K.xyz")));
  const auto first = fs::last_write_time(file("water/train/molecule_300K.xyz"));
  run(command);
  ASSERT_EQ(status, 0);
  EXPECT_EQ(fs::last_write_time(file("water/train/molecule_300K.xyz")), first);
  EXPECT_TRUE(Potential::read(file("water/jump.safetensors")).kind().gives_jumps);
}

TEST_F(MakeJump, Errors)
{
  fs::create_directories(file("full"));
  std::ofstream(file("full/thesis.tex")) << "precious";
  expect_error("make-jump O --from none -o full",
               {"full' holds other files and no manifest of mlff make-jump; use a new folder"});
  expect_error("make-jump O --from none -o full/thesis.tex", {"thesis.tex' is not a folder"});
  EXPECT_EQ(content("full/thesis.tex"), "precious");
  expect_error("make-jump CCX -o a", {"SMILES 'CCX': it cannot be parsed"});
  expect_error("make-jump [He] --from none -o a", {"'[He]' is a single atom"});
  expect_error("make-jump O --stride 3.3 -o a",
               {"--stride 3.3", "multiples of 0.5 fs from 2 to 16"});
  expect_error("make-jump O --stride 32 -o a", {"--stride 32", "from 2 to 16"});
  expect_error("make-jump O --minutes 0 -o a", {"--minutes"});
  expect_error("make-jump O --from nowhere.safetensors -o a",
               {"--from 'nowhere.safetensors' is neither a file", "accepted: ", "ethanol, ",
                "none, or the file of a jump network"});
  expect_error("make-jump O --lmp nowhere -o a", {"nowhere", "--lmp"});
  expect_error("make-jump O", {"--output"});
  random_potential().write(file("energy.safetensors"));
  expect_error("make-jump O --from energy.safetensors -o a",
               {"energy.safetensors", "a model 'painn'; accepted: kstep-painn"});
  Potential classes = random_jump({8, 1, 8}, {1, 8}, {8.0});
  for (auto &species : jump_record(classes).species) species.environment = species.name + "()";
  classes.write(file("classes.safetensors"));
  expect_error("make-jump O --from classes.safetensors -o a",
               {"are classes of elements", "accepted: networks with elements as species"});
  EXPECT_FALSE(fs::exists(file("a")));

  // a folder of other settings
  fs::create_directories(file("made"));
  std::ofstream(file("made/manifest.json")) << R"({"settings": {"smiles": "N"}, "seconds": {}})";
  expect_error(
      "make-jump O --from none -o made",
      {"made' was made with smiles = \"N\", now it is \"O\"", "use the same settings to go on"});
  std::ofstream(file("made/manifest.json")) << R"({"settings": {"method": "gfn2"}})";
  expect_error("make-jump O --from none -o made",
               {"manifest.json' is not a manifest of mlff make-jump"});
}

}    // namespace
