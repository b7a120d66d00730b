// Folders in DeePMD-kit's format.
#include "data/numpy/deepmd_folder.h"

#include "core/units.h"
#include "data/input_record.h"
#include "support/folder_fixture.h"
#include "support/npz_writer.h"

#include <algorithm>

using namespace mlff;
using mlff_test::npy;

namespace {

class DeepmdFolder : public mlff_test::FolderTest {
 protected:
  std::string system() const { return file("water"); }

  void put(const std::string &name, const std::string &content) const
  {
    const auto path = folder / "water" / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << content;
  }

  /// Two sets, of two frames and of one, of two atoms.
  void write() const
  {
    put("type.raw", "1\n0\n");
    put("type_map.raw", "O\nH\n");
    put("set.000/coord.npy", npy<double>("<f8", {2, 6}, {0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
    put("set.000/box.npy",
        npy<double>("<f8", {2, 9}, {2, 0, 0, 0, 3, 0, 0, 0, 4, 5, 0, 0, 1, 5, 0, 0, 0, 5}));
    put("set.000/energy.npy", npy<double>("<f8", {2}, {-10, 20}));
    put("set.000/force.npy", npy<float>("<f4", {2, 6}, {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}));
    put("set.000/virial.npy",
        npy<double>("<f8", {2, 9}, {24, 1, 2, 1, 48, 3, 2, 3, 72, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
    put("set.001/coord.npy", npy<double>("<f8", {1, 6}, {9, 8, 7, 6, 5, 4}));
    put("set.001/box.npy", npy<double>("<f8", {1, 9}, {9, 0, 0, 0, 9, 0, 0, 0, 9}));
  }

  std::vector<Structure> frames(const ReadOptions &options = {}) const
  {
    const auto reader = open_trajectory(system(), options);
    std::vector<Structure> list;
    double progress = 0.0;
    for (Structure frame; reader->next(frame);) {
      list.push_back(frame);
      EXPECT_GE(reader->progress(), progress);
      progress = reader->progress();
    }
    EXPECT_EQ(reader->progress(), 1.0);
    return list;
  }

  void expect_error(const std::vector<std::string> &words, const ReadOptions &options = {}) const
  {
    try {
      frames(options);
      ADD_FAILURE() << "no error; expected: " << words.front();
    } catch (const FileError &error) {
      for (const auto &word : words)
        EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
    }
  }
};

TEST_F(DeepmdFolder, FramesOfAllSetsAreRead)
{
  write();
  const auto list = frames();
  ASSERT_EQ(list.size(), 3u);
  EXPECT_EQ(list[0].numbers, (std::vector<int>{1, 8}));
  EXPECT_EQ(list[0].positions, (std::vector<double>{0, 0, 0, 1, 2, 3}));
  EXPECT_EQ(list[1].positions, (std::vector<double>{4, 5, 6, 7, 8, 9}));
  EXPECT_EQ(list[2].positions, (std::vector<double>{9, 8, 7, 6, 5, 4}));
  EXPECT_EQ(list[1].cell, (std::array<double, 9>{5, 0, 0, 1, 5, 0, 0, 0, 5}));
  EXPECT_EQ(list[0].periodic, (std::array<bool, 3>{true, true, true}));
  EXPECT_EQ(list[1].energy, 20.0);
  EXPECT_EQ(list[1].forces, (std::vector<double>{0, 0, 0, 0, 0, 2}));
  // the virial is positive under pressure, the stress negative; the volume is 24
  const std::array<double, 9> stress = {-1,       -1. / 24, -2. / 24, -1. / 24, -2,
                                        -3. / 24, -2. / 24, -3. / 24, -3};
  ASSERT_TRUE(list[0].stress);
  for (int k = 0; k < 9; k++) EXPECT_DOUBLE_EQ((*list[0].stress)[k], stress[k]) << k;
  EXPECT_FALSE(list[2].energy);
  EXPECT_TRUE(list[2].forces.empty());
  EXPECT_FALSE(list[2].stress);
}

TEST_F(DeepmdFolder, ElementsUnitsAndNamesAreThoseOfTheOptions)
{
  write();
  put("set.000/dft.npy", npy<double>("<f8", {2, 1}, {-1, -2}));
  put("set.001/dft.npy", npy<double>("<f8", {1}, {-3}));
  std::filesystem::remove(folder / "water/type_map.raw");
  expect_error({"has no type_map.raw", "--elements O H"});
  ReadOptions options;
  options.elements = {"Si", "C"};
  options.units = "real";
  options.keys = {{"energy", "dft"}};
  const auto list = frames(options);
  EXPECT_EQ(list[0].numbers, (std::vector<int>{6, 14}));
  EXPECT_DOUBLE_EQ(*list[2].energy, -3 * kcal_per_mol_in_eV);
  EXPECT_DOUBLE_EQ(list[0].forces[0], kcal_per_mol_in_eV);
  EXPECT_DOUBLE_EQ((*list[0].stress)[0], -kcal_per_mol_in_eV);
  options.elements = {"Si"};
  expect_error({"an atom of type 1; expected 0 to 0"}, options);
}

TEST_F(DeepmdFolder, MixedTypesAndOpenMolecules)
{
  write();
  put("nopbc", "");
  put("set.000/real_atom_types.npy", npy<std::int32_t>("<i4", {2, 2}, {0, -1, 1, 1}));
  auto list = frames();
  EXPECT_EQ(list[0].numbers, (std::vector<int>{8}));
  EXPECT_EQ(list[0].positions, (std::vector<double>{0, 0, 0}));
  EXPECT_EQ(list[0].forces, (std::vector<double>{1, 0, 0}));
  EXPECT_EQ(list[1].numbers, (std::vector<int>{1, 1}));
  EXPECT_EQ(list[2].numbers, (std::vector<int>{1, 8}));
  EXPECT_EQ(list[0].periodic, (std::array<bool, 3>{false, false, false}));
  EXPECT_FALSE(list[0].stress);
  EXPECT_EQ(list[0].unread_stress.size(), 1u);
}

TEST_F(DeepmdFolder, WhatMayBeALabelIsNamed)
{
  write();
  std::filesystem::rename(folder / "water/set.000/energy.npy",
                          folder / "water/set.000/energy_dft.npy");
  const auto list = frames();
  EXPECT_EQ(list[0].unread, (std::vector<std::string>{"energy_dft.npy"}));
  EXPECT_TRUE(list[2].unread.empty());
}

TEST_F(DeepmdFolder, RefusesBadInput)
{
  write();
  put("type.raw", "1 x");
  expect_error({"type.raw' holds 'x'", "whole numbers from 0"});
  put("type.raw", "\n");
  expect_error({"type.raw' holds no types"});
  put("type.raw", "1 2");
  expect_error({"an atom of type 2; expected 0 to 1"});
  put("type.raw", "1 0 0");
  expect_error({"coord.npy'", "expected 9 for each of 2 frames"});
  write();
  put("type_map.raw", "O\nXx\n");
  expect_error({"type_map.raw' holds 'Xx'", "symbols of elements"});
  write();
  put("set.000/force.npy", npy<double>("<f8", {1, 6}, {1, 0, 0, 0, 0, 0}));
  expect_error({"force.npy'", "it has 6 numbers; expected 6 for each of 2 frames"});
  put("set.000/force.npy", npy<double>("<f8", {2, 6}, {1, 0, 0, 0, 0, 0, 0, 0, 0, 0, NAN, 0}));
  expect_error({"force.npy', frame 2", "not finite"});
  put("set.000/force.npy", "no array");
  expect_error({"force.npy'", "not a NumPy array"});
  write();
  put("set.000/virial.npy", npy<double>("<f8", {2, 6}, std::vector<double>(12)));
  expect_error({"virial.npy'", "expected 9 for each of 2 frames"});
  write();
  ReadOptions options;
  options.keys = {{"forces", "f"}};
  expect_error({"has no 'f.npy'"}, options);
  options.keys = {{"charge", "q"}};
  expect_error({"has no 'charge'", "accepted quantities: energy, forces, stress"}, options);
  std::filesystem::remove(folder / "water/set.000/box.npy");
  expect_error({"has no 'box.npy'"});
  std::filesystem::remove_all(folder / "water/set.000");
  std::filesystem::remove_all(folder / "water/set.001");
  expect_error({"has no folder set.*"});
  std::filesystem::remove(folder / "water/type.raw");
  expect_error({"not in DeePMD-kit's format", "type.raw"});
}

TEST_F(DeepmdFolder, ARecordKnowsItsContents)
{
  write();
  InputRecord record;
  record.add_file("data.train", system() + "/");
  EXPECT_EQ(record.json()["files"][0]["file"], "water");
  put("set.001/energy.npy", npy<double>("<f8", {1}, {1}));
  InputRecord other;
  other.add_file("data.train", system());
  try {
    other.compare(record.json(), "the work", "begin anew");
    ADD_FAILURE() << "no error";
  } catch (const FileError &error) {
    EXPECT_NE(std::string(error.what()).find("the contents of 'water'"), std::string::npos)
        << error.what();
  }
}

}    // namespace
