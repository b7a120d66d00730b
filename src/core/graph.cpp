// Appends, views and shrinks the neighbor graph.
#include "core/graph.h"

#include "core/errors.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

namespace mlff {

const double *Graph::cell_of(int structure) const
{
  if (cell.empty()) return nullptr;
  const auto vectors = cell.subspan(9 * std::size_t(structure), 9);
  return std::any_of(vectors.begin(), vectors.end(),
                     [](double x) {
                       return x != 0.0;
                     })
      ? vectors.data()
      : nullptr;
}

void GraphStorage::shrink()
{
  for (auto *list : {&first_atom, &species, &first_edge, &neighbor}) list->shrink_to_fit();
  for (auto *list : {&r, &position, &cell}) list->shrink_to_fit();
}

bool has_positions(const Graph &graph)
{
  if (graph.position.size() != 3 * std::size_t(graph.n_centres())) return false;
  for (int s = 0; s < graph.n_structures(); s++) {
    const int atom = graph.first_atom[s];
    if (atom < graph.first_atom[s + 1] && std::isnan(graph.position[3 * std::size_t(atom)]))
      return false;
  }
  return true;
}

void require_whole_systems(const Graph &graph, const char *refusal)
{
  if (graph.n_atoms() != graph.n_centres()) throw EngineError(refusal);
}

void GraphStorage::clear()
{
  first_atom.assign(1, 0);
  first_edge.assign(1, 0);
  species.clear();
  neighbor.clear();
  r.clear();
  position.clear();
  cell.clear();
}

void GraphStorage::append(const Graph &other, int first, int last)
{
  if (last <= first) return;
  const int atom = other.first_atom[first], last_atom = other.first_atom[last];
  const int edge = other.first_edge[atom], last_edge = other.first_edge[last_atom];
  // Offsets from numbers in `other` to numbers here.
  const int atoms = int(species.size()) - atom, edges = int(neighbor.size()) - edge;
  for (int s = first; s < last; s++) first_atom.push_back(atoms + other.first_atom[s + 1]);
  for (int i = atom; i < last_atom; i++) first_edge.push_back(edges + other.first_edge[i + 1]);
  species.insert(species.end(), other.species.begin() + atom, other.species.begin() + last_atom);
  for (int e = edge; e < last_edge; e++) neighbor.push_back(atoms + other.neighbor[e]);
  r.insert(r.end(), other.r.begin() + 3 * std::ptrdiff_t(edge),
           other.r.begin() + 3 * std::ptrdiff_t(last_edge));
  if (!other.position.empty() || !position.empty()) {
    // structures without positions have places in the array all the same
    constexpr double none = std::numeric_limits<double>::quiet_NaN();
    position.resize(3 * std::size_t(atoms + atom), none);
    if (other.position.empty())
      position.resize(3 * species.size(), none);
    else
      position.insert(position.end(), other.position.begin() + 3 * std::ptrdiff_t(atom),
                      other.position.begin() + 3 * std::ptrdiff_t(last_atom));
  }
  if (other.cell.empty() && cell.empty()) return;
  cell.resize(9 * (first_atom.size() - 1 - (last - first)), 0.0);
  for (int s = first; s < last; s++)
    for (int k = 0; k < 9; k++)
      cell.push_back(other.cell.empty() ? 0.0 : other.cell[9 * std::size_t(s) + k]);
}

}    // namespace mlff
