// Scans of torsions and bonds, and what mlff eval --reach says of students beside a teacher.
#include "reach/reach.h"

#include "core/errors.h"
#include "data/trajectory.h"
#include "structure/bonds.h"
#include "support/program_fixture.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <set>
#include <utility>

using namespace mlff;

namespace {

using Json = nlohmann::json;

const std::string rmd17 = POTENTIALS "/ethanol-rmd17-painn32.safetensors",
                  gfn2 = POTENTIALS "/ethanol-gfn2-painn32.safetensors",
                  frames = MLFF_TEST_DATA "/ethanol_rmd17.xyz";

Structure first_of(const std::string &path)
{
  Structure frame;
  open_trajectory(path)->next(frame);
  return frame;
}

double distance(const Structure &s, int i, int j)
{
  double square = 0.0;
  for (int c = 0; c < 3; c++)
    square += std::pow(s.positions[3 * i + c] - s.positions[3 * j + c], 2);
  return std::sqrt(square);
}

/// Atoms on the corners of a regular polygon, edges of this length, with a hydrogen on each.
Structure ring(int n, double edge, bool hydrogens)
{
  Structure s;
  const double radius = 0.5 * edge / std::sin(M_PI / n);
  for (int shell = 0; shell < (hydrogens ? 2 : 1); shell++)
    for (int k = 0; k < n; k++) {
      const double angle = 2.0 * M_PI * k / n, r = radius + 1.09 * shell;
      s.numbers.push_back(shell == 0 ? 6 : 1);
      for (const double x : {r * std::cos(angle), r * std::sin(angle), 0.0})
        s.positions.push_back(x);
    }
  return s;
}

/// Scans of ethanol by potentials as students and as the teacher.
Reach reach_of_ethanol(const std::vector<std::string> &students, const std::string &teacher_file,
                       const ReachOptions &options = {})
{
  const TeacherSettings settings{"potentials", {{"models", {teacher_file}}}, 1};
  const auto teacher = make_teacher(settings);
  EngineOptions engine;
  engine.precision = Precision::double_precision;
  engine.threads = 1;
  return evaluate_reach(first_of(frames), students, engine, settings, *teacher, options);
}

TEST(ReachScans, TorsionsOfEthanolTurnAndKeepBondsAndAngles)
{
  const Structure ethanol = first_of(frames);
  const auto [scans, notes] = reach_scans(ethanol);
  EXPECT_TRUE(notes.empty());
  const auto bonds = bonds_of(ethanol.numbers, ethanol.positions);
  std::vector<std::set<int>> bonded(9);
  for (const auto &[i, j] : bonds) {
    bonded[i].insert(j);
    bonded[j].insert(i);
  }
  std::set<std::set<int>> axes;
  for (const auto &scan : scans) {
    if (scan.kind != ReachScan::Kind::torsion) continue;
    ASSERT_EQ(scan.atoms.size(), 4u);
    const auto &a = scan.atoms;
    axes.insert({ethanol.numbers[a[1]], ethanol.numbers[a[2]]});
    for (int k = 0; k < 3; k++) EXPECT_TRUE(bonded[a[k]].contains(a[k + 1])) << scan.name;
    ASSERT_EQ(scan.coordinates.size(), 24u);
    ASSERT_EQ(scan.structures.size(), 24u);
    EXPECT_EQ(scan.coordinates.front(), -165.0);
    EXPECT_EQ(scan.coordinates.back(), 180.0);
    EXPECT_EQ(scan.coordinates[scan.start], 0.0);
    EXPECT_EQ(scan.structures[scan.start].positions, ethanol.positions);
    for (std::size_t k = 0; k < 24; k++) {
      const Structure &s = scan.structures[k];
      const double turned = dihedral_angle(s.positions, a[0], a[1], a[2], a[3]) - scan.at_start;
      EXPECT_NEAR(std::remainder(turned - scan.coordinates[k], 360.0), 0.0, 1e-8);
      for (const auto &[i, j] : bonds)
        EXPECT_NEAR(distance(s, i, j), distance(ethanol, i, j), 1e-12);
      for (int i = 0; i < 9; i++)
        for (const int j : bonded[i])
          for (const int l : bonded[i])
            EXPECT_NEAR(distance(s, j, l), distance(ethanol, j, l), 1e-12);
    }
  }
  EXPECT_EQ(axes, (std::set<std::set<int>>{{6}, {6, 8}}));
}

TEST(ReachScans, AStretchChangesDistancesAcrossTheBondAlone)
{
  const Structure ethanol = first_of(frames);
  std::multiset<std::pair<int, int>> kinds;
  int alike = 0;
  for (const auto &scan : reach_scans(ethanol).scans) {
    if (scan.kind != ReachScan::Kind::stretch) continue;
    alike += scan.alike;
    const int i = scan.atoms[0], j = scan.atoms[1];
    kinds.insert(std::minmax(ethanol.numbers[i], ethanol.numbers[j]));
    EXPECT_NEAR(scan.at_start, distance(ethanol, i, j), 1e-12);
    ASSERT_EQ(scan.coordinates.size(), 17u);
    EXPECT_NEAR(scan.coordinates.front(), 0.8, 1e-12);
    EXPECT_NEAR(scan.coordinates.back(), 1.6, 1e-12);
    EXPECT_EQ(scan.structures[scan.start].positions, ethanol.positions);
    for (std::size_t k = 0; k < 17; k++) {
      const Structure &s = scan.structures[k];
      EXPECT_NEAR(distance(s, i, j), scan.coordinates[k] * distance(ethanol, i, j), 1e-12);
      // each atom has kept its distance from exactly one of the two
      for (int l = 0; l < 9 && k != scan.start; l++) {
        if (l == i || l == j) continue;
        const auto keeps = [&](int end) {
          return std::abs(distance(s, end, l) - distance(ethanol, end, l)) < 1e-9;
        };
        EXPECT_NE(keeps(i), keeps(j)) << scan.name << " " << l;
      }
    }
  }
  // both carbon atoms have four neighbors, so that their hydrogens are of one kind
  EXPECT_EQ(kinds, (std::multiset<std::pair<int, int>>{{1, 6}, {1, 8}, {6, 6}, {6, 8}}));
  EXPECT_EQ(alike, 8);
}

TEST(ReachScans, RingsAreLeftOutAndStructuresWithoutScansRefused)
{
  const auto benzene = reach_scans(ring(6, 1.39, true));
  ASSERT_EQ(benzene.scans.size(), 1u);
  EXPECT_EQ(benzene.scans[0].name, "bond C1-H7");
  EXPECT_EQ(benzene.scans[0].alike, 6);
  ASSERT_EQ(benzene.notes.size(), 2u);
  EXPECT_NE(benzene.notes[0].find("no rotatable bond"), std::string::npos);
  EXPECT_NE(benzene.notes[1].find("6 bonds in rings"), std::string::npos);

  const auto refused = [](const Structure &structure, const std::string &words) {
    try {
      reach_scans(structure);
      ADD_FAILURE() << "accepted: " << words;
    } catch (const StructureError &error) {
      EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
    }
  };
  refused(ring(3, 1.5, false), "3 bonds, all in rings");
  Structure crystal = first_of(frames);
  crystal.cell = {20, 0, 0, 0, 20, 0, 0, 0, 20};
  crystal.periodic = {true, true, true};
  refused(crystal, "is periodic");
  Structure atom;
  atom.numbers = {2};
  atom.positions = {0, 0, 0};
  refused(atom, "no bond");
}

TEST(ReachScans, ALineHasNoTorsion)
{
  // H-C-C-C-H in a line, and hydrogen peroxide
  Structure line;
  line.numbers = {1, 6, 6, 6, 1};
  line.positions = {-1.06, 0, 0, 0, 0, 0, 1.2, 0, 0, 2.4, 0, 0, 3.46, 0, 0};
  for (const auto &scan : reach_scans(line).scans) EXPECT_EQ(scan.kind, ReachScan::Kind::stretch);
  Structure peroxide;
  peroxide.numbers = {1, 8, 8, 1};
  peroxide.positions = {-0.2, 0.94, 0, 0, 0, 0, 1.45, 0, 0, 1.65, 0, 0.94};
  EXPECT_EQ(reach_scans(peroxide).scans[0].name, "torsion H1-O2-O3-H4");
  EXPECT_NEAR(reach_scans(peroxide).scans[0].at_start, 90.0, 1e-9);
}

TEST(Reach, EnergiesAreThoseOfDirectEvaluation)
{
  const Reach reach = reach_of_ethanol({rmd17, gfn2}, gfn2);
  const auto first = teacher_of_potentials({rmd17}, 1), second = teacher_of_potentials({gfn2}, 1);
  const Structure ethanol = first_of(frames);
  const double zero[2] = {first->label(ethanol).energy, second->label(ethanol).energy};
  ASSERT_EQ(reach.curves.size(), 6u);
  for (const auto &curve : reach.curves)
    for (std::size_t k = 0; k < curve.teacher.size(); k++) {
      const Structure &s = curve.scan.structures[k];
      const double a = first->label(s).energy - zero[0], b = second->label(s).energy - zero[1];
      EXPECT_NEAR(curve.students[0][k], a, 1e-10);
      EXPECT_NEAR(curve.students[1][k], b, 1e-10);
      EXPECT_NEAR(curve.teacher[k], b, 1e-10);
      EXPECT_NEAR(curve.spread[k], 0.5 * std::abs(a - b), 1e-10);
    }
}

TEST(Reach, AStudentThatIsItsTeacherNeverParts)
{
  const Reach reach = reach_of_ethanol({gfn2}, gfn2);
  for (const auto &curve : reach.curves) {
    EXPECT_FALSE(curve.parting) << curve.scan.name;
    EXPECT_LT(curve.rmse, 1e-9);
    EXPECT_TRUE(curve.spread.empty());
    EXPECT_EQ(curve.agrees_from, 0u);
    EXPECT_EQ(curve.agrees_to, curve.teacher.size() - 1);
  }
  const auto sentences = reach.sentences();
  ASSERT_EQ(sentences.size(), 1u);
  EXPECT_EQ(sentences[0],
            "the student is within 50 meV of ethanol-gfn2-painn32.safetensors along all 6 scans");
}

/// A teacher that adds a function of the dihedral angle to a potential, or fails.
class BentTeacher : public Teacher {
 public:
  std::vector<int> torsion;
  std::function<double(double degrees)> added;

  explicit BentTeacher(const std::string &file) : inner(teacher_of_potentials({file}, 1)) {}

  Labels label(const Structure &structure) override
  {
    Labels labels = inner->label(structure);
    labels.energy +=
        added(dihedral_angle(structure.positions, torsion[0], torsion[1], torsion[2], torsion[3]));
    return labels;
  }
  nlohmann::ordered_json provenance() const override { return {}; }

 private:
  std::unique_ptr<Teacher> inner;
};

class ReachOfBent : public ::testing::Test {
 protected:
  BentTeacher teacher{gfn2};
  double start = 0.0;
  std::string name;

  ReachOfBent()
  {
    // the hydroxyl group, about the bond of carbon and oxygen
    for (const auto &scan : reach_scans(first_of(frames)).scans)
      if (scan.name.find("-O") != std::string::npos && scan.kind == ReachScan::Kind::torsion) {
        teacher.torsion = scan.atoms;
        start = scan.at_start;
        name = scan.name;
      }
  }

  double turned(double degrees) const { return std::remainder(degrees - start, 360.0); }

  Reach reach(const std::vector<std::string> &students = {gfn2})
  {
    EngineOptions engine;
    engine.precision = Precision::double_precision;
    engine.threads = 1;
    return evaluate_reach(first_of(frames), students, engine, {"potentials", {{"models", {gfn2}}}},
                          teacher);
  }

  const ReachCurve &bent(const Reach &reach) const
  {
    return *std::find_if(reach.curves.begin(), reach.curves.end(), [&](const auto &curve) {
      return curve.scan.name == name;
    });
  }
};

TEST_F(ReachOfBent, PartsWhereItIsBent)
{
  // 80 meV lower than the teacher from 67 degrees on to one side, and from 142 on to the other
  teacher.added = [&](double degrees) {
    return turned(degrees) > 67.0 || turned(degrees) < -142.0 ? 0.08 : 0.0;
  };
  const Reach found = reach();
  const auto &curve = bent(found);
  ASSERT_TRUE(curve.parting);
  EXPECT_EQ(curve.scan.coordinates[*curve.parting], 75.0);
  EXPECT_EQ(curve.scan.coordinates[curve.agrees_to], 60.0);
  EXPECT_EQ(curve.scan.coordinates[curve.agrees_from], -135.0);
  int at = 0;
  for (const double turn : curve.scan.coordinates) at += turn > 67.0 || turn < -142.0;
  EXPECT_NEAR(curve.rmse, 0.08 * std::sqrt(at / 24.0), 1e-9);
  const auto sentences = found.sentences();
  ASSERT_EQ(sentences.size(), 1u) << "other scans do not change this angle";
  EXPECT_EQ(
      sentences[0].find(
          "beyond 60 degrees of " + name +
          " the student is more than 50 meV from ethanol-gfn2-painn32.safetensors; barrier 0."),
      0u)
      << sentences[0];
  EXPECT_FALSE(curve.spread_tells);

  // two students that are one do not tell
  const Reach twins = reach({gfn2, gfn2});
  EXPECT_EQ(bent(twins).spread_tells, std::optional(false));
  EXPECT_NE(twins.sentences()[0].find("the spread of the students there, 0 meV, does not tell"),
            std::string::npos);
}

TEST_F(ReachOfBent, BarriersAreThoseOfEach)
{
  const ReachCurve straight = bent(reach_of_ethanol({gfn2}, gfn2));
  double top = 0.0, bottom = 0.0;
  for (const double energy : straight.teacher) {
    top = std::max(top, energy);
    bottom = std::min(bottom, energy);
  }
  EXPECT_NEAR(straight.teacher_barrier, top - bottom, 1e-12);
  EXPECT_NEAR(straight.student_barrier, top - bottom, 1e-9);
  EXPECT_GT(straight.teacher_barrier, 0.02);
  EXPECT_LT(straight.teacher_barrier, 0.3);
  EXPECT_FALSE(straight.teacher_is_higher);

  teacher.added = [&](double degrees) {
    return std::abs(turned(degrees)) > 170.0 ? 1.5 : 0.0;
  };
  const Reach found = reach();
  EXPECT_NEAR(bent(found).teacher_barrier, 1.5 + straight.teacher.back() - bottom, 1e-9);
}

TEST_F(ReachOfBent, AWallThatTheStudentLacksCounts)
{
  // the teacher's wall where the student is low
  teacher.added = [&](double degrees) {
    return std::abs(turned(degrees)) > 100.0 ? 40.0 : 0.0;
  };
  const Reach hole = reach();
  EXPECT_EQ(bent(hole).counted, 24);
  ASSERT_TRUE(bent(hole).parting);
  EXPECT_LT(bent(hole).rmse, 2.1) << "40 eV count as 2";
  EXPECT_TRUE(bent(hole).teacher_is_higher);
  EXPECT_NE(hole.sentences()[0].find("instead of at least"), std::string::npos);

  // lower than the teacher is anywhere
  teacher.added = [&](double degrees) {
    return std::abs(turned(degrees)) > 100.0 ? 5.0 : std::abs(turned(degrees)) < 1.0 ? 0.0 : 3.0;
  };
  const Reach narrow = reach();
  EXPECT_EQ(bent(narrow).scan.coordinates[bent(narrow).agrees_to], 0.0);
  EXPECT_NE(narrow.sentences()[0].find("degrees of " + name + " already"), std::string::npos)
      << narrow.sentences()[0];
}

TEST_F(ReachOfBent, AHoleIsToldAsOne)
{
  // from the barrier of the methyl group, which the teacher takes for a minimum
  const Reach straight = reach_of_ethanol({gfn2}, gfn2);
  const auto &methyl = *std::max_element(straight.curves.begin(), straight.curves.begin() + 2,
                                         [](const auto &a, const auto &b) {
                                           return a.teacher_barrier < b.teacher_barrier;
                                         });
  ASSERT_GT(methyl.teacher_barrier, 0.07);
  const auto top = std::max_element(methyl.teacher.begin(), methyl.teacher.end());
  const Structure &barrier = methyl.scan.structures[top - methyl.teacher.begin()];
  teacher.torsion = methyl.scan.atoms;
  const auto &t = teacher.torsion;
  start = dihedral_angle(barrier.positions, t[0], t[1], t[2], t[3]);
  teacher.added = [&](double degrees) {
    return std::abs(turned(degrees)) > 1.0 ? 1.0 : 0.0;
  };
  EngineOptions engine;
  engine.threads = 1;
  const Reach found =
      evaluate_reach(barrier, {gfn2}, engine, {"potentials", {{"models", {gfn2}}}}, teacher);
  const auto sentence = found.sentences()[0];
  EXPECT_NE(sentence.find("it has a hole, -0."), std::string::npos) << sentence;
  EXPECT_NE(sentence.find(" eV instead of 0."), std::string::npos) << sentence;
}

TEST_F(ReachOfBent, WhereBothAreAboveTheLimitNobodyGoes)
{
  ReachOptions low;
  low.highest = 0.5;
  const Reach far = reach_of_ethanol({rmd17}, gfn2, low);
  for (const auto &curve : far.curves) {
    if (curve.scan.kind != ReachScan::Kind::stretch) continue;
    int counted = 0;
    for (std::size_t k = 0; k < curve.teacher.size(); k++)
      counted += std::min(curve.teacher[k], curve.students[0][k]) < 0.5;
    EXPECT_EQ(curve.counted, counted) << curve.scan.name;
    EXPECT_LT(curve.counted, 17) << curve.scan.name;
  }
}

TEST_F(ReachOfBent, WhereTheTeacherFailsTheOthersCount)
{
  teacher.added = [&](double degrees) {
    if (turned(degrees) > 110.0 && turned(degrees) < 140.0) throw TeacherError("no convergence");
    return 0.0;
  };
  const Reach found = reach();
  EXPECT_EQ(bent(found).counted, 22);
  EXPECT_FALSE(bent(found).parting);
  ASSERT_EQ(found.notes.size(), 1u);
  EXPECT_NE(found.notes[0].find("failed at 2 of "), std::string::npos) << found.notes[0];
  EXPECT_NE(found.notes[0].find("no convergence"), std::string::npos) << found.notes[0];
  const auto json = Json::parse(found.json().dump());
  int missing = 0;
  for (const auto &scan : json["scans"])
    for (const auto &energy : scan["curves"]["teacher_eV"]) missing += energy.is_null();
  EXPECT_EQ(missing, 2);
}

class EvalReach : public mlff_test::ProgramTest {
 protected:
  const std::string command =
      "eval --reach --precision double --teacher-model " + gfn2 + " --model " + rmd17 + " ";

  void write(const std::string &name, const std::string &text) const
  {
    std::ofstream(file(name)) << text;
  }
};

TEST_F(EvalReach, PrintsAndWritesJson)
{
  const std::string text = run(command + "--data " + frames);
  ASSERT_EQ(status, 0) << run(command + "--data " + frames, true);
  for (const char *words : {"energy (meV)", "energies along rigid scans", "torsion ", "bond ",
                            "the student is more than 50 meV from ethanol-gfn2-painn32"})
    EXPECT_NE(text.find(words), std::string::npos) << words << "\n" << text;

  const auto json = Json::parse(run(command + "--json --data " + frames));
  EXPECT_EQ(json["n_frames"], 20);
  const Reach direct = reach_of_ethanol({rmd17}, gfn2);
  ASSERT_EQ(json["reach"]["scans"].size(), direct.curves.size());
  for (std::size_t k = 0; k < direct.curves.size(); k++) {
    const auto &scan = json["reach"]["scans"][k];
    EXPECT_EQ(scan["name"], direct.curves[k].scan.name);
    EXPECT_NEAR(scan["rmse_meV"].get<double>(), 1e3 * direct.curves[k].rmse, 1e-6);
  }
  EXPECT_EQ(json["reach"]["sentences"].get<std::vector<std::string>>(), direct.sentences());

  // without frames, several students
  const auto alone =
      Json::parse(run("eval --json --reach --reach-threshold 20 --teacher-model " + gfn2 +
                      " --structure " + frames + " --model " + gfn2 + " " + rmd17));
  ASSERT_EQ(status, 0);
  EXPECT_FALSE(alone.contains("n_frames"));
  EXPECT_EQ(alone["reach"]["students"].size(), 2u);
  EXPECT_EQ(alone["reach"]["threshold_meV"], 20.0);
  EXPECT_EQ(alone["reach"]["scans"][0]["curves"]["spread_eV"].size(), 24u);
  EXPECT_EQ(alone["reach"]["sentences"].size(), 1u) << "the first student is judged";
}

TEST_F(EvalReach, Pictures)
{
  if (std::system("${MLFF_PYTHON:-python3} -c 'import matplotlib' 2>/dev/null") != 0)
    GTEST_SKIP() << "no Matplotlib";
  run(command + "--structure " + frames + " --plots pictures");
  ASSERT_EQ(status, 0);
  EXPECT_GT(std::filesystem::file_size(file("pictures/reach.png")), 10000u);
  EXPECT_EQ(Json::parse(content("pictures/reach.json"))["scans"].size(), 6u);
}

TEST_F(EvalReach, Refusals)
{
  expect_error(command, {"--reach needs a molecule", "--molecule", "--structure", "--data"});
  expect_error("eval --model " + rmd17 + " " + gfn2 + " --data " + frames,
               {"found 2 potentials", "--reach"});
  expect_error("eval --model " + rmd17 + " --data " + frames + " --plots p", {"--reach"});
  expect_error("eval --model " + rmd17 + " --data " + frames + " --method gfn2", {"--reach"});
  expect_error(command + "--method gfn2 --structure " + frames, {"--teacher-model", "--method"});
  expect_error(command + "--structure none.xyz", {"none.xyz"});
  write("empty.xyz", "");
  expect_error(command + "--structure empty.xyz", {"'empty.xyz' holds no frame"});
  expect_error(command + "--structure " + frames + " -o out.xyz", {"--output", "--data"});
  write("cell.xyz", "2\nLattice=\"5 0 0 0 5 0 0 0 5\" pbc=\"T T T\"\nC 0 0 0\nO 1.2 0 0\n");
  expect_error(command + "--structure cell.xyz", {"'cell.xyz', frame 1", "periodic", "isolated"});
  write("silane.xyz",
        "5\n\nSi 0 0 0\nH 0.86 0.86 0.86\nH -0.86 -0.86 0.86\nH -0.86 0.86 -0.86\n"
        "H 0.86 -0.86 -0.86\n");
  expect_error(command + "--structure silane.xyz",
               {"'silane.xyz', frame 1", "atom 1 is Si", "does not know", "accepted: H C O"});
  expect_error("eval --reach --structure " + frames +
                   " --model " POTENTIALS "/ethanol-gfn2-jump8.safetensors --data " + frames,
               {"jump network", "--reach"});
}

#ifdef MLFF_TEST_XTB
TEST_F(EvalReach, ATeacherThatCannotLabelTheStart)
{
  expect_error("eval --reach --uhf 1 --structure " + frames + " --model " + gfn2,
               {"--reach of '", "frame 1", "GFN2-xTB cannot label it", "26 electrons"});
}

TEST_F(EvalReach, TheStandardTeacherIsGfn2)
{
  const auto json =
      Json::parse(run("eval --json --reach --structure " + frames + " --model " + gfn2));
  ASSERT_EQ(status, 0);
  EXPECT_EQ(json["reach"]["teacher"], "GFN2-xTB");
  for (const auto &scan : json["reach"]["scans"])
    if (scan["kind"] == "torsion") {
      // barriers of ethanol: 0.13 eV of the methyl group, 0.05 eV of the hydroxyl group
      EXPECT_GT(scan["teacher_barrier_eV"], 0.02);
      EXPECT_LT(scan["teacher_barrier_eV"], 0.25);
      EXPECT_NEAR(scan["teacher_barrier_eV"].get<double>(),
                  scan["student_barrier_eV"].get<double>(), 0.05);
    }
}
#endif

}    // namespace
