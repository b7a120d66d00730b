// Settings of the training loop: the keys of the section `training` that all kinds of training
// share.
#pragma once

#include "core/engine_options.h"
#include "data/settings_table.h"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace mlff {

/// Sizes of a network of PaiNN's layers, of settings S.
template <class S>
SettingsTable<S> network_size_table(int least_features, const char *features_help)
{
  return {
      {"features", &S::features, at_least(least_features), features_help},
      {"layers", &S::layers, at_least(1), "layers of messages and updates, L"},
      {"radial", &S::radial, at_least(2), "radial functions, K"},
      {"cutoff", &S::cutoff, at_least(0.5), "neighbors within this distance, Å"},
  };
}

struct TrainingLoopSettings {
  long steps = 40000, warmup = 500, validate_every = 1000, patience = 0;
  double learning_rate = 2e-3, final_learning_rate = 1e-5, weight_decay = 0.0, clip = 1.0,
         ema = 0.999;
  std::string precision = "single", engine = "auto", device = "auto";
  int threads = 1;
  unsigned seed = 1;
  double checkpoint_seconds = 60.0;

  // keys without a section
  std::string output, citation;

  /// The keys of these settings; `precisions` are those that the kind of training has.
  static SettingsTable<TrainingLoopSettings> table(const std::vector<std::string> &precisions);

  /// Reads the keys of the table from the section `training`; the caller reads the others. Throws
  /// FileError.
  void read(YamlSection &training, const std::vector<std::string> &precisions);

  /// Reads the keys without a section of a file at `path`. Throws FileError.
  void read_rest(YamlSection &top, const std::string &path);

  /// Rows of the reference page of the keys without a section.
  static std::vector<SettingText> rest_text();

  /// Settings that the result depends on.
  nlohmann::ordered_json description() const;

  EngineOptions options() const;
};

}    // namespace mlff
