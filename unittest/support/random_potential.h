// Small potentials with random weights, and structures to try them on.
#pragma once

#include "models/random_model.h"
#include "structure/structure.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace mlff_test {

using mlff::random_potential;
using mlff::Uniform;

/// Atoms at random with at least 0.9 Å between them (images included), in a cube of 9.5 Å^3 per
/// atom or the cell given.
inline mlff::Structure random_structure(int n, unsigned seed, std::array<double, 9> cell = {},
                                        std::array<bool, 3> periodic = {},
                                        std::vector<int> elements = {6, 8, 1})
{
  Uniform uniform(seed);
  mlff::Structure structure;
  structure.cell = cell;
  structure.periodic = periodic;
  const bool has_cell = periodic[0] || periodic[1] || periodic[2];
  const double edge = std::cbrt(9.5 * n);
  const std::array<double, 9> box =
      has_cell ? cell : std::array<double, 9>{edge, 0, 0, 0, edge, 0, 0, 0, edge};
  while (structure.n_atoms() < n) {
    double fraction[3], x[3] = {0, 0, 0};
    for (double &f : fraction) f = 0.5 * (uniform() + 1.0);
    for (int a = 0; a < 3; a++)
      for (int c = 0; c < 3; c++) x[c] += fraction[a] * box[3 * a + c];
    bool free = true;
    for (int j = 0; j < structure.n_atoms() && free; j++)
      for (int k = 0; k < 27 && free; k++) {
        const int image[3] = {k / 9 - 1, k / 3 % 3 - 1, k % 3 - 1};
        double square = 0.0;
        for (int c = 0; c < 3; c++) {
          double d = x[c] - structure.positions[3 * j + c];
          for (int a = 0; a < 3; a++)
            if (periodic[a]) d += image[a] * box[3 * a + c];
          square += d * d;
        }
        if (square < 0.81) free = false;
      }
    if (!free) continue;
    structure.positions.insert(structure.positions.end(), x, x + 3);
    structure.numbers.push_back(elements[structure.numbers.size() % elements.size()]);
  }
  return structure;
}

inline double largest_difference(const std::vector<double> &a, const std::vector<double> &b)
{
  EXPECT_EQ(a.size(), b.size());
  double m = 0.0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); i++)
    m = std::max(m, std::abs(a[i] - b[i]));
  return m;
}

}    // namespace mlff_test
