// Structures far from each other that need no dynamics: what a cheap teacher labels so that a
// network knows where its atoms must not go.
#pragma once

#include "molecule/molecule.h"
#include "structure/structure.h"

#include <array>
#include <random>
#include <utility>
#include <vector>

namespace mlff {

/// How far geometries of a molecule are drawn from its conformers.
struct WideRange {
  double turned = 0.7, stretched = 0.1;        ///< shares of geometries
  double coldest = 100.0, hottest = 1500.0;    ///< K, of the springs
};

/// Geometries near conformers. The springs are softer than bonds, so that these temperatures are
/// those of energies some three times as high.
inline constexpr WideRange near_conformers = {0.1, 0.0, 10.0, 300.0};

/// Draws geometries of one molecule. A conformer is turned about its bonds, displaced as a network
/// of springs is at some temperature, and now and then one of its bonds is stretched.
///
/// The springs are those of an elastic network (M. M. Tirion, Phys. Rev. Lett. 77, 1905 (1996)) of
/// bonds, and of atoms two and three bonds apart, at rest in the turned conformer. With H the
/// matrix of their second derivatives, displacements are normal with the covariance kT H^-1.
class WideMolecule {
 public:
  explicit WideMolecule(const Molecule &molecule);

  /// A new geometry, in which no two atoms that are not bonded are nearer than bonded atoms may be.
  Structure draw(std::mt19937 &generator, const WideRange &range = {}) const;

  /// Bonds that are turned about: not in rings, and with more than one atom at both ends.
  const std::vector<std::pair<int, int>> &turned_bonds() const { return turned; }

 private:
  struct Spring {
    int i, j;
    double constant;    // eV/Å^2
  };

  const Molecule &molecule;
  std::vector<std::pair<int, int>> bonds, turned;
  std::vector<std::vector<int>> behind;     // [turned] atoms on the side of the second atom
  std::vector<std::pair<int, int>> open;    // bonds outside of rings, which may be stretched
  std::vector<std::vector<int>> behind_open;
  std::vector<Spring> springs;
  std::vector<double> closest;    // [n][n] shortest distance accepted, Å; 0: bonded

  void turn(std::vector<double> &x, std::mt19937 &generator) const;
  void shake(std::vector<double> &x, double temperature, std::mt19937 &generator) const;
  void stretch(std::vector<double> &x, std::mt19937 &generator) const;
  bool has_room(const std::vector<double> &x) const;
};

/// A cell far from its crystal: strained and brought to another volume, with atoms displaced a
/// little or, as in a melt, by more than half the distance of neighbors and then pushed apart; now
/// and then without one of its atoms. Throws StructureError for a structure that is not periodic in
/// all directions.
Structure draw_wide_cell(const Structure &structure, std::mt19937 &generator);

}    // namespace mlff
