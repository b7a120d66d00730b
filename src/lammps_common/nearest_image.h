// Vectors between atoms under periodic boundary conditions.

#ifndef LMP_NEAREST_IMAGE_H
#define LMP_NEAREST_IMAGE_H

#include "domain.h"

#include <array>
#include <cmath>

namespace LAMMPS_NS {

// vector from an atom to the nearest periodic image of another
inline std::array<double, 3> nearest_image(Domain *domain, const double *from, const double *to)
{
  double d[3] = {to[0] - from[0], to[1] - from[1], to[2] - from[2]};
  domain->minimum_image(FLERR, d);
  return {d[0], d[1], d[2]};
}

inline double square(const std::array<double, 3> &d)
{
  return d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
}

inline double length(const std::array<double, 3> &d)
{
  return std::sqrt(square(d));
}

}    // namespace LAMMPS_NS

#endif
