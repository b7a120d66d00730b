// Settings of the training loop: the section `training` as far as all kinds of training share it.
#include "training/training_loop_settings.h"

#include "training/train_settings.h"

#include <algorithm>

namespace mlff {

SettingsTable<TrainingLoopSettings>
TrainingLoopSettings::table(const std::vector<std::string> &precisions)
{
  using S = TrainingLoopSettings;
  return {
      {"steps", &S::steps, at_least(1), "steps of the optimizer"},
      {"learning_rate", &S::learning_rate, at_least(0),
       "learning rate of AdamW, reached at the end of the warm-up"},
      {"final_learning_rate", &S::final_learning_rate, at_least(0),
       "learning rate at the end, reached by a cosine; where it is missing at most "
       "`learning_rate`"},
      {"warmup", &S::warmup, at_least(0), "steps in which the learning rate rises linearly"},
      {"weight_decay", &S::weight_decay, at_least(0), "weight decay of AdamW"},
      {"clip", &S::clip, at_least(0), "largest norm of the gradient; 0: no limit"},
      {"ema", &S::ema, between(0, 0.999999),
       "decay of the running average of the weights, which is validated and written"},
      {"validate_every", &S::validate_every, at_least(1), "steps from validation to validation"},
      {"patience", &S::patience, at_least(0),
       "validations without gain after which training stops; 0: never"},
      {"precision", &S::precision, one_of(precisions),
       std::find(precisions.begin(), precisions.end(), "mixed") == precisions.end()
           ? "precision of the network"
           : "precision of the network; mixed: products in bfloat16, by LibTorch only"},
      {"engine", &S::engine, one_of(EngineOptions::values("engine")),
       "host: gradients written by hand; torch: LibTorch's; auto: host unless a setting needs "
       "torch"},
      {"device", &S::device, one_of(EngineOptions::values("device")), "device of LibTorch",
       Recorded::no},
      {"threads", &S::threads, at_least(1), "threads of the engine"},
      {"seed", &S::seed, between(0, std::numeric_limits<unsigned>::max()),
       "seed of starting weights, of the choice of frames and of their order"},
      {"checkpoint_seconds", &S::checkpoint_seconds, at_least(0),
       "seconds from checkpoint to checkpoint", Recorded::no},
  };
}

void TrainingLoopSettings::read(YamlSection &training, const std::vector<std::string> &precisions)
{
  table(precisions).read(training, *this);
  if (!training.has("final_learning_rate"))
    final_learning_rate = std::min(final_learning_rate, learning_rate);
}

void TrainingLoopSettings::read_rest(YamlSection &top, const std::string &path)
{
  output = beside(path, top.word("output", ""));
  if (!output.ends_with(".safetensors"))
    top.fail("output", "is '" + output + "'; accepted: a file name that ends in .safetensors");
  citation = top.word("citation", "");
}

std::vector<SettingText> TrainingLoopSettings::rest_text()
{
  return {
      {"output", "needed", "a file name that ends in .safetensors", "potential that is written"},
      {"citation", "none", "a word", "text for LAMMPS' log.cite"}};
}

nlohmann::ordered_json TrainingLoopSettings::description() const
{
  return table({}).record(*this);
}

EngineOptions TrainingLoopSettings::options() const
{
  EngineOptions options;
  options.engine = engine;    // whoever makes the engine refuses one that the build lacks
  options.set("precision", precision == "mixed" ? "single" : precision);
  options.set("threads", std::to_string(threads));
  options.set("device", device);
  return options;
}

}    // namespace mlff
