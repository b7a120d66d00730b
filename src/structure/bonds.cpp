// Finds bonds by covalent radii.
#include "structure/bonds.h"

#include "core/elements.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace mlff {

double covalent_radius(int atomic_number)
{
  // manganese, iron and cobalt: low spin
  static constexpr std::array radii = {
      0.31, 0.28, 1.28, 0.96, 0.84, 0.76, 0.71, 0.66, 0.57, 0.58, 1.66, 1.41, 1.21, 1.11,
      1.07, 1.05, 1.02, 1.06, 2.03, 1.76, 1.70, 1.60, 1.53, 1.39, 1.39, 1.32, 1.26, 1.24,
      1.32, 1.22, 1.22, 1.20, 1.19, 1.20, 1.20, 1.16, 2.20, 1.95, 1.90, 1.75, 1.64, 1.54,
      1.47, 1.46, 1.42, 1.39, 1.45, 1.44, 1.42, 1.39, 1.39, 1.38, 1.39, 1.40, 2.44, 2.15,
      2.07, 2.04, 2.03, 2.01, 1.99, 1.98, 1.98, 1.96, 1.94, 1.92, 1.92, 1.89, 1.90, 1.87,
      1.87, 1.75, 1.70, 1.62, 1.51, 1.44, 1.41, 1.36, 1.36, 1.32, 1.45, 1.46, 1.48, 1.40,
      1.50, 1.50, 2.60, 2.21, 2.15, 2.06, 2.00, 1.96, 1.90, 1.87, 1.80, 1.69};
  return atomic_number >= 1 && atomic_number <= int(radii.size()) ? radii[atomic_number - 1] : 1.7;
}

static double in_radii(int i, int j, const std::vector<int> &numbers,
                       const std::vector<double> &positions)
{
  const double *a = &positions[3 * std::size_t(i)], *b = &positions[3 * std::size_t(j)];
  return std::hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]) /
      (covalent_radius(numbers[i]) + covalent_radius(numbers[j]));
}

std::vector<std::pair<int, int>> bonds_of(const std::vector<int> &numbers,
                                          const std::vector<double> &positions)
{
  std::vector<std::pair<int, int>> bonds;
  for (int i = 0; i < int(numbers.size()); i++)
    for (int j = 0; j < i; j++)
      if (in_radii(i, j, numbers, positions) < bonded_within) bonds.emplace_back(j, i);
  return bonds;
}

std::vector<std::pair<int, int>> bonds_of(const std::vector<int> &numbers,
                                          const std::vector<std::vector<double>> &distances)
{
  std::vector<std::pair<int, int>> bonds;
  for (int i = 0; i < int(numbers.size()); i++)
    for (int j = 0; j < i; j++)
      if (distances[i][j] <
          bonded_within * (covalent_radius(numbers[i]) + covalent_radius(numbers[j])))
        bonds.emplace_back(j, i);
  return bonds;
}

bool bonds_hold(const std::vector<std::pair<int, int>> &bonds, const std::vector<int> &numbers,
                const std::vector<double> &positions)
{
  return std::all_of(bonds.begin(), bonds.end(), [&](const auto &bond) {
    return in_radii(bond.first, bond.second, numbers, positions) < 1.6;
  });
}

std::vector<std::string> bond_environments(const std::vector<int> &numbers,
                                           const std::vector<std::pair<int, int>> &bonds)
{
  const std::size_t n = numbers.size();
  std::vector<std::vector<int>> bonded(n);
  for (const auto &[i, j] : bonds) {
    bonded[i].push_back(j);
    bonded[j].push_back(i);
  }
  std::vector<std::string> text(n);
  for (std::size_t i = 0; i < n; i++) text[i] = element_symbol(numbers[i]);
  for (int reach = 0; reach < 3; reach++) {
    std::vector<std::string> wider(n);
    for (std::size_t i = 0; i < n; i++) {
      std::vector<std::string> around;
      for (const int j : bonded[i]) around.push_back(text[j]);
      std::sort(around.begin(), around.end());
      wider[i] = element_symbol(numbers[i]) + "(";
      for (const auto &one : around) wider[i] += one;
      wider[i] += ")";
    }
    text = wider;
  }
  return text;
}

}    // namespace mlff
