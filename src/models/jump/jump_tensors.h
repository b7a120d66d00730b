// The tensors of jump networks, see models/tensor_walk.h. Rows of embedding, vectors and linear:
// all species of the first stride, then those of the next (see jump.h).
#pragma once

#include "models/jump/jump_record.h"
#include "models/painn/painn_tensors.h"
#include "potential/potential.h"

namespace mlff {

/// Visits the tensors that all jump networks take from the data: the linear fit and scales, see
/// jump.h.
template <typename Walk, typename To> void walk_jump_data(int rows, int strides, Walk &walk, To &to)
{
  walk.constant(to, "linear", {rows, 2, 2}, MLFF_PLACE(linear));
  walk.constant(to, "input_scale", {2}, MLFF_PLACE(input_scale));
  walk.constant(to, "target_scale", {strides, 2}, MLFF_PLACE(target_scale));
}

/// Rows of embedding, vectors and linear.
int jump_rows(const Potential &potential);

/// Visits the tensors of kstep-painn around the layers.
template <typename Walk, typename Ends>
void walk_jump_ends(const Potential &potential, Walk &walk, Ends &ends)
{
  const int features = painn_sizes(potential).features, rows = jump_rows(potential);
  const JumpRecord &jump = jump_record(potential);
  const Extent F{features}, gates{features, jump.predictions()};
  walk.rows(ends, "vectors", {rows, 2, features}, F, MLFF_PLACE(vectors), TensorStart::zero);
  walk.linear(ends, "readout.0", F, F, MLFF_PLACE(readout0));
  walk.linear(ends, "readout.1", gates, F, MLFF_PLACE(readout1));
  walk_jump_data(rows, int(jump.strides.size()), walk, ends);
}

/// kstep-painn.
template <typename Walk, typename Places>
void walk_jump(const Potential &potential, Walk &walk, const Places &to)
{
  walk_painn_layers(painn_sizes(potential), jump_rows(potential), walk, to);
  walk_jump_ends(potential, walk, to.ends);
}

/// Visits the tensors that kstep-egnn and kstep-transformer share: start and data.
template <typename Walk, typename To>
void walk_jump_variant(const Potential &potential, Walk &walk, To &to)
{
  const int F = painn_sizes(potential).features, rows = jump_rows(potential);
  walk.rows(to, "embedding", {rows, F}, Extent{F}, MLFF_PLACE(embedding), TensorStart::unit);
  if (jump_record(potential).published)
    walk.rows(to, "velocity.weight", {F, 3}, Extent{3, 1, false}, MLFF_PLACE(velocity),
              TensorStart::glorot);
  walk_jump_data(rows, int(jump_record(potential).strides.size()), walk, to);
}

/// kstep-egnn: the ends into `to`, layers into layers[l].
template <typename Walk, typename To, typename Layers>
void walk_egnn(const Potential &potential, Walk &walk, To &to, Layers &layers)
{
  const PainnSizes &sizes = painn_sizes(potential);
  const int width = sizes.features;
  const Extent F{width}, pair{2 * width + sizes.radial + 8}, node{2 * width + 3}, three{3}, nine{9},
      six{6};
  walk_jump_variant(potential, walk, to);
  walk_layers(sizes.layers, "", layers, [&](auto &layer, const auto &number, int) {
    walk.linear(layer, "edge" + number + "0", F, pair, MLFF_PLACE(edge0));
    walk.linear(layer, "edge" + number + "1", F, F, MLFF_PLACE(edge1));
    walk.linear(layer, "push" + number + "0", F, F, MLFF_PLACE(push0));
    walk.matrix(layer, "push" + number + "1", three, F, MLFF_PLACE(push1));
    walk.linear(layer, "mix" + number + "0", F, F, MLFF_PLACE(mix0));
    walk.linear(layer, "mix" + number + "1", nine, F, MLFF_PLACE(mix1));
    walk.linear(layer, "node" + number + "0", F, node, MLFF_PLACE(node0));
    walk.linear(layer, "node" + number + "1", F, F, MLFF_PLACE(node1));
  });
  walk.linear(to, "readout.0", F, F, MLFF_PLACE(readout0));
  walk.linear(to, "readout.1", six, F, MLFF_PLACE(readout1));
}

/// kstep-transformer: the ends into `to`, layers into layers[l].
template <typename Walk, typename To, typename Layers>
void walk_transformer(const Potential &potential, Walk &walk, To &to, Layers &layers)
{
  const PainnSizes &sizes = painn_sizes(potential);
  const Extent F{sizes.features}, two_F{sizes.features, 2}, three_F{sizes.features, 3},
      heads{jump_record(potential).heads}, radial{sizes.radial};
  walk_jump_variant(potential, walk, to);
  walk.rows(to, "vectors", {jump_rows(potential), 2, sizes.features}, F, MLFF_PLACE(vectors),
            TensorStart::zero);
  walk_layers(sizes.layers, "attention", layers, [&](auto &layer, const auto &attention, int l) {
    walk.linear(layer, attention + "query", F, F, MLFF_PLACE(query));
    walk.linear(layer, attention + "key", F, F, MLFF_PLACE(key));
    walk.linear(layer, attention + "distance", heads, radial, MLFF_PLACE(distance));
    walk.linear(layer, attention + "value", three_F, F, MLFF_PLACE(value));
    walk.linear(layer, attention + "out", F, F, MLFF_PLACE(out));
    walk_painn_update(sizes, l, walk, layer);
  });
  walk.linear(to, "readout.0", F, F, MLFF_PLACE(readout0));
  walk.linear(to, "readout.1", two_F, F, MLFF_PLACE(readout1));
}

}    // namespace mlff
