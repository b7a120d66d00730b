#include "graph.h"

#include <cstddef>

namespace mlff {

void GraphStorage::clear()
{
  first_atom.assign(1, 0);
  first_edge.assign(1, 0);
  species.clear();
  neighbor.clear();
  r.clear();
  position.clear();
}

void GraphStorage::append(const Graph &other, int first, int last)
{
  if (last <= first) return;
  const int atom = other.first_atom[first], last_atom = other.first_atom[last];
  const int edge = other.first_edge[atom], last_edge = other.first_edge[last_atom];
  // from their numbers there to the numbers here
  const int atoms = int(species.size()) - atom, edges = int(neighbor.size()) - edge;
  for (int s = first; s < last; s++) first_atom.push_back(atoms + other.first_atom[s + 1]);
  for (int i = atom; i < last_atom; i++) first_edge.push_back(edges + other.first_edge[i + 1]);
  species.insert(species.end(), other.species.begin() + atom, other.species.begin() + last_atom);
  for (int e = edge; e < last_edge; e++) neighbor.push_back(atoms + other.neighbor[e]);
  r.insert(r.end(), other.r.begin() + 3 * std::ptrdiff_t(edge), other.r.begin() + 3 * std::ptrdiff_t(last_edge));
  if (!other.position.empty())
    position.insert(position.end(), other.position.begin() + 3 * std::ptrdiff_t(atom), other.position.begin() + 3 * std::ptrdiff_t(last_atom));
}

}    // namespace mlff
