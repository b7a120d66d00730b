// Bonds of molecules, by distances.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace mlff {

/// Å, single bonds; elements up to Cm (B. Cordero et al., Dalton Trans. 2008, 2832), 1.7 beyond.
double covalent_radius(int atomic_number);

/// Atoms nearer than this many sums of their covalent radii count as bonded.
inline constexpr double bonded_within = 1.25;

/// Pairs of bonded atoms; positions [n][3] Å of an open molecule, or distances [n][n] Å.
std::vector<std::pair<int, int>> bonds_of(const std::vector<int> &numbers,
                                          const std::vector<double> &positions);
std::vector<std::pair<int, int>> bonds_of(const std::vector<int> &numbers,
                                          const std::vector<std::vector<double>> &distances);

/// Whether all these bonds are shorter than 1.6 times the sum of the covalent radii.
bool bonds_hold(const std::vector<std::pair<int, int>> &bonds, const std::vector<int> &numbers,
                const std::vector<double> &positions);

/// Text of the atoms bonded to an atom, up to three bonds away: "C(C(HHO)HHH)". Texts are equal for
/// atoms that a bond graph of this size cannot tell apart.
std::vector<std::string> bond_environments(const std::vector<int> &numbers,
                                           const std::vector<std::pair<int, int>> &bonds);

}    // namespace mlff
