// Repulsive cores of the pairs of a graph: energies, edge gradients, and rows of the Jacobian.
#pragma once

#include "core/result.h"
#include "kernels/zbl.h"
#include "potential/potential.h"

#include <span>
#include <vector>

namespace mlff {

/// Cores of all pairs of elements, [species][species]; empty for a potential without one.
std::vector<ZblPair> core_pairs(const Potential &potential);

/// The cores of a potential's pairs of atoms. Of the energy of a pair each of its atoms has half,
/// so that an edge (i, j) carries half an energy, too, and ghosts need no exchange.
class CorePairs {
 public:
  explicit CorePairs(const Potential &potential) :
      pairs(core_pairs(potential)), n_species(potential.n_species())
  {
  }

  /// Adds energies of atoms (eV) and gradients of edges (eV/Å) to those of a result. Returns
  /// whether there were any: beyond the outer radii, an edge costs a comparison.
  bool add(const Graph &graph, Result &result) const;

  /// Adds dF_k/dx (eV/Å^2) of the component k = 3 * centre + axis of each structure to `row`
  /// [n_centres][3]; for systems without ghosts.
  void add_jacobian_rows(const Graph &graph, std::span<const int> component, double *row) const;

 private:
  std::vector<ZblPair> pairs;
  int n_species;

  /// The core of an edge, null where the edge is beyond its outer radius.
  const ZblPair *core_of(const Graph &graph, int centre, int edge) const;
};

}    // namespace mlff
