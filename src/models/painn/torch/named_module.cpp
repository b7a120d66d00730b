// Parameters of LibTorch modules under the names of potential files.
#include "models/painn/torch/named_module.h"

namespace mlff {

torch::nn::Linear torch_linear(int in_features, int out_features, bool bias)
{
  return torch::nn::Linear(torch::nn::LinearOptions(in_features, out_features).bias(bias));
}

void NamedModule::load(const Potential &potential, const TorchPlace &place)
{
  torch::NoGradGuard guard;
  // double first, so that no weight is rounded twice
  to(torch::kDouble);
  for (auto &[name, parameter] : list) {
    const Tensor &tensor = potential.tensors.at(name);
    parameter.copy_(torch::tensor(tensor.values, torch::kDouble).reshape(tensor.shape));
  }
  to(place.device, place.type);
}

TrainedParameters NamedModule::load_trained(const Potential &potential, const TorchPlace &place)
{
  load(potential, place);
  auto slices = weight_slices(potential);
  std::vector<torch::Tensor> parameters;
  for (const auto &slice : slices)
    for (const auto &[name, parameter] : list)
      if (name == slice.name) parameters.push_back(parameter);
  return {std::move(slices), std::move(parameters)};
}

torch::Tensor ModuleWalk::add(const std::string &name, const std::vector<std::int64_t> &shape)
{
  const auto tensor = module.register_parameter(id(name), torch::zeros(shape));
  module.list.emplace_back(name, tensor);
  return tensor;
}

void ModuleWalk::add(const std::string &name, Extent out, Extent in, torch::nn::Linear &layer,
                     bool bias)
{
  layer = module.register_module(id(name), torch_linear(int(in.count()), int(out.count()), bias));
  module.list.emplace_back(name + ".weight", layer->weight);
  if (bias) module.list.emplace_back(name + ".bias", layer->bias);
}

}    // namespace mlff
