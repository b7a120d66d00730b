// The two sides of a bond: what is turned or shifted as a whole when the rest of a molecule stays.
#pragma once

#include <utility>
#include <vector>

namespace mlff {

using BondNeighbors = std::vector<std::vector<int>>;

/// [n] atoms bonded to each atom.
BondNeighbors neighbors_of(int n, const std::vector<std::pair<int, int>> &bonds);

/// [n] number of bonds from an atom to each one, -1 where there is no way.
std::vector<int> bonds_from(int start, const BondNeighbors &neighbors);

/// Atoms that hang on `to` when its bond with `from` is cut, ascending, `to` among them; none where
/// the two are joined in a ring.
std::vector<int> atoms_behind(int from, int to, const BondNeighbors &neighbors);

/// Turns some of the positions [n][3] about the axis from atom a to atom b, by the right-hand rule.
/// `angle` in radians.
void turn_about(std::vector<double> &positions, const std::vector<int> &atoms, int a, int b,
                double angle);

}    // namespace mlff
