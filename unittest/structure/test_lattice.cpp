// Translations of periodic boxes: those that bound the space nearest to a point.
#include "structure/lattice.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>

using namespace mlff;

namespace {

double dot(const Vector3 &a, const Vector3 &b)
{
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/// Whether a point is nearer to the origin than to all of its images, by brute force over many.
bool nearest_by_all(const std::vector<Vector3> &edges, const Vector3 &point)
{
  for (int i = -4; i <= 4; i++)
    for (int j = -4; j <= 4; j++)
      for (int k = -4; k <= 4; k++) {
        Vector3 t{0.0, 0.0, 0.0};
        const int n[3] = {i, j, k};
        for (std::size_t e = 0; e < edges.size(); e++)
          for (int a = 0; a < 3; a++) t[a] += n[e] * edges[e][a];
        if (dot(point, t) > 0.5 * dot(t, t) + 1e-9) return false;
      }
  return true;
}

bool nearest_by_list(const std::vector<Vector3> &list, const Vector3 &point)
{
  return std::all_of(list.begin(), list.end(), [&](const Vector3 &t) {
    return std::abs(dot(point, t)) <= 0.5 * dot(t, t) + 1e-9;
  });
}

TEST(Lattice, NumbersOfTranslations)
{
  EXPECT_TRUE(nearest_translations({}).empty());
  EXPECT_EQ(nearest_translations({{3, 0, 0}}).size(), 1u);
  EXPECT_EQ(nearest_translations({{3, 0, 0}, {0, 4, 0}}).size(), 4u);
  const auto cube = nearest_translations({{5, 0, 0}, {0, 5, 0}, {0, 0, 5}});
  ASSERT_EQ(cube.size(), 13u);
  // the sides, the diagonals of faces, those of the cube
  const auto square = [&](int k) {
    return dot(cube[k], cube[k]);
  };
  EXPECT_EQ(square(0), 25.0);
  EXPECT_EQ(square(2), 25.0);
  EXPECT_EQ(square(3), 50.0);
  EXPECT_EQ(square(8), 50.0);
  EXPECT_EQ(square(9), 75.0);
}

TEST(Lattice, StronglyTiltedBoxes)
{
  // Cells have LAMMPS' form: the second and third vector are tilted by any amount.
  std::mt19937 random(7);
  std::uniform_real_distribution<double> tilt(-1.0, 1.0), place(-4.0, 4.0);
  int inside = 0, outside = 0;
  for (int box = 0; box < 40; box++) {
    std::vector<Vector3> edges = {{4.0 + tilt(random), 0, 0},
                                  {4.0 * tilt(random), 4.5, 0},
                                  {4.0 * tilt(random), 4.5 * tilt(random), 5.0}};
    if (box % 4 == 3) edges.pop_back();
    const auto list = nearest_translations(edges);
    for (int k = 0; k < 200; k++) {
      const Vector3 point{place(random), place(random), edges.size() == 3 ? place(random) : 0.0};
      const bool expected = nearest_by_all(edges, point);
      EXPECT_EQ(nearest_by_list(list, point), expected);
      (expected ? inside : outside)++;
    }
  }
  EXPECT_GT(inside, 1000);
  EXPECT_GT(outside, 1000);
}

TEST(Lattice, RangeAlongAVector)
{
  const std::vector<double> positions = {0, 0, 0, 1, 2, 3, -1, 5, 0};
  EXPECT_EQ(range_along(positions, {1, 0, 0}), 2.0);
  EXPECT_EQ(range_along(positions, {0, 2, 0}), 10.0);
  EXPECT_EQ(range_along(positions, {1, 0, 1}), 5.0);
  EXPECT_LT(range_along({}, {1, 0, 0}), 0.0);
}

}    // namespace
