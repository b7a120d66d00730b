// Conversion factors (CODATA 2018, exact since the 2019 SI).
#pragma once

namespace mlff {

inline constexpr double kcal_per_mol_in_eV = 4184.0 / (1.602176634e-19 * 6.02214076e23);
inline constexpr double meV = 1e-3;

}    // namespace mlff
