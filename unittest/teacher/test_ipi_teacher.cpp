// Clients of the i-PI protocol as teachers: labels, states, failures, and mlff label with them.
#include "core/elements.h"
#include "data/trajectory.h"
#include "structure/lattice.h"
#include "support/lennard_jones.h"
#include "support/program_fixture.h"
#include "teacher/teacher.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <csignal>
#include <sstream>

#include <fcntl.h>
#include <unistd.h>

using namespace mlff;
using mlff_test::LennardJones;
using Json = nlohmann::ordered_json;

namespace {

namespace fs = std::filesystem;

template <class Error, class Work> std::string message_of(const Work &work)
{
  try {
    work();
  } catch (const Error &error) {
    return error.what();
  } catch (const std::exception &error) {
    return std::string("another error: ") + error.what();
  }
  return "no error";
}

void expect_words(const std::string &text, const std::vector<std::string> &words)
{
  for (const auto &word : words) EXPECT_NE(text.find(word), std::string::npos) << text;
}

Structure crystal()
{
  Structure s;
  s.numbers = {18, 18, 10, 18};
  s.positions = {0.1, 0.2, -0.1, 4.1, 0.3, 0.5, 0.7, 4.4, 0.4, -1.2, 1.9, 4.6};
  s.cell = {9.0, 0.4, -0.3, 2.1, 8.5, 0.6, -1.7, 2.3, 9.4};
  s.periodic = {true, true, true};
  return s;
}

Structure cluster()
{
  Structure s = crystal();
  s.cell = {};
  s.periodic = {false, false, false};
  return s;
}

/// Two atoms on nearly one place, at which a client of these tests may fail.
Structure collapsed(Structure s)
{
  for (int a = 0; a < 3; a++) s.positions[3 + a] = s.positions[a] + 0.2;
  return s;
}

class IpiTeacher : public mlff_test::ProgramTest {
 protected:
  static std::string command(const std::string &words = "")
  {
    return IPI_TEST_CLIENT " --structure {structure} --socket {address} " + words;
  }
  static std::unique_ptr<Teacher> teacher(const std::string &words = "", Json more = Json::object())
  {
    more["client"] = command(words);
    return make_teacher({"ipi", more});
  }
  static void expect_right(const Labels &labels, const Structure &s)
  {
    const auto expected = LennardJones()(s.positions, s.cell, s.periodic);
    EXPECT_NEAR(labels.energy, expected.energy, 1e-12);
    ASSERT_EQ(labels.forces.size(), s.positions.size());
    for (std::size_t k = 0; k < s.positions.size(); k++)
      EXPECT_NEAR(labels.forces[k], expected.forces[k], 1e-12);
  }
  int count(const std::string &name, const std::string &word) const
  {
    int n = 0;
    const std::string text = content(name);
    for (std::size_t at = 0; (at = text.find(word, at)) != std::string::npos; at++) n++;
    return n;
  }
};

TEST_F(IpiTeacher, LabelsAreThoseOfTheClient)
{
  const auto one = teacher();
  for (const auto &s : {crystal(), cluster()}) expect_right(one->label(s), s);
  const Labels labels = one->label(crystal());
  ASSERT_TRUE(labels.stress);
  const auto virial =
      LennardJones()(crystal().positions, crystal().cell, crystal().periodic).virial;
  for (int k = 0; k < 9; k++)
    EXPECT_NEAR((*labels.stress)[k], -virial[k] / cell_volume(crystal().cell), 1e-13);
  EXPECT_FALSE(one->label(cluster()).stress);
  Structure slab = crystal();
  slab.periodic[2] = false;
  EXPECT_FALSE(one->label(slab).stress);
  expect_right(one->label(slab), slab);
  EXPECT_TRUE(labels.atom_energy.empty());
  EXPECT_FALSE(labels.charge);
}

TEST_F(IpiTeacher, StressIsThatOfTheVirialIfThereIsOne)
{
  EXPECT_FALSE(teacher("--no-virial")->label(crystal()).stress);
  EXPECT_FALSE(teacher("", {{"stress", "no"}})->label(crystal()).stress);
  const auto zero = teacher("--no-virial", {{"stress", "yes"}})->label(crystal()).stress;
  ASSERT_TRUE(zero);
  for (const double value : *zero) EXPECT_EQ(value, 0.0);
}

TEST_F(IpiTeacher, AnnouncedStructuresComeInTheirOrder)
{
  const auto several = teacher("--sleep 0.01", {{"clients", 3}});
  std::vector<Structure> list;
  for (int k = 0; k < 9; k++) {
    list.push_back(k % 3 == 2 ? cluster() : crystal());
    list.back().positions[0] += 0.01 * k;
    several->expect(list.back());
  }
  for (const auto &s : list) expect_right(several->label(s), s);
}

TEST_F(IpiTeacher, ChargeAndSpinGoToTheClient)
{
  Structure cation = crystal();
  cation.charge = 1.0;
  cation.multiplicity = 2.0;
  {
    const auto one = teacher("--log " + file("log"));
    for (const auto &s : {crystal(), cation, cation}) expect_right(one->label(s), s);
  }
  EXPECT_EQ(count("log", "start "), 2);
  EXPECT_EQ(count("log", " charge=1 spin=2 pbc="), 1);
  EXPECT_EQ(count("log", "evaluate "), 3);
}

TEST_F(IpiTeacher, PositionsAndCellsAreAsAskedFor)
{
  Structure far = crystal();
  for (std::size_t k = 0; k < far.positions.size(); k += 3) far.positions[k] += 90.0;
  const auto first_x = [&](const Json &more) {
    fs::remove(folder / "log");
    expect_right(teacher("--images 12 --log " + file("log"), more)->label(far), crystal());
    const std::string text = content("log");
    std::istringstream words(text.substr(text.find("evaluate ")));
    std::string word;
    double x = 0.0;
    words >> word >> word >> x;
    return x;
  };
  EXPECT_NEAR(first_x({{"wrap", "no"}}), 90.1, 1e-3);
  EXPECT_NEAR(first_x({{"wrap", "yes"}}), 90.1 - 10 * 9.0, 10.0);
  fs::remove(folder / "log");
  teacher("--log " + file("log"), {{"box", 30.0}})->label(cluster());
  EXPECT_EQ(count("log", " Lattice=\"30 0 0 0 30 0 0 0 30\" "), 1);
  EXPECT_EQ(count("log", " pbc=\"F F F\""), 1);
}

TEST_F(IpiTeacher, ErrorsNameTheStructureAndWhatTheClientSaid)
{
  const auto one = teacher("--fault exit --below 1.0");
  expect_right(one->label(crystal()), crystal());
  expect_words(message_of<TeacherError>([&] {
                 one->label(collapsed(crystal()));
               }),
               {"Ar3Ne, 4 atoms: the client was started again, and failed twice: it closed the "
                "connection; it ended with status 3; the last lines that it printed:\n",
                "\n  the field did not converge"});
  expect_right(one->label(crystal()), crystal());
  EXPECT_EQ(message_of<TeacherError>([&] {
              teacher("--fault nan")->label(crystal());
            }),
            "Ar3Ne, 4 atoms: the client failed: its energy is not finite");
  Structure flat = crystal();
  flat.cell = {};
  expect_words(message_of<TeacherError>([&] {
                 teacher("", {{"wrap", "yes"}})->label(flat);
               }),
               {"Ar3Ne, 4 atoms: positions cannot be wrapped into a flat cell"});
}

TEST_F(IpiTeacher, WithoutAClientNothingCanBeLabelled)
{
  expect_words(message_of<TeacherUnavailable>([&] {
                 teacher("--fail-at-start")->label(crystal());
               }),
               {"failed twice: it ended before it connected", "no licence"});
  expect_words(message_of<TeacherUnavailable>([&] {
                 teacher("--fail-at-start")->set_reference(crystal());
               }),
               {"no licence"});
}

TEST_F(IpiTeacher, SettingsAreChecked)
{
  const auto message = [](const Json &settings) {
    return message_of<TeacherError>([&] {
      make_teacher({"ipi", settings});
    });
  };
  EXPECT_EQ(message({{"client", " "}}),
            "the teacher 'ipi' has no client; accepted: a command line");
  expect_words(message({{"client", "a {socket}"}}), {"holds {socket}; accepted: {address}"});
  expect_words(message({{"client", "a"}, {"socket", "pipe"}}),
               {"the address 'pipe' is not known; accepted: unix, unix:NAME, tcp"});
}

TEST_F(IpiTeacher, SaysWhatItIs)
{
  std::ofstream(folder / "input") << "template\n";
  const auto one = teacher("",
                           {{"files", {file("input")}},
                            {"version", "echo program; echo ' 1.5'"},
                            {"clients", 2},
                            {"stress", "no"}});
  const auto provenance = one->provenance();
  EXPECT_EQ(provenance["settings"],
            (Json{{"client", command()}, {"stress", "no"}, {"files", {file("input")}}}));
  EXPECT_EQ(provenance["versions"], (Json{{"client_version", "program 1.5"}}));
  EXPECT_EQ(provenance["files"], Json::array({file("input")}));
  EXPECT_FALSE(one->depends_on_reference());
  EXPECT_TRUE(teacher()->provenance()["versions"].empty());
  expect_words(message_of<TeacherError>([&] {
                 teacher("", {{"version", "echo not here; exit 5"}})->provenance();
               }),
               {"the command of 'version', echo not here; exit 5, failed: it ended with status "
                "5\n  not here"});
}

TEST_F(IpiTeacher, GivesItsForcesToLammps)
{
  const auto of = [](const Json &settings) {
    return make_teacher({"ipi", settings})->lammps_commands("Ar Ne", 0, 0);
  };
  EXPECT_EQ(of({{"client", "run {address}"}}),
            "pair_style      ipi client \"run {address}\" socket unix timeout 600\npair_coeff      "
            "* * Ar Ne\n");
  // both kinds of quotes, as in JSON for a shell
  EXPECT_EQ(of({{"client", "run '{\"a\": 1}'"}, {"socket", "tcp"}, {"timeout", 5.0}}),
            "pair_style      ipi client \"\"\"run '{\"a\": 1}'\"\"\" socket tcp timeout "
            "5\npair_coeff      * * Ar Ne\n");
  EXPECT_EQ(of({{"client", "{here}/run"}, {"wrap", "yes"}, {"box", 20.0}}),
            "pair_style      ipi client \"" + fs::current_path().string() +
                "/run\" socket unix timeout 600 wrap yes box 20\npair_coeff      * * Ar Ne\n");
  expect_words(make_teacher({"ipi", {{"client", "run"}, {"files", {"a b.inp"}}}})
                   ->lammps_commands("Ar", -1, 1),
               {" charge -1 spin 2 file \"" + fs::current_path().string() + "/a b.inp\"\n"});
  expect_words(message_of<TeacherError>([&] {
                 of({{"client", "run '\"\"\"'"}});
               }),
               {"holds three \" in a row"});
  const TeacherSettings settings{"ipi", {{"client", "run"}}};
  EXPECT_EQ(settings.name(), "run");
}

// --- the program ---

/// Whether a process is there that has not ended.
bool is_running(const std::string &id)
{
  std::ifstream stat("/proc/" + id + "/stat");
  const std::string text{std::istreambuf_iterator<char>(stat), std::istreambuf_iterator<char>()};
  const auto name_end = text.rfind(')');
  return name_end != std::string::npos && text.compare(name_end, 3, ") Z") != 0;
}

class LabelByClient : public IpiTeacher {
 protected:
  const int n_frames = 60;

  void SetUp() override
  {
    IpiTeacher::SetUp();
    std::FILE *out = std::fopen(file("frames.xyz").c_str(), "w");
    for (int k = 0; k < n_frames; k++) write_xyz(out, frame(k));
    std::fclose(out);
  }

  /// Two compositions by turns.
  static Structure frame(int k)
  {
    Structure s = k % 2 ? cluster() : crystal();
    s.positions[0] += 0.005 * k;
    return s;
  }

  static std::string words(const std::string &more)
  {
    return "label --structures frames.xyz --client '" + command(more) + "' ";
  }

  std::vector<Structure> labelled(const std::string &name) const
  {
    const auto reader = open_trajectory(file(name));
    std::vector<Structure> frames;
    for (Structure one; reader->next(one);) frames.push_back(one);
    return frames;
  }

  void expect_all_right(const std::string &name) const
  {
    const auto frames = labelled(name);
    ASSERT_EQ(int(frames.size()), n_frames);
    for (int k = 0; k < n_frames; k++) {
      const Structure s = frame(k);
      const auto expected = LennardJones()(s.positions, s.cell, s.periodic);
      EXPECT_NEAR(frames[k].energy.value(), expected.energy, 1e-8);
      for (std::size_t i = 0; i < s.positions.size(); i++) {
        EXPECT_NEAR(frames[k].forces[i], expected.forces[i], 1e-8);
        EXPECT_NEAR(frames[k].positions[i], s.positions[i], 1e-8);
      }
    }
  }
};

TEST_F(LabelByClient, FramesAreLabelledInTheirOrder)
{
  for (const char *how : {"--clients 1", "--clients 2", "--client-socket unix"}) {
    run(words("") + how + " -o out.xyz");
    EXPECT_EQ(status, 0) << how;
    expect_all_right("out.xyz");
    const auto manifest = Json::parse(content("out.xyz.json"));
    EXPECT_EQ(manifest["settings"]["client"], command());
    fs::remove(folder / "out.xyz");
    fs::remove(folder / "out.xyz.json");
  }
}

TEST_F(LabelByClient, GoesOnAfterAKill)
{
  const std::string arguments =
      words("--sleep 0.1 --log " + file("log")) + "--clients 2 -o out.xyz";
  const pid_t pid = fork();
  if (pid == 0) {
    if (chdir(folder.c_str()) != 0) _exit(1);
    const int null = open("/dev/null", O_WRONLY);
    dup2(null, 2);
    execl("/bin/sh", "sh", "-c", ("exec " MLFF_PROGRAM " " + arguments).c_str(), nullptr);
    _exit(1);
  }
  // some frames are saved, and not all
  while (content("out.xyz.json").find("\"bytes\": ") == std::string::npos) {
    ASSERT_EQ(waitpid(pid, nullptr, WNOHANG), 0) << "the command ended before it had saved a frame";
    usleep(2000);
  }
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
  const long saved = Json::parse(content("out.xyz.json"))["frames"];
  EXPECT_GT(saved, 0);
  EXPECT_LT(saved, n_frames);
  // its clients may write a last line each
  std::istringstream started(content("log"));
  for (std::string word, id; started >> word;)
    if (word == "start" && started >> id)
      for (int k = 0; is_running(id); k++) {
        ASSERT_LT(k, 30000) << "client " << id << " outlives the program that started it";
        usleep(2000);
      }
  fs::remove(folder / "log");
  const std::string text = run(arguments, true);
  EXPECT_EQ(status, 0) << text;
  expect_words(text, {std::to_string(saved) + " frames are there already"});
  expect_all_right("out.xyz");
  // what was saved was not labelled again
  EXPECT_EQ(count("log", "evaluate "), n_frames - saved) << content("log");
}

TEST_F(LabelByClient, FrameThatFailsIsNamedOrLeftOut)
{
  {
    std::FILE *out = std::fopen(file("frames.xyz").c_str(), "w");
    for (const auto &s : {crystal(), crystal(), collapsed(crystal()), crystal()}) write_xyz(out, s);
    std::fclose(out);
  }
  expect_error(words("--fault exit --below 1.0") + "-o out.xyz",
               {"'frames.xyz', frame 3: Ar3Ne, 4 atoms: the client was started again, and failed "
                "twice: ",
                "the field did not converge"});
  // the two before are kept, and go on with another client only where it is the same
  EXPECT_EQ(Json::parse(content("out.xyz.json"))["frames"], 2);
  expect_error(words("--other") + "-o out.xyz", {"was made with client = ", "now it is "});
  const std::string text =
      run(words("--fault exit --below 1.0") + "--skip-failed -o out.xyz", true);
  EXPECT_EQ(status, 0) << text;
  expect_words(text, {"2 frames are there already", "frame 3 is left out", "1 of 4 frames"});
  EXPECT_EQ(labelled("out.xyz").size(), 3U);
  // a fault of every frame ends the run
  expect_error(words("--fail-at-start") + "--skip-failed -o none.xyz",
               {"frame 1: ", "it ended before it connected", "no licence"});
  EXPECT_FALSE(fs::exists(folder / "none.xyz"));
}

TEST_F(LabelByClient, OptionsAreChecked)
{
  expect_error(words("") + "--clients 0 -o out.xyz", {"--clients"});
  expect_error(words("") + "--client-timeout -1 -o out.xyz", {"--client-timeout"});
  expect_error(words("") + "--client-wrap maybe -o out.xyz", {"--client-wrap"});
  expect_error(words("") + "--client-stress 5 -o out.xyz", {"--client-stress"});
  expect_error(words("") + "--client-box -1 -o out.xyz", {"--client-box"});
  expect_error(words("") + "--client-socket pipe -o out.xyz", {"the address 'pipe' is not known"});
  expect_error(words("") + "--model x -o out.xyz", {"excludes"});
  expect_error("label --structures frames.xyz --client 'x {adress}' -o out.xyz",
               {"holds {adress}; accepted: {address}"});
}

#ifdef MLFF_RDKIT
TEST_F(LabelByClient, MoleculesAreSampledWithIt)
{
  // hardly any force: the molecule only moves
  const LennardJones weak{1e-5, 0.9, 6.0};
  const std::string text =
      run("label --molecule C --frames 3 --every 2 --warmup 4 --temperature 300 --client '" +
              command("--epsilon 1e-5 --sigma 0.9") + "' -o out",
          true);
  ASSERT_EQ(status, 0) << text;
  const auto frames = labelled("out/molecule_300K.xyz");
  ASSERT_EQ(frames.size(), 3U);
  for (const auto &s : frames) {
    const auto expected = weak(s.positions, {}, {false, false, false});
    EXPECT_NEAR(s.energy.value(), expected.energy, 1e-8);
    for (std::size_t k = 0; k < s.positions.size(); k++)
      EXPECT_NEAR(s.forces[k], expected.forces[k], 1e-6);
  }
}
#endif

}    // namespace
