// The six components of a stress, and the check of its symmetry.
#include "structure/stress.h"

#include <gtest/gtest.h>

using namespace mlff;

namespace {

constexpr std::array<double, 9> sheared = {1, 4, 5, 4, 2, 6, 5, 6, 3};

TEST(Stress, SixComponentsInOrder)
{
  EXPECT_EQ(six_components(sheared), (std::array<double, 6>{1, 2, 3, 4, 5, 6}));
  // off-diagonals count by their mean
  EXPECT_EQ(six_components({1, 3.5, 5.25, 4.5, 2, 5, 4.75, 7, 3}),
            (std::array<double, 6>{1, 2, 3, 4, 5, 6}));
}

TEST(Stress, SymmetryWithinRounding)
{
  EXPECT_EQ(asymmetry(sheared), 0.0);
  for (const int k : {1, 2, 3, 5, 6, 7}) {
    auto stress = sheared;
    stress[k] += 0.005;
    EXPECT_NEAR(asymmetry(stress), 0.005, 1e-12);
    EXPECT_TRUE(is_symmetric(stress)) << "a thousandth of the largest component is rounding";
    stress[k] += 0.002;
    EXPECT_FALSE(is_symmetric(stress));
  }
  // of stresses next to nothing the absolute limit counts
  EXPECT_TRUE(is_symmetric({1e-7, 9e-6, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_FALSE(is_symmetric({1e-7, 1.1e-5, 0, 0, 0, 0, 0, 0, 0}));
}

TEST(Stress, FaultNamesTheWorstComponents)
{
  Structure structure;
  EXPECT_EQ(stress_fault(structure), "");
  structure.stress = sheared;
  EXPECT_EQ(stress_fault(structure), "");
  (*structure.stress)[1] = 4.5;
  (*structure.stress)[7] = -6;
  const std::string fault = stress_fault(structure);
  for (const char *words : {"not symmetric", "component yz is 6 eV", "its transpose is -6 eV"})
    EXPECT_NE(fault.find(words), std::string::npos) << fault;
}

TEST(Stress, OfSystemsPeriodicInAllDirections)
{
  Structure structure;
  EXPECT_FALSE(can_have_stress(structure));
  structure.periodic = {true, true, false};
  EXPECT_FALSE(can_have_stress(structure));
  structure.periodic = {true, true, true};
  EXPECT_TRUE(can_have_stress(structure));
}

}    // namespace
