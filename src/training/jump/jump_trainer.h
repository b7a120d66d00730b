// Training of jump networks on windows of NVE dynamics.
#pragma once

#include "models/jump/gradient/jump_gradient.h"
#include "training/jump/jump_report.h"
#include "training/jump/jump_train_settings.h"
#include "training/training_loop.h"

#include <map>
#include <memory>

namespace mlff {

class JumpTrainer {
 public:
  /// Reads the data. `command` goes into the provenance of the result. Throws FileError,
  /// PotentialError, EngineError.
  JumpTrainer(const JumpTrainSettings &settings, const std::string &command);

  /// Trains a jump network; files, resume and result are those of Trainer::run.
  bool run(bool restart, bool force);

 private:
  JumpTrainSettings settings;
  std::string command, folder;
  InputRecord inputs;
  std::vector<NveTrajectory> train, valid, test;
  Potential potential;    // trained weights are those of the start
  std::unique_ptr<WindowSource> source;
  std::unique_ptr<WindowSource> chain_source;    // chains for roll-outs; else null
  std::vector<Window> valid_windows, valid_chains;
  ForceOf force;    // force of the method, for roll-outs
  // internal coordinates of each training trajectory, with a loss of the structure
  std::map<const NveTrajectory *, InternalCoordinates> coordinates;
  std::unique_ptr<JumpVariables> variables;
  std::unique_ptr<JumpGradient> engine;
  std::unique_ptr<TrainingLoop> loop;

  // since the last validation
  std::array<double, 4> sums{};    // x and v of one jump; of the later ones of roll-outs
  double structure_sum = 0.0, force_sum = 0.0;
  long batches = 0;

  JumpBatch batch;
  std::vector<Window> drawn;
  std::vector<int> rows;
  std::vector<double> scaled, target, force_after;
  std::vector<JumpChain::Place> after;

  // the start (jump_trainer_start.cpp)
  void record_inputs();
  void read_data();
  void hold_out_validation();
  void prepare_model();
  Potential read_start();
  void set_sizes(const Potential &start);
  void find_species();
  void prepare_structure_loss();
  void prepare_windows();
  void random_weights();
  void take_over(const Potential &start);
  void take_rows(const Potential &start, std::size_t from_row, std::size_t to_row);

  std::vector<int> steps() const;
  void add_batch(std::span<double> gradient);
  void add_rollout(std::span<double> gradient);
  double add_structure(int structure, const double *u, double *u_bar) const;
  JumpChain chain() const;
  void validate();
  TrainingLoop::Parts parts();
  void write_result();
  Potential with_weights(const std::vector<double> &values) const;    // without a force head
};

}    // namespace mlff
