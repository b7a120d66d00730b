// Keeps the total energy of molecules over a jump of fix kstep/hybrid.
#pragma once

#include "kstep/kstep_molecules.h"

namespace mlff {

/// Scales the internal velocities of one molecule (v without the motion of the centre of mass and
/// the rotation), so that its kinetic energy changes by `gain` eV. The factor is kept between 0.9
/// and 1.1. Linear momentum stays, and angular momentum too unless the molecule is linear. Returns
/// the factor.
double rescale_internal(const KstepMolecules &molecules, int molecule, std::span<const double> x,
                        std::span<double> v, double gain);

/// Rescales molecules first .. last-1 together, so that their kinetic energy changes by `gain` eV.
/// Each takes its share of their kinetic energy. Returns that energy afterwards, eV.
double rescale_to_energy(const KstepMolecules &molecules, int first, int last,
                         std::span<const double> x, std::span<double> v, double gain);

}    // namespace mlff
