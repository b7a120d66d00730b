// Geometries of molecules and cells drawn without dynamics.
#include "label/wide_sampling.h"

#include "core/elements.h"
#include "core/errors.h"
#include "core/graph.h"
#include "core/units.h"
#include "label/structure_copies.h"
#include "molecule/bond_sides.h"
#include "structure/bonds.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <queue>

namespace mlff {

namespace {

  // spring constants of atoms one, two and three bonds apart, eV/Å^2: of the size of those of
  // organic molecules
  constexpr std::array<double, 4> spring_constants = {0.0, 35.0, 5.0, 0.6};
  constexpr double least_constant = 0.05;    // of every coordinate, so that H can be inverted

  constexpr double least_stretch = 0.85, most_stretch = 1.8;
  constexpr int most_tries = 200;

  double uniform(std::mt19937 &generator, double lowest, double highest)
  {
    return std::uniform_real_distribution<double>(lowest, highest)(generator);
  }

  double log_uniform(std::mt19937 &generator, double lowest, double highest)
  {
    return std::exp(uniform(generator, std::log(lowest), std::log(highest)));
  }

  /// The lower triangle L of a symmetric positive definite matrix, row-major, in its place: L L^T.
  void cholesky(std::vector<double> &matrix, std::size_t n)
  {
    for (std::size_t j = 0; j < n; j++) {
      double *row_j = &matrix[j * n];
      for (std::size_t k = 0; k < j; k++) row_j[j] -= row_j[k] * row_j[k];
      row_j[j] = std::sqrt(row_j[j]);
      for (std::size_t i = j + 1; i < n; i++) {
        double *row_i = &matrix[i * n];
        for (std::size_t k = 0; k < j; k++) row_i[j] -= row_i[k] * row_j[k];
        row_i[j] /= row_j[j];
      }
    }
  }

}    // namespace

WideMolecule::WideMolecule(const Molecule &molecule) : molecule(molecule)
{
  const int n = molecule.n_atoms();
  bonds = bonds_of(molecule.numbers, molecule.conformers.front());
  const auto neighbors = neighbors_of(n, bonds);
  closest.assign(std::size_t(n) * n, 0.0);
  for (int i = 0; i < n; i++) {
    const auto apart = bonds_from(i, neighbors);
    for (int j = 0; j < n; j++) {
      if (j != i && apart[j] != 1)
        closest[std::size_t(i) * n + j] = bonded_within *
            (covalent_radius(molecule.numbers[i]) + covalent_radius(molecule.numbers[j]));
      if (j > i && apart[j] > 0 && apart[j] < int(spring_constants.size()))
        springs.push_back({i, j, spring_constants[apart[j]]});
      // the parts of a complex: a weak spring between every two of their atoms
      if (j > i && apart[j] < 0) springs.push_back({i, j, least_constant / n});
    }
  }
  for (const auto &[i, j] : bonds) {
    auto atoms = atoms_behind(i, j, neighbors);
    if (atoms.empty()) continue;
    open.emplace_back(i, j);
    behind_open.push_back(atoms);
    if (neighbors[i].size() < 2 || neighbors[j].size() < 2) continue;
    turned.emplace_back(i, j);
    behind.push_back(atoms);
  }
}

void WideMolecule::turn(std::vector<double> &x, std::mt19937 &generator) const
{
  for (std::size_t k = 0; k < turned.size(); k++)
    if (uniform(generator, 0.0, 1.0) < 0.5)
      turn_about(x, behind[k], turned[k].first, turned[k].second,
                 uniform(generator, -std::numbers::pi, std::numbers::pi));
}

void WideMolecule::shake(std::vector<double> &x, double temperature, std::mt19937 &generator) const
{
  const std::size_t n = x.size();
  std::vector<double> matrix(n * n, 0.0);
  for (std::size_t k = 0; k < n; k++) matrix[k * n + k] = least_constant;
  for (const auto &[i, j, constant] : springs) {
    std::array<double, 3> u;
    double square = 0.0;
    for (int c = 0; c < 3; c++) {
      u[c] = x[3 * j + c] - x[3 * i + c];
      square += u[c] * u[c];
    }
    for (int c = 0; c < 3; c++)
      for (int d = 0; d < 3; d++) {
        const double h = constant * u[c] * u[d] / square;
        const std::size_t a = 3 * std::size_t(i), b = 3 * std::size_t(j);
        matrix[(a + c) * n + a + d] += h;
        matrix[(b + c) * n + b + d] += h;
        matrix[(a + c) * n + b + d] -= h;
        matrix[(b + c) * n + a + d] -= h;
      }
  }
  cholesky(matrix, n);
  // L^T displacement = noise
  const double width = std::sqrt(boltzmann * temperature);
  std::normal_distribution<double> normal(0.0, width);
  std::vector<double> displacement(n);
  for (double &d : displacement) d = normal(generator);
  for (std::size_t k = n; k-- > 0;) {
    for (std::size_t i = k + 1; i < n; i++) displacement[k] -= matrix[i * n + k] * displacement[i];
    displacement[k] /= matrix[k * n + k];
  }
  for (std::size_t k = 0; k < n; k++) x[k] += displacement[k];
}

void WideMolecule::stretch(std::vector<double> &x, std::mt19937 &generator) const
{
  if (open.empty()) return;
  const std::size_t k = generator() % open.size();
  const auto [i, j] = open[k];
  const double factor = log_uniform(generator, least_stretch, most_stretch) - 1.0;
  std::array<double, 3> shift;
  for (int c = 0; c < 3; c++) shift[c] = factor * (x[3 * j + c] - x[3 * i + c]);
  for (const int atom : behind_open[k])
    for (int c = 0; c < 3; c++) x[3 * atom + c] += shift[c];
}

bool WideMolecule::has_room(const std::vector<double> &x) const
{
  const int n = molecule.n_atoms();
  for (int i = 0; i < n; i++)
    for (int j = 0; j < i; j++) {
      const double least = closest[std::size_t(i) * n + j];
      double square = 0.0;
      for (int c = 0; c < 3; c++) square += std::pow(x[3 * i + c] - x[3 * j + c], 2);
      // bonded atoms: no nearer than their cores allow
      const double core =
          0.6 * (covalent_radius(molecule.numbers[i]) + covalent_radius(molecule.numbers[j]));
      if (square < (least > 0.0 ? least * least : core * core)) return false;
    }
  return true;
}

Structure WideMolecule::draw(std::mt19937 &generator, const WideRange &range) const
{
  std::vector<double> x;
  for (int tries = 0; tries < most_tries; tries++) {
    x = molecule.conformers[generator() % molecule.conformers.size()];
    if (uniform(generator, 0.0, 1.0) < range.turned) turn(x, generator);
    if (!has_room(x)) continue;
    shake(x, log_uniform(generator, range.coldest, range.hottest), generator);
    if (uniform(generator, 0.0, 1.0) < range.stretched) stretch(x, generator);
    if (has_room(x)) return molecule.frame(x);
  }
  // so crowded a molecule that nothing else has room
  return molecule.frame(molecule.conformers.front());
}

namespace {

  // of cells
  constexpr double largest_wide_strain = 0.05, least_volume = 0.85, most_volume = 1.2,
                   least_rattle = 0.02, most_rattle = 0.25;    // Å
  constexpr double share_melted = 0.3, share_vacant = 0.15, share_shaped = 0.7;
  constexpr double reach = 6.0;    // Å, within which neighbors are looked for

  /// Neighbors of a cell with species by element.
  struct CellGraph {
    std::vector<int> elements;
    GraphStorage storage;
    Graph graph;

    /// `within`: distance of neighbors, Å.
    CellGraph(const Structure &structure, double within) : elements(elements_of(structure.numbers))
    {
      append_graph(structure, elements, within, storage);
      graph = storage.view();
    }

    double distance(int edge) const
    {
      const double *r = &graph.r[3 * std::size_t(edge)];
      return std::hypot(r[0], r[1], r[2]);
    }

    std::size_t pair(int i, int edge) const
    {
      return std::size_t(graph.species[i]) * elements.size() +
          std::size_t(graph.species[graph.neighbor[edge]]);
    }

    /// [elements][elements] shortest distances, Å; 0 for pairs that are no neighbors.
    std::vector<double> shortest() const
    {
      std::vector<double> least(elements.size() * elements.size(), 0.0);
      for (int i = 0; i < graph.n_centres(); i++)
        for (int e = graph.first_edge[i]; e < graph.first_edge[i + 1]; e++) {
          double &known = least[pair(i, e)];
          known = known > 0.0 ? std::min(known, distance(e)) : distance(e);
        }
      return least;
    }

    /// Whether the atoms form molecules, which are not taken apart: no bonded part of the cell
    /// holds half of its atoms, and most atoms have bonds.
    bool is_molecular() const
    {
      const int n = graph.n_centres();
      std::vector<int> part(n, -1), size;
      int alone = 0;
      for (int start = 0; start < n; start++) {
        if (part[start] >= 0) continue;
        part[start] = int(size.size());
        std::queue<int> queue({start});
        int members = 0;
        for (; !queue.empty(); queue.pop(), members++) {
          const int i = queue.front();
          for (int e = graph.first_edge[i]; e < graph.first_edge[i + 1]; e++) {
            const int j = graph.neighbor[e];
            if (part[j] < 0 &&
                distance(e) < bonded_within *
                        (covalent_radius(elements[graph.species[i]]) +
                         covalent_radius(elements[graph.species[j]]))) {
              part[j] = part[start];
              queue.push(j);
            }
          }
        }
        alone += members == 1;
        size.push_back(members);
      }
      return 2 * alone < n && 2 * *std::max_element(size.begin(), size.end()) < n && n > 1;
    }
  };

  /// Moves atoms that are nearer than these distances (by pairs of elements) apart.
  void push_apart(Structure &structure, const std::vector<double> &least)
  {
    const double within = *std::max_element(least.begin(), least.end());
    for (int round = 0; round < 100; round++) {
      const CellGraph cell(structure, within);
      const Graph &graph = cell.graph;
      bool moved = false;
      for (int i = 0; i < graph.n_centres(); i++)
        for (int e = graph.first_edge[i]; e < graph.first_edge[i + 1]; e++) {
          const double d = cell.distance(e), wanted = least[cell.pair(i, e)];
          if (d >= wanted) continue;
          moved = true;
          // half of what is missing; its partner moves by the other half
          for (int c = 0; c < 3; c++)
            structure.positions[3 * i + c] -=
                0.25 * (wanted - d) / d * graph.r[3 * std::size_t(e) + c];
        }
      if (!moved) return;
    }
  }

  void displace(Structure &structure, double width, std::mt19937 &generator)
  {
    std::normal_distribution<double> normal(0.0, width);
    for (double &x : structure.positions) x += normal(generator);
  }

  void remove_atom(Structure &structure, int atom)
  {
    structure.numbers.erase(structure.numbers.begin() + atom);
    structure.positions.erase(structure.positions.begin() + 3L * atom,
                              structure.positions.begin() + 3L * atom + 3);
    if (!structure.masses.empty()) structure.masses.erase(structure.masses.begin() + atom);
  }

}    // namespace

Structure draw_wide_cell(const Structure &structure, std::mt19937 &generator)
{
  if (!structure.periodic[0] || !structure.periodic[1] || !structure.periodic[2])
    throw StructureError("it is not periodic in all directions, which wide sampling of given "
                         "structures needs; molecules are given as SMILES");
  Structure out;
  out.numbers = structure.numbers;
  out.positions = structure.positions;
  out.cell = structure.cell;
  out.periodic = structure.periodic;
  out.masses = structure.masses;
  out.charge = structure.charge;
  out.multiplicity = structure.multiplicity;
  const CellGraph cell(structure, reach);
  const bool molecular = cell.is_molecular();
  const std::vector<double> shortest = cell.shortest();

  if (uniform(generator, 0.0, 1.0) < share_shaped) {
    CopyOptions shape;
    shape.strain = largest_wide_strain;
    shape.volume = {least_volume, most_volume};
    shape.seed = int(generator() >> 1);
    out = varied(out, shape, 0);
  }
  if (!molecular && uniform(generator, 0.0, 1.0) < share_vacant) {
    const int atom = int(generator() % unsigned(out.n_atoms()));
    if (std::count(out.numbers.begin(), out.numbers.end(), out.numbers[atom]) > 4)
      remove_atom(out, atom);
  }
  if (molecular || uniform(generator, 0.0, 1.0) >= share_melted) {
    displace(out, log_uniform(generator, least_rattle, most_rattle), generator);
    return out;
  }
  double nearest = reach;
  for (const double d : shortest)
    if (d > 0.0) nearest = std::min(nearest, d);
  displace(out, nearest * uniform(generator, 0.2, 0.7), generator);
  auto least = shortest;
  const double room = uniform(generator, 0.8, 1.0);
  for (double &d : least) d *= room;
  push_apart(out, least);
  return out;
}

}    // namespace mlff
