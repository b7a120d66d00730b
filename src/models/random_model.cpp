// Fills potentials with random weights.
#include "models/random_model.h"

#include "models/long_range/long_range_kind.h"
#include "models/painn/painn_kind.h"

#include <cmath>

namespace mlff {

void set_random_weights(Potential &potential, unsigned seed)
{
  Uniform uniform(seed);
  for (const auto &[name, entry] : tensors_of(potential)) {
    const auto &shape = entry.shape;
    Tensor tensor;
    tensor.shape = shape;
    const double width = shape.size() == 2 ? 1.7 / std::sqrt(double(shape[1])) : 0.1;
    // single precision from the start: reading back what was written then changes nothing
    for (std::size_t i = 0; i < entry.size(); i++)
      tensor.values.push_back(float(width * uniform()));
    potential.tensors[name] = tensor;
  }
  potential.tensors["scale"] = {"F64", {}, {0.7}};
  auto &reference = potential.tensors["reference_energy"];
  reference.dtype = "F64";
  for (int s = 0; s < potential.n_species(); s++) reference.values[s] = -10.0 - 3.0 * s;
}

Potential random_potential(const PainnSizes &sizes, const std::vector<int> &elements, double cutoff,
                           unsigned seed, const LongRangeSizes *block)
{
  Potential potential;
  potential.set_kind(block ? painn_long_range_kind : painn_kind);
  painn_sizes(potential) = sizes;
  potential.elements = elements;
  potential.cutoff = cutoff;
  potential.date = "2026-01-01";
  if (block) long_range_sizes(potential) = *block;
  set_random_weights(potential, seed);
  for (double &x : potential.tensors["embedding"].values)
    x = float(x * 1.5 * std::sqrt(double(sizes.features)) / 1.7);
  return potential;
}

}    // namespace mlff
