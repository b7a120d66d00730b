// Rotations of structures.
#pragma once

#include <array>
#include <random>

namespace mlff {

/// Rotation matrix, row-major, drawn uniformly from all rotations by a random unit quaternion (K.
/// Shoemake, Graphics Gems III, 1992).
std::array<double, 9> random_rotation(std::mt19937 &generator);

}    // namespace mlff
