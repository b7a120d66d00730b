// A repulsive core in settings files, in a training and in the potential that it writes.
#include "data/extended_xyz.h"
#include "support/program_fixture.h"
#include "support/random_potential.h"
#include "teacher/teacher.h"
#include "training/train_settings.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <fstream>
#include <map>

namespace {

using namespace mlff;
using Json = nlohmann::json;

class TrainCore : public mlff_test::ProgramTest {
 protected:
  Potential network = mlff_test::random_potential({8, 1, 6}, {1, 8}, 4.0);

  /// Labels by network and core, of structures with pairs that are near.
  void SetUp() override
  {
    ProgramTest::SetUp();
    network.write(file("network.safetensors"));
    Potential whole = network;
    whole.core = covalent_cores(whole.elements);
    whole.write(file("whole.safetensors"));
    const auto teacher = teacher_of_potentials({file("whole.safetensors")}, 1);
    Uniform uniform(4);
    std::FILE *out = std::fopen(file("data.xyz").c_str(), "w");
    for (unsigned k = 0; k < 16; k++) {
      Structure frame = mlff_test::random_structure(
          6, 20 + k,
          k % 2 ? std::array<double, 9>{5.1, 0.2, -0.3, 0.9, 4.7, 0.4, -0.6, 0.8, 5.4}
                : std::array<double, 9>{},
          {k % 2 == 1, k % 2 == 1, k % 2 == 1}, {1, 8});
      // atoms 1 and 2 nearer than the outer radius, by turns beyond the inner one
      const double d = 0.45 + 0.15 * uniform();
      for (int a = 0; a < 3; a++) frame.positions[3 + a] = frame.positions[a] + (a == 2 ? d : 0.0);
      set_labels(frame, teacher->label(frame));
      write_xyz(out, frame);
    }
    std::fclose(out);
  }

  /// A training of one step that is too small to change anything.
  void settings(const std::string &name, const std::string &model,
                const std::map<std::string, std::string> &changes = {})
  {
    std::map<std::string, std::string> sections = {
        {"model", model},
        {"data", "{train: {file: data.xyz}, valid_fraction: 0.25}"},
        {"loss", "{stress: {weight: 1}}"},
        {"training",
         "{steps: 1, batch_atoms: 24, validate_every: 1, warmup: 0, threads: 1, learning_rate: "
         "1.0e-9, final_learning_rate: 1.0e-9, precision: double, engine: host}"},
        {"output", name + ".safetensors"}};
    for (const auto &[key, value] : changes) sections[key] = value;
    std::ofstream out(file(name + ".yaml"));
    for (const auto &[key, value] : sections) out << key << ": " << value << "\n";
  }

  Potential train(const std::string &name)
  {
    run("train --no-plots " + name + ".yaml");
    EXPECT_EQ(status, 0) << run("train --no-plots --restart --force " + name + ".yaml", true);
    return Potential::read(file(name + ".safetensors"));
  }

  /// Errors of a potential on all data, by `mlff eval`.
  Json errors(const std::string &name)
  {
    return Json::parse(
        run("eval --json --precision double --model " + name + ".safetensors --data data.xyz"));
  }

  void expect_settings_error(const std::string &core, const std::vector<std::string> &words)
  {
    settings("wrong", "{features: 8, layers: 1, radial: 6, cutoff: 4.0, core: " + core + "}");
    auto all = words;
    all.emplace_back("wrong.yaml");
    expect_error("train wrong.yaml --no-plots", all);
    EXPECT_FALSE(std::filesystem::exists(file("wrong.safetensors")));
  }
};

// The right network needs to learn nothing if the core is part of the prediction, and has large
// errors if it is not.
TEST_F(TrainCore, IsSubtractedFromWhatTheNetworkLearns)
{
  std::vector<std::string> engines = {"host"};
#ifdef MLFF_TORCH
  engines.emplace_back("torch");
#endif
  for (const auto &engine : engines) {
    const std::string training =
        "{steps: 1, batch_atoms: 24, validate_every: 1, warmup: 0, threads: 1, learning_rate: "
        "1.0e-9, final_learning_rate: 1.0e-9, precision: double, engine: " +
        engine + ", device: cpu}";
    settings("with-" + engine, "{init_from: network.safetensors, core: zbl}",
             {{"training", training}});
    settings("without-" + engine, "{init_from: network.safetensors, core: none}",
             {{"training", training}});
    const Potential with = train("with-" + engine), without = train("without-" + engine);
    ASSERT_EQ(with.core.size(), 4u);
    EXPECT_EQ(with.core[1].outer, covalent_core(1, 8).outer);
    EXPECT_TRUE(without.core.empty());

    const Json right = Json::parse(with.training)["valid"],
               wrong = Json::parse(without.training)["valid"];
    EXPECT_LT(right["force_mae_meV_per_A"].get<double>(), 1.0) << right;
    EXPECT_GT(wrong["force_mae_meV_per_A"].get<double>(), 1e3) << wrong;
    EXPECT_LT(right["stress_mae_GPa"].get<double>(), 1e-2) << right;
    EXPECT_GT(wrong["stress_mae_GPa"].get<double>(), 1.0) << wrong;
    const Json report = errors("with-" + engine);
    EXPECT_LT(report["force_mae_meV_per_A"].get<double>(), 1.0) << report;
    EXPECT_LT(report["stress_mae_GPa"].get<double>(), 1e-2) << report;
    EXPECT_EQ(Json::parse(with.training)["settings"]["model"]["core"], "zbl");
    EXPECT_EQ(Json::parse(without.training)["settings"]["model"]["core"], "none");
  }
}

// Reference energies of a new network are those of what the core leaves.
TEST_F(TrainCore, LeavesReferenceEnergiesOfTheNetwork)
{
  const std::string sizes = "features: 8, layers: 1, radial: 6, cutoff: 4.0";
  settings("with", "{" + sizes + ", core: zbl}");
  settings("without", "{" + sizes + "}");
  const Potential with = train("with"), without = train("without");
  const auto &core_left = with.tensors.at("reference_energy").values,
             &all = without.tensors.at("reference_energy").values;
  for (int k = 0; k < 2; k++) EXPECT_GT(all[k] - core_left[k], 0.5);
  EXPECT_FALSE(Json::parse(without.training)["settings"]["model"].contains("core"));
}

TEST_F(TrainCore, IsKeptByWhatStartsFromIt)
{
  settings("uniform", "{init_from: network.safetensors, core: {zbl: {inner: 0.35, outer: 0.75}}}");
  const Potential uniform = train("uniform");
  ASSERT_EQ(uniform.core.size(), 4u);
  for (const CoreRadii &radii : uniform.core) {
    EXPECT_EQ(radii.inner, 0.35);
    EXPECT_EQ(radii.outer, 0.75);
  }
  EXPECT_EQ(Json::parse(uniform.training)["settings"]["model"]["core"]["zbl"]["outer"], 0.75);

  settings("kept", "{init_from: uniform.safetensors, elements: [H, C, O]}");
  const Potential kept = train("kept");
  ASSERT_EQ(kept.core.size(), 9u);
  EXPECT_EQ(kept.core[2].outer, 0.75) << "H-O";
  EXPECT_EQ(kept.core[8].inner, 0.35) << "O-O";
  EXPECT_EQ(kept.core[1].outer, covalent_core(1, 6).outer) << "H-C, which the start does not know";
  settings("dropped", "{init_from: uniform.safetensors, core: none}");
  EXPECT_TRUE(train("dropped").core.empty());
  settings("default", "{init_from: uniform.safetensors, core: {zbl: }}");
  EXPECT_EQ(train("default").core[0].outer, covalent_core(1, 1).outer);
}

TEST_F(TrainCore, IsShownByInfo)
{
  const Json info = Json::parse(run("info --json whole.safetensors"));
  EXPECT_NEAR(info["core"]["zbl"]["H-O"]["outer_A"].get<double>(), covalent_core(1, 8).outer,
              1e-12);
  EXPECT_EQ(info["core"]["zbl"].size(), 3u);
  EXPECT_NE(run("info whole.safetensors").find("core                 {\"zbl\":"),
            std::string::npos);
  EXPECT_FALSE(Json::parse(run("info --json network.safetensors")).contains("core"));
}

TEST_F(TrainCore, RefusesOtherSettings)
{
  expect_settings_error("lennard", {"'model.core' is 'lennard'", "none, zbl"});
  expect_settings_error("[zbl]", {"'model.core' is a list", "none, zbl"});
  expect_settings_error("{}", {"'model.core' is an empty map", "the key zbl"});
  expect_settings_error("{coulomb: 1}", {"unknown key 'model.core.coulomb'", "zbl"});
  expect_settings_error("{zbl: 1}", {"'model.core.zbl' is '1'", "a map"});
  expect_settings_error("{zbl: {radius: 1}}",
                        {"unknown key 'model.core.zbl.radius'", "inner, outer"});
  expect_settings_error("{zbl: {inner: 0.5}}", {"'model.core.zbl.outer' is missing", "both radii"});
  expect_settings_error("{zbl: {outer: 0.5}}", {"'model.core.zbl.inner' is missing", "both radii"});
  expect_settings_error("{zbl: {inner: x, outer: 1}}",
                        {"'model.core.zbl.inner' is 'x'", "a number >= 0.001"});
  expect_settings_error("{zbl: {inner: 0.9, outer: 0.5}}",
                        {"'model.core.zbl.inner' is 0.9", "less than 'outer', 0.5"});
  expect_settings_error("{zbl: {inner: 0.9, outer: 4.5}}",
                        {"'model.core.zbl.outer' is 4.5", "up to the cutoff, 4.0"});
  settings("wrong", "{init_from: network.safetensors, core: {zbl: {inner: 0.9, outer: 4.5}}}");
  expect_error("train wrong.yaml --no-plots",
               {"'model.core' has an outer radius of 4.5", "up to the cutoff, 4.0"});
  settings("wrong", "{kind: molecule-mlp, core: zbl}", {{"loss", "{}"}});
  expect_error("train wrong.yaml --no-plots", {"unknown key 'model.core'"});
}

}    // namespace
