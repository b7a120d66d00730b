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
#include "citeme.h"
#include "comm.h"
#include "domain.h"
#include "error.h"
#include "force.h"
#include "memory.h"
#include "modify.h"
#include "neigh_list.h"
#include "neighbor.h"
#include "update.h"

#include "core/elements.h"
#include "core/errors.h"
#include "engine/make_engine.h"
#include "kokkos/common/kokkos_stream.h"
#include "lammps_common/engine_keywords.h"
#include "pair_mlff/mlff_impl.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace LAMMPS_NS;

/* ---------------------------------------------------------------------- */

PairMLFF::PairMLFF(LAMMPS *lmp) :
    Pair(lmp), impl(new MLFFImpl(lmp)), cutoff(0.0), scale(1.0), nan_on_failure(0),
    molecules_add_up(0)
{
  single_enable = 0;
  restartinfo = 0;
  one_coeff = 1;
  manybody_flag = 1;
  no_virial_fdotr_compute = 1;
  centroidstressflag = CENTROID_NOTAVAIL;
  comm_forward = 3;
}

/* ----------------------------------------------------------------------
   check if allocated, since class can be destructed when incomplete
------------------------------------------------------------------------- */

PairMLFF::~PairMLFF()
{
  if (copymode) return;

  delete impl;
  if (allocated) {
    memory->destroy(setflag);
    memory->destroy(cutsq);
  }
}

/* ---------------------------------------------------------------------- */

void PairMLFF::compute(int eflag, int vflag)
{
  ev_init(eflag, vflag);

  if (rows_are_old()) number_rows();
  find_edges();

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

  const auto &gradient = impl->result.gradient;
  auto &force = impl->force;
  auto &stress = impl->stress;
  force.assign(3 * (std::size_t) graph.n_atoms(), 0.0);
  if (vflag_atom) stress.assign(6 * (std::size_t) graph.n_atoms(), 0.0);

  for (int i = 0; i < graph.n_centres(); i++)
    for (int e = graph.first_edge[i]; e < graph.first_edge[i + 1]; e++) {
      const int j = graph.neighbor[e];
      const double *r = &graph.r[3 * e];
      const double g[3] = {scale * gradient[3 * e], scale * gradient[3 * e + 1],
                           scale * gradient[3 * e + 2]};
      for (int a = 0; a < 3; a++) {
        force[3 * i + a] += g[a];
        force[3 * j + a] -= g[a];
      }
      if (vflag_either) {
        // symmetric part, the sum over all edges has no other
        const double v[6] = {-r[0] * g[0],
                             -r[1] * g[1],
                             -r[2] * g[2],
                             -0.5 * (r[0] * g[1] + r[1] * g[0]),
                             -0.5 * (r[0] * g[2] + r[2] * g[0]),
                             -0.5 * (r[1] * g[2] + r[2] * g[1])};
        if (vflag_global)
          for (int k = 0; k < 6; k++) virial[k] += v[k];
        if (vflag_atom)
          for (int k = 0; k < 6; k++) {
            stress[6 * i + k] += 0.5 * v[k];
            stress[6 * j + k] += 0.5 * v[k];
          }
      }
    }

  if (!impl->result.position_gradient.empty()) add_long_range();

  // forces on ghosts go to their owners here, with newton on as with newton off
  if (impl->exchange) {
    impl->exchange->reverse(force.data(), 3);
    if (vflag_atom) impl->exchange->reverse(stress.data(), 6);
  }

  double **f = atom->f;
  for (int c = 0; c < graph.n_centres(); c++) {
    const int i = impl->local[c];
    for (int a = 0; a < 3; a++) f[i][a] += force[3 * c + a];
    if (vflag_atom)
      for (int k = 0; k < 6; k++) vatom[i][k] += stress[6 * c + k];
    if (eflag_atom) eatom[i] += scale * impl->result.atom_energy[c];
  }
  if (eflag_global) eng_vdwl += scale * impl->result.energy[0];

  if (impl->ensemble && impl->ensemble->find_spread) keep_spread();
  if (!impl->watches()) return;
  if (impl->threshold > 0.0)
    impl->warnings.check_spread(impl->local, impl->spread, impl->threshold);
  if (!impl->range.empty())
    impl->warnings.check_range(impl->local, graph, force.data(), impl->range, scale);
  impl->warnings.report();
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
    double g[3], r[3];
    for (int a = 0; a < 3; a++) {
      g[a] = scale * impl->result.position_gradient[3 * (std::size_t) c + a];
      r[a] = graph.position[3 * (std::size_t) c + a] - 0.5 * (domain->boxlo[a] + domain->boxhi[a]);
      impl->force[3 * (std::size_t) c + a] -= g[a];
    }
    if (!vflag_either) continue;
    double v[6] = {-r[0] * g[0],
                   -r[1] * g[1],
                   -r[2] * g[2],
                   -0.5 * (r[0] * g[1] + r[1] * g[0]),
                   -0.5 * (r[0] * g[2] + r[2] * g[0]),
                   -0.5 * (r[1] * g[2] + r[2] * g[1])};
    if (!graph.cell.empty())
      for (int k = 0; k < 6; k++)
        v[k] = -scale * impl->result.strain_gradient[6 * (std::size_t) c + k];
    for (int k = 0; k < 6; k++) {
      if (vflag_global) virial[k] += v[k];
      if (vflag_atom) impl->stress[6 * (std::size_t) c + k] += v[k];
    }
  }
}

/* ----------------------------------------------------------------------
   spread of the forces of several potentials, from centres to owned atoms
------------------------------------------------------------------------- */

void PairMLFF::keep_spread()
{
  impl->spread.assign(atom->nlocal, 0.0);
  for (std::size_t c = 0; c < impl->local.size(); c++)
    impl->spread[impl->local[c]] = scale * impl->ensemble->spread[c];
  impl->spread_step = update->ntimestep;
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
   spread of the owned atoms on this timestep, null if it was not found
------------------------------------------------------------------------- */

const std::vector<double> *PairMLFF::spread(bigint step) const
{
  if (impl->spread_step != step || (int) impl->spread.size() != atom->nlocal) return nullptr;
  return &impl->spread;
}

/* ----------------------------------------------------------------------
   whether the rows of the graph are of other atoms: there was a neighbor
   rebuild, or a fix changed types without one. All ranks must agree.
------------------------------------------------------------------------- */

bool PairMLFF::rows_are_old()
{
  if (neighbor->ago == 0 || impl->lists != neighbor->ncalls) return true;
  const bool same = (int) impl->type.size() == atom->nlocal &&
      (int) impl->row.size() == atom->nlocal + atom->nghost &&
      std::equal(impl->type.begin(), impl->type.end(), atom->type);
  return any_rank(!same);
}

/* ---------------------------------------------------------------------- */

bool PairMLFF::any_rank(bool mine) const
{
  if (comm->nprocs == 1) return mine;
  int flag = mine ? 1 : 0;
  MPI_Allreduce(MPI_IN_PLACE, &flag, 1, MPI_INT, MPI_MAX, world);
  return flag != 0;
}

/* ----------------------------------------------------------------------
   the list has all pairs of the model's types: another sub-style may have
   taken some, and types may have changed since the list was made
------------------------------------------------------------------------- */

void PairMLFF::check_list()
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

  if (neighbor->ago == 0 || impl->lists != neighbor->ncalls) return;
  int type[3] = {0, 0, 0};
  for (int i = 0; i < std::min(atom->nlocal, (int) impl->type.size()); i++) {
    const int before = impl->type[i], now = atom->type[i];
    if ((map[before] < 0) == (map[now] < 0)) continue;
    type[0] = 1;
    type[1] = before;
    type[2] = now;
  }
  MPI_Allreduce(MPI_IN_PLACE, type, 3, MPI_INT, MPI_MAX, world);
  if (type[0])
    error->all(FLERR, Error::NOLASTLINE,
               "Pair style mlff on timestep {}: types changed between those of the model and "
               "those mapped to NULL (as from {} to {}) without a rebuild of the neighbor list; "
               "change types where the list is rebuilt",
               update->ntimestep, type[1], type[2]);
}

/* ----------------------------------------------------------------------
   rows of the graph: first the owned atoms, then one row for each atom of
   another rank that is a neighbor of one of them. A periodic image acts as
   the atom it is an image of.
------------------------------------------------------------------------- */

void PairMLFF::number_rows()
{
  std::vector<char> used(atom->nlocal + atom->nghost, 0);
  for (int ii = 0; ii < list->inum; ii++) {
    const int i = list->ilist[ii];
    for (int jj = 0; jj < list->numneigh[i]; jj++) used[list->firstneigh[i][jj] & NEIGHMASK] = 1;
  }
  number_rows(list->inum, list->ilist, used);
}

/* ----------------------------------------------------------------------
   the same from a list of owned atoms, and which atoms are neighbors of one
------------------------------------------------------------------------- */

void PairMLFF::number_rows(int inum, const int *ilist, const std::vector<char> &used)
{
  const int nlocal = atom->nlocal;
  const int nall = nlocal + atom->nghost;
  const int *type = atom->type;
  auto &row = impl->row;
  auto &owner = impl->owner;
  auto &species = impl->species;
  auto &graph = impl->graph;

  check_topology();
  check_list();
  const int out = impl->exclusions.left_out(map);
  impl->type.assign(type, type + nlocal);
  impl->lists = neighbor->ncalls;

  graph.clear();
  impl->local.clear();
  species.assign(nall, -1);
  for (int ii = 0; ii < inum; ii++) {
    const int i = ilist[ii];
    if (map[type[i]] < 0 || (atom->mask[i] & out)) continue;
    impl->local.push_back(i);
    species[i] = map[type[i]];
  }

  // the owner of a ghost says whether it is a part of the model, and what it is by now
  owner.resize(nall);
  for (int i = 0; i < nlocal; i++) owner[i] = {comm->me, i};
  comm->forward_comm(this);

  row.assign(nall, -1);
  // a model of one molecule knows its atoms by their order: that of their IDs, which sorting in
  // memory does not change
  if (impl->potentials.front().is_molecule() && atom->tag_enable)
    std::sort(impl->local.begin(), impl->local.end(), [this](int i, int j) {
      return atom->tag[i] < atom->tag[j];
    });
  for (std::size_t c = 0; c < impl->local.size(); c++) {
    row[impl->local[c]] = (int) c;
    graph.species.push_back(species[impl->local[c]]);
  }
  const int ncentres = (int) impl->local.size();

  std::vector<RankExchange::Ghost> ghosts;
  for (int j = nlocal; j < nall; j++) {
    if (!used[j] || species[j] < 0) continue;
    if (owner[j].rank == comm->me)
      row[j] = row[owner[j].index];
    else
      ghosts.push_back(owner[j]);
  }
  if (!impl->exchange) return;

  std::sort(ghosts.begin(), ghosts.end());
  ghosts.erase(std::unique(ghosts.begin(), ghosts.end()), ghosts.end());
  graph.species.resize(ncentres + ghosts.size());
  for (int j = nlocal; j < nall; j++) {
    if (!used[j] || species[j] < 0 || owner[j].rank == comm->me) continue;
    row[j] = ncentres +
        (int) (std::lower_bound(ghosts.begin(), ghosts.end(), owner[j]) - ghosts.begin());
    graph.species[row[j]] = species[j];
  }
  impl->exchange->connect(ghosts, row, ncentres);
}

/* ---------------------------------------------------------------------- */

int PairMLFF::pack_forward_comm(int n, int *sendlist, double *buf, int /*pbc_flag*/, int * /*pbc*/)
{
  int m = 0;
  for (int k = 0; k < n; k++) {
    buf[m++] = ubuf(impl->owner[sendlist[k]].rank).d;
    buf[m++] = ubuf(impl->owner[sendlist[k]].index).d;
    buf[m++] = ubuf(impl->species[sendlist[k]]).d;
  }
  return m;
}

/* ---------------------------------------------------------------------- */

void PairMLFF::unpack_forward_comm(int n, int first, double *buf)
{
  int m = 0;
  for (int k = first; k < first + n; k++) {
    impl->owner[k].rank = (int) ubuf(buf[m++]).i;
    impl->owner[k].index = (int) ubuf(buf[m++]).i;
    impl->species[k] = (int) ubuf(buf[m++]).i;
  }
}

/* ----------------------------------------------------------------------
   edges of the graph: all pairs within the cutoff, from the full neighbor list
------------------------------------------------------------------------- */

void PairMLFF::find_edges()
{
  double **x = atom->x;
  const double cutsq_model = cutoff * cutoff;
  const auto &row = impl->row;
  auto &graph = impl->graph;

  graph.first_atom.assign({0, (int) impl->local.size()});
  graph.first_edge.assign(1, 0);
  graph.neighbor.clear();
  graph.r.clear();
  graph.position.clear();
  graph.cell.clear();
  if (is_global()) {
    for (const int i : impl->local) graph.position.insert(graph.position.end(), x[i], x[i] + 3);
    if (domain->xperiodic)
      graph.cell = {domain->xprd, 0.0,        0.0,        domain->xy,  domain->yprd,
                    0.0,          domain->xz, domain->yz, domain->zprd};
  }
  for (const int i : impl->local) {
    const int *jlist = list->firstneigh[i];
    for (int jj = 0; jj < list->numneigh[i]; jj++) {
      const int j = jlist[jj] & NEIGHMASK;
      if (row[j] < 0) continue;
      const double dx = x[j][0] - x[i][0];
      const double dy = x[j][1] - x[i][1];
      const double dz = x[j][2] - x[i][2];
      if (dx * dx + dy * dy + dz * dz >= cutsq_model) continue;
      graph.neighbor.push_back(row[j]);
      graph.r.insert(graph.r.end(), {dx, dy, dz});
    }
    graph.first_edge.push_back((int) graph.neighbor.size());
  }
}

/* ---------------------------------------------------------------------- */

void PairMLFF::allocate()
{
  allocated = 1;
  const int n = atom->ntypes + 1;

  memory->create(setflag, n, n, "pair:setflag");
  memory->create(cutsq, n, n, "pair:cutsq");
  map = new int[n];
}

/* ----------------------------------------------------------------------
   global settings
------------------------------------------------------------------------- */

void PairMLFF::settings(int narg, char **arg)
{
  mlff::EngineOptions options;
  auto replicas = std::make_unique<ReplicaGroup>(lmp);
  bool warn = true;
  double threshold = 0.0;

  for (int iarg = 0; iarg < narg; iarg += 2) {
    const std::string word = arg[iarg];
    if (!mlff::EngineOptions::knows(word) && word != "warn" && !ReplicaGroup::knows(word))
      error->all(FLERR, iarg,
                 "Unknown pair_style mlff keyword '{}'; accepted: {}, warn, batch, wait, memory",
                 word, mlff::EngineOptions::word_list());
    if (iarg + 1 >= narg) utils::missing_cmd_args(FLERR, "pair_style mlff " + word, error);
    const std::string value = arg[iarg + 1];
    if (ReplicaGroup::knows(word)) {
      replicas->set(word, value, iarg + 1);
    } else if (word == "warn") {
      warn = value != "off";
      threshold = utils::is_double(value) ? utils::numeric(FLERR, value, false, lmp) : 0.0;
      if (value != "off" && value != "auto" && !(threshold > 0.0 && std::isfinite(threshold)))
        error->all(
            FLERR, iarg + 1,
            "Pair style mlff warn is '{}'; accepted: auto, off, or a threshold above 0 of the "
            "spread of the forces of several potentials",
            value);
    } else
      set_engine_keyword(lmp, options, "Pair style mlff", "pair_style mlff", word, value, iarg + 1);
  }
  impl->options = options;
  impl->replicas = std::move(replicas);
  impl->warn = warn;
  impl->threshold = threshold;
  impl->ensemble = nullptr;
  impl->engine.reset();
}

/* ----------------------------------------------------------------------
   pair_coeff * * FILE ... element of type 1, element of type 2, ...
   The first word is a file, and so are those up to an element or NULL.
------------------------------------------------------------------------- */

static bool is_element(const std::string &word)
{
  return word == "NULL" || mlff::atomic_number(word) > 0;
}

/* ---------------------------------------------------------------------- */

void PairMLFF::coeff(int narg, char **arg)
{
  if (narg < 4) utils::missing_cmd_args(FLERR, "pair_coeff", error);
  if (!allocated) allocate();

  int ielement = 3;
  while (ielement < narg && !is_element(arg[ielement])) ielement++;
  read_potentials({arg + 2, arg + ielement});
  map_elements(narg, arg, ielement);
  impl->range = mlff::common_range(impl->potentials);
  impl->ensemble = nullptr;
  impl->engine.reset();

  cutoff = 0.0;
  for (std::size_t k = 0; k < impl->potentials.size(); k++) {
    const auto &potential = impl->potentials[k];
    cutoff = std::max(cutoff, potential.cutoff);
    if (comm->me == 0) {
      utils::logmesg(lmp, "Reading mlff potential file {} with DATE: {}\n", impl->files[k],
                     potential.date);
      for (std::size_t other = 0; other < k; other++)
        if (impl->potentials[other].sha256 == potential.sha256)
          error->warning(FLERR,
                         "Pair style mlff: potential files '{}' and '{}' hold the same weights",
                         impl->files[other], impl->files[k]);
    }
    if (lmp->citeme && !potential.citation.empty())
      lmp->citeme->add("pair_style mlff, potential " + potential.sha256.substr(0, 12) + ": " +
                       potential.citation + "\n\n");
  }
}

/* ----------------------------------------------------------------------
   each file: the path given, the folders of LAMMPS_POTENTIALS, the
   potentials that came with this build
------------------------------------------------------------------------- */

void PairMLFF::read_potentials(const std::vector<std::string> &files)
{
  std::vector<mlff::Potential> potentials;
  for (const auto &file : files) {
    const int iarg = 2 + (int) potentials.size();
    std::string path = utils::get_potential_file_path(file);
    if (path.empty()) {
      const std::string shipped = platform::path_join(MLFF_POTENTIALS, file);
      if (platform::file_is_readable(shipped)) path = shipped;
    }
    if (path.empty() && !potentials.empty())
      error->all(FLERR, iarg,
                 "Word '{}' in pair_coeff of pair style mlff is no element, not NULL, and no "
                 "potential file: it is neither there, nor in the folders of LAMMPS_POTENTIALS, "
                 "nor in {}",
                 file, MLFF_POTENTIALS);
    if (path.empty())
      error->all(FLERR, iarg,
                 "Cannot open potential file '{}' of pair style mlff: it is neither there, nor in "
                 "the folders of LAMMPS_POTENTIALS, nor in {}",
                 file, MLFF_POTENTIALS);
    try {
      potentials.push_back(mlff::Potential::read(path));
    } catch (mlff::PotentialError &e) {
      error->all(FLERR, iarg, "Pair style mlff: {}", e.what());
    }
  }
  impl->files = files;
  impl->potentials = std::move(potentials);
}

/* ----------------------------------------------------------------------
   element of each type, from arg[ielement] on; every potential has them all
------------------------------------------------------------------------- */

void PairMLFF::map_elements(int narg, char **arg, int ielement)
{
  const int ntypes = atom->ntypes;
  if (narg - ielement != ntypes) {
    std::string hint;
    for (int k = ielement; k < narg && hint.empty(); k++) {
      const std::string word = arg[k];
      if (!is_element(word))
        hint = fmt::format("; potential files come before the elements, '{}' does not", word);
      else if (platform::file_is_readable(word))
        hint = fmt::format("; '{}' is taken for an element, a file of this name is './{}'", word,
                           word);
    }
    error->all(FLERR,
               "Pair_coeff of pair style mlff has {} elements after '{}'; expected one for each "
               "of the {} atom types (NULL for a type without this potential){}",
               narg - ielement, arg[ielement - 1], ntypes, hint);
  }

  for (int t = 1; t <= ntypes; t++) {
    const int iarg = ielement + t - 1;
    const std::string word = arg[iarg];
    map[t] = -1;
    if (word == "NULL") continue;
    const int number = mlff::atomic_number(word);
    for (std::size_t k = impl->potentials.size(); k-- > 0;) {
      const auto &elements = impl->potentials[k].elements;
      const auto found = std::find(elements.begin(), elements.end(), number);
      if (number == 0 || found == elements.end())
        error->all(FLERR, iarg,
                   "Element '{}' of atom type {} is not in potential file '{}'; accepted: {}, NULL",
                   word, t, impl->files[k], impl->potentials[k].element_names());
      map[t] = (int) (found - elements.begin());    // the first potential's number stays
    }
  }

  int count = 0;
  for (int i = 1; i <= ntypes; i++)
    for (int j = i; j <= ntypes; j++) {
      setflag[i][j] = (map[i] >= 0 && map[j] >= 0) ? 1 : 0;
      count += setflag[i][j];
    }
  if (count == 0) error->all(FLERR, "Pair_coeff of pair style mlff maps every atom type to NULL");
}

/* ----------------------------------------------------------------------
   init specific to this pair style
------------------------------------------------------------------------- */

void PairMLFF::init_style()
{
  if (strcmp(update->unit_style, "metal") == 0)
    scale = 1.0;
  else if (strcmp(update->unit_style, "real") == 0)
    scale = utils::get_conversion_factor(utils::ENERGY, utils::METAL2REAL);
  else
    error->all(FLERR, Error::NOLASTLINE, "Pair style mlff has no units '{}'; accepted: metal, real",
               update->unit_style);

  check_box();

  if (impl->threshold > 0.0 && n_potentials() < 2)
    error->all(FLERR, Error::NOLASTLINE,
               "Pair style mlff warn {} is a threshold of the spread between several potentials, "
               "but pair_coeff names {}; accepted with one potential: auto, off",
               impl->threshold, n_potentials());

  impl->lists = -1;
  impl->spread_step = -1;
  const bool find_spread = n_potentials() > 1 &&
      (impl->threshold > 0.0 || !modify->get_compute_by_style("^mlff/uncertainty$").empty());
  if (impl->ensemble && impl->ensemble->find_spread != find_spread) impl->engine.reset();
  make_engine(find_spread);
  impl->replicas->start_run();
  impl->warnings.start_run();
  if (comm->nprocs > 1) impl->exchange.reset(new RankExchange(world));

  neighbor->add_request(this, NeighConst::REQ_FULL);
}

/* ---------------------------------------------------------------------- */

void PairMLFF::make_engine(bool find_spread)
{
  while (!impl->engine) {
    if (lmp->kokkos) use_kokkos_stream(impl->options);
    try {
      if (n_potentials() == 1)
        impl->engine = mlff::make_engine(impl->potentials.front(), impl->options);
      else {
        impl->ensemble = new mlff::Ensemble(impl->potentials, impl->options, impl->files);
        impl->engine.reset(impl->ensemble);
        impl->ensemble->find_spread = find_spread;
      }
    } catch (mlff::EngineError &e) {
      error->all(FLERR, Error::NOLASTLINE, "Pair style mlff: {}", e.what());
    }
    join_replicas(find_spread ? "the spread of its potentials is wanted" : "");
    if (comm->me == 0 && impl->engine)
      utils::logmesg(lmp, "Pair style mlff: {}\n", impl->engine->description());
  }
  for (std::size_t k = 0; k < impl->potentials.size(); k++)
    if (comm->nprocs > 1 && impl->potentials[k].is_molecule())
      error->all(FLERR, Error::NOLASTLINE,
                 "Pair style mlff: potential file '{}' is a model of one molecule, which runs on "
                 "one MPI rank per partition, found {}",
                 impl->files[k], comm->nprocs);
  if (comm->nprocs > 1 && !impl->engine->exchanges())
    error->all(FLERR, Error::NOLASTLINE,
               "Pair style mlff engine torch runs on one MPI rank per partition, found {}; use "
               "engine host",
               comm->nprocs);
}

/* ----------------------------------------------------------------------
   partitions with the same model evaluate it together
------------------------------------------------------------------------- */

void PairMLFF::join_replicas(const std::string &alone)
{
  std::vector<std::string> hashes;
  for (const auto &potential : impl->potentials) hashes.push_back(potential.sha256);
  impl->engine = impl->replicas->join(
      std::move(impl->engine), hashes,
      comm->nprocs > 1 ? fmt::format("it has {} MPI ranks", comm->nprocs) : alone);
}

/* ---------------------------------------------------------------------- */

bool PairMLFF::is_global() const
{
  return std::any_of(impl->potentials.begin(), impl->potentials.end(), [](const auto &potential) {
    return potential.is_global();
  });
}

/* ----------------------------------------------------------------------
   a long-range block sums over all atoms there are, or over the vectors of
   the reciprocal lattice: boxes are open or periodic in all directions
------------------------------------------------------------------------- */

void PairMLFF::check_box()
{
  for (std::size_t k = 0; k < impl->potentials.size(); k++) {
    if (!impl->potentials[k].is_global()) continue;
    char boundary[9];
    domain->boundary_string(boundary);
    if (domain->xperiodic != domain->yperiodic || domain->xperiodic != domain->zperiodic)
      error->all(FLERR, Error::NOLASTLINE,
                 "Pair style mlff: potential file '{}' has a long-range block (model {}), which "
                 "needs a box open or periodic in all directions, found boundary {}; accepted: "
                 "p p p, or f, s or m in all directions",
                 impl->files[k], impl->potentials[k].model, boundary);
    if (domain->xperiodic && impl->options.fmm == mlff::FmmForm::direct)
      error->all(FLERR, Error::NOLASTLINE,
                 "Pair style mlff fmm direct is for open boxes, found boundary {}; accepted in a "
                 "periodic box: auto, linear",
                 boundary);
    if (domain->xperiodic && atom->q_flag) warn_of_charge();
    if (kokkosable && comm->nprocs > 1 && impl->options.fmm == mlff::FmmForm::direct)
      error->all(FLERR, Error::NOLASTLINE,
                 "Pair style mlff/kk fmm direct needs all atoms on one MPI rank per partition, "
                 "found {}; accepted: auto, linear",
                 comm->nprocs);
  }
}

/* ----------------------------------------------------------------------
   in a periodic box the mean of what atoms send is left out, as with Ewald sums
------------------------------------------------------------------------- */

void PairMLFF::warn_of_charge()
{
  double charge = 0.0;
  for (int i = 0; i < atom->nlocal; i++) charge += atom->q[i];
  MPI_Allreduce(MPI_IN_PLACE, &charge, 1, MPI_DOUBLE, MPI_SUM, world);
  if (fabs(charge) > 0.1 && comm->me == 0)
    error->warning(FLERR,
                   "Pair style mlff: the atoms' charges sum to {:.3g} e in a periodic box, where a "
                   "long-range block acts as in a neutralizing background",
                   charge);
}

/* ----------------------------------------------------------------------
   the model needs every pair: special_bonds must not remove bonded ones
   from the neighbor list, as it does where lj and coul weights are both 0
   (special_flag of the list, as a hybrid style has weights of its own here).
   Fixes may make bonds at any rebuild of the list.
------------------------------------------------------------------------- */

void PairMLFF::check_topology()
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
  // for fixes that try positions out: NaN instead of an error
  if (strcmp(str, "nan_on_failure") == 0) return (void *) &nan_on_failure;
  // whether energies of atoms add up to those of molecules that are further apart than the cutoff
  if (strcmp(str, "molecules_add_up") == 0) {
    molecules_add_up = !is_global();
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
  bytes += (double) impl->owner.capacity() * (sizeof(RankExchange::Ghost) + 3 * sizeof(int));
  bytes += (double) impl->spread.capacity() * sizeof(double);
  bytes += (double) graph.n_edges() * (3 * sizeof(double) + sizeof(int));
  if (impl->engine) bytes += (double) impl->engine->bytes(graph.n_atoms(), graph.n_edges());
  return bytes;
}
