// Rules of directions, plane waves and radial functions of the long-range block.
#include "models/long_range/long_range.h"

#include "core/errors.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <mutex>
#include <numbers>

namespace mlff {

namespace {

  constexpr double phase_step = 0.5 * std::numbers::pi;

  /// Nodes above zero of the Gauss-Legendre rule with n nodes, n even, and their weights on [-1,
  /// 1].
  void gauss_legendre(int n, std::vector<double> &x, std::vector<double> &weight)
  {
    for (int k = 1; k <= n / 2; k++) {
      double z = std::cos(std::numbers::pi * (k - 0.25) / (n + 0.5)), slope = 1.0;
      for (int turn = 0; turn < 100; turn++) {
        double p0 = 1.0, p1 = z;
        for (int l = 2; l <= n; l++) {
          const double p2 = ((2.0 * l - 1.0) * z * p1 - (l - 1.0) * p0) / l;
          p0 = p1;
          p1 = p2;
        }
        slope = n * (z * p1 - p0) / (z * z - 1.0);
        const double step = p1 / slope;
        z -= step;
        if (std::abs(step) < 1e-15) break;
      }
      x.push_back(z);
      weight.push_back(2.0 / ((1.0 - z * z) * slope * slope));
    }
  }

  /// Smallest order, 1 or more, from which on Bessel functions J of y are below the tolerance.
  int bessel_order(double y, double tolerance)
  {
    int m = std::max(1, int(y));
    while (std::abs(std::cyl_bessel_j(double(m), y)) >= tolerance) m++;
    return m;
  }

  /// Degree above which the spherical waves of a plane wave are below the tolerance.
  int degree(double x, double tolerance)
  {
    int l = std::max(1, int(x));
    while ((2.0 * l + 3.0) * std::abs(std::sph_bessel(unsigned(l + 1), x)) >= tolerance) l++;
    return l;
  }

  std::string text(const char *format, auto... values)
  {
    char words[400];
    std::snprintf(words, sizeof words, format, values...);
    return words;
  }

  /// Largest phase, a multiple of the step, whose rule has at most so many directions on the whole
  /// sphere.
  double phase_of_directions(int directions, double tolerance)
  {
    static std::map<std::pair<int, double>, double> phases;
    static std::mutex mutex;
    const std::lock_guard lock(mutex);
    const auto found = phases.find({directions, tolerance});
    if (found != phases.end()) return found->second;
    double phase = 0.0;
    const double step = 0.25 * phase_step;
    while (phase + step <= largest_phase &&
           2 * sphere_rule(phase + step, tolerance).size() <= directions)
      phase += step;
    return phases[{directions, tolerance}] = phase;
  }

}    // namespace

SphereRule sphere_rule(double phase, double tolerance)
{
  SphereRule rule;
  if (phase <= 0.0) {
    rule.u = {0.0, 0.0, 1.0};
    rule.weight = {1.0};
    return rule;
  }
  // one order more than a plane wave, for the factor u
  const int rings = (degree(phase, tolerance) + 5) / 4;
  std::vector<double> z, share;
  gauss_legendre(2 * rings, z, share);
  for (int k = 0; k < rings; k++) {
    const double radius = std::sqrt(1.0 - z[k] * z[k]);
    const int n = bessel_order(phase * radius, tolerance) + 1;
    for (int m = 0; m < n; m++) {
      const double angle = 2.0 * std::numbers::pi * (m + 0.5 * (k % 2)) / n;
      rule.u.insert(rule.u.end(), {radius * std::cos(angle), radius * std::sin(angle), z[k]});
      rule.weight.push_back(share[k] / n);
    }
  }
  return rule;
}

double phase_of(const LongRangeSizes &block, double diameter, double tolerance)
{
  const double needed = block.kappa_max * diameter;
  if (!(needed <= largest_phase))
    throw EngineError(text("the linear form of the long-range block serves systems up to %.0f Å "
                           "with kappa_max %g 1/Å, this one is %.0f Å across; "
                           "use the direct form, or a potential with a smaller fmm_kappa_max",
                           largest_phase / block.kappa_max, block.kappa_max, diameter));
  if (block.directions == 0) return std::max(1.0, std::ceil(needed / phase_step)) * phase_step;
  const double phase = phase_of_directions(block.directions, tolerance);
  if (needed > phase)
    throw EngineError(
        text("the %d directions of this potential (fmm_directions) serve systems up to %.1f Å with "
             "kappa_max %g 1/Å, this one is %.1f Å across; "
             "use the direct form, or a potential with fmm_directions 0 (as many as needed)",
             block.directions, phase / block.kappa_max, block.kappa_max, diameter));
  return phase;
}

PlaneWaves plane_waves(const LongRangeSizes &block, double phase, double tolerance)
{
  PlaneWaves waves;
  for (int t = 0; t < block.kappa_count; t++) {
    const double kappa = block.kappa(t);
    const auto rule = sphere_rule(phase * kappa / block.kappa_max, tolerance);
    waves.u.insert(waves.u.end(), rule.u.begin(), rule.u.end());
    waves.weight.insert(waves.weight.end(), rule.weight.begin(), rule.weight.end());
    waves.kappa.insert(waves.kappa.end(), rule.size(), kappa);
    waves.frequency.insert(waves.frequency.end(), rule.size(), t);
  }
  return waves;
}

void long_range_radial_functions(const LongRangeSizes &block, const std::vector<double> &radial,
                                 int channels, double r, double *value, double *slope)
{
  std::fill_n(value, 4 * channels, 0.0);
  std::fill_n(slope, 4 * channels, 0.0);
  for (int t = 0; t < block.kappa_count; t++) {
    const double kappa = block.kappa(t), x = kappa * r;
    const double j0 = std::sph_bessel(0, x), j1 = std::sph_bessel(1, x), dj0 = -kappa * j1,
                 dj1 = kappa * (j0 - 2.0 * (x > 1e-4 ? j1 / x : 1.0 / 3.0));
    for (int part = 0; part < 4; part++) {
      const bool even = part == scalar_from_scalar || part == vector_from_vector;
      for (int c = 0; c < channels; c++) {
        const double a = radial[(4 * std::size_t(t) + part) * channels + c];
        value[part * channels + c] += a * (even ? j0 : j1);
        slope[part * channels + c] += a * (even ? dj0 : dj1);
      }
    }
  }
}

double window_width(const LongRangeSizes &block)
{
  return block.kappa_count > 1 ? block.kappa(1) - block.kappa(0) : block.kappa_max;
}

double window_integral(const LongRangeSizes &block, int t)
{
  const double width = window_width(block), below = std::min(block.kappa(t), width),
               turn = std::numbers::pi / width;
  return 0.5 * (width + below + std::sin(turn * below) / turn);
}

PlaneWaves lattice_waves(const LongRangeSizes &block, const double *cell)
{
  const auto cross = [](const double *a, const double *b, double *c) {
    for (int x = 0; x < 3; x++)
      c[x] = a[(x + 1) % 3] * b[(x + 2) % 3] - a[(x + 2) % 3] * b[(x + 1) % 3];
  };
  double reciprocal[3][3], volume = 0.0;
  for (int a = 0; a < 3; a++)
    cross(cell + 3 * ((a + 1) % 3), cell + 3 * ((a + 2) % 3), reciprocal[a]);
  for (int x = 0; x < 3; x++) volume += cell[x] * reciprocal[0][x];
  if (!(std::abs(volume) > 1e-9) || !std::isfinite(volume))
    throw EngineError("the cell vectors of a periodic system span no volume");
  for (auto &row : reciprocal)
    for (double &x : row) x *= 2.0 * std::numbers::pi / volume;
  volume = std::abs(volume);

  const double width = window_width(block), low = std::max(0.0, block.kappa(0) - width),
               high = block.kappa(block.kappa_count - 1) + width;
  const double expected = volume * (high * high * high - low * low * low) /
      (12.0 * std::numbers::pi * std::numbers::pi);
  if (expected > most_lattice_waves)
    throw EngineError(
        text("the long-range block would take about %.0f vectors of the reciprocal lattice in this "
             "cell of %.0f Å^3; accepted: %d at most, "
             "up to %.0f Å^3 with frequencies up to %g 1/Å (fmm_kappa_max and one spacing)",
             expected, volume, most_lattice_waves, volume * most_lattice_waves / expected, high));
  int reach[3];
  for (int a = 0; a < 3; a++)
    reach[a] = int(high * std::hypot(cell[3 * a], cell[3 * a + 1], cell[3 * a + 2]) /
                   (2.0 * std::numbers::pi)) +
        1;
  PlaneWaves waves;
  double shortest = 1e300;
  for (int n0 = 0; n0 <= reach[0]; n0++)
    for (int n1 = n0 > 0 ? -reach[1] : 0; n1 <= reach[1]; n1++)
      for (int n2 = n0 > 0 || n1 > 0 ? -reach[2] : 1; n2 <= reach[2]; n2++) {
        double G[3];
        for (int x = 0; x < 3; x++)
          G[x] = n0 * reciprocal[0][x] + n1 * reciprocal[1][x] + n2 * reciprocal[2][x];
        const double k = std::hypot(G[0], G[1], G[2]);
        shortest = std::min(shortest, k);
        if (k >= high || k <= block.kappa(0) - width) continue;
        const int last = block.kappa_count - 1,
                  t = last > 0 ? std::clamp(int((k - block.kappa(0)) / width), 0, last) : 0;
        const double share = 4.0 * std::numbers::pi * std::numbers::pi / (volume * k * k),
                     turn = std::numbers::pi / width;
        double weight[2] = {0.0, 0.0}, slope[2] = {0.0, 0.0};
        for (int next = 0; next < 2 && t + next <= last; next++) {
          const double y = k - block.kappa(t + next);
          if (std::abs(y) >= width) continue;
          const double norm = window_integral(block, t + next),
                       window = 0.5 * (1.0 + std::cos(turn * y)) / norm;
          weight[next] = share * window;
          slope[next] = -2.0 * share * window - 0.5 * share * k * turn * std::sin(turn * y) / norm;
        }
        for (const double x : G) waves.u.push_back(x / k);
        waves.kappa.push_back(k);
        waves.frequency.push_back(t);
        waves.weight.push_back(weight[0]);
        waves.next_weight.push_back(weight[1]);
        waves.slope.push_back(slope[0]);
        waves.next_slope.push_back(slope[1]);
      }
  if (waves.size() == 0)
    throw EngineError(text("the long-range block sees nothing in this cell: the shortest vector of "
                           "its reciprocal lattice is %.3g 1/Å long, frequencies are from "
                           "%g to %g 1/Å (fmm_kappa_min and _max and one spacing); use a larger "
                           "cell, or a potential with other frequencies",
                           shortest, low, high));
  return waves;
}

bool direct_is_faster(const LongRangeSizes &block, int features, int n, double diameter,
                      bool single)
{
  if (n < 64) return true;
  const double channels = block.channels(features), pairs = 0.5 * double(n) * n;
  if (block.directions == 0 && block.kappa_max * diameter > largest_phase) return true;
  double waves = 0.0;
  for (int t = 0; t < block.kappa_count; t++) {
    // about the number of directions of sphere_rule, of which half are used
    const double x = block.kappa(t) * diameter, order = x > 0.0 ? x + (single ? 12.0 : 20.0) : 0.0;
    waves += block.directions > 0 ? 0.5 * block.directions : 0.2 * order * order + 1.0;
  }
  // nanoseconds of one core with AVX-512 in single precision (doc/guide/longrange.md), of a pair: a
  // head, and eight of its channels; and of an atom and wave. Double precision takes twice as many
  // instructions, and the direct form Bessel functions instead of splines
  const double vectors = std::ceil(channels / block.heads / 8.0);
  const double direct =
      pairs * (2.0 + block.heads * (0.8 * block.key_width + 19.0 * vectors)) * (single ? 1.0 : 4.0);
  const double linear = double(n) * waves * 2.9 * channels * block.key_width * (single ? 1.0 : 2.0);
  return direct <= linear;
}

}    // namespace mlff
