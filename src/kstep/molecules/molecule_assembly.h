// Assembles molecules from a list of atoms and their bonds, and finds the species of their atoms.
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
  std::vector<std::int64_t> molecule;    ///< [n] molecule IDs, 0 for none; empty: no atom has one
  std::vector<KstepBond> bonds;          ///< bonds between indices of this list
};

/// Fills `molecules`, except species and energy unit. Atoms joined by bonds, or with one molecule
/// ID, are a molecule; the molecule with the smallest ID comes first. Returns [n] the index in the
/// list of each atom, molecule after molecule.
std::vector<int> assemble_molecules(const KstepAtomList &atoms, KstepMolecules &molecules);

/// Atomic number of a species word, an element or the name of a class of atoms; 0 for other words.
int number_of_species(const Potential &potential, const std::string &word);

/// An atom that a model does not know.
struct KstepMisfit {
  int atom = -1;              ///< -1: there is none
  std::string environment;    ///< bonds of the atom, where no species has them
  double mass = 0.0;          ///< mass of its species, g/mol, if the atom has another mass
};

/// Finds the species of each atom of the molecules. The word [n] of an atom is the name of a
/// species, or an element; the bonds around the atom then choose one of the element's classes.
/// Returns the first atom without a species, or whose mass differs from that of its class by more
/// than 1 %.
KstepMisfit find_species(const Potential &potential, const std::vector<std::string> &words,
                         KstepMolecules &molecules);

}    // namespace mlff
