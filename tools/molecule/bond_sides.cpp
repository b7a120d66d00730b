// Sides of bonds, and turns about bonds.
#include "molecule/bond_sides.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <queue>

namespace mlff {

BondNeighbors neighbors_of(int n, const std::vector<std::pair<int, int>> &bonds)
{
  BondNeighbors neighbors(n);
  for (const auto &[i, j] : bonds) {
    neighbors[i].push_back(j);
    neighbors[j].push_back(i);
  }
  return neighbors;
}

std::vector<int> bonds_from(int start, const BondNeighbors &neighbors)
{
  std::vector<int> distance(neighbors.size(), -1);
  std::queue<int> queue({start});
  distance[start] = 0;
  for (; !queue.empty(); queue.pop())
    for (const int next : neighbors[queue.front()])
      if (distance[next] < 0) {
        distance[next] = distance[queue.front()] + 1;
        queue.push(next);
      }
  return distance;
}

std::vector<int> atoms_behind(int from, int to, const BondNeighbors &neighbors)
{
  BondNeighbors cut = neighbors;
  std::erase(cut[from], to);
  std::erase(cut[to], from);
  const auto distance = bonds_from(to, cut);
  if (distance[from] >= 0) return {};
  std::vector<int> atoms;
  for (int i = 0; i < int(distance.size()); i++)
    if (distance[i] >= 0) atoms.push_back(i);
  return atoms;
}

void turn_about(std::vector<double> &x, const std::vector<int> &atoms, int a, int b, double angle)
{
  std::array<double, 3> axis, origin;
  double length = 0.0;
  for (int c = 0; c < 3; c++) {
    origin[c] = x[3 * std::size_t(a) + c];
    axis[c] = x[3 * std::size_t(b) + c] - origin[c];
    length += axis[c] * axis[c];
  }
  for (double &component : axis) component /= std::sqrt(length);
  const double sine = std::sin(angle), cosine = std::cos(angle);
  for (const int i : atoms) {
    double *at = &x[3 * std::size_t(i)];
    const std::array<double, 3> v = {at[0] - origin[0], at[1] - origin[1], at[2] - origin[2]};
    const double along = v[0] * axis[0] + v[1] * axis[1] + v[2] * axis[2];
    for (int c = 0; c < 3; c++) {
      const int d = (c + 1) % 3, e = (c + 2) % 3;
      at[c] = origin[c] + v[c] * cosine + (axis[d] * v[e] - axis[e] * v[d]) * sine +
          axis[c] * along * (1.0 - cosine);
    }
  }
}

}    // namespace mlff
