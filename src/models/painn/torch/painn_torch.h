// PaiNN in LibTorch. This header includes Torch: only the torch engine and training may include it.
#pragma once

#include "models/long_range/torch/long_range_torch.h"
#include "models/painn/painn_tensors.h"
#include "models/painn/torch/named_module.h"

#include <optional>

namespace mlff {

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
  struct Layer {
    torch::nn::Linear message0{nullptr}, message1{nullptr}, mix{nullptr}, update0{nullptr},
        update1{nullptr};
  };
  struct Shared {
    torch::Tensor embedding;
    torch::nn::Linear filter{nullptr};
  };
  PainnSizes sizes;
  Shared shared;
  std::vector<Layer> layers;

  /// Features s [N, F] and v [N, 3, F] after the last layer. centre and neighbor [E] int, r [E, 3]
  /// double; v may be undefined for zero. Without `vectors` the v that comes back lacks the last
  /// update.
  std::pair<torch::Tensor, torch::Tensor> run_layers(torch::Tensor s, torch::Tensor v,
                                                     const torch::Tensor &centre,
                                                     const torch::Tensor &neighbor,
                                                     const torch::Tensor &r, bool vectors);

 private:
  double cutoff;
  torch::Tensor centres;
};

/// The form of the long-range block that options ask for; none where the model has no block.
std::optional<LongRangeForm> long_range_form(const Potential &potential,
                                             const EngineOptions &options);

/// Energies of atoms.
class PainnModel : public PainnLayers {
 public:
  PainnModel(const Potential &potential);

  /// species [N] int, centre and neighbor [E] int, r [E, 3] double; system: of models with a
  /// long-range block. Returns energies of the atoms, [N] double, eV.
  torch::Tensor forward(const torch::Tensor &species, const torch::Tensor &centre,
                        const torch::Tensor &neighbor, const torch::Tensor &r,
                        const LongRangeSystem &system = {});

 private:
  struct Ends {
    torch::Tensor reference_energy, scale;    // double, whatever the precision of the network
    torch::nn::Linear readout0{nullptr}, readout1{nullptr};
  };
  std::shared_ptr<LongRangeLayers> long_range;
  Ends ends;
};

}    // namespace mlff
