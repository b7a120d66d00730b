// Selects the frames of a student's trajectories that are worth a label.
#pragma once

#include "molecule/molecule.h"
#include "structure/structure.h"

#include <vector>

namespace mlff {

/// Whether a teacher can be expected to label a frame: the bonds of the molecule's first conformer
/// hold, and no two atoms are too close.
bool is_sound(const Molecule &molecule, const Structure &frame);

/// Indices of the n frames of one molecule that teach most, in that order: each has the largest
/// product of the students' spread (eV/Å) and the distance from the frames chosen before, in the
/// space of inverse distances of atoms.
std::vector<int> most_useful(const std::vector<Structure> &frames,
                             const std::vector<double> &spread, long n);

}    // namespace mlff
