// One molecule by its bonds: its permutations, and the places of a structure's atoms in it.
#include "structure/bonded_molecule.h"

#include "core/elements.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

namespace mlff {

namespace {

  using Neighbors = std::vector<std::vector<int>>;

  Neighbors neighbors_of(const BondedMolecule &molecule)
  {
    Neighbors neighbors(molecule.numbers.size());
    for (const auto &[i, j] : molecule.bonds) {
      neighbors[i].push_back(j);
      neighbors[j].push_back(i);
    }
    for (auto &list : neighbors) std::sort(list.begin(), list.end());
    return neighbors;
  }

  /// (b-a) x (c-a) . (d-a) of four points.
  double volume(const double *a, const double *b, const double *c, const double *d)
  {
    double u[3], v[3], w[3];
    for (int k = 0; k < 3; k++) {
      u[k] = b[k] - a[k];
      v[k] = c[k] - a[k];
      w[k] = d[k] - a[k];
    }
    return (u[1] * v[2] - u[2] * v[1]) * w[0] + (u[2] * v[0] - u[0] * v[2]) * w[1] +
        (u[0] * v[1] - u[1] * v[0]) * w[2];
  }

  /// Sign of a permutation that sorts four numbers.
  int parity(const std::array<int, 4> &x)
  {
    int sign = 1;
    for (int i = 0; i < 4; i++)
      for (int j = 0; j < i; j++)
        if (x[j] > x[i]) sign = -sign;
    return sign;
  }

  /// All ways to lay the atoms of one molecule onto those of another with the same elements, bonds
  /// and handedness (of all centres, or of none), up to a number of them. Atom k goes onto k first,
  /// where that fits.
  class Search {
   public:
    Search(const BondedMolecule &from, const BondedMolecule &onto, std::size_t limit) :
        from(from), onto(onto), limit(limit), n(from.n_atoms()), image(n, -1), used(n, 0),
        place(n, -1), near_from(neighbors_of(from)), near_onto(neighbors_of(onto))
    {
      if (n != onto.n_atoms() || from.bonds.size() != onto.bonds.size()) return;
      // each atom after one that it is bonded to, where there is one
      for (int start = 0; start < n; start++) {
        if (place[start] >= 0) continue;
        std::size_t next = sequence.size();
        add(start);
        for (; next < sequence.size(); next++)
          for (const int j : near_from[sequence[next]])
            if (place[j] < 0) add(j);
      }
      // a centre is looked at when the last of its five atoms has found its place
      complete.resize(n);
      for (int c = 0; c < n; c++) {
        if (from.handedness[c] == 0) continue;
        int last = place[c];
        for (const int j : near_from[c]) last = std::max(last, place[j]);
        complete[last].push_back(c);
      }
      extend(0, 0);
    }

    std::vector<Permutation> found;

   private:
    const BondedMolecule &from, &onto;
    std::size_t limit;
    int n;
    Permutation image;
    std::vector<char> used;
    std::vector<int> place, sequence;
    Neighbors near_from, near_onto;
    std::vector<std::vector<int>> complete;

    void add(int k)
    {
      place[k] = int(sequence.size());
      sequence.push_back(k);
    }

    /// +1 or -1: the centre keeps or changes its handedness; 0: the other one has none.
    int turn(int c) const
    {
      std::array<int, 4> x;
      for (int k = 0; k < 4; k++) x[k] = image[near_from[c][k]];
      return from.handedness[c] * onto.handedness[image[c]] * parity(x);
    }

    void extend(int at, int sense)
    {
      if (found.size() >= limit) return;
      if (at == n) {
        found.push_back(image);
        return;
      }
      const int k = sequence[at];
      try_image(k, k, at, sense);
      for (int j = 0; j < n; j++)
        if (j != k) try_image(k, j, at, sense);
    }

    void try_image(int k, int j, int at, int sense)
    {
      if (used[j] || from.numbers[k] != onto.numbers[j] ||
          near_from[k].size() != near_onto[j].size())
        return;
      for (const int other : near_from[k])
        if (image[other] >= 0 &&
            !std::binary_search(near_onto[j].begin(), near_onto[j].end(), image[other]))
          return;
      image[k] = j;
      used[j] = 1;
      bool fits = true;
      for (const int c : complete[at]) {
        const int t = turn(c);
        if (t == 0) continue;
        fits = fits && (sense == 0 || sense == t);
        sense = t;
      }
      if (fits) extend(at + 1, sense);
      image[k] = -1;
      used[j] = 0;
    }
  };

  Permutation product(const Permutation &a, const Permutation &b)
  {
    Permutation c(a.size());
    for (std::size_t k = 0; k < a.size(); k++) c[k] = a[b[k]];
    return c;
  }

  Permutation identity(int n)
  {
    Permutation p(n);
    for (int k = 0; k < n; k++) p[k] = k;
    return p;
  }

  int moved(const Permutation &p)
  {
    int count = 0;
    for (int k = 0; k < int(p.size()); k++) count += p[k] != k;
    return count;
  }

}    // namespace

std::string BondedMolecule::formula() const
{
  std::map<std::string, int> count;
  for (const int z : numbers) count[element_symbol(z)]++;
  std::string text;
  const auto add = [&](const std::string &symbol) {
    const auto found = count.find(symbol);
    if (found == count.end()) return;
    text += symbol + (found->second > 1 ? std::to_string(found->second) : "");
    count.erase(found);
  };
  // E. A. Hill's order
  if (count.contains("C")) {
    add("C");
    add("H");
  }
  while (!count.empty()) add(count.begin()->first);
  return text;
}

std::string BondedMolecule::bond_text() const
{
  std::string text;
  for (const auto &[i, j] : bonds)
    text += (text.empty() ? "" : " ") + element_symbol(numbers[i]) + std::to_string(i + 1) + "-" +
        element_symbol(numbers[j]) + std::to_string(j + 1);
  return text.empty() ? "no bonds" : text;
}

BondedMolecule bonded_molecule(const std::vector<int> &numbers,
                               const std::vector<double> &positions, double factor)
{
  BondedMolecule molecule;
  molecule.numbers = numbers;
  const int n = molecule.n_atoms();
  for (int i = 0; i < n; i++)
    for (int j = i + 1; j < n; j++) {
      double square = 0.0;
      for (int a = 0; a < 3; a++)
        square += std::pow(positions[3 * i + a] - positions[3 * j + a], 2);
      if (std::sqrt(square) < factor * (covalent_radius(numbers[i]) + covalent_radius(numbers[j])))
        molecule.bonds.emplace_back(i, j);
    }
  molecule.handedness.assign(n, 0);
  const auto neighbors = neighbors_of(molecule);
  for (int i = 0; i < n; i++) {
    if (neighbors[i].size() != 4) continue;
    double unit[4][3];
    for (int k = 0; k < 4; k++) {
      double square = 0.0;
      for (int a = 0; a < 3; a++) {
        unit[k][a] = positions[3 * neighbors[i][k] + a] - positions[3 * i + a];
        square += unit[k][a] * unit[k][a];
      }
      for (int a = 0; a < 3; a++) unit[k][a] /= std::sqrt(square);
    }
    // 3.1 of a regular tetrahedron, 0 of a plane
    const double V = volume(unit[0], unit[1], unit[2], unit[3]);
    if (std::abs(V) > 1.0) molecule.handedness[i] = V > 0 ? 1 : -1;
  }
  return molecule;
}

std::vector<Permutation> equivalent_permutations(const BondedMolecule &molecule, int limit)
{
  Search search(molecule, molecule, std::size_t(limit) + 1);
  if (int(search.found.size()) > limit)
    throw MoleculeMismatch("the equivalent atoms of " + molecule.formula() + " have more than " +
                           std::to_string(limit) + " permutations");
  std::sort(search.found.begin(), search.found.end());
  return search.found;
}

std::vector<Permutation> group_of(const std::vector<Permutation> &generators, int n_atoms,
                                  int limit)
{
  std::vector<Permutation> group = {identity(n_atoms)};
  std::set<Permutation> seen(group.begin(), group.end());
  for (std::size_t at = 0; at < group.size(); at++)
    for (const auto &g : generators) {
      Permutation p = product(g, group[at]);
      if (!seen.insert(p).second) continue;
      if (int(group.size()) == limit) return {};
      group.push_back(std::move(p));
    }
  return group;
}

std::vector<Permutation> generators_within(const std::vector<Permutation> &group, int n_atoms,
                                           int limit)
{
  std::vector<Permutation> sorted = group, generators;
  std::stable_sort(sorted.begin(), sorted.end(), [](const Permutation &a, const Permutation &b) {
    return moved(a) < moved(b);
  });
  std::set<Permutation> reached = {identity(n_atoms)};
  for (const auto &p : sorted) {
    if (reached.contains(p)) continue;
    generators.push_back(p);
    const auto larger = group_of(generators, n_atoms, limit);
    if (larger.empty())
      generators.pop_back();
    else
      reached = {larger.begin(), larger.end()};
  }
  return generators;
}

std::vector<double> symmetric_means(const BondedMolecule &molecule,
                                    const std::vector<Permutation> &group,
                                    const std::vector<double> &of_pairs)
{
  std::vector<double> means(of_pairs.size());
  std::vector<char> done(of_pairs.size(), 0);
  for (int i = 0; i < molecule.n_atoms(); i++)
    for (int j = 0; j < i; j++) {
      if (done[BondedMolecule::pair(i, j)]) continue;
      std::set<int> orbit;
      for (const auto &p : group) orbit.insert(BondedMolecule::pair(p[i], p[j]));
      double sum = 0.0;
      for (const int pair : orbit) sum += of_pairs[pair];
      for (const int pair : orbit) {
        means[pair] = sum / double(orbit.size());
        done[pair] = 1;
      }
    }
  return means;
}

std::string cycle_text(const BondedMolecule &molecule, const Permutation &permutation)
{
  std::string text;
  std::vector<char> done(permutation.size(), 0);
  for (int start = 0; start < int(permutation.size()); start++) {
    if (done[start] || permutation[start] == start) continue;
    std::string cycle;
    for (int k = start; !done[k]; k = permutation[k]) {
      done[k] = 1;
      cycle +=
          (cycle.empty() ? "" : " ") + element_symbol(molecule.numbers[k]) + std::to_string(k + 1);
    }
    text += "(" + cycle + ")";
  }
  return text.empty() ? "()" : text;
}

MoleculeMatcher::MoleculeMatcher(const BondedMolecule &molecule, const std::vector<int> &elements,
                                 double cutoff) :
    molecule(molecule),
    elements(elements), cutoff(cutoff)
{
  const auto neighbors = neighbors_of(molecule);
  for (int c = 0; c < molecule.n_atoms(); c++)
    if (molecule.handedness[c] != 0)
      centres.push_back({c, neighbors[c][0], neighbors[c][1], neighbors[c][2], neighbors[c][3]});
  for (const auto &[i, j] : molecule.bonds)
    held_square.push_back(std::pow(
        bond_held * (covalent_radius(molecule.numbers[i]) + covalent_radius(molecule.numbers[j])),
        2));
}

bool MoleculeMatcher::is_known(const Graph &graph) const
{
  const auto same = [](std::span<const int> a, const std::vector<int> &b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end());
  };
  return same(graph.neighbor, neighbor) && same(graph.species, species) &&
      same(graph.first_edge, first_edge) && same(graph.first_atom, first_atom);
}

void MoleculeMatcher::wrong_neighbors(const Graph &graph, int structure, int i) const
{
  // The formula says most where a structure is one molecule.
  BondedMolecule found;
  for (int k = graph.first_atom[structure]; k < graph.first_atom[structure + 1]; k++)
    found.numbers.push_back(elements[graph.species[k]]);
  char distance[32];
  std::snprintf(distance, sizeof distance, "%.4g", cutoff);
  throw MoleculeMismatch(
      "structure " + std::to_string(structure + 1) + ", " + found.formula() + ": atom " +
      std::to_string(i - graph.first_atom[structure] + 1) + " has " +
      std::to_string(graph.first_edge[i + 1] - graph.first_edge[i]) +
      " neighbors within the cutoff of " + distance + " Å; the model is of one molecule " +
      molecule.formula() + ", where each atom has " + std::to_string(molecule.n_atoms() - 1) +
      ", and takes one or several of them that are further apart than the cutoff");
}

void MoleculeMatcher::find(const Graph &graph)
{
  const int n = molecule.n_atoms();
  if (!is_known(graph)) {
    species.clear();    // not known until all of it is read
    members.clear();
    std::vector<char> taken(graph.n_centres(), 0);
    for (int s = 0; s < graph.n_structures(); s++)
      for (int i = graph.first_atom[s]; i < graph.first_atom[s + 1]; i++) {
        if (graph.first_edge[i + 1] - graph.first_edge[i] != n - 1) wrong_neighbors(graph, s, i);
        if (taken[i]) continue;
        const auto begin = std::ptrdiff_t(members.size());
        members.push_back(i);
        for (int e = graph.first_edge[i]; e < graph.first_edge[i + 1]; e++)
          members.push_back(graph.neighbor[e]);
        std::sort(members.begin() + begin, members.end());
        for (auto k = members.begin() + begin; k != members.end(); k++) {
          if (taken[*k])
            wrong_neighbors(
                graph, s,
                // also an atom that is its own neighbor, or twice a neighbor, by periodic images
                *k);
          taken[*k] = 1;
        }
      }
    molecules = int(members.size()) / n;
    edge.assign(std::size_t(molecules) * molecule.n_pairs(), -1);
    atom.assign(members.size(), -1);
    if (int(order.size()) < molecules) order.resize(molecules);
    for (int m = 0; m < molecules; m++) {
      if (!order[m].empty()) {
        list_edges(graph, m);
        if (holds(graph, m)) continue;
      }
      match(graph, m);
    }
    const auto copy = [](std::span<const int> a, std::vector<int> &b) {
      b.assign(a.begin(), a.end());
    };
    copy(graph.first_atom, first_atom);
    copy(graph.first_edge, first_edge);
    copy(graph.neighbor, neighbor);
    copy(graph.species, species);
    return;
  }
  for (int m = 0; m < molecules; m++)
    if (!holds(graph, m)) match(graph, m);
}

void MoleculeMatcher::list_edges(const Graph &graph, int m)
{
  const int n = molecule.n_atoms();
  const int *member = &members[std::size_t(m) * n];
  int *record_atom = &atom[std::size_t(m) * n], *pairs = &edge[std::size_t(m) * molecule.n_pairs()];
  for (int k = 0; k < n; k++) record_atom[k] = member[order[m][k]];
  for (int k = 0; k < n; k++)
    for (int e = graph.first_edge[record_atom[k]]; e < graph.first_edge[record_atom[k] + 1]; e++) {
      const int place = int(std::lower_bound(member, member + n, graph.neighbor[e]) - member);
      if (place == n || member[place] != graph.neighbor[e]) {
        int s = 0;
        while (graph.first_atom[s + 1] <= record_atom[k]) s++;
        wrong_neighbors(graph, s, record_atom[k]);
      }
      const int j = int(std::find(order[m].begin(), order[m].end(), place) - order[m].begin());
      if (j < k) pairs[BondedMolecule::pair(k, j)] = e;
    }
}

bool MoleculeMatcher::holds(const Graph &graph, int m) const
{
  const int n = molecule.n_atoms();
  const int *record_atom = &atom[std::size_t(m) * n],
            *pairs = &edge[std::size_t(m) * molecule.n_pairs()];
  for (int k = 0; k < n; k++)
    if (elements[graph.species[record_atom[k]]] != molecule.numbers[k]) return false;
  for (std::size_t b = 0; b < molecule.bonds.size(); b++) {
    const double *r = &graph.r[3 *
                               std::size_t(pairs[BondedMolecule::pair(molecule.bonds[b].first,
                                                                      molecule.bonds[b].second)])];
    if (!(r[0] * r[0] + r[1] * r[1] + r[2] * r[2] < held_square[b])) return false;
  }
  int sense = 0;
  for (const auto &c : centres) {
    double x[4][3];
    for (int k = 0; k < 4; k++) {
      const double *r = &graph.r[3 * std::size_t(pairs[BondedMolecule::pair(c[0], c[k + 1])])];
      const double sign = c[0] > c[k + 1] ? 1.0 : -1.0;
      for (int a = 0; a < 3; a++) x[k][a] = sign * r[a];
    }
    const int found = molecule.handedness[c[0]] * (volume(x[0], x[1], x[2], x[3]) > 0 ? 1 : -1);
    if (sense == -found) return false;
    sense = found;
  }
  return true;
}

void MoleculeMatcher::match(const Graph &graph, int m)
{
  const int n = molecule.n_atoms();
  const int *member = &members[std::size_t(m) * n];
  std::vector<int> numbers;
  numbers.reserve(n);
  std::vector<double> positions(3 * std::size_t(n), 0.0);    // relative to the first atom
  for (int k = 0; k < n; k++) numbers.push_back(elements[graph.species[member[k]]]);
  for (int e = graph.first_edge[member[0]]; e < graph.first_edge[member[0] + 1]; e++) {
    const auto place = std::lower_bound(member, member + n, graph.neighbor[e]) - member;
    std::copy_n(&graph.r[3 * std::size_t(e)], 3, &positions[3 * std::size_t(place)]);
  }
  // wider and wider: a bond may be long for a moment
  for (double factor = bonded_within; factor < bond_held + 1e-9; factor += 0.05) {
    const Search search(molecule, bonded_molecule(numbers, positions, factor), 1);
    if (search.found.empty()) continue;
    order[m] = search.found.front();
    list_edges(graph, m);
    return;
  }
  const BondedMolecule found = bonded_molecule(numbers, positions);
  order[m].clear();
  species.clear();
  int s = 0;
  while (graph.first_atom[s + 1] <= member[0]) s++;
  std::string text = "structure " + std::to_string(s + 1) + ": the atoms " +
      std::to_string(member[0] - graph.first_atom[s] + 1) + " to " +
      std::to_string(member[n - 1] - graph.first_atom[s] + 1) + " are ";
  if (found.formula() != molecule.formula())
    throw MoleculeMismatch(text + found.formula() + "; the model is of " + molecule.formula() +
                           " alone");
  BondedMolecule plain = molecule, other = found;
  std::fill(plain.handedness.begin(), plain.handedness.end(), 0);
  std::fill(other.handedness.begin(), other.handedness.end(), 0);
  if (!Search(plain, other, 1).found.empty())
    throw MoleculeMismatch(text + "another stereoisomer of " + found.formula() +
                           " than that of the model, whose bonds are " + molecule.bond_text());
  throw MoleculeMismatch(text + found.formula() + " with the bonds " + found.bond_text() +
                         "; the model is of " + molecule.formula() + " with the bonds " +
                         molecule.bond_text() + ", in any order of the atoms");
}

}    // namespace mlff
