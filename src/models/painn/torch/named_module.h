// LibTorch modules whose parameters are the tensors of a potential. This header includes Torch:
// only the torch engine and training may include it.
#pragma once

#include "models/tensor_walk.h"
#include "models/torch/torch_device.h"
#include "models/torch/trained_parameters.h"
#include "potential/potential.h"

#include <torch/nn.h>

#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace mlff {

/// A module whose parameters have names in a potential file.
class NamedModule : public torch::nn::Module {
 public:
  /// Copies weights in and moves the module to a place; the potential must have the sizes of the
  /// model.
  void load(const Potential &potential, const TorchPlace &place);

  /// Loads the potential as load() does, and returns the tensors that are trained.
  TrainedParameters load_trained(const Potential &potential, const TorchPlace &place);

  /// The tensors by their names in the potential file.
  const std::vector<std::pair<std::string, torch::Tensor>> &named() const { return list; }

 protected:
  std::vector<std::pair<std::string, torch::Tensor>> list;

  friend class ModuleWalk;
};

/// A linear layer in_features -> out_features.
torch::nn::Linear torch_linear(int in_features, int out_features, bool bias = true);

/// The walk (models/tensor_walk.h) that makes and registers the parameters of a module.
class ModuleWalk {
 public:
  explicit ModuleWalk(NamedModule &module) : module(module) {}

  template <typename To, typename Place>
  void linear(To &to, const std::string &name, Extent out, Extent in, const Place &place)
  {
    add(name, out, in, place.weight(to), true);
  }

  template <typename To, typename Place>
  void matrix(To &to, const std::string &name, Extent out, Extent in, const Place &place)
  {
    auto &weight = place.weight(to);
    if constexpr (std::is_same_v<decltype(weight), torch::Tensor &>)
      weight = add(name + ".weight", {out.count(), in.count()});
    else
      add(name, out, in, weight, false);
  }

  template <typename To, typename Place>
  void filter(To &to, const std::string &name, Extent out, int in, const Place &place)
  {
    linear(to, name, out, {in}, place);
  }

  template <typename To, typename Place>
  void rows(To &to, const std::string &name, const std::vector<std::int64_t> &shape, Extent,
            const Place &place, TensorStart)
  {
    place.weight(to) = add(name, shape);
  }

  /// Constants stay in double whatever the precision of the network.
  template <typename To, typename Place>
  void constant(To &to, const std::string &name, const std::vector<std::int64_t> &shape,
                const Place &place)
  {
    if constexpr (requires { place.weight(to); }) {
      place.weight(to) = torch::zeros(shape, torch::kDouble);
      module.list.emplace_back(name, place.weight(to));
    }
  }

 private:
  NamedModule &module;

  /// Names of LibTorch have no dots.
  static std::string id(std::string name)
  {
    std::replace(name.begin(), name.end(), '.', '_');
    return name;
  }

  torch::Tensor add(const std::string &name, const std::vector<std::int64_t> &shape);
  void add(const std::string &name, Extent out, Extent in, torch::nn::Linear &layer, bool bias);
};

}    // namespace mlff
