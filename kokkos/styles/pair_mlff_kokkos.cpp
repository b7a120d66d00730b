/* ----------------------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

/* ----------------------------------------------------------------------
   pair_style mlff on a Kokkos device. After a neighbor rebuild the rows of
   the graph are numbered on the host and the edges built on the device;
   between rebuilds a step only refreshes distances and stays there. A model
   with a long-range block adds gradients by the positions of owned atoms.
------------------------------------------------------------------------- */

#include "pair_mlff_kokkos.h"

#include "atom_kokkos.h"
#include "atom_masks.h"
#include "comm.h"
#include "domain.h"
#include "error.h"
#include "force.h"
#include "kokkos.h"
#include "memory_kokkos.h"
#include "neigh_list_kokkos.h"
#include "neigh_request.h"
#include "neighbor.h"
#include "update.h"

#include "kokkos/engine/engine_kokkos.h"
#include "kokkos/models/device_models.h"
#include "kokkos/styles/tally_kokkos.h"
#include "pair_mlff/mlff_impl.h"

#include <cmath>

using namespace LAMMPS_NS;

/* ----------------------------------------------------------------------
   the model, the graph it sees, the atoms of its edges, and sums over rows
------------------------------------------------------------------------- */

template <class DeviceType> struct PairMLFFKokkos<DeviceType>::OnDevice {
  std::unique_ptr<mlff::DeviceModel<DeviceType>> model;
  mlff::DeviceGraph<DeviceType> graph;
  Kokkos::View<int *, DeviceType> local;       // owned atom of each centre
  Kokkos::View<int *, DeviceType> type;        // [owned atoms] types when rows were numbered
  Kokkos::View<int *, DeviceType> from, to;    // atoms of each edge
  Kokkos::View<double *, DeviceType> force, stress, centroid;    // [rows][3], [rows][6], [rows][9]
  int first_atom[2];
  double cell[9];
};

/* ---------------------------------------------------------------------- */

template <class DeviceType>
PairMLFFKokkos<DeviceType>::PairMLFFKokkos(LAMMPS *lmp) :
    PairMLFF(lmp), device(nullptr), batched(false)
{
  if (!lmp->kokkos || !lmp->kokkos->kokkos_exists)
    error->all(
        FLERR, Error::NOLASTLINE,
        "Pair style mlff/kk needs the KOKKOS package switched on: start LAMMPS with '-k on', "
        "or use pair style mlff");
  device = new OnDevice;
  respa_enable = 0;
  kokkosable = 1;
  atomKK = (AtomKokkos *) atom;
  execution_space = ExecutionSpaceFromDevice<DeviceType>::space;
  datamask_read = X_MASK | F_MASK | TYPE_MASK | ENERGY_MASK | VIRIAL_MASK;
  datamask_modify = F_MASK | ENERGY_MASK | VIRIAL_MASK;
}

/* ---------------------------------------------------------------------- */

template <class DeviceType> PairMLFFKokkos<DeviceType>::~PairMLFFKokkos()
{
  if (copymode) return;

  destroy_tallies();
  delete device;
}

/* ----------------------------------------------------------------------
   per-atom tallies, which are the host's where partitions evaluate together
------------------------------------------------------------------------- */

template <class DeviceType> void PairMLFFKokkos<DeviceType>::destroy_tallies()
{
  if (batched) {
    memory->destroy(eatom);
    memory->destroy(vatom);
    memory->destroy(cvatom);
  } else {
    memoryKK->destroy_kokkos(k_eatom, eatom);
    memoryKK->destroy_kokkos(k_vatom, vatom);
    memoryKK->destroy_kokkos(k_cvatom, cvatom);
  }
  eatom = nullptr;
  vatom = cvatom = nullptr;
  maxeatom = maxvatom = maxcvatom = 0;
}

/* ---------------------------------------------------------------------- */

template <class DeviceType> void PairMLFFKokkos<DeviceType>::compute(int eflag, int vflag)
{
  if (batched) {
    atomKK->sync(Host, datamask_read | MASK_MASK | (atom->molecular ? SPECIAL_MASK : EMPTY_MASK));
    PairMLFF::compute(eflag, vflag);
    atomKK->modified(Host, datamask_modify);
    return;
  }
  ev_init(eflag, vflag, 0);

  if (eflag_atom) {
    memoryKK->destroy_kokkos(k_eatom, eatom);
    memoryKK->create_kokkos(k_eatom, eatom, maxeatom, "pair:eatom");
  }
  if (vflag_atom) {
    memoryKK->destroy_kokkos(k_vatom, vatom);
    memoryKK->create_kokkos(k_vatom, vatom, maxvatom, "pair:vatom");
  }
  if (cvflag_atom) {
    memoryKK->destroy_kokkos(k_cvatom, cvatom);
    memoryKK->create_kokkos(k_cvatom, cvatom, maxcvatom, "pair:cvatom");
  }

  atomKK->sync(execution_space, datamask_read);
  if (eflag || vflag)
    atomKK->modified(execution_space, datamask_modify);
  else
    atomKK->modified(execution_space, F_MASK);

  run();

  if (eflag_atom) {
    k_eatom.template modify<DeviceType>();
    k_eatom.sync_host();
  }
  if (vflag_atom) {
    k_vatom.template modify<DeviceType>();
    k_vatom.sync_host();
  }
  if (cvflag_atom) {
    k_cvatom.template modify<DeviceType>();
    k_cvatom.sync_host();
  }
}

/* ----------------------------------------------------------------------
   rows and edges after a neighbor rebuild
------------------------------------------------------------------------- */

template <class DeviceType> void PairMLFFKokkos<DeviceType>::rebuild()
{
  const auto row = number_rows_of_atoms();
  count_edges(row);
  list_edges(row);
  device->graph.sort_incoming();
}

/* ----------------------------------------------------------------------
   rows of the graph, numbered on the host: that needs the owners of ghosts,
   which only communication there can tell. Returns the row of each atom
------------------------------------------------------------------------- */

template <class DeviceType>
Kokkos::View<int *, DeviceType> PairMLFFKokkos<DeviceType>::number_rows_of_atoms()
{
  using Unmanaged = Kokkos::MemoryTraits<Kokkos::Unmanaged>;
  const int nall = atom->nlocal + atom->nghost, inum = list->inum;
  auto *k_list = static_cast<NeighListKokkos<DeviceType> *>(list);
  const auto d_ilist = k_list->d_ilist;
  const auto d_numneigh = k_list->d_numneigh;
  const auto d_neighbors = k_list->d_neighbors;

  Kokkos::View<char *, DeviceType> d_used("mlff/pair/used", nall);
  Kokkos::parallel_for(
      "mlff/pair/used", Kokkos::RangePolicy<DeviceType>(0, inum), KOKKOS_LAMBDA(const int ii) {
        const int i = d_ilist(ii);
        for (int jj = 0; jj < d_numneigh(i); jj++) d_used(d_neighbors(i, jj) & NEIGHMASK) = 1;
      });
  std::vector<char> used(nall);
  Kokkos::deep_copy(Kokkos::View<char *, Kokkos::HostSpace, Unmanaged>(used.data(), nall), d_used);
  const auto ilist = Kokkos::create_mirror_view_and_copy(
      Kokkos::HostSpace(), Kokkos::subview(d_ilist, std::make_pair(0, inum)));
  atomKK->sync(Host, TYPE_MASK | MASK_MASK | (atom->molecular ? SPECIAL_MASK : EMPTY_MASK));
  number_rows(inum, ilist.data(), used);

  const auto upload = [](const std::vector<int> &values) {
    Kokkos::View<int *, DeviceType> view(
        Kokkos::view_alloc("mlff/pair/row", Kokkos::WithoutInitializing), values.size());
    Kokkos::deep_copy(
        view,
        Kokkos::View<const int *, Kokkos::HostSpace, Unmanaged>(values.data(), values.size()));
    return view;
  };
  device->type = upload(impl->type);
  device->local = upload(impl->local);
  const int nrows = (int) impl->graph.species.size();
  device->graph.resize_atoms(nrows, (int) impl->local.size());
  mlff::copy_to_device(device->graph.species, impl->graph.species);
  if ((int) device->force.extent(0) < 3 * nrows) {
    Kokkos::realloc(device->force, 3 * nrows + nrows / 2);
    Kokkos::realloc(device->stress, 6 * nrows + nrows);
    Kokkos::realloc(device->centroid, 9 * nrows + nrows);
  }
  return upload(impl->row);
}

/* ---------------------------------------------------------------------- */

template <class DeviceType>
void PairMLFFKokkos<DeviceType>::count_edges(const Kokkos::View<int *, DeviceType> &row)
{
  auto *k_list = static_cast<NeighListKokkos<DeviceType> *>(list);
  const auto d_numneigh = k_list->d_numneigh;
  const auto d_neighbors = k_list->d_neighbors;
  auto &graph = device->graph;
  const int ncentres = graph.n_centres;
  const auto local = device->local;
  const auto first = graph.first_edge;
  int nedges = 0;
  Kokkos::parallel_scan(
      "mlff/pair/count_edges", Kokkos::RangePolicy<DeviceType>(0, ncentres),
      KOKKOS_LAMBDA(const int c, int &sum, const bool last) {
        if (last) first(c) = sum;
        const int i = local(c);
        for (int jj = 0; jj < d_numneigh(i); jj++)
          if (row(d_neighbors(i, jj) & NEIGHMASK) >= 0) sum++;
        if (last && c == ncentres - 1) first(ncentres) = sum;
      },
      nedges);
  if (ncentres == 0) Kokkos::deep_copy(Kokkos::subview(first, 0), 0);
  graph.resize_edges(nedges);
  if ((int) device->from.extent(0) < nedges) {
    Kokkos::realloc(device->from, nedges + nedges / 8);
    Kokkos::realloc(device->to, nedges + nedges / 8);
  }
}

/* ---------------------------------------------------------------------- */

template <class DeviceType>
void PairMLFFKokkos<DeviceType>::list_edges(const Kokkos::View<int *, DeviceType> &row)
{
  auto *k_list = static_cast<NeighListKokkos<DeviceType> *>(list);
  const auto d_numneigh = k_list->d_numneigh;
  const auto d_neighbors = k_list->d_neighbors;
  const auto local = device->local;
  const auto from = device->from;
  const auto to = device->to;
  const auto first = device->graph.first_edge;
  const auto centre = device->graph.centre;
  const auto neighbor_row = device->graph.neighbor;
  Kokkos::parallel_for(
      "mlff/pair/list_edges", Kokkos::RangePolicy<DeviceType>(0, device->graph.n_centres),
      KOKKOS_LAMBDA(const int c) {
        const int i = local(c);
        int e = first(c);
        for (int jj = 0; jj < d_numneigh(i); jj++) {
          const int j = d_neighbors(i, jj) & NEIGHMASK;
          if (row(j) < 0) continue;
          from(e) = i;
          to(e) = j;
          centre(e) = c;
          neighbor_row(e) = row(j);
          e++;
        }
      });
}

/* ----------------------------------------------------------------------
   whether rows are of other atoms or types than there are now, see PairMLFF::rows_are_old()
------------------------------------------------------------------------- */

template <class DeviceType> bool PairMLFFKokkos<DeviceType>::types_changed()
{
  const int nlocal = atom->nlocal;
  if ((int) device->type.extent(0) != nlocal || (int) impl->row.size() != nlocal + atom->nghost)
    return true;
  const auto type = atomKK->k_type.template view<DeviceType>();
  const auto numbered = device->type;
  int changed = 0;
  Kokkos::parallel_reduce(
      "mlff/pair/types_changed", Kokkos::RangePolicy<DeviceType>(0, nlocal),
      KOKKOS_LAMBDA(const int i, int &sum) {
        if (type(i) != numbered(i)) sum++;
      },
      changed);
  return changed > 0;
}

/* ----------------------------------------------------------------------
   vectors of the edges and, for a long-range block, where the atoms are, and
   the cell
------------------------------------------------------------------------- */

template <class DeviceType> void PairMLFFKokkos<DeviceType>::place_atoms()
{
  using Range = Kokkos::RangePolicy<DeviceType>;
  auto &graph = device->graph;
  const auto x = atomKK->k_x.template view<DeviceType>();
  const auto from = device->from;
  const auto to = device->to;
  const auto r = graph.r;
  Kokkos::parallel_for(
      "mlff/pair/edges", Range(0, graph.n_edges), KOKKOS_LAMBDA(const int e) {
        for (int a = 0; a < 3; a++) r(3 * e + a) = double(x(to(e), a)) - double(x(from(e), a));
      });
  if (!device->model->needs_positions()) return;

  mlff::grow(graph.position, 3 * (std::size_t) graph.n_centres, "graph/position");
  const auto local = device->local;
  const auto position = graph.position;
  Kokkos::parallel_for(
      "mlff/pair/positions", Range(0, graph.n_centres), KOKKOS_LAMBDA(const int c) {
        for (int a = 0; a < 3; a++) position(3 * c + a) = double(x(local(c), a));
      });
  device->first_atom[0] = 0;
  device->first_atom[1] = graph.n_centres;
  graph.first_atom = device->first_atom;
  const double cell[9] = {domain->xprd, 0.0,        0.0,        domain->xy,  domain->yprd,
                          0.0,          domain->xz, domain->yz, domain->zprd};
  std::copy_n(cell, 9, device->cell);
  graph.cell = domain->xperiodic ? std::span<const double>(device->cell)
                                 : std::span<const double>();
}

/* ---------------------------------------------------------------------- */

template <class DeviceType> void PairMLFFKokkos<DeviceType>::run()
{
  if (neighbor->ago == 0 || impl->lists != neighbor->ncalls || any_rank(types_changed())) rebuild();
  place_atoms();

  const mlff::DeviceResult<DeviceType> *result = nullptr;
  try {
    result = &device->model->evaluate(device->graph, impl->exchange.get());
  } catch (mlff::EngineError &e) {
    error->one(FLERR, "Pair style mlff/kk on timestep {}: {}", update->ntimestep, e.what());
  }

  tally_energy(result->atom_energy);
  LongRangeTally<DeviceType> long_range;
  if (device->model->needs_positions()) {
    long_range.on = true;
    long_range.periodic = domain->xperiodic;
    for (int a = 0; a < 3; a++) long_range.middle[a] = 0.5 * (domain->boxlo[a] + domain->boxhi[a]);
    long_range.position = device->graph.position;
    long_range.gradient = result->position_gradient;
    long_range.strain = result->strain_gradient;
  }
  const auto &graph = device->graph;
  const RowTally<DeviceType> rows{graph.n_centres, (bool) vflag_atom, (bool) cvflag_atom,
                                  scale,           graph.first_edge,  graph.first_incoming,
                                  graph.incoming,  graph.r,           result->gradient,
                                  long_range,      device->force,     device->stress,
                                  device->centroid};
  Kokkos::parallel_for("mlff/pair/rows", Kokkos::RangePolicy<DeviceType>(0, graph.n_atoms), rows);
  if (vflag_global) tally_virial(rows);
  add_to_atoms();
  watch();
}

/* ---------------------------------------------------------------------- */

template <class DeviceType>
void PairMLFFKokkos<DeviceType>::tally_energy(
    const mlff::DeviceArray<DeviceType, double> &atom_energy)
{
  using Range = Kokkos::RangePolicy<DeviceType>;
  const int ncentres = device->graph.n_centres;
  const double factor = scale;
  double energy = 0.0;
  Kokkos::parallel_reduce(
      "mlff/pair/energy", Range(0, ncentres),
      KOKKOS_LAMBDA(const int c, double &sum) { sum += atom_energy(c); }, energy);
  if (!std::isfinite(energy) && !nan_on_failure)
    error->one(FLERR,
               "Pair style mlff/kk on timestep {}: the energy is not finite: atoms at the same "
               "position, or far "
               "outside what the model was trained on",
               update->ntimestep);
  if (eflag_global) eng_vdwl += factor * energy;
  if (!eflag_atom) return;
  const auto local = device->local;
  const auto d_eatom = k_eatom.template view<DeviceType>();
  Kokkos::parallel_for(
      "mlff/pair/atom_energy", Range(0, ncentres),
      KOKKOS_LAMBDA(const int c) { d_eatom(local(c)) += factor * atom_energy(c); });
}

/* ---------------------------------------------------------------------- */

template <class DeviceType>
void PairMLFFKokkos<DeviceType>::tally_virial(const RowTally<DeviceType> &rows)
{
  using Range = Kokkos::RangePolicy<DeviceType>;
  using SixSums = mlff::FewSums<double, 6>;
  const double factor = scale;
  SixSums sums;
  Kokkos::parallel_reduce(
      "mlff/pair/virial", Range(0, device->graph.n_edges),
      KOKKOS_LAMBDA(const int e, SixSums &sum) {
        double v[6];
        edge_virial(&rows.r(3 * e), &rows.gradient(3 * e), factor, v);
        for (int k = 0; k < 6; k++) sum.v[k] += v[k];
      },
      Kokkos::Sum<SixSums>(sums));
  for (int k = 0; k < 6; k++) virial[k] += sums.v[k];
  if (!rows.long_range.on) return;
  Kokkos::parallel_reduce(
      "mlff/pair/long_range_virial", Range(0, device->graph.n_centres),
      KOKKOS_LAMBDA(const int c, SixSums &sum) {
        double v[6];
        rows.long_range.virial(c, factor, v);
        for (int k = 0; k < 6; k++) sum.v[k] += v[k];
      },
      Kokkos::Sum<SixSums>(sums));
  for (int k = 0; k < 6; k++) virial[k] += sums.v[k];
}

/* ----------------------------------------------------------------------
   forces and virials of rows to the atoms, after those on atoms of other
   ranks went to their owners
------------------------------------------------------------------------- */

template <class DeviceType> void PairMLFFKokkos<DeviceType>::add_to_atoms()
{
  using Range = Kokkos::RangePolicy<DeviceType>;
  if (impl->exchange) {
    mlff::exchange_rows(*impl->exchange, device->force, 3, false);
    if (vflag_atom) mlff::exchange_rows(*impl->exchange, device->stress, 6, false);
    if (cvflag_atom) mlff::exchange_rows(*impl->exchange, device->centroid, 9, false);
  }
  const int ncentres = device->graph.n_centres;
  const auto local = device->local;
  const auto row_force = device->force;
  const auto row_stress = device->stress;
  const auto f = atomKK->k_f.template view<DeviceType>();
  Kokkos::parallel_for(
      "mlff/pair/forces", Range(0, ncentres), KOKKOS_LAMBDA(const int c) {
        for (int a = 0; a < 3; a++) f(local(c), a) += row_force(3 * c + a);
      });
  if (vflag_atom) {
    const auto d_vatom = k_vatom.template view<DeviceType>();
    Kokkos::parallel_for(
        "mlff/pair/atom_virial", Range(0, ncentres), KOKKOS_LAMBDA(const int c) {
          for (int k = 0; k < 6; k++) d_vatom(local(c), k) += row_stress(6 * c + k);
        });
  }
  if (!cvflag_atom) return;
  const auto row_centroid = device->centroid;
  const auto d_cvatom = k_cvatom.template view<DeviceType>();
  Kokkos::parallel_for(
      "mlff/pair/atom_centroid_virial", Range(0, ncentres), KOKKOS_LAMBDA(const int c) {
        for (int k = 0; k < 9; k++) d_cvatom(local(c), k) += row_centroid(9 * c + k);
      });
}

/* ----------------------------------------------------------------------
   warnings of atoms outside what the model knows: on the host, and so not on
   every step
------------------------------------------------------------------------- */

template <class DeviceType> void PairMLFFKokkos<DeviceType>::watch()
{
  if (!impl->watches() || (neighbor->ago != 0 && update->ntimestep % 10 != 0)) return;
  const auto first =
      Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), device->graph.first_edge);
  const auto r = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), device->graph.r);
  const auto force = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), device->force);
  atomKK->sync(Host, TAG_MASK);
  mlff::Graph graph;
  graph.species = impl->graph.species;
  graph.first_edge = {first.data(), (std::size_t) device->graph.n_centres + 1};
  graph.r = {r.data(), 3 * (std::size_t) device->graph.n_edges};
  impl->warnings.check_range(impl->local, graph, force.data(), impl->range, scale);
  impl->warnings.report();
}

/* ----------------------------------------------------------------------
   the device is Kokkos' business, and the engine is always its own
------------------------------------------------------------------------- */

template <class DeviceType> void PairMLFFKokkos<DeviceType>::settings(int narg, char **arg)
{
  for (int iarg = 0; iarg < narg; iarg += 2) {
    const std::string word = arg[iarg];
    if ((word == "engine" && iarg + 1 < narg && strcmp(arg[iarg + 1], "torch") == 0) ||
        word == "device" || word == "threads" || word == "instruction_set")
      error->all(
          FLERR, iarg,
          "Pair style mlff/kk runs the hand-written kernels on Kokkos' own device and threads: "
          "'{}' is not accepted here; accepted: engine auto, engine host, precision, filter, fmm",
          word == "engine" ? "engine torch" : word);
  }
  PairMLFF::settings(narg, arg);
  device->model.reset();
}

/* ---------------------------------------------------------------------- */

template <class DeviceType> void PairMLFFKokkos<DeviceType>::coeff(int narg, char **arg)
{
  PairMLFF::coeff(narg, arg);
  if (n_potentials() > 1)
    error->all(
        FLERR, 3,
        "Pair style mlff/kk runs one potential, but pair_coeff names {}; use pair style mlff, with "
        "'suffix off' before pair_style if LAMMPS was started with '-sf kk'",
        n_potentials());
  device->model.reset();
}

/* ---------------------------------------------------------------------- */

template <class DeviceType> void PairMLFFKokkos<DeviceType>::make_engine(bool /*find_spread*/)
{
  const bool full = impl->options.precision == mlff::Precision::double_precision;
  if (full && sizeof(KK_FLOAT) < sizeof(double))
    error->all(FLERR, Error::NOLASTLINE,
               "Pair style mlff/kk precision double needs positions in double precision, but this "
               "LAMMPS was built with KOKKOS_PREC=single or mixed; use precision single or build "
               "with -D KOKKOS_PREC=double");
  if (device->model || impl->engine) return;

  const auto &potential = impl->potentials.front();
  if (!mlff::runs_on_device(potential))
    error->all(FLERR, Error::NOLASTLINE,
               "Pair style mlff/kk does not run model '{}' of potential file '{}'; use pair style "
               "mlff, with suffix off",
               potential.model(), impl->files.front());
  if (impl->replicas->wanted()) {
    impl->engine = mlff::make_kokkos_engine(potential, impl->options,
                                            ExecutionSpaceFromDevice<DeviceType>::space == Host);
    join_replicas("");
    if (impl->replicas->joined()) {
      if (comm->me == 0)
        utils::logmesg(lmp, "Pair style mlff/kk: {}\n", impl->engine->description());
      return;
    }
    impl->engine.reset();
  }

  device->model =
      mlff::make_device_model<DeviceType>(potential, mlff::DeviceOptions{impl->options, {}});
  if (comm->me == 0)
    utils::logmesg(lmp, "Pair style mlff/kk: {}\n", mlff::to_text(device->model->info()));
}

/* ---------------------------------------------------------------------- */

template <class DeviceType> void PairMLFFKokkos<DeviceType>::init_style()
{
  PairMLFF::init_style();

  const bool joined = impl->replicas->joined();
  if (joined != batched) destroy_tallies();
  batched = joined;
  execution_space = batched ? Host : ExecutionSpaceFromDevice<DeviceType>::space;
  if (batched) return;

  auto *request = neighbor->find_request(this);
  request->set_kokkos_host(std::is_same_v<DeviceType, LMPHostType> &&
                           !std::is_same_v<DeviceType, LMPDeviceType>);
  request->set_kokkos_device(std::is_same_v<DeviceType, LMPDeviceType>);
}

/* ---------------------------------------------------------------------- */

template <class DeviceType> double PairMLFFKokkos<DeviceType>::memory_usage()
{
  double bytes = PairMLFF::memory_usage();
  if (device->model) bytes += device->model->bytes() + device->graph.bytes();
  return bytes;
}

/* ---------------------------------------------------------------------- */

namespace LAMMPS_NS {
template class PairMLFFKokkos<LMPDeviceType>;
#ifdef LMP_KOKKOS_GPU
template class PairMLFFKokkos<LMPHostType>;
#endif
}    // namespace LAMMPS_NS
