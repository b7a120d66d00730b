// Result: energies and derivatives that an evaluation gives, and operations on them.
#pragma once

#include "core/graph.h"

#include <array>
#include <vector>

namespace mlff {

struct Result {
  std::vector<double> energy;         ///< [n_structures] eV, summed in fixed order
  std::vector<double> atom_energy;    ///< [n_centres] eV
  /// [n_edges][3] dE/dr, eV/Å: F_i += g, F_j -= g, virial_ab -= r_a g_b
  std::vector<double> gradient;

  /// [n_centres][3] dE/dx of the long-range block, eV/Å: F_i -= g, and, in open structures,
  /// virial_ab -= x_a g_b. Its sum over a structure is zero. Empty for models of edges alone.
  std::vector<double> position_gradient;

  /// [n_centres][6] xx, yy, zz, xy, xz, yz of dE/dstrain of the long-range block in periodic
  /// structures, eV: virial -= g. Of every atom that of the sums it receives; zeros in open
  /// structures. Empty where the graph has no cells, and for models of edges alone.
  std::vector<double> strain_gradient;
};

/// Sizes for a graph: energies of atoms to fill in, a gradient of zeros, and nothing of a
/// long-range block.
void begin_result(const Graph &graph, Result &result);

/// Sums atom energies per structure in atom order; throws StateError naming the first structure
/// whose energy is not finite.
void sum_energies(const Graph &graph, Result &result);

/// Throws EngineError where the graph lacks the positions that a model with a long-range block
/// needs.
void check_positions(const Graph &graph);

/// Adds dE/dstrain of a structure (eV), made symmetric, times `factor` to a row-major matrix. For
/// structures without ghosts that are periodic in all directions, and, of models of edges alone,
/// for any. The stress is this over the volume of the cell, tension positive.
void add_strain_gradient(const Graph &graph, const Result &result, int structure, double factor,
                         std::array<double, 9> &sum);

/// Forces of all centres, [n_centres][3] eV/Å, from edge gradients; for systems without ghosts.
void sum_forces(const Graph &graph, const Result &result, std::vector<double> &forces);

}    // namespace mlff
