// The section pretrain of mlff train: two trainings in one run, which goes on in either, and labels
// that contradict each other.
#include "data/extended_xyz.h"
#include "data/output_file.h"
#include "data/trajectory.h"
#include "potential/flat_weights.h"
#include "potential/potential.h"
#include "support/program_fixture.h"
#include "support/random_potential.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <fstream>
#include <functional>

namespace {

using namespace mlff;
using Json = nlohmann::json;

class Pretrain : public mlff_test::ProgramTest {
 protected:
  std::string data = MLFF_TEST_DATA "/ethanol_rmd17.xyz";
  std::string course = "{steps: 400, batch_atoms: 36, validate_every: 100, warmup: 20, threads: 1, "
                       "learning_rate: 0.005}";

  /// Writes NAME.yaml with these sections pretrain and training.
  void settings(const std::string &name, const std::string &pretrain, const std::string &training,
                const std::string &train = "")
  {
    std::ofstream(file(name + ".yaml"))
        << "model: {features: 16, layers: 2, radial: 8, cutoff: 4.0}\n"
        << "data: {train: {file: " << (train.empty() ? data : train) << "}, valid_fraction: 0.2}\n"
        << "pretrain: " << pretrain << "\n"
        << "training: " << training << "\n"
        << "output: " << name << ".safetensors\n";
  }

  std::string on(const std::string &train, const std::string &more = "") const
  {
    return "{train: {file: " + train + "}, training: " + course + more + "}";
  }

  std::vector<double> weights(const std::string &name) const
  {
    return flat_weights(Potential::read(file(name)));
  }

  /// The frames of the data, changed.
  void write_changed(const std::string &name, const std::function<void(Structure &)> &change)
  {
    const auto reader = open_trajectory(data, {});
    OutputFile out(file(name), true);
    for (Structure frame; reader->next(frame);) {
      change(frame);
      write_xyz(out, frame);
    }
    out.finish();
  }
};

TEST_F(Pretrain, TheSecondTrainingBeginsWhereTheFirstEnds)
{
  settings("a", on(data), "{steps: 1, learning_rate: 0, batch_atoms: 36, threads: 1}");
  const std::string text = run("train a.yaml --no-plots");
  ASSERT_EQ(status, 0);
  for (const char *word : {"first training", "second training", "resumed"})
    EXPECT_EQ(text.find(word) != std::string::npos, word != std::string("resumed")) << text;
  EXPECT_EQ(weights("a.training/pretrain.safetensors"), weights("a.safetensors"));

  const auto second = Json::parse(Potential::read(file("a.safetensors")).training),
             first = Json::parse(Potential::read(file("a.training/pretrain.safetensors")).training);
  EXPECT_EQ(second["settings"]["training"]["steps"], 1);
  EXPECT_EQ(second["settings"]["pretrain"]["training"]["steps"], 400);
  EXPECT_EQ(second["settings"]["model"]["init_from"], "pretrain.safetensors");
  EXPECT_EQ(first["settings"]["training"]["steps"], 400);
  EXPECT_EQ(first["formulas"], (Json{{"C2H6O", 19}}));
  bool recorded = false;
  for (const auto &entry : second["inputs"]) recorded |= entry["role"] == "pretrain.train";
  EXPECT_TRUE(recorded) << second["inputs"];
  // the first training taught something: its errors are those of the second
  EXPECT_LT(second["train"]["force_mae_meV_per_A"], 250.0);
}

TEST_F(Pretrain, ItsResultIsThatOfTwoRuns)
{
  const std::string second = "{steps: 50, batch_atoms: 36, validate_every: 25, threads: 1}";
  settings("both", on(data), second);
  run("train both.yaml --no-plots");
  ASSERT_EQ(status, 0);
  const std::string section = "data: {train: {file: " + data + "}, valid_fraction: 0.2}\n";
  std::ofstream(file("one.yaml")) << "model: {features: 16, layers: 2, radial: 8, cutoff: 4.0}\n"
                                  << "data: {train: {file: " << data << "}}\n"
                                  << "training: " << course << "\noutput: one.safetensors\n";
  run("train one.yaml --no-plots");
  ASSERT_EQ(status, 0);
  EXPECT_EQ(weights("one.safetensors"), weights("both.training/pretrain.safetensors"));
  std::ofstream(file("two.yaml")) << "model: {init_from: one.safetensors}\n"
                                  << section << "training: " << second
                                  << "\noutput: two.safetensors\n";
  run("train two.yaml --no-plots");
  ASSERT_EQ(status, 0);
  EXPECT_EQ(weights("two.safetensors"), weights("both.safetensors"));
}

TEST_F(Pretrain, KilledInEitherTrainingAndResumedIsTheSame)
{
  const std::string slow =
      "{steps: 300, batch_atoms: 36, validate_every: 20, threads: 1, checkpoint_seconds: 0.0}";
  const std::string first = "{train: {file: " + data + "}, training: " + slow + "}";
  settings("whole", first, slow);
  settings("parts", first, slow);
  run("train --no-plots whole.yaml");
  ASSERT_EQ(status, 0);
  ASSERT_TRUE(kill_when("train --no-plots parts.yaml", [this] {
    return lines("parts.training/pretrain.training/log.jsonl") >= 3;
  }));
  EXPECT_FALSE(std::filesystem::exists(file("parts.training/pretrain.safetensors")));
  ASSERT_TRUE(kill_when("train --no-plots parts.yaml", [this] {
    return lines("parts.training/log.jsonl") >= 3;
  }));
  EXPECT_FALSE(std::filesystem::exists(file("parts.safetensors")));
  const std::string text = run("train --no-plots parts.yaml");
  ASSERT_EQ(status, 0);
  EXPECT_NE(text.find("resumed at step"), std::string::npos) << text;
  EXPECT_EQ(text.find("first training"), std::string::npos) << text;
  EXPECT_EQ(weights("whole.training/pretrain.safetensors"),
            weights("parts.training/pretrain.safetensors"));
  EXPECT_EQ(weights("whole.safetensors"), weights("parts.safetensors"));

  // another first training does not mix with this one
  settings("parts", on(data), slow);
  expect_error("train --force parts.yaml",
               {"'pretrain.training.steps' is 400", "300", "--restart"});
  run("train --no-plots --force --restart parts.yaml");
  ASSERT_EQ(status, 0);
  EXPECT_NE(weights("whole.safetensors"), weights("parts.safetensors"));
}

TEST_F(Pretrain, LabelsThatContradict)
{
  const std::string one = "{steps: 1, batch_atoms: 36, threads: 1}";
  const auto expect_contradiction = [&](const std::string &first, const std::string &train,
                                        const std::vector<std::string> &words) {
    settings("wrong", first, one, train);
    expect_error("train --no-plots --restart wrong.yaml", words);
    EXPECT_FALSE(std::filesystem::exists(file("wrong.safetensors")));
  };
  // other units: of the second training, then of the first
  write_changed("kcal.xyz", [](Structure &frame) {
    for (double &f : frame.forces) f *= 23.06;
  });
  expect_contradiction(on(data), "kcal.xyz", {"kcal.xyz", "times those", "units"});
  write_changed("gradients.xyz", [](Structure &frame) {
    for (double &f : frame.forces) f *= -1.0;
  });
  expect_contradiction(on(data), "gradients.xyz", {"gradients.xyz", "point against"});
  // a first training that has learned nothing is no judge
  settings("untaught", "{train: {file: " + data + "}, training: " + one + "}", one,
           "gradients.xyz");
  const std::string said = run("train --no-plots untaught.yaml", true);
  EXPECT_EQ(status, 0);
  EXPECT_NE(said.find("has not learned its own forces"), std::string::npos) << said;
  // other elements, another composition
  const auto without = [](int removed, int most) {
    return [removed, most](Structure &frame) {
      int n = 0;
      for (int i = frame.n_atoms() - 1; i >= 0; i--)
        if (frame.numbers[i] == removed && n++ < most) {
          frame.numbers.erase(frame.numbers.begin() + i);
          *frame.energy *= 0.5;    // not below that of the electrons
          for (auto *values : {&frame.positions, &frame.forces})
            values->erase(values->begin() + 3L * i, values->begin() + 3L * i + 3);
        }
    };
  };
  write_changed("hydrocarbon.xyz", without(8, 9));
  expect_contradiction(on("hydrocarbon.xyz"), data, {"frame 1", "element O", "accepted", "H C"});
  write_changed("radical.xyz", without(1, 3));
  expect_contradiction(on("radical.xyz"), data,
                       {"is C2H6O", "accepted: C2H3O", "other_compositions: yes"});
  settings("right", on("radical.xyz", ", other_compositions: yes"), one);
  run("train --no-plots right.yaml");
  EXPECT_EQ(status, 0);
}

TEST_F(Pretrain, SettingsErrors)
{
  const std::string one = "{steps: 1, threads: 1}";
  settings("wrong", "{training: {steps: 3}}", one);
  expect_error("train wrong.yaml", {"'pretrain.train' is missing", "accepted"});
  settings("wrong", "{train: {file: " + data + "}, model: {features: 8}}", one);
  expect_error("train wrong.yaml", {"'pretrain.model'", "accepted", "other_compositions"});
  settings("wrong", "{train: {file: none.xyz}}", one);
  expect_error("train wrong.yaml", {"none.xyz"});
  settings("wrong", "{train: {file: " + data + "}, training: {engine: fast}}", one);
  expect_error("train wrong.yaml", {"'pretrain.training.engine'", "fast", "host"});
  // a result that is there is not paid for twice
  std::ofstream(file("there.safetensors")) << "something";
  settings("there", on(data), one);
  expect_error("train there.yaml", {"there.safetensors' exists already"});
  EXPECT_FALSE(std::filesystem::exists(file("there.training")));
}

}    // namespace
