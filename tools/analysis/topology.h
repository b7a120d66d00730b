// The bonds of a trajectory, and the names of the kinds of its bonds, angles and dihedrals.
#pragma once

#include "structure/structure.h"

#include <array>
#include <string>
#include <utility>
#include <vector>

namespace mlff {

/// Bonds by distances (bonds.h) in the first frame, periodic images included. Kinds are named by
/// elements, "C-H", "C-C-H", "C-C-O-H", hydrogen last in bonds.
struct Topology {
  template <int width> struct Kinds {
    std::vector<std::array<int, width>> atoms;
    std::vector<int> kind;             ///< [atoms.size()] index into names
    std::vector<std::string> names;    ///< [kinds]
  };
  Kinds<2> bonds;
  Kinds<3> angles;
  Kinds<4> dihedrals;    ///< all

  /// One for each bond about which a molecule can turn, which is neither in a ring nor at the end
  /// of a chain; by the heaviest neighbors.
  Kinds<4> torsions;

  /// [torsions] number of wells in a turn: 3 where one of the two middle atoms has four neighbors,
  /// else 2.
  std::vector<int> fold;

  std::vector<std::vector<int>> neighbors;    ///< [n]
  std::vector<int> molecule;                  ///< [n] number of the molecule
  std::vector<std::vector<int>> members;      ///< [molecules] atoms
  /// [n] kind of a hydrogen, as "H(O)"; empty for other elements
  std::vector<std::string> hydrogen;
  std::string left_out;    ///< quantities that are too many to be followed, or empty
};

/// Without bonds every atom is a molecule.
Topology find_topology(const Structure &frame, bool with_bonds);

}    // namespace mlff
