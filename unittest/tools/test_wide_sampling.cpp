// mlff label --sampling wide: geometries far from each other that need no dynamics, of molecules
// and of cells.
#include "data/trajectory.h"
#include "models/random_model.h"
#include "structure/bonds.h"
#include "support/program_fixture.h"
#include "support/random_potential.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>
#include <tuple>

using namespace mlff;

namespace {

class Wide : public mlff_test::ProgramTest {
 protected:
  std::vector<Structure> frames_of(const std::string &name) const
  {
    std::vector<Structure> frames;
    const auto reader = open_trajectory(file(name), {.units = "metal"});
    for (Structure frame; reader->next(frame);) frames.push_back(frame);
    return frames;
  }

  static std::array<double, 3> between(const Structure &frame, int i, int j)
  {
    std::array<double, 3> r;
    for (int c = 0; c < 3; c++) r[c] = frame.positions[3 * j + c] - frame.positions[3 * i + c];
    return r;
  }

  static double distance(const Structure &frame, int i, int j)
  {
    const auto r = between(frame, i, j);
    return std::hypot(r[0], r[1], r[2]);
  }

  /// Degrees.
  static double torsion(const Structure &frame, int i, int j, int k, int l)
  {
    const auto cross = [](const auto &a, const auto &b) {
      return std::array<double, 3>{a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2],
                                   a[0] * b[1] - a[1] * b[0]};
    };
    const auto dot = [](const auto &a, const auto &b) {
      return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
    };
    const auto a = between(frame, i, j), b = between(frame, j, k), c = between(frame, k, l);
    const auto n = cross(a, b), m = cross(b, c);
    return std::atan2(dot(cross(n, m), b) / std::sqrt(dot(b, b)), dot(n, m)) * 180.0 / M_PI;
  }

  /// Eight atoms of silicon, and a potential that labels them.
  void write_silicon() const
  {
    std::ofstream(file("cell.xyz"))
        << "8\nLattice=\"5.43 0 0 0 5.43 0 0 0 5.43\" Properties=species:S:1:pos:R:3 pbc=\"T T "
           "T\"\n"
           "Si 0 0 0\nSi 0 2.715 2.715\nSi 2.715 0 2.715\nSi 2.715 2.715 0\n"
           "Si 1.3575 1.3575 1.3575\nSi 1.3575 4.0725 4.0725\nSi 4.0725 1.3575 4.0725\n"
           "Si 4.0725 4.0725 1.3575\n";
    mlff_test::random_potential({8, 1, 6}, {14}, 4.0).write(file("si.safetensors"));
  }

  static double volume(const Structure &frame)
  {
    const auto &h = frame.cell;
    return std::abs(h[0] * (h[4] * h[8] - h[5] * h[7]) - h[1] * (h[3] * h[8] - h[5] * h[6]) +
                    h[2] * (h[3] * h[7] - h[4] * h[6]));
  }

  /// Shortest distance over all images, Å.
  static double nearest(const Structure &frame)
  {
    GraphStorage graph;
    append_graph(frame, {14}, 4.0, graph);
    double least = 4.0;
    for (std::size_t e = 0; e < graph.r.size(); e += 3)
      least = std::min(least, std::hypot(graph.r[e], graph.r[e + 1], graph.r[e + 2]));
    return least;
  }
};

TEST_F(Wide, MoleculesAreTurnedShakenAndStretched)
{
#ifndef MLFF_TEST_XTB
  GTEST_SKIP() << "this build has no xTB";
#else
  const std::string command = "label --molecule CCO --method gfn2 --sampling wide --jobs 1 ";
  run(command + "--frames 300 -o a");
  ASSERT_EQ(status, 0);
  const auto frames = frames_of("a/molecule.xyz");
  ASSERT_EQ(frames.size(), 300u);
  const auto bonds = bonds_of(frames[0].numbers, [this] {
    run("molecule CCO -o rest.xyz");
    return frames_of("rest.xyz")[0].positions;
  }());
  ASSERT_EQ(bonds.size(), 8u);
  int oxygen = -1, carbon = -1, methyl = -1, hydrogen = -1;
  for (const auto &[i, j] : bonds) {
    const auto z = std::pair(frames[0].numbers[i], frames[0].numbers[j]);
    if (z == std::pair(6, 8)) std::tie(carbon, oxygen) = std::pair(i, j);
  }
  for (const auto &[i, j] : bonds) {
    if (frames[0].numbers[j] == 6 || frames[0].numbers[i] == 6)
      if (frames[0].numbers[i] == frames[0].numbers[j]) methyl = i == carbon ? j : i;
    if (i == oxygen) hydrogen = j;
  }
  ASSERT_TRUE(oxygen >= 0 && methyl >= 0 && hydrogen >= 0);

  std::set<int> sixths;
  double longest = 0.0, shortest = 9.0;
  int nearly = 0;
  for (const auto &frame : frames) {
    EXPECT_TRUE(frame.energy && !frame.forces.empty());
    sixths.insert(int(std::floor(torsion(frame, methyl, carbon, oxygen, hydrogen) / 60.0)));
    std::set<std::pair<int, int>> bonded(bonds.begin(), bonds.end());
    bool all = true;
    for (int j = 0; j < 9; j++)
      for (int i = 0; i < j; i++) {
        const double sum = covalent_radius(frame.numbers[i]) + covalent_radius(frame.numbers[j]);
        const double share = distance(frame, i, j) / sum;
        if (bonded.contains({i, j})) {
          longest = std::max(longest, share);
          shortest = std::min(shortest, share);
          all = all && share < 1.3;
        } else
          EXPECT_GT(share, 1.249) << i << " " << j;
      }
    nearly += all;
  }
  EXPECT_EQ(sixths.size(), 6u) << "the hydroxyl group is turned all the way";
  EXPECT_GT(longest, 1.7) << "bonds are stretched";
  EXPECT_LT(shortest, 0.95);
  EXPECT_GT(shortest, 0.59);
  EXPECT_GT(nearly, 150) << "most frames are the whole molecule";

  run(command + "--frames 20 -o b");
  run(command + "--frames 20 --seed 2 -o c");
  const auto same = frames_of("b/molecule.xyz"), other = frames_of("c/molecule.xyz");
  ASSERT_EQ(same.size(), 20u);
  for (int k = 0; k < 20; k++) {
    EXPECT_EQ(frames[k].positions, same[k].positions);
    EXPECT_NE(frames[k].positions, other[k].positions);
  }
  const auto manifest = nlohmann::json::parse(content("a/manifest.json"));
  EXPECT_EQ(manifest["settings"]["sampling"], "wide");
  // labels are those of the frames
  run("label --structures b/molecule.xyz --method gfn2 -o again.xyz");
  ASSERT_EQ(status, 0);
  const auto again = frames_of("again.xyz");
  ASSERT_EQ(again.size(), 20u);
  for (std::size_t k = 0; k < again.size(); k++)
    EXPECT_NEAR(*again[k].energy, *frames[k].energy, 1e-4);
#endif
}

TEST_F(Wide, CellsAreStrainedDisplacedAndMelted)
{
  write_silicon();
  const std::string command =
      "label --structures cell.xyz --repeat 2 2 2 --sampling wide --frames 120 --model "
      "si.safetensors ";
  run(command + "-o a.xyz");
  ASSERT_EQ(status, 0);
  const auto frames = frames_of("a.xyz");
  ASSERT_EQ(frames.size(), 120u);
  const double whole = 8 * std::pow(5.43, 3), bond = 5.43 * std::sqrt(3.0) / 4.0;
  int vacant = 0, molten = 0, same = 0;
  double least = 9e9, most = 0.0;
  for (const auto &frame : frames) {
    EXPECT_TRUE(frame.energy && frame.stress && !frame.forces.empty());
    EXPECT_TRUE(frame.n_atoms() == 64 || frame.n_atoms() == 63);
    vacant += frame.n_atoms() == 63;
    const double v = volume(frame) / whole;
    same += std::abs(v - 1.0) < 1e-9;
    least = std::min(least, v);
    most = std::max(most, v);
    EXPECT_GT(nearest(frame), 0.5 * bond);
    // a tetrahedral neighbor shell that is lost
    GraphStorage graph;
    append_graph(frame, {14}, 1.2 * bond * std::cbrt(v), graph);
    int tetrahedral = 0;
    for (int i = 0; i < frame.n_atoms(); i++)
      tetrahedral += graph.first_edge[i + 1] - graph.first_edge[i] == 4;
    molten += tetrahedral < frame.n_atoms() / 2;
  }
  EXPECT_GT(least, 0.849);
  EXPECT_LT(least, 0.92);
  EXPECT_LT(most, 1.201);
  EXPECT_GT(most, 1.12);
  for (const int count : {vacant, molten, same}) {
    EXPECT_GT(count, 5);
    EXPECT_LT(count, 80);
  }
  run(command + "-o b.xyz");
  EXPECT_EQ(content("a.xyz"), content("b.xyz"));
  run(command + "--seed 2 -o c.xyz");
  EXPECT_NE(content("a.xyz"), content("c.xyz"));
}

TEST_F(Wide, MoleculesOfALiquidAreNotTakenApart)
{
  std::string text = "24\nLattice=\"6.3 0 0 0 6.3 0 0 0 6.3\" Properties=species:S:1:pos:R:3 "
                     "pbc=\"T T T\"\n";
  for (int k = 0; k < 8; k++) {
    const double x = 3.15 * (k & 1), y = 3.15 * (k >> 1 & 1), z = 3.15 * (k >> 2);
    for (const auto &[symbol, a, b] :
         {std::tuple{"O", 0.0, 0.0}, std::tuple{"H", 0.96, 0.0}, std::tuple{"H", -0.24, 0.93}})
      text += std::string(symbol) + " " + std::to_string(x + a) + " " + std::to_string(y + b) +
          " " + std::to_string(z) + "\n";
  }
  std::ofstream(file("water.xyz")) << text;
  mlff_test::random_potential({8, 1, 6}, {1, 8}, 4.0).write(file("w.safetensors"));
  run("label --structures water.xyz --sampling wide --frames 60 --model w.safetensors -o a.xyz");
  ASSERT_EQ(status, 0);
  for (const auto &frame : frames_of("a.xyz")) {
    ASSERT_EQ(frame.n_atoms(), 24);
    for (int i = 0; i < 24; i += 3)
      for (int h = 1; h < 3; h++) EXPECT_LT(distance(frame, i, i + h), 2.3);
  }
}

TEST_F(Wide, BadInputIsRefused)
{
  write_silicon();
  const std::string command = "label --structures cell.xyz --model si.safetensors -o no.xyz ";
  expect_error(command + "--sampling langevin", {"--sampling", "langevin", "accepted", "wide"});
  expect_error(command + "--sampling wide --rattle 0.1",
               {"wide chooses", "accepted without --rattle"});
  std::ofstream(file("open.xyz")) << "2\n\nSi 0 0 0\nSi 0 0 2.3\n";
  expect_error("label --structures open.xyz --model si.safetensors -o no.xyz --sampling wide",
               {"open.xyz', frame 1", "not periodic in all directions", "SMILES"});
  EXPECT_FALSE(std::filesystem::exists(file("no.xyz")));
}

}    // namespace
