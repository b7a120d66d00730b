// Commands of pair style mlff, and what is made and checked before a run.
#include "pair_mlff.h"

#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "error.h"
#include "modify.h"
#include "neighbor.h"

#include "core/elements.h"
#include "engine/make_engine.h"
#include "lammps_common/element_map.h"
#include "lammps_common/engine_keywords.h"
#include "lammps_common/kokkos_stream.h"
#include "lammps_common/potential_files.h"
#include "pair_mlff/mlff_impl.h"
#include "potential/model_kind.h"

#include <algorithm>
#include <cmath>

using namespace LAMMPS_NS;

/* ----------------------------------------------------------------------
   global settings
------------------------------------------------------------------------- */

void PairMLFF::settings(int narg, char **arg)
{
  mlff::EngineOptions options;
  auto replicas = std::make_unique<ReplicaGroup>(lmp);
  bool warn = true;
  double threshold = 0.0;
  bigint observe = 0;

  for (int iarg = 0; iarg < narg; iarg += 2) {
    const std::string word = arg[iarg];
    if (!mlff::EngineOptions::knows(word) && word != "warn" && word != "observe" &&
        !ReplicaGroup::knows(word))
      error->all(FLERR, iarg,
                 "Unknown pair_style mlff keyword '{}'; accepted: {}, warn, observe, batch, wait, "
                 "memory",
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
    } else if (word == "observe") {
      observe = utils::is_integer(value) ? utils::bnumeric(FLERR, value, false, lmp) : 0;
      if (observe < 1)
        error->all(FLERR, iarg + 1,
                   "Pair style mlff observe is '{}'; accepted: a whole number of steps, 1 or more",
                   value);
    } else
      set_engine_keyword(lmp, options, "Pair style mlff", "pair_style mlff", word, value, iarg + 1);
  }
  impl->options = options;
  impl->replicas = std::move(replicas);
  impl->warn = warn;
  impl->threshold = threshold;
  impl->observe = observe;
  nextra = observe > 0 ? 1 : 0;
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
  if (!allocated) allocate_types(lmp, setflag, cutsq, map);
  allocated = 1;

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
    announce_potential(lmp, "pair_style mlff", impl->files[k], potential);
    for (std::size_t other = 0; other < k; other++)
      if (comm->me == 0 && impl->potentials[other].identity() == potential.identity())
        error->warning(FLERR,
                       "Pair style mlff: potential files '{}' and '{}' hold the same weights",
                       impl->files[other], impl->files[k]);
  }
}

/* ---------------------------------------------------------------------- */

void PairMLFF::read_potentials(const std::vector<std::string> &files)
{
  std::vector<mlff::Potential> potentials;
  for (const auto &file : files) {
    const int iarg = 2 + (int) potentials.size();
    if (!potentials.empty() && find_potential_file(file).empty())
      error->all(FLERR, iarg,
                 "Word '{}' in pair_coeff of pair style mlff is neither an element nor NULL nor a "
                 "potential file: it is {}",
                 file, places_of_potentials(file));
    potentials.push_back(read_potential_file(lmp, "pair style mlff", file, iarg));
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

  flag_mapped_types(lmp, "mlff", map, setflag);
}

/* ----------------------------------------------------------------------
   init specific to this pair style
------------------------------------------------------------------------- */

void PairMLFF::init_style()
{
  scale = electron_volt(lmp, "Pair style mlff");
  check_box();

  if (impl->threshold > 0.0 && n_potentials() < 2)
    error->all(FLERR, Error::NOLASTLINE,
               "Pair style mlff warn {} is a threshold of the spread between several potentials, "
               "but pair_coeff names {}; accepted with one potential: auto, off",
               impl->threshold, n_potentials());

  if (impl->observe > 0 && n_potentials() < 2)
    error->all(FLERR, Error::NOLASTLINE,
               "Pair style mlff observe {} is for potentials that observe the first one, but "
               "pair_coeff names {}; accepted: 2 or more potentials, or no 'observe'",
               impl->observe, n_potentials());

  impl->lists = -1;
  impl->spread_step = impl->forces_step = -1;
  const bool find_spread = n_potentials() > 1 &&
      (impl->threshold > 0.0 || !modify->get_compute_by_style("^mlff/uncertainty$").empty());
  // others that nobody asks for their opinion are not evaluated at all
  const bool committee = n_potentials() > 1 && (impl->observe == 0 || find_spread);
  if (committee != (impl->ensemble != nullptr) ||
      (committee && impl->ensemble->find_spread != find_spread)) {
    impl->engine.reset();
    impl->ensemble = nullptr;
  }
  reach = committee ? cutoff : impl->potentials.front().cutoff;
  make_engine(find_spread);
  if (impl->observing()) make_store();
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
      if (n_potentials() == 1 || (impl->observe > 0 && !find_spread))
        impl->engine = mlff::make_engine(impl->potentials.front(), impl->options);
      else {
        impl->ensemble = new mlff::Ensemble(impl->potentials, impl->options, impl->files);
        impl->engine.reset(impl->ensemble);
        impl->ensemble->find_spread = find_spread;
        impl->ensemble->first_drives = impl->observe > 0;
      }
    } catch (mlff::EngineError &e) {
      error->all(FLERR, Error::NOLASTLINE, "Pair style mlff: {}", e.what());
    }
    join_replicas(find_spread ? "the spread of its potentials is wanted" : "");
    if (comm->me == 0 && impl->engine) {
      utils::logmesg(lmp, "Pair style mlff: {}\n", impl->engine->description());
      if (impl->observe > 0)
        utils::logmesg(lmp, "Pair style mlff: the first potential drives, {}\n",
                       find_spread ? fmt::format("{} more observe it every {} steps",
                                                 n_potentials() - 1, impl->observe)
                                   : "nothing reads the spread of the others");
    }
  }
  for (std::size_t k = 0; k < impl->potentials.size(); k++)
    if (comm->nprocs > 1 && impl->potentials[k].kind().one_molecule)
      error->all(FLERR, Error::NOLASTLINE,
                 "Pair style mlff: potential file '{}' is a model of one molecule, which runs on "
                 "one MPI rank per partition, found {}",
                 impl->files[k], comm->nprocs);
  if (comm->nprocs > 1 && !impl->engine->supports_domain_decomposition())
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
  for (std::size_t k = 0; k < (impl->ensemble ? impl->potentials.size() : 1); k++)
    hashes.push_back(impl->potentials[k].identity());
  impl->engine = impl->replicas->join(
      std::move(impl->engine), hashes,
      comm->nprocs > 1 ? fmt::format("it has {} MPI ranks", comm->nprocs) : alone);
}

/* ----------------------------------------------------------------------
   a long-range block sums over all atoms there are, or over the vectors of
   the reciprocal lattice: boxes are open or periodic in all directions
------------------------------------------------------------------------- */

void PairMLFF::check_box()
{
  for (std::size_t k = 0; k < impl->potentials.size(); k++) {
    if (!impl->potentials[k].kind().needs_positions) continue;
    char boundary[9];
    domain->boundary_string(boundary);
    if (domain->xperiodic != domain->yperiodic || domain->xperiodic != domain->zperiodic)
      error->all(FLERR, Error::NOLASTLINE,
                 "Pair style mlff: potential file '{}' has a long-range block (model {}), which "
                 "needs a box open or periodic in all directions, found boundary {}; accepted: "
                 "p p p, or f, s or m in all directions",
                 impl->files[k], impl->potentials[k].model(), boundary);
    if (domain->xperiodic && impl->options.long_range == mlff::LongRangeForm::direct)
      error->all(FLERR, Error::NOLASTLINE,
                 "Pair style mlff fmm direct is for open boxes, found boundary {}; accepted in a "
                 "periodic box: auto, linear",
                 boundary);
    if (domain->xperiodic && atom->q_flag) warn_of_charge();
    if (kokkosable && comm->nprocs > 1 && impl->options.long_range == mlff::LongRangeForm::direct)
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
