// The long-range block of painn-fmm: equations, quadrature and plane waves that its engines share.
//
// After the local layers every atom i sends values V0 = s W_0 and vectors V1 = v W_1 to every other
// atom j of its system, with weights from queries and keys, q.k with q, k = elu(s W) + 1, and
// radial functions sum_t a_t j(kappa_t r) of H heads with C channels:
//
//   s0_i = sum_j (q_i.k_j) a0 j0 V0_j        s1_i = sum_j (q_i.k_j) a3 j1 u.V1_j
//   v0_i = sum_j (q_i.k_j) a2 j0 V1_j        v1_i = sum_j (q_i.k_j) a1 j1 u V0_j
//   s += g_s W_s [s0; s1]                    v += g_v W_v [v0; v1]
//
// with u = (x_i - x_j) / r and spherical Bessel functions j0, j1. The sums include the atom itself
// (j0 = 1, j1 = 0). No sum of weights divides them, so energies of systems far apart add up.
// Direct form: these sums over pairs.
// Linear form: j0(kappa r) and j1(kappa r) u are the means of cos and sin, times the direction, of
// plane waves kappa u.(x_i - x_j) over the sphere, and sums over j become moments that all i share.
// Sources: linear attention by A. Katharopoulos et al. (ICML 2020); plane waves on the sphere for
// rotation-invariant attention by T. Frank et al., "Euclidean fast attention" (2024); the
// quadrature below is new.
//
// Periodic systems: the plane waves are the vectors G of the reciprocal lattice, and the
// frequencies a continuous |G|. With Hann windows h_t(k) = cos^2(pi (k - kappa_t) / 2 D) / N_t for
// |k - kappa_t| < D, D the spacing of the frequencies, N_t their integrals over k > 0,
//
//   j0(kappa_t r) becomes sum_G w_t(G) cos(G.r), j1(kappa_t r) u becomes sum_G w_t(G) G/|G|
//   sin(G.r), w_t(G) = 2 pi^2 h_t(|G|) / (V G^2),
//
// by Poisson's sum what all images send of the integrals over k of h_t(k) j0(k r): Bessel functions
// damped beyond r of about pi / D, which is as far as frequencies D apart tell distances from each
// other. G = 0 is left out, as it is for charges in a neutralising background: the mean over the
// cell of what atoms send does not count. Energies are extensive (a supercell has the same waves
// and some whose moments vanish), and continuous, as their derivatives are, when the cell changes.
// Under a strain of cell and atoms the phases stay and the weights and directions change, which
// makes the virial.
#pragma once

#include "models/long_range/long_range_sizes.h"
#include "potential/potential.h"

#include <vector>

namespace mlff {

/// Directions on half a sphere, for means of functions f(u) = f(-u). Weights sum to 1.
struct SphereRule {
  std::vector<double> u;         ///< [size][3]
  std::vector<double> weight;    ///< [size]
  int size() const { return int(weight.size()); }
};

/// Means of cos(x u.n) and of u sin(x u.n) over the sphere, for every direction n and x up to
/// `phase`, to within `tolerance`: Gauss-Legendre rule in cos(theta), on each ring as many points
/// as Bessel functions of its circumference are of size.
SphereRule sphere_rule(double phase, double tolerance);

/// All plane waves of a block.
struct PlaneWaves {
  std::vector<double> u;         ///< [size][3]
  std::vector<double> kappa;     ///< [size] 1/Å
  std::vector<double> weight;    ///< [size], 1 for each frequency together
  std::vector<int> frequency;    ///< [size] t

  // filled for a reciprocal lattice, whose waves lie between two frequencies; else empty
  std::vector<double> next_weight;    ///< [size] weight for frequency t + 1, or 0 if there is none
  std::vector<double> slope, next_slope;    ///< [size] slopes of both weights: k dw/dk
  int size() const { return int(weight.size()); }
};

/// Rules for phases up to kappa_max * diameter, which is rounded up so that it seldom changes in a
/// simulation, or, with block.directions above 0, the largest that these directions allow. Throws
/// EngineError for a system (of `diameter`, Å) beyond that, and beyond largest_phase: there the
/// mean would depend on how the system is turned.
double phase_of(const LongRangeSizes &block, double diameter, double tolerance);
inline constexpr double largest_phase = 200.0;

/// Every frequency with a rule of its own.
PlaneWaves plane_waves(const LongRangeSizes &block, double phase, double tolerance);

/// Half of the vectors G of the reciprocal lattice of a cell (rows a, b, c, in Å), those with a
/// weight for any frequency; weights are for G and -G together. Throws EngineError where there are
/// none, and where there are more than most_lattice_waves.
PlaneWaves lattice_waves(const LongRangeSizes &block, const double *cell);
inline constexpr int most_lattice_waves = 50000;

/// Radial functions sum_t a_t j(kappa_t r) of all parts (LongRangeRadial) and channels at a
/// distance r in Å: value and slope (1/Å) [4][channels] from radial [T][4][channels], the tensor
/// fmm.<l>.radial.weight.
void long_range_radial_functions(const LongRangeSizes &block, const std::vector<double> &radial,
                                 int channels, double r, double *value, double *slope);

/// Intervals of a cubic spline of these functions for 1 Å and a kappa_max of 1 1/Å: errors below
/// 1e-6 of the weights in values, 1e-5 in slopes.
inline constexpr double knots_per_wave = 10.0;

/// Spacing D of the frequencies, which is the half width of their windows in periodic systems, 1/Å.
double window_width(const LongRangeSizes &block);

/// Integral N_t of a window before it is normalised.
double window_integral(const LongRangeSizes &block, int t);

/// Tolerance of sums over plane waves, below the resolution of single and double precision.
inline double plane_wave_tolerance(bool single)
{
  return single ? 1e-7 : 1e-12;
}

/// Whether the direct form is expected to be the faster one for an open system of n atoms and a
/// diameter in Å, by times measured on one core (doc/guide/longrange.md).
bool direct_is_faster(const LongRangeSizes &block, int features, int n, double diameter,
                      bool single);

/// Names of the radial tensors' parts: rows 4 t + part of fmm.<l>.radial.weight.
enum LongRangeRadial {
  scalar_from_scalar,
  vector_from_scalar,
  vector_from_vector,
  scalar_from_vector
};

}    // namespace mlff
