// The trained numbers of a potential side by side, as optimisers and gradients take them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace mlff {

struct Potential;

/// One trained tensor (TensorEntry::trained) among flat weights, which hold all of them in the
/// order of their names, each row-major.
struct WeightSlice {
  std::string name;
  std::vector<std::int64_t> shape;
  std::size_t offset, size;
};
std::vector<WeightSlice> weight_slices(const Potential &potential);

/// Copies of the weights of a potential, and back.
std::vector<double> flat_weights(const Potential &potential);
void set_flat_weights(Potential &potential, std::span<const double> weights);

/// The slices of a model, by name.
class WeightNames {
 public:
  explicit WeightNames(std::vector<WeightSlice> slices) : slices(std::move(slices)) {}

  /// Throws std::out_of_range for a name that is no trained tensor.
  const WeightSlice &operator()(const std::string &name) const;
  std::size_t total() const { return slices.back().offset + slices.back().size; }

 private:
  std::vector<WeightSlice> slices;
};

}    // namespace mlff
