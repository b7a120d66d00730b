// Torsions of bonded molecules by classes of equivalent atoms, and how slowly they change.
#include "kstep/nested/slow_coordinates.h"

#include "kstep/nested/block_mean.h"
#include "structure/vector3.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

namespace mlff {

namespace {

  std::vector<std::vector<int>> neighbors_of(const KstepMolecules &molecules)
  {
    std::vector<std::vector<int>> neighbors(molecules.n_atoms());
    for (const auto &bond : molecules.bonds) {
      neighbors[bond.i].push_back(bond.j);
      neighbors[bond.j].push_back(bond.i);
    }
    return neighbors;
  }

  Vector3 between(std::span<const double> x, int i, int j)
  {
    return {x[3 * j] - x[3 * i], x[3 * j + 1] - x[3 * i + 1], x[3 * j + 2] - x[3 * i + 2]};
  }

  double gyration(const KstepMolecules &molecules, int m, std::span<const double> x)
  {
    double total = 0.0, square = 0.0, centre[3] = {0.0, 0.0, 0.0};
    drift_of(molecules, m, x, centre);
    for (int i = molecules.first_atom[m]; i < molecules.first_atom[m + 1]; i++) {
      total += molecules.mass[i];
      for (int a = 0; a < 3; a++)
        square += molecules.mass[i] * std::pow(x[3 * i + a] - centre[a], 2);
    }
    return std::sqrt(square / total);
  }

}    // namespace

std::vector<int> equivalent_atoms(const KstepMolecules &molecules)
{
  const int n = molecules.n_atoms();
  const auto neighbors = neighbors_of(molecules);
  std::vector<int> classes = molecules.numbers;
  std::size_t n_classes = 0;
  while (true) {
    std::map<std::pair<int, std::vector<int>>, int> kinds;
    std::vector<std::pair<int, std::vector<int>>> kind(n);
    for (int i = 0; i < n; i++) {
      kind[i].first = classes[i];
      for (const int j : neighbors[i]) kind[i].second.push_back(classes[j]);
      std::sort(kind[i].second.begin(), kind[i].second.end());
      kinds.emplace(kind[i], 0);
    }
    int next = 0;
    for (auto &[key, number] : kinds) number = next++;
    for (int i = 0; i < n; i++) classes[i] = kinds[kind[i]];
    if (kinds.size() == n_classes) return classes;
    n_classes = kinds.size();
  }
}

SlowCoordinates::SlowCoordinates(const KstepMolecules &molecules) :
    n_molecules(molecules.n_molecules())
{
  const auto neighbors = neighbors_of(molecules);
  const auto classes = equivalent_atoms(molecules);
  for (const auto &bond : molecules.bonds) {
    std::map<std::pair<int, int>, Torsion> kinds;
    for (const int i : neighbors[bond.i])
      for (const int j : neighbors[bond.j]) {
        if (i == bond.j || j == bond.i || i == j) continue;
        auto &torsion = kinds[{classes[i], classes[j]}];
        torsion.i = bond.i;
        torsion.j = bond.j;
        torsion.ends.emplace_back(i, j);
      }
    for (auto &[kind, torsion] : kinds) torsions.push_back(std::move(torsion));
  }
  series.resize(2 * std::size_t(n_molecules) + 2 * torsions.size());
}

std::complex<double> SlowCoordinates::mean_turn(const Torsion &torsion, std::span<const double> x)
{
  std::complex<double> sum = 0.0;
  const Vector3 axis = between(x, torsion.i, torsion.j);
  const double length = norm(axis);
  for (const auto &[i, j] : torsion.ends) {
    const Vector3 p = cross(between(x, i, torsion.i), axis),
                  q = cross(axis, between(x, torsion.j, j));
    const double size = std::sqrt(dot(p, p) * dot(q, q));
    if (size > 0.0) sum += std::complex(dot(p, q), dot(cross(p, q), axis) / length) / size;
  }
  return sum / double(torsion.ends.size());
}

void SlowCoordinates::add(const KstepMolecules &molecules, std::span<const double> x,
                          std::span<const double> energy)
{
  std::size_t at = 0;
  for (int m = 0; m < n_molecules; m++) series[at++].push_back(energy[m]);
  for (int m = 0; m < n_molecules; m++) series[at++].push_back(gyration(molecules, m, x));
  for (const auto &torsion : torsions) {
    const auto turn = mean_turn(torsion, x);
    series[at++].push_back(turn.real());
    series[at++].push_back(turn.imag());
  }
}

SlowCoordinates::Slowest SlowCoordinates::slowest() const
{
  Slowest found;
  for (std::size_t k = 0; k < series.size(); k++) {
    const double g = statistical_inefficiency(std::span(series[k]).subspan(length() / 5));
    if (k > 0 && g <= found.inefficiency) continue;
    found.inefficiency = g;
    const auto n = std::size_t(n_molecules);
    found.name = k < n ? "the energy" : k < 2 * n ? "the size" : "a torsion";
    found.i = found.j = -1;
    if (k < 2 * n) continue;
    found.i = torsions[(k - 2 * n) / 2].i;
    found.j = torsions[(k - 2 * n) / 2].j;
  }
  return found;
}

}    // namespace mlff
