// Conversion factors (CODATA 2018).
#pragma once

namespace mlff {

inline constexpr double kcal_per_mol_in_eV = 4184.0 / (1.602176634e-19 * 6.02214076e23);
inline constexpr double meV = 1e-3;
/// 1 eV/Å^3
inline constexpr double eV_per_cubic_angstrom_in_GPa = 160.2176634;
inline constexpr double hartree_in_eV = 27.211386245988;
/// eV in (g/mol) Å²/ps²
inline constexpr double eV_in_amu_square_angstrom_per_square_ps =
    1.602176634e-19 * 6.02214076e23 / 10.0;
inline constexpr double boltzmann = 8.617333262e-5;    ///< eV/K
inline constexpr double bohr_in_angstrom = 0.529177210903;

}    // namespace mlff
