// The molecules that jump, for the parts of fix kstep/hybrid without LAMMPS. Units: Å, ps, g/mol,
// eV.
#pragma once

#include "core/units.h"

#include <span>
#include <string>
#include <vector>

namespace mlff {

struct KstepBond {
  int i, j;         ///< atoms
  double length;    ///< unstrained length, Å
};

/// All atoms that jump, molecule after molecule. Molecules do not interact in a jump.
struct KstepMolecules {
  std::vector<int> first_atom = {0};    ///< [n_molecules + 1]
  std::vector<int> numbers;             ///< [n] atomic numbers
  std::vector<int> species;             ///< [n] species of the potential
  std::vector<double> mass;             ///< [n]
  std::vector<KstepBond> bonds;         ///< molecule after molecule
  std::vector<int> first_bond = {0};    ///< [n_molecules + 1]
  /// (g/mol) Å²/ps² in eV, with the digits of the program around
  double energy_unit = 1.0 / eV_in_amu_square_angstrom_per_square_ps;

  int n_molecules() const { return int(first_atom.size()) - 1; }
  int n_atoms() const { return first_atom.back(); }
  int size(int molecule) const { return first_atom[molecule + 1] - first_atom[molecule]; }
};

/// Positions of whole molecules, velocities and forces of all their atoms, [n][3].
struct KstepState {
  std::vector<double> x, v, f;

  void resize(int n)
  {
    for (auto *list : {&x, &v, &f}) list->resize(3 * std::size_t(n));
  }
};

/// eV, of one molecule.
double kinetic_energy(const KstepMolecules &molecules, int molecule, std::span<const double> v);

/// eV, of molecules first .. last-1, summed in their order.
double kinetic_energy(const KstepMolecules &molecules, int first, int last,
                      std::span<const double> v);

/// Velocity of its centre of mass.
void drift_of(const KstepMolecules &molecules, int molecule, std::span<const double> v,
              double drift[3]);

}    // namespace mlff
