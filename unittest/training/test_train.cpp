// mlff train and mlff distill as a user runs them: results, exact resume, settings and their
// errors.
#include "core/engine_options.h"
#include "core/units.h"
#include "data/parse.h"
#include "data/trajectory.h"
#include "engine/make_gradient.h"
#include "support/program_fixture.h"
#include "support/random_potential.h"
#include "teacher/teacher.h"
#include "training/adamw.h"
#include "training/training_data.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#ifdef MLFF_TORCH
#include <torch/optim/adamw.h>
#endif

#include <algorithm>
#include <cmath>
#include <csignal>
#include <fstream>
#include <sstream>

namespace {

using namespace mlff;
using Json = nlohmann::json;

class Train : public mlff_test::ProgramTest {
 protected:
  std::string teacher = file("teacher.safetensors");
  std::string data = MLFF_TEST_DATA "/ethanol_rmd17.xyz";

  void SetUp() override
  {
    ProgramTest::SetUp();
    mlff_test::random_potential({8, 1, 6}, {1, 6, 8}, 4.0).write(teacher);
  }

  void write(const std::string &name, const std::string &text) const
  {
    std::ofstream(file(name)) << text;
  }

  /// A settings file of a small model; each of `changes` replaces or adds a line "section: {...}".
  void settings(const std::string &name, const std::map<std::string, std::string> &changes = {})
  {
    std::map<std::string, std::string> sections = {
        {"model", "{features: 16, layers: 2, radial: 8, cutoff: 4.0}"},
        {"data", "{train: {file: " + data + "}, valid_fraction: 0.2}"},
        {"training", "{steps: 60, batch_atoms: 36, validate_every: 20, warmup: 5, threads: 1}"},
        {"output", name + ".safetensors"}};
    for (const auto &[key, value] : changes) sections[key] = value;
    std::string text;
    for (const auto &[key, value] : sections) text += key + ": " + value + "\n";
    write(name + ".yaml", text);
  }

  Json log(const std::string &name) const
  {
    Json lines = Json::array();
    std::istringstream text(content(name + ".training/log.jsonl"));
    for (std::string line; std::getline(text, line);) lines.push_back(Json::parse(line));
    return lines;
  }

  Json training(const std::string &name) const
  {
    return Json::parse(Potential::read(file(name + ".safetensors")).training);
  }

  void expect_settings_error(const std::map<std::string, std::string> &changes,
                             const std::vector<std::string> &words)
  {
    settings("wrong", changes);
    auto all = words;
    all.push_back("error");
    expect_error("train wrong.yaml", all);
    EXPECT_FALSE(std::filesystem::exists(file("wrong.safetensors")));
  }
};

TEST_F(Train, LearnsAndSaysWhatItDid)
{
  settings("a",
           {{"training",
             "{steps: 400, batch_atoms: 36, validate_every: 100, warmup: 20, threads: 1, "
             "learning_rate: 0.005}"}});
  const std::string text = run("train a.yaml --no-plots");
  ASSERT_EQ(status, 0);
  for (const char *word :
       {"16 training and 4 validation frames of H C O", "valid F", "wrote", "force MAE"})
    EXPECT_NE(text.find(word), std::string::npos) << text;
  const auto lines = log("a");
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[3]["step"], 400);
  // forces of 1 eV/Å on average at the start
  EXPECT_LT(lines[3]["train_force_mae_meV_per_A"], 250.0);
  EXPECT_LT(lines[3]["train_force_mae_meV_per_A"],
            0.6 * lines[0]["train_force_mae_meV_per_A"].get<double>());
  const auto t = training("a");
  EXPECT_EQ(t["n_train"], 16);
  EXPECT_EQ(t["settings"]["training"]["steps"], 400);
  EXPECT_EQ(t["command"], "mlff train a.yaml");
  // the file's own claim of its training error holds when the whole data is evaluated
  const auto report = Json::parse(run("eval --json --model a.safetensors --data " + data));
  const double claimed = (16 * t["train"]["force_mae_meV_per_A"].get<double>() +
                          4 * t["valid"]["force_mae_meV_per_A"].get<double>()) /
      20;
  EXPECT_NEAR(report["force_mae_meV_per_A"].get<double>(), claimed, 1e-3 * claimed);
  expect_error("train a.yaml", {"a.safetensors' exists already"});
}

TEST_F(Train, TorchAndHostTrainAlike)
{
#ifndef MLFF_TORCH
  GTEST_SKIP() << "this build has no LibTorch";
#endif
  for (const char *engine : {"host", "torch"}) {
    settings(engine,
             {{"training",
               std::string("{steps: 20, batch_atoms: 36, validate_every: 20, precision: double, "
                           "threads: 1, device: cpu, engine: ") +
                   engine + "}"}});
    run(std::string("train --no-plots ") + engine + ".yaml");
    ASSERT_EQ(status, 0);
  }
  const auto a = flat_weights(Potential::read(file("host.safetensors"))),
             b = flat_weights(Potential::read(file("torch.safetensors")));
  double moved = 0.0;
  for (std::size_t k = 0; k < a.size(); k++) {
    EXPECT_NEAR(a[k], b[k], 1e-6);
    moved = std::max(moved, std::abs(a[k]));
  }
  EXPECT_GT(moved, 0.1);
}

TEST_F(Train, KilledAndResumedIsTheSame)
{
  const std::string course =
      "{steps: 1500, batch_atoms: 36, validate_every: 50, threads: 1, checkpoint_seconds: 0.0";
  settings("whole", {{"training", course + "}"}});
  settings("parts", {{"training", course + "}"}});
  run("train --no-plots whole.yaml");
  ASSERT_EQ(status, 0);
  int kills = 0;
  for (int signal : {SIGKILL, SIGKILL, SIGTERM}) {
    const long before = lines("parts.training/log.jsonl");
    const auto late_enough = [&] {
      return std::filesystem::exists(file("parts.training/checkpoint")) &&
          lines("parts.training/log.jsonl") >= before + 2;
    };
    kills += kill_when("train --no-plots parts.yaml", late_enough, signal);
  }
  ASSERT_EQ(kills, 3);
  EXPECT_FALSE(std::filesystem::exists(file("parts.safetensors")))
      << "the training was too short to be killed";
  const std::string text = run("train --no-plots parts.yaml");
  ASSERT_EQ(status, 0);
  EXPECT_NE(text.find("resumed at step"), std::string::npos);
  EXPECT_EQ(flat_weights(Potential::read(file("whole.safetensors"))),
            flat_weights(Potential::read(file("parts.safetensors"))));
  auto a = log("whole"), b = log("parts");
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t k = 0; k < a.size(); k++) {
    a[k].erase("frames_per_second");
    b[k].erase("frames_per_second");
    EXPECT_EQ(a[k], b[k]);
  }

  // other settings, or another checkpoint, are not mixed in silently
  settings("parts",
           {{"training", "{steps: 1500, batch_atoms: 45, validate_every: 50, threads: 1}"}});
  expect_error("train --force parts.yaml", {"'training.batch_atoms' is 45", "has 36", "--restart"});
  settings("parts", {{"training", course + "}"}});
  std::filesystem::resize_file(file("parts.training/checkpoint"),
                               std::filesystem::file_size(file("parts.training/checkpoint")) - 8);
  expect_error("train --force parts.yaml", {"checkpoint", "truncated"});
}

// A checkpoint belongs to the contents of files, not to their names.
TEST_F(Train, ResumesOnlyFromTheSameContents)
{
  mlff_test::random_potential({8, 1, 6}, {1, 6, 8}, 4.0, 7).write(file("start.safetensors"));
  const std::string frames = content(data);
  write("d.xyz", frames);
  write("v.xyz", frames);
  settings(
      "a",
      {{"model", "{init_from: start.safetensors}"},
       {"teacher", "{models: [teacher.safetensors]}"},
       {"data", "{train: [{file: d.xyz}, {file: d.xyz, labels: teacher}], valid: {file: v.xyz}}"},
       {"training",
        "{steps: 100000, batch_atoms: 36, validate_every: 20, warmup: 5, threads: 1, "
        "checkpoint_seconds: 0}"}});
  const std::string stop = "cd '" + folder.string() +
      "' && timeout -s TERM 2 " MLFF_PROGRAM " train a.yaml --no-plots > out 2>&1";
  ASSERT_EQ(WEXITSTATUS(std::system(stop.c_str())), 124) << content("out");
  ASSERT_TRUE(std::filesystem::exists(file("a.training/checkpoint"))) << content("out");
  const auto checkpoint = content("a.training/checkpoint");

  const auto refused = [&](const std::string &name, const std::string &text,
                           const std::string &role) {
    const auto before = content(name);
    write(name, text);
    expect_error("train a.yaml --no-plots",
                 {"'" + name + "'", role, "not those that checkpoint", "--restart"});
    EXPECT_EQ(content("a.training/checkpoint"), checkpoint);
    write(name, before);
  };
  // other labels of as many frames, and fewer frames
  std::string other = frames;
  other.replace(other.find("energy=-"), 9, "energy=-3");
  refused("d.xyz", other, "data.train");
  refused("d.xyz", frames.substr(0, frames.size() / 20 * 2), "data.train");
  refused("v.xyz", other, "data.valid");
  mlff_test::random_potential({8, 1, 6}, {1, 6, 8}, 4.0, 8).write(file("other.safetensors"));
  refused("teacher.safetensors", content("other.safetensors"), "teacher.models");
  refused("start.safetensors", content("other.safetensors"), "model.init_from");
  // another version of the program, and a checkpoint that does not say what it was made from
  auto header = Json::parse(checkpoint.substr(0, checkpoint.find('\n')));
  const auto with_header = [&] {
    return header.dump() + checkpoint.substr(checkpoint.find('\n'));
  };
  header["inputs"]["program"] = "mlff 0.0.1";
  write("a.training/checkpoint", with_header());
  expect_error("train a.yaml --no-plots",
               {"checkpoint", "was made with program = \"mlff 0.0.1\"", "--restart"});
  header.erase("inputs");
  write("a.training/checkpoint", with_header());
  expect_error("train a.yaml --no-plots",
               {"checkpoint", "does not say what its input files held", "--restart"});

  // Training goes on when the files are as they were, also from a copy elsewhere.
  write("a.training/checkpoint", checkpoint);
  std::system(stop.c_str());
  EXPECT_NE(content("out").find("resumed at step"), std::string::npos) << content("out");
}

// memory of a validation is that of some frames, however many there are
TEST_F(Train, ValidationOfLargeFramesInPieces)
{
  std::string frame = "Lattice=\"18 0 0 0 18 0 0 0 18\" pbc=\"T T T\" energy=0 "
                      "Properties=species:S:1:pos:R:3:forces:R:3\n",
              all;
  const int n = 8;
  frame = std::to_string(n * n * n) + "\n" + frame;
  for (int i = 0; i < n * n * n; i++) {
    char line[100];
    std::snprintf(line, sizeof line, "%s %.3f %.3f %.3f %.4f 0 0\n", i % 3 ? "H" : "C",
                  2.25 * (i % n) + 0.01 * (i % 7), 2.25 * (i / n % n), 2.25 * (i / n / n),
                  1e-3 * (i % 5));
    frame += line;
  }
  for (int k = 0; k < 40; k++) all += frame;
  write("large.xyz", all);
  write("two.xyz", frame + frame);
  std::map<std::string, long> peak;
  std::map<std::string, Json> valid;
  for (const char *name : {"two", "large"}) {
    settings(name,
             {{"model", "{features: 64, layers: 2, radial: 8, cutoff: 5.0}"},
              {"data", "{train: {file: two.xyz}, valid: {file: " + std::string(name) + ".xyz}}"},
              {"training", "{steps: 1, batch_atoms: 36, validate_every: 1, threads: 1}"}});
    peak[name] = peak_memory(std::string("train --no-plots ") + name + ".yaml");
    ASSERT_EQ(status, 0) << content("out");
    valid[name] = log(name).back()["valid"];
  }
#ifndef __SANITIZE_ADDRESS__    // the sanitizer's memory hides that of the program
  // frames and their neighbor lists: 38 frames of 512 atoms, some 60 neighbors of 28 bytes each,
  // make 30 MB; the arrays of an evaluation of all would take 0.7 GB
  EXPECT_LT(peak["large"] - peak["two"], 120 * 1024);
#endif
  // each frame counts once
  EXPECT_NEAR(valid["large"]["force_mae_meV_per_A"].get<double>(),
              valid["two"]["force_mae_meV_per_A"].get<double>(), 1e-6);

#ifndef __SANITIZE_ADDRESS__    // the sanitizer needs terabytes of addresses
  // less memory than the training needs is one sentence that says what to change; LibTorch alone
  // takes 0.5 GB of addresses
  settings("wide",
           {{"model", "{features: 768, layers: 2, radial: 8, cutoff: 5.0}"},
            {"data", "{train: {file: two.xyz}, valid_fraction: 0}"},
            {"training", "{steps: 1, batch_atoms: 36, threads: 1}"}});
  const std::string limited = "cd '" + folder.string() +
      "' && ulimit -v 900000 && " MLFF_PROGRAM " train wide.yaml --no-plots > out 2>&1";
  EXPECT_NE(std::system(limited.c_str()), 0);
  for (const char *words : {"error: there is not enough memory", "training.batch_atoms"})
    EXPECT_NE(content("out").find(words), std::string::npos) << content("out");
#endif
}

TEST_F(Train, ATeacherThatTheStudentCanEqual)
{
  // labels of a random PaiNN on rattled frames: the student gets its weights and cannot be wrong;
  // then learns from scratch
  settings("same",
           {{"model", "{init_from: teacher.safetensors}"},
            {"teacher", "{models: teacher.safetensors}"},
            {"data", "{train: {file: " + data + ", labels: teacher}}"},
            {"training",
             "{steps: 1, learning_rate: 0, validate_every: 1, threads: 1, precision: double}"}});
  run("train --no-plots same.yaml");
  ASSERT_EQ(status, 0);
  EXPECT_LT(training("same")["train"]["force_mae_meV_per_A"], 1e-6);
  EXPECT_LT(training("same")["train"]["energy_mae_meV_per_atom"],
            1e-4);    // reference energies were fitted anew
  EXPECT_EQ(flat_weights(Potential::read(teacher)),
            flat_weights(Potential::read(file("same.safetensors"))));
}

TEST_F(Train, PotentialsAreFoundByTheirNames)
{
  // If two files have one name, the one beside the settings file counts.
  std::filesystem::create_directories(folder / "settings");
  settings("settings/found",
           {{"model", "{init_from: teacher.safetensors}"},
            {"teacher", "{models: [teacher.safetensors, other.safetensors]}"},
            {"data", "{train: {file: " + data + ", labels: teacher, frames: 2}}"},
            {"training", "{steps: 1, learning_rate: 0, validate_every: 1, threads: 1}"},
            {"output", "found.safetensors"}});
  std::filesystem::create_directories(folder / "potentials");
  for (const char *name : {"potentials/teacher.safetensors", "potentials/other.safetensors"})
    mlff_test::random_potential({8, 1, 6}, {1, 6, 8}, 4.0, 3).write(file(name));
  std::filesystem::rename(teacher, file("settings/teacher.safetensors"));
  const std::string command = "LAMMPS_POTENTIALS='" + file("potentials") +
      "' " MLFF_PROGRAM " train --no-plots '" + file("settings/found.yaml") + "' > /dev/null 2>&1";
  ASSERT_EQ(std::system(command.c_str()), 0);
  EXPECT_EQ(flat_weights(Potential::read(file("settings/teacher.safetensors"))),
            flat_weights(Potential::read(file("settings/found.safetensors"))));
  expect_error("train settings/found.yaml --restart --force",
               {"'settings/found.yaml': 'teacher.models' names 'other.safetensors', which is not"});
}

TEST_F(Train, EnsembleMeanAndSpread)
{
  auto other = mlff_test::random_potential({8, 1, 6}, {1, 6, 8}, 4.0, 2);
  other.write(file("other.safetensors"));
  const auto both = teacher_of_potentials({teacher, file("other.safetensors")}),
             first = teacher_of_potentials({teacher}),
             second = teacher_of_potentials({file("other.safetensors")});
  const auto reader = open_trajectory(data);
  Structure frame;
  ASSERT_TRUE(reader->next(frame));
  const Labels mean = both->label(frame), a = first->label(frame), b = second->label(frame);
  EXPECT_NEAR(mean.energy, 0.5 * (a.energy + b.energy), 1e-10);
  for (int i = 0; i < frame.n_atoms(); i++) {
    EXPECT_NEAR(mean.atom_energy[i], 0.5 * (a.atom_energy[i] + b.atom_energy[i]), 1e-10);
    double square = 0.0;
    for (int c = 3 * i; c < 3 * i + 3; c++) {
      EXPECT_NEAR(mean.forces[c], 0.5 * (a.forces[c] + b.forces[c]), 1e-10);
      square += 0.25 * (a.forces[c] - b.forces[c]) * (a.forces[c] - b.forces[c]);
    }
    EXPECT_NEAR(mean.force_spread[i], std::sqrt(square), 1e-10);
  }
  // weights by spread
  TrainSettings s;
  s.train = {{data, 0, 1.0, true}};
  s.valid_fraction = 0.0;
  s.spread = 0.5;
  const auto set = read_training_data(s, {}, 4.0, both.get());
  for (int i = 0; i < frame.n_atoms(); i++)
    EXPECT_NEAR(set.train[0].atom_weight[i], 1.0 / (1.0 + std::pow(mean.force_spread[i] / 0.5, 2)),
                1e-9);
}

TEST_F(Train, FrozenTensorsStay)
{
  settings("f",
           {{"model", "{init_from: teacher.safetensors, freeze: [embedding, filter, message.0]}"},
            {"training", "{steps: 10, validate_every: 10, threads: 1, weight_decay: 0.01}"}});
  run("train --no-plots f.yaml");
  ASSERT_EQ(status, 0);
  const Potential before = Potential::read(teacher), after = Potential::read(file("f.safetensors"));
  for (const auto &[name, tensor] : before.tensors) {
    if (name == "reference_energy") continue;
    const bool stays = name == "scale" || name == "embedding" || name.starts_with("filter.") ||
        name.starts_with("message.0.");
    EXPECT_EQ(tensor.values == after.tensors.at(name).values, stays) << name;
  }
  expect_settings_error({{"model", "{init_from: teacher.safetensors, freeze: layer}"}},
                        {"'layer'", "accepted", "message.0.0.weight"});
  expect_settings_error({{"model", "{freeze: embedding}"}}, {"needs 'model.init_from'"});
}

TEST_F(Train, JacobianAtomEnergiesMixedPrecision)
{
#ifndef MLFF_TORCH
  GTEST_SKIP() << "this build has no LibTorch";
#endif
  settings("j",
           {{"teacher", "{models: " SHIPPED_POTENTIAL "}"},
            {"data", "{train: {file: " + data + ", labels: teacher}}"},
            {"loss", "{jacobian: {weight: 0.01}, energy: {weight: 0}}"},
            {"training",
             "{steps: 60, batch_atoms: 36, validate_every: 20, warmup: 10, threads: 1, "
             "learning_rate: 0.005, device: cpu}"}});
  const std::string text = run("train --no-plots j.yaml");
  ASSERT_EQ(status, 0);
  EXPECT_NE(text.find("torch engine"), std::string::npos);
  const auto lines = log("j");
  for (const char *term : {"jacobian", "force"})
    EXPECT_LT(lines[2]["loss"][term], 0.8 * lines[0]["loss"][term].get<double>()) << term;
  settings("a",
           {{"teacher", "{models: " SHIPPED_POTENTIAL "}"},
            {"data", "{train: {file: " + data + ", labels: teacher}}"},
            {"loss",
             "{atom_energy: {weight: 1.0, kind: huber, delta: 0.1}, energy: {weight: 0}, force: "
             "{weight: 0}}"},
            {"training",
             "{steps: 300, batch_atoms: 36, validate_every: 100, warmup: 10, threads: 1, "
             "learning_rate: 0.002}"}});
  run("train --no-plots a.yaml");
  ASSERT_EQ(status, 0);
  EXPECT_LT(log("a")[2]["loss"]["atom_energy"],
            0.5 * log("a")[0]["loss"]["atom_energy"].get<double>());
  settings("m",
           {{"training",
             "{steps: 100, batch_atoms: 36, validate_every: 50, warmup: 10, threads: 1, precision: "
             "mixed, device: cpu}"}});
  run("train --no-plots m.yaml");
  ASSERT_EQ(status, 0);
  EXPECT_LT(log("m")[1]["train_force_mae_meV_per_A"],
            log("m")[0]["train_force_mae_meV_per_A"].get<double>());
}

TEST_F(Train, EarlyStop)
{
  settings("e",
           {{"training",
             "{steps: 5000, batch_atoms: 36, validate_every: 1, patience: 3, learning_rate: "
             "1.0e-12, warmup: 0, threads: 1, ema: 0}"}});
  run("train --no-plots e.yaml");
  ASSERT_EQ(status, 0);
  EXPECT_LT(training("e")["steps"], 5000);
}

TEST_F(Train, EnergiesThatAreMissingOrHaveAnotherName)
{
  // The same data have the names that other programs use.
  std::ifstream in(data);
  std::string dft, bare, reference;
  for (std::string line; std::getline(in, line);) {
    const auto replaced = [&](const std::string &energy, const std::string &forces) {
      std::string text = line;
      if (const auto at = text.find(" energy="); at != std::string::npos)
        text = energy.empty()
            ? text.substr(0, at) + text.substr(std::min(text.find(' ', at + 1), text.size()))
            : text.replace(at + 1, 6, energy);
      if (const auto at = text.find("forces:R"); at != std::string::npos)
        text.replace(at, 6, forces);
      return text + "\n";
    };
    dft += replaced("dft_energy", "dft_forces");
    bare += replaced("", "forces");
    reference += replaced("REF_energy", "REF_forces");
  }
  write("dft.xyz", dft);
  write("bare.xyz", bare);
  write("reference.xyz", reference);
  expect_settings_error({{"data", "{train: {file: bare.xyz}}"}},
                        {"bare.xyz', frame 1: no energy", "'loss.energy.weight: 0'"});
  expect_settings_error({{"data", "{train: {file: dft.xyz}}"}},
                        {"no forces", "'dft_forces' may be meant: 'keys: {forces: NAME}'"});
  expect_settings_error({{"data", "{train: {file: dft.xyz, keys: {forces: dft_forces}}}"}},
                        {"no energy", "'dft_energy' may be meant: 'keys: {energy: NAME}'"});
  expect_settings_error({{"data", "{train: {file: dft.xyz}, keys: {energies: dft_energy}}"}},
                        {"'data.keys.energies'", "accepted: charge, energy, forces"});
  expect_settings_error({{"data", "{train: {file: dft.xyz}, units: si}"}},
                        {"'data.units' is 'si'", "metal, real, gpumd"});
  const std::string one_step =
      "{steps: 1, learning_rate: 0, batch_atoms: 36, validate_every: 1, threads: 1}";
  settings("plain", {{"training", one_step}});
  settings("dft",
           {{"data",
             "{train: {file: dft.xyz}, keys: {energy: dft_energy, forces: dft_forces}, "
             "valid_fraction: 0.2}"},
            {"training", one_step}});
  settings(
      "reference",
      {{"data", "{train: {file: reference.xyz}, valid_fraction: 0.2}"}, {"training", one_step}});
  for (const char *name : {"plain", "dft", "reference"}) {
    run(std::string("train --no-plots ") + name + ".yaml");
    ASSERT_EQ(status, 0) << name;
    EXPECT_EQ(training(name)["train"], training("plain")["train"]) << name;
  }
  EXPECT_EQ(training("dft")["settings"]["data"]["train"][0]["keys"]["energy"], "dft_energy");
  // without energies there is no error of energies
  settings("bare",
           {{"data", "{train: {file: bare.xyz}, valid_fraction: 0.2}"},
            {"loss", "{energy: {weight: 0}}"},
            {"training", one_step}});
  const std::string text = run("train --no-plots bare.yaml");
  ASSERT_EQ(status, 0);
  const auto line = text.substr(text.rfind("\nvalidation"));
  EXPECT_NE(line.find(" -\n"), std::string::npos) << text;
  EXPECT_EQ(line.find(" 0.00"), std::string::npos) << text;
}

TEST_F(Train, IsolatedAtomsNeedNoForces)
{
  // Data for MACE contain isolated atoms beside labelled molecules.
  std::string text;
  for (const auto &[symbol, energy] : {std::pair{"H", -13.6}, {"C", -1029.5}, {"O", -2042.0}})
    text += "1\nProperties=species:S:1:pos:R:3 REF_energy=" + std::to_string(energy) +
        " config_type=IsolatedAtom pbc=\"F F F\"\n" + symbol + " 0 0 0\n";
  write("atoms.xyz", text);
  TrainSettings s;
  s.train.resize(2);
  s.train[0].file = data;
  s.train[1].file = file("atoms.xyz");
  s.valid_fraction = 0.0;
  const auto set = read_training_data(s, {}, 4.0, nullptr);
  ASSERT_EQ(set.train.size(), 23u);
  EXPECT_EQ(set.train.back().structure.forces, std::vector<double>(3, 0.0));
  EXPECT_EQ(set.train.back().structure.energy, -2042.0);
  // A crystal does not tell the energy of an isolated atom.
  write("atoms.xyz",
        "1\nProperties=species:S:1:pos:R:3 energy=-1 Lattice=\"3 0 0 1 3 0 0 0 3\"\nC 0 0 0\n");
  expect_settings_error({{"data", "{train: {file: atoms.xyz}}"}},
                        {"atoms.xyz', frame 1: no forces"});
}

TEST_F(Train, ValidationFramesThatTellNothing)
{
  // single atoms: their forces are zero for any weights
  std::string atoms;
  for (int k = 0; k < 4; k++)
    atoms += "1\nenergy=" + std::to_string(-100 - k) +
        " Properties=species:S:1:pos:R:3:forces:R:3\nC " + std::to_string(k) + " 0 0 0 0 0\n";
  write("atoms.xyz", atoms);
  settings("chosen", {{"data", "{train: {file: " + data + "}, valid: {file: atoms.xyz}}"}});
  const std::string text = run("train --no-plots chosen.yaml");
  ASSERT_EQ(status, 0);
  EXPECT_NE(text.find("zero for any weights: their energies choose the weights"), std::string::npos)
      << text;
  while (atoms.find("energy=") != std::string::npos)
    atoms.erase(atoms.find("energy="), 8 + std::string("-100").size());
  write("atoms.xyz", atoms);
  expect_settings_error({{"data", "{train: {file: " + data + "}, valid: {file: atoms.xyz}}"},
                         {"loss", "{energy: {weight: 0}}"}},
                        {"zero for any weights", "'data.valid'", "'data.valid_fraction: 0'"});
}

TEST(TrainingParts, NumbersThatAreNotSensibleStayShort)
{
  EXPECT_EQ(readable(12.346, 2), "12.35");
  EXPECT_EQ(readable(-3.0, 1), "-3.0");
  EXPECT_EQ(readable(1.5e200, 2), "1.5e+200");
  EXPECT_EQ(readable(std::nan(""), 2), "nan");
}

TEST_F(Train, SettingsErrors)
{
  expect_settings_error({{"trainig", "{steps: 3}"}},
                        {"wrong.yaml", "'trainig'", "accepted", "training"});
  expect_settings_error({{"training", "{stps: 3}"}}, {"'training.stps'", "accepted", "steps"});
  expect_settings_error({{"training", "{steps: many}"}},
                        {"line", "'training.steps'", "'many'", "whole number >= 1"});
  expect_settings_error({{"training", "{steps: 2.5}"}}, {"'training.steps'", "'2.5'"});
  expect_settings_error({{"training", "{steps: [1]}"}}, {"'training.steps'", "a list"});
  expect_settings_error({{"training", "3"}}, {"'training'", "'3'", "a map"});
  expect_settings_error({{"training", "{learning_rate: -1}"}},
                        {"'training.learning_rate'", "'-1'", ">= 0"});
  expect_settings_error({{"training", "{precision: half}"}},
                        {"'training.precision'", "'half'", "single, double, mixed"});
  expect_settings_error({{"training", "{precision: mixed, engine: host}"}},
                        {"'training.precision'", "engine: torch"});
  expect_settings_error({{"model", "{features: 17}"}}, {"'model.features'", "17", "even"});
  expect_settings_error({{"model", "{elements: [H, Q]}"}}, {"'Q'", "chemical symbols"});
  expect_settings_error({{"model", "{elements: [H, C]}"}}, {"element O", "known: H, C"});
  expect_settings_error({{"model", "{init_from: none.safetensors}"}},
                        {"'model.init_from' names 'none.safetensors', which is not there"});
  expect_settings_error({{"model", "{init_from: teacher.safetensors, features: 8}"}},
                        {"'model.features'", "init_from"});
  expect_settings_error({{"data", "{valid: {file: x.xyz}}"}}, {"'data.train' is missing"});
  expect_settings_error({{"data", "{train: {frames: 3}}"}}, {"'data.train.file' is missing"});
  expect_settings_error({{"data", "{train: {file: 'none*.xyz'}}"}}, {"none*.xyz", "no file"});
  expect_settings_error({{"data", "{train: {file: none.xyz}}"}}, {"none.xyz", "cannot be opened"});
  expect_settings_error({{"data", "{train: {file: " + data + ", frames: 500}}"}},
                        {"20 frames", "500"});
  expect_settings_error({{"data", "{train: {file: " + data + ", labels: teacher}}"}},
                        {"'data.train.labels'", "teacher.models"});
  expect_settings_error({{"data", "{train: {file: " + data + "}, max_force: 0.001}"}},
                        {"no training frame is left"});
  expect_settings_error({{"loss", "{force: {kind: l1}}"}},
                        {"'loss.force.kind'", "'l1'", "mse, huber"});
  expect_settings_error({{"loss", "{jacobian: {weight: 1}}"}}, {"loss.jacobian", "teachers"});
  expect_settings_error({{"output", "x.pt"}}, {"'output'", "x.pt", ".safetensors"});
  write("wrong.yaml", "model: {features: 16\n");
  expect_error("train wrong.yaml", {"wrong.yaml", "line"});
  write("wrong.yaml", "- 3\n");
  expect_error("train wrong.yaml", {"a list", "accepted: a map"});
  expect_error("train none.yaml", {"none.yaml", "cannot be read"});
  write("bad.xyz",
        "2\nProperties=species:S:1:pos:R:3:forces:R:3 energy=1\nH 0 0 0 0 0 nan\nH 0 0 1 0 0 0\n");
  settings("wrong", {{"data", "{train: {file: bad.xyz}}"}});
  expect_error("train wrong.yaml", {"bad.xyz", "nan"});
  write("bad.xyz", "2\nProperties=species:S:1:pos:R:3 energy=1\nH 0 0 0\nH 0 0 1\n");
  expect_error("train wrong.yaml", {"bad.xyz", "frame 1", "no forces"});
}

TEST_F(Train, PagesOfSettingsAreThoseOfTheProgram)
{
  if (!has_teacher("xtb")) GTEST_SKIP() << "the pages are those of a build with xTB";
  const auto engines = EngineOptions::values("engine");
  const bool torch = std::find(engines.begin(), engines.end(), "torch") != engines.end();
  for (const std::string command : {"train", "distill", "study"}) {
    const std::string page = run(command + " --help-settings");
    EXPECT_EQ(status, 0);
    EXPECT_NE(page.find("| key | default | accepted | meaning |"), std::string::npos) << page;
    std::ifstream file(MLFF_DOC "/guide/" + command + "_settings.md");
    std::stringstream text;
    text << file.rdbuf();
    std::string expected = text.str();
    // the page is that of a build with LibTorch
    const std::string all = "auto, host, torch";
    for (std::size_t at = 0; !torch && (at = expected.find(all, at)) != std::string::npos;)
      expected.replace(at, all.size(), "auto, host");
    EXPECT_TRUE(page == expected) << "write it anew: mlff " << command
                                  << " --help-settings > doc/guide/" << command << "_settings.md";
  }
  EXPECT_NE(run("train --help-settings").find("| `steps` | 40000 | a whole number >= 1 |"),
            std::string::npos);
}

TEST(TrainingParts, LeastSquaresEnergies)
{
  std::vector<TrainingFrame> frames;
  const auto add = [&](std::vector<int> numbers, double energy) {
    frames.push_back({});
    frames.back().structure.numbers = std::move(numbers);
    frames.back().structure.energy = energy;
  };
  add({1, 1, 8}, -2 * 13.0 - 2000.0);
  add({6, 1, 1, 1, 1}, -1000.0 - 4 * 13.0);
  add({6, 8}, -3000.0);
  const auto e = least_squares_energies(frames, {1, 6, 8});
  EXPECT_NEAR(e[0], -13.0, 1e-4);
  EXPECT_NEAR(e[1], -1000.0, 1e-4);
  EXPECT_NEAR(e[2], -2000.0, 1e-4);
  // one composition: the sum is right, and no element takes it all
  frames.resize(1);
  const auto one = least_squares_energies(frames, {1, 6, 8});
  EXPECT_NEAR(2 * one[0] + one[2], -2026.0, 1e-3);
  EXPECT_NEAR(one[0], 2 * one[2], 1e-3);
  EXPECT_EQ(one[1], 0.0);
}

TEST(TrainingParts, ShuffledIsAPermutation)
{
  auto order = shuffled(1000, 3);
  EXPECT_NE(order, shuffled(1000, 4));
  EXPECT_EQ(order, shuffled(1000, 3));
  std::sort(order.begin(), order.end());
  for (int k = 0; k < 1000; k++) EXPECT_EQ(order[k], k);
}

#ifdef MLFF_TORCH
TEST(TrainingParts, AdamWIsThatOfLibTorch)
{
  constexpr int n = 50;
  std::vector<double> weights(n), gradient(n);
  mlff::Uniform uniform(1);
  for (double &w : weights) w = uniform();
  auto theirs = torch::tensor(weights, torch::kDouble).requires_grad_(true);
  torch::optim::AdamW optimizer({theirs}, torch::optim::AdamWOptions(0.01).weight_decay(0.1));
  AdamW ours(n);
  ours.weight_decay = 0.1;
  for (int step = 0; step < 20; step++) {
    for (double &g : gradient) g = uniform() * (step + 1);
    theirs.mutable_grad() = torch::tensor(gradient, torch::kDouble);
    optimizer.step();
    ours.step(weights, gradient, 0.01);
  }
  for (int k = 0; k < n; k++) EXPECT_NEAR(weights[k], theirs[k].item<double>(), 1e-12);
}
#endif

#ifdef MLFF_XTB
class Distill : public Train {
 protected:
  void distill_settings(const std::string &name, const std::string &more = "")
  {
    write(name + ".yaml",
          "molecules: CCO\nteacher: {models: [teacher.safetensors]}\ndata: {start: {file: " + data +
              "}}\nsampling: {temperatures: [100], frames: 30, every: 2, warmup: 10}\nselect: "
              "{frames: 8, probe: 4}\nrounds: 2\ngain: -1\n"
              "student:\n  model: {features: 16, layers: 2, radial: 8, cutoff: 4.0}\n"
              "  training: {steps: 150, batch_atoms: 36, validate_every: 50, warmup: 10, "
              "learning_rate: 0.005}\n" +
              more + "output: " + name + "\n");
  }
};

TEST_F(Distill, RoundsAndManifest)
{
  std::filesystem::remove(teacher);
  Potential::read(SHIPPED_POTENTIAL).write(teacher);
  distill_settings("d");
  const std::string text = run("distill d.yaml");
  ASSERT_EQ(status, 0) << run("distill d.yaml", true);
  const auto manifest = Json::parse(content("d/manifest.json"));
  ASSERT_EQ(manifest["rounds"].size(), 3u);
  EXPECT_TRUE(manifest["done"]);
  for (int r = 1; r < 3; r++) {
    const auto &round = manifest["rounds"][r];
    EXPECT_GT(round["labelled"], 0);
    EXPECT_GT(round["mean_spread_meV_per_A"], 0.0);
    EXPECT_GT(round["probe"]["force_mae_meV_per_A"], 0.0);
    EXPECT_EQ(round["n_train"].get<int>(),
              manifest["rounds"][r - 1]["n_train"].get<int>() + std::lround(0.95 * (20 + 12 * r)) -
                  std::lround(0.95 * (20 + 12 * (r - 1))));
  }
  for (const char *name : {"d/student-1.safetensors", "d/student-2.safetensors"}) {
    const auto training = Json::parse(Potential::read(file(name)).training);
    EXPECT_EQ(training["distillation"]["rounds"].size(), 3u);
  }
  // how far the students reach, beside their teacher
  const auto &reach = manifest["reach"]["molecule"];
  EXPECT_EQ(reach["teacher"], "teacher.safetensors");
  EXPECT_EQ(reach["students"], (Json{"student-1.safetensors", "student-2.safetensors"}));
  EXPECT_EQ(reach["scans"].size(), 6u) << "two torsions and four kinds of bonds";
  EXPECT_GT(reach["sentences"].size(), 0u);
  EXPECT_FALSE(reach["scans"][0].contains("curves"));
  EXPECT_EQ(
      Json::parse(content("d/reach-molecule.json"))["scans"][0]["curves"]["teacher_eV"].size(),
      24u);
  EXPECT_NE(text.find(reach["sentences"][0].get<std::string>()), std::string::npos) << text;

  // labels are the teacher's
  const auto labels = teacher_of_potentials({teacher});
  const auto reader = open_trajectory(file("d/round-1/molecule.xyz"));
  int n = 0;
  for (Structure frame; reader->next(frame); n++) {
    const auto forces = labels->label(frame).forces;
    for (std::size_t k = 0; k < forces.size(); k++) EXPECT_NEAR(forces[k], frame.forces[k], 1e-6);
  }
  EXPECT_EQ(n, 8);

  // a folder belongs to the contents of what its settings name
  const std::string before = content(teacher);
  mlff_test::random_potential({8, 1, 6}, {1, 6, 8}, 4.0, 5).write(teacher, true);
  expect_error("distill d.yaml",
               {"'teacher.safetensors' (teacher.models)", "not those that '", "another output"});
  write("teacher.safetensors", before);

  // killed after any stage, the same comes out
  distill_settings("again", "reach: no\n");
  for (int attempt = 0; attempt < 4; attempt++) {
    const std::string command = "cd '" + folder.string() + "' && timeout -s KILL " +
        std::to_string(0.7 + attempt) + " " MLFF_PROGRAM " distill again.yaml >/dev/null 2>&1";
    if (std::system(command.c_str()) == 0) break;
  }
  run("distill again.yaml");
  ASSERT_EQ(status, 0);
  EXPECT_EQ(flat_weights(Potential::read(file("d/student-1.safetensors"))),
            flat_weights(Potential::read(file("again/student-1.safetensors"))));
  EXPECT_FALSE(Json::parse(content("again/manifest.json")).contains("reach"));
  EXPECT_NE(text.find("probe F MAE"), std::string::npos);
}

TEST_F(Distill, Errors)
{
  const auto wrong = [&](const std::string &more, const std::vector<std::string> &words) {
    distill_settings("w", more);
    expect_error("distill w.yaml", words);
  };
  wrong("teacher: {method: gfn2}\n", {"w.yaml", "'teacher' appears twice"});
  wrong("round: 3\n", {"'round'", "accepted", "rounds"});
  wrong("stop: 3\n", {"'stop'", "accepted", "gain"});
  wrong("reach: far\n", {"'reach'", "far", "accepted", "yes"});
  write("w.yaml",
        "molecules: CCO\ndata: {start: {file: x.xyz}}\nselect: {frames: 1000}\noutput: w\n");
  expect_error("distill w.yaml", {"'select.frames'", "1010", "400"});
  write("w.yaml", "molecules: CCO\noutput: w\n");
  expect_error("distill w.yaml", {"'data.start' is missing"});
  write("w.yaml", "molecules: CCO(\ndata: {start: {file: x.xyz}}\noutput: w\n");
  expect_error("distill w.yaml", {"CCO("});
  std::filesystem::create_directories(file("w"));
  write("w/precious", "1");
  distill_settings("w");
  expect_error("distill w.yaml", {"holds other files"});
}
#endif

}    // namespace
