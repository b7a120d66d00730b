// mlff make-sampler as a user runs it, with very little time.
#include "data/trajectory.h"
#include "potential/flat_weights.h"
#include "potential/model_kind.h"
#include "potential/potential.h"
#include "support/program_fixture.h"

#include <nlohmann/json.hpp>

#include <cmath>

namespace {

using namespace mlff;
using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

class MakeSampler : public mlff_test::ProgramTest {
 protected:
  /// Option of a time, minutes; builds that are slow get more of it.
  static std::string minutes(double time)
  {
    return " --minutes " + std::to_string(MLFF_TIME_FACTOR * time);
  }
  const std::string quick = minutes(0.03) + " --no-plots";

  Json manifest(const std::string &name) const
  {
    return Json::parse(content(name + "/manifest.json"));
  }
  std::vector<double> weights(const std::string &name) const
  {
    return flat_weights(Potential::read(file(name + "/student.safetensors")));
  }
};

TEST_F(MakeSampler, FromASmilesToAnInput)
{
  const std::string table = run("make-sampler CO" + minutes(0.3) + " -o methanol");
  ASSERT_EQ(status, 0);
  const Potential student = Potential::read(file("methanol/student.safetensors"));
  EXPECT_TRUE(student.kind().one_molecule);
  const Json record = Json::parse(student.training);
  EXPECT_EQ(record["teacher"], "gfn2");
  EXPECT_EQ(record["make_sampler"]["settings"]["smiles"], "CO");

  const Json made = manifest("methanol");
  const Json &rounds = made["rounds"], &check = made["check"], &lengths = made["lengths"];
  ASSERT_GE(rounds.size(), 2u);
  EXPECT_FALSE(rounds[0].contains("measure"));
  EXPECT_FALSE(rounds.back().contains("steps"));
  double best = 1e9;
  for (std::size_t r = 1; r < rounds.size(); r++) {
    const Json &measure = rounds[r]["measure"];
    EXPECT_NEAR(measure["acceptance"], std::erfc(0.5 * measure["deviation_kT"].get<double>()),
                1e-9);
    best = std::min(best, measure["deviation_kT"].get<double>());
  }
  EXPECT_LT(best, 2.0);
  // frames at the temperature and above it, each labelled with its energy
  long labels = 0;
  for (const char *name : {"labels.xyz", "above-labels.xyz"}) {
    const auto reader = open_trajectory(file("methanol/round-1/" + std::string(name)));
    for (Structure frame; reader->next(frame); labels++) {
      EXPECT_TRUE(frame.energy.has_value());
      EXPECT_EQ(frame.n_atoms(), 6);
    }
  }
  EXPECT_EQ(labels, rounds[1]["labels"]);

  // the identities, and what was expected
  EXPECT_LT(std::abs(check["boltzmann"].get<double>() - 1.0),
            5.0 * check["boltzmann_error"].get<double>() + 0.02);
  EXPECT_NEAR(lengths["inner_boltzmann"], 1.0, 0.2);
  EXPECT_NEAR(check["acceptance"], std::erfc(0.5 * best), 0.25);
  EXPECT_GT(check["inner_acceptance"], 0.6);
  EXPECT_EQ(check["differences_kT"].size(), check["proposals"]);
  EXPECT_LT(check["calls"], lengths["verlet"]["calls"]);

  for (const char *words : {"# Sampler of CO at 300 K", "| mean of exp(-D) |", "velocity Verlet",
                            "| accepted proposals |", "labels"})
    EXPECT_NE(table.find(words), std::string::npos) << words;
  EXPECT_EQ(table.substr(0, table.size() - 1), content("methanol/report.md"));
  const std::string input = content("methanol/in.sample");
  for (const std::string &words :
       {std::string("kstep/hybrid student.safetensors H C O &"),
        "segments index " + std::to_string(lengths["segments"].get<int>()) + "\n",
        std::string("langevin 300 0.1"), std::string("pair_coeff      * * H C O"),
        std::string("method gfn2 charge 0 uhf 0")})
    EXPECT_NE(input.find(words), std::string::npos) << words << "\n" << input;
  EXPECT_EQ(input.find('<'), std::string::npos);
  EXPECT_NE(content("methanol/molecule.data").find("6 atoms"), std::string::npos);
  EXPECT_GT(fs::file_size(file("methanol/report.png")), 5000u);

  EXPECT_NE(Potential::read(file("methanol/student.safetensors")).citation.find("GFN2-xTB"),
            std::string::npos);

  // LAMMPS takes samples with it
  const fs::path lammps = fs::path(MLFF_PROGRAM).parent_path() / "lmp";
  const auto sample = [&](const std::string &words) {
    const std::string line = "cd '" + file("methanol") + "' && OMP_NUM_THREADS=1 '" +
        lammps.string() + "' -in in.sample -log none " + words + " > out 2>&1";
    return std::system(line.c_str());
  };
  ASSERT_EQ(sample("-var moves 40"), 0) << content("methanol/out");
  const auto frames_of = [&](const std::string &name) {
    std::vector<std::vector<double>> places;
    const auto reader = open_trajectory(file("methanol/" + name));
    for (Structure frame; reader->next(frame);) {
      EXPECT_TRUE(frame.energy.has_value());
      places.push_back(frame.positions);
    }
    return places;
  };
  const auto whole = frames_of("samples.xyz");
  EXPECT_EQ(whole.size(), 40u);

  // in two parts
  ASSERT_EQ(sample("-var moves 15 -var samples one.xyz"), 0);
  ASSERT_EQ(sample("-var moves 25 -var samples two.xyz -var begin read_restart "
                   "-var start sample.restart"),
            0)
      << content("methanol/out");
  auto parts = frames_of("one.xyz");
  EXPECT_EQ(parts.size(), 15u);
  std::ranges::copy(frames_of("two.xyz"), std::back_inserter(parts));
  EXPECT_EQ(parts, whole);

  // with hotter copies, from a place by name
  fs::copy_file(file("methanol/molecule.data"), file("methanol/other.data"));
  ASSERT_EQ(sample("-var moves 5 -var segments '3 ladder 2 600' -var start other.data -var samples "
                   "hot.xyz"),
            0)
      << content("methanol/out");
  EXPECT_NE(content("methanol/out").find("ladder of 2 copies"), std::string::npos);
  EXPECT_TRUE(fs::exists(file("methanol/hot.xyz")));

  // nothing is left over, and a second run finds all done
  for (const char *name : {"methanol/.pilot", "methanol/.lock", "methanol/training.log"})
    EXPECT_FALSE(fs::exists(file(name))) << name;
  const auto written = fs::last_write_time(file("methanol/student.safetensors"));
  EXPECT_EQ(run("make-sampler CO" + minutes(0.3) + " --no-plots -o methanol"), table);
  EXPECT_EQ(fs::last_write_time(file("methanol/student.safetensors")), written);
}

TEST_F(MakeSampler, AnIonWithAnotherStudent)
{
  run("make-sampler [NH4+] --student painn --temperature 400 --method gfn1" + quick +
      " -o ammonium");
  ASSERT_EQ(status, 0);
  EXPECT_FALSE(Potential::read(file("ammonium/student.safetensors")).kind().one_molecule);
  const auto reader = open_trajectory(file("ammonium/round-0/above-labels.xyz"));
  Structure frame;
  ASSERT_TRUE(reader->next(frame));
  EXPECT_EQ(frame.charge, 1.0);
  const std::string input = content("ammonium/in.sample");
  EXPECT_NE(input.find("method gfn1 charge 1 uhf 0"), std::string::npos) << input;
  EXPECT_NE(input.find("langevin 400 0.1"), std::string::npos) << input;

  // a charge that the SMILES does not have: one electron less is a radical
  run("make-sampler O --charge 1" + quick + " -o cation");
  ASSERT_EQ(status, 0);
  EXPECT_NE(content("cation/in.sample").find("charge 1 uhf 1"), std::string::npos);
  EXPECT_EQ(manifest("cation")["settings"]["charge"], 1);
}

TEST_F(MakeSampler, TwoTeachers)
{
  run("make-sampler O --first-teacher gfn1 --labels 70 --acceptance 0.99 --no-plots" +
      minutes(0.2) + " -o water");
  ASSERT_EQ(status, 0);
  const Json made = manifest("water");
  EXPECT_NE(made["commands"][0].get<std::string>().find(" --no-plots"), std::string::npos);
  long dear = 0, cheap = 0;
  int first_dear = -1;
  const Json &rounds = made["rounds"];
  for (std::size_t r = 0; r < rounds.size(); r++) {
    const bool is_dear = rounds[r]["teacher"] == "gfn2";
    (is_dear ? dear : cheap) += rounds[r]["labels"].get<long>();
    if (is_dear && first_dear < 0) first_dear = int(r);
    // the cheap teacher comes first, and the dear one begins where its student goes
    EXPECT_EQ(is_dear, first_dear >= 0);
    EXPECT_EQ(rounds[r].contains("measure"), r > 0);
  }
  EXPECT_GE(cheap, 60);
  EXPECT_GE(dear, 20);
  EXPECT_LE(dear, 70);
  // and its labels teach
  EXPECT_LT(rounds.back()["measure"]["deviation_kT"],
            rounds[first_dear]["measure"]["deviation_kT"]);
  EXPECT_EQ(rounds[first_dear]["plan"]["first"], first_dear);
  EXPECT_NE(content("water/in.sample").find("method gfn2"), std::string::npos);
}

TEST_F(MakeSampler, KilledAndResumedIsTheSame)
{
  const std::string command =
      "make-sampler O --acceptance 0.99 --no-plots" + minutes(0.06) + " -o ";
  run(command + "whole");
  ASSERT_EQ(status, 0);
  // what the clock decided stays; all work is to be done again, in parts
  const Json whole = manifest("whole");
  Json parts = whole;
  for (const auto &[stage, seconds] : whole["seconds"].items())
    for (const char *redone : {"frames-", "labels-", "measure-", "training-", "check", "result"})
      if (stage.starts_with(redone)) parts["seconds"].erase(stage);
  for (auto &round : parts["rounds"])
    for (const char *key : {"labels", "teacher", "measure"}) round.erase(key);
  parts.erase("check");
  fs::create_directories(file("parts"));
  std::ofstream(file("parts/manifest.json")) << parts;

  const auto exists = [&](const std::string &name) {
    return fs::exists(file("parts/" + name));
  };
  int kills = 0;
  kills += kill_when(command + "parts", [&] {
    return exists("round-0/above.xyz");
  });
  kills += kill_when(command + "parts", [&] {
    return exists("round-0/student.training/checkpoint");
  });
  kills += kill_when(command + "parts", [&] {
    return exists("round-1/frames.xyz");
  });
  kills += kill_when(command + "parts", [&] {
    return exists("check.log");
  });
  ASSERT_EQ(kills, 4) << "the stages were too short to be killed";
  run(command + "parts");
  ASSERT_EQ(status, 0);
  EXPECT_EQ(weights("parts"), weights("whole"));
  const Json again = manifest("parts");
  for (std::size_t r = 0; r < whole["rounds"].size(); r++)
    for (const auto &[key, value] : whole["rounds"][r].items())
      EXPECT_EQ(again["rounds"][r][key], value) << r << " " << key;
  for (const char *key : {"acceptance", "boltzmann", "differences_kT"})
    EXPECT_EQ(again["check"][key], whole["check"][key]) << key;
  EXPECT_EQ(content("parts/round-1/labels.xyz"), content("whole/round-1/labels.xyz"));
  EXPECT_EQ(content("parts/molecule.data"), content("whole/molecule.data"));
}

TEST_F(MakeSampler, Errors)
{
  fs::create_directories(file("full"));
  std::ofstream(file("full/thesis.tex")) << "precious";
  expect_error("make-sampler O -o full",
               {"full' holds other files and no manifest of mlff make-sampler; use a new folder"});
  expect_error("make-sampler O -o full/thesis.tex", {"thesis.tex' is not a folder"});
  EXPECT_EQ(content("full/thesis.tex"), "precious");
  expect_error("make-sampler CCX -o a", {"SMILES 'CCX': it cannot be parsed"});
  expect_error("make-sampler [He] -o a", {"'[He]' is a single atom"});
  expect_error("make-sampler O.O -o a", {"'O.O' has several parts; accepted: one molecule"});
  expect_error("make-sampler O --temperature 0 -o a", {"--temperature", "above 0"});
  expect_error("make-sampler O --temperature -10 -o a", {"--temperature", "above 0"});
  expect_error("make-sampler O --minutes 0 -o a", {"--minutes", "above 0"});
  expect_error("make-sampler O --minutes -1 -o a", {"--minutes", "above 0"});
  expect_error("make-sampler O --acceptance 1.5 -o a", {"--acceptance", "0.99"});
  expect_error("make-sampler O --labels -1 -o a", {"--labels"});
  expect_error("make-sampler O --method dft -o a", {"--method", "dft", "gfn2"});
  expect_error("make-sampler O --first-teacher dft -o a", {"--first-teacher", "gfnff"});
  expect_error("make-sampler O --student forest -o a", {"--student", "painn"});
  expect_error("make-sampler O --models nowhere.safetensors -o a", {"nowhere.safetensors"});
  expect_error("make-sampler O --lmp nowhere -o a", {"nowhere", "--lmp"});
  expect_error("make-sampler O", {"--output"});
  EXPECT_FALSE(fs::exists(file("a")));

  // a folder of other settings
  fs::create_directories(file("made"));
  std::ofstream(file("made/manifest.json"))
      << R"({"settings": {"smiles": "N"}, "seconds": {}, "rounds": []})";
  expect_error(
      "make-sampler O -o made",
      {"made' was made with smiles = \"N\", now it is \"O\"", "use the same settings to go on"});
  std::ofstream(file("made/manifest.json")) << R"({"settings": {"method": "gfn2"}})";
  expect_error("make-sampler O -o made", {"manifest.json' is not a manifest of mlff make-sampler"});
}

}    // namespace
