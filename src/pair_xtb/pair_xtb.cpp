/* ----------------------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

/* ----------------------------------------------------------------------
   Extended tight binding (GFN2-xTB, GFN1-xTB) and GFN-FF through libxtb:
   all atoms as one system, or each molecule as one of its own. Every system
   keeps a calculator, whose wavefunction starts the next step.
------------------------------------------------------------------------- */

#include "pair_xtb.h"

#include "atom.h"
#include "citeme.h"
#include "comm.h"
#include "error.h"
#include "force.h"
#include "memory.h"
#include "neighbor.h"
#include "update.h"

#include "core/elements.h"
#include "lammps_common/element_map.h"
#include "lammps_common/potential_files.h"
#include "lammps_common/symmetric_virial.h"
#include "pair_xtb/xtb_impl.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace LAMMPS_NS;

// LAMMPS warns of lost atoms whenever the box changes if the communication cutoff is 0

static constexpr double ghost_cutoff = 0.1;

// clang-format off
static const char cite_xtb[] =
    "pair_style xtb: doi:10.1002/wcms.1493\n\n"
    "@Article{Bannwarth2021,\n"
    " author = {C. Bannwarth and E. Caldeweyher and S. Ehlert and A. Hansen and P. Pracht and "
    "J. Seibert and S. Spicher and S. Grimme},\n"
    " title = {Extended Tight-Binding Quantum Chemistry Methods},\n"
    " journal = {WIREs Comput.\\ Mol.\\ Sci.},\n"
    " year = 2021, volume = 11, pages = {e1493}\n"
    "}\n\n";
// clang-format on

/* ---------------------------------------------------------------------- */

PairXTB::PairXTB(LAMMPS *lmp) :
    Pair(lmp), impl(new XTBImpl), escale(1.0), calls(0.0), retries(0.0), seconds(0.0),
    nan_on_failure(0), molecules_alone(0)
{
  single_enable = 0;
  one_coeff = 1;
  manybody_flag = 1;
  no_virial_fdotr_compute = 1;
  centroidstressflag = CENTROID_NOTAVAIL;
  writedata = 0;
  announce_version(lmp);
  if (lmp->citeme) lmp->citeme->add(cite_xtb);
}

/* ---------------------------------------------------------------------- */

PairXTB::~PairXTB()
{
  delete impl;
  if (comm->cutghostuser == ghost_cutoff) comm->cutghostuser = 0.0;
  if (allocated) {
    memory->destroy(setflag);
    memory->destroy(cutsq);
  }
}

/* ---------------------------------------------------------------------- */

void PairXTB::compute(int eflag, int vflag)
{
  ev_init(eflag, vflag);

  // a fix may change types without a rebuild of neighbor lists

  const auto &type = impl->type;
  if (neighbor->ago == 0 || impl->systems.empty() || (int) type.size() != atom->nlocal ||
      !std::equal(type.begin(), type.end(), atom->type))
    find_systems();

  find_images();

  calls = retries = seconds = 0.0;
  for (auto &system : impl->systems) {
    double energy = 0.0;
    try {
      unwrap(system);
      if (!system.calculator || update->setupflag) prepare(system);

      // a system that did not move is not calculated again

      if (system.x != system.x_done) {
        system.x_seen = system.x;
        system.energy = system.calculator->evaluate(system.x, system.f);
        system.x_done = system.x;
      }
      energy = system.energy;
    } catch (mlff::XtbUnavailable &e) {
      fail(system, e.what());
    } catch (mlff::XtbError &e) {
      system.x_done.clear();
      if (!nan_on_failure) fail(system, e.what());
      energy = NAN;
      std::fill(system.f.begin(), system.f.end(), NAN);
    }
    if (system.calculator) {
      calls += (double) system.calculator->calls;
      retries += (double) system.calculator->retries;
      seconds += system.calculator->seconds;
    }

    add_to_atoms(system, energy);
  }
}

/* ----------------------------------------------------------------------
   the energy belongs to the system: every atom gets the same share. Forces of
   a system have no sum, so the virial is the same about any point: that of
   single atoms is taken about the centre.
------------------------------------------------------------------------- */

void PairXTB::add_to_atoms(const XTBSystem &system, double energy)
{
  const int n = (int) system.local.size();
  if (eflag_global) eng_vdwl += escale * energy;
  double centre[3] = {0.0, 0.0, 0.0};
  for (int k = 0; k < n; k++)
    for (int a = 0; a < 3; a++) centre[a] += system.x[3 * k + a] / n;
  for (int k = 0; k < n; k++) {
    const int i = system.local[k];
    const double *x = &system.x[3 * k];
    const double f[3] = {escale * system.f[3 * k], escale * system.f[3 * k + 1],
                         escale * system.f[3 * k + 2]};
    for (int a = 0; a < 3; a++) atom->f[i][a] += f[a];
    if (eflag_atom) eatom[i] += escale * energy / n;
    if (!vflag_either) continue;
    const double r[3] = {x[0] - centre[0], x[1] - centre[1], x[2] - centre[2]};
    const auto v = symmetric_virial(r, f);
    for (int m = 0; m < 6; m++) {
      if (vflag_global) virial[m] += v[m];
      if (vflag_atom) vatom[i][m] += v[m];
    }
  }
}

/* ----------------------------------------------------------------------
   global settings
------------------------------------------------------------------------- */

void PairXTB::settings(int narg, char **arg)
{
  mlff::XtbOptions options;
  bool each_molecule = false;
  auto charge = XTBCharge::none_given;

  for (int iarg = 0; iarg < narg; iarg += 2) {
    const std::string word = arg[iarg];
    if (word != "method" && word != "charge" && word != "uhf" && word != "accuracy" &&
        word != "etemp" && word != "maxiter" && word != "system")
      error->all(FLERR, iarg,
                 "Unknown pair_style xtb keyword '{}'; accepted: method, charge, uhf, accuracy, "
                 "etemp, maxiter, system",
                 word);
    if (iarg + 1 >= narg) utils::missing_cmd_args(FLERR, "pair_style xtb " + word, error);
    const char *value = arg[iarg + 1];
    if (word == "method") {
      try {
        options.method = mlff::xtb_method_of(value);
      } catch (mlff::XtbError &e) {
        error->all(FLERR, iarg + 1, "Pair style xtb: {}", e.what());
      }
    } else if (word == "charge") {
      charge = strcmp(value, "atoms") == 0 ? XTBCharge::atoms : XTBCharge::given;
      if (charge == XTBCharge::given) {
        if (!utils::is_integer(value))
          error->all(FLERR, iarg + 1,
                     "Pair style xtb charge is {}; expected a whole number, or atoms", value);
        options.charge = utils::inumeric(FLERR, value, false, lmp);
      }
    } else if (word == "uhf") {
      options.uhf = utils::inumeric(FLERR, value, false, lmp);
      if (options.uhf < 0)
        error->all(FLERR, iarg + 1, "Pair style xtb uhf is {}; expected 0 or more", value);
    } else if (word == "accuracy") {
      options.accuracy = utils::numeric(FLERR, value, false, lmp);
      if (options.accuracy < 1.0e-4 || options.accuracy > 1.0e3)
        error->all(FLERR, iarg + 1, "Pair style xtb accuracy is {}; expected 0.0001 to 1000",
                   value);
    } else if (word == "etemp") {
      options.electronic_temperature = utils::numeric(FLERR, value, false, lmp);
      if (options.electronic_temperature <= 0.0)
        error->all(FLERR, iarg + 1, "Pair style xtb etemp is {}; expected more than 0 K", value);
    } else if (word == "maxiter") {
      options.max_iterations = utils::inumeric(FLERR, value, false, lmp);
      if (options.max_iterations < 1)
        error->all(FLERR, iarg + 1, "Pair style xtb maxiter is {}; expected 1 or more", value);
    } else {
      if (strcmp(value, "all") != 0 && strcmp(value, "molecule") != 0)
        error->all(FLERR, iarg + 1, "Unknown pair_style xtb system '{}'; accepted: all, molecule",
                   value);
      each_molecule = strcmp(value, "molecule") == 0;
    }
  }
  impl->options = options;
  impl->each_molecule = each_molecule;
  impl->charge = charge;
  impl->systems.clear();
  impl->restart.clear();
}

/* ----------------------------------------------------------------------
   pair_coeff * * element of type 1, element of type 2, ...
------------------------------------------------------------------------- */

void PairXTB::coeff(int narg, char **arg)
{
  if (!allocated) allocate_types(lmp, setflag, cutsq, map);
  allocated = 1;
  const int ntypes = atom->ntypes;
  if (narg - 2 != ntypes)
    error->all(FLERR,
               "Pair_coeff of pair style xtb has {} elements; expected one for each of the {} atom "
               "types (NULL for a type that it does not treat)",
               narg - 2, ntypes);
  for (int t = 1; t <= ntypes; t++) {
    const std::string word = arg[1 + t];
    map[t] = word == "NULL" ? -1 : mlff::atomic_number(word);
    if (map[t] == 0)
      error->all(
          FLERR, 1 + t,
          "'{}' of atom type {} is not an element; accepted by pair style xtb: symbols of the "
          "elements H to Rn, NULL",
          word, t);
  }
  flag_mapped_types(lmp, "xtb", map, setflag);
  impl->systems.clear();
}

/* ----------------------------------------------------------------------
   init specific to this pair style
------------------------------------------------------------------------- */

void PairXTB::init_style()
{
  escale = electron_volt(lmp, "Pair style xtb");
  require_one_rank_and_ids(lmp, "Pair style xtb");
  if (impl->each_molecule && !atom->molecule_flag)
    error->all(FLERR, Error::NOLASTLINE,
               "Pair style xtb system molecule requires an atom style with molecule IDs");
  if (impl->charge == XTBCharge::atoms && !atom->q_flag)
    error->all(FLERR, Error::NOLASTLINE,
               "Pair style xtb charge atoms requires an atom style with charges");
  impl->warned_charge = false;
  if (force->pair == this && comm->cutghostuser == 0.0) comm->cutghostuser = ghost_cutoff;
  if (comm->me == 0 && impl->systems.empty())
    utils::logmesg(lmp, "Pair style xtb: {} of libxtb {}, {}\n",
                   mlff::xtb_method_name(impl->options.method), mlff::xtb_version(),
                   impl->each_molecule ? "each molecule alone" : "all atoms as one system");
}

/* ----------------------------------------------------------------------
   no neighbor list: forces come from whole molecules
------------------------------------------------------------------------- */

double PairXTB::init_one(int i, int j)
{
  if (setflag[i][j] == 0)
    error->all(FLERR, Error::NOLASTLINE, "All pair coeffs are not set for pair style xtb");
  return 0.0;
}

/* ----------------------------------------------------------------------
   time in the library, after the timing output of a run
------------------------------------------------------------------------- */

void PairXTB::finish()
{
  if (comm->me == 0 && calls > 0.0)
    utils::logmesg(lmp,
                   "Pair style xtb: {:.0f} calls of {}, {:.4g} s, {:.4g} ms each, {:.0f} started "
                   "from scratch again\n",
                   calls, mlff::xtb_method_name(impl->options.method), seconds,
                   1000.0 * seconds / calls, retries);
}

/* ---------------------------------------------------------------------- */

void *PairXTB::extract(const char *str, int &dim)
{
  dim = 0;
  if (strcmp(str, "calls") == 0) return (void *) &calls;
  if (strcmp(str, "seconds") == 0) return (void *) &seconds;
  if (strcmp(str, "retries") == 0) return (void *) &retries;

  // read by fixes that try positions out: NaN instead of an error; whether molecules do not
  // interact

  if (strcmp(str, "nan_on_failure") == 0) return (void *) &nan_on_failure;
  if (strcmp(str, "molecules_alone") == 0) {
    molecules_alone = impl->each_molecule;
    return (void *) &molecules_alone;
  }
  return nullptr;
}

/* ---------------------------------------------------------------------- */

double PairXTB::memory_usage()
{
  double bytes = Pair::memory_usage();
  for (const auto &system : impl->systems)
    bytes += (double) system.tags.size() * (6 * sizeof(double) + 3 * sizeof(int) + sizeof(tagint));
  return bytes;
}
