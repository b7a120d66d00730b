// Short lattice vectors by reduction, and their sums.
#include "structure/lattice.h"

#include <algorithm>
#include <cmath>

namespace mlff {

namespace {

  Vector3 sum(const Vector3 &a, double factor, const Vector3 &b)
  {
    return {a[0] + factor * b[0], a[1] + factor * b[1], a[2] + factor * b[2]};
  }

  /// Takes a vector for another where it is shorter, beyond rounding.
  bool replace(Vector3 &old, const Vector3 &by)
  {
    if (!(dot(by, by) < dot(old, old) * (1.0 - 1.0e-12))) return false;
    old = by;
    return true;
  }

}    // namespace

void shorten_edges(std::vector<Vector3> &edges)
{
  const int n = int(edges.size());
  bool shorter = n > 1;
  while (shorter) {
    shorter = false;
    for (int i = 0; i < n; i++)
      for (int j = 0; j < n; j++) {
        if (i == j) continue;
        const double multiple = std::round(dot(edges[i], edges[j]) / dot(edges[j], edges[j]));
        shorter |= replace(edges[i], sum(edges[i], -multiple, edges[j]));
      }
    for (int i = 0; n == 3 && i < n; i++)
      for (const double one : {-1.0, 1.0})
        for (const double other : {-1.0, 1.0})
          shorter |= replace(
              edges[i], sum(sum(edges[i], one, edges[(i + 1) % 3]), other, edges[(i + 2) % 3]));
  }
}

std::vector<Vector3> nearest_translations(std::vector<Vector3> edges)
{
  shorten_edges(edges);
  std::vector<Vector3> list;
  int count = 1;
  for (std::size_t i = 0; i < edges.size(); i++) count *= 3;
  // each coefficient is -1, 0 or 1; the second half of the numbers are the opposite vectors
  for (int number = 0; number < count / 2; number++) {
    Vector3 vector{0.0, 0.0, 0.0};
    int rest = number;
    for (const Vector3 &edge : edges) {
      vector = sum(vector, rest % 3 - 1, edge);
      rest /= 3;
    }
    list.push_back(vector);
  }
  std::sort(list.begin(), list.end(), [](const Vector3 &a, const Vector3 &b) {
    return dot(a, a) < dot(b, b);
  });
  return list;
}

double cell_volume(const std::array<double, 9> &h)
{
  return std::abs(h[0] * (h[4] * h[8] - h[5] * h[7]) - h[1] * (h[3] * h[8] - h[5] * h[6]) +
                  h[2] * (h[3] * h[7] - h[4] * h[6]));
}

double range_along(std::span<const double> positions, const Vector3 &direction)
{
  double low = HUGE_VAL, high = -HUGE_VAL;
  for (std::size_t k = 0; k < positions.size(); k += 3) {
    const double along = positions[k] * direction[0] + positions[k + 1] * direction[1] +
        positions[k + 2] * direction[2];
    low = std::min(low, along);
    high = std::max(high, along);
  }
  return high - low;
}

}    // namespace mlff
