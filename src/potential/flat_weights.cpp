// Copies trained tensors to and from flat weights.
#include "potential/flat_weights.h"

#include "potential/potential.h"

#include <stdexcept>

namespace mlff {

std::vector<WeightSlice> weight_slices(const Potential &potential)
{
  std::vector<WeightSlice> slices;
  std::size_t offset = 0;
  for (const auto &[name, entry] : tensors_of(potential)) {
    if (!entry.trained()) continue;
    slices.push_back({name, entry.shape, offset, entry.size()});
    offset += entry.size();
  }
  return slices;
}

std::vector<double> flat_weights(const Potential &potential)
{
  std::vector<double> weights;
  for (const auto &slice : weight_slices(potential)) {
    const auto &values = potential.tensors.at(slice.name).values;
    weights.insert(weights.end(), values.begin(), values.end());
  }
  return weights;
}

void set_flat_weights(Potential &potential, std::span<const double> weights)
{
  for (const auto &slice : weight_slices(potential)) {
    Tensor &tensor = potential.tensors[slice.name];
    tensor.shape = slice.shape;
    const auto begin = weights.begin() + std::ptrdiff_t(slice.offset);
    tensor.values.assign(begin, begin + std::ptrdiff_t(slice.size));
  }
}

const WeightSlice &WeightNames::operator()(const std::string &name) const
{
  for (const auto &slice : slices)
    if (slice.name == name) return slice;
  throw std::out_of_range("no trained tensor '" + name + "'");
}

}    // namespace mlff
