// painn-fmm in the table of models: metadata and tensors of the long-range block.
#include "models/long_range/long_range_kind.h"

#include "models/long_range/long_range_tensors.h"
#include "models/painn/host/painn_engine_host.h"
#include "models/painn/painn_kind.h"
#include "models/painn/painn_tensors.h"
#ifdef MLFF_TORCH
#include "models/painn/torch/painn_engine_torch.h"
#include "models/painn/torch/painn_gradient_torch.h"
#endif
#include "potential/metadata.h"
#include "potential/potential.h"

#include <cmath>

namespace mlff {

bool has_long_range(const Potential &potential)
{
  return &potential.kind() == &painn_long_range_kind;
}

namespace {

  using json = nlohmann::json;

  constexpr std::pair<const char *, int LongRangeSizes::*> whole_sizes[] = {
      {"fmm_layers", &LongRangeSizes::layers},
      {"fmm_directions", &LongRangeSizes::directions},
      {"fmm_kappa_count", &LongRangeSizes::kappa_count},
      {"fmm_heads", &LongRangeSizes::heads},
      {"fmm_key_width", &LongRangeSizes::key_width},
      {"fmm_value_width", &LongRangeSizes::value_width}};

  constexpr std::pair<const char *, double LongRangeSizes::*> frequencies[] = {
      {"fmm_kappa_min", &LongRangeSizes::kappa_min}, {"fmm_kappa_max", &LongRangeSizes::kappa_max}};

  /// Whether the values make sense is for check to say.
  void read(const MetadataReader &metadata, Potential &potential)
  {
    painn_file.read(metadata, potential);
    const json hyperparameters = metadata.hyperparameters();
    LongRangeSizes &block = long_range_sizes(potential);
    const auto found = [&](const char *key) -> const json & {
      const auto entry = hyperparameters.find(key);
      if (entry == hyperparameters.end())
        metadata.fail(std::string("hyperparameters lack '") + key + "'");
      return *entry;
    };
    for (const auto &[key, size] : whole_sizes)
      block.*size = whole_hyperparameter(metadata.path, hyperparameters, key, 0);
    for (const auto &[key, frequency] : frequencies) {
      const json &value = found(key);
      if (!value.is_number())
        metadata.fail(std::string("hyperparameter '") + key + "' is " + value.dump() +
                      "; expected a number");
      block.*frequency = value.get<double>();
    }
    const json &precision = found("fmm_precision");
    if (!precision.is_string())
      metadata.fail("hyperparameter 'fmm_precision' is " + precision.dump() +
                    "; expected \"engine\" or \"double\"");
    block.precision = precision.get<std::string>();
  }

  void write(const Potential &potential, MetadataWriter &metadata)
  {
    painn_file.write(potential, metadata);
    const LongRangeSizes &block = long_range_sizes(potential);
    for (const auto &[key, size] : whole_sizes) metadata.hyperparameters[key] = block.*size;
    for (const auto &[key, frequency] : frequencies)
      metadata.hyperparameters[key] = block.*frequency;
    metadata.hyperparameters["fmm_precision"] = block.precision;
  }

  void check(const Potential &potential, const std::string &path)
  {
    painn_file.check(potential, path);
    const LongRangeSizes &block = long_range_sizes(potential);
    const int features = painn_sizes(potential).features;
    const auto within = [&](const char *key, int value, int least, int most) {
      if (value < least || value > most)
        reject_potential(path,
                         std::string("hyperparameter 'fmm_") + key + "' is " +
                             std::to_string(value) + "; expected a whole number from " +
                             std::to_string(least) + " to " + std::to_string(most));
    };
    within("layers", block.layers, 1, 8);
    within("kappa_count", block.kappa_count, 1, 64);
    within("heads", block.heads, 1, 64);
    within("key_width", block.key_width, 1, 64);
    within("value_width", block.value_width, 0, 256);
    if (block.directions != 0) within("directions", block.directions, 6, 65536);
    if (block.value_width == 0 && (features < block.heads || features % block.heads))
      reject_potential(path,
                       "hyperparameter 'fmm_value_width' is 0, which shares the " +
                           std::to_string(features) + " features among the heads; 'fmm_heads' is " +
                           std::to_string(block.heads) + ", expected a divisor of them");
    if (!std::isfinite(block.kappa_min) || block.kappa_min < 0.0)
      reject_potential(path,
                       "hyperparameter 'fmm_kappa_min' is " + number_text(block.kappa_min) +
                           "; expected a number of 1/Å, 0 or more");
    if (!std::isfinite(block.kappa_max) || block.kappa_max <= block.kappa_min ||
        block.kappa_max > 10.0)
      reject_potential(path,
                       "hyperparameter 'fmm_kappa_max' is " + number_text(block.kappa_max) +
                           "; expected a number of 1/Å above 'fmm_kappa_min', 10 at most");
    if (block.precision != "engine" && block.precision != "double")
      reject_potential(path,
                       "hyperparameter 'fmm_precision' is '" + block.precision +
                           "'; expected 'engine' or 'double'");
  }

  TensorTable tensors(const Potential &potential)
  {
    TensorTable table = painn_file.tensors(potential);
    table.merge(table_of([&](auto &walk, auto &nowhere) {
      walk_long_range(painn_sizes(potential), long_range_sizes(potential), walk, nowhere);
    }));
    return table;
  }

  std::string size_text(const Potential &potential)
  {
    const LongRangeSizes &block = long_range_sizes(potential);
    return painn_file.size_text(potential) + " + " + std::to_string(block.layers) +
        (block.layers == 1 ? " node layer" : " node layers") + " H" + std::to_string(block.heads) +
        " C" + std::to_string(block.channels(painn_sizes(potential).features) / block.heads) +
        " T" + std::to_string(block.kappa_count);
  }

  /// The walk that finds the tensors of a potential.
  struct FindWalk {
    const std::map<std::string, Tensor> &tensors;

    template <typename To, typename Place>
    void matrix(To &to, const std::string &name, Extent, Extent, const Place &place)
    {
      place.weight(to) = &tensors.at(name + ".weight");
    }

    template <typename To, typename Place>
    void rows(To &to, const std::string &name, const std::vector<std::int64_t> &, Extent,
              const Place &place, TensorStart)
    {
      place.weight(to) = &tensors.at(name);
    }
  };

}    // namespace

std::vector<LongRangeTensors> long_range_tensors(const Potential &potential)
{
  const LongRangeSizes &block = long_range_sizes(potential);
  std::vector<LongRangeTensors> layers(std::size_t(block.layers));
  FindWalk walk{potential.tensors};
  walk_long_range(painn_sizes(potential), block, walk, layers);
  return layers;
}

const ModelKind painn_long_range_kind = {
    .name = "painn-fmm",
    .needs_positions = true,
    .third_derivatives = true,
    .repulsive_core = true,
    .file = {read, write, check, tensors, size_text, painn_file.describe},
    .local_kind = &painn_kind,
    .engines = {{"host", make_host_engine}, {"torch", MLFF_TORCH_ONLY(make_torch_engine)}},
    .gradients = {{"host", nullptr,
                   "the host engine has no weight gradients of the long-range block of "
                   "painn-fmm: training it needs the engine torch"},
                  {"torch", MLFF_TORCH_ONLY(make_torch_gradient)}},
};

}    // namespace mlff
