// Settings of mlff train for jump networks.
#pragma once

#include "models/jump/jump_kinds.h"
#include "training/jump/jump_windows.h"
#include "training/jump/structure_loss.h"
#include "training/training_loop_settings.h"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace mlff {

struct JumpTrainSettings : TrainingLoopSettings {
  // model
  const ModelKind *kind = &kstep_painn_kind;
  bool published = false;    ///< egnn and transformer: their published form
  double bound = 10.0;       ///< egnn and transformer: bound of scaled predictions
  int heads = 4;             ///< transformer: heads
  int features = 32, layers = 2, radial = 16;
  double cutoff = 6.0;                    ///< Å
  std::vector<double> strides = {8.0};    ///< fs, ascending
  bool classes = false;                   ///< species by what atoms are bonded to, else elements
  std::string init_from;                  ///< jump potential to start from; empty: random weights
  /// Names of tensors, or their first parts, that stay as they are.
  std::vector<std::string> freeze;

  // data
  double timestep = 0.5;    ///< fs
  /// Trajectories to learn from, to choose weights by, and for the final report alone.
  std::vector<std::string> train, valid, test;
  double valid_fraction = 0.1;        ///< share held out for validation where `valid` is empty
  bool hold_out_molecules = false;    ///< whole molecules instead of whole trajectories
  bool reversed = true;               ///< windows also backward in time
  WindowNoise noise;

  // loss: weights of the mean squares of scaled u_x and u_v
  double position_weight = 1.0, velocity_weight = 1.0;
  /// Weight of the force after the jump, a third prediction that is dropped at the end.
  double force_weight = 0.0;
  int rollout_jumps = 0;          ///< jumps in a row in the loss; 0: a single one
  double rollout_weight = 0.3;    ///< weight of the jumps behind the first
  /// Forces between jumps by the method of the report at the places reached, instead of the data's.
  bool rollout_method_forces = false;
  StructureLoss structure;    ///< errors in bonds, angles and dihedrals after a jump
  /// Jumps in a row after which the error chooses the weights; 0: a single one.
  int choose_jumps = 0;

  long windows = 64;    ///< windows of a step, the same number for every molecule

  // report
  bool energy_of_data = true;    ///< energies by the teacher of the data, where its manifest tells
  TrajectoryTeacher energy;      ///< else by this one
  long energies = 200;
  int every = 20;

  /// Reads and checks a file with 'model.kind: kstep'; file names in it are relative to its folder.
  /// Throws FileError.
  static JumpTrainSettings read_file(const std::string &path);

  /// Settings that the result depends on.
  nlohmann::ordered_json description() const;

  /// All keys of a settings file of jump networks, as tables in Markdown.
  static std::string page();

 private:
  void read_model(YamlSection &top, const std::string &path);
  void read_network(YamlSection &model);
  void read_data(YamlSection &top, const std::string &path);
  void check_strides(const YamlSection &top) const;
  void read_loss(YamlSection &top);
  void read_training(YamlSection &top);
  void choose_engine(const YamlSection &training);
  void read_report(YamlSection &top);
  nlohmann::ordered_json model_description() const;
  nlohmann::ordered_json data_description() const;
  nlohmann::ordered_json loss_description() const;
};

}    // namespace mlff
