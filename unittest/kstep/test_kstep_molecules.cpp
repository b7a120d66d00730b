// Molecules of fix kstep/hybrid out of atoms and bonds, and the species of their atoms.
#include "kstep/molecules/molecule_assembly.h"
#include "models/jump/jump.h"
#include "models/jump/jump_record.h"

#include <gtest/gtest.h>

using namespace mlff;

namespace {

/// Two waters and an oxygen whose atoms are mixed: O H O H H H O, masses tell them apart.
KstepAtomList waters()
{
  KstepAtomList atoms;
  atoms.numbers = {8, 1, 8, 1, 1, 1, 8};
  atoms.mass = {16.0, 1.1, 16.2, 1.3, 1.4, 1.5, 16.6};
  atoms.bonds = {{0, 3, 0.96}, {2, 5, 0.97}, {1, 2, 0.98}, {0, 4, 0.99}};
  return atoms;
}

TEST(KstepAssembly, BondsMakeMolecules)
{
  KstepMolecules molecules;
  molecules.energy_unit = 7.0;
  const auto order = assemble_molecules(waters(), molecules);
  EXPECT_EQ(order, (std::vector<int>{0, 3, 4, 1, 2, 5, 6}));
  EXPECT_EQ(molecules.first_atom, (std::vector<int>{0, 3, 6, 7}));
  EXPECT_EQ(molecules.numbers, (std::vector<int>{8, 1, 1, 1, 8, 1, 8}));
  EXPECT_EQ(molecules.mass, (std::vector<double>{16.0, 1.3, 1.4, 1.1, 16.2, 1.5, 16.6}));
  EXPECT_EQ(molecules.first_bond, (std::vector<int>{0, 2, 4, 4}));
  ASSERT_EQ(molecules.bonds.size(), 4u);
  // Bonds are sorted by place of the first atom, then of the second.
  const int expected[4][2] = {{0, 1}, {0, 2}, {3, 4}, {4, 5}};
  for (int b = 0; b < 4; b++) {
    EXPECT_EQ(molecules.bonds[b].i, expected[b][0]);
    EXPECT_EQ(molecules.bonds[b].j, expected[b][1]);
  }
  EXPECT_EQ(molecules.bonds[1].length, 0.99);
  EXPECT_EQ(molecules.energy_unit, 7.0);
}

TEST(KstepAssembly, MoleculeIdsJoinWhatBondsDoNot)
{
  auto atoms = waters();
  atoms.molecule = {9, 0, 0, 0, 0, 4, 9};    // 0 joins nobody
  KstepMolecules molecules;
  EXPECT_EQ(assemble_molecules(atoms, molecules), (std::vector<int>{0, 3, 4, 6, 1, 2, 5}));
  EXPECT_EQ(molecules.first_atom, (std::vector<int>{0, 4, 7}));
  // Earlier contents of `molecules` are forgotten.
  EXPECT_EQ(assemble_molecules(waters(), molecules).size(), 7u);
  EXPECT_EQ(molecules.n_molecules(), 3);
  EXPECT_EQ(molecules.first_bond.size(), 4u);
}

TEST(KstepAssembly, SpeciesByElement)
{
  const Potential potential = random_jump({8, 2, 6}, {8, 1}, {8.0}, 6.0, 3);
  EXPECT_EQ(number_of_species(potential, "H"), 1);
  EXPECT_EQ(number_of_species(potential, "Q1"), 0);
  KstepMolecules molecules;
  auto atoms = waters();
  for (std::size_t i = 0; i < atoms.mass.size(); i++)
    atoms.mass[i] = jump_record(potential).species[atoms.numbers[i] == 8 ? 0 : 1].mass;
  assemble_molecules(atoms, molecules);
  std::vector<std::string> words;
  for (const int z : molecules.numbers) words.push_back(z == 8 ? "O" : "H");
  // classes of the network are the elements here, so that their names decide
  EXPECT_EQ(find_species(potential, words, molecules).atom, -1);
  EXPECT_EQ(molecules.species, (std::vector<int>{0, 1, 1, 1, 0, 1, 0}));

  molecules.mass[4] *= 1.02;
  const auto heavy = find_species(potential, words, molecules);
  EXPECT_EQ(heavy.atom, 4);
  EXPECT_EQ(heavy.mass, jump_record(potential).species[0].mass);
  EXPECT_TRUE(heavy.environment.empty());
  molecules.mass[4] /= 1.02;

  molecules.numbers[5] = 6;
  words[5] = "C";
  const auto unknown = find_species(potential, words, molecules);
  EXPECT_EQ(unknown.atom, 5);
  EXPECT_EQ(unknown.mass, 0.0);
  EXPECT_FALSE(unknown.environment.empty());
}

TEST(KstepAssembly, SpeciesByWhatAtomsAreBondedTo)
{
  // oxygens with two hydrogens are one class, those alone another one
  Potential potential = random_jump({8, 2, 6}, {8, 8, 1}, {8.0}, 6.0, 3);
  KstepMolecules molecules;
  assemble_molecules(waters(), molecules);
  std::vector<std::string> words;
  for (const int z : molecules.numbers) words.push_back(z == 8 ? "O" : "H");
  const char *names[] = {"OW", "OX", "HW"};
  for (int k = 0; k < 3; k++) {
    jump_record(potential).species[k].name = names[k];
    jump_record(potential).species[k].environment = "another one";
    jump_record(potential).species[k].mass = 16.0;
  }
  auto misfit = find_species(potential, words, molecules);
  ASSERT_EQ(misfit.atom, 0);
  jump_record(potential).species[0].environment = misfit.environment;
  misfit = find_species(potential, words, molecules);
  ASSERT_EQ(misfit.atom, 1) << "hydrogen is the next";
  EXPECT_EQ(molecules.species[0], 0);

  // A class is found by its name, whatever is around the atom.
  EXPECT_EQ(number_of_species(potential, "OX"), 8);
  words[0] = "OX";
  EXPECT_EQ(find_species(potential, words, molecules).atom, 1);
  EXPECT_EQ(molecules.species[0], 1);
}

}    // namespace
