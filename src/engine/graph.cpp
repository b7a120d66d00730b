#include "graph.h"

namespace mlff {

void GraphStorage::clear()
{
  first_atom.assign(1, 0);
  first_edge.assign(1, 0);
  species.clear();
  neighbor.clear();
  r.clear();
}

void GraphStorage::append(const Graph &other)
{
  const int atoms = int(species.size());
  const int edges = int(neighbor.size());
  for (int s = 0; s < other.n_structures(); s++) first_atom.push_back(atoms + other.first_atom[s + 1]);
  for (int i = 0; i < other.n_centres(); i++) first_edge.push_back(edges + other.first_edge[i + 1]);
  species.insert(species.end(), other.species.begin(), other.species.end());
  for (const int j : other.neighbor) neighbor.push_back(atoms + j);
  r.insert(r.end(), other.r.begin(), other.r.end());
}

}    // namespace mlff
