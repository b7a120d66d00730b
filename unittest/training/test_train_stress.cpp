// Stress from labels to a trained potential: label, dataset, train, eval, and what they refuse.
#include "core/units.h"
#include "data/extended_xyz.h"
#include "data/trajectory.h"
#include "engine/structure_evaluator.h"
#include "structure/lattice.h"
#include "structure/stress.h"
#include "support/program_fixture.h"
#include "support/random_potential.h"
#include "teacher/teacher.h"
#include "training/batch_loss.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <csignal>
#include <fstream>
#include <map>
#include <sstream>

namespace {

using namespace mlff;
using Json = nlohmann::json;

/// Crystals in sheared cells, whose three off-diagonals differ, of several volumes.
std::vector<Structure> crystals(int n_frames, int n_atoms = 6)
{
  const Structure start = mlff_test::random_structure(
      n_atoms, 5, {5.1, 0.2, -0.3, 0.9, 4.7, 0.4, -0.6, 0.8, 5.4}, {true, true, true}, {6, 14});
  std::vector<Structure> list;
  Uniform uniform(9);
  for (int k = 0; k < n_frames; k++) {
    Structure frame = start;
    double map[9] = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    for (double &x : map) x += 0.06 * uniform();
    const auto apply = [&](const double *from, double *to) {
      for (int a = 0; a < 3; a++)
        to[a] = map[3 * a] * from[0] + map[3 * a + 1] * from[1] + map[3 * a + 2] * from[2];
    };
    for (int a = 0; a < 9; a += 3) apply(&start.cell[a], &frame.cell[a]);
    for (int i = 0; i < 3 * n_atoms; i += 3) apply(&start.positions[i], &frame.positions[i]);
    for (double &x : frame.positions) x += 0.04 * uniform();
    list.push_back(frame);
  }
  return list;
}

class TrainStress : public mlff_test::ProgramTest {
 protected:
  void SetUp() override
  {
    ProgramTest::SetUp();
    mlff_test::random_potential({8, 1, 6}, {6, 14}, 4.0).write(file("teacher.safetensors"));
    write("bare.xyz", crystals(24));
    labelled = crystals(24);
    const auto teacher = teacher_of_potentials({file("teacher.safetensors")}, 1);
    for (auto &frame : labelled) set_labels(frame, teacher->label(frame));
    write("data.xyz", labelled);
  }

  std::vector<Structure> labelled;

  void put(const std::string &name, const std::string &text) const
  {
    std::ofstream(file(name)) << text;
  }

  void write(const std::string &name, const std::vector<Structure> &frames) const
  {
    std::FILE *out = std::fopen(file(name).c_str(), "w");
    for (const auto &frame : frames) write_xyz(out, frame);
    std::fclose(out);
  }

  std::vector<Structure> frames_of(const std::string &name) const
  {
    const auto reader = open_trajectory(file(name));
    std::vector<Structure> list;
    for (Structure frame; reader->next(frame);) list.push_back(frame);
    return list;
  }

  /// A settings file of a small model; each of `changes` replaces or adds a line "section: {...}".
  void settings(const std::string &name, const std::map<std::string, std::string> &changes = {})
  {
    std::map<std::string, std::string> sections = {
        {"model", "{features: 8, layers: 1, radial: 6, cutoff: 4.0}"},
        {"data", "{train: {file: data.xyz}, valid_fraction: 0.25}"},
        {"loss", "{stress: {weight: 1}}"},
        {"training", "{steps: 20, batch_atoms: 24, validate_every: 10, warmup: 5, threads: 1}"},
        {"output", name + ".safetensors"}};
    for (const auto &[key, value] : changes) sections[key] = value;
    std::string text;
    for (const auto &[key, value] : sections) text += key + ": " + value + "\n";
    put(name + ".yaml", text);
  }

  std::string train(const std::string &name)
  {
    const std::string text = run("train --no-plots " + name + ".yaml");
    EXPECT_EQ(status, 0) << name << run("train --no-plots " + name + ".yaml", true);
    return text;
  }

  std::vector<Json> log(const std::string &name) const
  {
    std::vector<Json> lines;
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
    expect_error("train wrong.yaml --no-plots", words);
    EXPECT_FALSE(std::filesystem::exists(file("wrong.safetensors")));
  }
};

/// Mean and root mean square of the six components of errors.
struct Errors {
  double sum = 0.0, square = 0.0;
  int n = 0;
  void add(double x)
  {
    sum += std::abs(x);
    square += x * x;
    n++;
  }
  double mae() const { return sum / n; }
  double rmse() const { return std::sqrt(square / n); }
};

TEST_F(TrainStress, LabelsHaveAStress)
{
  run("label --structures bare.xyz --model teacher.safetensors -o l.xyz");
  ASSERT_EQ(status, 0);
  const auto frames = frames_of("l.xyz");
  ASSERT_EQ(frames.size(), 24u);
  StructureEvaluator evaluator({Potential::read(file("teacher.safetensors"))},
                               {"host", Precision::double_precision}, {"teacher"});
  for (const auto &frame : frames) {
    ASSERT_TRUE(frame.stress);
    const auto expected = evaluator.evaluate({&frame, 1}).stress;
    for (int k = 0; k < 9; k++) EXPECT_NEAR((*frame.stress)[k], expected[k], 1e-12);
  }
  const auto &stress = *frames[0].stress;
  EXPECT_GT(std::abs(stress[1] - stress[2]), 1e-4) << "too symmetric for this test";
  EXPECT_GT(std::abs(stress[2] - stress[5]), 1e-4) << "too symmetric for this test";
  // open structures have none
  auto open = crystals(2);
  open[0].periodic = {false, false, false};
  open[1].periodic = {true, true, false};
  write("open.xyz", open);
  run("label --structures open.xyz --model teacher.safetensors -o lo.xyz");
  ASSERT_EQ(status, 0);
  EXPECT_EQ(content("lo.xyz").find("stress"), std::string::npos) << content("lo.xyz");
}

TEST_F(TrainStress, DatasetDescribesAndChecksStresses)
{
  const auto report = Json::parse(run("dataset --json data.xyz"));
  EXPECT_EQ(status, 0) << report;
  EXPECT_EQ(report["with_stress"], 24);
  double pressure = 0.0, volume = 0.0;
  for (const auto &frame : labelled) {
    const auto &s = *frame.stress;
    pressure -= (s[0] + s[4] + s[8]) / 3.0 / 24.0 * 160.2176634;
    volume += cell_volume(frame.cell) / 6.0 / 24.0;
  }
  EXPECT_NEAR(report["stress"]["pressure_GPa"]["mean"].get<double>(), pressure,
              1e-9 * std::abs(pressure));
  EXPECT_NEAR(report["stress"]["volume_A3_per_atom"]["mean"].get<double>(), volume, 1e-9 * volume);
  EXPECT_EQ(report["stress"]["component_GPa"]["n"], 6 * 24);
  EXPECT_LT(report["stress"]["largest_asymmetry_eV_per_A3"], 1e-12);
  EXPECT_TRUE(report["unread_stress"].empty());
  const std::string text = run("dataset data.xyz");
  for (const char *words : {"stress 24", "pressure (GPa)", "volume (A^3/atom)"})
    EXPECT_NE(text.find(words), std::string::npos) << text;

  auto twisted = labelled;
  (*twisted[3].stress)[1] += 0.25;
  (*twisted[5].stress)[5] -= 0.125;
  write("twisted.xyz", twisted);
  const std::string twisted_text = run("dataset twisted.xyz");
  EXPECT_EQ(WEXITSTATUS(status), 3);
  for (const char *words : {"PROBLEM: 2 frames have a stress that is not symmetric",
                            "differ by up to 0.250000 eV/A^3 ('twisted.xyz', frame 4)"})
    EXPECT_NE(twisted_text.find(words), std::string::npos) << twisted_text;

  // what is not read is said, and is no problem
  put("open.xyz",
      "1\nenergy=-1 stress=\"0 0 0 0 0 0\" Properties=species:S:1:pos:R:3:forces:R:3\nC 0 "
      "0 0 0 0 0\n");
  const std::string open = run("dataset open.xyz");
  EXPECT_EQ(status, 0) << open;
  EXPECT_NE(open.find("not read as a stress: stress (of a frame that is not periodic in all "
                      "directions); --key stress=NAME"),
            std::string::npos)
      << open;
  EXPECT_EQ(Json::parse(run("dataset --json open.xyz"))["unread_stress"].size(), 1u);
  EXPECT_EQ(Json::parse(run("dataset --json open.xyz"))["with_stress"], 0);
}

TEST_F(TrainStress, EvalComparesSixComponents)
{
  mlff_test::random_potential({8, 1, 6}, {6, 14}, 4.0, 2).write(file("other.safetensors"));
  StructureEvaluator evaluator({Potential::read(file("other.safetensors"))},
                               {"host", Precision::double_precision}, {"other"});
  Errors stress, of_atom;
  constexpr int place[6] = {0, 4, 8, 1, 2, 5};
  for (const auto &frame : labelled) {
    const auto predicted = evaluator.evaluate({&frame, 1}).stress;
    for (const int k : place) {
      const double difference = predicted[k] - (*frame.stress)[k];
      stress.add(160.2176634 * difference);
      of_atom.add(1e3 * difference * cell_volume(frame.cell) / frame.n_atoms());
    }
  }
  const std::string command = "eval --precision double --model other.safetensors --data data.xyz ";
  for (const std::string batch : {"--batch 1", "--batch 64"}) {
    const auto report = Json::parse(run(command + "--json " + batch));
    for (const auto &[key, expected] : {std::pair{"stress_mae_GPa", stress.mae()},
                                        {"stress_rmse_GPa", stress.rmse()},
                                        {"stress_mae_meV_per_atom", of_atom.mae()},
                                        {"stress_rmse_meV_per_atom", of_atom.rmse()}})
      EXPECT_NEAR(report[key].get<double>(), expected, 1e-8 * expected) << key;
  }
  const std::string text = run(command);
  for (const char *words : {"stress (GPa)", "stress (meV/atom)"})
    EXPECT_NE(text.find(words), std::string::npos) << text;

  // predictions have stresses, and fit
  run(command + "-o predicted.xyz");
  ASSERT_EQ(status, 0);
  const auto report = Json::parse(
      run("eval --json --precision double --model other.safetensors --data predicted.xyz"));
  EXPECT_LT(report["stress_rmse_GPa"], 1e-9);
  const auto frames = frames_of("predicted.xyz");
  const auto expected = evaluator.evaluate({&frames[7], 1}).stress;
  for (int k = 0; k < 9; k++) EXPECT_NEAR((*frames[7].stress)[k], expected[k], 1e-12);

  // stresses alone are something to compare with, and none are no error
  auto alone = labelled;
  for (auto &frame : alone) {
    frame.energy.reset();
    frame.forces.clear();
  }
  write("alone.xyz", alone);
  EXPECT_GT(
      Json::parse(run("eval --json --model other.safetensors --data alone.xyz"))["stress_mae_GPa"],
      0.0);
  for (auto &frame : alone) {
    frame.stress.reset();
    frame.energy = 0.0;
  }
  write("alone.xyz", alone);
  EXPECT_TRUE(
      Json::parse(run("eval --json --model other.safetensors --data alone.xyz"))["stress_mae_GPa"]
          .is_null());
  EXPECT_EQ(run("eval --model other.safetensors --data alone.xyz").find("stress"),
            std::string::npos);

  (*labelled[1].stress)[3] += 0.5;
  write("twisted.xyz", labelled);
  expect_error("eval --model other.safetensors --data twisted.xyz",
               {"data file 'twisted.xyz', frame 2: the stress is not symmetric", "component xy",
                "--key stress=NAME"});
}

TEST_F(TrainStress, LearnsStressesWhereAsked)
{
  const std::string course =
      "{steps: 1500, batch_atoms: 24, validate_every: 250, warmup: 20, threads: 1, "
      "learning_rate: 0.01}";
  settings("with", {{"loss", "{stress: {weight: 3}}"}, {"training", course}});
  settings("without", {{"loss", "{energy: {weight: 0.1}}"}, {"training", course}});
  const std::string with = train("with"), without = train("without");
  for (const char *words :
       {"valid S", "GPa", "18 training and 6 validation frames have a stress\n", "stress MAE"})
    EXPECT_NE(with.find(words), std::string::npos) << with;
  // without a weight errors of stresses are told all the same
  for (const char *words : {"valid S", "have a stress, which 'loss.stress' does not weigh"})
    EXPECT_NE(without.find(words), std::string::npos) << without;
  const auto with_log = log("with"), without_log = log("without");
  for (const auto *lines : {&with_log, &without_log}) {
    EXPECT_GT(lines->front()["loss"]["stress"], 0.0);
    EXPECT_GT(lines->front()["train_stress_mae_GPa"], 0.0);
    EXPECT_GT(lines->front()["valid"]["stress_mae_GPa"], 0.0);
  }
  EXPECT_LT(with_log.back()["loss"]["stress"],
            0.2 * with_log.front()["loss"]["stress"].get<double>());
  EXPECT_LT(with_log.back()["valid"]["stress_mae_GPa"],
            0.7 * without_log.back()["valid"]["stress_mae_GPa"].get<double>());
  // the file's own claims hold when the whole data is evaluated
  const auto t = training("with");
  EXPECT_EQ(t["settings"]["loss"]["stress"]["weight"], 3.0);
  EXPECT_FALSE(training("without")["settings"]["loss"].contains("stress"));
  const auto report = Json::parse(run("eval --json --model with.safetensors --data data.xyz"));
  for (const char *key : {"stress_mae_GPa", "stress_mae_meV_per_atom"}) {
    const double claimed =
        (18 * t["train"][key].get<double>() + 6 * t["valid"][key].get<double>()) / 24;
    EXPECT_NEAR(report[key].get<double>(), claimed, 1e-3 * claimed);
  }
  const auto predictions = Json::parse(content("with.training/predictions.json"));
  EXPECT_EQ(predictions["stress_GPa"].size(), 36u);
}

TEST_F(TrainStress, TorchAndHostTrainAlike)
{
#ifndef MLFF_TORCH
  GTEST_SKIP() << "this build has no LibTorch";
#endif
  for (const char *engine : {"host", "torch"}) {
    settings(engine,
             {{"loss", "{stress: {weight: 5, final_weight: 1, kind: huber, delta: 0.05}}"},
              {"training",
               std::string("{steps: 20, batch_atoms: 24, validate_every: 20, precision: double, "
                           "threads: 1, device: cpu, engine: ") +
                   engine + "}"}});
    train(engine);
  }
  const auto a = flat_weights(Potential::read(file("host.safetensors"))),
             b = flat_weights(Potential::read(file("torch.safetensors")));
  for (std::size_t k = 0; k < a.size(); k++) EXPECT_NEAR(a[k], b[k], 1e-6);
  EXPECT_NEAR(log("host")[0]["loss"]["stress"].get<double>(),
              log("torch")[0]["loss"]["stress"].get<double>(), 1e-6);
}

TEST_F(TrainStress, LongRangeLearnsStresses)
{
#ifndef MLFF_TORCH
  GTEST_SKIP() << "this build has no LibTorch";
#endif
  settings("f",
           {{"model",
             "{kind: painn-fmm, features: 8, layers: 1, radial: 6, cutoff: 4.0, fmm_heads: 1, "
             "fmm_kappa_max: 2.5, fmm_kappa_count: 4}"},
            {"loss", "{stress: {weight: 3}}"},
            {"training",
             "{steps: 200, batch_atoms: 24, validate_every: 50, warmup: 5, threads: 1, "
             "learning_rate: 0.01, device: cpu}"}});
  train("f");
  const auto lines = log("f");
  EXPECT_LT(lines.back()["loss"]["stress"], 0.5 * lines.front()["loss"]["stress"].get<double>());
}

TEST_F(TrainStress, TeachersGiveStresses)
{
  // labels of the file would be wrong by far
  for (auto &frame : labelled)
    for (double &x : *frame.stress) x += 1.0;
  write("data.xyz", labelled);
  settings("t",
           {{"model", "{init_from: teacher.safetensors}"},
            {"teacher", "{models: teacher.safetensors}"},
            {"data", "{train: {file: data.xyz, labels: teacher}}"},
            {"training",
             "{steps: 1, learning_rate: 0, validate_every: 1, threads: 1, precision: double}"}});
  train("t");
  EXPECT_LT(training("t")["train"]["stress_rmse_GPa"], 1e-6);
}

TEST_F(TrainStress, StressAndVirialAreOneLabel)
{
  const std::string one_step =
      "{steps: 1, learning_rate: 0, batch_atoms: 24, validate_every: 1, threads: 1}";
  std::map<std::string, Json> found;
  for (const std::string kind : {"nine", "six", "virial", "named"}) {
    std::string text;
    for (const auto &frame : labelled) {
      Structure bare = frame;
      bare.stress.reset();
      write("one.xyz", {bare});
      std::string lines = content("one.xyz"), key;
      const auto &s = *frame.stress;
      const auto add = [&](double x) {
        std::ostringstream number;
        number << std::setprecision(17) << x;
        key += (key.empty() ? "" : " ") + number.str();
      };
      if (kind == "six")
        for (const int k : {0, 4, 8, 5, 2, 1}) add(s[k]);
      else
        for (const double x : s) add(kind == "nine" ? x : -x * cell_volume(frame.cell));
      const std::string name = kind == "virial" ? "virial"
          : kind == "named"                     ? "a_virial"
                                                : "stress";
      lines.insert(lines.find('\n') + 1, name + "=\"" + key + "\" ");
      text += lines;
    }
    put(kind + ".xyz", text);
    settings(kind,
             {{"data",
               "{train: {file: " + kind + ".xyz}, valid_fraction: 0.25" +
                   (kind == "named" ? ", keys: {stress: a_virial}" : "") + "}"},
              {"training", one_step}});
    train(kind);
    found[kind] = training(kind)["train"];
    EXPECT_GT(found[kind]["stress_mae_GPa"], 0.0);
    for (const char *key : {"stress_mae_GPa", "stress_rmse_GPa"})
      EXPECT_NEAR(found[kind][key].get<double>(), found["nine"][key].get<double>(), 1e-6) << kind;
  }
}

TEST_F(TrainStress, FramesWithoutAStressCountNothing)
{
  // an open molecule and a crystal without a stress beside the others
  auto some = labelled;
  some[2].stress.reset();
  some[3].periodic = {false, false, false};
  const auto teacher = teacher_of_potentials({file("teacher.safetensors")}, 1);
  set_labels(some[3], teacher->label(some[3]));
  write("some.xyz", some);
  settings("some", {{"data", "{train: {file: some.xyz}, valid_fraction: 0}"}});
  EXPECT_NE(train("some").find("22 training and 0 validation frames have a stress"),
            std::string::npos);
}

TEST_F(TrainStress, LossCountsSixComponentsOnce)
{
  TrainSettings s;
  s.train.resize(1);
  s.train[0].file = file("data.xyz");
  s.valid_fraction = 0.0;
  s.energy.weight = s.force.weight = 0.0;
  s.stress = {.weight = 2.0, .final_weight = 4.0};
  auto data = read_training_data(s, {}, 4.0, nullptr);
  ASSERT_EQ(data.train.size(), 24u);
  data.train[1].strain_gradient.reset();
  data.train[2].weight = 0.5;
  std::vector<const TrainingFrame *> batch;
  GraphStorage graph;
  for (int k = 0; k < 3; k++) {
    batch.push_back(&data.train[k]);
    graph.append(data.train[k].graph.view());
  }
  const std::size_t n = graph.species.size();
  std::vector<double> energy(n), force(3 * n), energy_bar(n), force_bar(3 * n), strain(18),
      strain_bar(18, 7.0);
  const auto sums_at = [&](double share) {
    BatchLoss loss(s, batch, graph.view(), share, 1.0);
    const LossArrays arrays{energy.data(),     force.data(),     strain.data(),
                            energy_bar.data(), force_bar.data(), strain_bar.data()};
    loss.derive(0, 1, arrays);
    loss.derive(1, 3, arrays);
    return loss.sums();
  };
  // predictions off by 0.6 eV in xx and 1.2 eV in xy of the first frame, right elsewhere
  for (int k = 0; k < 3; k += 2)
    for (int c = 0; c < 6; c++) strain[6 * k + c] = (*data.train[k].strain_gradient)[c];
  strain[0] += 0.6;
  strain[3] += 1.2;
  strain[12] += 2.4;    // a frame of half the weight
  const double atoms = 6.0, components = 12.0;
  const auto sums = sums_at(0.5);
  EXPECT_NEAR(sums.terms[stress_term], (0.1 * 0.1 + 0.2 * 0.2 + 0.5 * 0.4 * 0.4) / components,
              1e-12);
  const double volume = cell_volume(labelled[0].cell), other = cell_volume(labelled[2].cell);
  EXPECT_NEAR(sums.stress_error, (1.8 / volume + 2.4 / other) / components, 1e-12);
  EXPECT_EQ(sums.stress_batches, 1.0);
  // weight 3 in the middle of the training
  EXPECT_NEAR(strain_bar[0], 3.0 * 2.0 * 0.1 / atoms / components, 1e-12);
  EXPECT_NEAR(strain_bar[3], 3.0 * 2.0 * 0.2 / atoms / components, 1e-12);
  EXPECT_NEAR(strain_bar[12], 0.5 * 3.0 * 2.0 * 0.4 / atoms / components, 1e-12);
  for (const int k : {1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 13}) EXPECT_NEAR(strain_bar[k], 0.0, 1e-14);
  // linear beyond delta
  s.stress.huber = true;
  s.stress.delta = 0.15;
  EXPECT_NEAR(sums_at(0.0).terms[stress_term],
              (0.1 * 0.1 + (0.3 * 0.2 - 0.15 * 0.15) + 0.5 * (0.3 * 0.4 - 0.15 * 0.15)) /
                  components,
              1e-12);
  EXPECT_NEAR(strain_bar[3], 2.0 * 0.3 / atoms / components, 1e-12);
}

TEST_F(TrainStress, KilledAndResumedIsTheSame)
{
  const std::string course =
      "{steps: 1500, batch_atoms: 24, validate_every: 50, threads: 1, checkpoint_seconds: 0.0}";
  settings("whole", {{"training", course}});
  settings("parts", {{"training", course}});
  train("whole");
  for (const int signal : {SIGKILL, SIGTERM}) {
    const long before = lines("parts.training/log.jsonl");
    const auto late_enough = [&] {
      return lines("parts.training/log.jsonl") >= before + 2;
    };
    ASSERT_TRUE(kill_when("train --no-plots parts.yaml", late_enough, signal))
        << "the training ended before it could be stopped: " << content("err");
    EXPECT_FALSE(std::filesystem::exists(file("parts.safetensors")));
  }
  EXPECT_NE(train("parts").find("resumed at step"), std::string::npos);
  EXPECT_EQ(flat_weights(Potential::read(file("whole.safetensors"))),
            flat_weights(Potential::read(file("parts.safetensors"))));
  auto a = log("whole"), b = log("parts");
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t k = 0; k < a.size(); k++) {
    a[k].erase("frames_per_second");
    b[k].erase("frames_per_second");
    EXPECT_EQ(a[k], b[k]);
  }

  // another weight, and a checkpoint that knows no errors of stresses, are not mixed in silently
  settings("parts", {{"training", course}, {"loss", "{stress: {weight: 2}}"}});
  expect_error("train --force parts.yaml", {"'loss.stress.weight' is 2.0", "has 1.0", "--restart"});
  settings("parts", {{"training", course}, {"loss", "{energy: {weight: 0.1}}"}});
  expect_error("train --force parts.yaml", {"'loss.stress.weight' is none", "--restart"});
  settings("parts", {{"training", course}});
  const auto checkpoint = content("parts.training/checkpoint");
  auto header = Json::parse(checkpoint.substr(0, checkpoint.find('\n')));
  header["state"].erase("stress_error");
  put("parts.training/checkpoint", header.dump() + checkpoint.substr(checkpoint.find('\n')));
  expect_error("train --force parts.yaml",
               {"checkpoint in", "earlier version", "errors of stresses", "--restart"});
}

TEST_F(TrainStress, Refusals)
{
  // a weight without labels
  write("bare.xyz", [&] {
    auto frames = labelled;
    for (auto &frame : frames) frame.stress.reset();
    return frames;
  }());
  const std::string bare = "{train: {file: bare.xyz}, valid_fraction: 0.25}";
  expect_settings_error({{"data", bare}},
                        {"'loss.stress' has a weight, but no training frame has a stress",
                         "accepted: frames that are periodic in all directions", "virial",
                         "'labels: teacher'", "'loss.stress.weight: 0'"});
  expect_settings_error({{"data", bare}, {"loss", "{stress: {final_weight: 1}}"}},
                        {"no training frame has a stress"});
  // names that are not read are told
  auto text = content("bare.xyz");
  for (std::size_t at = 0; (at = text.find("Properties=", at)) != std::string::npos; at += 40)
    text.insert(at, "dft_virial=\"0 0 0 0 0 0 0 0 0\" ");
  put("bare.xyz", text);
  expect_settings_error({{"data", bare}}, {"not read: dft_virial", "'keys: {stress: NAME}'"});
  auto open = labelled;
  for (auto &frame : open) frame.periodic = {true, true, false};
  write("bare.xyz", open);
  expect_settings_error({{"data", bare}},
                        {"not read: stress (of a frame that is not periodic in all directions)"});

  // stresses that are none
  auto twisted = labelled;
  (*twisted[4].stress)[2] = 3.0;
  write("bare.xyz", twisted);
  for (const char *loss : {"{stress: {weight: 1}}", "{stress: {weight: 0}}"})
    expect_settings_error(
        {{"data", bare}, {"loss", loss}},
        {"data file 'bare.xyz', frame 5: the stress is not symmetric: its component "
         "xz is 3 eV/Å^3",
         "'keys: {stress: NAME}'"});
  text = content("data.xyz");
  text.insert(text.find("stress=\"") + 8, "1 ");
  put("bare.xyz", text);
  expect_settings_error({{"data", bare}},
                        {"'bare.xyz', frame 1", "stress has 10 numbers; expected 9"});
  text = content("data.xyz");
  text.insert(text.find("stress=\""), "virial=\"1 0 0 0 1 0 0 0 1\" ");
  put("bare.xyz", text);
  expect_settings_error({{"data", bare}}, {"'stress' and 'virial' may both be the stress"});

  // settings
  expect_settings_error({{"loss", "{stress: {weight: -1}}"}}, {"'loss.stress.weight'", ">= 0"});
  expect_settings_error({{"loss", "{stress: {kind: l1}}"}},
                        {"'loss.stress.kind'", "'l1'", "mse, huber"});
  expect_settings_error({{"loss", "{stress: 3}"}}, {"'loss.stress'", "a map"});
}

TEST_F(TrainStress, AForceIsTakenAwayFromTheLabels)
{
  mlff_test::random_potential({8, 2, 5}, {6, 14}, 3.5).write(file("baseline.safetensors"));
  const auto baseline = teacher_of_potentials({file("baseline.safetensors")}, 1);
  auto sums = labelled;
  for (auto &frame : sums) {
    const Labels labels = baseline->label(frame);
    *frame.energy += labels.energy;
    for (std::size_t k = 0; k < frame.forces.size(); k++) frame.forces[k] += labels.forces[k];
    for (int k = 0; k < 9; k++) (*frame.stress)[k] += (*labels.stress)[k];
  }
  write("sums.xyz", sums);
  const std::string training = "{steps: 20, batch_atoms: 24, validate_every: 10, warmup: 5, "
                               "threads: 1, precision: double}",
                    minus = "{train: {file: sums.xyz}, valid_fraction: 0.25, "
                            "minus: {models: baseline.safetensors}}";
  settings("rest", {{"training", training}});
  settings("difference", {{"training", training}, {"data", minus}});
  train("rest");
  train("difference");
  const auto expected = log("rest"), found = log("difference");
  ASSERT_EQ(found.size(), expected.size());
  int compared = 0;
  for (std::size_t n = 0; n < found.size(); n++)
    for (const auto &[key, value] : expected[n].items())
      if (value.is_number_float() && key.find("second") == std::string::npos) {
        EXPECT_NEAR(found[n].at(key).get<double>(), value.get<double>(),
                    1e-6 * (1.0 + std::abs(value.get<double>())))
            << key;
        compared++;
      }
  EXPECT_GE(compared, 6);
  EXPECT_NE(Potential::read(file("difference.safetensors")).training.find("baseline.safetensors"),
            std::string::npos);

  // another force is another training
  mlff_test::random_potential({8, 2, 5}, {6, 14}, 3.6).write(file("baseline.safetensors"), true);
  expect_error("train difference.yaml --no-plots --force", {"'baseline.safetensors' (data.minus)"});

  expect_settings_error({{"data", "{train: {file: sums.xyz}, minus: {}}"}},
                        {"minus", "names no force", "models"});
  expect_settings_error({{"data", "{train: {file: sums.xyz}, minus: {model: a}}"}},
                        {"minus.model", "unknown"});
  expect_settings_error({{"data", "{train: {file: sums.xyz}, minus: {models: nothing}}"}},
                        {"minus.models", "'nothing'"});
}

}    // namespace
