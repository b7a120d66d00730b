// Exclusions that leave whole atoms out, and errors for all others.
#include "lammps_common/neighbor_exclusions.h"

#include "atom.h"
#include "error.h"
#include "group.h"
#include "neighbor.h"

#include <vector>

using namespace LAMMPS_NS;

/* ---------------------------------------------------------------------- */

int NeighborExclusions::left_out(const int *map) const
{
  if (!neighbor->exclude) return 0;

  for (int m = 0; m < neighbor->nex_type; m++) {
    const int itype = neighbor->ex1_type[m], jtype = neighbor->ex2_type[m];
    if (map[itype] >= 0 && map[jtype] >= 0)
      error->all(FLERR, Error::NOLASTLINE,
                 "Pair style {} needs all pairs of its atoms, but 'neigh_modify exclude type {} "
                 "{}' takes away some of them; accepted: types that pair_coeff maps to NULL, or "
                 "'exclude group all' and a group that the model is to leave out",
                 style, itype, jtype);
  }

  // the first group is all
  int out = 0;
  for (int m = 0; m < neighbor->nex_group; m++) {
    const int first = neighbor->ex1_group[m], second = neighbor->ex2_group[m];
    if (first == 0) out |= group->bitmask[second];
    if (second == 0) out |= group->bitmask[first];
  }

  // atoms of the model in each of the other groups
  const int ngroup = neighbor->nex_group, nmol = neighbor->nex_mol;
  std::vector<int> groups;
  for (int m = 0; m < ngroup; m++) {
    groups.push_back(neighbor->ex1_group[m]);
    groups.push_back(neighbor->ex2_group[m]);
  }
  for (int m = 0; m < nmol; m++) groups.push_back(neighbor->ex_mol_group[m]);
  std::vector<int> found(groups.size(), 0);
  for (int i = 0; i < atom->nlocal; i++) {
    if (map[atom->type[i]] < 0 || (atom->mask[i] & out)) continue;
    for (std::size_t k = 0; k < groups.size(); k++)
      if (atom->mask[i] & group->bitmask[groups[k]]) found[k] = 1;
  }
  MPI_Allreduce(MPI_IN_PLACE, found.data(), (int) found.size(), MPI_INT, MPI_MAX, world);

  for (int m = 0; m < ngroup; m++) {
    const int first = groups[2 * m], second = groups[2 * m + 1];
    if (first == 0 || second == 0 || !found[2 * m] || !found[2 * m + 1]) continue;
    error->all(FLERR, Error::NOLASTLINE,
               "Pair style {} needs all pairs of its atoms, but 'neigh_modify exclude group {} "
               "{}' takes away some of them; accepted: groups of which one has no atoms of the "
               "model, or 'exclude group all' and a group that the model is to leave out",
               style, group->names[first], group->names[second]);
  }
  for (int m = 0; m < nmol; m++)
    if (found[2 * ngroup + m])
      error->all(FLERR, Error::NOLASTLINE,
                 "Pair style {} needs all pairs of its atoms, but 'neigh_modify exclude "
                 "molecule/{} {}' takes away some of them; accepted: a group that has no atoms "
                 "of the model",
                 style, neighbor->ex_mol_intra[m] ? "intra" : "inter",
                 group->names[groups[2 * ngroup + m]]);
  return out;
}
