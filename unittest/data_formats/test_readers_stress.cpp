// Stress and virial in files of frames: names, sizes, signs, units, contradictions, rewriting.
#include "core/units.h"
#include "data/extended_xyz.h"
#include "data/trajectory.h"
#include "structure/lattice.h"
#include "support/folder_fixture.h"
#include "support/npz_writer.h"
#include "teacher/teacher.h"

#include <gtest/gtest.h>

using namespace mlff;
using mlff_test::npy;

namespace {

using Matrix = std::array<double, 9>;

/// A sheared cell of 60 Å^3, and the text of a stress with three different off-diagonals.
const std::string cell = "Lattice=\"3 0 0 0.5 4 0 -0.25 1 5\"";
constexpr double volume = 60.0;
const std::string nine = "stress=\"0.01 0.02 -0.03 0.02 0.05 0.04 -0.03 0.04 0.07\"";
constexpr Matrix values = {0.01, 0.02, -0.03, 0.02, 0.05, 0.04, -0.03, 0.04, 0.07};

class ReadersStress : public mlff_test::FolderTest {
 protected:
  std::string put(const std::string &text, const std::string &name = "a.xyz") const
  {
    std::ofstream(file(name), std::ios::binary) << text;
    return file(name);
  }

  /// A file of one frame with these keys.
  std::string frame_with(const std::string &keys) const
  {
    return put("1\n" + keys + " Properties=species:S:1:pos:R:3\nC 0 0 0\n");
  }

  static Structure only_frame(const std::string &path, const ReadOptions &options = {})
  {
    const auto reader = open_trajectory(path, options);
    Structure frame, none;
    EXPECT_TRUE(reader->next(frame));
    EXPECT_FALSE(reader->next(none));
    return frame;
  }

  static void expect_stress(const Structure &frame, const Matrix &expected, const std::string &what)
  {
    ASSERT_TRUE(frame.stress) << what;
    for (int k = 0; k < 9; k++) EXPECT_NEAR((*frame.stress)[k], expected[k], 1e-15) << what << k;
    EXPECT_TRUE(frame.unread_stress.empty()) << what;
  }

  std::string written(const Structure &frame) const
  {
    std::FILE *out = std::fopen(file("written.xyz").c_str(), "w");
    write_xyz(out, frame);
    std::fclose(out);
    return content("written.xyz");
  }

  std::string rewritten(const std::string &path, ReadOptions options = {}) const
  {
    options.keep = true;
    return written(only_frame(path, options));
  }

  void expect_error(const std::string &path, const std::vector<std::string> &words,
                    const ReadOptions &options = {}) const
  {
    try {
      only_frame(path, options);
      ADD_FAILURE() << "no error; expected: " << words.front();
    } catch (const FileError &error) {
      EXPECT_NE(std::string(error.what()).find("'" + path + "', frame 1"), std::string::npos)
          << error.what();
      for (const auto &word : words)
        EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
    }
  }
};

/// Minus the stress times the volume, as text.
std::string virial_text(const std::string &key, double sign = -1.0)
{
  std::string text;
  for (const double x : values)
    text += (text.empty() ? key + "=\"" : " ") + std::to_string(sign * volume * x);
  return text + "\"";
}

TEST_F(ReadersStress, NinePositionsOrSixInTheOrderOfAse)
{
  for (const std::string &key :
       {nine, std::string("stress='0.01 0.05 0.07 0.04 -0.03 0.02'"),
        std::string("STRESS=[[0.01, 0.02, -0.03], [0.02, 0.05, 0.04], [-0.03, 0.04, 0.07]]"),
        std::string("REF_stress={0.01 0.05 0.07 0.04 -0.03 0.02}"), virial_text("virial"),
        virial_text("Virial"), virial_text("REF_virials"), "pbc=\"T T T\" " + nine,
        nine + " " + virial_text("virial"), virial_text("virial") + " REF_" + nine})
    expect_stress(only_frame(frame_with(cell + " " + key)), values, key);
  // the cell may stand behind, and may turn the other way
  expect_stress(only_frame(frame_with(virial_text("virial") + " " + cell)), values, "cell behind");
  expect_stress(
      only_frame(frame_with("Lattice=\"0.5 4 0 3 0 0 -0.25 1 5\" " + virial_text("virial"))),
      values, "left-handed cell");
  EXPECT_FALSE(only_frame(frame_with(cell)).stress);
}

TEST_F(ReadersStress, RowsStayRows)
{
  // a transposed matrix would show here; whether a stress is symmetric is for its users to say
  const auto frame =
      only_frame(frame_with(cell + " stress=\"0.01 0.02 -0.03 0.5 0.05 0.04 -0.03 0.04 0.07\""));
  ASSERT_TRUE(frame.stress);
  EXPECT_EQ((*frame.stress)[1], 0.02);
  EXPECT_EQ((*frame.stress)[3], 0.5);
}

TEST_F(ReadersStress, KeysThatTheUserNames)
{
  const std::string keys = cell + " " + nine + " dft_stress=\"1 2 3 4 5 6\" my_virial=\"" +
      "-60 -120 -180 -120 -240 -300 -180 -300 -360\"";
  expect_stress(only_frame(frame_with(keys), {.keys = {{"stress", "stress"}}}), values, "stress");
  expect_stress(only_frame(frame_with(keys), {.keys = {{"stress", "dft_stress"}}}),
                {1, 6, 5, 6, 2, 4, 5, 4, 3}, "dft_stress");
  // a name with "virial" in it is that of a virial
  expect_stress(only_frame(frame_with(keys), {.keys = {{"stress", "my_virial"}}}),
                {1, 2, 3, 2, 4, 5, 3, 5, 6}, "my_virial");
  ReadOptions options;
  add_key(options, "stress=sigma");
  expect_error(frame_with(keys),
               {"there is no key 'sigma' for the stress", "the frame has:", "dft_stress"}, options);
}

TEST_F(ReadersStress, ContradictionsAreRefused)
{
  expect_error(frame_with(cell + " " + nine + " " + virial_text("virial", 1.0)),
               {"'stress' and 'virial' may both be the stress", "-volume * stress is",
                "where virial is", "--key stress=stress"});
  expect_error(frame_with(cell + " " + nine + " REF_stress=\"0.01 0.05 0.07 0.04 -0.03 0.021\""),
               {"'stress' and 'REF_stress' may both be the stress", "0.02 and 0.021"});
  // the order of VASP, xx yy zz xy yz zx
  expect_error(frame_with(cell + " " + nine + " MACE_stress=\"0.01 0.05 0.07 0.02 0.04 -0.03\""),
               {"'stress' and 'MACE_stress'"});
  const auto chosen = only_frame(frame_with(cell + " " + nine + " " + virial_text("virial", 1.0)),
                                 {.keys = {{"stress", "stress"}}});
  expect_stress(chosen, values, "one is chosen");
}

TEST_F(ReadersStress, WrongSizesAndNumbers)
{
  expect_error(frame_with(cell + " stress=\"1 2 3\""),
               {"stress has 3 numbers; expected 9, or 6 in the order xx yy zz yz xz xy"});
  expect_error(frame_with(cell + " stress="), {"stress has 0 numbers"});
  expect_error(frame_with(cell + " virial=\"1 2 3 4 5 6\""), {"virial has 6 numbers; expected 9"});
  expect_error(frame_with(cell + " stress=\"1 2 3 4 5 x\""), {"found 'x' for stress"});
  expect_error(frame_with(cell + " stress=\"1 2 3 4 5 nan\""), {"found 'nan' for stress"});
  expect_error(frame_with(cell + " dft_stress=\"1 2\""), {"dft_stress has 2 numbers"},
               {.keys = {{"stress", "dft_stress"}}});
  expect_error(
      frame_with("Lattice=\"3 0 0 3 0 0 0 0 5\" " + virial_text("virial")),
      {"the key 'virial', which is -volume * stress, but the volume of the cell is 0 A^3"});
  expect_error(frame_with("Lattice=\"1e200 0 0 0 1e200 0 0 0 1\" " + virial_text("virial")),
               {"the volume of the cell is inf A^3", "a finite one"});
  expect_error(frame_with("Lattice=\"1e100 0 0 0 1e100 0 0 0 1\" stress=\"1e200 0 0 0 0 0\" "
                          "virial=\"5 0 0 0 0 0 0 0 0\""),
               {"-volume * stress is -inf eV where virial is 5 eV"});
  expect_error(
      frame_with("Lattice=\"2e-3 0 0 0 2e-3 0 0 0 2e-3\" virial=\"1e308 0 0 0 0 0 0 0 0\""),
      {"beyond 1.8e308"});
}

TEST_F(ReadersStress, OpenSystemsHaveNone)
{
  for (const std::string pbc : {"F F F", "T T F", "F T T"}) {
    const std::string path = frame_with(cell + " pbc=\"" + pbc + "\" " + nine + " virial=\"1 2\"");
    const auto frame = only_frame(path);
    EXPECT_FALSE(frame.stress) << pbc;
    EXPECT_EQ(
        frame.unread_stress,
        (std::vector<std::string>{"stress (of a frame that is not periodic in all directions)",
                                  "virial (of a frame that is not periodic in all directions)"}));
    EXPECT_EQ(rewritten(path), content("a.xyz")) << "what is not read stays as it is";
    // an atom alone beside crystals has no stress, whichever key they have
    EXPECT_FALSE(only_frame(path, {.keys = {{"stress", "dft_stress"}}}).stress);
    EXPECT_EQ(only_frame(frame_with("sigma=\"1 2 3 4 5 6\""), {.keys = {{"stress", "sigma"}}})
                  .unread_stress.size(),
              1u);
  }
  EXPECT_TRUE(only_frame(frame_with("energy=-1")).unread_stress.empty());
  const std::string path = file("a.npz");
  mlff_test::write_npz(path,
                       {{"nuclear_charges", npy<std::uint8_t>("|u1", {1}, {8})},
                        {"coords", npy<double>("<f8", {1, 1, 3}, {1, 2, 3})},
                        {"stress", npy<double>("<f8", {1, 6}, {1, 2, 3, 4, 5, 6})}});
  EXPECT_EQ(only_frame(path).unread_stress,
            std::vector<std::string>{"stress (of open molecules, which have no stress)"});
}

TEST_F(ReadersStress, NamesThatAreNotTaken)
{
  const auto prefix = only_frame(frame_with(cell + " dft_stress=\"1 2 3 4 5 6\" stress_std=3"));
  EXPECT_FALSE(prefix.stress);
  EXPECT_EQ(prefix.unread_stress, std::vector<std::string>{"dft_stress"});
  // LAMMPS' dump extxyz: bar, positive under pressure, with the part of the velocities
  const std::string path = frame_with(cell + " Timestep=1 Stress=\"1 0 0 0 1 0 0 0 1\"");
  const auto lammps = only_frame(path);
  EXPECT_FALSE(lammps.stress);
  EXPECT_EQ(lammps.unread_stress,
            std::vector<std::string>{"Stress (LAMMPS' pressure, with a part of the velocities)"});
  EXPECT_EQ(rewritten(path), content("a.xyz"));
}

TEST_F(ReadersStress, Units)
{
  Matrix real = values;
  for (double &x : real) x *= kcal_per_mol_in_eV;
  for (const std::string &keys :
       {nine, virial_text("virial"), nine + " " + virial_text("virial")}) {
    const std::string path = frame_with(cell + " " + keys);
    expect_stress(only_frame(path, {.units = "real"}), real, keys);
    expect_stress(only_frame(path, {.units = "metal"}), values, keys);
    expect_stress(only_frame(path, {.units = "gpumd"}), values, keys);
    // written again they are metal, all of them
    put(rewritten(path, {.units = "real"}), "metal.xyz");
    expect_stress(only_frame(file("metal.xyz")), real, keys);
  }
}

TEST_F(ReadersStress, RewritingKeepsTheWords)
{
  for (const std::string &keys :
       {cell + " " + nine, cell + " stress='1.0E-2 0.050 .07 4D-2 -0.03 +0.02' d=1",
        cell + " energy='-5.250' charge='+1' stress='0 0 0 0 0 0'",
        virial_text("virial") + " " + cell, cell + " " + nine + " " + virial_text("REF_virial")}) {
    const std::string path = frame_with(keys);
    EXPECT_EQ(rewritten(path), content("a.xyz"));
  }
}

TEST_F(ReadersStress, WrittenStressComesBack)
{
  Structure frame;
  frame.numbers = {6};
  frame.positions = {0, 0, 0};
  frame.cell = {3, 0, 0, 0.5, 4, 0, -0.25, 1, 5};
  frame.periodic = {true, true, true};
  frame.stress = {1.0 / 3.0, 0.1, 0.2, 0.1, 1e-17, -0.7, 0.2, -0.7, 2.0 / 3.0};
  const std::string text = written(frame);
  EXPECT_NE(text.find("stress=\"0.3333333333333333 0.1 0.2 0.1 1e-17"), std::string::npos) << text;
  EXPECT_EQ(only_frame(file("written.xyz")).stress, frame.stress);
}

TEST_F(ReadersStress, LabelsOfAnotherMethod)
{
  Labels labels;
  labels.energy = -2.0;
  labels.forces = {0, 0, 0};
  labels.stress = {1, 2, 3, 2, 5, 6, 3, 6, 9};
  const auto labelled = [&](const std::string &keys, const ReadOptions &options = {}) {
    ReadOptions read = options;
    read.keep = true;
    Structure frame = only_frame(frame_with(cell + " " + keys + " a=1"), read);
    forget_results(frame);
    EXPECT_FALSE(frame.stress);
    set_labels(frame, labels);
    const auto text = written(frame);
    return text.substr(0, text.find(" energy"));
  };
  // the name stays, and a virial gives way to a stress
  const std::string head = "1\n" + cell, tail = " Properties=species:S:1:pos:R:3:forces:R:3",
                    stress = "stress=\"1 2 3 2 5 6 3 6 9\"";
  EXPECT_EQ(labelled(nine), head + " " + stress + " a=1" + tail);
  EXPECT_EQ(labelled("REF_stress=\"1 2 3 4 5 6\""), head + " REF_" + stress + " a=1" + tail);
  EXPECT_EQ(labelled("sigma=\"1 2 3 4 5 6\"", {.keys = {{"stress", "sigma"}}}),
            head + " sigma=\"1 2 3 2 5 6 3 6 9\" a=1" + tail);
  for (const std::string &virials : {virial_text("virial"), virial_text("virial") + " dft_" + nine})
    EXPECT_EQ(labelled(virials), head + " a=1" + tail);
  EXPECT_NE(content("written.xyz").find(" energy=-2 " + stress + "\n"), std::string::npos)
      << content("written.xyz");
  // labels without a stress leave none of another method
  labels.stress.reset();
  Structure frame = only_frame(frame_with(cell + " " + nine));
  set_labels(frame, labels);
  EXPECT_FALSE(frame.stress);
}

}    // namespace
