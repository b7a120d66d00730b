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
#include "domain.h"
#include "error.h"
#include "force.h"
#include "memory.h"
#include "neighbor.h"
#include "update.h"

#include "elements.h"
#include "neighbor_exclusions.h"
#include "xtb_calculator.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>

using namespace LAMMPS_NS;

namespace LAMMPS_NS {

// atoms of one calculation, in the order of their IDs
struct XTBSystem {
  tagint molecule;             // ID, or 0 where the style has only one system
  std::vector<tagint> tags;    // atom IDs
  std::vector<int> local;      // index of each atom on this rank
  std::vector<int> bridge;    // atom before it in the walk that joins all by the shortest distances
  std::vector<int> walk;      // order of that walk
  std::vector<double> x, f;      // unwrapped positions, forces: [n][3]
  std::vector<double> x_done;    // positions that energy and forces are of; empty: none
  double energy = 0.0;
  std::unique_ptr<mlff::XtbCalculator> calculator;
};

struct XTBImpl {
  mlff::XtbOptions options;
  bool each_molecule = false;
  std::vector<XTBSystem> systems;
  std::vector<int> type;    // of each atom, when the systems were found
};

}    // namespace LAMMPS_NS

// clang-format off
static const char cite_xtb[] =
    "pair_style xtb: doi:10.1002/wcms.1493\n\n"
    "@Article{Bannwarth2021,\n"
    " author = {C. Bannwarth and E. Caldeweyher and S. Ehlert and A. Hansen and P. Pracht and J. Seibert and S. Spicher and S. Grimme},\n"
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
  if (lmp->citeme) lmp->citeme->add(cite_xtb);
}

/* ---------------------------------------------------------------------- */

PairXTB::~PairXTB()
{
  delete impl;
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
  const auto &known = impl->type;
  if (neighbor->ago == 0 || impl->systems.empty() || (int) known.size() != atom->nlocal ||
      !std::equal(known.begin(), known.end(), atom->type))
    find_systems();

  calls = retries = seconds = 0.0;
  for (auto &system : impl->systems) {
    double energy = 0.0;
    try {
      unwrap(system);
      if (!system.calculator) {
        std::vector<int> numbers;
        for (const int i : system.local) numbers.push_back(map[atom->type[i]]);
        system.calculator = std::make_unique<mlff::XtbCalculator>(impl->options, numbers, system.x);
      }

      // what did not move is not calculated again

      if (system.x != system.x_done) {
        system.energy = system.calculator->evaluate(system.x, system.f);
        system.x_done = system.x;
      }
      energy = system.energy;
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

      // the energy belongs to the molecule: every atom gets the same share

      if (eflag_atom) eatom[i] += escale * energy / n;
      if (vflag_either) {
        const double r[3] = {x[0] - centre[0], x[1] - centre[1], x[2] - centre[2]};
        const double v[6] = {r[0] * f[0],
                             r[1] * f[1],
                             r[2] * f[2],
                             0.5 * (r[0] * f[1] + r[1] * f[0]),
                             0.5 * (r[0] * f[2] + r[2] * f[0]),
                             0.5 * (r[1] * f[2] + r[2] * f[1])};
        for (int m = 0; m < 6; m++) {
          if (vflag_global) virial[m] += v[m];
          if (vflag_atom) vatom[i][m] += v[m];
        }
      }
    }
  }
}

/* ---------------------------------------------------------------------- */

void PairXTB::fail(const XTBSystem &system, const std::string &why)
{
  const std::string name = system.molecule ? fmt::format("molecule {}", system.molecule)
                                           : std::string("the system");
  error->one(FLERR, "Pair style xtb on timestep {}, {} of {} atoms (IDs {} to {}): {}",
             update->ntimestep, name, system.tags.size(), system.tags.front(), system.tags.back(),
             why);
}

/* ----------------------------------------------------------------------
   after re-neighboring: atoms of each system by ID. A calculator is kept
   where its atoms are still the same.
------------------------------------------------------------------------- */

void PairXTB::find_systems()
{
  const int nlocal = atom->nlocal;
  const int *type = atom->type;
  const tagint *tag = atom->tag;
  impl->type.assign(type, type + nlocal);

  const int out = NeighborExclusions(lmp, "xtb").left_out(map);
  std::vector<int> order;
  for (int i = 0; i < nlocal; i++)
    if (map[type[i]] > 0 && !(atom->mask[i] & out)) order.push_back(i);
  std::sort(order.begin(), order.end(), [&](int i, int j) {
    return tag[i] < tag[j];
  });

  std::map<tagint, XTBSystem> found;
  for (const int i : order) {
    const tagint id = impl->each_molecule ? atom->molecule[i] : 0;
    if (impl->each_molecule && id <= 0)
      error->one(FLERR, "Pair style xtb system molecule: atom {} has no molecule ID", tag[i]);
    auto &system = found[id];
    system.molecule = id;
    system.tags.push_back(tag[i]);
    system.local.push_back(i);
  }

  std::map<tagint, XTBSystem *> before;
  for (auto &system : impl->systems) before[system.molecule] = &system;
  for (auto &[id, system] : found) {
    const std::size_t n = system.tags.size();
    system.x.resize(3 * n);
    system.f.resize(3 * n);
    find_bridges(system);
    const auto old = before.find(id);
    if (old == before.end() || !old->second->calculator || old->second->tags != system.tags)
      continue;
    const auto &numbers = old->second->calculator->numbers();
    bool same = true;
    for (std::size_t k = 0; k < n; k++)
      if (numbers[k] != map[type[system.local[k]]]) same = false;
    if (!same) continue;
    system.calculator = std::move(old->second->calculator);
    system.f = std::move(old->second->f);
    system.x_done = std::move(old->second->x_done);
    system.energy = old->second->energy;
  }
  impl->systems.clear();
  for (auto &[id, system] : found) impl->systems.push_back(std::move(system));
}

/* ----------------------------------------------------------------------
   the walk that makes a system whole: from its first atom always to the
   atom nearest to those reached (Prim's spanning tree)
------------------------------------------------------------------------- */

void PairXTB::find_bridges(XTBSystem &system)
{
  const int n = (int) system.local.size();
  double **x = atom->x;
  std::vector<double> distance(n, HUGE_VAL);
  std::vector<char> reached(n, 0);
  system.bridge.assign(n, 0);
  system.walk.clear();
  int last = 0;
  for (int step = 0; step < n; step++) {
    reached[last] = 1;
    system.walk.push_back(last);
    const double *from = x[system.local[last]];
    int next = -1;
    for (int k = 0; k < n; k++) {
      if (reached[k]) continue;
      const double *to = x[system.local[k]];
      double d[3] = {to[0] - from[0], to[1] - from[1], to[2] - from[2]};
      domain->minimum_image(FLERR, d);
      const double rsq = d[0] * d[0] + d[1] * d[1] + d[2] * d[2];
      if (rsq < distance[k]) {
        distance[k] = rsq;
        system.bridge[k] = last;
      }
      // not less than: a position that is not finite must not end the walk
      if (next < 0 || distance[k] < distance[next]) next = k;
    }
    last = next;
  }
}

/* ----------------------------------------------------------------------
   positions of a system as one piece; it must be smaller than half of a
   periodic box, where the nearest image stops being the right one
------------------------------------------------------------------------- */

void PairXTB::unwrap(XTBSystem &system)
{
  double **x = atom->x;
  for (const int k : system.walk) {
    const double *to = x[system.local[k]];
    if (k == system.walk.front()) {
      for (int a = 0; a < 3; a++) system.x[3 * k + a] = to[a];
      continue;
    }
    const int b = system.bridge[k];
    const double *from = x[system.local[b]];
    double d[3] = {to[0] - from[0], to[1] - from[1], to[2] - from[2]};
    domain->minimum_image(FLERR, d);
    for (int a = 0; a < 3; a++) system.x[3 * k + a] = system.x[3 * b + a] + d[a];
  }
  const int periodic[3] = {domain->xperiodic, domain->yperiodic, domain->zperiodic};
  if (!domain->nonperiodic || periodic[0] || periodic[1] || periodic[2]) {
    double lo[3], hi[3];
    for (int k = 0; k < (int) system.local.size(); k++) {
      double lamda[3];
      domain->x2lamda(&system.x[3 * k], lamda);
      for (int a = 0; a < 3; a++) {
        lo[a] = k ? std::min(lo[a], lamda[a]) : lamda[a];
        hi[a] = k ? std::max(hi[a], lamda[a]) : lamda[a];
      }
    }
    for (int a = 0; a < 3; a++)
      if (periodic[a] && hi[a] - lo[a] > 0.5)
        throw mlff::XtbError(
            fmt::format("it takes {:.3g} of the periodic box along {}, at most half of it is "
                        "accepted; use a larger box or 'boundary f f f'",
                        hi[a] - lo[a], "xyz"[a]));
  }
}

/* ---------------------------------------------------------------------- */

void PairXTB::allocate()
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

void PairXTB::settings(int narg, char **arg)
{
  mlff::XtbOptions options;
  bool each_molecule = false;

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
      options.charge = utils::inumeric(FLERR, value, false, lmp);
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
  impl->systems.clear();
}

/* ----------------------------------------------------------------------
   pair_coeff * * element of type 1, element of type 2, ...
------------------------------------------------------------------------- */

void PairXTB::coeff(int narg, char **arg)
{
  if (!allocated) allocate();
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
      error->all(FLERR, 1 + t,
                 "'{}' of atom type {} is no element; accepted by pair style xtb: symbols of the "
                 "elements H to Rn, NULL",
                 word, t);
  }
  int count = 0;
  for (int i = 1; i <= ntypes; i++)
    for (int j = i; j <= ntypes; j++) {
      setflag[i][j] = (map[i] > 0 && map[j] > 0) ? 1 : 0;
      count += setflag[i][j];
    }
  if (count == 0) error->all(FLERR, "Pair_coeff of pair style xtb maps every atom type to NULL");
  impl->systems.clear();
}

/* ----------------------------------------------------------------------
   init specific to this pair style
------------------------------------------------------------------------- */

void PairXTB::init_style()
{
  if (strcmp(update->unit_style, "metal") == 0)
    escale = 1.0;
  else if (strcmp(update->unit_style, "real") == 0)
    escale = utils::get_conversion_factor(utils::ENERGY, utils::METAL2REAL);
  else
    error->all(FLERR, Error::NOLASTLINE, "Pair style xtb has no units '{}'; accepted: metal, real",
               update->unit_style);
  if (comm->nprocs > 1)
    error->all(FLERR, Error::NOLASTLINE,
               "Pair style xtb runs on one MPI rank per partition, found {}; use threads "
               "(OMP_NUM_THREADS) or -partition",
               comm->nprocs);
  if (!atom->tag_enable) error->all(FLERR, Error::NOLASTLINE, "Pair style xtb requires atom IDs");
  if (impl->each_molecule && !atom->molecule_flag)
    error->all(FLERR, Error::NOLASTLINE,
               "Pair style xtb system molecule requires an atom style with molecule IDs");
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

/* ---------------------------------------------------------------------- */

void PairXTB::write_restart(FILE *fp)
{
  write_restart_settings(fp);
  for (int t = 1; t <= atom->ntypes; t++) fwrite(&map[t], sizeof(int), 1, fp);
}

/* ---------------------------------------------------------------------- */

void PairXTB::read_restart(FILE *fp)
{
  read_restart_settings(fp);
  if (!allocated) allocate();
  const int ntypes = atom->ntypes;
  if (comm->me == 0) utils::sfread(FLERR, &map[1], sizeof(int), ntypes, fp, nullptr, error);
  MPI_Bcast(&map[1], ntypes, MPI_INT, 0, world);
  for (int i = 1; i <= ntypes; i++)
    for (int j = i; j <= ntypes; j++) setflag[i][j] = (map[i] > 0 && map[j] > 0) ? 1 : 0;
}

/* ---------------------------------------------------------------------- */

void PairXTB::write_restart_settings(FILE *fp)
{
  const auto &o = impl->options;
  const double values[7] = {(double) o.method,
                            (double) o.charge,
                            (double) o.uhf,
                            o.accuracy,
                            o.electronic_temperature,
                            (double) o.max_iterations,
                            impl->each_molecule ? 1.0 : 0.0};
  fwrite(values, sizeof(double), 7, fp);
}

/* ---------------------------------------------------------------------- */

void PairXTB::read_restart_settings(FILE *fp)
{
  double values[7];
  if (comm->me == 0) utils::sfread(FLERR, values, sizeof(double), 7, fp, nullptr, error);
  MPI_Bcast(values, 7, MPI_DOUBLE, 0, world);
  auto &o = impl->options;
  o.method = (mlff::XtbMethod)(int) values[0];
  o.charge = (int) values[1];
  o.uhf = (int) values[2];
  o.accuracy = values[3];
  o.electronic_temperature = values[4];
  o.max_iterations = (int) values[5];
  impl->each_molecule = values[6] != 0.0;
  impl->systems.clear();
}

/* ----------------------------------------------------------------------
   what the library cost, after the timing output of a run
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

  // for fixes that try positions out: NaN instead of an error; whether molecules do not interact

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
