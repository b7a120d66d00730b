// Radial functions of PaiNN and their derivatives: one place for the kernels, the spline table and the checks.
#pragma once

#include <cmath>

namespace mlff {

/// A function of the distance (Å) and its derivative.
struct Radial {
  double value, slope;
};

/// fc(d) = (cos(pi d / cutoff) + 1) / 2 inside the cutoff, 0 outside.
static inline Radial cutoff_function(double d, double cutoff)
{
  if (!(d < cutoff)) return {0.0, 0.0};
  const double pi = 3.14159265358979323846, angle = pi * d / cutoff;
  return {0.5 * (std::cos(angle) + 1.0), -0.5 * pi / cutoff * std::sin(angle)};
}

/// Gaussian k of K at equal distances from 0 to the cutoff, as wide as their spacing: exp(-(d - k spacing)^2 / (2 spacing^2)).
static inline Radial radial_function(int k, double d, double spacing)
{
  const double x = (d - k * spacing) / spacing, value = std::exp(-0.5 * x * x);
  return {value, -x / spacing * value};
}

}    // namespace mlff
