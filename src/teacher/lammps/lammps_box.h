// The box and the axes in which LAMMPS gets a structure.
#pragma once

#include "structure/lattice.h"
#include "structure/structure.h"

#include <array>
#include <span>
#include <string>
#include <vector>

namespace mlff {

/// LAMMPS wants the first cell vector along x, the second in the plane of x and y, and the third at
/// z > 0. The axes of a structure turn so that its periodic vectors, made as short as possible, lie
/// in this way; open directions come last, at right angles to the others. Energies do not change.
struct LammpsBox {
  /// Throws TeacherError for cell vectors that are not finite or span no volume, and for
  /// coordinates that are not finite.
  explicit LammpsBox(const Structure &structure);

  std::array<Vector3, 3> axes;            ///< x, y and z of LAMMPS, in the structure's axes
  std::array<bool, 3> periodic;           ///< along x, y and z
  Vector3 low, high;                      ///< Å
  double xy = 0.0, xz = 0.0, yz = 0.0;    ///< Å
  std::vector<double> positions;          ///< [n][3] Å, within the box

  bool is_tilted() const { return xy != 0.0 || xz != 0.0 || yz != 0.0; }

  /// Turns vectors [n][3] of LAMMPS to the structure's axes.
  void turn_back(std::span<double> vectors) const;

  /// A tensor of LAMMPS, xx yy zz xy xz yz, as [3][3] in the structure's axes.
  std::array<double, 9> turned_back(const std::array<double, 6> &tensor) const;

 private:
  bool turned = false;    // whether the axes are not those of the structure

  void set_axes(const Structure &structure);
  void set_positions(const Structure &structure);
  void wrap(double *x) const;
};

}    // namespace mlff
