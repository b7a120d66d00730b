// PaiNN in LibTorch. This header includes Torch: only the torch engine and training may include it.
#pragma once

#include "models/long_range/torch/long_range_torch.h"
#include "potential/potential.h"

#include <torch/nn.h>

namespace mlff {

/// A module whose parameters have names in a potential file.
class NamedModule : public torch::nn::Module {
 public:
  /// Copies weights in; the potential must have the sizes of the model.
  void load(const Potential &potential);

  /// The trained tensors by their names in the potential file.
  std::vector<std::pair<std::string, torch::Tensor>> weights() const;

 protected:
  /// Every parameter under its name in the potential file.
  virtual std::vector<std::pair<std::string, torch::Tensor>> named() const = 0;
};

/// Radial functions of PaiNN, exp(-(d - centre)² / 2 spacing²) [E, K], and its cutoff function [E,
/// 1]; d [E, 1] double, and so are both.
std::pair<torch::Tensor, torch::Tensor>
radial_functions(const torch::Tensor &d, const torch::Tensor &centres, double cutoff);

/// The layers of PaiNN and their filters, between the start and the readout of a model.
/// K. Schütt, O. Unke, M. Gastegger, "Equivariant message passing for the prediction of tensorial
/// properties and molecular spectra", ICML 2021, in the form SchNetPack trains (filter bias before
/// the cutoff function, a small number under the norm). Features and products in the type of the
/// parameters; distances and radial functions in double.
class PainnLayers : public NamedModule {
 public:
  PainnLayers(const PainnSizes &sizes, double cutoff);

 protected:
  PainnSizes sizes;

  std::vector<std::pair<std::string, torch::Tensor>> named() const override;

  /// Features s [N, F] and v [N, 3, F] after the last layer. centre and neighbor [E] int, r [E, 3]
  /// double; v may be undefined for zero. Without `vectors` the v that comes back lacks the last
  /// update.
  std::pair<torch::Tensor, torch::Tensor> run_layers(torch::Tensor s, torch::Tensor v,
                                                     const torch::Tensor &centre,
                                                     const torch::Tensor &neighbor,
                                                     const torch::Tensor &r, bool vectors);

 private:
  struct Layer {
    torch::nn::Linear message0{nullptr}, message1{nullptr}, mix{nullptr}, update0{nullptr},
        update1{nullptr};
  };
  double cutoff;
  torch::Tensor centres;
  torch::nn::Linear filter{nullptr};
  std::vector<Layer> layers;
};

/// A linear layer in_features -> out_features.
torch::nn::Linear torch_linear(int in_features, int out_features, bool bias = true);

/// Adds weight and bias of a linear layer to a list of parameters.
void add_named(std::vector<std::pair<std::string, torch::Tensor>> &list, const std::string &name,
               const torch::nn::Linear &module);

/// Energies of atoms.
class PainnModel : public PainnLayers {
 public:
  PainnModel(const Potential &potential);

  /// Copies weights out, in single precision (reference energies and scale in double).
  void store(Potential &potential) const;

  /// species [N] int, centre and neighbor [E] int, r [E, 3] double; system: of models with a
  /// long-range block. Returns energies of the atoms, [N] double, eV.
  torch::Tensor forward(const torch::Tensor &species, const torch::Tensor &centre,
                        const torch::Tensor &neighbor, const torch::Tensor &r,
                        const FmmSystem &system = {});

 protected:
  std::vector<std::pair<std::string, torch::Tensor>> named() const override;

 private:
  std::shared_ptr<FmmLayers> long_range;
  torch::Tensor embedding, reference_energy, scale;
  torch::nn::Linear readout0{nullptr}, readout1{nullptr};
};

}    // namespace mlff
