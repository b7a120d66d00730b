// Training of a potential: data, loss, errors.
#pragma once

#include "engine/make_gradient.h"
#include "training/batch_loss.h"
#include "training/pretrain/replay.h"
#include "training/train_settings.h"
#include "training/training_data.h"
#include "training/training_errors.h"
#include "training/training_loop.h"

#include <nlohmann/json.hpp>

#include <memory>

namespace mlff {

class Trainer {
 public:
  /// Reads data and teachers. `command` goes into the provenance of the result. Throws FileError,
  /// PotentialError, EngineError.
  Trainer(const TrainSettings &settings, const std::string &command);

  /// Trains to the end, from the checkpoint if there is one. Writes the potential named in the
  /// settings and, into the folder with the same name and the ending ".training", log.jsonl, the
  /// checkpoint, and the data of the plots. `force` overwrites the potential; `restart` discards an
  /// earlier checkpoint. Returns false if a signal stopped it; the checkpoint is then written.
  bool run(bool restart, bool force);

  /// Folder of the log and of the data of the plots.
  const std::string &work_folder() const { return folder; }

 private:
  TrainSettings settings;
  std::string command, folder;
  InputRecord inputs;
  std::unique_ptr<Teacher> teacher, minus;
  TrainingData data;
  Potential potential;    // sizes, elements, reference energies, scale; weights of the start
  Potential joint;        // the potential in training: with replay also the species of other labels
  std::vector<TrainingFrame> replayed;
  std::unique_ptr<WeightGradient> engine;
  std::unique_ptr<TrainingLoop> loop;

  // the state that a checkpoint holds beside that of the loop
  FrameQueue queue, replay_queue;
  long frames_since = 0;
  LossSums sums;    // since the last validation
  long batches_since = 0;

  // energies of the validation frames choose the weights, because their forces cannot
  bool by_energy = false;

  GraphStorage graph;
  std::vector<const TrainingFrame *> batch;

  void make_minus();
  // the start (trainer_start.cpp)
  void prepare_model();
  Potential read_start();
  void prepare_network(const Potential &start);
  void prepare_molecule(const Potential &start);
  void prepare_replay(const Potential &start);
  void take_core(const Potential &start);
  void fit_reference_energies();
  void take_weights(const Potential &start);
  void take_reference_energies();

  void next_batch();
  void add_batch(std::span<double> gradient);
  void add_jacobian(double weight, double &term, std::span<double> gradient);
  void judge_validation();
  bool has_stress() const;
  void print_head() const;
  void print_errors(const ErrorSums &train, const ErrorSums &valid) const;
  void validate();
  TrainingLoop::Parts parts();
  void write_result();
  Potential with_weights(const std::vector<double> &values) const;
};

}    // namespace mlff
