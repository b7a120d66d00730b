// Molecules from SMILES: three-dimensional conformers, and the LAMMPS data file of one or more
// copies.
#pragma once

#include "structure/bonds.h"

#include "structure/structure.h"

#include <array>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace mlff {

/// A SMILES that cannot become a molecule; one sentence that quotes it.
struct MoleculeError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Molecule {
  std::string smiles;
  std::vector<int> numbers;    ///< [n] atomic numbers, hydrogens included
  /// [n] g/mol: of the isotope where the SMILES names one, else the standard atomic weight.
  std::vector<double> masses;
  std::vector<double> partial_charges;    ///< [n] e, Gasteiger's, which sum to the charge
  int charge = 0;                         ///< e
  int unpaired_electrons = 0;             ///< above 0 for radicals
  /// Positions [n][3] Å of each conformer, with the centre of mass at the origin; that of the
  /// lowest force-field energy first.
  std::vector<std::vector<double>> conformers;
  std::string force_field;    ///< force field that relaxed the conformers: MMFF94s or UFF

  int n_atoms() const { return int(numbers.size()); }

  /// A conformer; with charge and multiplicity where it is no neutral singlet, and with masses
  /// where there are isotopes.
  Structure frame(const std::vector<double> &positions) const;
};

/// A type of atoms in a data file: an element, or an isotope of it.
struct AtomType {
  int number = 0;
  double mass = 0.0;    ///< g/mol
  std::string label;    ///< the symbol; D, T, or symbol and mass number of an isotope
};

/// Types of a molecule: by atomic number, then by mass, both ascending.
std::vector<AtomType> atom_types(const Molecule &molecule);

/// Elements of these types, one for each, with blanks between them: the last words of pair_coeff.
std::string elements_of_types(const Molecule &molecule);

/// Embeds `n_conformers` conformers by distance geometry (ETKDGv3) and minimises them with MMFF94s,
/// or with UFF where MMFF94s lacks parameters. The parts of a SMILES with dots are packed side by
/// side before that. The same seed gives the same result. Throws MoleculeError.
Molecule make_molecule(const std::string &smiles, int n_conformers, int seed);

/// n frames of two molecules, each a conformer at random, turned at random, with noise of standard
/// deviation `rattle` (Å) on every coordinate. The shortest distance between an atom of one and one
/// of the other is uniform in least .. most (Å). `stacked`: the planes of both (normal to the axis
/// of their largest moment of inertia, all masses 1) are parallel, turned about their normal at
/// random, either side up, and shifted sideways by up to largest_shift (Å).
std::vector<Structure> apart(const Molecule &first, const Molecule &second, int n, double least,
                             double most, double rattle, bool stacked, int seed);
inline constexpr double largest_shift = 2.0;

/// Writes `copies` of the first conformer as a LAMMPS data file of atom_style full: the types of
/// atom_types(), with masses and (type_labels) labels, partial charges, a molecule ID for each
/// copy. Copies stand on a cubic lattice, turned at random by `seed`, and the box has at least
/// twice the size of a molecule: periodic or open, as the input says.
void write_data(std::FILE *file, const Molecule &molecule, int copies, double distance,
                bool type_labels, int seed);

}    // namespace mlff
