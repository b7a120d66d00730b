// MoleculeRecord: the properties that a network of one molecule records beside its weights, and its
// part of a potential file.
#pragma once

#include "potential/model_sizes.h"
#include "structure/bonded_molecule.h"

#include <vector>

namespace mlff {

/// Properties that a network of one molecule (model molecule-mlp) records beside its weights, see
/// molecule_mlp.h.
struct MoleculeRecord : BondedMolecule {
  std::vector<int> widths;    ///< widths of the hidden layers
};

/// The record of a potential whose model is molecule-mlp.
inline constexpr SizesOf<MoleculeRecord> molecule_record;

extern const ModelFile molecule_file;

}    // namespace mlff
