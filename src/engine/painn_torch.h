// PaiNN in LibTorch. This header includes Torch: only the torch engine and training may include it.
#pragma once

#include "potential.h"

#include <torch/nn.h>

namespace mlff {

/// K. Schütt, O. Unke, M. Gastegger, "Equivariant message passing for the prediction of tensorial properties and
/// molecular spectra", ICML 2021, in the form SchNetPack trains (filter bias before the cutoff function, 1e-8 under the
/// norm). Features and products in the type of the parameters; distances, radial functions and energies in double.
class PainnModel : public torch::nn::Module {
 public:
  PainnModel(const PainnSizes &sizes, int n_species, double cutoff);

  /// Copies weights in; the potential must have the sizes given above.
  void load(const Potential &potential);

  /// Copies weights out, in single precision (reference energies and scale in double).
  void store(Potential &potential) const;

  /// The trained tensors by their names in the potential file.
  std::vector<std::pair<std::string, torch::Tensor>> weights() const;

  /// species [N] int, centre and neighbor [E] int, r [E, 3] double. Returns energies of the atoms, [N] double, eV.
  torch::Tensor forward(const torch::Tensor &species, const torch::Tensor &centre, const torch::Tensor &neighbor, const torch::Tensor &r);

 private:
  struct Layer {
    torch::nn::Linear message0{nullptr}, message1{nullptr}, mix{nullptr}, update0{nullptr}, update1{nullptr};
  };
  PainnSizes sizes;
  double cutoff;
  torch::Tensor embedding, reference_energy, scale, centres;
  torch::nn::Linear filter{nullptr}, readout0{nullptr}, readout1{nullptr};
  std::vector<Layer> layers;

  /// Every parameter under its name in the potential file.
  std::vector<std::pair<std::string, torch::Tensor>> named() const;
};

}    // namespace mlff
