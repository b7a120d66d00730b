// Finds bonds and names the kinds of bonds, angles and dihedrals.
#include "analysis/topology.h"

#include "core/elements.h"
#include "core/graph.h"
#include "data/trajectory.h"
#include "structure/bonds.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace mlff {

namespace {

  constexpr std::size_t too_many = 200'000;

  template <int width>
  void add(Topology::Kinds<width> &kinds, std::map<std::string, int> &kind_of_name,
           const std::array<int, width> &atoms, const std::string &name)
  {
    const auto [at, fresh] = kind_of_name.try_emplace(name, int(kinds.names.size()));
    if (fresh) kinds.names.push_back(name);
    kinds.atoms.push_back(atoms);
    kinds.kind.push_back(at->second);
  }

  std::vector<std::pair<int, int>> find_bonds(const Structure &frame)
  {
    std::vector<int> elements = frame.numbers;
    std::sort(elements.begin(), elements.end());
    elements.erase(std::unique(elements.begin(), elements.end()), elements.end());
    double largest = 0.0;
    for (const int z : elements) largest = std::max(largest, covalent_radius(z));
    GraphStorage graph;
    append_graph(frame, elements, 2.0 * bonded_within * largest, graph);
    std::set<std::pair<int, int>> bonds;
    for (int i = 0; i < frame.n_atoms(); i++)
      for (int e = graph.first_edge[i]; e < graph.first_edge[i + 1]; e++) {
        const int j = graph.neighbor[e];
        const double *r = &graph.r[3 * std::size_t(e)];
        if (i < j &&
            std::hypot(r[0], r[1], r[2]) < bonded_within *
                    (covalent_radius(frame.numbers[i]) + covalent_radius(frame.numbers[j])))
          bonds.emplace(i, j);
      }
    return {bonds.begin(), bonds.end()};
  }

  void find_molecules(Topology &t, int n)
  {
    t.molecule.assign(n, -1);
    for (int i = 0; i < n; i++) {
      if (t.molecule[i] >= 0) continue;
      const int m = int(t.members.size());
      t.members.push_back({i});
      t.molecule[i] = m;
      for (std::size_t k = 0; k < t.members[m].size(); k++)
        for (const int j : t.neighbors[t.members[m][k]])
          if (t.molecule[j] < 0) {
            t.molecule[j] = m;
            t.members[m].push_back(j);
          }
    }
  }

  /// Whether b and c hold together without their bond.
  bool in_ring(const Topology &t, int b, int c)
  {
    std::set<int> seen = {b};
    std::vector<int> front = {b};
    while (!front.empty()) {
      const int i = front.back();
      front.pop_back();
      for (const int j : t.neighbors[i]) {
        if (i == b && j == c) continue;
        if (j == c) return true;
        if (seen.insert(j).second) front.push_back(j);
      }
    }
    return false;
  }

  int heaviest(const Topology &t, const std::vector<int> &numbers, int of, int but)
  {
    int best = -1;
    for (const int j : t.neighbors[of])
      if (j != but &&
          (best < 0 || numbers[j] > numbers[best] || (numbers[j] == numbers[best] && j < best)))
        best = j;
    return best;
  }

}    // namespace

Topology find_topology(const Structure &frame, bool with_bonds)
{
  Topology t;
  const int n = frame.n_atoms();
  const auto symbol = [&](int i) {
    return element_symbol(frame.numbers[i]);
  };
  const auto chain = [&](std::vector<int> atoms) {
    std::string forward, backward;
    for (std::size_t k = 0; k < atoms.size(); k++) {
      forward += (k ? "-" : "") + symbol(atoms[k]);
      backward += (k ? "-" : "") + symbol(atoms[atoms.size() - 1 - k]);
    }
    return std::min(forward, backward);
  };
  t.neighbors.resize(n);
  t.hydrogen.resize(n);
  std::vector<std::pair<int, int>> bonds;
  if (with_bonds) bonds = find_bonds(frame);
  std::map<std::string, int> kind_of_name;
  for (auto [i, j] : bonds) {
    t.neighbors[i].push_back(j);
    t.neighbors[j].push_back(i);
    const auto rank = [&](int a) {
      return frame.numbers[a] == 1 ? 1000 : frame.numbers[a];
    };
    if (rank(i) > rank(j)) std::swap(i, j);
    add<2>(t.bonds, kind_of_name, {i, j}, symbol(i) + "-" + symbol(j));
  }
  find_molecules(t, n);
  for (int i = 0; i < n; i++)
    if (frame.numbers[i] == 1 && !t.neighbors[i].empty())
      t.hydrogen[i] = "H(" + symbol(heaviest(t, frame.numbers, i, -1)) + ")";

  std::size_t n_angles = 0, n_dihedrals = 0;
  for (int b = 0; b < n; b++)
    n_angles +=
        t.neighbors[b].size() * (t.neighbors[b].size() - (t.neighbors[b].empty() ? 0 : 1)) / 2;
  for (const auto &[b, c] : bonds)
    n_dihedrals += (t.neighbors[b].size() - 1) * (t.neighbors[c].size() - 1);
  if (n_angles > too_many || n_dihedrals > too_many) {
    t.left_out = std::to_string(n_angles) + " angles and " + std::to_string(n_dihedrals) +
        " dihedrals are more than the " + std::to_string(too_many) +
        " that are followed, and left out";
    return t;
  }
  kind_of_name.clear();
  for (int b = 0; b < n; b++)
    for (std::size_t p = 0; p < t.neighbors[b].size(); p++)
      for (std::size_t q = 0; q < p; q++) {
        const int a = t.neighbors[b][q], c = t.neighbors[b][p];
        add<3>(t.angles, kind_of_name, {a, b, c}, chain({a, b, c}));
      }
  kind_of_name.clear();
  std::map<std::string, int> kind_of_torsion;
  for (const auto &[b, c] : bonds) {
    for (const int a : t.neighbors[b])
      for (const int d : t.neighbors[c])
        if (a != c && d != b && a != d)
          add<4>(t.dihedrals, kind_of_name, {a, b, c, d}, chain({a, b, c, d}));
    if (t.neighbors[b].size() < 2 || t.neighbors[c].size() < 2 || t.neighbors[b].size() > 4 ||
        t.neighbors[c].size() > 4)
      continue;
    const int a = heaviest(t, frame.numbers, b, c), d = heaviest(t, frame.numbers, c, b);
    if (a == d || in_ring(t, b, c)) continue;
    add<4>(t.torsions, kind_of_torsion, {a, b, c, d}, chain({a, b, c, d}));
    t.fold.push_back(t.neighbors[b].size() == 4 || t.neighbors[c].size() == 4 ? 3 : 2);
  }
  return t;
}

}    // namespace mlff
