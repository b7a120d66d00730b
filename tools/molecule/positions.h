// Rotation, centre and extent of positions.
#pragma once

#include "structure/vector3.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

namespace mlff {

/// The product of a rotation, row by row, with a vector.
inline Vector3 rotate(const std::array<double, 9> &m, const double *x)
{
  return {m[0] * x[0] + m[1] * x[1] + m[2] * x[2], m[3] * x[0] + m[4] * x[1] + m[5] * x[2],
          m[6] * x[0] + m[7] * x[1] + m[8] * x[2]};
}

/// Puts the centre of mass of positions [n][3] at the origin.
inline void centre(std::vector<double> &positions, const std::vector<double> &masses)
{
  Vector3 sum{};
  double mass = 0.0;
  for (std::size_t i = 0; i < masses.size(); i++) {
    const double m = masses[i];
    mass += m;
    for (int a = 0; a < 3; a++) sum[a] += m * positions[3 * i + a];
  }
  for (std::size_t k = 0; k < positions.size(); k++) positions[k] -= sum[k % 3] / mass;
}

/// The largest distance of positions [n][3] from the origin.
inline double radius(const std::vector<double> &positions)
{
  double largest = 0.0;
  for (std::size_t k = 0; k < positions.size(); k += 3)
    largest = std::max(largest, std::hypot(positions[k], positions[k + 1], positions[k + 2]));
  return largest;
}

}    // namespace mlff
