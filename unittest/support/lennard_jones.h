// Lennard-Jones of atoms with any cell, for tests: energy, forces and virial by sums over images.
#pragma once

#include <array>
#include <cmath>
#include <span>
#include <vector>

namespace mlff_test {

struct LennardJones {
  double epsilon = 0.01, sigma = 3.0, cutoff = 6.0;    ///< eV, Å, Å; shifted to 0 at the cutoff

  struct Result {
    double energy = 0.0;
    std::vector<double> forces;
    std::array<double, 9> virial{};
  };

  /// cell: rows a, b, c; heights of periodic cells must be above the cutoff over `images`.
  Result operator()(std::span<const double> x, const std::array<double, 9> &cell,
                    const std::array<bool, 3> &periodic, int images = 3) const
  {
    Result result;
    result.forces.assign(x.size(), 0.0);
    const auto range = [&](int a) {
      return periodic[a] ? images : 0;
    };
    for (std::size_t i = 0; i < x.size(); i += 3)
      for (std::size_t j = 0; j < x.size(); j += 3)
        for (int p = -range(0); p <= range(0); p++)
          for (int q = -range(1); q <= range(1); q++)
            for (int r = -range(2); r <= range(2); r++) {
              if (i == j && p == 0 && q == 0 && r == 0) continue;
              std::array<double, 3> d;
              for (int a = 0; a < 3; a++)
                d[a] = x[j + a] - x[i + a] + p * cell[a] + q * cell[3 + a] + r * cell[6 + a];
              add(result, i, d);
            }
    return result;
  }

 private:
  double energy_at(double r2) const
  {
    const double s6 = std::pow(sigma * sigma / r2, 3);
    return 4.0 * epsilon * (s6 * s6 - s6);
  }

  /// Half of a pair: every pair comes twice.
  void add(Result &result, std::size_t i, const std::array<double, 3> &d) const
  {
    const double r2 = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
    if (r2 >= cutoff * cutoff) return;
    const double s6 = std::pow(sigma * sigma / r2, 3);
    result.energy += 0.5 * (energy_at(r2) - energy_at(cutoff * cutoff));
    const double slope = -24.0 * epsilon * (2.0 * s6 * s6 - s6) / r2;    // derivative over distance
    for (int a = 0; a < 3; a++) {
      result.forces[i + a] += slope * d[a];
      for (int b = 0; b < 3; b++) result.virial[3 * a + b] -= 0.5 * slope * d[a] * d[b];
    }
  }
};

}    // namespace mlff_test
