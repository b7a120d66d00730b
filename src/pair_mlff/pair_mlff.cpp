/* ----------------------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

/* ----------------------------------------------------------------------
   Machine-learned force field: turns the full neighbor list into a graph,
   calls an engine once, and adds its edge gradients to the forces.
------------------------------------------------------------------------- */

#include "pair_mlff.h"

#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "error.h"
#include "fix.h"
#include "force.h"
#include "memory.h"
#include "modify.h"
#include "update.h"

#include "core/errors.h"
#include "lammps_common/potential_files.h"
#include "lammps_common/symmetric_virial.h"
#include "pair_mlff/mlff_impl.h"
#include "potential/model_kind.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace LAMMPS_NS;

/* ---------------------------------------------------------------------- */

PairMLFF::PairMLFF(LAMMPS *lmp) :
    Pair(lmp), impl(new MLFFImpl(lmp)), reach(0.0), cutoff(0.0), scale(1.0), nan_on_failure(0),
    molecules_add_up(0)
{
  single_enable = 0;
  restartinfo = 0;
  one_coeff = 1;
  manybody_flag = 1;
  no_virial_fdotr_compute = 1;
  centroidstressflag = CENTROID_AVAIL;
  comm_forward = 3;
  pvector = new double[1]{0.0};    // with the keyword observe: step of the last observation
  announce_version(lmp);
}

/* ----------------------------------------------------------------------
   check if allocated, since class can be destructed when incomplete
------------------------------------------------------------------------- */

PairMLFF::~PairMLFF()
{
  if (copymode) return;

  if (store()) modify->delete_fix(impl->store);
  delete impl;
  delete[] pvector;
  if (allocated) {
    memory->destroy(setflag);
    memory->destroy(cutsq);
  }
}

/* ---------------------------------------------------------------------- */

void PairMLFF::compute(int eflag, int vflag)
{
  ev_init(eflag, vflag);

  if (impl->rows_are_old()) impl->number_rows(this, map, list, centres_by_id());
  impl->find_edges(list, reach, needs_positions());
  if (impl->observing()) impl->ensemble->observes = must_observe();
  evaluate();

  const auto n_atoms = (std::size_t) impl->graph.view().n_atoms();
  impl->force.assign(3 * n_atoms, 0.0);
  if (vflag_atom) impl->stress.assign(6 * n_atoms, 0.0);
  if (cvflag_atom) impl->centroid.assign(9 * n_atoms, 0.0);
  add_edges();
  if (!impl->result.position_gradient.empty()) add_long_range();

  // forces on ghosts go to their owners here, with newton on as with newton off

  if (impl->exchange) {
    impl->exchange->reverse(impl->force.data(), 3);
    if (vflag_atom) impl->exchange->reverse(impl->stress.data(), 6);
    if (cvflag_atom) impl->exchange->reverse(impl->centroid.data(), 9);
  }
  add_to_atoms();
  impl->forces_step = update->ntimestep;
  if (impl->ensemble && impl->ensemble->find_spread && impl->ensemble->observes) keep_spread();
  if (impl->watches()) check_atoms();
}

/* ----------------------------------------------------------------------
   the model; numbers that are not finite where it has no answer for this
   state and a fix tries positions out
------------------------------------------------------------------------- */

void PairMLFF::evaluate()
{
  const auto graph = impl->graph.view();
  try {
    impl->engine->evaluate(graph, impl->result, impl->exchange.get());
  } catch (mlff::EngineError &e) {
    if (!nan_on_failure || mlff::kind_of(e) == mlff::ErrorKind::engine)
      error->one(FLERR, "Pair style mlff on timestep {}: {}", update->ntimestep, e.what());
    impl->result.energy.assign(1, NAN);
    impl->result.atom_energy.assign(graph.n_centres(), NAN);
    impl->result.gradient.assign(3 * (std::size_t) graph.n_edges(), NAN);
    impl->result.position_gradient.clear();
    impl->result.strain_gradient.clear();
  }
}

/* ----------------------------------------------------------------------
   forces and virials of edges. Of the symmetric virial of an edge each atom
   gets half. The centroid virial goes to the neighbor: the energy of the edge
   is that of its centre, to which the neighbor's motion carries heat.
------------------------------------------------------------------------- */

void PairMLFF::add_edges()
{
  const auto graph = impl->graph.view();
  const auto &gradient = impl->result.gradient;
  auto &force = impl->force;
  auto &stress = impl->stress;
  for (int i = 0; i < graph.n_centres(); i++)
    for (int e = graph.first_edge[i]; e < graph.first_edge[i + 1]; e++) {
      const int j = graph.neighbor[e];
      const double f[3] = {-scale * gradient[3 * e], -scale * gradient[3 * e + 1],
                           -scale * gradient[3 * e + 2]};
      for (int a = 0; a < 3; a++) {
        force[3 * i + a] -= f[a];
        force[3 * j + a] += f[a];
      }
      if (!vflag_either) continue;
      if (cvflag_atom) add_virial(&graph.r[3 * e], f, &impl->centroid[9 * (std::size_t) j]);
      const auto v = symmetric_virial(&graph.r[3 * e], f);
      for (int k = 0; k < 6; k++) {
        if (vflag_global) virial[k] += v[k];
        if (!vflag_atom) continue;
        stress[6 * i + k] += 0.5 * v[k];
        stress[6 * j + k] += 0.5 * v[k];
      }
    }
}

/* ----------------------------------------------------------------------
   gradients with respect to the positions of owned atoms. In an open box their
   sum over all ranks is zero, so the virial has the same value about any point;
   that of single atoms is taken about the middle of the box. In a periodic box
   the engine has the gradient with respect to the strain.
------------------------------------------------------------------------- */

void PairMLFF::add_long_range()
{
  const auto graph = impl->graph.view();
  for (int c = 0; c < graph.n_centres(); c++) {
    double f[3], r[3];
    for (int a = 0; a < 3; a++) {
      f[a] = -scale * impl->result.position_gradient[3 * (std::size_t) c + a];
      r[a] = graph.position[3 * (std::size_t) c + a] - 0.5 * (domain->boxlo[a] + domain->boxhi[a]);
      impl->force[3 * (std::size_t) c + a] += f[a];
    }
    if (!vflag_either) continue;
    auto v = symmetric_virial(r, f);
    if (!graph.cell.empty())
      for (int k = 0; k < 6; k++)
        v[k] = -scale * impl->result.strain_gradient[6 * (std::size_t) c + k];
    for (int k = 0; k < 6; k++) {
      if (vflag_global) virial[k] += v[k];
      if (vflag_atom) impl->stress[6 * (std::size_t) c + k] += v[k];
    }
    if (!cvflag_atom) continue;
    double *sum = &impl->centroid[9 * (std::size_t) c];
    if (graph.cell.empty())
      add_virial(r, f, sum);
    else
      add_virial(v.data(), sum);
  }
}

/* ----------------------------------------------------------------------
   from rows of the graph to owned atoms
------------------------------------------------------------------------- */

void PairMLFF::add_to_atoms()
{
  double **f = atom->f;
  for (std::size_t c = 0; c < impl->local.size(); c++) {
    const int i = impl->local[c];
    for (int a = 0; a < 3; a++) f[i][a] += impl->force[3 * c + a];
    if (vflag_atom)
      for (int k = 0; k < 6; k++) vatom[i][k] += impl->stress[6 * c + k];
    if (cvflag_atom)
      for (int k = 0; k < 9; k++) cvatom[i][k] += impl->centroid[9 * c + k];
    if (eflag_atom) eatom[i] += scale * impl->result.atom_energy[c];
  }
  if (eflag_global) eng_vdwl += scale * impl->result.energy[0];
}

/* ----------------------------------------------------------------------
   atoms that leave what the potentials know
------------------------------------------------------------------------- */

void PairMLFF::check_atoms()
{
  if (impl->threshold > 0.0 && impl->spread_step == update->ntimestep)
    impl->warnings.check_spread(impl->local, impl->spread, impl->threshold);
  if (!impl->range.empty())
    impl->warnings.check_range(impl->local, impl->graph.view(), impl->force.data(), impl->range,
                               scale);
  impl->warnings.report();
}

/* ----------------------------------------------------------------------
   spread of the forces of several potentials, from centres to owned atoms;
   there is none where the evaluation failed
------------------------------------------------------------------------- */

void PairMLFF::keep_spread()
{
  const auto &found = impl->ensemble->spread;
  impl->spread.assign(atom->nlocal, 0.0);
  for (std::size_t c = 0; c < impl->local.size(); c++)
    impl->spread[impl->local[c]] = c < found.size() ? scale * found[c] : NAN;
  impl->spread_step = update->ntimestep;
  if (!impl->observing()) return;

  Fix *const values = store();
  for (int i = 0; i < atom->nlocal; i++) values->unpack_exchange(i, &impl->spread[i]);
  impl->observed_atoms = atom->natoms;
  pvector[0] = comm->me == 0 ? (double) impl->spread_step : 0.0;    // compute pair sums over ranks
}

/* ----------------------------------------------------------------------
   keyword observe: whether all potentials are asked in this evaluation. In
   the first one of a run they are, so that there is a spread to tell, and
   after atoms came or went, whose spread nobody found. Equal on all ranks.
------------------------------------------------------------------------- */

bool PairMLFF::must_observe() const
{
  return impl->spread_step < 0 || update->ntimestep % impl->observe == 0 ||
      impl->observed_atoms != atom->natoms;
}

/* ----------------------------------------------------------------------
   the fix that keeps the spread of the last observation with the atoms, which
   move between ranks and in memory until the next one. Its header is not in
   LAMMPS' Python package, but all fixes read and write an atom's values with
   pack_exchange() and unpack_exchange().
------------------------------------------------------------------------- */

void PairMLFF::make_store()
{
  if (store()) return;
  impl->store = fmt::format("MLFF_SPREAD_{}", instance_me);
  modify->add_fix(impl->store + " all STORE/ATOM 1 0 0 0");
}

/* ----------------------------------------------------------------------
   null where there is none
------------------------------------------------------------------------- */

Fix *PairMLFF::store() const
{
  return impl->store.empty() ? nullptr : modify->get_fix_by_id(impl->store);
}

/* ---------------------------------------------------------------------- */

void PairMLFF::finish()
{
  impl->replicas->end_run();
  if (impl->watches()) impl->warnings.end_run();
}

/* ---------------------------------------------------------------------- */

int PairMLFF::n_potentials() const
{
  return (int) impl->potentials.size();
}

/* ----------------------------------------------------------------------
   spread of the owned atoms on this timestep, null if it was not found; with
   the keyword observe that of the last observation, if there are forces of
   this timestep
------------------------------------------------------------------------- */

const std::vector<double> *PairMLFF::spread(bigint step)
{
  if (impl->observing()) {
    Fix *const last = store();
    if (impl->forces_step != step || impl->spread_step < 0 || !last) return nullptr;
    impl->spread.resize(atom->nlocal);
    for (int i = 0; i < atom->nlocal; i++) last->pack_exchange(i, &impl->spread[i]);
    return &impl->spread;
  }
  if (impl->spread_step != step || (int) impl->spread.size() != atom->nlocal) return nullptr;
  return &impl->spread;
}

/* ---------------------------------------------------------------------- */

bool PairMLFF::any_rank(bool here) const
{
  return impl->any_rank(here);
}

/* ---------------------------------------------------------------------- */

void PairMLFF::number_rows(int inum, const int *ilist, const std::vector<char> &used)
{
  impl->number_rows(this, map, list, centres_by_id(), inum, ilist, used);
}

/* ----------------------------------------------------------------------
   a model of one molecule knows its atoms by their order: that of their IDs,
   which sorting in memory does not change
------------------------------------------------------------------------- */

bool PairMLFF::centres_by_id() const
{
  return impl->potentials.front().kind().one_molecule && atom->tag_enable;
}

/* ---------------------------------------------------------------------- */

int PairMLFF::pack_forward_comm(int n, int *sendlist, double *buf, int /*pbc_flag*/, int * /*pbc*/)
{
  return impl->pack_forward_comm(n, sendlist, buf);
}

/* ---------------------------------------------------------------------- */

void PairMLFF::unpack_forward_comm(int n, int first, double *buf)
{
  impl->unpack_forward_comm(n, first, buf);
}

/* ---------------------------------------------------------------------- */

bool PairMLFF::needs_positions() const
{
  return std::any_of(impl->potentials.begin(), impl->potentials.end(), [](const auto &potential) {
    return potential.kind().needs_positions;
  });
}

/* ----------------------------------------------------------------------
   init for one type pair i,j and corresponding j,i
------------------------------------------------------------------------- */

double PairMLFF::init_one(int i, int j)
{
  if (setflag[i][j] == 0)
    error->all(FLERR, Error::NOLASTLINE, "All pair coeffs are not set for pair style mlff");
  return cutoff;
}

/* ---------------------------------------------------------------------- */

void *PairMLFF::extract(const char *str, int &dim)
{
  dim = 0;
  if (strcmp(str, "cutoff") == 0) return (void *) &cutoff;
  // read by fixes that try positions out: NaN instead of an error
  if (strcmp(str, "nan_on_failure") == 0) return (void *) &nan_on_failure;
  // whether energies of atoms add up to those of molecules that are further apart than the cutoff
  if (strcmp(str, "molecules_add_up") == 0) {
    molecules_add_up = !needs_positions();
    return (void *) &molecules_add_up;
  }
  return nullptr;
}

/* ----------------------------------------------------------------------
   memory of the graph and of one evaluation
------------------------------------------------------------------------- */

double PairMLFF::memory_usage()
{
  double bytes = Pair::memory_usage();
  const auto graph = impl->graph.view();
  bytes += impl->memory_usage();
  bytes += (double) impl->spread.capacity() * sizeof(double);
  if (impl->engine) bytes += (double) impl->engine->bytes(graph.n_atoms(), graph.n_edges());
  return bytes;
}
