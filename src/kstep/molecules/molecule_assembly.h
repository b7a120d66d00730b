// Molecules out of a list of atoms and their bonds, and the species of their atoms.
#pragma once

#include "kstep/kstep_molecules.h"
#include "potential/potential.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mlff {

/// Atoms that jump, in ascending order of their IDs.
struct KstepAtomList {
  std::vector<int> numbers;              ///< [n] atomic numbers
  std::vector<double> mass;              ///< [n] g/mol
  std::vector<std::int64_t> molecule;    ///< [n] molecule IDs, 0 for none; empty: nobody has one
  std::vector<KstepBond> bonds;          ///< between places in this list
};

/// Fills `molecules`, all but species and energy unit: atoms joined by bonds, or with one molecule
/// ID, are a molecule; that with the smallest ID comes first. Returns the places in the list of the
/// atoms [n], molecule after molecule.
std::vector<int> assemble_molecules(const KstepAtomList &atoms, KstepMolecules &molecules);

/// Atomic number of a species word, an element or the name of a class of atoms; 0 for other words.
int number_of_species(const Potential &potential, const std::string &word);

/// An atom that a model does not know.
struct KstepMisfit {
  int atom = -1;              ///< -1: there is none
  std::string environment;    ///< bonds of the atom, where no species has them
  double mass = 0.0;          ///< g/mol of its species, where the atom has another one
};

/// Finds the species of each atom of the molecules. The word [n] of an atom is the name of a
/// species, or an element, of whose classes the bonds around the atom choose one. Returns the first
/// atom without a species, or of another mass than its class has, to within 1 %.
KstepMisfit find_species(const Potential &potential, const std::vector<std::string> &words,
                         KstepMolecules &molecules);

}    // namespace mlff
