// The repulsive core of a pair of atoms and its derivatives: one place for the engines and a Kokkos
// device. J. Ziegler, J. Biersack, U. Littmark, The Stopping and Range of Ions in Matter (Pergamon,
// 1985); the switching function is that of LAMMPS' pair_style zbl, by its documentation.
#pragma once

#include "kernels/inline_function.h"

#include <cmath>

namespace mlff {

/// Energy of a pair of atoms, eV, and its first two derivatives by the distance in Å.
struct PairEnergy {
  double value, slope, curvature;
};

/// The core of one pair of elements. Without one `outer` is 0.
struct ZblPair {
  double inner = 0.0, outer = 0.0;    ///< radii, Å: the switching function acts between them
  double charge = 0.0;                ///< Z_i Z_j e^2 / (4 pi epsilon_0), eV Å
  double decay = 0.0;                 ///< inverse of the screening length, 1/Å

  // the switching function is A t^3 / 3 + B t^4 / 4 + C with t = d - inner, and C below `inner`
  double A = 0.0, B = 0.0, C = 0.0;
};

/// The repulsion Z_i Z_j e^2 / (4 pi epsilon_0 d) phi(d decay), without the switching function.
static MLFF_INLINE_FUNCTION PairEnergy screened_repulsion(const ZblPair &pair, double d)
{
  const double factor[4] = {0.18175, 0.50986, 0.28022, 0.02817},
               rate[4] = {3.19980, 0.94229, 0.40290, 0.20162};
  double phi = 0.0, slope = 0.0, curvature = 0.0;
  for (int k = 0; k < 4; k++) {
    const double b = rate[k] * pair.decay, term = factor[k] * elementary::exp(-b * d);
    phi += term;
    slope -= b * term;
    curvature += b * b * term;
  }
  const double scale = pair.charge / d;
  return {scale * phi, scale * (slope - phi / d),
          scale * (curvature - 2.0 * slope / d + 2.0 * phi / (d * d))};
}

/// The core of atoms at a distance d below `outer`, where energy, force and curvature vanish.
static MLFF_INLINE_FUNCTION PairEnergy core_energy(const ZblPair &pair, double d)
{
  PairEnergy energy = screened_repulsion(pair, d);
  energy.value += pair.C;
  if (d > pair.inner) {
    const double t = d - pair.inner;
    energy.value += t * t * t * (pair.A / 3.0 + pair.B / 4.0 * t);
    energy.slope += t * t * (pair.A + pair.B * t);
    energy.curvature += t * (2.0 * pair.A + 3.0 * pair.B * t);
  }
  return energy;
}

}    // namespace mlff
