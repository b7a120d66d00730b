// Sums of repulsive cores over the edges of a graph.
#include "engine/repulsion/core_pairs.h"

#include "core/units.h"

#include <cmath>

namespace mlff {

namespace {

  /// Z_i Z_j e^2 / (4 pi epsilon_0) is this times Z_i Z_j, eV Å.
  constexpr double coulomb = hartree_in_eV * bohr_in_angstrom;

  ZblPair zbl_pair(int number, int other, const CoreRadii &radii)
  {
    ZblPair pair;
    pair.inner = radii.inner;
    pair.outer = radii.outer;
    pair.charge = coulomb * number * other;
    pair.decay = (std::pow(number, 0.23) + std::pow(other, 0.23)) / 0.46850;
    // A, B and C cancel energy, slope and curvature at the outer radius
    const PairEnergy end = screened_repulsion(pair, radii.outer);
    const double t = radii.outer - radii.inner;
    pair.A = (-3.0 * end.slope + t * end.curvature) / (t * t);
    pair.B = (2.0 * end.slope - t * end.curvature) / (t * t * t);
    pair.C = -end.value + 0.5 * t * end.slope - t * t * end.curvature / 12.0;
    return pair;
  }

  /// Adds half of a core to the gradient of its edge [3]; returns half of its energy. Never
  /// inlined, so that no loop of edges is compiled to vectors: an edge's bits would depend on how
  /// many are evaluated together.
  [[gnu::noinline]] double add_core(const ZblPair &pair, const double *r, double *gradient)
  {
    const double d = std::sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]);
    const PairEnergy energy = core_energy(pair, d);
    for (int a = 0; a < 3; a++) gradient[a] += 0.5 * energy.slope * r[a] / d;
    return 0.5 * energy.value;
  }

}    // namespace

std::vector<ZblPair> core_pairs(const Potential &potential)
{
  std::vector<ZblPair> pairs;
  const std::size_t n = potential.elements.size();
  for (std::size_t k = 0; k < potential.core.size(); k++)
    pairs.push_back(
        zbl_pair(potential.elements[k / n], potential.elements[k % n], potential.core[k]));
  return pairs;
}

const ZblPair *CorePairs::core_of(const Graph &graph, int centre, int edge) const
{
  const ZblPair &pair =
      pairs[std::size_t(graph.species[centre]) * n_species + graph.species[graph.neighbor[edge]]];
  const double *r = &graph.r[3 * std::size_t(edge)];
  return r[0] * r[0] + r[1] * r[1] + r[2] * r[2] < pair.outer * pair.outer ? &pair : nullptr;
}

bool CorePairs::add(const Graph &graph, Result &result) const
{
  bool any = false;
  for (int i = 0; i < graph.n_centres(); i++) {
    double sum = 0.0;
    bool found = false;
    for (int e = graph.first_edge[i]; e < graph.first_edge[i + 1]; e++) {
      const ZblPair *pair = core_of(graph, i, e);
      if (!pair) continue;
      found = true;
      sum += add_core(*pair, &graph.r[3 * std::size_t(e)], &result.gradient[3 * std::size_t(e)]);
    }
    if (found) result.atom_energy[i] += sum;
    any = any || found;
  }
  return any;
}

void CorePairs::add_jacobian_rows(const Graph &graph, std::span<const int> component,
                                  double *row) const
{
  for (const int k : component) {
    const int i = k / 3, axis = k % 3;
    // both edges of a pair give half, so that the edges of the centre alone give all of its force
    for (int e = graph.first_edge[i]; e < graph.first_edge[i + 1]; e++) {
      const ZblPair *pair = core_of(graph, i, e);
      if (!pair) continue;
      const double *r = &graph.r[3 * std::size_t(e)];
      const double d = std::sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]);
      const PairEnergy energy = core_energy(*pair, d);
      for (int a = 0; a < 3; a++) {
        const double along = r[axis] * r[a] / (d * d),
                     second = energy.curvature * along +
            energy.slope / d * ((a == axis ? 1.0 : 0.0) - along);
        row[3 * std::size_t(graph.neighbor[e]) + a] += second;
        row[3 * std::size_t(i) + a] -= second;
      }
    }
  }
}

}    // namespace mlff
