// The total energy of molecules kept over a jump of fix kstep/hybrid.
#pragma once

#include "kstep/kstep_molecules.h"

namespace mlff {

/// Scales the internal velocities of one molecule, what is left of v after the motion of its centre
/// of mass and its rotation, so that its kinetic energy changes by `gain` eV. The factor is kept
/// between 0.9 and 1.1. Linear momentum and, where the molecule is not linear, angular momentum
/// stay. Returns the factor.
double rescale_internal(const KstepMolecules &molecules, int molecule, std::span<const double> x,
                        std::span<double> v, double gain);

/// Rescales molecules first .. last-1 together, so that their kinetic energy changes by `gain` eV:
/// each takes the share that it has of their kinetic energy. Returns that energy afterwards, eV.
double rescale_to_energy(const KstepMolecules &molecules, int first, int last,
                         std::span<const double> x, std::span<double> v, double gain);

}    // namespace mlff
