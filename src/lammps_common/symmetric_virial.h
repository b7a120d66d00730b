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

}    // namespace LAMMPS_NS

#endif
