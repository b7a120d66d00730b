// mlff study as a user runs it: GFN-FF ethanol, which is cheap, with the shipped networks.
#include "support/program_fixture.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <functional>

namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

class Study : public mlff_test::ProgramTest {
 protected:
  const std::string head = "ps: 2\nwarmup: 0.2\nframe: 4\nlag: 0.6\n";
  const std::string molecules =
      "molecules:\n  - {name: ethanol, smiles: CCO, force: {method: gfnff}}\n";
  const std::string methods =
      "methods:\n"
      "  - verlet: [0.5, 1]\n"
      "  - {jump: ethanol-gfn2-jump8.safetensors, fraction: 0.05}\n"
      "  - {jump: ethanol-gfn2-jump8.safetensors, control: zero, corrector: 1}\n";

  void write(const std::string &name, const std::string &text) const
  {
    std::ofstream(file(name)) << text;
  }

  static Json report_of(const std::string &path)
  {
    std::ifstream in(path);
    return Json::parse(in);
  }

  static const Json &row(const Json &report, const std::string &method)
  {
    for (const auto &row : report["molecules"][0]["rows"])
      if (row["method"] == method) return row;
    ADD_FAILURE() << "no row " << method;
    return report;
  }

  void refuse(const std::string &text, const std::vector<std::string> &words)
  {
    write("bad.yaml", text);
    expect_error("study bad.yaml", words);
    EXPECT_FALSE(fs::exists(folder / "bad"));
  }
};

TEST_F(Study, ATableOfMethods)
{
  write("small.yaml",
        "seeds: [1, 2]\ntiming: {ps: 0.1, warmup: 0.01, repeats: 2}\n" + head + molecules +
            methods +
            "  - {respa: ethanol-gfn2-mlp.safetensors, outer: 2}\n  - {mts: "
            "ethanol-gfn2-mlp.safetensors, outer: 2}\n  - {student: "
            "ethanol-gfn2-mlp.safetensors, stride: 4}\n");
  run("study small.yaml");
  ASSERT_EQ(status, 0);
  const Json report = report_of(file("small/report.json"));
  ASSERT_EQ(report["molecules"][0]["rows"].size(), 7u);
  const Json &verlet = row(report, "verlet-0.5"), &jump = row(report, "jump-8-f0.05"),
             &zero = row(report, "zero-8-c1");
  // a cycle of 16 steps and one of the corrector, each with one call: 2 calls in 8.5 fs, and more
  // where jumps were rejected
  EXPECT_NEAR(verlet["force_calls_per_ps"].get<double>(), 2000.0, 1e-6);
  EXPECT_NEAR(row(report, "verlet-1")["force_calls_per_ps"].get<double>(), 1000.0, 1e-6);
  EXPECT_NEAR(row(report, "respa-2")["force_calls_per_ps"].get<double>(), 500.0, 1e-6);
  EXPECT_NEAR(row(report, "mts-2")["force_calls_per_ps"].get<double>(), 500.0, 1e-6);
  EXPECT_EQ(row(report, "mts-2")["kind"], "mts");
  EXPECT_EQ(row(report, "mts-2")["steps"], 4);
  EXPECT_EQ(jump["corrector_steps"], 1);
  const double calls = jump["force_calls_per_ps"], acceptance = jump["acceptance"];
  EXPECT_GT(calls, 2.0 / 0.0085 - 1.0);
  EXPECT_NEAR(zero["acceptance"].get<double>(), 1.0, 1e-9);
  EXPECT_NEAR(zero["force_calls_per_ps"].get<double>(), 2.0 / 0.0085, 1.0);
  EXPECT_LE(acceptance, 1.0);
  for (const char *method : {"verlet-0.5", "verlet-1", "jump-8-f0.05", "zero-8-c1", "respa-2",
                             "mts-2", "metropolis-4-c0"}) {
    const Json &one = row(report, method);
    EXPECT_EQ(one["seeds"], 2) << method;
    EXPECT_FALSE(one.contains("failed")) << method << " " << one.value("failed", Json()).dump();
    EXPECT_EQ(one["times"]["wall_s_per_ps"]["n"], 2) << method;
    for (const char *key : {"cpu_s_per_ps", "wall_s_per_ps"}) {
      if (!one["times"].contains(key)) continue;    // too short for the clock of CPU time
      EXPECT_GT(one["times"][key]["median"].get<double>(), 0.0) << method;
      EXPECT_LE(one["times"][key]["least"].get<double>(),
                one["times"][key]["median"].get<double>());
    }
    // 27 degrees of freedom, 4 ps with a friction of 10/ps: some 40 independent values of 300
    // sqrt(2/27) K; six standard errors
    EXPECT_NEAR(one["quantities"]["temperature_K"]["all"]["value"].get<double>(), 300.0,
                6.0 * 300.0 * std::sqrt(2.0 / 27.0 / 40.0))
        << method;
    EXPECT_NEAR(one["quantities"]["bond_mean_A"]["C-C"]["value"].get<double>(),
                verlet["quantities"]["bond_mean_A"]["C-C"]["value"].get<double>(), 0.02)
        << method;
  }
  for (const auto &one : report["molecules"][0]["rows"]) {
    // what a second and a call of the force give belongs together
    const auto number = [&](const std::string &key) {
      EXPECT_TRUE(one.contains(key)) << one["method"] << " " << key;
      return one.value(key, 0.0);
    };
    for (const std::string what : {"torsion", "energy"}) {
      const std::string key = "ess_" + what;
      const auto &times = one["times"];
      const char *clock = times.contains("cpu_s_per_call") ? "cpu_s_per_call" : "wall_s_per_call";
      EXPECT_GT(number(key), 1.0) << one["method"];
      EXPECT_NEAR(number(key + "_per_s") * times[clock]["median"].get<double>(),
                  number(key + "_per_call"), 1e-9 * number(key));
      EXPECT_NEAR(number("speedup_" + key),
                  number(key + "_per_s") / verlet[key + "_per_s"].get<double>(),
                  1e-9 * number("speedup_" + key));
    }
    EXPECT_NE(one["slowest_torsion"].get<std::string>().find("-C-O"), std::string::npos);
  }
  // two seeds of 2 ps, each step one call
  EXPECT_NEAR(verlet["ess_energy"].get<double>() / verlet["ess_energy_per_call"].get<double>(),
              8000.0, 1e-6);
  EXPECT_NEAR(row(report, "metropolis-4-c0")["ess_energy"].get<double>() /
                  row(report, "metropolis-4-c0")["ess_energy_per_call"].get<double>(),
              1000.0, 1e-6);
  for (const char *method : {"verlet-0.5", "verlet-1", "respa-2", "mts-2", "zero-8-c1"})
    EXPECT_NEAR(row(report, method)["duration_ps"].get<double>(), 2.0, 0.02) << method;
  EXPECT_NEAR(jump["frame_fs"].get<double>(), 8.5, 1e-6)
      << "rejected jumps must not make frames that count more";
  // Only dynamics tells how fast torsions turn; distributions do not.
  const auto turn = [](const Json &one) {
    return one["quantities"]["torsion_msd_at_0.5_ps_rad2"]["C-C-O-H"]["value"].get<double>();
  };
  EXPECT_LT(turn(zero), 0.5 * turn(verlet));
  EXPECT_TRUE(verlet.contains("against_reference")) << "the second seed is the noise";
  EXPECT_GT(jump["times"]["model_ms"]["median"].get<double>(), 0.0);

  const std::string page = content("small/report.md");
  for (const char *words :
       {"### Speed", "### Independent samples", "### Temperatures", "### Structure", "### Motion",
        "| verlet-0.5 |", "| zero-8-c1 |", "the jump pays", "`mlff study small.yaml`", "cores)"})
    EXPECT_NE(page.find(words), std::string::npos) << words;
  EXPECT_GT(fs::file_size(folder / "small/ethanol.png"), 20000u);
  EXPECT_LT(fs::file_size(folder / "small/ethanol.png"), 300000u);

  // all is there: the same report without a run; other settings are refused
  const auto written = fs::last_write_time(folder / "small/ethanol/verlet-0.5/seed-1/result.json");
  run("study small.yaml");
  EXPECT_EQ(status, 0);
  EXPECT_EQ(report_of(file("small/report.json")), report);
  EXPECT_EQ(fs::last_write_time(folder / "small/ethanol/verlet-0.5/seed-1/result.json"), written);
  expect_error("study small.yaml --ps 1",
               {"small/ethanol/verlet-0.5/seed-1' was made with other settings"});
  EXPECT_EQ(report_of(file("small/report.json")), report);
}

// a potential is the dear force, and another one the student: three sub-styles of one name
TEST_F(Study, MultipleTimeStepsOfTwoPotentials)
{
  write("a.yaml",
        "seeds: [1]\ntiming: {repeats: 0}\nps: 1\nwarmup: 0.1\nframe: 4\nlag: 0.3\n"
        "molecules:\n  - {name: ethanol, smiles: CCO, force: {models: "
        "ethanol-gfn2-painn32.safetensors}}\n"
        "methods:\n  - verlet: 0.5\n  - {mts: ethanol-gfn2-mlp.safetensors, inner: 1}\n");
  run("study a.yaml");
  ASSERT_EQ(status, 0);
  const Json report = report_of(file("a/report.json"));
  ASSERT_EQ(report["molecules"][0]["rows"].size(), 6u);
  const double bond =
      row(report, "verlet-0.5")["quantities"]["bond_mean_A"]["C-O"]["value"].get<double>();
  for (const int outer : {2, 4, 6, 8, 10}) {
    const Json &one = row(report, "mts-" + std::to_string(outer));
    EXPECT_FALSE(one.contains("failed")) << outer << one.value("failed", Json()).dump();
    EXPECT_NEAR(one["force_calls_per_ps"].get<double>(), 1e3 / outer, 1e-6);
    EXPECT_NEAR(one["quantities"]["bond_mean_A"]["C-O"]["value"].get<double>(), bond, 0.03);
  }
  const std::string input = content("a/ethanol/mts-4/seed-1/in.run");
  EXPECT_NE(input.find("run_style       respa 2 4 hybrid 1 2 2"), std::string::npos);
  EXPECT_NE(input.find("timestep        0.004"), std::string::npos);
  EXPECT_NE(content("a/report.md").find("| mts-10 | 10 | - | - | 100 |"), std::string::npos);
}

TEST_F(Study, KilledAndResumedIsTheSame)
{
  write("a.yaml", "seeds: [3]\ntiming: {repeats: 0}\n" + head + molecules + methods);
  run("study a.yaml --jobs 1 -o whole");
  ASSERT_EQ(status, 0);
  int kills = 0;
  for (const char *when :
       {"parts/ethanol/verlet-0.5/seed-3/frames.xyz", "parts/ethanol/jump-8-f0.05/seed-3/log"})
    kills += kill_when("study a.yaml --jobs 1 -o parts", [&] {
      return fs::exists(folder / when);
    });
  ASSERT_EQ(kills, 2);
  EXPECT_FALSE(fs::exists(folder / "parts/report.json"));
  run("study a.yaml --jobs 1 -o parts");
  ASSERT_EQ(status, 0);
  const Json whole = report_of(file("whole/report.json")),
             parts = report_of(file("parts/report.json"));
  EXPECT_EQ(whole, parts);
}

TEST_F(Study, SegmentsOfAStudent)
{
  write("a.yaml",
        "seeds: [1]\ntiming: {repeats: 0}\nps: 0.1\nwarmup: 0.01\nframe: 4\nlag: 0.6\n" +
            molecules +
            "methods:\n  - verlet: 1\n  - {student: ethanol-gfn2-mlp.safetensors, stride: 4, "
            "segments: [5, auto]}\n");
  run("study a.yaml");
  ASSERT_EQ(status, 0);
  // the choice of auto is made before anything is counted
  EXPECT_NE(content("a/ethanol/nested-4-c0-s5/seed-1/in.run").find("run             20\n"),
            std::string::npos);
  const Json report = report_of(file("a/report.json"));
  for (const char *n : {"5", "auto"}) {
    const std::string input =
        content(std::string("a/ethanol/nested-4-c0-s") + n + "/seed-1/in.run");
    EXPECT_NE(input.find("jump student 8 0.0005 corrector 0 metropolis yes segments " +
                         std::string(n) + " langevin"),
              std::string::npos)
        << input;
    // a step is one stride, whatever the number of segments
    EXPECT_NE(input.find("run             25\n"), std::string::npos) << input;
    const Json &one = row(report, std::string("nested-4-c0-s") + n);
    EXPECT_EQ(one["segments"], n);
    EXPECT_FALSE(one.contains("failed")) << one.value("failed", Json()).dump();
    EXPECT_GT(one["acceptance"].get<double>(), 0.0);
    EXPECT_LE(one["acceptance"].get<double>(), 1.0);
    EXPECT_FALSE(one.contains("force_calls_per_ps")) << "time does not pass";
    EXPECT_FALSE(one.contains("frame_fs"));
    EXPECT_NEAR(one["ess_energy"].get<double>() / one["ess_energy_per_call"].get<double>(), 25.0,
                1e-9);
  }
}

// a potential of the same name with other contents makes other runs
TEST_F(Study, ResultsBelongToTheContentsOfTheirFiles)
{
  const auto network = folder / "network.safetensors";
  fs::copy_file(fs::path(SHIPPED) / "ethanol-gfn2-mlp.safetensors", network);
  write("a.yaml",
        "seeds: [1]\ntiming: {repeats: 0}\n" + head + molecules +
            "methods:\n  - verlet: 1\n  - {student: network.safetensors, stride: 4}\n");
  run("study a.yaml --ps 0.2");
  ASSERT_EQ(status, 0);
  run("study a.yaml --ps 0.2");
  EXPECT_EQ(status, 0);
  fs::copy_file(fs::path(SHIPPED) / "ethanol-gfn2-painn32.safetensors", network,
                fs::copy_options::overwrite_existing);
  expect_error("study a.yaml --ps 0.2",
               {"'network.safetensors' (input) are not those that '",
                "metropolis-4-c0/seed-1' was made from", "remove that folder"});
}

TEST_F(Study, AMethodThatFailsIsARow)
{
  // a force that LAMMPS does not have is an error of that run; the study goes on
  write("a.yaml",
        "seeds: [1]\ntiming: {repeats: 0}\n" + head + molecules +
            "methods:\n  - verlet: 1\n  - {jump: ethanol-gfn2-jump8.safetensors, options: fly "
            "yes}\n");
  run("study a.yaml");
  EXPECT_EQ(status, 0);
  const Json report = report_of(file("a/report.json"));
  EXPECT_NE(row(report, "jump-8-c1")["failed"][0]["why"].get<std::string>().find("fly"),
            std::string::npos);
  EXPECT_NE(content("a/report.md").find("**jump-8-c1**, seed 1, failed"), std::string::npos);
}

TEST_F(Study, Refusals)
{
  expect_error("study none.yaml", {"'none.yaml' cannot be read"});
  refuse("ps: 1\n", {"'molecules' is missing"});
  refuse(molecules, {"'methods' is missing"});
  refuse("pss: 1\n" + molecules + methods, {"unknown key 'pss'", "accepted: ", "friction"});
  refuse("ps: -1\n" + molecules + methods, {"'ps' is '-1'", "accepted: a number >= 0.01"});
  refuse("seeds: [1, 1]\n" + molecules + methods, {"'seeds' holds 1 twice"});
  refuse("reference: fly\n" + molecules + methods,
         {"'reference' is 'fly'", "accepted: verlet-0.5, verlet-1, jump-8-f0.05, zero-8-c1"});
  refuse("molecules: [{name: a}]\n" + methods, {"'molecules[0].smiles'", "one of the two"});
  refuse("molecules: [{smiles: CCO, force: {method: pm3}}]\n" + methods,
         {"'molecules[0].force.method' is 'pm3'", "accepted: gfn2, gfn1, gfnff"});
  refuse("molecules: [{smiles: CCO, forse: {method: gfn2}}]\n" + methods,
         {"unknown key 'molecules[0].forse'", "accepted: "});
  refuse("molecules: [{data: none.data, elements: [C]}]\n" + methods,
         {"'molecules[0].data' names 'none.data', which is not there"});
  refuse(molecules + "methods:\n  - {fly: 1}\n",
         {"unknown key 'methods[0].fly'", "accepted: jump, mts, respa, student, verlet"});
  refuse(molecules + "methods:\n  - {verlet: 0.5, dt: 1}\n", {"unknown key 'methods[0].dt'"});
  refuse(molecules + "methods:\n  - {verlet: 0}\n", {"'methods[0].verlet' is 0", "above 0"});
  refuse(molecules + "methods:\n  - {verlet: 1, jump: a}\n",
         {"'methods[0].jump' stands beside 'verlet'"});
  refuse(molecules + "methods:\n  - {mts: none.safetensors}\n",
         {"'methods[0].mts' names 'none.safetensors', which is not there"});
  refuse(molecules + "methods:\n  - {mts: ethanol-gfn2-jump8.safetensors}\n",
         {"'methods[0].mts' names", "accepted: potentials of energies and forces"});
  refuse(molecules + "methods:\n  - {mts: ethanol-gfn2-mlp.safetensors, outer: 4.2}\n",
         {"'methods[0].outer' is 4.2 fs", "multiples of the time step of 0.5 fs"});
  refuse(molecules + "methods:\n  - {mts: ethanol-gfn2-mlp.safetensors, outer: 0.5}\n",
         {"'methods[0].outer' is 0.5 fs", "two inner steps of 0.5 fs"});
  refuse(molecules + "methods:\n  - {verlet: 1, mts: a}\n",
         {"'methods[0].mts' stands beside 'verlet'", "verlet, respa, mts, jump, student"});
  refuse(molecules + "methods:\n  - {jump: none.safetensors}\n",
         {"'methods[0].jump' names 'none.safetensors', which is not there"});
  refuse(molecules + "methods:\n  - {jump: ethanol-gfn2-mlp.safetensors}\n",
         {"'methods[0].jump' names", "a model 'molecule-mlp'", "accepted: jump networks"});
  refuse(molecules + "methods:\n  - {jump: ethanol-gfn2-jump8.safetensors, stride: 4}\n",
         {"'methods[0].stride' is 4 fs", "accepted: 8"});
  refuse(molecules + "methods:\n  - {student: ethanol-gfn2-mlp.safetensors, stride: 4.2}\n",
         {"'methods[0].stride' is 4.2 fs", "multiples of the time step of 0.5 fs"});
  refuse(molecules + "methods:\n  - {jump: ethanol-gfn2-jump8.safetensors, control: fly}\n",
         {"'methods[0].control' is 'fly'",
          "accepted: none, zero, ballistic, linear, verlet, corrector"});
  refuse(molecules +
             "methods:\n  - {jump: ethanol-gfn2-jump8.safetensors, corrector: 1, fraction: 0.1}\n",
         {"'methods[0].fraction' stands beside 'corrector'"});
  refuse(molecules + "methods:\n  - {jump: ethanol-gfn2-jump8.safetensors, segments: 5}\n",
         {"'methods[0].segments' stands beside 'jump'", "belongs to 'student'"});
  refuse(molecules +
             "methods:\n  - {student: ethanol-gfn2-mlp.safetensors, metropolis: no, segments: 5}\n",
         {"'methods[0].segments' needs 'metropolis: yes'"});
  refuse(molecules + "methods:\n  - {student: ethanol-gfn2-mlp.safetensors, segments: 2.5}\n",
         {"'methods[0].segments' is '2.5'", "accepted: auto, and whole numbers from 1"});
  refuse(molecules + "methods:\n  - {jump: ethanol-gfn2-jump8.safetensors, corrector: 1.5}\n",
         {"'methods[0].corrector' is 1.5"});
  refuse(molecules + "methods:\n  - {verlet: 1, molecules: water}\n",
         {"'methods[0].molecules' holds 'water'"});
  refuse(molecules + "methods:\n  - verlet: 1\n  - verlet: [2, 1]\n",
         {"'methods[1].name' would be 'verlet-1', which another method has"});
  write("ok.yaml", "timing: {repeats: 0}\n" + molecules + methods);
  fs::create_directories(folder / "full");
  write("full/notes", "mine");
  expect_error("study ok.yaml -o full", {"'full' holds other files"});
  EXPECT_EQ(content("full/notes"), "mine");
  expect_error("study ok.yaml -o full/notes", {"'full/notes' is not a folder"});
  expect_error("study ok.yaml --lmp none", {"none", "--lmp"});
}

}    // namespace
