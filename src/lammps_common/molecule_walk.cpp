// Spanning trees of molecules by shortest distances, and positions along them.
#include "lammps_common/molecule_walk.h"

#include "lammps_common/nearest_image.h"

#include <algorithm>

using namespace LAMMPS_NS;

/* ---------------------------------------------------------------------- */

void MoleculeWalk::clear()
{
  order.clear();
  before.clear();
}

/* ---------------------------------------------------------------------- */

void MoleculeWalk::add(Domain *domain, double **x, const std::vector<int> &local, int first,
                       int last)
{
  std::vector<double> distance(last - first, HUGE_VAL);
  std::vector<char> reached(last - first, 0);
  before.resize(last, first);
  before[first] = -1;
  for (int here = first; here >= 0;) {
    reached[here - first] = 1;
    order.push_back(here);
    int next = -1;
    for (int k = first; k < last; k++) {
      if (reached[k - first]) continue;
      const double rsq = square(nearest_image(domain, x[local[here]], x[local[k]]));
      if (rsq < distance[k - first]) {
        distance[k - first] = rsq;
        before[k] = here;
      }

      // also where no distance is less than infinity: a position that is not finite must not end
      // the walk

      if (next < 0 || distance[k - first] < distance[next - first]) next = k;
    }
    here = next;
  }
}

/* ---------------------------------------------------------------------- */

void MoleculeWalk::unwrap(Domain *domain, double **x, const std::vector<int> &local,
                          std::vector<double> &whole) const
{
  for (const int k : order) {
    double *out = &whole[3 * k];
    if (before[k] < 0) {
      std::copy_n(x[local[k]], 3, out);
      continue;
    }
    const double *base = &whole[3 * before[k]];
    const auto d = nearest_image(domain, x[local[before[k]]], x[local[k]]);
    for (int a = 0; a < 3; a++) out[a] = base[a] + d[a];
  }
}
