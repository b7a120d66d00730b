// The loop of every kind of training: learning rate, optimizer, running average, checkpoints, log.
#pragma once

#include "data/input_record.h"
#include "potential/flat_weights.h"
#include "training/adamw.h"
#include "training/training_loop_settings.h"

#include <nlohmann/json.hpp>

#include <functional>
#include <string>
#include <vector>

namespace mlff {

/// Starting weights of a model, the same on every machine, by the table of its tensors
/// (TensorStart). Fills all tensors; tensors that come from the data are zero.
void start_weights(Potential &potential, unsigned seed);

/// The date in UTC, as 2025-01-31.
std::string today();

/// Keeps the state of a training and runs it.
class TrainingLoop {
 public:
  /// Files in `folder`: checkpoint and log.jsonl.
  TrainingLoop(const TrainingLoopSettings &settings, const std::string &folder,
               std::vector<double> weights);

  std::vector<double> weights;    ///< after the last step
  std::vector<double> average;    ///< running average of the weights
  std::vector<double> best;       ///< average at the best validation
  long step = 0, best_step = 0;
  double best_error = -1.0;    ///< negative: none yet
  double seconds = 0.0;        ///< time of training since the last validation

  /// Freezes tensors with these names, or whose names begin so. Throws FileError naming `key` for a
  /// name that fits none.
  void freeze(const std::vector<std::string> &names, const std::vector<WeightSlice> &slices,
              const std::string &key);

  /// Learning rate of a step: linear warm-up, then a cosine.
  double rate(long at) const;

  /// The work of a step and of a validation, by the kind of training.
  struct Parts {
    /// Adds the gradient of the next batch at the weights of `set_weights`.
    std::function<void(std::span<double> gradient)> add_gradient;
    std::function<void(std::span<const double> weights)> set_weights;
    std::function<void()> validate;    ///< calls validated()
    /// State that a checkpoint keeps for the caller.
    std::function<nlohmann::ordered_json()> state;
    std::function<void(const nlohmann::ordered_json &)> restore;
  };

  /// Goes on from the checkpoint if there is one with these settings and inputs, else begins anew.
  /// `restart` discards an earlier checkpoint. Returns true if it resumed. Throws FileError for a
  /// checkpoint of other settings, or of files with other contents.
  bool prepare(const nlohmann::ordered_json &description, const InputRecord &inputs,
               const Parts &parts, bool restart);

  /// Trains to the end. Returns false if a signal stopped it; the checkpoint is written either way.
  bool run(const Parts &parts);

  /// Compares the error of the average with the best so far (`always`: counts as better). Returns
  /// true if it is better.
  bool validated(double error, bool always);

  /// Adds a line to log.jsonl.
  void log(const nlohmann::ordered_json &line) const;

 private:
  TrainingLoopSettings settings;
  std::string folder;
  nlohmann::ordered_json description, inputs;
  AdamW optimizer;
  std::vector<bool> frozen;
  std::vector<double> gradient;
  long without_gain = 0;

  std::string checkpoint_path() const { return folder + "/checkpoint"; }
  void save(const Parts &parts) const;
  bool load(const InputRecord &now, const Parts &parts);
  void update();
  bool improving() const { return settings.patience == 0 || without_gain < settings.patience; }
};

}    // namespace mlff
