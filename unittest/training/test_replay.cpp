// Frames of a first training in the second one, with labels of their own: species behind those of
// the potential, the order of frames, and mlff train.
#include "engine/make_engine.h"
#include "potential/flat_weights.h"
#include "support/program_fixture.h"
#include "support/random_potential.h"
#include "training/pretrain/replay.h"

#include <nlohmann/json.hpp>

#include <fstream>
#include <set>

namespace {

using namespace mlff;

GraphStorage graph_of(const Structure &structure, const std::vector<int> &elements, double cutoff)
{
  GraphStorage graph;
  append_graph(structure, elements, cutoff, graph);
  return graph;
}

double energy_of(const Potential &potential, const GraphStorage &graph)
{
  Result result;
  make_engine(potential, {"host"})->evaluate(graph.view(), result);
  return result.energy.at(0);
}

TEST(SecondLabels, AreThoseOfTheFirstPotential)
{
  // the same network but for embeddings and reference energies; the second knows an element more
  Potential potential = random_potential({16, 2, 8}, {6, 8}, 4.0, 3),
            first = random_potential({16, 2, 8}, {1, 6, 8}, 4.0, 3);
  for (auto &[name, tensor] : first.tensors)
    if (name != "embedding" && name != "reference_energy") tensor = potential.tensors.at(name);
  const Potential joint = with_second_labels(potential, first);
  EXPECT_EQ(joint.elements, (std::vector<int>{6, 8, 1, 6, 8}));

  const Structure structure = mlff_test::random_structure(9, 5, {}, {}, {6, 8});
  const auto seen_by = [&](const Potential &known) {
    return graph_of(structure, known.elements, known.cutoff);
  };
  const double of_potential = energy_of(potential, seen_by(potential)),
               of_first = energy_of(first, seen_by(first));
  ASSERT_GT(std::abs(of_potential - of_first), 1e-3);
  EXPECT_EQ(energy_of(joint, seen_by(potential)), of_potential);
  GraphStorage shifted = seen_by(first);
  for (int &species : shifted.species) species += potential.n_species();
  EXPECT_EQ(energy_of(joint, shifted), of_first);

  const Potential again = with_first_labels(joint, potential.n_species());
  EXPECT_EQ(again.elements, potential.elements);
  for (const auto &[name, tensor] : potential.tensors) {
    EXPECT_EQ(again.tensors.at(name).shape, tensor.shape) << name;
    EXPECT_EQ(again.tensors.at(name).values, tensor.values) << name;
  }
}

TEST(SecondLabels, CoresAreThoseOfTheSameElements)
{
  Potential potential = random_potential({16, 2, 8}, {1, 6}, 4.0, 3);
  potential.core = covalent_cores(potential.elements);
  const Potential first = random_potential({16, 2, 8}, {1, 6}, 4.0, 4);
  const Potential joint = with_second_labels(potential, first);
  ASSERT_EQ(joint.core.size(), 16u);
  for (int s = 0; s < 4; s++)
    for (int t = 0; t < 4; t++)
      EXPECT_EQ(joint.core[std::size_t(4 * s + t)].outer,
                potential.core[std::size_t(2 * (s % 2) + t % 2)].outer);
  EXPECT_EQ(with_first_labels(joint, 2).core.size(), 4u);

  const Potential wider = random_potential({16, 2, 8}, {1, 6, 8}, 4.0, 4);
  try {
    with_second_labels(potential, wider);
    FAIL() << "an element without a core";
  } catch (const FileError &error) {
    EXPECT_NE(std::string(error.what()).find("no radii for O"), std::string::npos) << error.what();
  }
}

TEST(FrameQueue, EveryFrameOnceAnEpoch)
{
  std::vector<TrainingFrame> frames(10);
  for (std::size_t k = 0; k < frames.size(); k++) {
    frames[k].structure = mlff_test::random_structure(4, unsigned(k) + 1);
    frames[k].graph = graph_of(frames[k].structure, {1, 6, 8}, 3.0);
  }
  FrameQueue queue(frames, 7);
  std::vector<std::vector<const TrainingFrame *>> batches;
  for (int k = 0; k < 8; k++) {
    std::vector<const TrainingFrame *> batch;
    GraphStorage graph;
    queue.fill(12, batch, graph);
    EXPECT_EQ(graph.view().n_structures(), int(batch.size()));
    batches.push_back(batch);
  }
  // batches of three; that at the end of an epoch of ten goes on into the next one
  std::set<const TrainingFrame *> seen;
  for (int k = 0; k < 3; k++) seen.insert(batches[k].begin(), batches[k].end());
  EXPECT_EQ(seen.size(), 9u);
  seen.insert(batches[3].front());
  EXPECT_EQ(seen.size(), 10u);

  // from a position in the middle it goes on as the one that came there
  FrameQueue there(frames, 7), here(frames, 7);
  std::vector<const TrainingFrame *> batch, same;
  GraphStorage graph;
  for (int k = 0; k < 5; k++) {
    batch.clear();
    there.fill(12, batch, graph);
  }
  ASSERT_TRUE(here.go_to(there.epoch(), there.position()));
  for (int k = 0; k < 5; k++) {
    batch.clear();
    same.clear();
    there.fill(12, batch, graph);
    here.fill(12, same, graph);
    EXPECT_EQ(batch, same);
  }
  EXPECT_FALSE(here.go_to(0, 11));
  EXPECT_FALSE(here.go_to(-1, 0));
}

class Replay : public mlff_test::ProgramTest {
 protected:
  void settings(const std::string &name, const std::string &replay, const std::string &training,
                const std::string &model = "features: 16, layers: 2, radial: 8, cutoff: 4.0")
  {
    std::ofstream(file(name + ".yaml"))
        << "model: {" << model << "}\n"
        << "data: {train: {file: " << data << ", frames: 6}, valid_fraction: 0}\n"
        << "pretrain: {train: {file: " << data << "}, replay: " << replay
        << ", training: {steps: 60, batch_atoms: 36, learning_rate: 0.005, threads: 1}}\n"
        << "training: " << training << "\noutput: " << name << ".safetensors\n";
  }
  std::string data = MLFF_TEST_DATA "/ethanol_rmd17.xyz";
};

TEST_F(Replay, FileHoldsOneLabelOfTwo)
{
  const std::string course = "{steps: 60, batch_atoms: 36, validate_every: 20, threads: 1}";
  settings("without", "0", course);
  settings("with", "0.5", course);
  for (const char *name : {"without", "with"}) {
    const std::string text = run("train --no-plots " + std::string(name) + ".yaml");
    ASSERT_EQ(status, 0) << text;
    EXPECT_EQ(text.find("beside 19 of the first training") != std::string::npos,
              name == std::string("with"))
        << text;
  }
  const Potential without = Potential::read(file("without.safetensors")),
                  with = Potential::read(file("with.safetensors"));
  EXPECT_EQ(with.elements, without.elements);
  EXPECT_EQ(with.tensors.at("embedding").shape, without.tensors.at("embedding").shape);
  EXPECT_NE(with.tensors.at("embedding").values, without.tensors.at("embedding").values);
  const auto provenance = nlohmann::json::parse(with.training);
  EXPECT_EQ(provenance["n_replayed"], 19);
  EXPECT_EQ(provenance["settings"]["pretrain"]["replay"], 0.5);
  EXPECT_FALSE(nlohmann::json::parse(without.training).contains("n_replayed"));
}

TEST_F(Replay, StoppedAndResumedIsTheSame)
{
  const std::string course =
      "{steps: 80, batch_atoms: 36, validate_every: 20, threads: 1, checkpoint_seconds: 0.0}";
  settings("whole", "0.4", course);
  run("train --no-plots whole.yaml");
  ASSERT_EQ(status, 0);
  settings("parts", "0.4", course);
  ASSERT_TRUE(kill_when("train --no-plots parts.yaml", [this] {
    return lines("parts.training/log.jsonl") >= 2;
  }));
  ASSERT_FALSE(std::filesystem::exists(file("parts.safetensors")));
  const std::string text = run("train --no-plots parts.yaml");
  ASSERT_EQ(status, 0) << text;
  EXPECT_NE(text.find("resumed at step"), std::string::npos) << text;
  EXPECT_EQ(Potential::read(file("parts.safetensors")).tensors.at("embedding").values,
            Potential::read(file("whole.safetensors")).tensors.at("embedding").values);
  EXPECT_EQ(flat_weights(Potential::read(file("parts.safetensors"))),
            flat_weights(Potential::read(file("whole.safetensors"))));

  settings("parts", "0.3", course);
  expect_error("train --force parts.yaml", {"'pretrain.replay' is 0.3", "0.4", "--restart"});
}

TEST_F(Replay, SettingsErrors)
{
  settings("wrong", "1.5", "{steps: 1, threads: 1}");
  expect_error("train wrong.yaml", {"'pretrain.replay' is '1.5'", "0.9"});
  settings("wrong", "0.5", "{steps: 1, threads: 1}", "kind: molecule-mlp");
  expect_error("train wrong.yaml", {"'pretrain.replay'", "molecule-mlp", "accepted", "0"});
}

}    // namespace
