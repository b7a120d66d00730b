// Rotations of structures.
#include "structure/rotation.h"

#include <cmath>
#include <numbers>

namespace mlff {

std::array<double, 9> random_rotation(std::mt19937 &generator)
{
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  const double u = uniform(generator), a = 2 * std::numbers::pi * uniform(generator),
               b = 2 * std::numbers::pi * uniform(generator);
  const double x = std::sqrt(1 - u) * std::sin(a), y = std::sqrt(1 - u) * std::cos(a),
               z = std::sqrt(u) * std::sin(b), w = std::sqrt(u) * std::cos(b);
  return {1 - 2 * (y * y + z * z), 2 * (x * y - z * w),     2 * (x * z + y * w),
          2 * (x * y + z * w),     1 - 2 * (x * x + z * z), 2 * (y * z - x * w),
          2 * (x * z - y * w),     2 * (y * z + x * w),     1 - 2 * (x * x + y * y)};
}

}    // namespace mlff
