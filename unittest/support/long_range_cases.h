// Potentials with a long-range block, structures that are large enough for one, and what an engine
// makes of them.
#pragma once

#include "core/engine.h"
#include "support/random_potential.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace mlff_test {

using namespace mlff;

inline double largest(const std::vector<double> &values)
{
  double m = 0.0;
  for (const double x : values) m = std::max(m, std::abs(x));
  return m;
}

inline Potential long_range(const LongRangeSizes &block_sizes,
                            const PainnSizes &sizes = {8, 2, 6, 1e-2}, unsigned seed = 5)
{
  Potential potential = random_potential(sizes, {6, 8, 1}, 3.0, seed, &block_sizes);
  // gates of order one, so that the block counts
  for (auto &[name, tensor] : potential.tensors)
    if (name.ends_with("_gate"))
      for (double &x : tensor.values) x = float(0.5 + 5.0 * x);
  return potential;
}

inline LongRangeSizes sizes_of(int layers, double kappa_max = 1.0)
{
  LongRangeSizes block_sizes;
  block_sizes.layers = layers;
  block_sizes.heads = 2;
  block_sizes.key_width = 4;
  block_sizes.value_width = 3;
  block_sizes.kappa_count = 4;
  block_sizes.kappa_max = kappa_max;
  return block_sizes;
}

struct Evaluated {
  std::vector<double> energy, atom_energy, forces, position_gradient, strain_gradient;
  std::vector<double> strain;    // [6] dE/dstrain of everything
};

inline Evaluated evaluate(Engine &engine, const Potential &potential,
                          const std::vector<Structure> &structures)
{
  GraphStorage graph;
  for (const auto &structure : structures)
    append_graph(structure, potential.elements, potential.cutoff, graph);
  Result result;
  engine.evaluate(graph.view(), result);
  Evaluated out{result.energy,          result.atom_energy,         {}, result.position_gradient,
                result.strain_gradient, std::vector<double>(6, 0.0)};
  sum_forces(graph.view(), result, out.forces);
  const int first[6] = {0, 1, 2, 0, 0, 1}, second[6] = {0, 1, 2, 1, 2, 2};
  for (int k = 0; k < 6; k++) {
    for (std::size_t e = 0; e < graph.neighbor.size(); e++)
      out.strain[k] += 0.5 *
          (graph.r[3 * e + first[k]] * result.gradient[3 * e + second[k]] +
           graph.r[3 * e + second[k]] * result.gradient[3 * e + first[k]]);
    for (std::size_t i = 0; i < result.strain_gradient.size() / 6; i++)
      out.strain[k] += result.strain_gradient[6 * i + k];
  }
  return out;
}

/// Two clusters `apart` Å away from each other.
inline Structure two_clusters(double apart, unsigned seed = 3, int n = 7)
{
  Structure both = random_structure(n, seed), other = random_structure(n + 2, seed + 1);
  for (int i = 0; i < other.n_atoms(); i++) {
    both.numbers.push_back(other.numbers[i]);
    for (int a = 0; a < 3; a++)
      both.positions.push_back(other.positions[3 * i + a] + (a == 0 ? apart : 0.3 * a));
  }
  return both;
}

inline Structure turned(const Structure &structure, double a, double b, double c)
{
  Structure out = structure;
  const double ca = std::cos(a), sa = std::sin(a), cb = std::cos(b), sb = std::sin(b),
               cc = std::cos(c), sc = std::sin(c);
  const double R[9] = {ca * cb,
                       ca * sb * sc - sa * cc,
                       ca * sb * cc + sa * sc,
                       sa * cb,
                       sa * sb * sc + ca * cc,
                       sa * sb * cc - ca * sc,
                       -sb,
                       cb * sc,
                       cb * cc};
  for (int k = 0; k < 9; k++) {
    out.cell[k] = 0.0;
    for (int x = 0; x < 3; x++) out.cell[k] += R[3 * (k % 3) + x] * structure.cell[3 * (k / 3) + x];
  }
  for (auto [from, to] :
       {std::pair{&structure.positions, &out.positions}, std::pair{&structure.forces, &out.forces}})
    for (std::size_t i = 0; i < from->size() / 3; i++)
      for (int x = 0; x < 3; x++)
        (*to)[3 * i + x] = R[3 * x] * (*from)[3 * i] + R[3 * x + 1] * (*from)[3 * i + 1] +
            R[3 * x + 2] * (*from)[3 * i + 2];
  return out;
}

/// Vectors of a triclinic cell.
constexpr std::array<double, 9> oblique = {9.1, 0.3, -0.2, 1.7, 8.2, 0.4, -1.1, 0.9, 10.3};
constexpr std::array<bool, 3> everywhere = {true, true, true};

}    // namespace mlff_test
