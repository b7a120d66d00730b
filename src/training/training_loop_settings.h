// Settings of the training loop: the section `training` as far as all kinds of training share it.
#pragma once

#include "core/engine_options.h"
#include "data/settings_table.h"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace mlff {

struct TrainingLoopSettings {
  long steps = 40000, warmup = 500, validate_every = 1000, patience = 0;
  double learning_rate = 2e-3, final_learning_rate = 1e-5, weight_decay = 0.0, clip = 1.0,
         ema = 0.999;
  std::string precision = "single", engine = "auto", device = "auto";
  int threads = 1;
  unsigned seed = 1;
  double checkpoint_seconds = 60.0;

  /// The keys of these settings; `precisions` are those that the kind of training has.
  static SettingsTable<TrainingLoopSettings> table(const std::vector<std::string> &precisions);

  /// Reads the keys of the table from the section `training`; others in it are for the caller.
  /// Throws FileError.
  void read(YamlSection &training, const std::vector<std::string> &precisions);

  /// Settings that the result depends on.
  nlohmann::ordered_json description() const;

  EngineOptions options() const;
};

}    // namespace mlff
