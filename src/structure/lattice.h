// Translations of periodic boxes, and how far atoms reach along them.
#pragma once

#include "structure/vector3.h"

#include <span>
#include <vector>

namespace mlff {

/// Replaces lattice vectors (Å), one to three that are independent, by sums of them that are as
/// short as possible. Vectors that no sum is shorter than stay as they are.
void shorten_edges(std::vector<Vector3> &edges);

/// The translations of a lattice whose midplanes bound the space that is nearer to a point than to
/// any of its images: sums of lattice vectors that are as short as possible, shortest first,
/// without the opposite of each. edges: the lattice vectors (Å) of the periodic directions, none
/// to three.
std::vector<Vector3> nearest_translations(std::vector<Vector3> edges);

/// Volume of a cell with rows a, b, c (Å), Å^3; 0 where it is flat.
double cell_volume(const std::array<double, 9> &cell);

/// Range of the scalar products of positions [n][3] with a vector; -infinity without positions.
double range_along(std::span<const double> positions, const Vector3 &direction);

}    // namespace mlff
