// The trained tensors of a model in LibTorch, as flat weights and gradients have them. This header
// includes Torch.
#pragma once

#include "potential/flat_weights.h"

#include <torch/types.h>

#include <span>
#include <string>
#include <vector>

namespace mlff {

class TrainedParameters {
 public:
  /// One tensor for each slice, in their order.
  TrainedParameters(std::vector<WeightSlice> slices, std::vector<torch::Tensor> tensors);

  /// Copies flat weights in.
  void set(std::span<const double> flat);

  /// Adds the derivatives of a loss to a flat gradient.
  void add_derivative(const torch::Tensor &loss, std::span<double> gradient) const;

  const torch::Tensor &operator()(const std::string &name) const;

  std::vector<torch::Tensor> tensors;

 private:
  std::vector<WeightSlice> slices;
};

}    // namespace mlff
