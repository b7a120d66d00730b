// The tensors of PaiNN, see models/tensor_walk.h.
#pragma once

#include "models/painn/painn_sizes.h"
#include "models/tensor_walk.h"

namespace mlff {

/// Structures that the tensors of PaiNN go into: the embedding, the filter of all layers,
/// layers[l], and the ends of the network, which differ between models of PaiNN's layers.
template <typename Start, typename Filter, typename Layers, typename Ends> struct PainnPlaces {
  Start &start;
  Filter &filter;
  Layers &layers;
  Ends &ends;
};
template <typename Start, typename Filter, typename Layers, typename Ends>
PainnPlaces(Start &, Filter &, Layers &, Ends &) -> PainnPlaces<Start, Filter, Layers, Ends>;

/// The update of layer l, whose weights go into `layer`.
template <typename Walk, typename Layer>
void walk_painn_update(const PainnSizes &sizes, int l, Walk &walk, Layer &layer)
{
  const Extent F{sizes.features}, two_F{sizes.features, 2}, three_F{sizes.features, 3};
  const std::string update = "update." + std::to_string(l) + ".";
  walk.matrix(layer, update + "mix", two_F, F, MLFF_PLACE(mix));
  walk.linear(layer, update + "0", F, two_F, MLFF_PLACE(update0));
  walk.linear(layer, update + "1", three_F, F, MLFF_PLACE(update1));
}

/// Visits the tensors that all models of PaiNN's layers have: an embedding of so many rows,
/// filters, messages and updates. Rows of a wider matrix are blocks of F features.
template <typename Walk, typename Places>
void walk_painn_layers(const PainnSizes &sizes, int rows, Walk &walk, const Places &to)
{
  const int width = sizes.features;
  const Extent F{width}, three_F{width, 3};
  walk.rows(to.start, "embedding", {rows, width}, F, MLFF_PLACE(embedding), TensorStart::unit);
  walk.filter(to.filter, "filter", {width, 3 * sizes.layers}, sizes.radial, MLFF_PLACE(filter));
  walk_layers(sizes.layers, "message", to.layers, [&](auto &layer, const auto &message, int l) {
    walk.linear(layer, message + "0", F, F, MLFF_PLACE(message0));
    walk.linear(layer, message + "1", three_F, F, MLFF_PLACE(message1));
    walk_painn_update(sizes, l, walk, layer);
  });
}

/// Visits the tensors of PaiNN for energies behind the layers.
template <typename Walk, typename Ends>
void walk_painn_ends(const PainnSizes &sizes, int n_species, Walk &walk, Ends &ends)
{
  const Extent F{sizes.features}, half{sizes.features / 2}, one{1, 1, false};
  walk.linear(ends, "readout.0", half, F, MLFF_PLACE(readout0));
  walk.linear(ends, "readout.1", one, half, MLFF_PLACE(readout1));
  walk.constant(ends, "reference_energy", {n_species}, MLFF_PLACE(reference_energy));
  walk.constant(ends, "scale", {}, MLFF_PLACE(scale));
}

/// PaiNN for energies.
template <typename Walk, typename Places>
void walk_painn(const PainnSizes &sizes, int n_species, Walk &walk, const Places &to)
{
  walk_painn_layers(sizes, n_species, walk, to);
  walk_painn_ends(sizes, n_species, walk, to.ends);
}

/// The table of PaiNN for energies.
TensorTable painn_table(const PainnSizes &sizes, int n_species);

}    // namespace mlff
