// The long-range block in LibTorch. This header includes Torch: only the torch engine and training
// may include it.
#pragma once

#include "core/engine.h"
#include "models/long_range/long_range.h"
#include "models/long_range/long_range_tensors.h"
#include "models/painn/torch/named_module.h"
#include "potential/potential.h"

#include <torch/nn.h>

#include <span>

namespace mlff {

/// Positions, cells and numbers of the atoms in a batch of structures.
struct LongRangeSystem {
  torch::Tensor position;             ///< [N, 3] double
  std::span<const int> first_atom;    ///< [n_structures + 1]
  LongRangeForm form = LongRangeForm::automatic;
  std::span<const double> cell = {};    ///< [n_structures][9] layout of Graph
  /// [N, 6] double, zeros (xx, yy, zz, xy, xz, yz) to derive by, of what each atom receives; or
  /// undefined
  torch::Tensor strain = {};
};

class LongRangeLayers : public NamedModule {
 public:
  LongRangeLayers(const PainnSizes &sizes, const LongRangeSizes &block);

  /// Features s [N, F] and v [N, 3, F] after the last layer; v lacks the last layer's part.
  /// Throws EngineError where the linear form does not reach.
  std::pair<torch::Tensor, torch::Tensor> run(torch::Tensor s, torch::Tensor v,
                                              const LongRangeSystem &system) const;

 private:
  struct Layer {
    torch::Tensor query, key, value, vector_value, radial, scalar_out, vector_out, scalar_gate,
        vector_gate;
  };
  struct Heads {    // q, k [n, H, d]; V0 [n, H, C]; V1 [n, 3, H, C]; a [4, T, H, C]
    torch::Tensor q, k, V0, V1, a;
  };
  struct Sums {    // s0, s1 [n, H, C]; v0, v1 [n, 3, H, C]
    torch::Tensor s0, s1, v0, v1;
  };
  PainnSizes sizes;
  LongRangeSizes block;
  std::vector<Layer> layers;

  Sums direct(const Heads &heads, const LongRangeSystem &system) const;
  Sums linear(const Heads &heads, const LongRangeSystem &system) const;
};

}    // namespace mlff
