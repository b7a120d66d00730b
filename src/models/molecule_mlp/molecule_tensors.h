// The tensors of molecule-mlp, see models/tensor_walk.h.
#pragma once

#include "models/molecule_mlp/molecule_record.h"
#include "models/tensor_walk.h"

namespace mlff {

/// Hidden layers into layers[l], the rest into `to`.
template <typename Walk, typename To, typename Layers>
void walk_molecule(const MoleculeRecord &molecule, int n_species, Walk &walk, To &to,
                   Layers &layers)
{
  const int pairs = molecule.n_pairs();
  walk.constant(to, "input_mean", {pairs}, MLFF_PLACE(input_mean));
  walk.constant(to, "input_scale", {pairs}, MLFF_PLACE(input_scale));
  walk.constant(to, "reference_energy", {n_species}, MLFF_PLACE(reference_energy));
  walk.constant(to, "scale", {}, MLFF_PLACE(scale));
  Extent in{pairs};
  for (std::size_t l = 0; l < molecule.widths.size(); l++) {
    const Extent out{molecule.widths[l]};
    walk.linear(layers[l], "layer." + std::to_string(l), out, in, MLFF_PLACE(hidden));
    in = out;
  }
  walk.linear(to, "readout", Extent{1, 1, false}, in, MLFF_PLACE(readout));
}

}    // namespace mlff
