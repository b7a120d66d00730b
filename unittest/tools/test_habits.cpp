// Habits of the program mlff that all commands share: help, exit codes, JSON, quiet and verbose
// runs, completion in shells, mlff doctor, potentials by name.
#include "potential/find_potential.h"
#include "support/program_fixture.h"
#include "support/random_potential.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

class Habits : public mlff_test::ProgramTest {
 protected:
  std::string model = file("model.safetensors");
  std::string frames = MLFF_TEST_DATA "/ethanol_rmd17.xyz";

  void SetUp() override
  {
    ProgramTest::SetUp();
    mlff_test::random_potential({8, 2, 6}, {1, 6, 8}, 4.0).write(model);
  }

  int exit_code(const std::string &arguments)
  {
    run(arguments);
    return WEXITSTATUS(status);
  }

  std::vector<std::string> lines(const std::string &text)
  {
    std::istringstream in(text);
    std::vector<std::string> list;
    for (std::string line; std::getline(in, line);) list.push_back(line.substr(0, line.find('\t')));
    return list;
  }

  std::vector<std::string> commands() { return lines(run("completion words -- ''")); }

  /// What can follow on a command line.
  std::vector<std::string> following(const std::string &words)
  {
    return lines(run("completion words -- " + words));
  }

  static bool has(const std::vector<std::string> &list, const std::string &word)
  {
    return std::find(list.begin(), list.end(), word) != list.end();
  }

  /// Runs bash, with the script of mlff for it loaded.
  std::string bash(const std::string &program)
  {
    std::ofstream(file("complete.bash")) << run("completion bash");
    std::ofstream(file("test.bash"))
        << "source complete.bash\nexport PATH=" << fs::path(MLFF_PROGRAM).parent_path().string()
        << ":$PATH\nanswer() {\n  COMP_WORDS=(\"$@\")\n  COMP_CWORD=$(($# - 1))\n  _mlff\n"
           "  printf '<%s>' \"${COMPREPLY[@]}\"\n}\n"
        << program << "\n";
    std::FILE *pipe = popen(("cd '" + folder.string() + "' && bash test.bash").c_str(), "r");
    std::string text;
    for (int c; (c = std::fgetc(pipe)) != EOF;) text += char(c);
    EXPECT_EQ(pclose(pipe), 0) << text;
    return text;
  }

  /// A program that a test puts on PATH.
  void write_program(const std::string &name, const std::string &body)
  {
    fs::create_directories(folder / "bin");
    std::ofstream(folder / "bin" / name) << "#!/bin/sh\n" << body << "\n";
    fs::permissions(folder / "bin" / name, fs::perms::owner_all);
  }
};

TEST_F(Habits, CommandsStandUnderHeadings)
{
  const std::string help = run("--help");
  EXPECT_EQ(status, 0);
  std::size_t last = 0;
  for (const char *heading : {"Make models:", "Judge models:", "Make and examine data:",
                              "Trajectories and studies:", "This machine:"}) {
    const auto at = help.find(heading);
    ASSERT_NE(at, std::string::npos) << heading << "\n" << help;
    EXPECT_GT(at, last);
    last = at;
  }
  EXPECT_LT(help.find("\n  train "), help.find("Judge models:"));
  EXPECT_GT(help.find("\n  doctor "), help.find("This machine:"));
  EXPECT_EQ(help.find("Subcommands:"), std::string::npos) << "a command without heading";
}

TEST_F(Habits, EveryCommandTakesTheSharedOptions)
{
  ASSERT_GT(commands().size(), 10u);
  for (const auto &command : commands()) {
    const auto options = following(command + " -");
    for (const char *option : {"--quiet", "-q", "--verbose", "-v", "--help"})
      EXPECT_TRUE(has(options, option)) << command << " " << option;
    EXPECT_EQ(has(options, "--json"), command != "completion") << command;
    // a short name has a long one beside it
    const std::string help = run(command + " --help");
    std::istringstream text(help);
    for (std::string line; std::getline(text, line);)
      EXPECT_TRUE(!line.starts_with("  -") || line.starts_with("  --") ||
                  line.find(",--") != std::string::npos)
          << command << ": " << line;
  }
}

TEST_F(Habits, ExitCodesAreThoseOfThePage)
{
  EXPECT_EQ(exit_code("--help"), 0);
  EXPECT_EQ(exit_code("--version"), 0);
  EXPECT_EQ(exit_code("-V"), 0);
  EXPECT_EQ(exit_code("info " + model), 0);
  // refused
  EXPECT_EQ(exit_code("info none.safetensors"), 1);
  EXPECT_EQ(exit_code("eval --model " + model + " --data none.xyz"), 1);
  // words
  EXPECT_EQ(exit_code(""), 2);
  EXPECT_EQ(exit_code("fly"), 2);
  EXPECT_EQ(exit_code("info"), 2);
  EXPECT_EQ(exit_code("info " + model + " more"), 2);
  EXPECT_EQ(exit_code("info " + model + " --fast"), 2);
  EXPECT_EQ(exit_code("bench --repeats 3"), 2);
  EXPECT_EQ(exit_code("bench --model " + model + " --repeats three"), 2);
  EXPECT_EQ(exit_code("eval --model " + model + " --data " + frames + " --precision half"), 2);
  EXPECT_EQ(exit_code("info -q -v " + model), 2);
  // examined and found wanting
  EXPECT_EQ(exit_code("check-gradients --frames 1 --tolerance 1e-20 --model " + model + " --data " +
                      frames),
            3);
  std::ofstream(file("twice.xyz")) << "1\nenergy=1\nC 0 0 0\n1\nenergy=1\nC 0 0 0\n";
  EXPECT_EQ(exit_code("dataset twice.xyz"), 3);

  std::ifstream page(MLFF_DOC "/guide/program.md");
  const std::string text{std::istreambuf_iterator<char>(page), {}};
  for (const char *row : {"\n| 0 |", "\n| 1 |", "\n| 2 |", "\n| 3 |", "\n| 130 |"})
    EXPECT_NE(text.find(row), std::string::npos) << row;
  for (const auto &command : commands())
    EXPECT_NE(text.find("| `mlff " + command + "` |"), std::string::npos) << command;
}

TEST_F(Habits, AnInterruptedTrainingSaysSo)
{
  std::ofstream(file("long.yaml"))
      << "model: {features: 8, layers: 1, radial: 6, cutoff: 4.0}\ndata: {train: {file: " << frames
      << "}, valid_fraction: 0.2}\n"
         "training: {steps: 100000000, batch_atoms: 36, validate_every: 10, threads: 1}\n"
         "output: long.safetensors\n";
  // stopped when it has written a line of its log
  const std::string command = "cd '" + folder.string() +
      "' && { " MLFF_PROGRAM " train long.yaml --no-plots >out 2>&1 & pid=$!; n=0; until [ -s "
      "long.training/log.jsonl ] || "
      "[ $n -gt 600 ]; do sleep 0.1; n=$((n + 1)); done; kill -TERM $pid; wait $pid; }";
  EXPECT_EQ(WEXITSTATUS(std::system(command.c_str())), 130) << content("out");
  EXPECT_TRUE(fs::exists(folder / "long.training/checkpoint")) << content("out");
}

TEST_F(Habits, QuietRunsTellNothingButResults)
{
  const std::string eval = "eval --json --model " + model + " --data " + frames;
  EXPECT_NE(run(eval, true).find("100 %"), std::string::npos);
  for (const std::string &command : {eval + " -q", eval + " --quiet", "-q " + eval}) {
    EXPECT_EQ(run(command, true), "") << command;
    EXPECT_EQ(Json::parse(run(command))["n_frames"], 20) << command;
  }
  EXPECT_EQ(run("molecule O -o quiet.xyz -q", true), "");
  EXPECT_NE(run("molecule O -o told.xyz", true).find("wrote told.xyz"), std::string::npos);
  // errors are told
  expect_error("info -q none.safetensors", {"error", "'none.safetensors'"});
  const std::string verbose = run(eval + " -v", true);
  EXPECT_NE(verbose.find("potential " + model), std::string::npos) << verbose;
  EXPECT_NE(verbose.find("eval took"), std::string::npos) << verbose;
}

TEST_F(Habits, ProgressIsNoBarWhereOutputIsNoTerminal)
{
  const std::string text = run("eval --model " + model + " --data " + frames, true);
  EXPECT_EQ(text.find('\r'), std::string::npos) << text;
  EXPECT_EQ(text.find('\033'), std::string::npos) << text;
}

TEST_F(Habits, JsonIsAllOfStandardOutput)
{
  const auto made = Json::parse(run("molecule CCO -o a.data -o a.xyz --copies 2 --json"));
  EXPECT_EQ(made["files"][0]["atoms"], 18);
  EXPECT_EQ(made["files"][1]["atoms"], 9);
  EXPECT_EQ(made["files"][1]["elements"], "H C O");
  const auto labelled =
      Json::parse(run("label --structures a.xyz --model " + model + " -o labelled.xyz --json"));
  EXPECT_EQ(labelled["frames"], 1);
  std::ofstream(file("train.yaml"))
      << "model: {features: 8, layers: 1, radial: 6, cutoff: 4.0}\ndata: {train: {file: " << frames
      << "}, valid_fraction: 0.2}\ntraining: {steps: 3, batch_atoms: 36, warmup: 1, threads: 1}\n"
         "output: new.safetensors\n";
  const auto trained = Json::parse(run("train train.yaml --no-plots --json"));
  EXPECT_TRUE(trained["file"].get<std::string>().ends_with("new.safetensors"));
  EXPECT_EQ(trained["steps"], 3);
  EXPECT_TRUE(trained["valid"].contains("force_mae_meV_per_A")) << trained;
}

// ---- potentials by name

TEST_F(Habits, PotentialsAreFoundWithoutTheirEnding)
{
  const std::string name = fs::path(SHIPPED_POTENTIAL).stem().string();
  EXPECT_EQ(Json::parse(run("info --json " + name))["features"], 128);
  EXPECT_EQ(Json::parse(run("info --json model"))["features"], 8);
  EXPECT_EQ(Json::parse(run("eval --json --model " + name + " --data " + frames))["n_frames"], 20);
  // a folder of the same name is no potential
  fs::create_directories(folder / name);
  EXPECT_EQ(Json::parse(run("info --json " + name))["features"], 128);
}

TEST_F(Habits, ErrorsNameSimilarPotentials)
{
  expect_error("info ethanol-rmd17-pain128",
               {"'ethanol-rmd17-pain128': cannot be opened",
                "potentials with a similar name: ethanol-rmd17-painn128, ethanol-rmd17-painn"});
  expect_error("bench --model Ethanol-rmd17", {"similar name: ethanol-rmd17-painn"});
  expect_error("eval --data " + frames + " --model some/ethanol-gfn2-mpl.safetensors",
               {"similar name: ethanol-gfn2-mlp"});
  expect_error("label --structures " + frames + " -o l.xyz --model ethanol-gfn2-painn23",
               {"similar name: ethanol-gfn2-painn32"});
  EXPECT_EQ(run("info nothing-like-it", true).find("similar"), std::string::npos);
  std::ofstream(file("start.yaml"))
      << "model: {init_from: ethanol-gfn2-pain32}\ndata: {train: {file: " << frames
      << "}, valid_fraction: 0.2}\ntraining: {steps: 3}\noutput: new.safetensors\n";
  EXPECT_NE(run("train start.yaml", true).find("similar name: ethanol-gfn2-painn32"),
            std::string::npos)
      << run("train start.yaml", true);
}

// ---- completion

TEST_F(Habits, WordsThatCanFollow)
{
  EXPECT_TRUE(has(commands(), "doctor"));
  EXPECT_EQ(following("ev"), std::vector<std::string>{"eval"});
  EXPECT_EQ(following("-V"), std::vector<std::string>{"-V"});
  EXPECT_EQ(following("eval --prec"), std::vector<std::string>{"--precision"});
  EXPECT_EQ(following("eval --precision s"), std::vector<std::string>{"single"});
  EXPECT_EQ(following("eval --precision=s"), std::vector<std::string>{"--precision=single"});
  EXPECT_EQ(following("eval --precision = s"), std::vector<std::string>{"single"});
  EXPECT_EQ(following("-q eval --precision s"), std::vector<std::string>{"single"});
  const auto potentials = following("eval --model ethanol-rmd17-painn1");
  EXPECT_EQ(potentials, (std::vector<std::string>{"ethanol-rmd17-painn128", ":files"}));
  EXPECT_EQ(following("info aspirin-gfn2-m"),
            (std::vector<std::string>{"aspirin-gfn2-mlp", ":files"}));
  // several values, then none
  EXPECT_TRUE(has(following("label --model a b ''"), "ethanol-gfn2-painn32"));
  EXPECT_TRUE(following("info a ''").empty());
  EXPECT_EQ(following("eval --data ''"), std::vector<std::string>{":files"});
  EXPECT_TRUE(following("eval --batch ''").empty());
  EXPECT_EQ(following("completion f"), std::vector<std::string>{"fish"});
  // a folder that the environment names has its potentials in the list
  EXPECT_TRUE(has(lines(run("completion potentials")), "ethanol-rmd17-painn128"));
  setenv("MLFF_POTENTIALS", folder.c_str(), 1);
  EXPECT_TRUE(has(lines(run("completion potentials")), "model"));
  unsetenv("MLFF_POTENTIALS");
}

TEST_F(Habits, BashCompletes)
{
  std::ofstream(file("a b.xyz")) << "";
  EXPECT_EQ(bash("answer mlff doc"), "<doctor>");
  EXPECT_EQ(bash("answer mlff eval --precision d"), "<double>");
  EXPECT_EQ(bash("answer mlff eval --precision = d"), "<double>");
  EXPECT_EQ(bash("answer mlff eval --model ethanol-rmd17-painn1"), "<ethanol-rmd17-painn128>");
  EXPECT_EQ(bash("answer mlff eval --model mod"), "<model.safetensors>");
  EXPECT_EQ(bash("answer mlff dataset a"), "<a b.xyz>");
  EXPECT_EQ(bash("complete -p mlff"), "complete -F _mlff mlff\n");
}

TEST_F(Habits, ScriptsOfOtherShells)
{
  EXPECT_TRUE(run("completion zsh").starts_with("#compdef mlff\n"));
  EXPECT_NE(run("completion fish").find("complete -c mlff"), std::string::npos);
  expect_error("completion tcsh", {"tcsh", "bash", "zsh", "fish"});
}

// ---- mlff doctor

TEST_F(Habits, DoctorKnowsALammps)
{
  write_program("lmp",
                "echo 'Large-scale Atomic/Molecular Massively Parallel Simulator - 4 Jul "
                "2026'\necho 'MPI v3.1: Open MPI v4.1.4, package: x'\necho 'KOKKOS package "
                "API: CUDA OpenMP'\necho 'Installed packages:'\necho\necho 'KOKKOS PLUGIN'\n"
                "echo 'List of individual style options included'\necho '* Pair styles:'\n"
                "echo 'lj/cut mlff mlff/kk'\necho 'kstep/hybrid nve'");
  const auto report = Json::parse(run("doctor --json --lmp bin/lmp"));
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(report["ready"]);
  std::map<std::string, Json> findings;
  for (const auto &finding : report["findings"]) {
    EXPECT_TRUE(finding["ok"] || !finding["advice"].get<std::string>().empty()) << finding;
    findings[finding["name"]] = finding;
  }
  const std::string lammps = findings.at((folder / "bin/lmp").string())["found"];
  for (const char *words :
       {"4 Jul 2026", "has the styles", "CUDA OpenMP", "Open MPI v4.1.4", "KOKKOS PLUGIN"})
    EXPECT_NE(lammps.find(words), std::string::npos) << lammps;
  for (const char *name : {"mlff", "instruction set", "evaluation", "potentials", "threads", "MPI",
                           "cache folder", "RDKit", "xTB", "NVIDIA GPU", "LibTorch", "plugin"})
    EXPECT_TRUE(findings.contains(name)) << name;
  const std::string text = run("doctor --lmp bin/lmp");
  EXPECT_NE(text.find("ok       instruction set"), std::string::npos) << text;
}

TEST_F(Habits, DoctorSaysWhatIsMissing)
{
  write_program("lmp",
                "echo 'Large-scale Atomic/Molecular Massively Parallel Simulator - 4 Jul "
                "2026'\necho 'Installed packages:'\necho 'PLUGIN'\n"
                "echo 'List of individual style options included'\necho 'lj/cut nve'");
  const std::string text = run("doctor --lmp bin/lmp");
  EXPECT_EQ(WEXITSTATUS(status), 3);
  for (const char *words : {"NEEDED   LAMMPS with mlff", "lacks mlff, kstep/hybrid",
                            "LAMMPS_PLUGIN_PATH", "keeps potentials from running"})
    EXPECT_NE(text.find(words), std::string::npos) << words << "\n" << text;
  // a plugin that this LAMMPS does not take, and one that it does, which -h does not show
  std::ofstream(folder / "bin" / "mlffplugin.so") << "";
  setenv("LAMMPS_PLUGIN_PATH", (folder / "bin").c_str(), 1);
  EXPECT_NE(run("doctor --lmp bin/lmp").find("Build the plugin for this LAMMPS"),
            std::string::npos);
  write_program("lmp",
                "if [ \"$1\" = -in ]; then cat \"$2\"; echo 'mlff kstep/hybrid'; exit; fi\n"
                "echo 'Large-scale Atomic/Molecular Massively Parallel Simulator - 22 Jul "
                "2025'\necho 'Installed packages:'\necho 'PLUGIN'");
  const std::string taken = run("doctor --lmp bin/lmp");
  EXPECT_EQ(status, 0) << taken;
  EXPECT_NE(taken.find("22 Jul 2025; has the styles of mlff by its plugin"), std::string::npos)
      << taken;
  unsetenv("LAMMPS_PLUGIN_PATH");
  // a file that is no LAMMPS, one that fails, and a name that a shell would run
  write_program("other", "echo hello");
  EXPECT_NE(run("doctor --lmp bin/other").find("no LAMMPS: hello"), std::string::npos);
  run("doctor --lmp '$(touch injected); touch injected'");
  EXPECT_EQ(WEXITSTATUS(status), 3);
  EXPECT_FALSE(fs::exists(folder / "injected"));
  write_program("lmp",
                "echo 'Large-scale Atomic/Molecular Massively Parallel Simulator - 4 Jul "
                "2026'\necho 'mlff kstep/hybrid'");
  setenv("MLFF_ISA", "sse9", 1);
  EXPECT_EQ(exit_code("doctor --lmp bin/lmp"), 3);
  EXPECT_NE(run("doctor --lmp bin/lmp").find("NEEDED   instruction set"), std::string::npos);
  unsetenv("MLFF_ISA");
  setenv("OMP_NUM_THREADS", "many", 1);
  EXPECT_NE(run("doctor --lmp bin/lmp").find("missing  threads"), std::string::npos);
  unsetenv("OMP_NUM_THREADS");
}

}    // namespace
