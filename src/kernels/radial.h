// Radial functions of PaiNN and their derivatives: one place for the kernels, the spline table and
// the checks.
#pragma once

#include "kernels/inline_function.h"

#include <cmath>

namespace mlff {

/// A function of the distance (Å) and its derivative.
struct Radial {
  double value, slope;
};

/// fc(d) = (cos(pi d / cutoff) + 1) / 2 inside the cutoff, 0 outside.
static MLFF_INLINE_FUNCTION Radial cutoff_function(double d, double cutoff)
{
  if (!(d < cutoff)) return {0.0, 0.0};
  const double pi = 3.14159265358979323846, angle = pi * d / cutoff;
  return {0.5 * (elementary::cos(angle) + 1.0), -0.5 * pi / cutoff * elementary::sin(angle)};
}

/// Gaussian k of K at equal distances from 0 to the cutoff, as wide as their spacing: exp(-(d - k
/// spacing)^2 / (2 spacing^2)).
static MLFF_INLINE_FUNCTION Radial radial_function(int k, double d, double spacing)
{
  const double x = (d - k * spacing) / spacing, value = elementary::exp(-0.5 * x * x);
  return {value, -x / spacing * value};
}

/// Place of a distance between the knots of a cubic Hermite spline over 0 .. cutoff: the interval,
/// and the factors of value and of slope times spacing at its begin and its end, all times `on`.
struct SplinePlace {
  int knot;
  double basis[4], slope[4];    ///< slope: derivative of the factors by the distance
};

static MLFF_INLINE_FUNCTION SplinePlace spline_place(double d, double cutoff, int knots, double on)
{
  const double spacing = cutoff / knots, place = d / spacing;
  // d / spacing may round up to the last knot
  const int knot = place < knots ? int(place) : knots - 1;
  const double x = place - knot, x2 = x * x, x3 = x2 * x;
  return {
      knot,
      {on * (2 * x3 - 3 * x2 + 1), on * (x3 - 2 * x2 + x), on * (3 * x2 - 2 * x3), on * (x3 - x2)},
      {on * (6 * x2 - 6 * x) / spacing, on * (3 * x2 - 4 * x + 1) / spacing,
       on * (6 * x - 6 * x2) / spacing, on * (3 * x2 - 2 * x) / spacing}};
}

/// Calls use(k, value, slope) for all K radial functions. From the centre nearest to d each
/// function is the one before times a factor that falls by 1/e, so three exponentials suffice.
template <typename Use>
static inline void radial_functions(int K, double d, double spacing, const Use &use)
{
  const double x = d / spacing, inverse_e = 0.36787944117144233;
  int nearest = int(x + 0.5);    // NOLINT(bugprone-incorrect-roundings): a distance is positive
  nearest = nearest < 0 ? 0 : nearest < K ? nearest : K - 1;
  const double away = x - nearest, start = std::exp(-0.5 * away * away);
  double value = start, factor = std::exp(away - 0.5);
  for (int k = nearest; k < K; k++) {
    use(k, value, (k - x) / spacing * value);
    value *= factor;
    factor *= inverse_e;
  }
  value = start;
  factor = std::exp(-away - 0.5);
  for (int k = nearest - 1; k >= 0; k--) {
    value *= factor;
    factor *= inverse_e;
    use(k, value, (k - x) / spacing * value);
  }
}

}    // namespace mlff
