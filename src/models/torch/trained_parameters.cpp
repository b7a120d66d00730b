// Flat weights into LibTorch's tensors, and derivatives out of them.
#include "models/torch/trained_parameters.h"

#include <torch/autograd.h>

#include <utility>

namespace mlff {

TrainedParameters::TrainedParameters(std::vector<WeightSlice> slices,
                                     std::vector<torch::Tensor> tensors) :
    tensors(std::move(tensors)),
    slices(std::move(slices))
{
}

void TrainedParameters::set(std::span<const double> flat)
{
  const torch::NoGradGuard guard;
  for (std::size_t k = 0; k < slices.size(); k++)
    tensors[k].copy_(torch::from_blob(const_cast<double *>(flat.data()) + slices[k].offset,
                                      slices[k].shape, torch::kDouble));
}

void TrainedParameters::add_derivative(const torch::Tensor &loss, std::span<double> gradient) const
{
  const auto derivative = torch::autograd::grad({loss}, tensors, {}, false, false, true);
  for (std::size_t k = 0; k < slices.size(); k++) {
    if (!derivative[k].defined()) continue;
    const auto values = derivative[k].to(torch::kCPU, torch::kDouble).contiguous();
    const double *p = values.data_ptr<double>();
    for (std::size_t i = 0; i < slices[k].size; i++) gradient[slices[k].offset + i] += p[i];
  }
}

const torch::Tensor &TrainedParameters::operator()(const std::string &name) const
{
  std::size_t k = 0;
  while (slices[k].name != name) k++;
  return tensors[k];
}

}    // namespace mlff
