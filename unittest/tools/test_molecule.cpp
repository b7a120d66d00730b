// Molecules from SMILES, and the tables that must agree with RDKit's.
#include "core/elements.h"
#include "molecule/molecule.h"

#include <gtest/gtest.h>

#include <GraphMol/PeriodicTable.h>

#include <cmath>
#include <numeric>

using namespace mlff;

namespace {

double distance(const std::vector<double> &x, int i, int j)
{
  return std::hypot(x[3 * i] - x[3 * j], x[3 * i + 1] - x[3 * j + 1], x[3 * i + 2] - x[3 * j + 2]);
}

TEST(Elements, AtomicMassesAreThoseOfRDKit)
{
  const auto *table = RDKit::PeriodicTable::getTable();
  for (int z = 1; z <= 118; z++)
    EXPECT_EQ(atomic_mass(z), table->getAtomicWeight(z)) << element_symbol(z);
  EXPECT_EQ(atomic_mass(0), 0.0);
  EXPECT_EQ(atomic_mass(119), 0.0);
  EXPECT_EQ(atomic_mass(-1), 0.0);
}

TEST(Elements, EachElementIsListedOnceInAscendingOrder)
{
  EXPECT_EQ(elements_of({8, 1, 6, 1, 6}), (std::vector<int>{1, 6, 8}));
  EXPECT_TRUE(elements_of({}).empty());
}

TEST(Molecule, EthanolIsEthanol)
{
  const auto m = make_molecule("CCO", 3, 1);
  EXPECT_EQ(m.numbers, (std::vector<int>{6, 6, 8, 1, 1, 1, 1, 1, 1}));
  EXPECT_EQ(m.charge, 0);
  EXPECT_EQ(m.unpaired_electrons, 0);
  ASSERT_EQ(m.conformers.size(), 3u);
  for (const auto &x : m.conformers) {
    EXPECT_NEAR(distance(x, 0, 1), 1.52, 0.03);
    EXPECT_NEAR(distance(x, 1, 2), 1.42, 0.03);
    EXPECT_NEAR(distance(x, 2, 8), 0.97, 0.02);
  }
  EXPECT_NEAR(std::accumulate(m.partial_charges.begin(), m.partial_charges.end(), 0.0), 0.0, 1e-12);
  EXPECT_LT(m.partial_charges[2], -0.3);
  // reproducible, and other seeds give other structures
  EXPECT_EQ(make_molecule("CCO", 3, 1).conformers, m.conformers);
  EXPECT_NE(make_molecule("CCO", 3, 2).conformers, m.conformers);
}

TEST(Molecule, PartsOfAClusterDoNotOverlap)
{
  const auto m = make_molecule("O.O.O.O.O.O.CC(=O)[O-].C[NH3+]", 1, 1);
  EXPECT_EQ(m.charge, 0);
  const auto &x = m.conformers[0];
  for (int i = 0; i < m.n_atoms(); i++)
    for (int j = 0; j < i; j++) EXPECT_GT(distance(x, i, j), 0.9) << i << " " << j;
  EXPECT_EQ(make_molecule("C[NH3+]", 1, 1).charge, 1);
  EXPECT_EQ(make_molecule("[CH3]", 1, 1).unpaired_electrons, 1);
}

TEST(Molecule, BadSmilesIsOneClearSentence)
{
  const auto message = [](const std::string &smiles) {
    try {
      make_molecule(smiles, 1, 1);
    } catch (const MoleculeError &error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  EXPECT_NE(message("CCX").find("SMILES 'CCX': it cannot be parsed"), std::string::npos);
  EXPECT_NE(
      message("CC(C)(C)(C)C").find("Explicit valence for atom # 1 C, 5, is greater than permitted"),
      std::string::npos);
  EXPECT_NE(message("").find("it is empty"), std::string::npos);
  EXPECT_NE(message("C*").find("wildcard"), std::string::npos);
  // a bicycle with both bridgeheads' substituents on one side
  EXPECT_NE(message("F[C@]12CC[C@@](Cl)(CC1)CC2").find("no three-dimensional structure was found"),
            std::string::npos);
}

}    // namespace
