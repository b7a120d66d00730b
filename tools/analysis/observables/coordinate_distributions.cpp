// Histograms of bond lengths, angles and dihedrals.
#include "analysis/observables/coordinate_distributions.h"

#include "structure/bonds.h"
#include "structure/vector3.h"

#include "analysis/statistics/distribution_distance.h"

#include <algorithm>
#include <numbers>

namespace mlff {

namespace {

  constexpr double degree = 180.0 / std::numbers::pi;

  Vector3 difference(const double *a, const double *b)
  {
    return {b[0] - a[0], b[1] - a[1], b[2] - a[2]};
  }

}    // namespace

double dihedral_angle(const double *a, const double *b, const double *c, const double *d)
{
  const Vector3 u = difference(a, b), v = difference(b, c), w = difference(c, d), p = cross(u, v),
                q = cross(v, w);
  return std::atan2(norm(v) * dot(u, q), dot(p, q));
}

CoordinateDistributions::CoordinateDistributions(const Topology &t) :
    topology(t), bonds{"bond", 0.0, 0.01, 500, t.bonds.kind, t.bonds.names, {}, {}},
    angles{"angle", 0.0, 1.0, 180, t.angles.kind, t.angles.names, {}, {}},
    dihedrals{"dihedral", -180.0, 5.0, 72, t.dihedrals.kind, t.dihedrals.names, {}, {}}
{
  for (auto *family : {&bonds, &angles, &dihedrals}) {
    family->each.resize(family->kind.size());
    family->histogram.assign(family->names.size(), std::vector<double>(family->bins, 0.0));
  }
}

void CoordinateDistributions::Family::add(std::size_t k, double value, double weight, double total)
{
  auto &one = each[k];
  const double d = value - one.mean;
  one.mean += weight * d / total;
  one.squares += weight * d * (value - one.mean);
  histogram[kind[k]][std::clamp(int((value - low) / width), 0, bins - 1)] += weight;
}

void CoordinateDistributions::add(const Frame &frame)
{
  if (!(frame.weight > 0.0)) return;
  total += frame.weight;
  const auto at = [&](int i) {
    return &frame.x[3 * std::size_t(i)];
  };
  bool whole = true;
  const auto &z = frame.structure.numbers;
  for (std::size_t k = 0; k < bonds.kind.size(); k++) {
    const auto [i, j] = topology.bonds.atoms[k];
    const double length = norm(difference(at(i), at(j)));
    bonds.add(k, length, frame.weight, total);
    if (length > 1.6 * (covalent_radius(z[i]) + covalent_radius(z[j]))) whole = false;
  }
  if (!whole) broken++;
  for (std::size_t k = 0; k < angles.kind.size(); k++) {
    const auto [i, j, l] = topology.angles.atoms[k];
    const Vector3 u = difference(at(j), at(i)), v = difference(at(j), at(l));
    angles.add(k, degree * std::atan2(norm(cross(u, v)), dot(u, v)), frame.weight, total);
  }
  for (std::size_t k = 0; k < dihedrals.kind.size(); k++) {
    const auto [a, b, c, d] = topology.dihedrals.atoms[k];
    dihedrals.add(k, degree * dihedral_angle(at(a), at(b), at(c), at(d)), frame.weight, total);
  }
}

std::vector<Quantity> CoordinateDistributions::quantities() const
{
  std::vector<Quantity> list;
  if (bonds.kind.empty()) return list;
  for (const auto &[family, unit] : {std::pair{&bonds, "A"}, {&angles, "degrees"}})
    for (const char *what : {"mean", "width"})
      for (std::size_t kind = 0; kind < family->names.size(); kind++) {
        double mean = 0.0, n = 0.0, square = 0.0;
        for (std::size_t k = 0; k < family->kind.size(); k++)
          if (family->kind[k] == int(kind)) {
            n++;
            mean += family->each[k].mean;
          }
        mean /= n;
        for (std::size_t k = 0; k < family->kind.size(); k++)
          if (family->kind[k] == int(kind)) {
            const double d = family->each[k].mean - mean;
            square += d * d + family->each[k].squares / total;
          }
        list.push_back({family->name + "_" + what + "_" + unit, family->names[kind],
                        what[0] == 'm' ? mean : std::sqrt(square / n)});
      }
  list.push_back({"frames", "with a broken bond", double(broken)});
  return list;
}

std::vector<Curve> CoordinateDistributions::curves() const
{
  std::vector<Curve> list;
  for (const auto *family : {&bonds, &angles, &dihedrals})
    for (std::size_t kind = 0; kind < family->names.size(); kind++) {
      Curve curve{family->name, family->names[kind], {}, {}};
      const auto &counts = family->histogram[kind];
      double sum = 0.0;
      int first = family->bins, last = -1;
      for (int b = 0; b < family->bins; b++) {
        sum += counts[b];
        if (counts[b] > 0.0) first = std::min(first, b), last = b;
      }
      for (int b = first; b <= last; b++) {
        curve.x.push_back(family->low + (b + 0.5) * family->width);
        curve.y.push_back(counts[b] / sum / family->width);
      }
      list.push_back(std::move(curve));
    }
  return list;
}

std::vector<Quantity> CoordinateDistributions::compare(const CoordinateDistributions &other) const
{
  std::vector<Quantity> list;
  const std::pair<const Family *, const Family *> families[] = {
      {&bonds, &other.bonds}, {&angles, &other.angles}, {&dihedrals, &other.dihedrals}};
  for (const auto &[a, b] : families) {
    if (a->kind.empty() || a->kind != b->kind || a->names != b->names) continue;
    if (a != &dihedrals) {
      double mean = 0.0, width = 0.0;
      const double n = double(a->each.size());
      for (std::size_t k = 0; k < a->each.size(); k++) {
        const double dm = a->each[k].mean - b->each[k].mean;
        const double dw =
            std::sqrt(a->each[k].squares / total) - std::sqrt(b->each[k].squares / other.total);
        mean += dm * dm / n;
        width += dw * dw / n;
      }
      const std::string unit = a == &bonds ? "A" : "degrees";
      list.push_back({"rmse_" + unit, a->name + " means", std::sqrt(mean)});
      list.push_back({"rmse_" + unit, a->name + " widths", std::sqrt(width)});
    }
  }
  for (const auto &[a, b] : families)
    if (!a->kind.empty() && a->kind == b->kind && a->names == b->names)
      for (std::size_t kind = 0; kind < a->names.size(); kind++)
        list.push_back({"jensen_shannon_" + a->name, a->names[kind],
                        jensen_shannon(a->histogram[kind], b->histogram[kind])});
  return list;
}

}    // namespace mlff
