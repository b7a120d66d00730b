// Loss of the errors that a jump makes in bond lengths, angles and dihedrals.
#pragma once

#include <array>
#include <span>
#include <utility>
#include <vector>

namespace mlff {

/// Dihedral angle of four points [3], -pi .. pi, and its derivatives [4][3] with respect to them
/// (A. Blondel, M. Karplus, J. Comput. Chem. 17 (1996) 1132). False, with nothing written, where
/// three of them lie on a line.
bool dihedral(const double *i, const double *j, const double *k, const double *l, double &angle,
              std::array<double, 12> &derivative);

/// Angle at j, 0 .. pi, and its derivatives [3][3]. False where the three lie on a line.
bool bond_angle(const double *i, const double *j, const double *k, double &angle,
                std::array<double, 9> &derivative);

/// Bond lengths, the angles between bonds, and the dihedrals about bonds of one molecule.
struct InternalCoordinates {
  std::vector<std::array<int, 2>> bonds;
  std::vector<std::array<int, 3>> angles;
  std::vector<std::array<int, 4>> dihedrals;

  explicit InternalCoordinates(const std::vector<std::pair<int, int>> &bonds);
};

struct StructureLoss {
  double bond = 0.0, angle = 0.0, dihedral = 0.0;    ///< weights

  bool any() const { return bond + angle + dihedral > 0.0; }

  /// Sum over kinds of weight times the mean square of (q(x) - q(reference)) / unit, where a radian
  /// counts as 1 Å; coordinates that are not defined at x or reference (three atoms on a line) are
  /// left out. Adds `factor` times its derivative to x_bar [n][3].
  double add(const InternalCoordinates &coordinates, std::span<const double> reference,
             std::span<const double> x, double unit, double factor, std::span<double> x_bar) const;
};

}    // namespace mlff
