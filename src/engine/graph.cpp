#include "graph.h"

namespace mlff {

void GraphStorage::clear()
{
  first_atom.assign(1, 0);
  first_edge.assign(1, 0);
  species.clear();
  neighbor.clear();
  mirror.clear();
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
  for (const int m : other.mirror) mirror.push_back(m < 0 ? -1 : edges + m);
  r.insert(r.end(), other.r.begin(), other.r.end());
}

}    // namespace mlff
