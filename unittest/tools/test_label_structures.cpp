// mlff label --structures: with LAMMPS as teacher, and with copies that are made of structures.
#include "data/trajectory.h"
#include "models/random_model.h"
#include "structure/lattice.h"
#include "support/program_fixture.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

using namespace mlff;

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;
using Matrix = std::array<double, 9>;

Matrix inverse(const Matrix &m)
{
  const double d = m[0] * (m[4] * m[8] - m[5] * m[7]) - m[1] * (m[3] * m[8] - m[5] * m[6]) +
      m[2] * (m[3] * m[7] - m[4] * m[6]);
  return {(m[4] * m[8] - m[5] * m[7]) / d, (m[2] * m[7] - m[1] * m[8]) / d,
          (m[1] * m[5] - m[2] * m[4]) / d, (m[5] * m[6] - m[3] * m[8]) / d,
          (m[0] * m[8] - m[2] * m[6]) / d, (m[2] * m[3] - m[0] * m[5]) / d,
          (m[3] * m[7] - m[4] * m[6]) / d, (m[1] * m[6] - m[0] * m[7]) / d,
          (m[0] * m[4] - m[1] * m[3]) / d};
}

Matrix product(const Matrix &a, const Matrix &b)
{
  Matrix c{};
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++)
      for (int k = 0; k < 3; k++) c[3 * i + j] += a[3 * i + k] * b[3 * k + j];
  return c;
}

/// Vectors as rows, times a matrix.
std::vector<double> rows_times(const std::vector<double> &rows, const Matrix &m)
{
  std::vector<double> out(rows.size(), 0.0);
  for (std::size_t k = 0; k < rows.size(); k++)
    for (int c = 0; c < 3; c++) out[k] += rows[k - k % 3 + c] * m[3 * c + k % 3];
  return out;
}

class Structures : public mlff_test::ProgramTest {
 protected:
  static constexpr Matrix cell = {5.5, 0, 0, 0.7, 5.3, 0, -0.4, 0.9, 5.6};

  void SetUp() override
  {
    ProgramTest::SetUp();
    fs::copy_file(SILICON, file("Si.sw"));
    write("silicon.lammps", "pair_style      sw\npair_coeff      * * Si.sw ${elements}\n");
    random_potential({4, 1, 4}, {14}, 3.0, 1).write(file("m.safetensors"));
    write_frames("si.xyz", {silicon()});
  }

  void write(const std::string &name, const std::string &text) const
  {
    std::ofstream(file(name)) << text;
  }

  void write_frames(const std::string &name, const std::vector<Structure> &frames) const
  {
    std::FILE *out = std::fopen(file(name).c_str(), "w");
    for (const auto &frame : frames) write_xyz(out, frame);
    std::fclose(out);
  }

  std::vector<Structure> frames_of(const std::string &name) const
  {
    const auto reader = open_trajectory(file(name));
    std::vector<Structure> frames;
    for (Structure frame; reader->next(frame);) frames.push_back(frame);
    return frames;
  }

  static Structure silicon(unsigned seed = 1)
  {
    constexpr double diamond[8][3] = {{0, 0, 0},          {0, 0.5, 0.5},      {0.5, 0, 0.5},
                                      {0.5, 0.5, 0},      {0.25, 0.25, 0.25}, {0.25, 0.75, 0.75},
                                      {0.75, 0.25, 0.75}, {0.75, 0.75, 0.25}};
    Structure s;
    s.cell = cell;
    s.periodic = {true, true, true};
    std::mt19937 generator(seed);
    std::normal_distribution<double> normal(0.0, 0.05);
    for (const auto &share : diamond) {
      s.numbers.push_back(14);
      for (int c = 0; c < 3; c++)
        s.positions.push_back(share[0] * cell[c] + share[1] * cell[3 + c] + share[2] * cell[6 + c] +
                              normal(generator));
    }
    return s;
  }

  /// Copies of the first file with the potential as teacher, which is fast.
  std::vector<Structure> copies(const std::string &options, const std::string &name = "si.xyz")
  {
    fs::remove(file("copies.xyz"));
    const std::string said =
        run("label --structures " + name + " --model m.safetensors -o copies.xyz " + options, true);
    EXPECT_EQ(status, 0) << said;
    return frames_of("copies.xyz");
  }

  /// What cell and positions of a copy are multiplied with: x' = F x.
  static Matrix deformation(const Structure &before, const Structure &after)
  {
    const Matrix transposed = product(inverse(before.cell), after.cell);
    Matrix f;
    for (int i = 0; i < 3; i++)
      for (int j = 0; j < 3; j++) f[3 * i + j] = transposed[3 * j + i];
    return f;
  }

  static void expect_fractions(const Structure &before, const Structure &after)
  {
    const auto a = rows_times(before.positions, inverse(before.cell)),
               b = rows_times(after.positions, inverse(after.cell));
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t k = 0; k < a.size(); k++) EXPECT_NEAR(a[k], b[k], 1e-9);
  }
};

TEST_F(Structures, LammpsLabelsThem)
{
  write_frames("three.xyz", {silicon(1), silicon(2), silicon(3)});
  run("label --structures three.xyz --lammps silicon.lammps -o a.xyz");
  ASSERT_EQ(status, 0);
  run("label --structures three.xyz --lammps silicon.lammps --lammps-types Si --lammps-processes 2 "
      "-o b.xyz");
  ASSERT_EQ(status, 0);
  EXPECT_EQ(content("a.xyz"), content("b.xyz"));
  const auto frames = frames_of("a.xyz");
  ASSERT_EQ(frames.size(), 3u);
  for (const auto &frame : frames) {
    // 4.34 eV an atom in the crystal at rest, which this one is not
    EXPECT_NEAR(*frame.energy, -8 * 4.0, 2.0);
    EXPECT_EQ(frame.forces.size(), 24u);
  }
  EXPECT_EQ(frames[1].positions, silicon(2).positions);
  const auto manifest = Json::parse(content("b.xyz.json"));
  EXPECT_EQ(manifest["settings"]["lammps"], "silicon.lammps");
  EXPECT_EQ(manifest["settings"]["lammps_types"], Json({"Si"}));
  EXPECT_EQ(manifest["settings"]["lammps_units"], "metal");
  EXPECT_FALSE(manifest["settings"].contains("charge"));
  EXPECT_GT(manifest["lammps_version"].get<long>(), 20200000);
  std::set<std::string> files;
  for (const auto &one : manifest["files"]) {
    files.insert(one["file"]);
    EXPECT_EQ(one["sha256"].get<std::string>().size(), 64u);
  }
  EXPECT_EQ(files, (std::set<std::string>{"three.xyz", "silicon.lammps", "Si.sw"}));
}

TEST_F(Structures, AFrameThatLammpsCannotLabelIsNamedOrLeftOut)
{
  Structure germanium = silicon(2);
  germanium.numbers[3] = 32;
  write_frames("three.xyz", {silicon(1), germanium, silicon(3)});
  const std::string arguments = "label --structures three.xyz --lammps silicon.lammps -o a.xyz";
  expect_error(arguments, {"'three.xyz', frame 2: LAMMPS says 'ERROR: ", "Si.sw Si Ge"});
  // the frame before is not lost
  EXPECT_EQ(Json::parse(content("a.xyz.json"))["frames"], 1);
  run(arguments + " --skip-failed");
  EXPECT_EQ(status, 0);
  const auto frames = frames_of("a.xyz");
  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[1].positions, silicon(3).positions);
  expect_error("label --structures three.xyz --lammps silicon.lammps --lammps-types Si -o b.xyz",
               {"'three.xyz', frame 2: atom 4 is Ge, but the atom types of the commands "
                "(lammps_types) are: Si"});
}

TEST_F(Structures, WhatLammpsNeedsIsSaid)
{
  const std::string start = "label --structures si.xyz -o a.xyz --lammps ";
  expect_error(start + "none.lammps",
               {"file of LAMMPS commands 'none.lammps' cannot be opened: No such file"});
  write("run.lammps", "pair_style sw\nrun 100\n");
  expect_error(start + "run.lammps", {"'run.lammps', line 2: 'run' is not accepted"});
  expect_error(start + "silicon.lammps --lmp /nowhere/lmp",
               {"there is no LAMMPS at '/nowhere/lmp'; name one", "--lmp or MLFF_LAMMPS"});
  write("bad.lammps", "pair_style nothing\n");
  // no frame can be labelled, so that none is left out
  expect_error(start + "bad.lammps --lammps-types Si --skip-failed",
               {"frame 1: LAMMPS says 'ERROR: Unrecognized pair style 'nothing'"});
  expect_error(start + "silicon.lammps --model m.safetensors", {"--lammps", "--model"});
  expect_error(start + "silicon.lammps --lammps-units lj", {"--lammps-units", "metal"});
  expect_error(start + "silicon.lammps --lammps-processes 0", {"--lammps-processes"});
  expect_error("label --structures si.xyz -o a.xyz --lammps-types Si", {"--lammps"});
  EXPECT_FALSE(fs::exists(file("a.xyz")));
}

TEST_F(Structures, LabelsByLammpsGoOnAfterAKill)
{
  // each frame waits, so that all take longer than the two seconds after which some are saved
  write("slow.lammps", "pair_style      sw\npair_coeff      * * Si.sw Si\nshell sleep 0.01\n");
  const std::string arguments =
      "label --structures si.xyz --rattle 0.03 --strain 0.02 --frames 250 --lammps slow.lammps ";
  run(arguments + "-o whole.xyz");
  ASSERT_EQ(status, 0);
  ASSERT_TRUE(kill_when(arguments + "-o cut.xyz", [&] {
    return content("cut.xyz.json").find("\"frames\": ") != std::string::npos;
  }));
  ASSERT_FALSE(fs::exists(file("cut.xyz")));

  // LAMMPS ends with the program that started it
  const auto is_left = [&] {
    std::error_code code;
    for (const auto &process : fs::directory_iterator("/proc", code)) {
      const auto name = process.path().filename().string();
      if (name.find_first_not_of("0123456789") == std::string::npos &&
          fs::read_symlink(process.path() / "cwd", code) == folder)
        return true;
    }
    return false;
  };
  for (int k = 0; k < 500 && is_left(); k++) usleep(10000);
  EXPECT_FALSE(is_left());

  expect_error(arguments + "--seed 2 -o cut.xyz", {"copies.seed = 1, now it is 2"});
  const std::string potential = content("Si.sw");
  write("Si.sw", potential + "# changed\n");
  expect_error(arguments + "-o cut.xyz",
               {"'Si.sw' (--lammps) are not those that 'cut.xyz.part' was made from"});
  write("Si.sw", potential);
  const std::string said = run(arguments + "-o cut.xyz", true);
  ASSERT_EQ(status, 0) << said;
  EXPECT_NE(said.find("frames are there already"), std::string::npos) << said;
  EXPECT_EQ(content("cut.xyz"), content("whole.xyz"));
}

TEST_F(Structures, AreRepeatedWithAllThatTheirFileSays)
{
  write("few.xyz",
        "2\nLattice=\"4 0 0 1 5 0 0 0 6\" pbc=\"T T T\" origin='a book' charge=1 spin=2 energy=-3 "
        "Properties=species:S:1:pos:R:3:site:S:1:vel:R:3:forces:R:3:mass:R:1\n"
        "Si 0 0 0 inner 1 2 3 0 0 1 28\nSi 2 2 2 outer 4 5 6 0 0 -1 30\n");
  const auto made = copies("--repeat 2 1 3", "few.xyz");
  ASSERT_EQ(made.size(), 1u);
  const Structure &s = made[0];
  ASSERT_EQ(s.n_atoms(), 12);
  EXPECT_EQ(s.cell, (Matrix{8, 0, 0, 1, 5, 0, 0, 0, 18}));
  EXPECT_EQ(s.periodic, (std::array{true, true, true}));
  EXPECT_EQ(s.charge, 6.0);
  EXPECT_EQ(s.multiplicity, 7.0);
  EXPECT_NE(*s.energy, -3.0);
  const std::vector<double> begin(s.positions.begin(), s.positions.begin() + 9),
      end(s.positions.end() - 3, s.positions.end());
  EXPECT_EQ(begin, (std::vector<double>{0, 0, 0, 2, 2, 2, 0, 0, 6}));
  EXPECT_EQ(end, (std::vector<double>{6, 2, 14}));
  EXPECT_EQ(s.velocities[33], 4.0);
  EXPECT_EQ(s.masses[10], 28.0);
  const std::string text = content("copies.xyz");
  EXPECT_NE(text.find("origin='a book'"), std::string::npos) << text;
  std::size_t inner = 0;
  for (std::size_t at = 0; (at = text.find(" inner ", at)) != std::string::npos; at++) inner++;
  EXPECT_EQ(inner, 6u);
  EXPECT_EQ(Json::parse(content("copies.xyz.json"))["settings"]["copies"],
            (Json{{"repeat", {2, 1, 3}}}));
}

TEST_F(Structures, AreDisplaced)
{
  const auto made = copies("--repeat 2 2 1 --rattle 0.05 --frames 30");
  ASSERT_EQ(made.size(), 30u);
  const Structure whole = copies("--repeat 2 2 1")[0];
  double squares = 0.0, sum = 0.0;
  long n = 0;
  for (const auto &copy : made) {
    EXPECT_EQ(copy.cell, whole.cell);
    EXPECT_EQ(copy.periodic, whole.periodic);
    ASSERT_EQ(copy.positions.size(), whole.positions.size());
    for (std::size_t k = 0; k < copy.positions.size(); k++, n++) {
      const double d = copy.positions[k] - whole.positions[k];
      sum += d;
      squares += d * d;
    }
  }
  // 2880 coordinates; five standard errors
  EXPECT_NEAR(std::sqrt(squares / double(n)), 0.05, 5 * 0.05 / std::sqrt(2.0 * double(n)));
  EXPECT_NEAR(sum / double(n), 0.0, 5 * 0.05 / std::sqrt(double(n)));
}

TEST_F(Structures, AreStrainedAlike)
{
  const Structure s = silicon();
  const auto made = copies("--strain 0.03 --frames 400");
  ASSERT_EQ(made.size(), 400u);
  std::array<double, 9> sum{}, squares{};
  double least = 0.0, most = 0.0, volume = 0.0;
  for (const auto &copy : made) {
    EXPECT_EQ(copy.periodic, s.periodic);
    expect_fractions(s, copy);
    const Matrix f = deformation(s, copy);
    for (int i = 0; i < 3; i++)
      for (int j = 0; j < 3; j++) {
        const double strain = f[3 * i + j] - (i == j);
        EXPECT_NEAR(f[3 * i + j], f[3 * j + i], 1e-12);
        EXPECT_LE(std::abs(strain), 0.03 + 1e-12);
        sum[3 * i + j] += strain / 400;
        squares[3 * i + j] += strain * strain / 400;
        least = std::min(least, strain);
        most = std::max(most, strain);
      }
    volume += cell_volume(copy.cell) / cell_volume(s.cell) / 400;
  }
  // uniform: the variance is 0.03^2/3, five standard errors
  for (int k = 0; k < 9; k++) {
    EXPECT_NEAR(sum[k], 0.0, 5 * 0.03 / std::sqrt(3.0 * 400)) << k;
    EXPECT_NEAR(squares[k], 3e-4, 5 * 9e-4 * std::sqrt(4.0 / 45.0 / 400)) << k;
  }
  EXPECT_LT(least, -0.029);
  EXPECT_GT(most, 0.029);
  EXPECT_NEAR(volume, 1.0, 5 * 0.03 / std::sqrt(400.0));
}

TEST_F(Structures, HaveVolumesOfARange)
{
  const Structure s = silicon();
  for (const std::string strain : {"", "--strain 0.05 "}) {
    const auto made = copies(strain + "--volume 0.9 1.1 --frames 300");
    ASSERT_EQ(made.size(), 300u);
    double least = 2.0, most = 0.0, mean = 0.0;
    for (const auto &copy : made) {
      expect_fractions(s, copy);
      const double share = cell_volume(copy.cell) / cell_volume(s.cell);
      least = std::min(least, share);
      most = std::max(most, share);
      mean += share / 300;
      const Matrix f = deformation(s, copy);
      for (int k = 0; k < 9 && strain.empty(); k++)
        EXPECT_NEAR(f[k], k % 4 == 0 ? std::cbrt(share) : 0.0, 1e-12) << k;
    }
    EXPECT_GE(least, 0.9 - 1e-12);
    EXPECT_LE(most, 1.1 + 1e-12);
    EXPECT_LT(least, 0.91);
    EXPECT_GT(most, 1.09);
    EXPECT_NEAR(mean, 1.0, 5 * 0.2 / std::sqrt(12.0 * 300));
  }
}

TEST_F(Structures, AreStrainedOnlyWhereTheyArePeriodic)
{
  Structure layer = silicon(), rod = layer;
  layer.periodic = {true, false, true};
  rod.periodic = {false, true, false};
  write_frames("layer.xyz", {layer});
  write_frames("rod.xyz", {rod});
  const double *a = &cell[0], *b = &cell[3], *c = &cell[6];
  const Vector3 normal = {a[1] * c[2] - a[2] * c[1], a[2] * c[0] - a[0] * c[2],
                          a[0] * c[1] - a[1] * c[0]};
  const auto area = [](const Structure &s) {
    const double *u = &s.cell[0], *v = &s.cell[6];
    return std::hypot(u[1] * v[2] - u[2] * v[1], u[2] * v[0] - u[0] * v[2],
                      u[0] * v[1] - u[1] * v[0]);
  };
  bool sheared = false;
  for (const auto &copy : copies("--strain 0.04 --volume 0.95 1.2 --frames 40", "layer.xyz")) {
    EXPECT_EQ(copy.periodic, layer.periodic);
    expect_fractions(layer, copy);
    for (std::size_t k = 0; k < copy.positions.size(); k += 3) {
      double along = 0.0;
      for (int d = 0; d < 3; d++)
        along += normal[d] * (copy.positions[k + d] - layer.positions[k + d]);
      EXPECT_NEAR(along, 0.0, 1e-9);
    }
    const double share = area(copy) / area(layer);
    EXPECT_GE(share, 0.95 - 1e-9);
    EXPECT_LE(share, 1.2 + 1e-9);
    const Matrix f = deformation(layer, copy);
    sheared = sheared || std::abs(f[1]) + std::abs(f[2]) > 0.01;
  }
  EXPECT_TRUE(sheared);
  for (const auto &copy : copies("--strain 0.04 --frames 40", "rod.xyz")) {
    // positions move along b alone
    for (std::size_t k = 0; k < copy.positions.size(); k += 3) {
      double move[3];
      for (int d = 0; d < 3; d++) move[d] = copy.positions[k + d] - rod.positions[k + d];
      EXPECT_NEAR(move[0] * b[1] - move[1] * b[0], 0.0, 1e-9);
      EXPECT_NEAR(move[2], 0.0, 1e-9);
    }
    const double stretch = std::hypot(copy.cell[3], copy.cell[4]) / std::hypot(b[0], b[1]);
    EXPECT_LE(std::abs(stretch - 1.0), 2 * 0.04);
  }
}

TEST_F(Structures, AreMadeAgainFromTheirSeed)
{
  const std::string options = "--strain 0.03 --rattle 0.05 --volume 0.9 1.1 ";
  copies(options + "--frames 10");
  const std::string ten = content("copies.xyz");
  EXPECT_EQ(Json::parse(content("copies.xyz.json"))["settings"]["copies"],
            (Json{{"repeat", {1, 1, 1}},
                  {"frames", 10},
                  {"rattle", 0.05},
                  {"strain", 0.03},
                  {"volume", {0.9, 1.1}},
                  {"seed", 1}}));
  copies(options + "--frames 10 --seed 1");
  EXPECT_EQ(content("copies.xyz"), ten);
  copies(options + "--frames 5");
  EXPECT_EQ(content("copies.xyz"), ten.substr(0, content("copies.xyz").size()));
  copies(options + "--frames 10 --seed 2");
  EXPECT_NE(content("copies.xyz"), ten);
  // of several structures, each has copies of its own
  write_frames("two.xyz", {silicon(1), silicon(1)});
  const auto both = copies(options + "--frames 5", "two.xyz");
  ASSERT_EQ(both.size(), 10u);
  EXPECT_NE(both[0].positions, both[5].positions);
  // one copy where no number is given
  EXPECT_EQ(copies("--rattle 0.05").size(), 1u);
}

TEST_F(Structures, CopiesThatCannotBeMadeAreRefused)
{
  Structure open = silicon(), layer = open;
  open.periodic = {false, false, false};
  layer.periodic = {true, true, false};
  write_frames("some.xyz", {silicon(), open});
  write_frames("layer.xyz", {layer});
  const std::string start = "label --model m.safetensors -o a.xyz --structures ";
  expect_error(start + "some.xyz --strain 0.03",
               {"'some.xyz', frame 2: it has no periodic direction, which a strain needs"});
  expect_error(start + "some.xyz --volume 0.9 1.1",
               {"'some.xyz', frame 2: it has no periodic direction, which a volume needs"});
  expect_error(start + "layer.xyz --repeat 2 2 2",
               {"'layer.xyz', frame 1: it is not periodic along c, so that it cannot be repeated"});
  expect_error(start + "si.xyz --frames 5",
               {"--frames: all copies of a structure would be the "
                "same",
                "--rattle, --strain, --volume or --sampling wide"});
  expect_error(start + "si.xyz --strain 0.5", {"--strain", "0.3"});
  expect_error(start + "si.xyz --volume 1.1 0.9", {"--volume", "above the largest"});
  expect_error(start + "si.xyz --volume 0.9", {"--volume"});
  expect_error(start + "si.xyz --repeat 2 0 2", {"--repeat"});
  expect_error("label --molecule CCO --strain 0.1 -o b", {"--strain", "--structures"});
  EXPECT_FALSE(fs::exists(file("a.xyz.part")));
  // the name of a copy that fails; a molecule may be displaced
  Structure twice = silicon();
  for (int c = 0; c < 3; c++) twice.positions[3 + c] = twice.positions[c];
  write_frames("twice.xyz", {silicon(), twice});
  expect_error(start + "twice.xyz --volume 0.9 1.1 --frames 3",
               {"'twice.xyz', frame 2, copy 1: ", "at the same position"});
  EXPECT_EQ(copies("--rattle 0.1 --frames 4", "some.xyz").size(), 8u);
}

}    // namespace
