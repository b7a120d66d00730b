// Pair style ipi on several ranks: atoms to rank 0, forces and results back.
#include "pair_ipi.h"

#include "atom.h"
#include "comm.h"
#include "domain.h"

#include "lammps_common/neighbor_exclusions.h"
#include "pair_ipi/ipi_impl.h"

#include <algorithm>
#include <chrono>
#include <numeric>
#include <thread>

using namespace LAMMPS_NS;

// numbers of an atom: ID, element, position

static constexpr int width = 5;

/* ----------------------------------------------------------------------
   on rank 0 the system becomes that of all atoms, in the order of their IDs
------------------------------------------------------------------------- */

void PairIPI::gather_atoms()
{
  const int out = NeighborExclusions(lmp, "ipi").left_out(map);
  auto &local = impl->local;
  local.clear();
  for (int i = 0; i < atom->nlocal; i++)
    if (map[atom->type[i]] > 0 && !(atom->mask[i] & out)) local.push_back(i);

  auto &packed = impl->packed;
  packed.resize(width * local.size());
  double *next = packed.data();
  for (const int i : local) {
    next[0] = ubuf(atom->tag[i]).d;
    next[1] = map[atom->type[i]];
    if (impl->form.wrap)
      for (int a = 0; a < 3; a++) next[2 + a] = atom->x[i][a] - domain->boxlo[a];
    else
      domain->unmap(atom->x[i], atom->image[i], next + 2);
    next += width;
  }

  int count = (int) packed.size();
  auto &counts = impl->counts;
  auto &first = impl->first;
  counts.assign(comm->nprocs, 0);
  first.assign(comm->nprocs, 0);
  MPI_Gather(&count, 1, MPI_INT, counts.data(), 1, MPI_INT, 0, world);
  for (int r = 1; r < comm->nprocs; r++) first[r] = first[r - 1] + counts[r - 1];
  auto &gathered = impl->gathered;
  gathered.resize(comm->me == 0 ? first.back() + counts.back() : 0);
  MPI_Gatherv(packed.data(), count, MPI_DOUBLE, gathered.data(), counts.data(), first.data(),
              MPI_DOUBLE, 0, world);
  if (comm->me != 0) return;

  auto &order = impl->order;
  order.resize(gathered.size() / width);
  std::iota(order.begin(), order.end(), 0);
  const auto id = [&](int k) {
    return (tagint) ubuf(gathered[width * k]).i;
  };
  std::sort(order.begin(), order.end(), [&](int a, int b) {
    return id(a) < id(b);
  });
  auto &system = impl->system;
  system.numbers.clear();
  system.positions.clear();
  for (const int k : order) {
    const double *one = &gathered[width * k];
    system.numbers.push_back((int) one[1]);
    system.positions.insert(system.positions.end(), one + 2, one + width);
  }
  const double *h = domain->h;
  system.periodic = {domain->xperiodic != 0, domain->yperiodic != 0, domain->zperiodic != 0};
  system.cell = {};
  if (system.periodic != std::array{false, false, false})
    system.cell = {h[0], 0.0, 0.0, h[5], h[1], 0.0, h[4], h[3], h[2]};
}

/* ----------------------------------------------------------------------
   forces of the answer are added to those of the atoms
------------------------------------------------------------------------- */

void PairIPI::scatter_forces()
{
  auto &gathered = impl->gathered;
  auto &counts = impl->counts;
  auto &first = impl->first;
  if (comm->me == 0) {
    const auto &order = impl->order;
    for (std::size_t n = 0; n < order.size(); n++)
      for (int a = 0; a < 3; a++)
        gathered[3 * order[n] + a] = escale * impl->answer.forces[3 * n + a];
    for (int r = 0; r < comm->nprocs; r++) {
      counts[r] = counts[r] / width * 3;
      first[r] = first[r] / width * 3;
    }
  }
  auto &packed = impl->packed;
  MPI_Scatterv(gathered.data(), counts.data(), first.data(), MPI_DOUBLE, packed.data(),
               3 * (int) impl->local.size(), MPI_DOUBLE, 0, world);
  const double *next = packed.data();
  for (const int i : impl->local)
    for (int a = 0; a < 3; a++) atom->f[i][a] += *next++;
}

/* ----------------------------------------------------------------------
   rank 0 tells the others how it went. They wait without taking the processor
   from the client.
------------------------------------------------------------------------- */

void PairIPI::share(IPIOutcome &outcome, std::string &message)
{
  if (comm->nprocs == 1) return;
  outcome.length = (int) message.size();
  MPI_Request request;
  MPI_Ibcast(&outcome, (int) sizeof outcome, MPI_BYTE, 0, world, &request);
  auto pause = std::chrono::microseconds(20);
  for (int done = 0;;) {
    MPI_Test(&request, &done, MPI_STATUS_IGNORE);
    if (done) break;
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, std::chrono::microseconds(1000));
  }
  if (outcome.length == 0) return;
  message.resize(outcome.length);
  MPI_Bcast(message.data(), outcome.length, MPI_CHAR, 0, world);
}
