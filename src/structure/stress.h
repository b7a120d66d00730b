// The six components of a stress, and the check of its symmetry.
#pragma once

#include "structure/structure.h"

#include <array>
#include <string>

namespace mlff {

/// Whether a structure has a stress: one that is periodic in all directions.
bool can_have_stress(const Structure &structure);

/// Components xx, yy, zz, xy, xz, yz of a row-major matrix, in which each pair of off-diagonals
/// counts once, by its mean.
std::array<double, 6> six_components(const std::array<double, 9> &matrix);

/// Largest difference between a stress and its transpose, in its unit.
double asymmetry(const std::array<double, 9> &stress);

/// Whether a stress equals its transpose within what files round, and what programs with forces in
/// single precision leave: a thousandth of its largest component, or 1e-5 eV/Å^3.
bool is_symmetric(const std::array<double, 9> &stress);

/// Says what is wrong with the stress of a structure. Empty where there is none, or nothing wrong.
std::string stress_fault(const Structure &structure);

}    // namespace mlff
