// Energies and drifts of molecules.
#include "kstep/kstep_molecules.h"

namespace mlff {

double kinetic_energy(const KstepMolecules &molecules, int molecule, std::span<const double> v)
{
  double sum = 0.0;
  for (int i = molecules.first_atom[molecule]; i < molecules.first_atom[molecule + 1]; i++)
    for (int a = 0; a < 3; a++) sum += molecules.mass[i] * v[3 * i + a] * v[3 * i + a];
  return 0.5 * sum * molecules.energy_unit;
}

double kinetic_energy(const KstepMolecules &molecules, int first, int last,
                      std::span<const double> v)
{
  double sum = 0.0;
  for (int m = first; m < last; m++) sum += kinetic_energy(molecules, m, v);
  return sum;
}

void drift_of(const KstepMolecules &molecules, int molecule, std::span<const double> v,
              double drift[3])
{
  double total = 0.0;
  drift[0] = drift[1] = drift[2] = 0.0;
  for (int i = molecules.first_atom[molecule]; i < molecules.first_atom[molecule + 1]; i++) {
    total += molecules.mass[i];
    for (int a = 0; a < 3; a++) drift[a] += molecules.mass[i] * v[3 * i + a];
  }
  for (int a = 0; a < 3; a++) drift[a] /= total;
}

}    // namespace mlff
