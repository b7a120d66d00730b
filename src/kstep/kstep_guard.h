// Checks a jump of fix kstep/hybrid: the proposed state before its force call, forces and energies
// after it.
#pragma once

#include "kstep/kstep_molecules.h"
#include "models/jump/jump_record.h"
#include "potential/potential.h"

#include <limits>

namespace mlff {

/// Largest values that pass a check; infinite: no check.
struct KstepLimits {
  static constexpr double off = std::numeric_limits<double>::infinity();

  /// norms of v, F, dx and dv of an atom, in units of the norms in the training windows
  double range = off;
  double stretch = off;    ///< length of a bond, in units of the unstrained length
  double squeeze = off;    ///< unstrained length of a bond, in units of its length
  double rise = off;       ///< rise of the potential energy of a molecule over the jump, eV
  double surge = off;      ///< rise in units of √(3N/2) kT, the thermal fluctuation of N atoms
  double kinetic = off;    ///< kinetic energy of a molecule, in units of 3N/2 kT
  double drift = off;    ///< change of the total energy of a molecule over the jump, up or down, kT

  /// Limits for dynamics near equilibrium: norms within training, bonds strained by at most a half,
  /// potential energy up by at most ten fluctuations, total energy changed by at most 3 kT.
  static KstepLimits thermal();

  /// Limits of the first published hybrid integrators of this kind: bonds below twice their length,
  /// kinetic energy below ten times its mean, potential energy up by at most 1000 kJ/mol.
  static KstepLimits published();
};

enum class KstepVerdict { accepted, not_finite, range, bond, energy, drift, metropolis };

/// Energies of a molecule that a check reads, eV.
struct KstepEnergies {
  double potential_before, kinetic_before, potential_after, kinetic_after;

  double change() const
  {
    return potential_after + kinetic_after - potential_before - kinetic_before;
  }
};

class KstepGuard {
 public:
  /// record: record of the jump network, or null, which leaves the training range unchecked. kT in
  /// eV.
  KstepGuard(const KstepLimits &limits, const JumpRecord *record, double kT);

  void set_kT(double value) { kT = value; }

  /// Checks one molecule: velocities and forces at the start, the way to the end over `stride` ps,
  /// and bonds there.
  KstepVerdict check_way(const KstepMolecules &molecules, int molecule, const KstepState &start,
                         const KstepState &end, double stride) const;

  /// Checks bonds and forces at the landing.
  KstepVerdict check_landing(const KstepMolecules &molecules, int molecule,
                             const KstepState &end) const;

  KstepVerdict check_energies(const KstepMolecules &molecules, int molecule,
                              const KstepEnergies &energies) const
  {
    return check_energies(molecules.size(molecule), energies);
  }

  /// Checks the energies of molecules with `n_atoms` atoms together.
  KstepVerdict check_energies(int n_atoms, const KstepEnergies &energies) const;

 private:
  KstepLimits limits;
  std::vector<JumpRecord::Species> species;
  double kT;

  bool bonds_hold(const KstepMolecules &molecules, int molecule, std::span<const double> x) const;
};

}    // namespace mlff
