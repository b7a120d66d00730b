// LAMMPS as a teacher: labels against runs by hand, cells of all kinds, failures, what it says of
// itself.
#include "core/units.h"
#include "structure/lattice.h"
#include "support/folder_fixture.h"
#include "teacher/lammps/force_commands.h"
#include "teacher/lammps/lammps_box.h"
#include "teacher/lammps/lammps_process.h"
#include "teacher/teacher.h"

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <sstream>

#include <sys/wait.h>

using namespace mlff;

namespace {

/// Silicon: the cell times these shares.
constexpr double diamond[8][3] = {{0, 0, 0},          {0, 0.5, 0.5},      {0.5, 0, 0.5},
                                  {0.5, 0.5, 0},      {0.25, 0.25, 0.25}, {0.25, 0.75, 0.75},
                                  {0.75, 0.25, 0.75}, {0.75, 0.75, 0.25}};

template <class Work> std::string message_of(const Work &work)
{
  try {
    work();
  } catch (const std::runtime_error &error) {
    return error.what();
  }
  return "no error";
}

Structure silicon(const std::array<double, 9> &cell, unsigned seed)
{
  Structure s;
  s.cell = cell;
  s.periodic = {true, true, true};
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal(0.0, 0.08);
  for (const auto &share : diamond) {
    s.numbers.push_back(14);
    for (int c = 0; c < 3; c++)
      s.positions.push_back(share[0] * cell[c] + share[1] * cell[3 + c] + share[2] * cell[6 + c] +
                            normal(generator));
  }
  return s;
}

constexpr std::array<double, 9> cube = {5.43, 0, 0, 0, 5.43, 0, 0, 0, 5.43};
constexpr std::array<double, 9> sheared = {5.5, 0, 0, 0.7, 5.3, 0, -0.4, 0.9, 5.6};

void turn(const std::array<double, 9> &r, double *v)
{
  const double x[3] = {v[0], v[1], v[2]};
  for (int i = 0; i < 3; i++) v[i] = r[3 * i] * x[0] + r[3 * i + 1] * x[1] + r[3 * i + 2] * x[2];
}

constexpr std::array<double, 9> rotation = {0.36, 0.48, -0.8, -0.8, 0.6, 0.0, 0.48, 0.64, 0.6};

Structure turned(Structure s)
{
  for (int k = 0; k < 9; k += 3) turn(rotation, &s.cell[k]);
  for (std::size_t k = 0; k < s.positions.size(); k += 3) turn(rotation, &s.positions[k]);
  return s;
}

/// A process that this one has started, 0 where there is none.
pid_t child_of_this_process()
{
  std::error_code code;
  for (const auto &process : std::filesystem::directory_iterator("/proc", code)) {
    std::ifstream file(process.path() / "stat");
    std::stringstream text;
    text << file.rdbuf();
    // number (name) state number-of-parent
    std::istringstream words(
        text.str().substr(std::min(text.str().size(), text.str().rfind(')') + 1)));
    std::string state;
    pid_t parent = 0;
    if (words >> state >> parent && parent == getpid())
      return pid_t(std::atol(process.path().filename().c_str()));
  }
  return 0;
}

class LammpsTeacher : public mlff_test::FolderTest {
 protected:
  std::string commands = file("silicon.lammps");

  void SetUp() override
  {
    FolderTest::SetUp();
    std::filesystem::copy_file(SILICON, file("Si.sw"));
    write("silicon.lammps",
          "# Stillinger and Weber\npair_style      sw\n"
          "pair_coeff      * * Si.sw ${elements}    # beside this file\n");
  }

  void write(const std::string &name, const std::string &text) const
  {
    std::ofstream(file(name)) << text;
  }

  TeacherSettings settings(const nlohmann::ordered_json &more = nlohmann::ordered_json::object())
  {
    TeacherSettings s{"lammps", {{"lammps", commands}}};
    s.values.update(more);
    s.lammps = LAMMPS;
    return s;
  }

  std::unique_ptr<Teacher>
  teacher(const nlohmann::ordered_json &more = nlohmann::ordered_json::object())
  {
    return make_teacher(settings(more));
  }

  /// A teacher of other commands.
  std::unique_ptr<Teacher>
  teacher_of(const std::string &text,
             const nlohmann::ordered_json &more = nlohmann::ordered_json::object())
  {
    write("other.lammps", text);
    auto s = settings(more);
    s.values["lammps"] = file("other.lammps");
    return make_teacher(s);
  }

  /// A run of LAMMPS as somebody writes it: energy, pressure in bar, forces.
  Labels by_hand(const Structure &s) const
  {
    std::ostringstream data;
    data.precision(17);
    data << "by hand\n\n"
         << s.n_atoms() << " atoms\n1 atom types\n0 " << s.cell[0] << " xlo xhi\n0 " << s.cell[4]
         << " ylo yhi\n0 " << s.cell[8] << " zlo zhi\n"
         << s.cell[3] << " " << s.cell[6] << " " << s.cell[7]
         << " xy xz yz\n\nMasses\n\n1 28.0855\n\nAtoms # atomic\n\n";
    for (int i = 0; i < s.n_atoms(); i++)
      data << i + 1 << " 1 " << s.positions[3 * i] << " " << s.positions[3 * i + 1] << " "
           << s.positions[3 * i + 2] << "\n";
    write("hand.data", data.str());
    write("in.hand",
          "units metal\nread_data hand.data\npair_style sw\npair_coeff * * Si.sw Si\n"
          "thermo_style custom step pe pxx pyy pzz pxy pxz pyz\nrun 0\n"
          "print '$(pe:%.17g) $(pxx:%.17g) $(pxy:%.17g) $(pxz:%.17g) $(pyy:%.17g) "
          "$(pyz:%.17g) $(pzz:%.17g)' file hand.energy\n"
          "write_dump all custom hand.forces fx fy fz modify sort id format float "
          "%.17g\n");
    const std::string run = "cd '" + folder.string() + "' && " LAMMPS " -in in.hand > hand.log";
    EXPECT_EQ(std::system(run.c_str()), 0) << content("hand.log");
    Labels labels;
    std::istringstream energy(content("hand.energy"));
    double xx, xy, xz, yy, yz, zz;
    energy >> labels.energy >> xx >> xy >> xz >> yy >> yz >> zz;
    labels.stress = {xx, xy, xz, xy, yy, yz, xz, yz, zz};
    for (double &p : *labels.stress) p *= -1.0 / 1.6021765e6;
    std::istringstream lines(content("hand.forces"));
    for (std::string line; std::getline(lines, line) && line.find("ATOMS fx") == std::string::npos;)
      ;
    for (double f; lines >> f;) labels.forces.push_back(f);
    return labels;
  }

  static void expect_same(const Labels &a, const Labels &b, double accuracy)
  {
    EXPECT_NEAR(a.energy, b.energy, accuracy);
    ASSERT_EQ(a.forces.size(), b.forces.size());
    for (std::size_t k = 0; k < a.forces.size(); k++)
      EXPECT_NEAR(a.forces[k], b.forces[k], accuracy) << k;
    ASSERT_EQ(a.stress.has_value(), b.stress.has_value());
    for (std::size_t k = 0; a.stress && k < 9; k++)
      EXPECT_NEAR((*a.stress)[k], (*b.stress)[k], accuracy) << k;
  }
};

TEST_F(LammpsTeacher, LabelsAreThoseOfARunByHand)
{
  const auto any = teacher();
  for (const auto &cell : {cube, sheared}) {
    const Structure s = silicon(cell, 1);
    const Labels labels = any->label(s);
    expect_same(labels, by_hand(s), 1e-10);
    EXPECT_GT(std::abs((*labels.stress)[1]), 1e-3);    // else a transpose would not be seen
    EXPECT_GT(std::abs((*labels.stress)[1] - (*labels.stress)[2]), 1e-3);
  }
}

TEST_F(LammpsTeacher, ACellMayHaveAnyAxesAndPlace)
{
  const auto any = teacher();
  const Structure s = silicon(sheared, 2);
  Labels expected = any->label(s);
  for (std::size_t k = 0; k < expected.forces.size(); k += 3) turn(rotation, &expected.forces[k]);
  // the stress turns as R S R^T
  auto &stress = *expected.stress;
  for (int k = 0; k < 2; k++) {
    for (int row = 0; row < 9; row += 3) turn(rotation, &stress[row]);
    for (int a = 0; a < 3; a++)
      for (int b = 0; b < a; b++) std::swap(stress[3 * a + b], stress[3 * b + a]);
  }
  Structure t = turned(s);
  expect_same(any->label(t), expected, 1e-10);
  // the same lattice by vectors that are very skewed and left-handed
  for (int c = 0; c < 3; c++) {
    t.cell[3 + c] += 7 * t.cell[c];
    t.cell[6 + c] = -t.cell[6 + c] + 5 * t.cell[3 + c] - 3 * t.cell[c];
  }
  expect_same(any->label(t), expected, 1e-9);
  // atoms in other images, and all of them far away
  for (int c = 0; c < 3; c++) t.positions[3 + c] += 2 * t.cell[c] - 3 * t.cell[6 + c];
  expect_same(any->label(t), expected, 1e-9);
  for (double &x : t.positions) x += 131072.0;
  expect_same(any->label(t), expected, 1e-8);
}

TEST_F(LammpsTeacher, StressIsTheDerivativeByStrain)
{
  const auto any = teacher();
  const Structure s = turned(silicon(sheared, 3));
  const auto stress = any->label(s).stress.value();
  const double volume = cell_volume(s.cell), step = 1e-5;
  for (int a = 0; a < 3; a++)
    for (int b = 0; b < 3; b++) {
      double energy[2];
      for (const int sign : {0, 1}) {
        Structure strained = s;
        const auto stretch = [&](const double *from, double *to) {
          const double half = (sign ? 0.5 : -0.5) * step;
          to[a] += half * from[b];
          to[b] += half * from[a];
        };
        for (int k = 0; k < 9; k += 3) stretch(&s.cell[k], &strained.cell[k]);
        for (std::size_t k = 0; k < s.positions.size(); k += 3)
          stretch(&s.positions[k], &strained.positions[k]);
        energy[sign] = any->label(strained).energy;
      }
      EXPECT_NEAR(stress[3 * a + b], (energy[1] - energy[0]) / (2 * step) / volume, 3e-8)
          << a << " " << b;
    }
}

TEST_F(LammpsTeacher, OpenDirectionsAreThoseOfAVacuum)
{
  const auto any = teacher();
  const Structure s = turned(silicon(sheared, 4));
  for (const auto &periodic : {std::array{true, true, false},
                               {true, false, true},
                               {false, true, true},
                               {true, false, false},
                               {false, true, false},
                               {false, false, true},
                               {false, false, false}}) {
    Structure open = s, vacuum = s;
    open.periodic = periodic;
    // the cell vector of an open direction has no meaning
    for (int a = 0; a < 3; a++)
      for (int c = 0; c < 3; c++) {
        if (periodic[a]) continue;
        open.cell[3 * a + c] = 0.0;
        vacuum.cell[3 * a + c] *= 4.0;
      }
    const Labels labels = any->label(open);
    EXPECT_FALSE(labels.stress);
    Labels expected = any->label(vacuum);
    expected.stress.reset();
    expect_same(labels, expected, 1e-10);
    Structure away = open;
    for (std::size_t k = 0; k < away.positions.size(); k++) away.positions[k] += 65536.0;
    expect_same(any->label(away), expected, 1e-8);
  }
}

TEST_F(LammpsTeacher, OneAtomAndFlatMoleculesHaveNoBox)
{
  const auto any = teacher();
  Structure atom;
  atom.numbers = {14};
  atom.positions = {1.0, 2.0, 3.0};
  EXPECT_EQ(any->label(atom).energy, 0.0);
  atom.numbers = {14, 14};
  atom.positions = {0, 0, 0, 0, 0, 2.3};
  const Labels pair = any->label(atom);
  EXPECT_LT(pair.energy, -1.0);
  EXPECT_EQ(pair.forces[0], 0.0);
  EXPECT_EQ(pair.forces[2], -pair.forces[5]);
}

TEST_F(LammpsTeacher, LabelsDoNotDependOnWhatCameBefore)
{
  const std::vector<Structure> list = {silicon(cube, 1),    silicon(sheared, 2),
                                       silicon(cube, 3),    turned(silicon(cube, 4)),
                                       silicon(sheared, 5), turned(silicon(sheared, 6))};
  std::vector<Labels> alone;
  for (const auto &s : list) alone.push_back(teacher()->label(s));
  for (const int processes : {1, 2}) {
    const auto any = teacher({{"lammps_processes", processes}});
    for (int round = 0; round < 2; round++)
      for (const auto &s : list) any->expect(s);
    for (int round = 0; round < 2; round++)
      for (std::size_t k = 0; k < list.size(); k++) expect_same(any->label(list[k]), alone[k], 0.0);
  }
  // commands that need the atoms are given anew for each structure
  const auto anew =
      teacher_of("group           some id 1:4\nset             group some charge 0.5\n"
                 "pair_style      sw\npair_coeff      * * Si.sw Si\n");
  for (int round = 0; round < 2; round++)
    for (std::size_t k = 0; k < list.size(); k++)
      expect_same(anew->label(list[k]), alone[k], 1e-11);
}

TEST_F(LammpsTeacher, AStructureThatFailsLeavesTheOthersAsTheyAre)
{
  const Structure s = silicon(cube, 1);
  Structure twice = s, other = s, flat = s, strange = s;
  for (int c = 0; c < 3; c++) twice.positions[3 + c] = twice.positions[c];
  other.numbers[2] = 32;
  std::copy_n(&flat.cell[0], 3, &flat.cell[3]);
  strange.positions[4] = NAN;
  const auto any = teacher();
  const Labels before = any->label(s);
  for (const auto &one : {s, twice, s, other, s, flat, s, strange, s}) any->expect(one);
  expect_same(any->label(s), before, 0.0);
  EXPECT_NE(message_of([&] {
              any->label(twice);
            }).find("not finite"),
            std::string::npos);
  expect_same(any->label(s), before, 0.0);
  const std::string said = message_of([&] {
    any->label(other);
  });
  EXPECT_NE(said.find("LAMMPS says 'ERROR: "), std::string::npos) << said;
  EXPECT_NE(said.find("at 'pair_coeff * * "), std::string::npos) << said;
  expect_same(any->label(s), before, 0.0);
  EXPECT_EQ(message_of([&] {
              any->label(flat);
            }),
            "the cell vectors span no volume");
  expect_same(any->label(s), before, 0.0);
  EXPECT_EQ(message_of([&] {
              any->label(strange);
            }),
            "the position of atom 2 is not finite");
  expect_same(any->label(s), before, 0.0);
  strange = s;
  strange.cell[5] = INFINITY;
  EXPECT_EQ(message_of([&] {
              any->set_reference(strange);
            }),
            "cell vector b is not finite");
  any->set_reference(s);
}

TEST_F(LammpsTeacher, AStructureThatEndsTheProcessFailsAlone)
{
  // LAMMPS is killed where there are seven atoms. The shell waits: a signal from another process
  // comes late, and LAMMPS would answer before it. It gives up the input, which tells of the end.
  const auto any = teacher_of("pair_style      sw\npair_coeff      * * Si.sw Si\n"
                              "if \"$(atoms) == 7\" then \"shell 'exec < /dev/null; kill -KILL "
                              "$PPID; sleep 10'\"\n");
  Structure s = silicon(cube, 1), seven = s;
  seven.numbers.pop_back();
  seven.positions.resize(21);
  for (const auto &one : {s, seven, s, seven}) any->expect(one);
  const Labels before = any->label(s);
  for (int k = 0; k < 2; k++) {
    bool available = true;
    std::string said;
    try {
      any->label(seven);
    } catch (const TeacherUnavailable &) {
      available = false;
    } catch (const TeacherError &error) {
      said = error.what();
    }
    EXPECT_TRUE(available);
    EXPECT_NE(said.find("' ended by signal 9"), std::string::npos) << said;
    if (k == 0) expect_same(any->label(s), before, 0.0);
  }
}

TEST_F(LammpsTeacher, AProcessThatIsGoneIsReplaced)
{
  const Structure s = silicon(sheared, 1);
  const auto any = teacher();
  const Labels before = any->label(s);
  const pid_t lammps = child_of_this_process();
  ASSERT_GT(lammps, 0);
  kill(lammps, SIGKILL);
  waitid(P_PID, id_t(lammps), nullptr, WEXITED | WNOWAIT);
  expect_same(any->label(s), before, 0.0);

  // a copy in a forked process has a LAMMPS of its own, and leaves that of this process alone
  const pid_t copy = fork();
  if (copy == 0) {
    const bool same = any->label(s).forces == before.forces;
    any->~Teacher();
    _exit(same ? 0 : 1);
  }
  int status = 0;
  waitpid(copy, &status, 0);
  EXPECT_EQ(status, 0);
  expect_same(any->label(s), before, 0.0);
}

TEST_F(LammpsTeacher, CommandsThatAlwaysFailEndTheWork)
{
  for (const auto &[text, words] :
       {std::pair<const char *, const char *>{
            "pair_style      nothing\n", "LAMMPS says 'ERROR: Unrecognized pair style 'nothing'"},
        {"pair_style      sw\npair_coeff      * * missing.sw Si\n", "missing.sw"},
        {"pair_style      sw\npair_coeff      * * Si.sw Si Si\n", "at 'pair_coeff * * "}}) {
    const auto any = teacher_of(text, {{"lammps_types", {"Si"}}});
    std::string said;
    try {
      any->label(silicon(cube, 1));
    } catch (const TeacherUnavailable &error) {
      said = error.what();
    }
    EXPECT_NE(said.find(words), std::string::npos) << said;
  }
}

TEST_F(LammpsTeacher, TypesHaveTheElementsOfTheSettings)
{
  const Structure s = silicon(cube, 1);
  const Labels labels = teacher()->label(s);
  expect_same(teacher({{"lammps_types", {"Si"}}})->label(s), labels, 0.0);
  // types by number and by label
  const Labels silicon_alone =
      teacher_of("pair_style      lj/cut 6.0\npair_coeff      1 1 0.3 2.0\n")->label(s);
  const auto two = teacher_of("pair_style      lj/cut 6.0\npair_coeff      1 * 0.1 1.0\n"
                              "pair_coeff      Si Si 0.3 2.0\n",
                              {{"lammps_types", {"Ge", "Si"}}});
  expect_same(two->label(s), silicon_alone, 1e-11);
  Structure germanium = s;
  for (int &z : germanium.numbers) z = 32;
  EXPECT_LT(std::abs(two->label(germanium).energy), 0.1 * std::abs(silicon_alone.energy));
  Structure carbon = s;
  carbon.numbers[4] = 6;
  EXPECT_EQ(message_of([&] {
              two->label(carbon);
            }),
            "atom 5 is C, but the atom types of the commands (lammps_types) are: Ge Si");
  EXPECT_EQ(message_of([&] {
              teacher({{"lammps_types", {"Si", "Sj"}}});
            }),
            "lammps_types holds 'Sj'; accepted: symbols of elements, one for each atom type");
  EXPECT_EQ(message_of([&] {
              teacher({{"lammps_types", {"Si", "Si"}}});
            }),
            "lammps_types holds 'Si' twice; accepted: each element once");
}

TEST_F(LammpsTeacher, UnitsRealAreConverted)
{
  Structure argon = silicon({11, 0, 0, 0.5, 11, 0, -0.4, 0.9, 11}, 5);
  for (int &z : argon.numbers) z = 18;
  std::ostringstream metal, real;
  metal.precision(17);
  real.precision(17);
  metal << "pair_style      lj/cut 9.0\npair_coeff      * * " << 0.24 * kcal_per_mol_in_eV
        << " 3.4\n";
  real << "pair_style      lj/cut 9.0\npair_coeff      * * 0.24 3.4\n";
  const Labels in_metal = teacher_of(metal.str())->label(argon),
               in_real = teacher_of(real.str(), {{"lammps_units", "real"}})->label(argon);
  EXPECT_LT(in_metal.energy, -0.05);
  // LAMMPS' factors of pressure have eight digits
  expect_same(in_real, in_metal, 1e-9);
  EXPECT_NE(message_of([&] {
              teacher({{"lammps_units", "lj"}});
            }).find("unknown lammps_units 'lj'; accepted: metal real"),
            std::string::npos);
}

TEST_F(LammpsTeacher, FilesOfCommandsAreRefusedByName)
{
  for (const auto &[text, words] : {
           std::pair<std::string, std::string>{
               "units real\n",
               "line 1: 'units real' is not accepted; the units of the commands "
               "are the setting lammps_units"},
           {"pair_style sw\n\nread_data &\n  x.data\n", "line 3: 'read_data' is not accepted"},
           {"pair_style sw\nrun 0\n",
            "line 2: 'run' is not accepted: systems are made and run "
            "elsewhere"},
           {"# nothing\n\n", "holds no commands of LAMMPS that make forces"},
           {"newton off\n", "holds no commands of LAMMPS that make forces"},
           {"print \"\"\"a\"\"\"\n", "line 1: triple quotes are not accepted"},
       }) {
    const std::string said = message_of([&, text = text] {
      teacher_of(text);
    });
    EXPECT_NE(said.find(words), std::string::npos) << said;
    EXPECT_NE(said.find("other.lammps'"), std::string::npos) << said;
  }
  commands = file("missing.lammps");
  EXPECT_EQ(message_of([&] {
              teacher();
            }),
            "file of LAMMPS commands '" + commands +
                "' cannot be opened: No such file or directory");
  commands = folder.string();
  EXPECT_EQ(message_of([&] {
              teacher();
            }),
            "file of LAMMPS commands '" + commands + "' cannot be opened: it is a folder");
}

TEST_F(LammpsTeacher, WithoutLammpsItSaysWhatToDo)
{
  auto s = settings();
  s.lammps = "/nowhere/lmp";
  EXPECT_NE(message_of([&] {
              make_teacher(s)->label(silicon(cube, 1));
            }).find("there is no LAMMPS at '/nowhere/lmp'; name one"),
            std::string::npos);
  s.lammps = "/bin/false";
  for (const bool label : {true, false}) {
    std::string said;
    try {
      const auto any = make_teacher(s);
      if (label)
        any->label(silicon(cube, 1));
      else
        any->provenance();
    } catch (const TeacherUnavailable &error) {
      said = error.what();
    }
    EXPECT_EQ(said, "'false' ended with status 1");
  }
  write("no-lammps", "hello\n");
  std::filesystem::permissions(file("no-lammps"), std::filesystem::perms::owner_all);
  s.lammps = file("no-lammps");
  EXPECT_NE(message_of([&] {
              make_teacher(s)->provenance();
            }).find("cannot be run: Exec format error"),
            std::string::npos);
}

TEST_F(LammpsTeacher, SaysWhatItIs)
{
  const auto any = teacher({{"lammps_types", {"Si"}}});
  const auto provenance = any->provenance();
  EXPECT_EQ(provenance["settings"],
            (nlohmann::ordered_json{
                {"lammps", commands}, {"lammps_units", "metal"}, {"lammps_types", {"Si"}}}));
  EXPECT_GT(provenance["versions"]["lammps_version"].get<long>(), 20200000);
  EXPECT_EQ(provenance["files"], (nlohmann::ordered_json{commands, file("Si.sw")}));
  EXPECT_EQ(settings().name(), "silicon.lammps");
  EXPECT_FALSE(any->depends_on_reference());
}

TEST_F(LammpsTeacher, CommandsGoIntoOtherInputs)
{
  const std::string start = "set             group all charge 0.0\n";
  EXPECT_EQ(teacher()->lammps_commands("Ge Si", 0, 0),
            start + "pair_style sw\npair_coeff * * " + file("Si.sw") + " Ge Si\n");
  // a type for each isotope, or a word that stands for elements
  const auto named = teacher({{"lammps_types", {"Si", "Ge"}}});
  EXPECT_NE(named->lammps_commands("Ge Si", 0, 0).find(" Ge Si\n"), std::string::npos);
  const auto fixed = teacher_of("newton          off\npair_style      sw\n"
                                "pair_coeff      * * 'Si.sw' &\n  Si Si   # both\n",
                                {{"lammps_types", {"Si", "Ge"}}});
  const std::string input = fixed->lammps_commands("Si Ge", 0, 0);
  EXPECT_EQ(input,
            "newton off\n" + start + "pair_style sw\npair_coeff * * " + file("Si.sw") + " Si Si\n");
  EXPECT_EQ(message_of([&] {
              fixed->lammps_commands("Ge Si", 0, 0);
            }),
            "the atom types of the system are Ge Si, but those of the commands (lammps_types) are "
            "Si Ge; write ${elements} in their place in '" +
                file("other.lammps") + "'");
  EXPECT_NE(message_of([&] {
              teacher({{"lammps_units", "real"}})->lammps_commands("Si", 0, 0);
            })
                .find("sample are in units metal, but the commands of '" + commands +
                      "' are in units real"),
            std::string::npos);
  EXPECT_EQ(with_early_commands_first("units metal\nread_data x\n" + input + "run 0\n"),
            "units metal\nnewton off\nread_data x\n" + input.substr(11) + "run 0\n");
  // where the system is read by a command in a variable
  const std::string begin = "variable begin index read_data\n${begin} x\n";
  EXPECT_EQ(with_early_commands_first("# read_data x\n" + begin + input + "run 0\n"),
            "# read_data x\nnewton off\n" + begin + input.substr(11) + "run 0\n");
}

TEST_F(LammpsTeacher, FilesAreFoundWhereLammpsWouldNotLook)
{
  std::filesystem::create_directory(file("a folder"));
  std::filesystem::rename(file("Si.sw"), file("a folder/my.sw"));
  // names of elements, numbers and styles are no files, whatever lies there
  for (const char *name : {"a folder/Si", "a folder/sw", "a folder/all", "a folder/1.0"})
    write(name, "not a potential\n");
  write("a folder/other.lammps",
        "fix             1 all setforce 1.0 0.0 0.0\npair_style      sw\n"
        "pair_coeff      * * my.sw Si\n");
  commands = file("a folder/other.lammps");
  const ForceCommands force(commands);
  EXPECT_EQ(force.behind_system(""),
            "fix 1 all setforce 1.0 0.0 0.0\npair_style sw\npair_coeff * * \"" +
                file("a folder/my.sw") + "\" Si\n");
  EXPECT_EQ(force.files(), (std::vector<std::string>{commands, file("a folder/my.sw")}));
  EXPECT_FALSE(force.set_up_once());
  EXPECT_FALSE(force.name_elements());
  // forces are those that LAMMPS has in the end
  EXPECT_EQ(teacher()->label(silicon(cube, 1)).forces[3], 1.0);
}

TEST(ErrorOfLammps, IsTheLastOneWithItsCommand)
{
  EXPECT_EQ(error_of_lammps("LAMMPS (4 Jul 2026)\nLoop time\n", "Loop time\n"), "");
  EXPECT_EQ(error_of_lammps("ERROR: a\nLast input line: x\nERROR on proc 0: b (src/c.cpp:1)\n"
                            "Last command: run 0\n  ^^^\n",
                            "run 0\n"),
            "LAMMPS says 'ERROR on proc 0: b (src/c.cpp:1)' at 'run 0'");
  EXPECT_EQ(error_of_lammps("ERROR: a\n", ""), "LAMMPS says 'ERROR: a'");
  // a command that LAMMPS has printed, but does not name
  EXPECT_EQ(error_of_lammps("pair_style sw\n pair_coeff  1 1\nReading\nERROR: a\nrun 0\n",
                            "pair_style sw\npair_coeff  1 1\nrun 0\n"),
            "LAMMPS says 'ERROR: a' at 'pair_coeff  1 1'");
}

TEST(LammpsBox, IsTheShortestOfTheLattice)
{
  std::mt19937 generator(1);
  std::uniform_int_distribution<int> multiple(-6, 6);
  for (int k = 0; k < 50; k++) {
    Structure s = turned(silicon(sheared, 1));
    const int n[3] = {multiple(generator), multiple(generator), multiple(generator)};
    for (int c = 0; c < 3; c++) {
      s.cell[c] += n[0] * s.cell[3 + c];
      s.cell[6 + c] += n[1] * s.cell[c];
      s.cell[3 + c] += n[2] * s.cell[6 + c];
    }
    const LammpsBox box(s);
    EXPECT_NEAR(box.high[0] * box.high[1] * box.high[2], cell_volume(sheared), 1e-8);
    EXPECT_LE(std::abs(box.xy), 0.5 * box.high[0] + 1e-9);
    EXPECT_LE(std::abs(box.xz), 0.5 * box.high[0] + 1e-9);
    EXPECT_LE(std::abs(box.yz), 0.5 * box.high[1] + 1e-9);
    for (std::size_t i = 0; i < box.positions.size(); i++) {
      EXPECT_GE(box.positions[i], -1.0 * std::abs(box.xy) - std::abs(box.xz) - std::abs(box.yz));
      if (i % 3 == 2) {
        EXPECT_GE(box.positions[i], 0.0);
        EXPECT_LE(box.positions[i], box.high[2]);
      }
    }
  }
  // a cell that is as LAMMPS wants it stays to the last bit
  const Structure s = silicon(cube, 7);
  const LammpsBox same(s);
  EXPECT_FALSE(same.is_tilted());
  EXPECT_EQ(same.high, (Vector3{5.43, 5.43, 5.43}));
}

}    // namespace
