// The six components of a stress, and the check of its symmetry.
#include "structure/stress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace mlff {

namespace {

  constexpr int upper[3] = {1, 2, 5}, lower[3] = {3, 6, 7};    // xy, xz, yz and yx, zx, zy
  constexpr const char *names[3] = {"xy", "xz", "yz"};

}    // namespace

bool can_have_stress(const Structure &structure)
{
  return structure.periodic == std::array{true, true, true};
}

std::array<double, 6> six_components(const std::array<double, 9> &matrix)
{
  std::array<double, 6> components = {matrix[0], matrix[4], matrix[8]};
  for (int k = 0; k < 3; k++) components[3 + k] = 0.5 * (matrix[upper[k]] + matrix[lower[k]]);
  return components;
}

double asymmetry(const std::array<double, 9> &stress)
{
  double largest = 0.0;
  for (int k = 0; k < 3; k++)
    largest = std::max(largest, std::abs(stress[upper[k]] - stress[lower[k]]));
  return largest;
}

bool is_symmetric(const std::array<double, 9> &stress)
{
  double largest = 0.0;
  for (const double x : stress) largest = std::max(largest, std::abs(x));
  return asymmetry(stress) <= std::max(1e-5, 1e-3 * largest);
}

std::string stress_fault(const Structure &structure)
{
  if (!structure.stress || is_symmetric(*structure.stress)) return "";
  const auto &stress = *structure.stress;
  int worst = 0;
  const auto difference = [&](int k) {
    return std::abs(stress[upper[k]] - stress[lower[k]]);
  };
  for (int k = 1; k < 3; k++)
    if (difference(k) > difference(worst)) worst = k;
  char text[200];
  std::snprintf(text, sizeof text,
                "the stress is not symmetric: its component %s is %.6g eV/Å^3, and its transpose "
                "is %.6g eV/Å^3; expected the same",
                names[worst], stress[upper[worst]], stress[lower[worst]]);
  return text;
}

}    // namespace mlff
