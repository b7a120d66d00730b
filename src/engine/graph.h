// The neighbor graph: everything an engine gets to see of a system.
#pragma once

#include <span>
#include <vector>

namespace mlff {

/// Neighbor graph of one or more structures. Lengths in Å. Nothing here knows boxes, images or ranks.
/// Atoms with edges of their own (centres) come first and are numbered 0 .. n_centres-1 over all structures;
/// atoms of other ranks (ghosts, only ever with one structure) follow.
struct Graph {
  std::span<const int> first_atom;    ///< [n_structures + 1] centres of structure s are first_atom[s] .. first_atom[s+1]-1
  std::span<const int> species;       ///< [n_atoms] index into Potential::elements
  std::span<const int> first_edge;    ///< [n_centres + 1] edges sorted by centre (compressed rows)
  std::span<const int> neighbor;      ///< [n_edges] atom j of edge (i, j)
  std::span<const double> r;          ///< [n_edges][3] x_j - x_i

  /// [n_centres][3] where the atoms of open systems are, from any origin. Empty where a model of edges is all there is to serve, and in
  /// periodic systems: models with a long-range block (Potential::is_global) then throw.
  std::span<const double> position;

  int n_structures() const { return first_atom.empty() ? 0 : int(first_atom.size()) - 1; }
  int n_centres() const { return first_edge.empty() ? 0 : int(first_edge.size()) - 1; }
  int n_atoms() const { return int(species.size()); }
  int n_edges() const { return int(neighbor.size()); }
};

/// A graph that owns its arrays and grows without giving memory back.
struct GraphStorage {
  std::vector<int> first_atom = {0}, species, first_edge = {0}, neighbor;
  std::vector<double> r, position;

  Graph view() const { return {first_atom, species, first_edge, neighbor, r, position}; }
  void clear();

  /// Adds the structures of another graph (without ghosts) behind those already here.
  void append(const Graph &other) { append(other, 0, other.n_structures()); }

  /// The same of its structures first .. last-1.
  void append(const Graph &other, int first, int last);
};

}    // namespace mlff
