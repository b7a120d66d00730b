// The tensors of the long-range block, see models/tensor_walk.h.
#pragma once

#include "models/long_range/long_range_sizes.h"
#include "models/painn/painn_sizes.h"
#include "models/tensor_walk.h"
#include "potential/tensor.h"

namespace mlff {

/// All layers of a block, behind layers of PaiNN, into layers[l].
template <typename Walk, typename Layers>
void walk_long_range(const PainnSizes &sizes, const LongRangeSizes &block, Walk &walk,
                     Layers &layers)
{
  const Extent F{sizes.features}, keys{block.heads * block.key_width},
      channels{block.channels(sizes.features)}, even_and_odd{channels.width, 2};
  walk_layers(block.layers, "fmm", layers, [&](auto &layer, const auto &name, int) {
    walk.matrix(layer, name + "query", keys, F, MLFF_PLACE(query));
    walk.matrix(layer, name + "key", keys, F, MLFF_PLACE(key));
    walk.matrix(layer, name + "value", channels, F, MLFF_PLACE(value));
    walk.matrix(layer, name + "vector_value", channels, F, MLFF_PLACE(vector_value));
    walk.rows(layer, name + "radial.weight", {4 * block.kappa_count, channels.width}, channels,
              MLFF_PLACE(radial), TensorStart::glorot);
    walk.matrix(layer, name + "scalar_out", F, even_and_odd, MLFF_PLACE(scalar_out));
    walk.matrix(layer, name + "vector_out", F, even_and_odd, MLFF_PLACE(vector_out));
    walk.rows(layer, name + "scalar_gate", {sizes.features}, F, MLFF_PLACE(scalar_gate),
              TensorStart::zero);
    walk.rows(layer, name + "vector_gate", {sizes.features}, F, MLFF_PLACE(vector_gate),
              TensorStart::zero);
  });
}

/// The tensors of one layer of a block, in their potential.
struct LongRangeTensors {
  const Tensor *query, *key, *value, *vector_value, *radial, *scalar_out, *vector_out, *scalar_gate,
      *vector_gate;
};

/// The tensors of all layers.
std::vector<LongRangeTensors> long_range_tensors(const Potential &potential);

}    // namespace mlff
