// mlff distill with given structures: rounds at constant volume and pressure, the stop by the
// spread of the students, what makes a frame new, and what is refused.
#include "core/elements.h"
#include "data/trajectory.h"
#include "distill/frame_selection.h"
#include "distill/radial_fingerprint.h"
#include "potential/flat_weights.h"
#include "structure/lattice.h"
#include "structure/rotation.h"
#include "support/program_fixture.h"
#include "support/random_potential.h"
#include "teacher/teacher.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <map>
#include <numbers>
#include <random>

using namespace mlff;

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

constexpr double cutoff = 5.0;
const std::vector<int> elements = {6, 8};

/// Carbon and oxygen in a skewed cell that is smaller than the cutoff.
Structure crystal()
{
  return mlff_test::random_structure(7, 3, {4.9, 0.3, -0.2, 0.8, 4.6, 0.5, -0.7, 0.6, 4.3},
                                     {true, true, true}, elements);
}

/// The structure beside its image along b.
Structure twice(const Structure &structure)
{
  Structure out = structure;
  out.numbers.insert(out.numbers.end(), structure.numbers.begin(), structure.numbers.end());
  for (std::size_t k = 0; k < structure.positions.size(); k++)
    out.positions.push_back(structure.positions[k] + structure.cell[3 + k % 3]);
  for (int c = 3; c < 6; c++) out.cell[c] *= 2;
  return out;
}

void expect_same(const Structure &a, const Structure &b)
{
  EXPECT_LT(mlff_test::largest_difference(radial_fingerprint(a, elements, cutoff),
                                          radial_fingerprint(b, elements, cutoff)),
            1e-10);
}

TEST(RadialFingerprint, PermutationsAndMotionsLeaveIt)
{
  const Structure start = crystal();
  Structure other = start;
  for (int i : {0, 2, 5}) {
    std::swap(other.numbers[i], other.numbers[6 - i / 2]);
    for (int c = 0; c < 3; c++)
      std::swap(other.positions[3 * i + c], other.positions[3 * (6 - i / 2) + c]);
  }
  EXPECT_NE(other.numbers, start.numbers);
  expect_same(start, other);

  other = start;
  for (std::size_t k = 0; k < other.positions.size(); k++)
    other.positions[k] += std::array{1.7, -2.9, 11.3}[k % 3];
  expect_same(start, other);

  std::mt19937 generator(4);
  const auto rotation = random_rotation(generator);
  other = start;
  const auto turn = [&](double *x) {
    const std::array<double, 3> v = {x[0], x[1], x[2]};
    for (int a = 0; a < 3; a++)
      x[a] = rotation[3 * a] * v[0] + rotation[3 * a + 1] * v[1] + rotation[3 * a + 2] * v[2];
  };
  for (std::size_t k = 0; k < 9; k += 3) turn(&other.cell[k]);
  for (std::size_t k = 0; k < other.positions.size(); k += 3) turn(&other.positions[k]);
  expect_same(start, other);
}

TEST(RadialFingerprint, AnotherCellLeavesIt)
{
  const Structure start = crystal();
  expect_same(start, twice(start));
  Structure other = start;
  for (int c = 0; c < 3; c++) {
    other.cell[3 + c] += start.cell[c];                 // b + a
    other.positions[6 + c] += 2 * start.cell[6 + c];    // another image of an atom
  }
  expect_same(start, other);
}

TEST(RadialFingerprint, TellsFramesApart)
{
  const Structure start = crystal();
  const auto before = radial_fingerprint(start, elements, cutoff);
  Structure other = start;
  other.positions[4] += 0.05;
  EXPECT_GT(mlff_test::largest_difference(before, radial_fingerprint(other, elements, cutoff)),
            1e-3);
  other = start;
  std::swap(other.numbers[0], other.numbers[1]);
  EXPECT_GT(mlff_test::largest_difference(before, radial_fingerprint(other, elements, cutoff)),
            1e-3);
}

TEST(RadialFingerprint, OfAPairAndAThirdAtom)
{
  // an oxygen between two carbons, at different distances
  Structure line;
  line.numbers = {6, 8, 6};
  line.positions = {0, 0, 0, 0, 0, 1.5, 0, 0, 4.0};
  const auto sum = [](double r, int k) {
    const double width = cutoff / radial_shells, x = (r - (k + 1) * width) / width;
    return std::exp(-0.5 * x * x) * 0.5 * (1 + std::cos(std::numbers::pi * r / cutoff));
  };
  const auto found = radial_fingerprint(line, elements, cutoff);
  ASSERT_EQ(found.size(), 2u * 2 * 2 * radial_shells);
  for (int k = 0; k < radial_shells; k++) {
    const auto at = [&](int of, int around, int moment) {
      return found[((of * 2 + around) * radial_shells + k) * 2 + moment];
    };
    EXPECT_NEAR(at(0, 0, 0), sum(4.0, k), 1e-14);
    EXPECT_NEAR(at(0, 0, 1), 0.0, 1e-14);
    EXPECT_NEAR(at(0, 1, 0), 0.5 * (sum(1.5, k) + sum(2.5, k)), 1e-14);
    EXPECT_NEAR(at(0, 1, 1), 0.5 * std::abs(sum(1.5, k) - sum(2.5, k)), 1e-14);
    EXPECT_NEAR(at(1, 0, 0), sum(1.5, k) + sum(2.5, k), 1e-14);
    EXPECT_EQ(at(1, 1, 0), 0.0);
  }
}

TEST(FrameSelection, SpreadTimesDistance)
{
  const std::vector<FrameShape> frames = {{0.0}, {1.0}, {0.1}, {5.0}, {5.2}};
  const std::vector<double> spread = {3.0, 2.0, 2.9, 1.0, 1.1};
  // 0 by spread alone; then 4 by 1.1 * 5.2, then 1 by 2.0 * 1.0
  EXPECT_EQ(most_useful(frames, spread, 3), (std::vector{0, 4, 1}));
  // beside a known frame the distance counts from the first one on
  EXPECT_EQ(most_useful(frames, spread, 1, {{0.0}}), (std::vector{4}));
}

TEST(FrameSelection, NeverTheSameFrameTwice)
{
  const Structure start = crystal(), copy = twice(start);
  Structure other = start;
  other.positions[0] += 0.1;
  std::vector<FrameShape> shapes;
  for (const auto &frame : {start, copy, other, start})
    shapes.push_back(radial_fingerprint(frame, elements, cutoff));
  const std::vector<double> spread = {1.0, 9.0, 0.1, 5.0};
  EXPECT_EQ(most_useful(shapes, spread, 4), (std::vector{1, 2}));
  EXPECT_EQ(most_useful(shapes, spread, 4, {shapes[0]}), (std::vector{2}));
  EXPECT_TRUE(most_useful(shapes, spread, 4, {shapes[0], shapes[2]}).empty());
}

class DistillStructures : public mlff_test::ProgramTest {
 protected:
  void SetUp() override
  {
    ProgramTest::SetUp();
    fs::copy_file(SILICON "/Si.sw", file("Si.sw"));
    fs::copy_file(SILICON "/silicon.lammps", file("silicon.lammps"));
    fs::copy_file(SILICON "/cell.xyz", file("cell.xyz"));
  }

  void write(const std::string &name, const std::string &text) const
  {
    std::ofstream(file(name)) << text;
  }

  /// Settings of a small student; each of `changes` replaces or adds a line "key: value", or with
  /// an empty value removes it.
  void settings(const std::string &name, const std::map<std::string, std::string> &changes = {})
  {
    std::map<std::string, std::string> lines = {
        {"structures", "cell.xyz"},
        {"teacher", "{lammps: silicon.lammps}"},
        {"copies", "{frames: 12, rattle: 0.05, strain: 0.02}"},
        {"sampling",
         "{temperatures: [200, 600], frames: 8, every: 15, warmup: 20, timestep: 1, stop_spread: "
         "1000}"},
        {"select", "{frames: 5, probe: 3}"},
        {"rounds", "2"},
        {"gain", "-1"},
        {"student",
         "{model: {features: 8, layers: 1, radial: 6, cutoff: 4.0}, training: {steps: 150, "
         "batch_atoms: 24, validate_every: 50, warmup: 10, learning_rate: 0.01, threads: 1}}"},
        {"output", name}};
    for (const auto &[key, value] : changes) lines[key] = value;
    std::string text;
    for (const auto &[key, value] : lines)
      if (!value.empty()) text += key + ": " + value + "\n";
    write(name + ".yaml", text);
  }

  std::string distill(const std::string &name)
  {
    const std::string text = run("distill " + name + ".yaml");
    EXPECT_EQ(status, 0) << text << run("distill " + name + ".yaml", true);
    return text;
  }

  void expect_settings_error(const std::map<std::string, std::string> &changes,
                             const std::vector<std::string> &words)
  {
    settings("wrong", changes);
    expect_error("distill wrong.yaml", words);
    EXPECT_FALSE(fs::exists(file("wrong/round-0")));
  }

  Json manifest(const std::string &name) const
  {
    return Json::parse(content(name + "/manifest.json"));
  }

  std::vector<Structure> frames_of(const std::string &name) const
  {
    const auto reader = open_trajectory(file(name));
    std::vector<Structure> frames;
    for (Structure frame; reader->next(frame);) frames.push_back(frame);
    return frames;
  }

  std::vector<double> weights(const std::string &name) const
  {
    return flat_weights(Potential::read(file(name + "/student-1.safetensors")));
  }

  /// Frames of a file have the labels of a teacher.
  void expect_labels(const std::vector<Structure> &frames, Teacher &teacher)
  {
    ASSERT_FALSE(frames.empty());
    for (const auto &frame : frames) {
      const Labels labels = teacher.label(frame);
      EXPECT_NEAR(*frame.energy, labels.energy, 1e-6);
      EXPECT_LT(mlff_test::largest_difference(frame.forces, labels.forces), 1e-6);
      ASSERT_EQ(frame.stress.has_value(), labels.stress.has_value());
      for (int c = 0; c < 9 && labels.stress; c++)
        EXPECT_NEAR((*frame.stress)[c], (*labels.stress)[c], 1e-8);
    }
  }
};

TEST_F(DistillStructures, ConstantVolumeAndResume)
{
  settings("a");
  const std::string text = distill("a");
  EXPECT_NE(text.find("probe S MAE"), std::string::npos) << text;
  const Json all = manifest("a");
  ASSERT_EQ(all["rounds"].size(), 3u);
  EXPECT_TRUE(all["done"]);
  EXPECT_EQ(frames_of("a/round-0/cell.xyz").size(), 12u);
  for (int r = 1; r < 3; r++) {
    const Json &round = all["rounds"][r];
    EXPECT_EQ(round["labelled"], 8);
    EXPECT_EQ(round["trajectories"], 2);
    EXPECT_EQ(round["stopped"], 0);
    EXPECT_GT(round["mean_spread_meV_per_A"], 0.0);
    for (const char *key : {"force_mae_meV_per_A", "stress_mae_GPa"})
      EXPECT_GT(round["probe"][key], 0.0) << key;
    // 8 frames each behind the warm-up of 20 steps, from 30 to 135
    const Json &cell = round["structures"]["cell"];
    EXPECT_EQ(cell["candidates"], 16);
    EXPECT_EQ(cell["trajectories"][1]["temperature"], 600.0);
    EXPECT_EQ(cell["trajectories"][1]["end"], "complete");
    EXPECT_NEAR(cell["trajectories"][1]["ps"], 0.14, 1e-9);
  }
  const auto frames = frames_of("a/round-2/cell.xyz");
  ASSERT_EQ(frames.size(), 5u);
  TeacherSettings teacher;
  teacher.kind = "lammps";
  teacher.values["lammps"] = file("silicon.lammps");
  teacher.lammps = LAMMPS;
  expect_labels(frames, *make_teacher(teacher));
  for (const auto &frame : frames)
    EXPECT_NEAR(cell_volume(frame.cell), 5.431 * 5.431 * 5.431, 1e-2);
  const auto training = Json::parse(Potential::read(file("a/student-2.safetensors")).training);
  EXPECT_EQ(training["distillation"]["settings"]["student"]["loss"]["stress"]["weight"], 1.0);
  EXPECT_EQ(training["distillation"]["rounds"][2]["stopped"], 0);

  // killed at any time, the same comes out
  settings("b");
  for (int attempt = 0; attempt < 6; attempt++) {
    const std::string command = "cd '" + folder.string() + "' && timeout -s KILL " +
        std::to_string(0.3 + 0.2 * attempt) + " " MLFF_PROGRAM " distill b.yaml >/dev/null 2>&1";
    if (std::system(command.c_str()) == 0) break;
  }
  distill("b");
  EXPECT_EQ(weights("a"), weights("b"));
  EXPECT_EQ(manifest("b")["rounds"], all["rounds"]);

  write("cell.xyz", content("cell.xyz") + content("cell.xyz"));
  expect_error("distill a.yaml", {"'cell.xyz' (structures)", "not those that"});
}

TEST_F(DistillStructures, ConstantPressureOfSeveralStructures)
{
  fs::copy_file(POTENTIALS "/silicon-sw-painn32.safetensors", file("p.safetensors"));
  write("two.xyz", content("cell.xyz") + content("cell.xyz"));
  settings("a",
           {{"structures", "[two.xyz]"},
            {"repeat", "[2, 1, 1]"},
            {"teacher", "{models: [p.safetensors]}"},
            {"rounds", "1"},
            {"sampling",
             "{temperatures: [300], ensemble: npt, pressures: [0, 60000], coupling: iso, "
             "frames: 8, every: 15, warmup: 100, timestep: 2, stop_spread: 1000}"}});
  distill("a");
  const Json round = manifest("a")["rounds"][1];
  EXPECT_EQ(round["trajectories"], 4);
  EXPECT_EQ(round["structures"].size(), 2u);
  EXPECT_EQ(round["structures"]["two-2"]["trajectories"][1]["pressure"], 60000.0);
  const auto teacher = teacher_of_potentials({file("p.safetensors")}, 1);
  double least = HUGE_VAL, most = 0.0;
  for (const char *name : {"a/round-1/two-1.xyz", "a/round-1/two-2.xyz"}) {
    const auto frames = frames_of(name);
    EXPECT_EQ(frames.size(), 5u) << name;
    expect_labels(frames, *teacher);
    for (const auto &frame : frames) {
      ASSERT_EQ(frame.n_atoms(), 16);
      EXPECT_NEAR(frame.cell[0], 2 * frame.cell[4], 1e-3);    // iso keeps the shape
      least = std::min(least, cell_volume(frame.cell));
      most = std::max(most, cell_volume(frame.cell));
    }
  }
  EXPECT_LT(least, 0.999 * most);
}

TEST_F(DistillStructures, CouplingTiltsACell)
{
  fs::copy_file(POTENTIALS "/silicon-sw-painn32.safetensors", file("p.safetensors"));
  settings("a",
           {{"teacher", "{models: [p.safetensors]}"},
            {"rounds", "1"},
            {"sampling",
             "{temperatures: [300], ensemble: npt, coupling: tri, frames: 8, every: 15, "
             "warmup: 100, timestep: 2, stop_spread: 1000}"}});
  distill("a");
  const auto frames = frames_of("a/round-1/cell.xyz");
  ASSERT_EQ(frames.size(), 5u);
  for (const auto &frame : frames) {
    double tilt = 0.0;
    for (const int c : {3, 6, 7}) tilt = std::max(tilt, std::abs(frame.cell[c]));
    EXPECT_GT(tilt, 1e-4);
  }
  expect_labels(frames, *teacher_of_potentials({file("p.safetensors")}, 1));
}

TEST_F(DistillStructures, SpreadStopsTrajectories)
{
  const std::string sampling = "{temperatures: [300], frames: 12, every: 15, warmup: 20, timestep: "
                               "1, stop_spread: ";
  // gain 1: errors never fall by so much
  const std::map<std::string, std::string> common = {
      {"rounds", "3"}, {"gain", "1"}, {"select", "{frames: 3, probe: 2}"}};
  auto changes = common;
  changes["sampling"] = sampling + "0.00001}";
  settings("stopped", changes);
  const std::string said = run("distill stopped.yaml", true);
  ASSERT_EQ(status, 0) << said;
  EXPECT_NE(said.find("round 1: cell at 300 K was stopped at 0.01 ps"), std::string::npos) << said;
  const Json stopped = manifest("stopped")["rounds"];
  ASSERT_EQ(stopped.size(), 4u) << "the loop goes on while trajectories are stopped";
  for (int r = 1; r < 4; r++) {
    EXPECT_EQ(stopped[r]["stopped"], 1);
    const Json &cell = stopped[r]["structures"]["cell"];
    EXPECT_EQ(cell["trajectories"][0]["end"], "stopped");
    EXPECT_NEAR(cell["trajectories"][0]["ps"], 0.01, 1e-9);
    EXPECT_EQ(cell["candidates"], 1) << "the frame at which it stopped";
    EXPECT_EQ(stopped[r]["labelled"], 1);
  }
  changes["sampling"] = sampling + "1000}";
  settings("free", changes);
  distill("free");
  const Json free = manifest("free")["rounds"];
  ASSERT_EQ(free.size(), 3u) << "round 2 is the last that 'gain' lets be";
  EXPECT_EQ(free[2]["stopped"], 0);
  EXPECT_EQ(free[2]["structures"]["cell"]["candidates"], 12);
}

TEST_F(DistillStructures, OpenStructureAndDataToStartFrom)
{
  const std::string data = MLFF_TEST_DATA "/ethanol_rmd17.xyz";
  fs::copy_file(POTENTIALS "/ethanol-rmd17-painn32.safetensors", file("p.safetensors"));
  const auto reader = open_trajectory(data);
  Structure frame;
  ASSERT_TRUE(reader->next(frame));
  frame.masses.assign(frame.numbers.size(), 0.0);
  for (int i = 0; i < frame.n_atoms(); i++)    // heavy hydrogen
    frame.masses[i] = frame.numbers[i] == 1 ? 2.014 : atomic_mass(frame.numbers[i]);
  std::FILE *out = std::fopen(file("open.xyz").c_str(), "w");
  write_xyz(out, frame);
  std::fclose(out);
  std::map<std::string, std::string> changes = {
      {"structures", "open.xyz"},
      {"teacher", "{models: [p.safetensors]}"},
      {"rounds", "1"},
      {"sampling", "{temperatures: [100], frames: 12, every: 5, warmup: 5, stop_spread: 1000}"}};
  settings("copies", changes);
  distill("copies");
  EXPECT_EQ(frames_of("copies/round-0/open.xyz").size(), 12u);
  const auto teacher = teacher_of_potentials({file("p.safetensors")}, 1);
  const auto sampled = frames_of("copies/round-1/open.xyz");
  expect_labels(sampled, *teacher);
  for (const auto &one : sampled) {
    EXPECT_EQ(one.periodic, (std::array{false, false, false}));
    EXPECT_EQ(one.masses, frame.masses);
  }
  EXPECT_FALSE(manifest("copies")["rounds"][1]["probe"].contains("stress_mae_GPa"));

  changes["copies"] = "";
  changes["data"] = "{start: {file: " + data + "}}";
  settings("data", changes);
  distill("data");
  EXPECT_FALSE(fs::exists(file("data/round-0/open.xyz")));
  EXPECT_EQ(manifest("data")["rounds"][0]["n_train"], 19);
}

TEST_F(DistillStructures, Errors)
{
  expect_settings_error({{"structures", ""}, {"copies", ""}},
                        {"'molecules' is missing", "either a SMILES", "'structures'"});
  expect_settings_error({{"molecules", "CCO"}}, {"'molecules' stands beside 'structures'"});
  expect_settings_error({{"reach", "no"}}, {"'reach'", "is of use for 'molecules'", "--reach"});
  expect_settings_error({{"structures", "none.xyz"}},
                        {"'structures' names 'none.xyz', which is not there"});
  expect_settings_error({{"structures", "none*.xyz"}}, {"no file is named like", "none*.xyz"});
  for (const char *wrong : {"[2, 2]", "[2, 0, 1]", "[1, 1, 1.5]", "[1, 1, 2000]"})
    expect_settings_error({{"repeat", wrong}}, {"'repeat'", "three whole numbers", "[2, 2, 2]"});
  expect_settings_error({{"copies", "{volume: [1.1, 0.9]}"}},
                        {"'copies.volume'", "the smaller one first", "[0.9, 1.1]"});
  expect_settings_error({{"copies", "{rattle: 0, strain: 0}"}},
                        {"'copies.frames'", "all the same", "'rattle'"});
  expect_settings_error({{"copies", "{strain: 0.5}"}}, {"'copies.strain' is '0.5'", "<= 0.3"});
  expect_settings_error({{"data", "{start: {file: cell.xyz}}"}},
                        {"'copies' stands beside 'data.start'"});
  expect_settings_error({{"sampling", "{ensemble: nve}"}},
                        {"'sampling.ensemble' is 'nve'", "nvt, npt"});
  expect_settings_error({{"sampling", "{pressures: [1]}"}},
                        {"'sampling.pressures'", "'ensemble: npt'"});
  expect_settings_error({{"sampling", "{coupling: iso}"}},
                        {"'sampling.coupling'", "'ensemble: npt'"});
  expect_settings_error({{"sampling", "{ensemble: npt, coupling: cubic}"}},
                        {"'sampling.coupling' is 'cubic'", "iso, aniso, tri"});
  expect_settings_error({{"sampling", "{ensemble: npt, pressures: []}"}},
                        {"'sampling.pressures' is an empty list"});
  expect_settings_error({{"sampling", "{temperatures: []}"}},
                        {"'sampling.temperatures' is an empty list"});
  expect_settings_error({{"sampling", "{stop_spread: 0}"}},
                        {"'sampling.stop_spread' is '0'", "a number >= 1e-06"});
  expect_settings_error({{"sampling", "{ensemble: npt, pressures: [0, 1], frames: 1}"}},
                        {"'select.frames'", "8 of the 4 frames", "of a structure"});
  const std::map<std::string, std::string> molecule = {{"structures", ""},
                                                       {"copies", ""},
                                                       {"molecules", "CCO"},
                                                       {"data", "{start: {file: cell.xyz}}"},
                                                       {"sampling", ""}};
  for (const auto &[key, value, said] : std::vector<std::array<std::string, 3>>{
           {"repeat", "[1, 1, 1]", "'repeat'"},
           {"copies", "{frames: 3}", "'copies'"},
           {"sampling", "{ensemble: nvt}", "'sampling.ensemble'"},
           {"sampling", "{stop_spread: 1}", "'sampling.stop_spread'"},
           {"sampling", "{pressures: [1]}", "'sampling.pressures'"}}) {
    auto changes = molecule;
    changes[key] = value;
    expect_settings_error(changes, {said, "of use for 'structures'", "'molecules'"});
  }
}

TEST_F(DistillStructures, StructuresThatCannotBe)
{
  const std::string plain = "2\nProperties=species:S:1:pos:R:3\nSi 0 0 0\nSi 0 0 2.3\n",
                    slab = "1\nLattice=\"3 0 0 0 3 0 0 0 9\" pbc=\"T T F\" "
                           "Properties=species:S:1:pos:R:3\nSi 0 0 0\n";
  write("open.xyz", plain);
  write("slab.xyz", content("cell.xyz") + slab);
  expect_settings_error({{"structures", "open.xyz"}, {"repeat", "[1, 2, 1]"}},
                        {"open.xyz', frame 1,", "'repeat'", "not periodic along b"});
  expect_settings_error({{"structures", "slab.xyz"}, {"sampling", "{ensemble: npt}"}},
                        {"slab.xyz', frame 2,", "periodic in 2 of 3 directions", "nvt"});
  write("near.xyz", "2\nProperties=species:S:1:pos:R:3\nSi 0 0 0\nSi 0 0 1.2\n");
  expect_settings_error({{"structures", "near.xyz"}},
                        {"near.xyz', frame 1,", "too close", "0.6 times"});
  write("empty.xyz", "");
  expect_settings_error({{"structures", "empty.xyz"}}, {"empty.xyz"});
  fs::create_directory(file("other"));
  write("other/open.xyz", plain);
  expect_settings_error({{"structures", "[open.xyz, other/open.xyz]"}},
                        {"other/open.xyz', frame 1,", "named 'open'", "different names"});
  if (has_teacher("xtb"))
    expect_settings_error({{"teacher", "{method: gfn2}"}},
                          {"cell.xyz', frame 1,", "cannot be labelled by the teacher",
                           "xTB labels molecules", "periodic"});
  // a teacher that fails for all copies
  write("wrong.lammps", "pair_style      sw\npair_coeff      * * Si.sw Ge\n");
  settings("wrong", {{"teacher", "{lammps: wrong.lammps}"}});
  expect_error("distill wrong.yaml", {"round 0, labels of cell", "every frame failed"});
}

}    // namespace
