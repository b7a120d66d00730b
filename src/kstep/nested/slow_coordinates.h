// Coordinates of molecules among which the slowest is: torsions, size, energy.
#pragma once

#include "kstep/kstep_molecules.h"

#include <complex>
#include <span>
#include <string>
#include <vector>

namespace mlff {

/// Series of coordinates of each molecule: its energy, its radius of gyration, and its torsions.
/// Torsions about one bond whose outer atoms are equivalent are averaged as exp(i torsion), so that
/// turns of a methyl group onto itself do not count.
class SlowCoordinates {
 public:
  explicit SlowCoordinates(const KstepMolecules &molecules);

  /// Adds a state: positions [n][3], and the energy of each molecule.
  void add(const KstepMolecules &molecules, std::span<const double> x,
           std::span<const double> energy);

  std::size_t length() const { return series.empty() ? 0 : series.front().size(); }

  struct Slowest {
    double inefficiency = 1.0;    ///< states that are worth one independent state
    std::string name;             ///< "the energy", "the size", "a torsion"
    int i = -1, j = -1;           ///< atoms of the bond that the torsion is about
  };
  /// The slowest coordinate. The first fifth of the states does not count.
  Slowest slowest() const;

 private:
  struct Torsion {
    int i, j;    // the bond
    std::vector<std::pair<int, int>> ends;
  };
  std::vector<Torsion> torsions;
  int n_molecules;
  // energies, sizes, cosines and sines
  std::vector<std::vector<double>> series;

  static std::complex<double> mean_turn(const Torsion &torsion, std::span<const double> x);
};

/// A number for each atom: equal for atoms that the bonded graph with its elements does not tell
/// apart by the neighbors of neighbors (H. L. Morgan, J. Chem. Doc. 5, 107 (1965)).
std::vector<int> equivalent_atoms(const KstepMolecules &molecules);

}    // namespace mlff
