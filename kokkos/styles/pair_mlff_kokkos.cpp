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
#include "kokkos/models/painn_kokkos.h"
#include "pair_mlff/mlff_impl.h"

#include <cmath>

using namespace LAMMPS_NS;

/* ----------------------------------------------------------------------
   the network, the atoms of its edges, and sums over rows
------------------------------------------------------------------------- */

namespace {
template <class DeviceType, typename T> struct Network {
  PainnKokkos<DeviceType, T> painn;
  Kokkos::View<int *, DeviceType> local;       // owned atom of each centre
  Kokkos::View<int *, DeviceType> type;        // of each owned atom, when rows were numbered
  Kokkos::View<int *, DeviceType> from, to;    // atoms of each edge
  Kokkos::View<double *, DeviceType> force, stress;    // of each row: [3], [6]
};

struct SixSums {
  double v[6];
  KOKKOS_INLINE_FUNCTION SixSums() : v{0.0, 0.0, 0.0, 0.0, 0.0, 0.0} {}
  KOKKOS_INLINE_FUNCTION SixSums &operator+=(const SixSums &other)
  {
    for (int k = 0; k < 6; k++) v[k] += other.v[k];
    return *this;
  }
};

// xx yy zz xy xz yz of -r g, symmetric part
KOKKOS_INLINE_FUNCTION void edge_virial(const double *r, const double *g, double scale, double *v)
{
  v[0] = -scale * r[0] * g[0];
  v[1] = -scale * r[1] * g[1];
  v[2] = -scale * r[2] * g[2];
  v[3] = -scale * 0.5 * (r[0] * g[1] + r[1] * g[0]);
  v[4] = -scale * 0.5 * (r[0] * g[2] + r[2] * g[0]);
  v[5] = -scale * 0.5 * (r[1] * g[2] + r[2] * g[1]);
}

/* ----------------------------------------------------------------------
   what comes of a long-range block, as PairMLFF::add_long_range() has it: in
   an open box virials are taken about its middle, in a periodic one they are
   the gradient by the strain
------------------------------------------------------------------------- */

template <class DeviceType> struct LongRange {
  bool on = false, periodic = false;
  double middle[3] = {0.0, 0.0, 0.0};
  Kokkos::View<double *, Kokkos::LayoutRight, DeviceType> position, gradient, strain;

  KOKKOS_INLINE_FUNCTION void virial(int c, double scale, double *v) const
  {
    if (periodic) {
      for (int k = 0; k < 6; k++) v[k] = -scale * strain(6 * c + k);
      return;
    }
    double r[3];
    for (int a = 0; a < 3; a++) r[a] = position(3 * c + a) - middle[a];
    edge_virial(r, &gradient(3 * c), scale, v);
  }
};
}    // namespace

template <> struct Kokkos::reduction_identity<SixSums> {
  KOKKOS_FORCEINLINE_FUNCTION static SixSums sum() { return {}; }
};

template <class DeviceType> struct PairMLFFKokkos<DeviceType>::Networks {
  std::unique_ptr<Network<DeviceType, float>> single;
  std::unique_ptr<Network<DeviceType, double>> full;
};

/* ---------------------------------------------------------------------- */

template <class DeviceType>
PairMLFFKokkos<DeviceType>::PairMLFFKokkos(LAMMPS *lmp) :
    PairMLFF(lmp), networks(nullptr), batched(false)
{
  if (!lmp->kokkos || !lmp->kokkos->kokkos_exists)
    error->all(
        FLERR, Error::NOLASTLINE,
        "Pair style mlff/kk needs the KOKKOS package switched on: start LAMMPS with '-k on', "
        "or use pair style mlff");
  networks = new Networks;
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
  delete networks;
}

/* ----------------------------------------------------------------------
   per-atom tallies, which are the host's where partitions evaluate together
------------------------------------------------------------------------- */

template <class DeviceType> void PairMLFFKokkos<DeviceType>::destroy_tallies()
{
  if (batched) {
    memory->destroy(eatom);
    memory->destroy(vatom);
  } else {
    memoryKK->destroy_kokkos(k_eatom, eatom);
    memoryKK->destroy_kokkos(k_vatom, vatom);
  }
  eatom = nullptr;
  vatom = nullptr;
  maxeatom = maxvatom = 0;
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

  atomKK->sync(execution_space, datamask_read);
  if (eflag || vflag)
    atomKK->modified(execution_space, datamask_modify);
  else
    atomKK->modified(execution_space, F_MASK);

  if (networks->single)
    run(*networks->single);
  else
    run(*networks->full);

  if (eflag_atom) {
    k_eatom.template modify<DeviceType>();
    k_eatom.sync_host();
  }
  if (vflag_atom) {
    k_vatom.template modify<DeviceType>();
    k_vatom.sync_host();
  }
}

/* ----------------------------------------------------------------------
   rows and edges after a neighbor rebuild
------------------------------------------------------------------------- */

template <class DeviceType>
template <typename NetworkType>
void PairMLFFKokkos<DeviceType>::rebuild(NetworkType &network)
{
  auto &painn = network.painn;
  const int nall = atom->nlocal + atom->nghost;
  auto *k_list = static_cast<NeighListKokkos<DeviceType> *>(list);
  const int inum = list->inum;
  const auto d_ilist = k_list->d_ilist;
  const auto d_numneigh = k_list->d_numneigh;
  const auto d_neighbors = k_list->d_neighbors;
  using Range = Kokkos::RangePolicy<DeviceType>;
  using Unmanaged = Kokkos::MemoryTraits<Kokkos::Unmanaged>;

  // numbering needs the owners of ghosts, which only communication on the host can tell
  Kokkos::View<char *, DeviceType> d_used("mlff:used", nall);
  Kokkos::parallel_for(
      Range(0, inum), KOKKOS_LAMBDA(const int ii) {
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
        Kokkos::view_alloc("mlff:row", Kokkos::WithoutInitializing), values.size());
    Kokkos::deep_copy(
        view,
        Kokkos::View<const int *, Kokkos::HostSpace, Unmanaged>(values.data(), values.size()));
    return view;
  };
  network.type = upload(impl->type);
  const auto row = upload(impl->row);
  const auto local = upload(impl->local);
  const auto species = upload(impl->graph.species);
  const int ncentres = (int) impl->local.size();
  const int nrows = (int) impl->graph.species.size();
  painn.resize_atoms(nrows, ncentres);
  Kokkos::deep_copy(Kokkos::subview(painn.species, std::make_pair(0, nrows)), species);
  network.local = local;
  if ((int) network.force.extent(0) < 3 * nrows) {
    Kokkos::realloc(network.force, 3 * nrows + nrows / 2);
    Kokkos::realloc(network.stress, 6 * nrows + nrows);
  }

  const auto first = painn.first_edge;
  int nedges = 0;
  Kokkos::parallel_scan(
      Range(0, ncentres),
      KOKKOS_LAMBDA(const int c, int &sum, const bool last) {
        if (last) first(c) = sum;
        const int i = local(c);
        for (int jj = 0; jj < d_numneigh(i); jj++)
          if (row(d_neighbors(i, jj) & NEIGHMASK) >= 0) sum++;
        if (last && c == ncentres - 1) first(ncentres) = sum;
      },
      nedges);
  if (ncentres == 0) Kokkos::deep_copy(Kokkos::subview(first, 0), 0);

  painn.resize_edges(nedges);
  if ((int) network.from.extent(0) < nedges) {
    Kokkos::realloc(network.from, nedges + nedges / 8);
    Kokkos::realloc(network.to, nedges + nedges / 8);
  }
  const auto from = network.from;
  const auto to = network.to;
  const auto centre = painn.centre;
  const auto neighbor_row = painn.neighbor;
  Kokkos::parallel_for(
      Range(0, ncentres), KOKKOS_LAMBDA(const int c) {
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
  painn.set_edges();
}

/* ----------------------------------------------------------------------
   whether rows are of other atoms or types than there are now, see PairMLFF::rows_are_old()
------------------------------------------------------------------------- */

template <class DeviceType>
template <typename NetworkType>
bool PairMLFFKokkos<DeviceType>::types_changed(NetworkType &network)
{
  const int nlocal = atom->nlocal;
  if ((int) network.type.extent(0) != nlocal || (int) impl->row.size() != nlocal + atom->nghost)
    return true;
  const auto type = atomKK->k_type.template view<DeviceType>();
  const auto numbered = network.type;
  int changed = 0;
  Kokkos::parallel_reduce(
      Kokkos::RangePolicy<DeviceType>(0, nlocal),
      KOKKOS_LAMBDA(const int i, int &sum) {
        if (type(i) != numbered(i)) sum++;
      },
      changed);
  return changed > 0;
}

/* ----------------------------------------------------------------------
   where the atoms are, and the cell, for a long-range block
------------------------------------------------------------------------- */

template <class DeviceType>
template <typename NetworkType>
void PairMLFFKokkos<DeviceType>::prepare_long_range(NetworkType &network)
{
  const auto &block = network.painn.block;
  if (!block) return;
  const int ncentres = network.painn.n_centres;
  const auto x = atomKK->k_x.template view<DeviceType>();
  const auto local = network.local;
  const auto position = block->position(ncentres);
  Kokkos::parallel_for(
      Kokkos::RangePolicy<DeviceType>(0, ncentres), KOKKOS_LAMBDA(const int c) {
        for (int a = 0; a < 3; a++) position(3 * c + a) = double(x(local(c), a));
      });
  const int first_atom[2] = {0, ncentres};
  const double cell[9] = {domain->xprd, 0.0,        0.0,        domain->xy,  domain->yprd,
                          0.0,          domain->xz, domain->yz, domain->zprd};
  try {
    block->prepare(first_atom,
                   domain->xperiodic ? std::span<const double>(cell) : std::span<const double>(),
                   impl->exchange.get());
  } catch (mlff::EngineError &e) {
    error->one(FLERR, "Pair style mlff/kk on timestep {}: {}", update->ntimestep, e.what());
  }
}

/* ---------------------------------------------------------------------- */

template <class DeviceType>
template <typename NetworkType>
void PairMLFFKokkos<DeviceType>::run(NetworkType &network)
{
  using Range = Kokkos::RangePolicy<DeviceType>;
  auto &painn = network.painn;
  if (neighbor->ago == 0 || impl->lists != neighbor->ncalls || any_rank(types_changed(network)))
    rebuild(network);

  const int ncentres = painn.n_centres, nrows = painn.n_atoms, nedges = painn.n_edges;
  const auto x = atomKK->k_x.template view<DeviceType>();
  const auto from = network.from;
  const auto to = network.to;
  const auto r = painn.r;
  Kokkos::parallel_for(
      Range(0, nedges), KOKKOS_LAMBDA(const int e) {
        for (int a = 0; a < 3; a++) r(3 * e + a) = double(x(to(e), a)) - double(x(from(e), a));
      });

  prepare_long_range(network);

  painn.evaluate();

  // energies
  const double factor = scale;
  const auto atom_energy = painn.atom_energy;
  double energy = 0.0;
  Kokkos::parallel_reduce(
      Range(0, ncentres), KOKKOS_LAMBDA(const int c, double &sum) { sum += atom_energy(c); },
      energy);
  if (!std::isfinite(energy) && !nan_on_failure)
    error->one(
        FLERR,
        "Pair style mlff/kk on timestep {}: the energy is not finite: atoms on one place, or far "
        "outside what the model was trained on",
        update->ntimestep);
  if (eflag_global) eng_vdwl += factor * energy;

  // forces and half virials of each row, over its edges and those that point to it
  const auto gradient = painn.gradient;
  const auto first = painn.first_edge;
  const auto first_incoming = painn.first_incoming;
  const auto incoming = painn.incoming;
  const auto row_force = network.force;
  const auto row_stress = network.stress;
  const bool atom_virial = vflag_atom;
  LongRange<DeviceType> far;
  if (painn.block) {
    far.on = true;
    far.periodic = domain->xperiodic;
    for (int a = 0; a < 3; a++) far.middle[a] = 0.5 * (domain->boxlo[a] + domain->boxhi[a]);
    far.position = painn.block->position(ncentres);
    far.gradient = painn.block->x_bar();
    far.strain = painn.block->strain();
  }
  Kokkos::parallel_for(
      Range(0, nrows), KOKKOS_LAMBDA(const int i) {
        double sum[3] = {0.0, 0.0, 0.0}, stress[6] = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0}, v[6];
        if (i < ncentres)
          for (int e = first(i); e < first(i + 1); e++) {
            for (int a = 0; a < 3; a++) sum[a] += gradient(3 * e + a);
            if (atom_virial) {
              edge_virial(&r(3 * e), &gradient(3 * e), 0.5 * factor, v);
              for (int k = 0; k < 6; k++) stress[k] += v[k];
            }
          }
        for (int k = first_incoming(i); k < first_incoming(i + 1); k++) {
          const int e = incoming(k);
          for (int a = 0; a < 3; a++) sum[a] -= gradient(3 * e + a);
          if (atom_virial) {
            edge_virial(&r(3 * e), &gradient(3 * e), 0.5 * factor, v);
            for (int m = 0; m < 6; m++) stress[m] += v[m];
          }
        }
        if (far.on && i < ncentres) {
          for (int a = 0; a < 3; a++) sum[a] -= far.gradient(3 * i + a);
          if (atom_virial) {
            far.virial(i, factor, v);
            for (int m = 0; m < 6; m++) stress[m] += v[m];
          }
        }
        for (int a = 0; a < 3; a++) row_force(3 * i + a) = factor * sum[a];
        if (atom_virial)
          for (int m = 0; m < 6; m++) row_stress(6 * i + m) = stress[m];
      });
  if (vflag_global) {
    SixSums sums;
    Kokkos::parallel_reduce(
        Range(0, nedges),
        KOKKOS_LAMBDA(const int e, SixSums &sum) {
          double v[6];
          edge_virial(&r(3 * e), &gradient(3 * e), factor, v);
          for (int k = 0; k < 6; k++) sum.v[k] += v[k];
        },
        Kokkos::Sum<SixSums>(sums));
    for (int k = 0; k < 6; k++) virial[k] += sums.v[k];
    if (far.on) {
      Kokkos::parallel_reduce(
          Range(0, ncentres),
          KOKKOS_LAMBDA(const int c, SixSums &sum) {
            double v[6];
            far.virial(c, factor, v);
            for (int k = 0; k < 6; k++) sum.v[k] += v[k];
          },
          Kokkos::Sum<SixSums>(sums));
      for (int k = 0; k < 6; k++) virial[k] += sums.v[k];
    }
  }

  // forces on atoms of other ranks go to their owners
  if (impl->exchange) {
    const auto reverse = [this](const Kokkos::View<double *, DeviceType> &rows, int width) {
      const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), rows);
      impl->exchange->reverse(host.data(), width);
      Kokkos::deep_copy(rows, host);
    };
    reverse(row_force, 3);
    if (vflag_atom) reverse(row_stress, 6);
  }

  const auto local = network.local;
  const auto f = atomKK->k_f.template view<DeviceType>();
  Kokkos::parallel_for(
      Range(0, ncentres), KOKKOS_LAMBDA(const int c) {
        for (int a = 0; a < 3; a++) f(local(c), a) += row_force(3 * c + a);
      });
  if (eflag_atom) {
    const auto d_eatom = k_eatom.template view<DeviceType>();
    Kokkos::parallel_for(
        Range(0, ncentres),
        KOKKOS_LAMBDA(const int c) { d_eatom(local(c)) += factor * atom_energy(c); });
  }
  if (vflag_atom) {
    const auto d_vatom = k_vatom.template view<DeviceType>();
    Kokkos::parallel_for(
        Range(0, ncentres), KOKKOS_LAMBDA(const int c) {
          for (int k = 0; k < 6; k++) d_vatom(local(c), k) += row_stress(6 * c + k);
        });
  }

  // on the host, and so not on every step
  if (impl->watches() && (neighbor->ago == 0 || update->ntimestep % 10 == 0)) {
    const auto h_first = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), first);
    const auto h_r = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), r);
    const auto h_force = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), row_force);
    atomKK->sync(Host, TAG_MASK);
    mlff::Graph graph;
    graph.species = impl->graph.species;
    graph.first_edge = {h_first.data(), (std::size_t) ncentres + 1};
    graph.r = {h_r.data(), 3 * (std::size_t) nedges};
    impl->warnings.check_range(impl->local, graph, h_force.data(), impl->range, factor);
    impl->warnings.report();
  }
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
  networks->single.reset();
  networks->full.reset();
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
  networks->single.reset();
  networks->full.reset();
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
  if (networks->single || networks->full || impl->engine) return;

  const auto &potential = impl->potentials.front();
  if (potential.is_molecule())
    error->all(FLERR, Error::NOLASTLINE,
               "Pair style mlff/kk does not run model '{}' of potential file '{}'; use pair style "
               "mlff, with suffix off",
               potential.model, impl->files.front());
  if (impl->replicas->wanted()) {
    impl->engine = make_kokkos_engine(potential, impl->options,
                                      ExecutionSpaceFromDevice<DeviceType>::space == Host);
    join_replicas("");
    if (impl->replicas->joined()) {
      if (comm->me == 0)
        utils::logmesg(lmp, "Pair style mlff/kk: {}\n", impl->engine->description());
      return;
    }
    impl->engine.reset();
  }

  const auto prepare = [&](auto &network, auto type) {
    using T = decltype(type);
    using NetworkType = Network<DeviceType, T>;
    const auto info = kokkos_painn_info<DeviceType, T>(potential, impl->options);
    network = std::make_unique<NetworkType>();
    network->painn.set_weights(potential, info.filter == mlff::Filter::spline);
    network->painn.block = FmmBlockKokkos<DeviceType, T>::make(potential, impl->options.fmm);
    if (comm->me == 0) utils::logmesg(lmp, "Pair style mlff/kk: {}\n", mlff::to_text(info));
    if (comm->nprocs == 1) return;
    // other ranks see host memory: on a CPU that is where the features are
    const auto through_host = [this](typename PainnKokkos<DeviceType, T>::template Array<T> array,
                                     int width, bool forward) {
      const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), array);
      if (forward)
        impl->exchange->forward(host.data(), width);
      else
        impl->exchange->reverse(host.data(), width);
      Kokkos::deep_copy(array, host);
    };
    network->painn.exchange_forward = [through_host](auto array, int width) {
      through_host(array, width, true);
    };
    network->painn.exchange_reverse = [through_host](auto array, int width) {
      through_host(array, width, false);
    };
  };
  if (full)
    prepare(networks->full, double());
  else
    prepare(networks->single, float());
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
  if (networks->single) bytes += networks->single->painn.bytes();
  if (networks->full) bytes += networks->full->painn.bytes();
  return bytes;
}

/* ---------------------------------------------------------------------- */

namespace LAMMPS_NS {
template class PairMLFFKokkos<LMPDeviceType>;
#ifdef LMP_KOKKOS_GPU
template class PairMLFFKokkos<LMPHostType>;
#endif
}    // namespace LAMMPS_NS
