// The box and the axes in which LAMMPS gets a structure.
#include "teacher/lammps/lammps_box.h"

#include "core/errors.h"

#include <algorithm>
#include <cmath>

namespace mlff {

namespace {

  /// Space between atoms and the ends of the box in open directions, Å. LAMMPS refuses boxes that
  /// are much thinner than the reach of forces.
  constexpr double margin = 5.0;

  /// Open coordinates beyond this (Å) are shifted towards the origin.
  constexpr double far_away = 1000.0;

  /// A tilt of this share of the box comes from rounding.
  constexpr double rounding = 1e-13;

  Vector3 unit(const Vector3 &v)
  {
    const double length = std::sqrt(dot(v, v));
    return {v[0] / length, v[1] / length, v[2] / length};
  }

  /// The part of v at right angles to a unit vector.
  Vector3 without(const Vector3 &v, const Vector3 &along)
  {
    const double part = dot(v, along);
    return {v[0] - part * along[0], v[1] - part * along[1], v[2] - part * along[2]};
  }

  /// The cell vectors of the periodic directions.
  std::vector<Vector3> periodic_edges(const Structure &structure)
  {
    std::vector<Vector3> edges;
    for (int a = 0; a < 3; a++) {
      if (!structure.periodic[a]) continue;
      const double *v = &structure.cell[3 * a];
      edges.push_back({v[0], v[1], v[2]});
      if (!std::isfinite(dot(edges.back(), edges.back())))
        throw TeacherError("cell vector " + std::string(1, char('a' + a)) + " is not finite");
    }
    return edges;
  }

  /// Share of the volume (area, length) of a box of these lengths at right angles.
  double fullness(const std::vector<Vector3> &edges)
  {
    double lengths = 1.0;
    for (const auto &edge : edges) lengths *= std::sqrt(dot(edge, edge));
    if (lengths < 1e-12) return 0.0;
    if (edges.size() < 2) return 1.0;
    const Vector3 area = cross(edges[0], edges[1]);
    return (edges.size() == 3 ? std::abs(dot(area, edges[2])) : std::sqrt(dot(area, area))) /
        lengths;
  }

}    // namespace

LammpsBox::LammpsBox(const Structure &structure)
{
  for (std::size_t k = 0; k < structure.positions.size(); k++)
    if (!std::isfinite(structure.positions[k]))
      throw TeacherError("the position of atom " + std::to_string(k / 3 + 1) + " is not finite");
  set_axes(structure);
  set_positions(structure);
}

void LammpsBox::set_axes(const Structure &structure)
{
  std::vector<Vector3> edges = periodic_edges(structure);
  if (!edges.empty() && !(fullness(edges) > 1e-9))
    throw TeacherError("the cell vectors span no volume");
  shorten_edges(edges);
  const std::size_t n = edges.size();
  periodic = {n > 0, n > 1, n > 2};
  axes = {Vector3{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
  if (n > 0) axes[0] = unit(edges[0]);
  if (n > 1)
    axes[1] = unit(without(edges[1], axes[0]));
  else if (n == 1) {
    // the axis of the structure that is next to a right angle, so that many boxes turn by nothing
    Vector3 next = {0, 0, 0};
    const auto least = std::min_element(axes[0].begin(), axes[0].end(), [](double a, double b) {
      return std::abs(a) < std::abs(b);
    });
    next[std::size_t(least - axes[0].begin())] = 1.0;
    axes[1] = unit(without(next, axes[0]));
  }
  axes[2] = n > 0 ? cross(axes[0], axes[1]) : axes[2];
  if (n == 3 && dot(edges[2], axes[2]) < 0.0)
    for (double &x : edges[2]) x = -x;
  turned = axes != std::array{Vector3{1, 0, 0}, Vector3{0, 1, 0}, Vector3{0, 0, 1}};

  low = high = {0, 0, 0};
  for (std::size_t a = 0; a < n; a++) high[a] = dot(edges[a], axes[a]);
  const auto tilt = [&](std::size_t of, std::size_t along) {
    const double value = of < n ? dot(edges[of], axes[along]) : 0.0;
    return std::abs(value) < rounding * high[along] ? 0.0 : value;
  };
  xy = tilt(1, 0);
  xz = tilt(2, 0);
  yz = tilt(2, 1);
  // within half of the box, where LAMMPS is at its best
  if (n > 2) {
    const double cells = std::nearbyint(yz / high[1]);
    yz -= cells * high[1];
    xz -= cells * xy;
    xz -= std::nearbyint(xz / high[0]) * high[0];
  }
  if (n > 1) xy -= std::nearbyint(xy / high[0]) * high[0];
}

void LammpsBox::set_positions(const Structure &structure)
{
  positions = structure.positions;
  if (turned)
    for (std::size_t k = 0; k < positions.size(); k += 3) {
      const Vector3 x = {positions[k], positions[k + 1], positions[k + 2]};
      for (int a = 0; a < 3; a++) positions[k + a] = dot(x, axes[a]);
    }
  for (std::size_t k = 0; k < positions.size(); k += 3) wrap(&positions[k]);
  for (int a = 0; a < 3; a++) {
    if (periodic[a]) continue;
    double least = HUGE_VAL, most = -HUGE_VAL;
    for (std::size_t k = a; k < positions.size(); k += 3) {
      least = std::min(least, positions[k]);
      most = std::max(most, positions[k]);
    }
    if (std::abs(least) > far_away || std::abs(most) > far_away) {
      const double shift = std::floor(0.5 * (least + most));
      for (std::size_t k = a; k < positions.size(); k += 3) positions[k] -= shift;
      least -= shift;
      most -= shift;
    }
    low[a] = least - margin;
    high[a] = most + margin;
  }
}

/// Into the box, where a position is outside.
void LammpsBox::wrap(double *x) const
{
  for (int a = 2; a >= 0; a--) {
    if (!periodic[a]) continue;
    const double rows[3][3] = {{high[0], 0, 0}, {xy, high[1], 0}, {xz, yz, high[2]}};
    const double cells = std::floor(x[a] / high[a]);
    if (cells != 0.0)
      for (int c = 0; c <= a; c++) x[c] -= cells * rows[a][c];
  }
}

void LammpsBox::turn_back(std::span<double> vectors) const
{
  if (!turned) return;
  for (std::size_t k = 0; k < vectors.size(); k += 3) {
    const Vector3 v = {vectors[k], vectors[k + 1], vectors[k + 2]};
    for (int c = 0; c < 3; c++)
      vectors[k + c] = v[0] * axes[0][c] + v[1] * axes[1][c] + v[2] * axes[2][c];
  }
}

std::array<double, 9> LammpsBox::turned_back(const std::array<double, 6> &tensor) const
{
  const auto &[xx, yy, zz, t_xy, t_xz, t_yz] = tensor;
  const std::array<double, 9> t = {xx, t_xy, t_xz, t_xy, yy, t_yz, t_xz, t_yz, zz};
  if (!turned) return t;
  std::array<double, 9> back{};
  for (int c = 0; c < 3; c++)
    for (int d = 0; d < 3; d++)
      for (int a = 0; a < 3; a++)
        for (int b = 0; b < 3; b++) back[3 * c + d] += axes[a][c] * t[3 * a + b] * axes[b][d];
  return back;
}

}    // namespace mlff
