// Training of jump networks on windows of NVE dynamics.
#pragma once

#include "models/jump/gradient/jump_gradient.h"
#include "models/jump/jump_kinds.h"
#include "training/jump/jump_report.h"
#include "training/structure_loss.h"
#include "training/training_loop.h"

#include <map>
#include <memory>

namespace mlff {

struct JumpTrainSettings : CourseSettings {
  // model
  const ModelKind *kind = &kstep_painn_kind;
  bool published = false;    ///< egnn and transformer: their published form
  double bound = 10.0;       ///< of their scaled predictions
  int heads = 4;             ///< of the transformer
  int features = 32, layers = 2, radial = 16;
  double cutoff = 6.0;                    ///< Å
  std::vector<double> strides = {8.0};    ///< fs, ascending
  bool classes = false;                   ///< species by what atoms are bonded to, else elements
  std::string init_from;                  ///< jump potential to start from; empty: random weights
  std::vector<std::string>
      freeze;    ///< names of tensors, or their first parts, that stay as they are

  // data
  double timestep = 0.5;    ///< fs
  std::vector<std::string> train, valid,
      test;    ///< trajectories: to learn from, to choose weights by, for the final report alone
  double valid_fraction = 0.1;        ///< share held out for validation where `valid` is empty
  bool hold_out_molecules = false;    ///< whole molecules instead of whole trajectories
  bool reversed = true;               ///< windows also backward in time
  WindowNoise noise;

  // loss: weights of the mean squares of scaled u_x and u_v
  double position_weight = 1.0, velocity_weight = 1.0;
  double force_weight =
      0.0;    ///< of the force after the jump, a third prediction that is dropped at the end
  int rollout_jumps = 0;          ///< jumps in a row in the loss; 0: one alone
  double rollout_weight = 0.3;    ///< of the later ones
  bool rollout_method_forces =
      /// forces between jumps by the method of the report at the places reached, instead of the
      /// data's
      false;
  StructureLoss structure;    ///< of one jump
  int choose_jumps =
      0;    ///< weights are chosen by the error after so many jumps in a row; 0: by that of one

  long windows = 64;    ///< of a step, the same number for every molecule

  // report
  bool energy_of_data = true;    ///< energies by the teacher of the data, where its manifest tells
  TrajectoryTeacher energy;      ///< else by this one
  long energies = 200;
  int every = 20;

  std::string output, citation;

  /// Reads and checks a file with 'model.kind: kstep'; file names in it are relative to its folder.
  /// Throws FileError.
  static JumpTrainSettings read_file(const std::string &path);

  /// All that the result depends on.
  nlohmann::ordered_json description() const;
};

class JumpTrainer {
 public:
  /// Reads the data. `command` goes into the provenance of the result. Throws FileError,
  /// PotentialError, EngineError.
  JumpTrainer(const JumpTrainSettings &settings, const std::string &command);

  /// As Trainer::run: files, resume and result are the same.
  bool run(bool restart, bool force);

 private:
  JumpTrainSettings settings;
  std::string command, folder;
  InputRecord inputs;
  std::vector<NveTrajectory> train, valid, test;
  Potential potential;    // all but the trained weights, which are those of the start
  std::unique_ptr<WindowSource> source;
  std::unique_ptr<WindowSource> chain_source;    // with roll-outs
  std::vector<Window> valid_windows, valid_chains;
  ForceOf force;    // of the method, for roll-outs
  std::map<const NveTrajectory *, InternalCoordinates>
      coordinates;    // with a loss of the structure
  std::unique_ptr<JumpVariables> variables;
  std::unique_ptr<JumpGradient> engine;
  std::unique_ptr<Course> course;

  // since the last validation
  std::array<double, 4> sums{};    // x and v of one jump; of the later ones of roll-outs
  double structure_sum = 0.0, force_sum = 0.0;
  long batches = 0;

  JumpBatch batch;
  std::vector<Window> drawn;
  std::vector<int> rows;
  std::vector<double> scaled, target, force_after;
  std::vector<JumpChain::Place> after;

  std::vector<int> steps() const;
  void record_inputs();
  void read_data();
  void prepare_model();
  void take_over(const Potential &start);
  void add_batch(std::span<double> gradient);
  void add_rollout(std::span<double> gradient);
  double add_structure(int structure, const double *u, double *u_bar) const;
  JumpChain chain() const;
  void validate();
  Course::Parts parts();
  void write_result();
  Potential with_weights(const std::vector<double> &values) const;    // without a force head
};

}    // namespace mlff
