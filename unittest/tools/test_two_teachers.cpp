// mlff distill with a cheap teacher first, a budget of labels and a target: what is spent, what the
// students remember, resume, and what is refused.
#include "data/trajectory.h"
#include "distill/two_teachers/label_budget.h"
#include "distill/two_teachers/learning_curve.h"
#include "potential/flat_weights.h"
#include "support/program_fixture.h"
#include "teacher/teacher.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <map>
#include <numeric>
#include <random>

using namespace mlff;

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

long sum_of(const std::vector<long> &list)
{
  return std::accumulate(list.begin(), list.end(), 0L);
}

TEST(LabelBudget, RoundsSpendItToTheLastLabel)
{
  for (const std::size_t systems : {1, 2, 3, 7})
    for (const long probe : {1, 3, 10})
      for (const long select : {1, 5, 40}) {
        LabelBudget budget{0, systems, probe, select};
        for (long labels = budget.least(0); labels < budget.least(0) + 60; labels++) {
          budget.labels = labels;
          long spent = 0, rounds = 0;
          for (bool closed = false; !closed; rounds++) {
            const RoundPlan plan = plan_round(budget, spent, false);
            spent += sum_of(plan.probes) + sum_of(plan.selected);
            ASSERT_LE(spent, labels);
            for (const long n : plan.probes) ASSERT_GE(n, probe);
            for (const long n : plan.selected) ASSERT_LE(n, select);
            closed = plan.closing;
            ASSERT_EQ(closed, sum_of(plan.selected) == 0);
          }
          ASSERT_EQ(spent, labels);
          ASSERT_GE(rounds, 2) << "the students learn at least once";
        }
      }
}

TEST(LabelBudget, WithoutOneRoundsAreWhole)
{
  const LabelBudget budget{0, 2, 3, 5};
  const RoundPlan plan = plan_round(budget, 1000000, false);
  EXPECT_EQ(plan.probes, (std::vector<long>{3, 3}));
  EXPECT_EQ(plan.selected, (std::vector<long>{5, 5}));
  EXPECT_FALSE(plan.closing);
  const RoundPlan last = plan_round(budget, 0, true);
  EXPECT_EQ(last.probes, (std::vector<long>{3, 3}));
  EXPECT_EQ(sum_of(last.selected), 0);
  EXPECT_TRUE(last.closing);
  EXPECT_EQ(budget.least(20), 20 + 2 * (5 + 2 * 3));
}

TEST(LearningCurve, ErrorsOfErrors)
{
  // squares of normal deviates of width 0.3: the relative error of the root mean square of n of
  // them is 1 / sqrt(2 n)
  std::mt19937 generator(3);
  std::normal_distribution<double> normal(0.0, 0.3);
  std::vector<FrameErrors> frames;
  for (int f = 0; f < 200; f++) {
    FrameErrors frame{0.0, 6, normal(generator)};
    for (int c = 0; c < 6; c++) frame.force_square += std::pow(normal(generator), 2);
    frames.push_back(frame);
  }
  const auto force = force_rmse(frames, 1), energy = energy_rmse(frames, 1);
  EXPECT_NEAR(force.value, 0.3, 0.02);
  EXPECT_NEAR(*force.error, 0.3 / std::sqrt(2.0 * 1200), 0.15 * 0.3 / std::sqrt(2.0 * 1200));
  EXPECT_NEAR(energy.value, 0.3, 0.05);
  EXPECT_NEAR(*energy.error, 0.3 / std::sqrt(2.0 * 200), 0.2 * 0.3 / std::sqrt(2.0 * 200));
  EXPECT_EQ(*force_rmse(frames, 1).error, *force.error);
  EXPECT_FALSE(force_rmse({frames[0]}, 1).error);
  EXPECT_EQ(force_rmse({frames[0]}, 1).value, std::sqrt(frames[0].force_square / 6));
  frames.resize(1);
  frames[0].energy.reset();
  EXPECT_EQ(energy_rmse(frames, 1).value, 0.0);
  const Json record = probe_record(frames, false, 1);
  EXPECT_EQ(record.size(), 1u) << record;
}

/// Silicon of Stillinger and Weber, whose cheap teacher has softer bonds.
class TwoTeachers : public mlff_test::ProgramTest {
 protected:
  const std::string student =
      "{model: {features: 8, layers: 1, radial: 6, cutoff: 4.0}, training: {steps: 100, "
      "batch_atoms: 24, validate_every: 50, warmup: 10, learning_rate: 0.01, threads: 1}}";

  void SetUp() override
  {
    ProgramTest::SetUp();
    for (const char *name : {"Si.sw", "silicon.lammps", "cell.xyz"})
      fs::copy_file(fs::path(SILICON) / name, file(name));
    std::string soft = content("Si.sw");
    soft.replace(soft.find("2.1683"), 6, "1.9500");
    write("Soft.sw", soft);
    write("soft.lammps", "pair_style      sw\npair_coeff      * * Soft.sw ${elements}\n");
  }

  void write(const std::string &name, const std::string &text) const
  {
    std::ofstream(file(name)) << text;
  }

  /// Each of `changes` replaces or adds a line "key: value", or with an empty value removes it.
  void settings(const std::string &name, const std::map<std::string, std::string> &changes = {})
  {
    std::map<std::string, std::string> lines = {
        {"structures", "cell.xyz"},
        {"first_teacher", "{lammps: soft.lammps}"},
        {"first", "{frames: 30, training: {steps: 150}}"},
        {"teacher", "{lammps: silicon.lammps}"},
        {"labels", "23"},
        {"sampling",
         "{temperatures: [300], frames: 12, every: 10, warmup: 10, timestep: 1, stop_spread: "
         "1000}"},
        {"select", "{frames: 5, probe: 3}"},
        {"student", student},
        {"output", name}};
    for (const auto &[key, value] : changes) lines[key] = value;
    std::string text;
    for (const auto &[key, value] : lines)
      if (!value.empty()) text += key + ": " + value + "\n";
    write(name + ".yaml", text);
  }

  std::string distill(const std::string &name)
  {
    const std::string text = run("distill --no-plots " + name + ".yaml");
    EXPECT_EQ(status, 0) << text << run("distill --no-plots " + name + ".yaml", true);
    return text;
  }

  Json manifest(const std::string &name) const
  {
    return Json::parse(content(name + "/manifest.json"));
  }

  std::vector<double> weights(const std::string &name) const
  {
    return flat_weights(Potential::read(file(name)));
  }

  Json training(const std::string &name) const
  {
    return Json::parse(Potential::read(file(name)).training);
  }

  /// Number of frames that the rounds of a folder labelled.
  long frames_of_rounds(const std::string &name) const
  {
    long n = 0;
    for (const auto &entry : fs::recursive_directory_iterator(file(name))) {
      const fs::path &path = entry.path();
      if (path.extension() != ".xyz" ||
          !path.parent_path().filename().string().starts_with("round"))
        continue;
      if (fs::file_size(path) == 0) continue;
      const auto reader = open_trajectory(path.string());
      for (Structure frame; reader->next(frame);) n++;
    }
    return n;
  }

  /// Runs settings of the name with kills in between, until they are done.
  void distill_with_kills(const std::string &name, double first, double step, int kills)
  {
    for (int attempt = 0; attempt < kills; attempt++) {
      const std::string command = "cd '" + folder.string() + "' && timeout -s KILL " +
          std::to_string(first + step * attempt) + " " MLFF_PROGRAM " distill --no-plots " + name +
          ".yaml >/dev/null 2>&1";
      if (std::system(command.c_str()) == 0) break;
    }
    distill(name);
  }

  void expect_same_results(const std::string &a, const std::string &b)
  {
    for (const char *name : {"/student-1.safetensors", "/student-2.safetensors"})
      EXPECT_EQ(weights(a + name), weights(b + name));
    for (const char *key : {"rounds", "curve", "end"})
      EXPECT_EQ(manifest(a)[key], manifest(b)[key]) << key;
  }

  void expect_settings_error(const std::map<std::string, std::string> &changes,
                             const std::vector<std::string> &words)
  {
    settings("wrong", changes);
    expect_error("distill --no-plots wrong.yaml", words);
    EXPECT_FALSE(fs::exists(file("wrong")));
  }
};

TEST_F(TwoTeachers, BudgetProvenanceAndResume)
{
  settings("a");
  const std::string text = distill("a");
  EXPECT_NE(text.find("probe F RMSE"), std::string::npos) << text;
  const Json all = manifest("a");
  EXPECT_EQ(frames_of_rounds("a"), 23);
  EXPECT_EQ(all["end"], "labels");
  // 3 + 5, 3 + 5, 3 + 1 where the probes of the end are kept back, and these
  std::vector<long> labelled, known;
  for (const auto &round : all["rounds"]) labelled.push_back(round["labelled"]);
  EXPECT_EQ(labelled, (std::vector<long>{8, 8, 4, 3}));
  for (const auto &point : all["curve"]) {
    known.push_back(point["labels"]);
    EXPECT_EQ(point["probes"], 3);
    EXPECT_GT(point["spread_meV_per_A"], 0.0);
    EXPECT_GT(point["force_rmse_meV_per_A"], 0.0);
    EXPECT_GT(point["force_rmse_error_meV_per_A"], 0.0);
    // energies of the cheap teacher have another zero
    EXPECT_EQ(point.contains("energy_rmse_meV_per_atom"), point["labels"] > 0);
  }
  EXPECT_EQ(known, (std::vector<long>{0, 8, 16, 20}));

  const Json made = training("a/student-2.safetensors");
  EXPECT_EQ(made["settings"]["pretrain"]["data"]["train"][0]["file"], "cell.xyz");
  EXPECT_EQ(made["settings"]["pretrain"]["training"]["steps"], 150);
  EXPECT_EQ(made["settings"]["model"]["init_from"], "student-2.safetensors");
  std::map<std::string, int> roles;
  for (const auto &input : made["inputs"]) roles[input["role"]]++;
  EXPECT_EQ(roles["pretrain.train"], 1);
  EXPECT_EQ(roles["data.train"], 6) << "probes and selected frames of three rounds";
  const Json &from = made["distillation"];
  EXPECT_EQ(from["settings"]["first_teacher"]["lammps"], "soft.lammps");
  EXPECT_EQ(from["settings"]["first"]["frames"], 30);
  EXPECT_EQ(from["settings"]["teacher"]["lammps"], "silicon.lammps");
  EXPECT_EQ(from["curve"], all["curve"]);
  // both teachers know stresses
  EXPECT_EQ(made["settings"]["loss"]["stress"]["weight"], 1.0);
  EXPECT_EQ(made["settings"]["pretrain"]["loss"]["stress"]["weight"], 1.0);
  EXPECT_EQ(weights("a/student-1.safetensors"), weights("a/round-2/student-1.safetensors"));

  settings("b");
  distill_with_kills("b", 0.15, 0.08, 14);
  expect_same_results("a", "b");
  for (const auto &entry : fs::directory_iterator(file("b/round-1")))
    EXPECT_EQ(entry.path().string().find("cell-300K"), std::string::npos) << entry.path();

  for (const auto &[key, value, said] : std::vector<std::array<std::string, 3>>{
           {"labels", "30", "labels = 23, now it is 30"},
           {"target", "5", "target = none, now it is 5"},
           {"rounds", "5", "rounds = none, now it is 5"},
           {"first", "{frames: 31, training: {steps: 150}}", "first.frames = 30, now it is 31"},
           {"first", "{frames: 30, training: {steps: 160}}",
            "first.training.steps = 150, now it is 160"}}) {
    settings("b", {{key, value}});
    expect_error("distill b.yaml", {said, "another output"});
  }
  settings("b");
  write("soft.lammps", content("soft.lammps") + "# changed\n");
  expect_error("distill b.yaml", {"'soft.lammps' (first_teacher.lammps)", "not those that"});
}

TEST_F(TwoTeachers, TargetStopsTheLoop)
{
  settings("a", {{"target", "100000"}, {"labels", "200"}});
  distill("a");
  const Json all = manifest("a");
  EXPECT_EQ(all["end"], "target");
  // the first batch, then probes that meet the target: no label more
  EXPECT_EQ(frames_of_rounds("a"), 8 + 3);
  ASSERT_EQ(all["curve"].size(), 2u);
  EXPECT_EQ(all["curve"][1]["labels"], 8);
  EXPECT_EQ(weights("a/student-1.safetensors"), weights("a/round-0/student-1.safetensors"));
  distill("a");
  EXPECT_EQ(manifest("a")["curve"], all["curve"]);

  // a gain that is asked for ends the loop, too
  EXPECT_FALSE(all["settings"].contains("gain"));
  settings("c", {{"gain", "1"}});
  distill("c");
  EXPECT_EQ(manifest("c")["end"], "gain");
  EXPECT_EQ(frames_of_rounds("c"), 8 + 3);

  // rounds at most, where the target is out of reach
  settings("b", {{"target", "0.001"}, {"labels", ""}, {"rounds", "1"}});
  distill("b");
  EXPECT_EQ(manifest("b")["end"], "rounds");
  EXPECT_EQ(frames_of_rounds("b"), 2 * 8 + 3);
  EXPECT_EQ(weights("b/student-1.safetensors"), weights("b/round-1/student-1.safetensors"));
}

TEST_F(TwoTeachers, CopiesAndGivenFrames)
{
  // copies of the structure count
  settings("copies", {{"copies", "{frames: 6, rattle: 0.05}"}, {"labels", "25"}});
  distill("copies");
  EXPECT_EQ(frames_of_rounds("copies"), 25);
  EXPECT_EQ(manifest("copies")["curve"][0]["labels"], 6);
  EXPECT_TRUE(manifest("copies")["curve"][0].contains("energy_rmse_meV_per_atom"));
  // frames of the user do not
  fs::copy_file(file("copies/round-0/cell.xyz"), file("given.xyz"));
  settings("given", {{"data", "{start: {file: given.xyz}}"}, {"labels", "13"}});
  distill("given");
  EXPECT_EQ(frames_of_rounds("given"), 13);
  EXPECT_EQ(manifest("given")["curve"][0]["labels"], 0);
  const Json made = training("given/student-1.safetensors");
  EXPECT_EQ(made["settings"]["data"]["train"][0]["file"], "given.xyz");

  // a budget and a target need no cheap teacher
  settings("alone",
           {{"first_teacher", ""},
            {"first", ""},
            {"labels", "21"},
            {"copies", "{frames: 6, rattle: 0.05}"}});
  distill("alone");
  EXPECT_EQ(frames_of_rounds("alone"), 21);
  EXPECT_FALSE(training("alone/student-1.safetensors")["settings"].contains("pretrain"));
}

TEST_F(TwoTeachers, Errors)
{
  expect_settings_error({{"first_teacher", ""}},
                        {"wrong.yaml", "'first' is of use beside 'first_teacher'"});
  expect_settings_error({{"first", "{frames: 0}"}},
                        {"wrong.yaml", "'first.frames' is 0", "nothing to label", "accepted"});
  expect_settings_error({{"first", "{temperatures: [300]}"}},
                        {"'first.temperatures'", "'molecules'", "accepted"});
  expect_settings_error({{"first", "{frame: 3}"}}, {"'first.frame'", "accepted", "frames"});
  expect_settings_error({{"first_teacher", "{lammps: silicon.lammps}"}},
                        {"'first_teacher' is the same as 'teacher' (silicon.lammps)", "cheaper"});
  expect_settings_error({{"first_teacher", "{lammps: soft.lammps, models: [cell.xyz]}"}},
                        {"stands beside 'first_teacher."});
  expect_settings_error({{"labels", "10"}},
                        {"wrong.yaml", "'labels' is 10", "less than one batch", ">= 11",
                         "5 ('select.frames')", "3 ('select.probe')"});
  expect_settings_error({{"labels", "16"}, {"copies", "{frames: 6}"}},
                        {"'labels' is 16", ">= 17", "6 ('copies.frames')"});
  expect_settings_error({{"labels", "0"}}, {"'labels' is '0'", "a whole number >= 1"});
  for (const char *wrong : {"0", "-3"})
    expect_settings_error({{"target", wrong}},
                          {"wrong.yaml", std::string("'target' is ") + wrong, "above 0 (meV/Å)"});

  write("slab.xyz",
        "2\nLattice=\"3.84 0 0 0 3.84 0 0 0 20\" pbc=\"T T F\" Properties=species:S:1:pos:R:3\n"
        "Si 0 0 9\nSi 0 0 11.3\n");
  expect_settings_error({{"structures", "slab.xyz"}},
                        {"'first_teacher' has nothing to sample", "slab.xyz', frame 1,",
                         "periodic in 2 of 3", "accepted"});
}

TEST_F(TwoTeachers, FramesThatContradict)
{
  const auto frame = [](const std::string &atoms, const std::string &pbc) {
    const auto n = std::count(atoms.begin(), atoms.end(), '\n');
    return std::to_string(n) + "\nLattice=\"6 0 0 0 6 0 0 0 6\" pbc=\"" + pbc +
        "\" energy=-1 Properties=species:S:1:pos:R:3:forces:R:3\n" + atoms;
  };
  const std::string si = "Si 0 0 0 0 0 0\n", ge = "Ge 0 0 2.4 0 0 0\n", c = "C 0 0 2 0 0 0\n";
  const std::map<std::string, std::string> given = {{"data", "{start: {file: given.xyz}}"}};
  write("given.xyz", frame(si, "T T T") + frame(si + ge, "T T T"));
  expect_settings_error(
      given, {"'given.xyz' (data.start), frame 2, has the element Ge", "accepted", "Si"});
  write("given.xyz", frame(si, "T T F"));
  expect_settings_error(given,
                        {"'given.xyz' (data.start), frame 1, is periodic in 2 of 3",
                         "'first_teacher' in 3 of 3", "accepted"});
  // carbon beside silicon is known, but not in these shares
  write("carbide.xyz",
        "2\nLattice=\"3.1 0 0 0 3.1 0 0 0 3.1\" pbc=\"T T T\" Properties=species:S:1:pos:R:3\n"
        "Si 0 0 0\nC 1.5 1.5 1.5\n");
  write("given.xyz", frame(si + si + c, "T T T"));
  auto changes = given;
  changes["structures"] = "carbide.xyz";
  std::string table = content("Si.sw");
  const std::string row = "2.1683  2.0951 1.80 21.0   1.20  -0.333333333333 7.049556277 "
                          "0.6022245584 4.0 0.0 0.0\n";
  for (const char *names :
       {"Si Si C ", "Si C Si ", "Si C C ", "C Si Si ", "C Si C ", "C C Si ", "C C C "})
    table += names + row;
  write("Si.sw", table);
  std::string soft = table;
  for (std::size_t at; (at = soft.find("2.1683")) != std::string::npos;)
    soft.replace(at, 6, "1.95");
  write("Soft.sw", soft);
  expect_settings_error(changes,
                        {"'given.xyz' (data.start), frame 1, is", "Si2", "accepted", "CSi",
                         "'first.other_compositions: yes'"});
}

#if defined(MLFF_TEST_RDKIT) && defined(MLFF_TEST_XTB)
class TwoTeachersOfAMolecule : public TwoTeachers {
 protected:
  void SetUp() override
  {
    TwoTeachers::SetUp();
    // with several threads the last digits of GFN2-xTB are others in each run
    setenv("OMP_NUM_THREADS", "1", 1);
  }

  void molecule(const std::string &name, const std::map<std::string, std::string> &changes = {})
  {
    std::map<std::string, std::string> lines = {
        {"structures", ""},
        {"molecules", "CO"},
        {"first_teacher", "{method: gfnff}"},
        {"first", "{frames: 80, temperatures: [400], dynamics: 20, training: {steps: 1000}}"},
        {"teacher", "{method: gfn2}"},
        {"labels", "19"},
        {"sampling", "{temperatures: [200], frames: 20, every: 4, warmup: 20}"},
        {"select", "{frames: 4, probe: 3}"}};
    for (const auto &[key, value] : changes) lines[key] = value;
    settings(name, lines);
  }
};

TEST_F(TwoTeachersOfAMolecule, BeginsByItself)
{
  molecule("a");
  distill("a");
  const Json all = manifest("a");
  EXPECT_EQ(frames_of_rounds("a"), 19);
  EXPECT_EQ(all["end"], "labels");
  std::vector<long> known;
  for (const auto &point : all["curve"]) known.push_back(point["labels"]);
  EXPECT_EQ(known, (std::vector<long>{0, 7, 14}));
  const Json made = training("a/student-1.safetensors");
  const Json &cheap = made["settings"]["pretrain"]["data"]["train"];
  ASSERT_EQ(cheap.size(), 2u);
  EXPECT_EQ(cheap[0]["file"], "molecule.xyz");
  EXPECT_EQ(cheap[1]["file"], "molecule_400K.xyz");
  EXPECT_EQ(made["distillation"]["settings"]["first_teacher"]["method"], "gfnff");
  EXPECT_EQ(made["distillation"]["settings"]["first"]["temperatures"], (std::vector{400.0}));
  // labels are the dear teacher's
  TeacherSettings dear;
  dear.values["method"] = "gfn2";
  const auto teacher = make_teacher(dear);
  const auto reader = open_trajectory(file("a/round-0/molecule.xyz"));
  Structure frame;
  ASSERT_TRUE(reader->next(frame));
  EXPECT_NEAR(*frame.energy, teacher->label(frame).energy, 1e-4);

  molecule("b");
  distill_with_kills("b", 0.2, 0.15, 12);
  expect_same_results("a", "b");
}

TEST_F(TwoTeachersOfAMolecule, Errors)
{
  const auto wrong = [&](const std::map<std::string, std::string> &changes,
                         const std::vector<std::string> &words) {
    molecule("wrong", changes);
    expect_error("distill wrong.yaml", words);
    EXPECT_FALSE(fs::exists(file("wrong")));
  };
  wrong({{"first", "{frames: 0, temperatures: []}"}},
        {"wrong.yaml", "'first.frames' is 0", "'first.temperatures' holds none", "accepted"});
  wrong({{"first", "{temperatures: [-5]}"}}, {"'first.temperatures' holds -5", "numbers > 0"});
  wrong({{"first_teacher", ""}, {"first", ""}}, {"'data.start' is missing", "'first_teacher'"});
  write("ethane.xyz",
        "2\nenergy=-1 Properties=species:S:1:pos:R:3:forces:R:3\n"
        "C 0 0 0 0 0 0\nO 0 0 1.2 0 0 0\n");
  wrong({{"data", "{start: {file: ethane.xyz}}"}},
        {"'ethane.xyz' (data.start), frame 1, is CO", "accepted: CH4O"});
}
#endif

}    // namespace
