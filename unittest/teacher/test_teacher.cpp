// Teachers: their table, their labels, and what they say of themselves.
#include "support/folder_fixture.h"
#include "support/random_potential.h"
#include "teacher/teacher.h"
#ifdef MLFF_XTB
#include "teacher/xtb_calculator.h"
#endif

#include <set>

using namespace mlff;
using mlff_test::random_potential;
using mlff_test::random_structure;

namespace {

template <class Work> std::string message_of(const Work &work)
{
  try {
    work();
  } catch (const TeacherError &error) {
    return error.what();
  }
  return "no error";
}

TEST(TeacherTable, FirstSettingsTellKindsApart)
{
  std::set<std::string> choosing;
  for (const auto *kind : teacher_kinds()) {
    ASSERT_FALSE(kind->settings.empty());
    EXPECT_TRUE(choosing.insert(kind->settings.front().key).second) << kind->name;
    EXPECT_EQ(&teacher_kind(kind->name), kind);
    EXPECT_TRUE(has_teacher(kind->name));
    for (const auto &setting : kind->settings) {
      EXPECT_EQ(kind->find(setting.key), &setting);
      EXPECT_TRUE(setting.option.starts_with("--")) << setting.key;
      EXPECT_FALSE(setting.help.empty()) << setting.key;
    }
  }
  EXPECT_FALSE(has_teacher("oracle"));
  const std::string text = message_of([] {
    make_teacher(TeacherSettings{"oracle"});
  });
  EXPECT_NE(text.find("no teacher 'oracle'; accepted: "), std::string::npos) << text;
  EXPECT_NE(text.find("potentials"), std::string::npos) << text;
}

class PotentialsTeacher : public mlff_test::FolderTest {
 protected:
  const std::array<double, 9> cell = {7.1, 0.0, 0.3, -0.6, 6.8, 0.2, 0.4, 0.5, 7.4};
  std::vector<std::string> files;
  Structure crystal = random_structure(20, 7, cell, {true, true, true});

  void SetUp() override
  {
    FolderTest::SetUp();
    for (const unsigned seed : {1u, 2u}) {
      files.push_back(file("model " + std::to_string(seed) + ".safetensors"));
      random_potential({8, 1, 6}, {1, 6, 8}, 4.0, seed).write(files.back());
    }
  }

  /// Cell and positions times 1 + strain in direction b of coordinate a, symmetric.
  static Structure strained(const Structure &structure, int a, int b, double strain)
  {
    Structure out = structure;
    const auto stretch = [&](const double *from, double *to) {
      to[a] += 0.5 * strain * from[b];
      to[b] += 0.5 * strain * from[a];
    };
    for (int k = 0; k < 9; k += 3) stretch(&structure.cell[k], &out.cell[k]);
    for (std::size_t k = 0; k < structure.positions.size(); k += 3)
      stretch(&structure.positions[k], &out.positions[k]);
    return out;
  }
};

TEST_F(PotentialsTeacher, StressIsTheDerivativeByStrain)
{
  const auto teacher = teacher_of_potentials(files, 1);
  const Labels labels = teacher->label(crystal);
  ASSERT_TRUE(labels.stress);
  const auto &h = crystal.cell;
  const double volume = h[0] * (h[4] * h[8] - h[5] * h[7]) - h[1] * (h[3] * h[8] - h[5] * h[6]) +
      h[2] * (h[3] * h[7] - h[4] * h[6]);
  constexpr double step = 1e-5;
  for (int a = 0; a < 3; a++)
    for (int b = 0; b < 3; b++) {
      const double up = teacher->label(strained(crystal, a, b, step)).energy,
                   down = teacher->label(strained(crystal, a, b, -step)).energy;
      EXPECT_NEAR((*labels.stress)[3 * a + b], (up - down) / (2 * step) / volume, 1e-7)
          << a << " " << b;
    }
  Structure open = crystal;
  open.periodic = {false, false, false};
  EXPECT_FALSE(teacher->label(open).stress);
}

TEST_F(PotentialsTeacher, EnergiesOfAtomsSumToTheEnergy)
{
  const Labels labels = teacher_of_potentials(files, 1)->label(crystal);
  double sum = 0.0;
  for (const double e : labels.atom_energy) sum += e;
  EXPECT_NEAR(sum, labels.energy, 1e-9);
  EXPECT_TRUE(labels.energy_spread);
  EXPECT_EQ(labels.force_spread.size(), 20u);
  EXPECT_FALSE(labels.charge);
  const Labels one = teacher_of_potentials({files[0]}, 1)->label(crystal);
  EXPECT_FALSE(one.energy_spread);
  EXPECT_TRUE(one.force_spread.empty());
}

TEST_F(PotentialsTeacher, AFailedStructureLeavesTheNextAsItIs)
{
  const auto teacher = teacher_of_potentials(files, 1);
  const Labels before = teacher->label(crystal);
  Structure strange = crystal;
  strange.numbers[3] = 79;
  EXPECT_NE(message_of([&] {
              teacher->label(strange);
            }).find("Au"),
            std::string::npos);
  EXPECT_NE(message_of([&] {
              teacher->set_reference(strange);
            }).find("Au"),
            std::string::npos);
  const Labels after = teacher->label(crystal);
  EXPECT_EQ(before.energy, after.energy);
  EXPECT_EQ(before.forces, after.forces);
}

TEST_F(PotentialsTeacher, SaysWhatItIs)
{
  const auto teacher = teacher_of_potentials(files, 1);
  const auto provenance = teacher->provenance();
  EXPECT_EQ(provenance["settings"]["models"], nlohmann::ordered_json(files));
  EXPECT_EQ(provenance["files"], nlohmann::ordered_json(files));
  EXPECT_TRUE(provenance["versions"].empty());
  EXPECT_EQ(teacher->lammps_commands("C H O", 0, 0),
            "pair_style      mlff\npair_coeff      * * \"" + files[0] + "\" \"" + files[1] +
                "\" C H O\n");
  const TeacherSettings settings{"potentials", {{"models", files}}};
  EXPECT_EQ(settings.name(), "model 1.safetensors, model 2.safetensors");

  // what they cite, once
  for (const auto &file : files) {
    Potential potential = Potential::read(file);
    potential.citation = "A. Author (2026)";
    potential.write(file, true);
  }
  EXPECT_EQ(teacher_of_potentials(files, 1)->citation(), "A. Author (2026)");
}

TEST(Labels, GoIntoAStructure)
{
  Structure structure;
  structure.numbers = {1};
  structure.positions = {0.0, 0.0, 0.0};
  structure.charge = 2.0;
  structure.energy_spread = 5.0;
  Labels labels;
  labels.energy = -13.6;
  labels.forces = {1.0, 2.0, 3.0};
  set_labels(structure, labels);
  EXPECT_EQ(structure.energy, -13.6);
  EXPECT_EQ(structure.forces, labels.forces);
  EXPECT_EQ(structure.charge, 2.0);
  EXPECT_EQ(structure.energy_spread, 5.0);
  EXPECT_TRUE(structure.spread.empty());
  labels.charge = 0;
  labels.multiplicity = 2;
  labels.force_spread = {0.1};
  set_labels(structure, labels);
  EXPECT_EQ(structure.charge, 0.0);
  EXPECT_EQ(structure.multiplicity, 2.0);
  EXPECT_EQ(structure.spread, labels.force_spread);
}

#ifdef MLFF_XTB
Structure water()
{
  Structure s;
  s.numbers = {8, 1, 1};
  s.positions = {0.0, 0.0, 0.1, 0.78, 0.02, -0.47, -0.74, 0.05, -0.49};
  return s;
}

TeacherSettings xtb(const std::string &method)
{
  return {"xtb", {{"method", method}}};
}

TEST(XtbTeacher, OneMoleculeInThisProcessEqualsAnyMoleculeInAnother)
{
  const auto any = make_teacher(xtb("gfn2")), one = make_teacher(xtb("gfn2"));
  Structure moved = water();
  moved.positions[4] += 0.1;
  one->set_reference(water());
  for (const Structure &structure : {water(), moved}) {
    const Labels a = any->label(structure), b = one->label(structure);
    EXPECT_NEAR(a.energy, b.energy, 1e-6);
    for (int k = 0; k < 9; k++) EXPECT_NEAR(a.forces[k], b.forces[k], 1e-4);
    EXPECT_EQ(b.charge, 0);
    EXPECT_EQ(b.multiplicity, 1);
  }
  Structure other = water();
  other.numbers[1] = 9;
  EXPECT_NE(message_of([&] {
              one->label(other);
            }).find("not those of the molecule"),
            std::string::npos);
}

TEST(XtbTeacher, AnnouncedStructuresComeInTheirOrder)
{
  const auto teacher = make_teacher(xtb("gfnff")), plain = make_teacher(xtb("gfnff"));
  Structure periodic = water(), moved = water();
  periodic.cell = {9, 0, 0, 0, 9, 0, 0, 0, 9};
  periodic.periodic = {true, true, true};
  moved.positions[4] += 0.1;
  for (const auto &structure : {water(), periodic, moved}) teacher->expect(structure);
  EXPECT_EQ(teacher->label(water()).energy, plain->label(water()).energy);
  EXPECT_NE(message_of([&] {
              teacher->label(periodic);
            }).find("this frame is periodic; the calculator tblite.ase:TBLite labels it"),
            std::string::npos);
  EXPECT_EQ(teacher->label(moved).energy, plain->label(moved).energy);
}

TEST(XtbTeacher, ChargeAndSpinAreThoseOfTheStructureOrOfTheSettings)
{
  auto settings = xtb("gfn2");
  Structure cation = water();
  cation.charge = 1.0;
  cation.multiplicity = 2.0;
  const Labels of_structure = make_teacher(settings)->label(cation);
  EXPECT_EQ(of_structure.charge, 1);
  EXPECT_EQ(of_structure.multiplicity, 2);
  settings.values["charge"] = 1;
  settings.values["uhf"] = 1;
  const auto asked = make_teacher(settings);
  EXPECT_EQ(asked->label(water()).energy, of_structure.energy);
  Structure neutral = water();
  neutral.charge = 0.0;
  EXPECT_NE(message_of([&] {
              asked->label(neutral);
            }).find("the charge of the frame is 0, but --charge is 1"),
            std::string::npos);
  Structure half = water();
  half.charge = 0.5;
  EXPECT_NE(message_of([&] {
              asked->label(half);
            }).find("a charge of 0.5; accepted: a whole number"),
            std::string::npos);
}

TEST(XtbTeacher, WhatItCannotDoIsSaidBeforeAnyCalculation)
{
  Structure radical = water();
  radical.multiplicity = 2.0;
  EXPECT_NE(message_of([&] {
              make_teacher(xtb("gfn2"))->set_reference(radical);
            }).find("do not fit"),
            std::string::npos);
  EXPECT_EQ(message_of([] {
              make_teacher(xtb("gfn3"));
            }),
            "unknown xTB method 'gfn3'; accepted: gfn2, gfn1, gfnff");
}

TEST(XtbTeacher, SaysWhatItIs)
{
  auto settings = xtb("gfn1");
  const auto plain = make_teacher(settings);
  const auto provenance = plain->provenance();
  EXPECT_EQ(provenance["settings"],
            (nlohmann::ordered_json{{"method", "gfn1"}, {"accuracy", 0.1}}));
  EXPECT_EQ(provenance["versions"]["xtb_version"], xtb_version());
  EXPECT_TRUE(provenance["files"].empty());
  EXPECT_EQ(plain->lammps_commands("O H", -1, 2),
            "pair_style      xtb method gfn1 charge -1 uhf 2 accuracy 0.1\npair_coeff      * * O "
            "H\n");
  EXPECT_FALSE(plain->depends_on_reference());
  EXPECT_TRUE(make_teacher(xtb("gfnff"))->depends_on_reference());
  settings.values["etemp"] = 1500.0;
  settings.values["uhf"] = 2;
  const auto hot = make_teacher(settings);
  EXPECT_EQ(hot->provenance()["settings"]["etemp"], 1500.0);
  EXPECT_EQ(hot->provenance()["settings"]["uhf"], 2);
  EXPECT_NE(hot->lammps_commands("O H", 0, 0).find("accuracy 0.1 etemp 1500\n"), std::string::npos);
  EXPECT_EQ(settings.name(), "gfn1");
  EXPECT_EQ(TeacherSettings().name(), "gfn2");
  EXPECT_NE(plain->citation().find("(GFN1-xTB)"), std::string::npos);
  EXPECT_NE(make_teacher(xtb("gfn2"))->citation().find("(GFN2-xTB)"), std::string::npos);
  EXPECT_NE(make_teacher(xtb("gfnff"))->citation().find("(GFN-FF)"), std::string::npos);
}
#endif

}    // namespace
