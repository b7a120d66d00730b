#include "fmm.h"

#include "engine.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <mutex>
#include <numbers>

namespace mlff {

namespace {

  constexpr double phase_step = 0.5 * std::numbers::pi;

  /// Nodes above zero of the Gauss-Legendre rule with n nodes, n even, and their weights on [-1, 1].
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

  /// Largest phase, a multiple of the step, whose rule has at most so many directions on the whole sphere.
  double phase_of_directions(int directions, double tolerance)
  {
    static std::map<std::pair<int, double>, double> known;
    static std::mutex mutex;
    const std::lock_guard lock(mutex);
    const auto found = known.find({directions, tolerance});
    if (found != known.end()) return found->second;
    double phase = 0.0;
    const double step = 0.25 * phase_step;
    while (phase + step <= largest_phase && 2 * sphere_rule(phase + step, tolerance).size() <= directions) phase += step;
    return known[{directions, tolerance}] = phase;
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

double phase_of(const FmmSizes &fmm, double diameter, double tolerance)
{
  const double needed = fmm.kappa_max * diameter;
  if (!(needed <= largest_phase))
    throw EngineError(text("the linear form of the long-range block serves systems up to %.0f Å with kappa_max %g 1/Å, this one is %.0f Å across; "
                           "use the direct form, or a potential with a smaller fmm_kappa_max",
                           largest_phase / fmm.kappa_max, fmm.kappa_max, diameter));
  if (fmm.directions == 0) return std::max(1.0, std::ceil(needed / phase_step)) * phase_step;
  const double phase = phase_of_directions(fmm.directions, tolerance);
  if (needed > phase)
    throw EngineError(text("the %d directions of this potential (fmm_directions) serve systems up to %.1f Å with kappa_max %g 1/Å, this one is %.1f Å across; "
                           "use the direct form, or a potential with fmm_directions 0 (as many as needed)",
                           fmm.directions, phase / fmm.kappa_max, fmm.kappa_max, diameter));
  return phase;
}

PlaneWaves plane_waves(const FmmSizes &fmm, double phase, double tolerance)
{
  PlaneWaves waves;
  for (int t = 0; t < fmm.kappa_count; t++) {
    const double kappa = fmm.kappa(t);
    const auto rule = sphere_rule(phase * kappa / fmm.kappa_max, tolerance);
    waves.u.insert(waves.u.end(), rule.u.begin(), rule.u.end());
    waves.weight.insert(waves.weight.end(), rule.weight.begin(), rule.weight.end());
    waves.kappa.insert(waves.kappa.end(), rule.size(), kappa);
    waves.frequency.insert(waves.frequency.end(), rule.size(), t);
  }
  return waves;
}

bool direct_is_faster(const FmmSizes &fmm, int features, int n, double diameter, bool single)
{
  if (n < 64) return true;
  const double channels = fmm.channels(features), pairs = 0.5 * double(n) * n;
  if (fmm.directions == 0 && fmm.kappa_max * diameter > largest_phase) return true;
  double waves = 0.0;
  for (int t = 0; t < fmm.kappa_count; t++) {
    // about the number of directions of sphere_rule, of which half are used
    const double x = fmm.kappa(t) * diameter, order = x > 0.0 ? x + (single ? 12.0 : 20.0) : 0.0;
    waves += fmm.directions > 0 ? 0.5 * fmm.directions : 0.2 * order * order + 1.0;
  }
  // per pair and channel, and per atom, wave, channel and row of a key
  const double direct = pairs * (channels * (4.0 * fmm.kappa_count + 30.0) + 20.0 * fmm.kappa_count);
  const double linear = double(n) * waves * (channels * fmm.key_width * 40.0 + 60.0);
  return direct <= linear;
}

}    // namespace mlff
