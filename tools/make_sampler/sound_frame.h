// Frames of one molecule that a teacher can label and a student can learn.
#pragma once

#include "molecule/molecule.h"

#include <vector>

namespace mlff {

/// Whether positions [n][3] (Å) are of this molecule: no two atoms nearer than 0.6 times the sum of
/// their covalent radii, and the bonds and the handedness of its first conformer, as a model of one
/// molecule needs them. For another model a hydrogen may be on its way from one atom to another:
/// the bonds between other atoms are as they were, and each hydrogen is at some atom.
bool is_sound(const Molecule &molecule, const std::vector<double> &positions, bool one_molecule);

}    // namespace mlff
