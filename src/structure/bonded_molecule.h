// One molecule by its bonds: permutations of its atoms that leave it unchanged, and the assignment
// of a structure's atoms to it.
#pragma once

#include "core/errors.h"
#include "core/graph.h"
#include "structure/bonds.h"

#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

namespace mlff {

/// Image of each atom: atom k takes the place of atom permutation[k].
using Permutation = std::vector<int>;

/// A molecule as models of one molecule record it. Atoms count from 0 here, from 1 in texts.
struct BondedMolecule {
  std::vector<int> numbers;                  ///< [n] atomic numbers
  std::vector<std::pair<int, int>> bonds;    ///< i < j, ascending
  /// [n] sign of (b-a) x (c-a) . (d-a) for an atom with four bonds, where a < b < c < d are its
  /// neighbors; 0 for other atoms.
  std::vector<int> handedness;
  /// Generators of the group of permutations that a model averages over.
  std::vector<Permutation> generators;

  int n_atoms() const { return int(numbers.size()); }
  int n_pairs() const { return n_atoms() * (n_atoms() - 1) / 2; }

  /// Number of a pair of atoms in 0 .. n_pairs-1; j < i or i < j.
  static int pair(int i, int j) { return i > j ? i * (i - 1) / 2 + j : j * (j - 1) / 2 + i; }

  std::string formula() const;      ///< "C2H6O"
  std::string bond_text() const;    ///< "C1-C2 C2-O3 ..."
};

/// A bond once found holds up to this many sums of the covalent radii (bonds.h).
inline constexpr double bond_held = 1.4;

/// The molecule of these atoms, bonds and handedness from positions [n][3] (Å), without generators.
/// Bonds are shorter than `factor` times the sum of the radii.
BondedMolecule bonded_molecule(const std::vector<int> &numbers,
                               const std::vector<double> &positions, double factor = bonded_within);

/// Permutations of equivalent atoms that the molecule can reach without breaking a bond or turning
/// a single centre of four bonds inside out. These are automorphisms of the bonded graph that keep
/// the handedness of all such centres, or change the handedness of all (the mirror image has the
/// same distances). The identity comes first. Throws MoleculeMismatch if there are more than
/// `limit`.
std::vector<Permutation> equivalent_permutations(const BondedMolecule &molecule, int limit);

/// All products of generators, the identity first, in an order that depends on the generators
/// alone. Empty if there are more than `limit`.
std::vector<Permutation> group_of(const std::vector<Permutation> &generators, int n_atoms,
                                  int limit);

/// Few generators of the largest subgroup found with at most `limit` members: permutations that
/// move few atoms come first.
std::vector<Permutation> generators_within(const std::vector<Permutation> &group, int n_atoms,
                                           int limit);

/// Numbers of pairs, each replaced by the mean over all pairs that the group exchanges it with.
std::vector<double> symmetric_means(const BondedMolecule &molecule,
                                    const std::vector<Permutation> &group,
                                    const std::vector<double> &of_pairs);

/// "(H4 H5 H6)(H7 H8)"
std::string cycle_text(const BondedMolecule &molecule, const Permutation &permutation);

/// Largest group that a model may average over, and largest molecule.
inline constexpr int max_permutations = 1000, max_molecule_atoms = 200;

/// Finds the molecules of graphs. Each atom must have edges to all others of its molecule and to no
/// more. The assignment of atoms is found from the bonds and kept as long as they hold. Atoms in
/// another order, or of another molecule, are assigned anew.
class MoleculeMatcher {
 public:
  MoleculeMatcher(const BondedMolecule &molecule, const std::vector<int> &elements, double cutoff);

  /// Throws MoleculeMismatch, also if molecules are within the cutoff of each other.
  void find(const Graph &graph);

  int n_molecules() const { return molecules; }

  /// [n_molecules][n_pairs] edge from the atom of higher number in the record to that of lower
  /// number.
  const std::vector<int> &edges() const { return edge; }

  /// [n_molecules][n] centre that is atom k of the record.
  const std::vector<int> &atoms() const { return atom; }

 private:
  BondedMolecule molecule;
  std::vector<int> elements;
  double cutoff;
  std::vector<std::array<int, 5>>
      centres;                        // atoms with four bonds, and their neighbors ascending
  std::vector<double> held_square;    // [bonds] Å^2

  int molecules = 0;
  std::vector<int> edge, atom;
  std::vector<int> first_atom, species, first_edge, neighbor;    // the graph that was matched
  std::vector<Permutation> order;    // [molecules] place of each atom in ascending order
  std::vector<int> members;

  bool is_known(const Graph &graph) const;
  void list_edges(const Graph &graph, int m);
  bool holds(const Graph &graph, int m) const;
  void match(const Graph &graph, int m);
  [[noreturn]] void wrong_neighbors(const Graph &graph, int structure, int i) const;
};

}    // namespace mlff
