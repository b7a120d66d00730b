// The graph of the atoms on this rank, and the checks that the neighbor list has all pairs that a
// many-body model needs.
#include "pair_mlff/neighbor_graph.h"

#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "error.h"
#include "force.h"
#include "neigh_list.h"
#include "neighbor.h"
#include "pair.h"
#include "update.h"

#include <algorithm>

using namespace LAMMPS_NS;

/* ----------------------------------------------------------------------
   rows are numbered anew after a neighbor rebuild, and where a fix changed
   types without one. All ranks must agree.
------------------------------------------------------------------------- */

bool NeighborGraph::rows_are_old() const
{
  if (neighbor->ago == 0 || lists != neighbor->ncalls) return true;
  const bool same = (int) type.size() == atom->nlocal &&
      (int) row.size() == atom->nlocal + atom->nghost &&
      std::equal(type.begin(), type.end(), atom->type);
  return any_rank(!same);
}

/* ---------------------------------------------------------------------- */

bool NeighborGraph::any_rank(bool here) const
{
  if (comm->nprocs == 1) return here;
  int flag = here ? 1 : 0;
  MPI_Allreduce(MPI_IN_PLACE, &flag, 1, MPI_INT, MPI_MAX, world);
  return flag != 0;
}

/* ----------------------------------------------------------------------
   the list has all pairs of the model's types: another sub-style may have
   taken some, and types may have changed since the list was made
------------------------------------------------------------------------- */

void NeighborGraph::check_list(const int *map, const NeighList *list) const
{
  if (!list->iskip) return;
  const int ntypes = atom->ntypes;
  for (int i = 1; i <= ntypes; i++)
    for (int j = i; j <= ntypes; j++)
      if (map[i] >= 0 && map[j] >= 0 && list->ijskip[i][j])
        error->all(FLERR, Error::NOLASTLINE,
                   "Pair style mlff needs all pairs of its atoms, but a pair_coeff command gives "
                   "those of types {} and {} to another sub-style of pair style {}; accepted: "
                   "'pair_coeff * * mlff' after such a command, types mapped to NULL, or pair "
                   "style hybrid/overlay",
                   i, j, force->pair_style);

  if (neighbor->ago == 0 || lists != neighbor->ncalls) return;
  int found[3] = {0, 0, 0};
  for (int i = 0; i < std::min(atom->nlocal, (int) type.size()); i++) {
    const int before = type[i], now = atom->type[i];
    if ((map[before] < 0) == (map[now] < 0)) continue;
    found[0] = 1;
    found[1] = before;
    found[2] = now;
  }
  MPI_Allreduce(MPI_IN_PLACE, found, 3, MPI_INT, MPI_MAX, world);
  if (found[0])
    error->all(FLERR, Error::NOLASTLINE,
               "Pair style mlff on timestep {}: types changed between those of the model and "
               "those mapped to NULL (as from {} to {}) without a rebuild of the neighbor list; "
               "change types where the list is rebuilt",
               update->ntimestep, found[1], found[2]);
}

/* ----------------------------------------------------------------------
   the model needs every pair: special_bonds must not remove bonded ones
   from the neighbor list, as it does where lj and coul weights are both 0
   (special_flag of the list, as a hybrid style has weights of its own here).
   Fixes may make bonds at any rebuild of the list.
------------------------------------------------------------------------- */

void NeighborGraph::check_topology(const int *map) const
{
  if (atom->molecular == Atom::ATOMIC) return;
  int k = 1;
  while (k <= 3 && neighbor->special_flag[k] != 0) k++;
  if (k > 3) return;
  bool bonded = !atom->nspecial && atom->nbonds > 0;
  if (atom->nspecial)
    for (int i = 0; i < atom->nlocal; i++)
      if (map[atom->type[i]] >= 0 && atom->nspecial[i][2] > 0) bonded = true;
  if (any_rank(bonded))
    error->all(FLERR, Error::NOLASTLINE,
               "Pair style mlff needs the pairs of bonded atoms, but special_bonds removes 1-{} "
               "neighbors; use 'special_bonds lj/coul 1 1 1', or weights of 1e-50 where another "
               "pair style wants them off",
               k + 1);
}

/* ---------------------------------------------------------------------- */

void NeighborGraph::number_rows(Pair *pair, const int *map, NeighList *list, bool by_id)
{
  std::vector<char> used(atom->nlocal + atom->nghost, 0);
  for (int ii = 0; ii < list->inum; ii++) {
    const int i = list->ilist[ii];
    for (int jj = 0; jj < list->numneigh[i]; jj++) used[list->firstneigh[i][jj] & NEIGHMASK] = 1;
  }
  number_rows(pair, map, list, by_id, list->inum, list->ilist, used);
}

/* ---------------------------------------------------------------------- */

void NeighborGraph::number_rows(Pair *pair, const int *map, NeighList *list, bool by_id, int inum,
                                const int *ilist, const std::vector<char> &used)
{
  const int nlocal = atom->nlocal;
  const int nall = nlocal + atom->nghost;

  check_topology(map);
  check_list(map, list);
  const int out = exclusions.left_out(map);
  type.assign(atom->type, atom->type + nlocal);
  lists = neighbor->ncalls;

  graph.clear();
  local.clear();
  species.assign(nall, -1);
  for (int ii = 0; ii < inum; ii++) {
    const int i = ilist[ii];
    if (map[type[i]] < 0 || (atom->mask[i] & out)) continue;
    local.push_back(i);
    species[i] = map[type[i]];
  }

  // the owner of a ghost says whether it is a part of the model, and what it is by now

  owner.resize(nall);
  for (int i = 0; i < nlocal; i++) owner[i] = {comm->me, i};
  comm->forward_comm(pair);

  row.assign(nall, -1);
  if (by_id)
    std::sort(local.begin(), local.end(), [this](int i, int j) {
      return atom->tag[i] < atom->tag[j];
    });
  for (std::size_t c = 0; c < local.size(); c++) {
    row[local[c]] = (int) c;
    graph.species.push_back(species[local[c]]);
  }
  number_ghosts(used);
}

/* ----------------------------------------------------------------------
   rows of ghosts: that of the atom for images of owned atoms
------------------------------------------------------------------------- */

void NeighborGraph::number_ghosts(const std::vector<char> &used)
{
  const int nlocal = atom->nlocal, nall = nlocal + atom->nghost;
  const int ncentres = (int) local.size();
  std::vector<RankExchange::Ghost> ghosts;
  for (int j = nlocal; j < nall; j++) {
    if (!used[j] || species[j] < 0) continue;
    if (owner[j].rank == comm->me)
      row[j] = row[owner[j].index];
    else
      ghosts.push_back(owner[j]);
  }
  if (!exchange) return;

  std::sort(ghosts.begin(), ghosts.end());
  ghosts.erase(std::unique(ghosts.begin(), ghosts.end()), ghosts.end());
  graph.species.resize(ncentres + ghosts.size());
  for (int j = nlocal; j < nall; j++) {
    if (!used[j] || species[j] < 0 || owner[j].rank == comm->me) continue;
    row[j] = ncentres +
        (int) (std::lower_bound(ghosts.begin(), ghosts.end(), owner[j]) - ghosts.begin());
    graph.species[row[j]] = species[j];
  }
  exchange->connect(ghosts, row, ncentres);
}

/* ---------------------------------------------------------------------- */

int NeighborGraph::pack_forward_comm(int n, const int *sendlist, double *buf) const
{
  int m = 0;
  for (int k = 0; k < n; k++) {
    buf[m++] = ubuf(owner[sendlist[k]].rank).d;
    buf[m++] = ubuf(owner[sendlist[k]].index).d;
    buf[m++] = ubuf(species[sendlist[k]]).d;
  }
  return m;
}

/* ---------------------------------------------------------------------- */

void NeighborGraph::unpack_forward_comm(int n, int first, const double *buf)
{
  int m = 0;
  for (int k = first; k < first + n; k++) {
    owner[k].rank = (int) ubuf(buf[m++]).i;
    owner[k].index = (int) ubuf(buf[m++]).i;
    species[k] = (int) ubuf(buf[m++]).i;
  }
}

/* ----------------------------------------------------------------------
   all pairs within the cutoff
------------------------------------------------------------------------- */

void NeighborGraph::find_edges(NeighList *list, double cutoff, bool positions)
{
  double **x = atom->x;
  const double cutsq = cutoff * cutoff;

  graph.first_atom.assign({0, (int) local.size()});
  graph.first_edge.assign(1, 0);
  graph.neighbor.clear();
  graph.r.clear();
  graph.position.clear();
  graph.cell.clear();
  if (positions) {
    for (const int i : local) graph.position.insert(graph.position.end(), x[i], x[i] + 3);
    if (domain->xperiodic)
      graph.cell = {domain->xprd, 0.0,        0.0,        domain->xy,  domain->yprd,
                    0.0,          domain->xz, domain->yz, domain->zprd};
  }
  for (const int i : local) {
    const int *jlist = list->firstneigh[i];
    for (int jj = 0; jj < list->numneigh[i]; jj++) {
      const int j = jlist[jj] & NEIGHMASK;
      if (row[j] < 0) continue;
      const double dx = x[j][0] - x[i][0];
      const double dy = x[j][1] - x[i][1];
      const double dz = x[j][2] - x[i][2];
      if (dx * dx + dy * dy + dz * dz >= cutsq) continue;
      graph.neighbor.push_back(row[j]);
      graph.r.insert(graph.r.end(), {dx, dy, dz});
    }
    graph.first_edge.push_back((int) graph.neighbor.size());
  }
}

/* ---------------------------------------------------------------------- */

double NeighborGraph::memory_usage() const
{
  return (double) owner.capacity() * (sizeof(RankExchange::Ghost) + 3 * sizeof(int)) +
      (double) graph.neighbor.size() * (3 * sizeof(double) + sizeof(int));
}
