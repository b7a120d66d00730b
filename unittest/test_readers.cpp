// Readers of the program mlff: extended XYZ, rMD17 .npz, SchNetPack weights.
#include "import_schnetpack.h"
#include "npz_writer.h"
#include "random_potential.h"
#include "trajectory.h"
#include "units.h"

#include <gtest/gtest.h>

#include <unistd.h>

using namespace mlff;
using mlff_test::npy;

namespace {

class Readers : public testing::Test {
 protected:
  std::filesystem::path folder = std::filesystem::temp_directory_path() /
      ("mlff-readers-" + std::to_string(getpid()) + "-" + testing::UnitTest::GetInstance()->current_test_info()->name());
  void SetUp() override { std::filesystem::create_directories(folder); }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string put(const std::string &name, const std::string &content) const
  {
    std::ofstream((folder / name).string(), std::ios::binary) << content;
    return (folder / name).string();
  }

  std::vector<Structure> frames(const std::string &path) const
  {
    const auto reader = open_trajectory(path);
    std::vector<Structure> list;
    for (Structure frame; reader->next(frame);) list.push_back(frame);
    EXPECT_EQ(reader->progress(), 1.0);
    return list;
  }

  void expect_error(const std::string &path, const std::vector<std::string> &words) const
  {
    try {
      const auto reader = open_trajectory(path);
      for (Structure frame; reader->next(frame);) {}
      ADD_FAILURE() << "no error; expected: " << words.front();
    } catch (const FileError &error) {
      EXPECT_NE(std::string(error.what()).find("'" + path + "'"), std::string::npos) << "the file is not named: " << error.what();
      for (const auto &word : words) EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
    }
  }
};

TEST_F(Readers, ExtendedXyz)
{
  const auto list = frames(put("a.xyz",
                               "2\nTimestep=100 Time=0.05 pbc=\"T T F\" Lattice=\"4 0 0 1 5 0 0 0 6\" Potential_energy=-1.5e0 "
                               "Properties=species:S:1:pos:R:3:vel:R:3:forces:R:3:mass:R:1\n"
                               "C 0 0.5 -1 1 2 3 0.1 0.2 0.3 12\nH\t1 1 1  4 5 6  -0.1 -0.2 -0.3 1\r\n\n"
                               "1\nenergy=2 comment='two words' Properties=id:I:1:species:S:1:pos:R:3:force:R:3\n7 O 1 2 +3 4 5 6\n"
                               "1\nplain XYZ\n8 1 2 3 and more\n"));
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0].numbers, (std::vector<int>{6, 1}));
  EXPECT_EQ(list[0].positions, (std::vector<double>{0, 0.5, -1, 1, 1, 1}));
  EXPECT_EQ(list[0].velocities, (std::vector<double>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(list[0].forces, (std::vector<double>{0.1, 0.2, 0.3, -0.1, -0.2, -0.3}));
  EXPECT_EQ(list[0].cell, (std::array<double, 9>{4, 0, 0, 1, 5, 0, 0, 0, 6}));
  EXPECT_EQ(list[0].periodic, (std::array<bool, 3>{true, true, false}));
  EXPECT_EQ(list[0].energy, -1.5);
  EXPECT_EQ(list[1].energy, 2.0);
  EXPECT_EQ(list[1].positions, (std::vector<double>{1, 2, 3}));
  EXPECT_EQ(list[1].forces, (std::vector<double>{4, 5, 6}));
  EXPECT_EQ(list[2].numbers, std::vector<int>{8});
  EXPECT_FALSE(list[2].energy.has_value());
  EXPECT_EQ(list[2].periodic, (std::array<bool, 3>{false, false, false}));
}

TEST_F(Readers, WrittenXyzComesBack)
{
  Structure frame = mlff_test::random_structure(7, 3, {5, 0, 0, 0.25, 6, 0, 0, 0, 7}, {true, false, true});
  frame.energy = -1.0 / 3.0;
  frame.forces = frame.positions;
  frame.velocities = frame.positions;
  const std::string path = (folder / "b.xyz").string();
  std::FILE *file = std::fopen(path.c_str(), "w");
  write_xyz(file, frame);
  std::fclose(file);
  const auto list = frames(path);
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0].numbers, frame.numbers);
  EXPECT_EQ(list[0].positions, frame.positions);
  EXPECT_EQ(list[0].forces, frame.forces);
  EXPECT_EQ(list[0].velocities, frame.velocities);
  EXPECT_EQ(list[0].cell, frame.cell);
  EXPECT_EQ(list[0].periodic, frame.periodic);
  EXPECT_EQ(list[0].energy, frame.energy);
}

TEST_F(Readers, XyzRefusals)
{
  expect_error((folder / "none.xyz").string(), {"cannot be opened"});
  expect_error(put("a.txt", ""), {"unknown ending", ".npz, .xyz, .extxyz"});
  expect_error(put("a.xyz", "two\n\n"), {"frame 1, line 1", "found 'two'", "number of atoms"});
  expect_error(put("a.xyz", "-2\n\n"), {"number of atoms"});
  expect_error(put("a.xyz", "1"), {"ends before the comment line"});
  expect_error(put("a.xyz", "2\n\nC 0 0 0\n"), {"ends after 1 of 2 atoms"});
  expect_error(put("a.xyz", "1\n\nC 0 0 0\n1\n\nC 0 zero 0\n"), {"frame 2, line 6", "found 'zero' for pos", "number"});
  expect_error(put("a.xyz", "1\n\nC 0 nan 0\n"), {"found 'nan'"});
  expect_error(put("a.xyz", "1\n\nC 0 0\n"), {"found 3 columns", "names 4"});
  expect_error(put("a.xyz", "1\n\nQq 0 0 0\n"), {"found 'Qq'", "symbol of an element"});
  expect_error(put("a.xyz", "1\nProperties=species:S:1:pos:R:three\nC 0 0 0\n"), {"Properties is 'species:S:1:pos:R:three'", "name:type:count"});
  expect_error(put("a.xyz", "1\nProperties=species:S:1\nC\n"), {"at least species:S:1:pos:R:3"});
  expect_error(put("a.xyz", "1\nProperties=species:S:1:pos:R:3:mass:R:1\nC 0 0 0\n"), {"found 4 columns", "names 5"});
  expect_error(put("a.xyz", "1\nLattice=\"1 0 0\"\nC 0 0 0\n"), {"Lattice has 3 numbers", "expected 9"});
  expect_error(put("a.xyz", "1\nLattice=\"1 0 0\nC 0 0 0\n"), {"'Lattice' has no closing quote"});
  expect_error(put("a.xyz", "1\npbc=\"T T\"\nC 0 0 0\n"), {"pbc is 'T T'"});
  expect_error(put("a.xyz", "1\npbc=\"T T T\"\nC 0 0 0\n"), {"no Lattice"});
  expect_error(put("a.xyz", "1\nenergy=low\nC 0 0 0\n"), {"found 'low' for energy"});
}

TEST_F(Readers, XyzSurvivesMutations)
{
  const std::string whole = "2\npbc=\"T T T\" Lattice=\"4 0 0 0 5 0 0 0 6\" energy=-1 Properties=species:S:1:pos:R:3:forces:R:3\nC 0 0 0 1 1 1\nH 1 1 1 2 2 2\n"
                            "1\nenergy=2\nO 1 2 3\n";
  mlff_test::Uniform uniform(7);
  const auto below = [&](std::size_t n) {
    return std::size_t(0.5 * (uniform() + 1.0) * double(n));
  };
  int refused = 0;
  for (int round = 0; round < 3000; round++) {
    std::string content = whole;
    for (std::size_t k = 0; k <= below(4); k++) {
      const std::size_t at = below(content.size());
      switch (below(4)) {
        case 0:
          content[at] = char(below(256));
          break;
        case 1:
          content[at] = "0123456789 \n\":=+-eE."[below(20)];
          break;
        case 2:
          content.erase(at, 1 + below(9));
          break;
        default:
          content.insert(at, content.substr(below(content.size()), below(20)));
      }
    }
    try {
      frames(put("fuzz.xyz", content));
    } catch (const FileError &) {
      refused++;
    }
  }
  EXPECT_GT(refused, 1000);
}

TEST_F(Readers, Npz)
{
  const std::string path = (folder / "a.npz").string();
  mlff_test::write_npz(path,
                       {{"nuclear_charges", npy<std::uint8_t>("|u1", {2}, {8, 1})},
                        {"coords", npy<double>("<f8", {2, 2, 3}, {0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9})},
                        {"energies", npy<double>("<f8", {2}, {-10, 20})},
                        {"forces", npy<float>("<f4", {2, 2, 3}, {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2})}});
  const auto list = frames(path);
  ASSERT_EQ(list.size(), 2u);
  EXPECT_EQ(list[1].numbers, (std::vector<int>{8, 1}));
  EXPECT_EQ(list[1].positions, (std::vector<double>{4, 5, 6, 7, 8, 9}));
  EXPECT_DOUBLE_EQ(*list[1].energy, 20 * 0.043364104241800934);
  EXPECT_DOUBLE_EQ(list[1].forces[5], 2 * 0.043364104241800934);
}

TEST_F(Readers, NpzArrays)
{
  const std::string path = (folder / "a.npz").string();
  mlff_test::write_npz(path,
                       {{"fortran", npy<std::int32_t>("<i4", {2, 3}, {1, 4, 2, 5, 3, 6}, true)},
                        {"scalar", npy<std::int64_t>("<i8", {}, {-7})},
                        {"empty", npy<double>("<f8", {0, 3}, {})},
                        {"text", npy<std::int32_t>("<U1", {1}, {65})},
                        {"short", npy<double>("<f8", {3}, {1, 2})},
                        {"large", npy<double>("<f8", {1000000000, 1000000000}, {1})},
                        {"none", "abc"}});
  const NpzFile file(path);
  EXPECT_EQ(file.read("fortran").values, (std::vector<double>{1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(file.read("scalar").values, std::vector<double>{-7});
  EXPECT_TRUE(file.read("empty").values.empty());
  for (const auto &[name, words] : {std::pair{"absent", "it is missing; the file has: "},
                                    {"text", "its type is '<U1'"},
                                    {"short", "16 bytes of data"},
                                    {"large", "its shape is"},
                                    {"none", "no NumPy array"}}) {
    try {
      file.read(name);
      ADD_FAILURE() << "no error for " << name;
    } catch (const FileError &error) {
      EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find(std::string("array '") + name), std::string::npos) << error.what();
    }
  }
}

TEST_F(Readers, NpzRefusals)
{
  expect_error(put("a.npz", "no archive"), {"cannot be read as .npz"});
  const std::string path = (folder / "b.npz").string();
  mlff_test::write_npz(path, {{"coords", npy<double>("<f8", {1, 1, 3}, {1, 2, 3})}});
  expect_error(path, {"'nuclear_charges'", "it is missing; the file has: coords"});
  mlff_test::write_npz(path, {{"coords", npy<double>("<f8", {1, 1, 3}, {1, 2, 3})}, {"nuclear_charges", npy<std::uint8_t>("|u1", {2}, {8, 1})}});
  expect_error(path, {"'coords' is not [frames, atoms, 3]"});
  mlff_test::write_npz(path,
                       {{"coords", npy<double>("<f8", {1, 1, 3}, {1, 2, 3})},
                        {"nuclear_charges", npy<std::uint8_t>("|u1", {1}, {8})},
                        {"energies", npy<double>("<f8", {2}, {8, 1})}});
  expect_error(path, {"'energies' does not hold one value a frame"});
}

// ---- weights of SchNetPack

std::map<std::string, std::string> schnetpack_weights(const Potential &potential)
{
  const int F = potential.sizes.features, K = potential.sizes.radial;
  const auto array = [&](const std::string &name) {
    const Tensor &tensor = potential.tensors.at(name);
    return npy<float>("<f4", tensor.shape, std::vector<float>(tensor.values.begin(), tensor.values.end()));
  };
  std::map<std::string, std::string> arrays;
  const auto linear = [&](const std::string &from, const std::string &to, bool bias = true) {
    arrays[to + ".weight"] = array(from + ".weight");
    if (bias) arrays[to + ".bias"] = array(from + ".bias");
  };
  std::vector<float> embedding(100 * F, 77.0f), offsets, widths;
  for (int s = 0; s < potential.n_species(); s++)
    for (int f = 0; f < F; f++) embedding[potential.elements[s] * F + f] = float(potential.tensors.at("embedding").values[s * F + f]);
  for (int k = 0; k < K; k++) {
    offsets.push_back(float(potential.cutoff * k / (K - 1)));
    widths.push_back(float(potential.cutoff / (K - 1)));
  }
  std::vector<float> atomref(100, 0.0f);
  atomref[6] = 2.0f;
  arrays["representation.embedding.weight"] = npy<float>("<f4", {100, F}, embedding);
  arrays["representation.cutoff_fn.cutoff"] = npy<float>("<f4", {1}, {float(potential.cutoff)});
  arrays["representation.radial_basis.offsets"] = npy<float>("<f4", {K}, offsets);
  arrays["representation.radial_basis.widths"] = npy<float>("<f4", {K}, widths);
  arrays["postprocessors.1.mean"] = npy<double>("<f8", {}, {-100.0});
  arrays["postprocessors.1.atomref"] = npy<float>("<f4", {100}, atomref);
  linear("filter", "representation.filter_net");
  for (int l = 0; l < potential.sizes.layers; l++) {
    const std::string n = std::to_string(l);
    linear("message." + n + ".0", "representation.interactions." + n + ".interatomic_context_net.0");
    linear("message." + n + ".1", "representation.interactions." + n + ".interatomic_context_net.1");
    linear("update." + n + ".mix", "representation.mixing." + n + ".mu_channel_mix", false);
    linear("update." + n + ".0", "representation.mixing." + n + ".intraatomic_context_net.0");
    linear("update." + n + ".1", "representation.mixing." + n + ".intraatomic_context_net.1");
  }
  linear("readout.0", "output_modules.0.outnet.0");
  linear("readout.1", "output_modules.0.outnet.1");
  return arrays;
}

TEST_F(Readers, SchnetpackWeights)
{
  const std::string path = (folder / "weights.npz").string();
  const Potential original = mlff_test::random_potential({8, 2, 6}, {8, 6, 1}, 4.0);
  const auto arrays = schnetpack_weights(original);
  mlff_test::write_npz(path, arrays);
  const Potential imported = import_schnetpack(path, {8, 6, 1}, 0.5);
  EXPECT_EQ(imported.sizes.layers, 2);
  EXPECT_EQ(imported.cutoff, 4.0);
  for (const auto &[name, tensor] : original.tensors)
    if (name != "scale" && name != "reference_energy") { EXPECT_EQ(imported.tensors.at(name).values, tensor.values) << name; }
  EXPECT_EQ(imported.tensors.at("scale").values, std::vector<double>{0.5});
  EXPECT_EQ(imported.tensors.at("reference_energy").values, (std::vector<double>{-50.0, -49.0, -50.0}));

  const auto expect_refusal = [&](const std::string &name, const std::string &bytes, const std::string &words) {
    auto changed = arrays;
    if (bytes.empty())
      changed.erase(name);
    else
      changed[name] = bytes;
    mlff_test::write_npz(path, changed);
    try {
      import_schnetpack(path, {8, 6, 1}, 0.5);
      ADD_FAILURE() << "no error; expected: " << words;
    } catch (const std::runtime_error &error) {
      EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find(path), std::string::npos) << error.what();
    }
  };
  expect_refusal("output_modules.0.outnet.1.bias", "", "'output_modules.0.outnet.1.bias': it is missing");
  expect_refusal("something.else", npy<double>("<f8", {1}, {1}), "the array 'something.else'");
  expect_refusal("representation.radial_basis.widths", npy<double>("<f8", {6}, {1, 1, 1, 1, 1, 1}), "radial basis is not 6 Gaussians");
  expect_refusal("representation.filter_net.weight", npy<double>("<f8", {24, 6}, std::vector<double>(144)), "shared between layers");
  expect_refusal("readout", npy<double>("<f8", {1}, {1}), "'readout'");
  expect_refusal("representation.embedding.weight", npy<float>("<f4", {4, 8}, std::vector<float>(32)), "4 rows and no O");
}

}    // namespace
