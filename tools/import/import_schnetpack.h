// Weights trained with SchNetPack become a potential.
#pragma once

#include "data/numpy/npz.h"
#include "potential/potential.h"

namespace mlff {

/// Reads a PaiNN energy model, an .npz of its state dictionary under SchNetPack's parameter names,
/// for the elements given by atomic number. `energy_unit` is the model's unit in eV. Reference
/// energy of an element: mean per atom + atomref. Throws FileError for arrays that are missing or
/// have other shapes, and for radial functions or sharing of weights that differ from this
/// package's PaiNN.
Potential import_schnetpack(const std::string &path, const std::vector<int> &elements,
                            double energy_unit);

}    // namespace mlff
