// Loss of the errors that a jump makes in bond lengths, angles and dihedrals.
#include "training/jump/structure_loss.h"

#include "structure/vector3.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mlff {

namespace {

  constexpr double straight = 1e-3;    // sine of an angle that counts as none

  Vector3 difference(const double *a, const double *b)
  {
    return {a[0] - b[0], a[1] - b[1], a[2] - b[2]};
  }

  bool bond_length(const double *i, const double *j, double &length,
                   std::array<double, 6> &derivative)
  {
    const Vector3 r = difference(i, j);
    length = norm(r);
    if (length == 0.0) return false;
    for (int a = 0; a < 3; a++) {
      derivative[a] = r[a] / length;
      derivative[3 + a] = -r[a] / length;
    }
    return true;
  }

}    // namespace

bool bond_angle(const double *i, const double *j, const double *k, double &angle,
                std::array<double, 9> &derivative)
{
  const Vector3 a = difference(i, j), b = difference(k, j), normal = cross(a, b);
  const double sine = norm(normal), cosine = dot(a, b), aa = dot(a, a), bb = dot(b, b);
  if (sine <= straight * std::sqrt(aa * bb)) return false;
  angle = std::atan2(sine, cosine);
  const Vector3 da = cross(a, normal), db = cross(normal, b);
  for (int c = 0; c < 3; c++) {
    derivative[c] = da[c] / (aa * sine);
    derivative[6 + c] = db[c] / (bb * sine);
    derivative[3 + c] = -derivative[c] - derivative[6 + c];
  }
  return true;
}

bool dihedral(const double *i, const double *j, const double *k, const double *l, double &angle,
              std::array<double, 12> &derivative)
{
  const Vector3 F = difference(i, j), G = difference(j, k), H = difference(l, k), A = cross(F, G),
                B = cross(H, G);
  const double g = norm(G), AA = dot(A, A), BB = dot(B, B);
  if (AA <= straight * straight * dot(F, F) * g * g ||
      BB <= straight * straight * dot(H, H) * g * g)
    return false;
  angle = std::atan2(dot(cross(B, A), G) / g, dot(A, B));
  const double FG = dot(F, G) / (AA * g), HG = dot(H, G) / (BB * g);
  for (int a = 0; a < 3; a++) {
    const double shift = FG * A[a] - HG * B[a];
    derivative[a] = -g / AA * A[a];
    derivative[9 + a] = g / BB * B[a];
    derivative[3 + a] = -derivative[a] + shift;
    derivative[6 + a] = -derivative[9 + a] - shift;
  }
  return true;
}

InternalCoordinates::InternalCoordinates(const std::vector<std::pair<int, int>> &pairs)
{
  int n = 0;
  for (const auto &[i, j] : pairs) n = std::max({n, i + 1, j + 1});
  std::vector<std::vector<int>> bonded(n);
  for (const auto &[i, j] : pairs) {
    bonds.push_back({i, j});
    bonded[i].push_back(j);
    bonded[j].push_back(i);
  }
  for (int j = 0; j < n; j++)
    for (std::size_t a = 0; a < bonded[j].size(); a++)
      for (std::size_t b = a + 1; b < bonded[j].size(); b++)
        angles.push_back({bonded[j][a], j, bonded[j][b]});
  for (const auto &[j, k] : bonds)
    for (const int i : bonded[j])
      for (const int l : bonded[k])
        if (i != k && l != j && i != l) dihedrals.push_back({i, j, k, l});
}

double StructureLoss::add(const InternalCoordinates &coordinates, std::span<const double> reference,
                          std::span<const double> x, double unit, double factor,
                          std::span<double> x_bar) const
{
  const auto term = [&](double weight, const auto &list, auto &&value, bool periodic) {
    if (weight == 0.0 || list.empty()) return 0.0;
    constexpr std::size_t atoms =
        std::tuple_size_v<typename std::remove_reference_t<decltype(list)>::value_type>;
    const double share = weight / (double(list.size()) * unit * unit);
    double sum = 0.0, there = 0.0, here = 0.0;
    std::array<double, 3 * atoms> derivative;
    for (const auto &q : list) {
      if (!value(q, reference.data(), there, derivative) || !value(q, x.data(), here, derivative))
        continue;
      double error = here - there;
      if (periodic) error = std::remainder(error, 2.0 * std::numbers::pi);
      sum += share * error * error;
      for (std::size_t a = 0; a < atoms; a++)
        for (int c = 0; c < 3; c++)
          x_bar[3 * std::size_t(q[a]) + c] += factor * 2.0 * share * error * derivative[3 * a + c];
    }
    return sum;
  };
  const auto at = [](const double *p, int i) {
    return p + 3 * std::size_t(i);
  };
  double sum = term(
      bond, coordinates.bonds,
      [&](const auto &q, const double *p, double &value, auto &d) {
        return bond_length(at(p, q[0]), at(p, q[1]), value, d);
      },
      false);
  sum += term(
      angle, coordinates.angles,
      [&](const auto &q, const double *p, double &value, auto &d) {
        return bond_angle(at(p, q[0]), at(p, q[1]), at(p, q[2]), value, d);
      },
      false);
  sum += term(
      dihedral, coordinates.dihedrals,
      [&](const auto &q, const double *p, double &value, auto &d) {
        return mlff::dihedral(at(p, q[0]), at(p, q[1]), at(p, q[2]), at(p, q[3]), value, d);
      },
      true);
  return sum;
}

}    // namespace mlff
