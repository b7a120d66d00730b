// Checks of finite numbers, training range, bonds and energies.
#include "kstep/kstep_guard.h"

#include "structure/vector3.h"

#include <algorithm>
#include <cmath>

namespace mlff {

namespace {

  bool finite(std::span<const double> values)
  {
    return std::all_of(values.begin(), values.end(), [](double x) {
      return std::isfinite(x);
    });
  }

}    // namespace

KstepLimits KstepLimits::thermal()
{
  KstepLimits limits;
  limits.range = 1.0;
  limits.stretch = 1.5;
  limits.squeeze = 1.5;
  limits.surge = 10.0;
  limits.drift = 3.0;
  return limits;
}

KstepLimits KstepLimits::published()
{
  KstepLimits limits;
  limits.stretch = 2.0;
  limits.kinetic = 10.0;
  limits.rise = 10.364269656262175;
  return limits;
}

KstepGuard::KstepGuard(const KstepLimits &limits, const JumpRecord *record, double kT) :
    limits(limits), kT(kT)
{
  if (record) species = record->species;
}

bool KstepGuard::bonds_hold(const KstepMolecules &molecules, int molecule,
                            std::span<const double> x) const
{
  for (int b = molecules.first_bond[molecule]; b < molecules.first_bond[molecule + 1]; b++) {
    const auto &bond = molecules.bonds[b];
    double d[3];
    for (int a = 0; a < 3; a++) d[a] = x[3 * bond.i + a] - x[3 * bond.j + a];
    const double ratio = norm(d) / bond.length;
    if (!(ratio <= limits.stretch && ratio * limits.squeeze >= 1.0)) return false;
  }
  return true;
}

KstepVerdict KstepGuard::check_way(const KstepMolecules &molecules, int molecule,
                                   const KstepState &start, const KstepState &end,
                                   double stride) const
{
  const int first = molecules.first_atom[molecule], n = molecules.size(molecule);
  for (const auto *list : {&start.v, &start.f, &end.x, &end.v})
    if (!finite(std::span(*list).subspan(3 * first, 3 * n))) return KstepVerdict::not_finite;
  if (std::isfinite(limits.range) && !species.empty()) {
    // the norms of training are in the frame of the centre of mass
    double drift[3];
    drift_of(molecules, molecule, start.v, drift);
    for (int i = first; i < first + n; i++) {
      const auto &training = species[molecules.species[i]];
      double v[3], dx[3], dv[3];
      for (int a = 0; a < 3; a++) {
        const int k = 3 * i + a;
        v[a] = start.v[k] - drift[a];
        dx[a] = end.x[k] - start.x[k] - drift[a] * stride;
        dv[a] = end.v[k] - start.v[k];
      }
      if (norm(v) > limits.range * training.velocity ||
          norm(&start.f[3 * i]) > limits.range * training.force ||
          norm(dx) > limits.range * training.displacement ||
          norm(dv) > limits.range * training.velocity_change)
        return KstepVerdict::range;
    }
  }
  return bonds_hold(molecules, molecule, end.x) ? KstepVerdict::accepted : KstepVerdict::bond;
}

KstepVerdict KstepGuard::check_landing(const KstepMolecules &molecules, int molecule,
                                       const KstepState &end) const
{
  const int first = molecules.first_atom[molecule], n = molecules.size(molecule);
  for (const auto *list : {&end.x, &end.v, &end.f})
    if (!finite(std::span(*list).subspan(3 * first, 3 * n))) return KstepVerdict::not_finite;
  if (!bonds_hold(molecules, molecule, end.x)) return KstepVerdict::bond;
  if (std::isfinite(limits.range) && !species.empty())
    for (int i = first; i < first + n; i++)
      if (norm(&end.f[3 * i]) > limits.range * species[molecules.species[i]].force)
        return KstepVerdict::range;
  return KstepVerdict::accepted;
}

KstepVerdict KstepGuard::check_energies(int n_atoms, const KstepEnergies &energies) const
{
  const double change = energies.change();
  if (!std::isfinite(change)) return KstepVerdict::not_finite;
  const double rise = energies.potential_after - energies.potential_before;
  const double mean = 1.5 * n_atoms * kT;
  if (rise > limits.rise || rise > limits.surge * std::sqrt(1.5 * n_atoms) * kT ||
      energies.kinetic_after > limits.kinetic * mean)
    return KstepVerdict::energy;
  return std::abs(change) <= limits.drift * kT ? KstepVerdict::accepted : KstepVerdict::drift;
}

}    // namespace mlff
