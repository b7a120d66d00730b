// The neighbor graph: everything an engine gets to see of a system.
#pragma once

#include <span>
#include <vector>

namespace mlff {

/// Neighbor graph of one or more structures. Lengths in Å. Nothing here knows boxes, images or
/// ranks. Atoms with edges of their own (centres) come first and are numbered 0 .. n_centres-1 over
/// all structures; atoms of other ranks (ghosts, only ever with one structure) follow.
struct Graph {
  /// [n_structures + 1] centres of structure s are first_atom[s] .. first_atom[s+1]-1
  std::span<const int> first_atom;
  std::span<const int> species;       ///< [n_atoms] index into Potential::elements
  std::span<const int> first_edge;    ///< [n_centres + 1] edges sorted by centre (compressed rows)
  std::span<const int> neighbor;      ///< [n_edges] atom j of edge (i, j)
  std::span<const double> r;          ///< [n_edges][3] x_j - x_i

  /// [n_centres][3] positions, from any origin and in any image. Empty where only models of edges
  /// are served. Not numbers in structures that are periodic in some directions only. Models with
  /// ModelKind::needs_positions throw in both cases.
  std::span<const double> position;

  /// [n_structures][9] vectors a, b, c of the cell of each structure that is periodic in all
  /// directions, zeros for one that is open. Empty where all are open.
  std::span<const double> cell;

  int n_structures() const { return first_atom.empty() ? 0 : int(first_atom.size()) - 1; }
  int n_centres() const { return first_edge.empty() ? 0 : int(first_edge.size()) - 1; }
  int n_atoms() const { return int(species.size()); }
  int n_edges() const { return int(neighbor.size()); }

  /// Cell of a structure, null where it is open.
  const double *cell_of(int structure) const;
};

/// Whether there are positions of all structures.
bool has_positions(const Graph &graph);

/// Throws EngineError with this text for a graph with ghosts.
void require_whole_systems(const Graph &graph, const char *refusal);

/// A graph that owns its arrays and grows without giving memory back.
struct GraphStorage {
  std::vector<int> first_atom = {0}, species, first_edge = {0}, neighbor;
  std::vector<double> r, position, cell;

  Graph view() const { return {first_atom, species, first_edge, neighbor, r, position, cell}; }
  void clear();

  /// Gives memory back that the arrays do not need, for a graph that stays.
  void shrink();

  /// Adds the structures of another graph (without ghosts) behind those already here.
  void append(const Graph &other) { append(other, 0, other.n_structures()); }

  /// Adds structures first .. last-1 of another graph (without ghosts) behind those already here.
  void append(const Graph &other, int first, int last);
};

}    // namespace mlff
