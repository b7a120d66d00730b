// Internal velocities of molecules, and their rescaling.
#include "kstep/kstep_conservation.h"

#include "models/jump/jump.h"

#include <algorithm>
#include <cmath>

namespace mlff {

double rescale_internal(const KstepMolecules &molecules, int molecule, std::span<const double> x,
                        std::span<double> v, double gain)
{
  const int first = molecules.first_atom[molecule], n = molecules.size(molecule);
  const auto mass = std::span(molecules.mass).subspan(first, n);
  const auto place = x.subspan(3 * first, 3 * n);
  double drift[3];
  drift_of(molecules, molecule, v, drift);
  std::vector<double> internal(3 * n);
  for (int k = 0; k < 3 * n; k++) internal[k] = v[3 * first + k] - drift[k % 3];
  // A reference state without rotation, so that restoring its angular momentum removes the
  // rotation.
  const std::vector<double> still(3 * n, 0.0);
  restore_angular_momentum(mass, place, still, place, internal);

  double kinetic = 0.0;
  for (int k = 0; k < 3 * n; k++) kinetic += mass[k / 3] * internal[k] * internal[k];
  kinetic *= 0.5 * molecules.energy_unit;
  if (!(kinetic > 0.0)) return 1.0;
  const double factor = std::clamp(std::sqrt(std::max(0.0, 1.0 + gain / kinetic)), 0.9, 1.1);
  for (int k = 0; k < 3 * n; k++) v[3 * first + k] += (factor - 1.0) * internal[k];
  return factor;
}

double rescale_to_energy(const KstepMolecules &molecules, int first, int last,
                         std::span<const double> x, std::span<double> v, double gain)
{
  const double before = kinetic_energy(molecules, first, last, v);
  for (int m = first; m < last; m++) {
    const double share = last - first > 1 && before > 0.0 ? kinetic_energy(molecules, m, v) / before
                                                          : 1.0;
    rescale_internal(molecules, m, x, v, share * gain);
  }
  return kinetic_energy(molecules, first, last, v);
}

}    // namespace mlff
