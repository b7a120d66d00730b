// The numbers of a key that holds a stress or a virial.
#pragma once

#include <array>
#include <span>

namespace mlff {

/// Whether so many numbers are a virial (9), or a stress (9, or 6 in ASE's order).
bool is_stress_size(std::size_t n, bool virial);

/// The stress, [3][3], of 9 numbers, row-major; of 6 in ASE's order xx, yy, zz, yz, xz, xy; or of a
/// virial, -volume * stress.
std::array<double, 9> stress_of_numbers(std::span<const double> numbers, bool virial,
                                        double volume);

}    // namespace mlff
