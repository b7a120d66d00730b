// Virial of a force at a place.

#ifndef LMP_SYMMETRIC_VIRIAL_H
#define LMP_SYMMETRIC_VIRIAL_H

#include <array>

namespace LAMMPS_NS {

// xx yy zz xy xz yz of the symmetric part of r f, the only one that sums over atoms have
inline std::array<double, 6> symmetric_virial(const double *r, const double *f)
{
  return {r[0] * f[0],
          r[1] * f[1],
          r[2] * f[2],
          0.5 * (r[0] * f[1] + r[1] * f[0]),
          0.5 * (r[0] * f[2] + r[2] * f[0]),
          0.5 * (r[1] * f[2] + r[2] * f[1])};
}

// adds xx yy zz xy xz yz yx zx zy of r f, in the order of Pair::cvatom
inline void add_virial(const double *r, const double *f, double *sum)
{
  constexpr int first[9] = {0, 1, 2, 0, 0, 1, 1, 2, 2}, second[9] = {0, 1, 2, 1, 2, 2, 0, 0, 1};
  for (int k = 0; k < 9; k++) sum[k] += r[first[k]] * f[second[k]];
}

// adds a symmetric virial xx yy zz xy xz yz in that order
inline void add_virial(const double *six, double *sum)
{
  for (int k = 0; k < 9; k++) sum[k] += six[k < 6 ? k : k - 3];
}

}    // namespace LAMMPS_NS

#endif
