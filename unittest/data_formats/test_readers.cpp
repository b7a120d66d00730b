// Readers of the program mlff: extended XYZ, rMD17 .npz, SchNetPack weights.
#include "core/units.h"
#include "data/extended_xyz.h"
#include "data/trajectory.h"
#include "data/xyz_comment.h"
#include "import/import_schnetpack.h"
#include "models/painn/painn_sizes.h"
#include "support/npz_writer.h"
#include "support/random_potential.h"

#include <gtest/gtest.h>

#include <unistd.h>

using namespace mlff;
using mlff_test::npy;

namespace {

class Readers : public testing::Test {
 protected:
  std::filesystem::path folder = std::filesystem::temp_directory_path() /
      ("mlff-readers-" + std::to_string(getpid()) + "-" +
       testing::UnitTest::GetInstance()->current_test_info()->name());
  void SetUp() override { std::filesystem::create_directories(folder); }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string put(const std::string &name, const std::string &content) const
  {
    std::ofstream((folder / name).string(), std::ios::binary) << content;
    return (folder / name).string();
  }

  std::vector<Structure> frames(const std::string &path, const ReadOptions &options = {}) const
  {
    const auto reader = open_trajectory(path, options);
    std::vector<Structure> list;
    for (Structure frame; reader->next(frame);) list.push_back(frame);
    EXPECT_EQ(reader->progress(), 1.0);
    return list;
  }

  /// The text of a file after reading and writing.
  std::string rewritten(const std::string &path, ReadOptions options = {}) const
  {
    options.keep = true;
    const std::string other = (folder / "rewritten.xyz").string();
    std::FILE *file = std::fopen(other.c_str(), "w");
    for (const auto &frame : frames(path, options)) write_xyz(file, frame);
    std::fclose(file);
    std::ifstream in(other, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

  void expect_error(const std::string &path, const std::vector<std::string> &words,
                    const ReadOptions &options = {}) const
  {
    try {
      const auto reader = open_trajectory(path, options);
      for (Structure frame; reader->next(frame);) {}
      ADD_FAILURE() << "no error; expected: " << words.front();
    } catch (const FileError &error) {
      EXPECT_NE(std::string(error.what()).find("'" + path + "'"), std::string::npos)
          << "the file is not named: " << error.what();
      for (const auto &word : words)
        EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
    }
  }
};

TEST_F(Readers, ExtendedXyz)
{
  const auto list =
      frames(put("a.xyz",
                 "2\nTimestep=100 Time=0.05 pbc=\"T T F\" Lattice=\"4 0 0 1 5 0 0 0 6\" "
                 "Potential_energy=-1.5e0 "
                 "Properties=species:S:1:pos:R:3:vel:R:3:forces:R:3:mass:R:1\n"
                 "C 0 0.5 -1 1 2 3 0.1 0.2 0.3 12\nH\t1 1 1  4 5 6  -0.1 -0.2 -0.3 1\r\n\n"
                 "1\nenergy=2 comment='two words' "
                 "Properties=id:I:1:species:S:1:pos:R:3:force:R:3\n7 O 1 2 +3 4 5 6\n"
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
  Structure frame =
      mlff_test::random_structure(7, 3, {5, 0, 0, 0.25, 6, 0, 0, 0, 7}, {true, false, true});
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
  expect_error(put("a.xyz", "1\n\nC 0 0 0\n1\n\nC 0 zero 0\n"),
               {"frame 2, line 6", "found 'zero' for pos", "number"});
  expect_error(put("a.xyz", "1\n\nC 0 nan 0\n"), {"found 'nan'"});
  expect_error(put("a.xyz", "1\n\nC 0 0\n"), {"found 3 columns", "names 4"});
  expect_error(put("a.xyz", "1\n\nQq 0 0 0\n"), {"found 'Qq'", "symbol of an element"});
  expect_error(put("a.xyz", "1\nProperties=species:S:1:pos:R:three\nC 0 0 0\n"),
               {"Properties is 'species:S:1:pos:R:three'", "name:type:count"});
  expect_error(put("a.xyz", "1\nProperties=species:S:1\nC\n"), {"at least species:S:1:pos:R:3"});
  expect_error(put("a.xyz", "1\nProperties=species:S:1:pos:R:3:mass:R:1\nC 0 0 0\n"),
               {"found 4 columns", "names 5"});
  expect_error(put("a.xyz", "1\nLattice=\"1 0 0\"\nC 0 0 0\n"),
               {"Lattice has 3 numbers", "expected 9"});
  expect_error(put("a.xyz", "1\nLattice=\"1 0 0\nC 0 0 0\n"), {"'Lattice' has no closing quote"});
  expect_error(put("a.xyz", "1\npbc=\"T T\"\nC 0 0 0\n"), {"pbc is 'T T'"});
  expect_error(put("a.xyz", "1\npbc=\"T T T\"\nC 0 0 0\n"), {"no Lattice"});
  expect_error(put("a.xyz", "1\nenergy=low\nC 0 0 0\n"), {"found 'low' for energy"});
}

TEST_F(Readers, XyzSurvivesMutations)
{
  const std::string whole =
      "2\npbc=\"T T T\" Lattice=\"4 0 0 0 5 0 0 0 6\" energy=-1 "
      "Properties=species:S:1:pos:R:3:forces:R:3\nC 0 0 0 1 1 1\nH 1 1 1 2 2 2\n"
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
  mlff_test::write_npz(
      path,
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
                                    {"none", "not a NumPy array"}}) {
    try {
      file.read(name);
      ADD_FAILURE() << "no error for " << name;
    } catch (const FileError &error) {
      EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find(std::string("array '") + name), std::string::npos)
          << error.what();
    }
  }
}

TEST_F(Readers, NpzRefusals)
{
  expect_error(put("a.npz", "no archive"), {"cannot be read as .npz"});
  const std::string path = (folder / "b.npz").string();
  mlff_test::write_npz(path, {{"coords", npy<double>("<f8", {1, 1, 3}, {1, 2, 3})}});
  expect_error(path, {"'nuclear_charges'", "it is missing; the file has: coords"});
  mlff_test::write_npz(path,
                       {{"coords", npy<double>("<f8", {1, 1, 3}, {1, 2, 3})},
                        {"nuclear_charges", npy<std::uint8_t>("|u1", {2}, {8, 1})}});
  expect_error(path, {"'coords' is not [frames, atoms, 3]"});
  mlff_test::write_npz(path,
                       {{"coords", npy<double>("<f8", {1, 1, 3}, {1, 2, 3})},
                        {"nuclear_charges", npy<std::uint8_t>("|u1", {1}, {8})},
                        {"energies", npy<double>("<f8", {2}, {8, 1})}});
  expect_error(path, {"'energies' does not hold one value a frame"});
}

// ---- what files of other programs mean

/// A frame of C and O with two columns of three numbers beside the positions.
std::string two_columns(const std::string &first, const std::string &second,
                        const std::string &more = "")
{
  return "2\nProperties=species:S:1:pos:R:3:" + first + ":R:3:" + second + ":R:3 " + more +
      "\nC 0 0 0 1 2 3 1 2 3\nO 1.2 0 0 -1 -2 -3 -1 -2 " +
      (more.find("equal") == std::string::npos ? "-4" : "-3") + "\n";
}

TEST_F(Readers, TwoColumnsOfOneQuantity)
{
  expect_error(put("a.xyz", two_columns("forces", "force")),
               {"frame 1", "'forces' and 'force' may both be the forces", "atom 2: -3 and -4",
                "--key forces=forces"});
  expect_error(put("a.xyz", two_columns("forces", "REF_forces")), {"'forces' and 'REF_forces'"});
  expect_error(put("a.xyz", two_columns("REF_forces", "MACE_forces")),
               {"'REF_forces' and 'MACE_forces'"});
  expect_error(put("a.xyz", two_columns("dft_forces", "forces")), {"'forces' and 'dft_forces'"});
  expect_error(put("a.xyz", two_columns("vel", "velo")),
               {"'vel' and 'velo' may both be the velocities", "--key velocities=vel"});
  expect_error(put("a.xyz", two_columns("vel", "momenta")), {"'vel' and 'momenta'"});
  expect_error(put("a.xyz", two_columns("pos", "forces")), {"positions twice"});
  for (const char *first : {"forces", "FORCE"}) {
    const auto equal = frames(put("a.xyz", two_columns(first, "REF_force", "equal")));
    EXPECT_EQ(equal[0].forces, (std::vector<double>{1, 2, 3, -1, -2, -3}));
  }
  const auto chosen = frames(put("a.xyz", two_columns("forces", "dft_forces")),
                             {.keys = {{"forces", "dft_forces"}}});
  EXPECT_EQ(chosen[0].forces.back(), -4.0);
  expect_error(
      put("a.xyz", two_columns("forces", "vel")),
      {"no column 'dft_forces' for the forces", "the frame has: species, pos, forces, vel"},
      {.keys = {{"forces", "dft_forces"}}});
  expect_error(put("a.xyz", "1\nProperties=species:S:1:pos:R:3:forces:R:1\nC 0 0 0 1\n"),
               {"'forces' is R:1", "expected R:3"});
  expect_error(
      put("a.xyz",
          "1\nProperties=species:S:1:pos:R:3:mass:R:1:masses:R:1\nC 0 0 0 12.011 13.003\n"),
      {"'mass' and 'masses'", "atom 1: 12.011 and 13.003"});
  // a prefix alone: MACE's labels are read, other ones are not, but remembered
  EXPECT_EQ(frames(put("a.xyz", two_columns("REF_forces", "other")))[0].forces.size(), 6u);
  const auto foreign = frames(put("a.xyz", two_columns("dft_forces", "other")));
  EXPECT_TRUE(foreign[0].forces.empty());
  EXPECT_EQ(foreign[0].unread, std::vector<std::string>{"dft_forces"});
}

TEST_F(Readers, TwoKeysOfOneQuantity)
{
  const auto with = [&](const std::string &keys) {
    return put("a.xyz", "1\nProperties=species:S:1:pos:R:3 " + keys + "\nC 0 0 0\n");
  };
  expect_error(
      with("energy=-1 free_energy=-1.5"),
      {"'energy' and 'free_energy' may both be the energy", "-1 and -1.5", "--key energy=energy"});
  expect_error(with("Potential_energy=-1 energy=-2"), {"'Potential_energy' and 'energy'"});
  expect_error(with("REF_energy=-1 MACE_energy=-2"), {"'REF_energy' and 'MACE_energy'"});
  expect_error(with("charge=1 total_charge=0"),
               {"'charge' and 'total_charge' may both be the charge"});
  expect_error(with("spin=2 uhf=0"), {"'spin' and 'uhf' may both be the multiplicity"});
  expect_error(with("Lattice=\"5 0 0 0 5 0 0 0 5\" lattice=\"6 0 0 0 5 0 0 0 5\""),
               {"'Lattice' and 'lattice'", "differ"});
  EXPECT_EQ(frames(with("energy=-1 free_energy=-1.0"))[0].energy, -1.0);
  EXPECT_EQ(frames(with("free_energy=-1.5"))[0].energy, -1.5);
  EXPECT_EQ(frames(with("REF_energy=-1"))[0].energy, -1.0);
  const auto foreign = frames(with("dft_energy=-1 total_energy=3"));
  EXPECT_FALSE(foreign[0].energy);
  EXPECT_EQ(foreign[0].unread, (std::vector<std::string>{"dft_energy", "total_energy"}));
  ReadOptions options;
  add_key(options, "energy=free_energy");
  EXPECT_EQ(frames(with("energy=-1 free_energy=-1.5"), options)[0].energy, -1.5);
  expect_error(with("energy=-1"), {"no key 'free_energy' for the energy"}, options);
  EXPECT_THROW(add_key(options, "dipole=mu"), FileError);
  EXPECT_THROW(add_key(options, "energy="), FileError);
  const std::string cell = "Lattice=\"2 0 0 0 2 0 0 0 2\" stress=\"0.5 0 0 0 0.5 0 0 0 0.5\" ";
  EXPECT_EQ(frames(with(cell + "virial=\"-4 0 0 0 -4 0 0 0 -4\"")).size(), 1u);
  expect_error(with(cell + "virial=\"4 0 0 0 4 0 0 0 4\""),
               {"'stress' and 'virial' may both be the stress", "-4 eV where virial is 4 eV"});
}

TEST_F(Readers, ChargeAndMultiplicity)
{
  for (const char *keys :
       {"charge=-1 spin=3", "total_charge=-1.0 total_spin=3", "Charge=\"-1\" multiplicity=3",
        "charge=-1 uhf=2", "charge=-1 spin_multiplicity=3 uhf=2"}) {
    const auto frame = frames(put("a.xyz",
                                  std::string("1\nProperties=species:S:1:pos:R:3:charge:R:1 ") +
                                      keys + "\nO 0 0 0 0.25\n"))[0];
    EXPECT_EQ(frame.charge, -1.0) << keys;
    EXPECT_EQ(frame.multiplicity, 3.0) << keys;
  }
}

TEST_F(Readers, CommentLineGrammar)
{
  std::string wrong;
  const auto pairs = parse_xyz_comment("a = 1 b= \"two \\\"words\\\"\" 'c d'='x' e={1 2} f=[[1, "
                                       "2], [3, 4]] alone g=x:y=z h= i=\t-2 j=",
                                       wrong);
  EXPECT_EQ(wrong, "");
  std::vector<std::pair<std::string, std::string>> found;
  for (const auto &pair : pairs) found.emplace_back(pair.key, pair.value);
  const std::vector<std::pair<std::string, std::string>> expected = {
      {"a", "1"},     {"b", "two \"words\""}, {"c d", "x"}, {"e", "1 2"}, {"f", "[1, 2], [3, 4]"},
      {"alone", "T"}, {"g", "x:y=z"},         {"h", ""},    {"i", "-2"},  {"j", ""}};
  EXPECT_EQ(found, expected);
  EXPECT_EQ(elements_of_value(pairs[4].value), (std::vector<std::string_view>{"1", "2", "3", "4"}));
  parse_xyz_comment("a=1 b=[1, 2", wrong);
  EXPECT_EQ(wrong, "the value of 'b' has no closing bracket");

  // blanks and case make no difference, nor do the kinds of quotes
  const std::string atoms = "\nC 0.1 0.2 0.3 0.01 0 0\nO 1.9 2.1 1.8 -0.01 0 0\n";
  for (const char *line : {"Lattice=\"3.9 0 0 0 4 0 0 0 4.1\" pbc=\"T T F\" energy=-5 "
                           "Properties=species:S:1:pos:R:3:forces:R:3",
                           "Lattice = \"3.9 0 0 0 4 0 0 0 4.1\" pbc = \"T T F\" energy = -5 "
                           "Properties = species:S:1:pos:R:3:forces:R:3",
                           "lattice=\"3.9 0 0 0 4 0 0 0 4.1\" PBC=\"T T F\" Energy=-5 "
                           "properties=species:S:1:pos:R:3:forces:R:3",
                           "Lattice='3.9 0 0 0 4 0 0 0 4.1' pbc={1 1 0} energy=\"-5\" "
                           "Properties=\"species:S:1:pos:R:3:force:R:3\"",
                           "relaxed Lattice=[3.9, 0, 0, 0, 4, 0, 0, 0, 4.1] pbc=[true, True, "
                           "FALSE] energy=-0.5D+01 Properties=Species:S:1:Pos:R:3:FORCES:R:3"}) {
    const auto frame = frames(put("a.xyz", std::string("2\n") + line + atoms))[0];
    EXPECT_EQ(frame.cell, (std::array<double, 9>{3.9, 0, 0, 0, 4, 0, 0, 0, 4.1})) << line;
    EXPECT_EQ(frame.periodic, (std::array<bool, 3>{true, true, false})) << line;
    EXPECT_EQ(frame.energy, -5.0) << line;
    EXPECT_EQ(frame.forces.size(), 6u) << line;
  }
  expect_error(put("a.xyz", "1\nLattice=[[4, 0, 0], [1, 4, 0], [0, 0, 4]]\nC 0 0 0\n"),
               {"Lattice is a matrix in nested brackets", "rows or columns"});
  expect_error(
      put("a.xyz", "1\nProperties=species:S:1:pos:R:3 cell=\"4 0 0 0 4 0 0 0 4\"\nC 0 0 0\n"),
      {"the key 'cell' and no Lattice"});
  // words are a remark, in whatever unit its numbers are
  const auto remark =
      frames(put("a.xyz", "1\nrelaxed, energy = -37.8 hartree, 5' end\nC 0 0 0\n"))[0];
  EXPECT_FALSE(remark.energy);
  EXPECT_EQ(remark.unread, std::vector<std::string>{"energy (in a remark)"});
  EXPECT_EQ(rewritten((folder / "a.xyz").string()),
            "1\nProperties=species:S:1:pos:R:3 comment=\"relaxed, energy = -37.8 hartree, 5' "
            "end\"\nC 0 0 0\n");
}

TEST_F(Readers, NothingIsLostOnRewriting)
{
  // names, order and text of everything, known or not
  const std::string text = "2\nconfig_type=\"md run\" stress=\"1 0 0 0 1 0 0 0 1\" Lattice=\"5.0 "
                           "0.0 0.0 0.0 5.0 0.0 0.0 0.0 5.0\" pbc=\"F F F\" "
                           "Properties=id:I:1:species:S:1:pos:R:3:move_mask:L:1:momenta:R:3:masses:"
                           "R:1:magmoms:R:1:REF_forces:R:3:residue:S:1 REF_energy=-5.250 converged "
                           "d=\"_JSON {\\\"a\\\": [1]}\" Time=0.250 Timestep=7 charge=+1 spin=2 "
                           "REF_stress='1 2 3 4 5 6' nothing=\n"
                           "7 C 0 0.5 1 F 0.100 0 0 13.003 0.5000 1 2 3 ALA\n8 O 1.5 0 0 T 0.300 0 "
                           "0 15.999 -1e-03 4 5 6 GLY\n";
  const std::string path = put("a.xyz", text);
  EXPECT_EQ(rewritten(path), text);
  // a frame that moved, and that gets labels of another method
  ReadOptions options;
  options.keep = true;
  auto frame = frames(path, options)[0];
  EXPECT_NEAR(frame.velocities[0], 0.1 / 13.003 * std::sqrt(9648.533212), 1e-9);
  forget_results(frame);
  EXPECT_FALSE(frame.energy);
  frame.energy = -7.5;
  frame.forces.assign(6, 0.25);
  frame.velocities.assign(6, 0.0);
  std::FILE *file = std::fopen((folder / "b.xyz").c_str(), "w");
  write_xyz(file, frame);
  std::fclose(file);
  std::ifstream in((folder / "b.xyz").string());
  const std::string other{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  EXPECT_EQ(
      other,
      "2\nconfig_type=\"md run\" Lattice=\"5.0 0.0 0.0 0.0 5.0 0.0 0.0 0.0 5.0\" pbc=\"F F F\" "
      "Properties=id:I:1:species:S:1:pos:R:3:move_mask:L:1:momenta:R:3:masses:R:1:REF_forces:R:3:"
      "residue:S:1 REF_energy=-7.5 converged "
      "d=\"_JSON {\\\"a\\\": [1]}\" Time=0.250 Timestep=7 charge=+1 spin=2 nothing=\n"
      "7 C 0 0.5 1 F 0 0 0 13.003 0.25 0.25 0.25 ALA\n8 O 1.5 0 0 T 0 0 0 15.999 0.25 0.25 0.25 "
      "GLY\n");
}

TEST_F(Readers, WrittenFramesHaveMassesTimeCellAndState)
{
  Structure frame;
  frame.numbers = {8, 1};
  frame.positions = {0, 0, 0, 0.1, 0.2, 1.0 / 3.0};
  frame.masses = {15.999, 2.014};
  frame.cell = {4, 0, 0, 0, 5, 0, 0, 0, 6};
  frame.step = 3;
  frame.time = 0.0015;
  frame.energy = -1.5;
  frame.charge = -1;
  frame.multiplicity = 1;
  std::FILE *file = std::fopen((folder / "a.xyz").c_str(), "w");
  write_xyz(file, frame);
  std::fclose(file);
  const auto back = frames((folder / "a.xyz").string())[0];
  EXPECT_EQ(back.masses, frame.masses);
  EXPECT_EQ(back.positions, frame.positions);
  EXPECT_EQ(back.cell, frame.cell);
  EXPECT_EQ(back.periodic, frame.periodic);
  EXPECT_EQ(back.step, 3);
  EXPECT_EQ(back.time, frame.time);
  EXPECT_EQ(back.charge, -1.0);
  EXPECT_EQ(back.multiplicity, 1.0);
}

TEST_F(Readers, IsotopesAndMasses)
{
  const auto heavy =
      frames(put("a.xyz", "3\nProperties=species:S:1:pos:R:3\nD 0 0 0\nO 1 0 0\nT 2 0 0\n"))[0];
  EXPECT_EQ(heavy.numbers, (std::vector<int>{1, 8, 1}));
  ASSERT_EQ(heavy.masses.size(), 3u);
  EXPECT_NEAR(heavy.masses[0], 2.014, 1e-3);
  EXPECT_NEAR(heavy.masses[1], 15.999, 1e-3);
  EXPECT_NEAR(heavy.masses[2], 3.016, 1e-3);
  const auto with_mass = [&](const std::string &atom) {
    return put("a.xyz", "1\nProperties=species:S:1:pos:R:3:mass:R:1\n" + atom + "\n");
  };
  EXPECT_EQ(frames(with_mass("D 0 0 0 2.0141"))[0].masses[0], 2.0141);
  EXPECT_EQ(frames(with_mass("H 0 0 0 2.014"))[0].masses[0], 2.014);
  EXPECT_EQ(frames(with_mass("H 0 0 0 4"))[0].masses[0], 4.0);
  EXPECT_EQ(frames(with_mass("C 0 0 0 20"))[0].masses[0], 20.0);
  expect_error(with_mass("D 0 0 0 1.008"), {"atom 1 is D, but its mass is 1.008", "the symbol H"});
  expect_error(with_mass("C 0 0 0 -1"), {"found '-1' for mass", "above 0"});
  // a type label of alpha carbon
  expect_error(with_mass("Ca 0 0 0 12.011"), {"atom 1 is Ca, but its mass 12.011 is that of C"});
  const std::string head =
      "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n2\nITEM: BOX BOUNDS ff ff ff\n-1 5\n-1 5\n-1 5\n";
  EXPECT_NEAR(
      frames(put("a.dump", head + "ITEM: ATOMS id element x y z\n2 O 0 0 0\n1 D 1 0 0\n"))[0]
          .masses[0],
      2.014, 1e-3);
  EXPECT_NEAR(frames(put("a.dump", head + "ITEM: ATOMS id type x y z\n2 2 0 0 0\n1 1 1 0 0\n"),
                     {.elements = {"D", "O"}})[0]
                  .masses[0],
              2.014, 1e-3);
  expect_error(put("a.dump",
                   head + "ITEM: ATOMS id element x y z mass\n2 O 0 0 0 15.999\n1 D 1 0 0 1.008\n"),
               {"id 1 is D or T", "its mass is 1.008"});
  expect_error(put("a.dump",
                   head + "ITEM: ATOMS id element x y z mass\n2 O 0 0 0 15.999\n1 O 1 0 0 1.008\n"),
               {"atom 1 is O, but its mass 1.008 is that of H"});
}

TEST_F(Readers, TypesAreNoElements)
{
  const std::string types = put("a.xyz", "2\nProperties=species:S:1:pos:R:3\n1 0 0 0\n2 1 0 0\n");
  expect_error(
      types,
      {"frame 1, line 3: found '1' for the species", "atom type of LAMMPS", "Z:I:1", "--elements"});
  EXPECT_EQ(frames(types, {.elements = {"O", "H"}})[0].numbers, (std::vector<int>{8, 1}));
  expect_error(types, {"type 2 has no element: 1 are given"}, {.elements = {"O"}});
  expect_error(types, {"'Q' is not an element"}, {.elements = {"O", "Q"}});
  expect_error(put("b.xyz", "2\nAtoms. Timestep: 0\n1 0 0 0\n8 1 0 0\n"),
               {"found '1' for the species"});
  expect_error(put("b.xyz", "2\nplain\n1 0 0 0\n2 1 0 0\n"),
               {"the numbers 1 to 2", "atom types of LAMMPS"});
  EXPECT_EQ(frames(put("b.xyz", "2\nplain\n8 0 0 0\n1 1 0 0\n"))[0].numbers,
            (std::vector<int>{8, 1}));
  EXPECT_EQ(frames(put("b.xyz", "2\nProperties=Z:I:1:pos:R:3\n1 0 0 0\n2 1 0 0\n"))[0].numbers,
            (std::vector<int>{1, 2}));
  expect_error(put("b.xyz", "1\nProperties=species:S:1:Z:I:1:pos:R:3\nC 7 0 0 0\n"),
               {"species and Z differ: C and N"});
}

TEST_F(Readers, UnitsOfOtherPrograms)
{
  const std::string atoms =
      "1\nTimestep=4 Time=2.5 Potential_energy=-100 Stress=\"1 0 0 0 1 0 0 0 1\" "
      "Properties=species:S:1:pos:R:3:vel:R:3:forces:R:3\nC 0 0 0 0.01 0 0 10 0 0\n";
  const std::string path = put("a.xyz", atoms);
  const auto real = frames(path, {.units = "real"})[0], gpumd = frames(path, {.units = "gpumd"})[0],
             metal = frames(path, {.units = "metal"})[0];
  EXPECT_DOUBLE_EQ(*real.energy, -100 * kcal_per_mol_in_eV);
  EXPECT_DOUBLE_EQ(real.forces[0], 10 * kcal_per_mol_in_eV);
  EXPECT_DOUBLE_EQ(real.velocities[0], 10.0);
  EXPECT_DOUBLE_EQ(*real.time, 0.0025);
  EXPECT_EQ(gpumd.energy, -100.0);
  EXPECT_DOUBLE_EQ(gpumd.velocities[0], 10.0);
  EXPECT_EQ(metal.velocities[0], 0.01);
  // written again they are metal, the pressure tensor of LAMMPS, too
  const std::string text = rewritten(path, {.units = "real"});
  for (const char *words :
       {"Time=0.0025 ", "Potential_energy=-4.336", "Stress=\"1.01325 0 0 0 1.01325"})
    EXPECT_NE(text.find(words), std::string::npos) << text;
  expect_error(path, {"less than 0.05 K", "--units real", "--units gpumd", "--units metal"});

  const std::string head =
      "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n1\nITEM: BOX BOUNDS ff ff ff\n-1 5\n-1 5\n-1 "
      "5\nITEM: ATOMS id element x y z vx vy vz\n1 O 0 0 0 0.001 0 0\n";
  EXPECT_EQ(frames(put("a.dump", head), {.units = "real"})[0].velocities[0], 1.0);
  expect_error(put("a.dump", head), {"less than 0.05 K", "--units real"});
  expect_error(put("a.dump", "ITEM: UNITS\nreal\n" + head),
               {"units 'real', but 'metal' are asked for"}, {.units = "metal"});
  EXPECT_EQ(frames(put("a.dump", "ITEM: UNITS\nreal\n" + head))[0].velocities[0], 1.0);
}

TEST_F(Readers, ImplausibleNumbersNameTheUnits)
{
  const auto water = [](const std::string &keys, const std::string &velocity = "") {
    std::string text = "3\n" + keys + " Properties=species:S:1:pos:R:3" +
        (velocity.empty() ? "" : ":vel:R:3") + "\n";
    for (const char *atom : {"O 0 0 0", "H 0.96 0 0", "H -0.3 0.9 0"})
      text += atom + velocity + "\n";
    return text;
  };
  // GFN2's -137.97 eV and an all-electron energy are energies of water in eV, not in kcal/mol
  for (const char *energy : {"energy=-137.97", "energy=-2079.4"})
    EXPECT_EQ(frames(put("a.xyz", water(energy))).size(), 1u);
  expect_error(put("a.xyz", water("energy=-3181.7")),
               {"frame 1: an energy of -3181.7 eV is below that of all electrons of its 3 atoms",
                "--units real"});
  EXPECT_EQ(frames(put("a.xyz", water("energy=-3181.7")), {.units = "metal"}).size(), 1u);
  expect_error(put("a.xyz", water("Timestep=0 Time=0") + water("Timestep=1 Time=0.25")),
               {"frame 2: a time step is 0.25 ps long", "--units real"});
  EXPECT_EQ(
      frames(put("a.xyz", water("Timestep=0 Time=0") + water("Timestep=16 Time=0.008"))).size(),
      2u);
  // one frame of sixteen that moves, or none at all, is nothing to stumble over
  std::string cold, standing;
  for (int k = 0; k < 20; k++) {
    cold += water("Timestep=" + std::to_string(k), k == 9 ? " 5 0 0" : " 1e-3 0 0");
    standing += water("Timestep=" + std::to_string(k), " 0 0 0");
  }
  EXPECT_EQ(frames(put("a.xyz", cold)).size(), 20u);
  EXPECT_EQ(frames(put("a.xyz", standing)).size(), 20u);
}

TEST_F(Readers, NoAtomsAndNoNumbers)
{
  expect_error(
      put("a.xyz", "1\n\nC 0 0 0\n0\npbc=\"F F F\" energy=0 Properties=species:S:1:pos:R:3\n"),
      {"frame 2", "holds no atoms"});
  expect_error(put("a.dump",
                   "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n0\nITEM: BOX BOUNDS ff ff ff\n-1 "
                   "5\n-1 5\n-1 5\nITEM: ATOMS id element x y z\n"),
               {"frame 1", "holds no atoms"});
  const std::string npz = (folder / "a.npz").string();
  mlff_test::write_npz(npz,
                       {{"coords", npy<double>("<f8", {2, 0, 3}, {})},
                        {"nuclear_charges", npy<std::uint8_t>("|u1", {0}, {})}});
  expect_error(npz, {"frame 1", "holds no atoms"});
  for (const char *value : {"nan", "inf", "-Infinity", "1e999"}) {
    expect_error(
        put("a.xyz",
            std::string("1\nProperties=species:S:1:pos:R:3 energy=") + value + "\nC 0 0 0\n"),
        {"frame 1, line 2", value, "for energy"});
    expect_error(put("a.xyz",
                     std::string("1\nProperties=species:S:1:pos:R:3:forces:R:3\nC 0 0 0 0 0 ") +
                         value + "\n"),
                 {"frame 1, line 3", value, "for forces"});
    // An unused property may have any value.
    EXPECT_EQ(frames(put("a.xyz",
                         std::string("1\nProperties=species:S:1:pos:R:3:magmom:R:1 gap=") + value +
                             "\nC 0 0 0 " + value + "\n"))
                  .size(),
              1u);
  }
  mlff_test::write_npz(npz,
                       {{"coords", npy<double>("<f8", {1, 1, 3}, {1, 2, 3})},
                        {"nuclear_charges", npy<std::uint8_t>("|u1", {1}, {8})},
                        {"energies", npy<double>("<f8", {1}, {std::nan("")})}});
  expect_error(npz, {"'energies' holds a number that is not finite"});
}

TEST_F(Readers, NpzOptions)
{
  const std::string path = (folder / "a.npz").string();
  std::map<std::string, std::string> arrays = {
      {"nuclear_charges", npy<std::uint8_t>("|u1", {1}, {8})},
      {"coords", npy<double>("<f8", {1, 1, 3}, {1, 2, 3})},
      {"energies", npy<double>("<f8", {1}, {-10})},
      {"old_energies", npy<double>("<f8", {1}, {-20})}};
  mlff_test::write_npz(path, arrays);
  EXPECT_DOUBLE_EQ(*frames(path)[0].energy, -10 * kcal_per_mol_in_eV);
  EXPECT_DOUBLE_EQ(*frames(path, {.units = "real"})[0].energy, -10 * kcal_per_mol_in_eV);
  EXPECT_EQ(frames(path, {.units = "metal"})[0].energy, -10.0);
  EXPECT_DOUBLE_EQ(*frames(path, {.keys = {{"energy", "old_energies"}}})[0].energy,
                   -20 * kcal_per_mol_in_eV);
  expect_error(path, {"array 'dft'", "it is missing"}, {.keys = {{"energy", "dft"}}});
  // arrays that may be labels are named where these are missing
  auto others = arrays;
  others.erase("energies");
  others["F"] = npy<double>("<f8", {1, 1, 3}, {1, 2, 3});
  mlff_test::write_npz(path, others);
  EXPECT_EQ(frames(path)[0].unread, (std::vector<std::string>{"F", "old_energies"}));
  EXPECT_DOUBLE_EQ(frames(path, {.keys = {{"forces", "F"}}})[0].forces[2], 3 * kcal_per_mol_in_eV);
  arrays["cell"] = npy<double>("<f8", {9}, {5, 0, 0, 0, 5, 0, 0, 0, 5});
  mlff_test::write_npz(path, arrays);
  expect_error(path, {"an array 'cell'", "only open molecules"});
  arrays.erase("cell");
  arrays["nuclear_charges"] = npy<double>("<f8", {1}, {8.5});
  mlff_test::write_npz(path, arrays);
  expect_error(path, {"'nuclear_charges' holds 8.5", "1 to 118"});
}

TEST_F(Readers, FurtherColumnsOfDumpsAreKept)
{
  const std::string path =
      put("a.dump",
          "ITEM: TIMESTEP\n7\nITEM: NUMBER OF ATOMS\n2\nITEM: BOX BOUNDS pp pp ff\n0 4\n0 5\n0 6\n"
          "ITEM: ATOMS id type element q x y z ix c_s[2]\n2 1 O -0.5 1 2 3 -1 0.25\n1 2 H 0.5 0 0 "
          "1 0 1\n");
  EXPECT_EQ(rewritten(path),
            "2\nProperties=species:S:1:pos:R:3:id:I:1:type:I:1:q:R:1:ix:I:1:c_s_2_:R:1 Lattice=\"4 "
            "0 0 0 5 0 0 0 6\" pbc=\"T T F\" Timestep=7\n"
            "H 0 0 1 1 2 0.5 0 1\nO 1 2 3 2 1 -0.5 -1 0.25\n");
}

// ---- weights of SchNetPack

std::map<std::string, std::string> schnetpack_weights(const Potential &potential)
{
  const int F = painn_sizes(potential).features, K = painn_sizes(potential).radial;
  const auto array = [&](const std::string &name) {
    const Tensor &tensor = potential.tensors.at(name);
    return npy<float>("<f4", tensor.shape,
                      std::vector<float>(tensor.values.begin(), tensor.values.end()));
  };
  std::map<std::string, std::string> arrays;
  const auto linear = [&](const std::string &from, const std::string &to, bool bias = true) {
    arrays[to + ".weight"] = array(from + ".weight");
    if (bias) arrays[to + ".bias"] = array(from + ".bias");
  };
  std::vector<float> embedding(100 * F, 77.0f), offsets, widths;
  for (int s = 0; s < potential.n_species(); s++)
    for (int f = 0; f < F; f++)
      embedding[potential.elements[s] * F + f] =
          float(potential.tensors.at("embedding").values[s * F + f]);
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
  for (int l = 0; l < painn_sizes(potential).layers; l++) {
    const std::string n = std::to_string(l);
    linear("message." + n + ".0",
           "representation.interactions." + n + ".interatomic_context_net.0");
    linear("message." + n + ".1",
           "representation.interactions." + n + ".interatomic_context_net.1");
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
  EXPECT_EQ(painn_sizes(imported).layers, 2);
  EXPECT_EQ(imported.cutoff, 4.0);
  for (const auto &[name, tensor] : original.tensors)
    if (name != "scale" && name != "reference_energy") {
      EXPECT_EQ(imported.tensors.at(name).values, tensor.values) << name;
    }
  EXPECT_EQ(imported.tensors.at("scale").values, std::vector<double>{0.5});
  EXPECT_EQ(imported.tensors.at("reference_energy").values,
            (std::vector<double>{-50.0, -49.0, -50.0}));

  const auto expect_refusal = [&](const std::string &name, const std::string &bytes,
                                  const std::string &words) {
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
  expect_refusal("output_modules.0.outnet.1.bias", "",
                 "'output_modules.0.outnet.1.bias': it is missing");
  expect_refusal("something.else", npy<double>("<f8", {1}, {1}), "the array 'something.else'");
  expect_refusal("representation.radial_basis.widths", npy<double>("<f8", {6}, {1, 1, 1, 1, 1, 1}),
                 "radial basis is not 6 Gaussians");
  expect_refusal("representation.filter_net.weight",
                 npy<double>("<f8", {24, 6}, std::vector<double>(144)), "shared between layers");
  expect_refusal("readout", npy<double>("<f8", {1}, {1}), "'readout'");
  expect_refusal("representation.embedding.weight",
                 npy<float>("<f4", {4, 8}, std::vector<float>(32)), "4 rows and no O");
}

}    // namespace
