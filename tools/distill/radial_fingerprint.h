// A structure's surroundings of atoms as a list of numbers, which tells how new a frame is.
#pragma once

#include "structure/structure.h"

#include <vector>

namespace mlff {

/// Number of distances at which radial_fingerprint() looks.
inline constexpr int radial_shells = 12;

/// Means and standard deviations of radial sums over the atoms of each element. The sum of atom i
/// over its neighbors j of one element, around the distance r_k, is the symmetry function G2 of J.
/// Behler and M. Parrinello, Phys. Rev. Lett. 98, 146401 (2007), eqs. 3 and 4:
///
///   G_ik = sum_j exp(-(r_ij - r_k)^2 / (2 w^2)) (1 + cos(pi r_ij / cutoff)) / 2
///
/// with r_k = k w for k = 1 .. radial_shells and w = cutoff / radial_shells. Permutations of atoms
/// of one element, translations, rotations, another choice of the cell and its repetition change
/// nothing. Angles are seen through distances alone.
///
/// `elements`: atomic numbers, those of the structure among them; `cutoff` in Å. Result:
/// [elements of i][elements of j][radial_shells][mean, deviation], without unit. Throws what
/// append_graph() throws.
std::vector<double> radial_fingerprint(const Structure &structure, const std::vector<int> &elements,
                                       double cutoff);

}    // namespace mlff
