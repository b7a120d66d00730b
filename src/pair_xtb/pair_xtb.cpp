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

#include "core/elements.h"
#include "lammps_common/neighbor_exclusions.h"
#include "teacher/xtb_calculator.h"

#include <algorithm>
#include <array>
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
  std::vector<double> x_seen;    // positions of the last evaluation, whatever came of it
  double energy = 0.0;
  std::unique_ptr<mlff::XtbCalculator> calculator;
};

// what a restart file says of a system: GFN-FF keeps the bonds and parameters that it found in the
// positions of its first step

struct XTBRestart {
  tagint molecule = 0;
  std::vector<tagint> tags;
  std::vector<int> numbers;
  std::vector<double> reference, x_seen;
};

// where the charge of a system comes from

enum class XTBCharge { none_given, given, atoms };

// with a communication cutoff of 0 LAMMPS warns of lost atoms whenever the box changes

static constexpr double ghost_cutoff = 0.1;

struct XTBImpl {
  mlff::XtbOptions options;
  bool each_molecule = false;
  XTBCharge charge = XTBCharge::none_given;
  std::vector<XTBSystem> systems;
  std::vector<int> type;    // of each atom, when the systems were found
  std::vector<XTBRestart> restart;
  std::vector<std::array<double, 3>> images;    // shortest translations of the periodic box
  bool warned_charge = false;                   // in this run
};

}    // namespace LAMMPS_NS

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
  const auto &known = impl->type;
  if (neighbor->ago == 0 || impl->systems.empty() || (int) known.size() != atom->nlocal ||
      !std::equal(known.begin(), known.end(), atom->type))
    find_systems();

  find_images();

  calls = retries = seconds = 0.0;
  for (auto &system : impl->systems) {
    double energy = 0.0;
    try {
      unwrap(system);
      if (!system.calculator || update->setupflag) prepare(system);

      // what did not move is not calculated again

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
  error->one(FLERR, "Pair style xtb on timestep {}, {}: {}", update->ntimestep, name_of(system),
             why);
}

/* ---------------------------------------------------------------------- */

std::string PairXTB::name_of(const XTBSystem &system) const
{
  return fmt::format("{} of {} atoms (IDs {} to {})",
                     system.molecule ? fmt::format("molecule {}", system.molecule)
                                     : std::string("the system"),
                     system.tags.size(), system.tags.front(), system.tags.back());
}

/* ----------------------------------------------------------------------
   whether a molecule has changed its shape from one set of unwrapped
   positions to another: a move as a whole does not count
------------------------------------------------------------------------- */

static bool reshaped(const std::vector<double> &from, const std::vector<double> &to)
{
  if (from.size() != to.size()) return true;
  for (std::size_t k = 3; k < to.size(); k++)
    if (!(std::fabs((to[k] - to[k % 3]) - (from[k] - from[k % 3])) < 1.0e-6)) return true;
  return false;
}

/* ----------------------------------------------------------------------
   at the start of a run, for each frame of a rerun, and for new systems:
   what is remembered of a system must be what it is now. A charge may have
   changed, and atoms may have been put elsewhere by other commands. Bonds
   that break in dynamics are no such change: the run after starts where
   the run before ended.
------------------------------------------------------------------------- */

void PairXTB::prepare(XTBSystem &system)
{
  const int charge = charge_of(system);
  auto &calculator = system.calculator;
  if (calculator && calculator->options().charge != charge) {
    calculator.reset();
    system.x_done.clear();
  }

  std::vector<int> numbers;
  for (const int i : system.local) numbers.push_back(map[atom->type[i]]);
  if (!calculator) {
    auto options = impl->options;
    options.charge = charge;
    const auto before = take_restart(system, numbers);
    calculator = std::make_unique<mlff::XtbCalculator>(
        options, numbers, before.reference.empty() ? system.x : before.reference);
    system.x_seen = before.x_seen;
  }

  // a fix that tries positions out goes back to the right ones

  if (impl->options.method != mlff::XtbMethod::gfnff || nan_on_failure || system.x_seen.empty() ||
      !reshaped(system.x_seen, system.x))
    return;
  const std::vector<long> ids(system.tags.begin(), system.tags.end());
  const std::string changes = mlff::bond_changes(calculator->bonds(), numbers, system.x, ids);
  if (changes.empty()) return;
  error->warning(FLERR,
                 "Pair style xtb on timestep {}, {}: atoms were moved since the last force "
                 "evaluation, and their bonds are not those of GFN-FF any more ({}); it is set up "
                 "anew from the present positions",
                 update->ntimestep, name_of(system), changes);
  auto made = std::make_unique<mlff::XtbCalculator>(calculator->options(), numbers, system.x);
  made->calls = calculator->calls;
  made->seconds = calculator->seconds;
  calculator = std::move(made);
  system.x_done.clear();
}

/* ----------------------------------------------------------------------
   charge of a system. The charges of its atoms, where the atom style has
   some that are not 0, must agree with it.
------------------------------------------------------------------------- */

int PairXTB::charge_of(const XTBSystem &system)
{
  const int charge = impl->options.charge;
  if (!atom->q_flag) return charge;
  double sum = 0.0;
  bool any = false;
  for (const int i : system.local) {
    sum += atom->q[i];
    if (atom->q[i] != 0.0) any = true;
  }
  const double whole = std::round(sum);
  if (impl->charge == XTBCharge::atoms) {
    if (!(std::fabs(sum - whole) < 0.05))
      fail(system,
           fmt::format("the charges of its atoms sum to {:.4g}; pair_style xtb charge atoms takes "
                       "whole numbers",
                       sum));
    return (int) whole;
  }
  if (!any || whole == charge) return charge;
  if (impl->charge == XTBCharge::none_given)
    fail(system,
         fmt::format("the charges of its atoms sum to {:.4g}, and pair_style xtb uses charge 0 "
                     "where none is given; use 'charge atoms', 'charge {:.0f}' or 'charge 0'",
                     sum, whole));
  if (!impl->warned_charge)
    error->warning(FLERR,
                   "Pair style xtb uses charge {} for {}, the charges of its atoms sum to {:.4g}",
                   charge, name_of(system), sum);
  impl->warned_charge = true;
  return charge;
}

/* ----------------------------------------------------------------------
   what a restart file says of a system of the same atoms, once
------------------------------------------------------------------------- */

XTBRestart PairXTB::take_restart(const XTBSystem &system, const std::vector<int> &numbers)
{
  for (auto one = impl->restart.begin(); one != impl->restart.end(); ++one)
    if (one->molecule == system.molecule && one->tags == system.tags && one->numbers == numbers) {
      XTBRestart found = std::move(*one);
      impl->restart.erase(one);
      return found;
    }
  return {};
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
    system.x_seen = std::move(old->second->x_seen);
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
   translations of the periodic box whose midplanes bound the space that is
   nearest to a point: sums of vectors that are as short as possible
------------------------------------------------------------------------- */

void PairXTB::find_images()
{
  using Vector = std::array<double, 3>;
  const auto dot = [](const Vector &a, const Vector &b) {
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
  };
  const auto sum = [](const Vector &a, double factor, const Vector &b) {
    return Vector{a[0] + factor * b[0], a[1] + factor * b[1], a[2] + factor * b[2]};
  };
  const double *h = domain->h;
  std::vector<Vector> edges;
  if (domain->xperiodic) edges.push_back({h[0], 0.0, 0.0});
  if (domain->yperiodic) edges.push_back({h[5], h[1], 0.0});
  if (domain->zperiodic) edges.push_back({h[4], h[3], h[2]});
  const int n = (int) edges.size();

  // a vector is replaced by its sum with multiples of the others while that is shorter

  bool shorter = n > 1;
  while (shorter) {
    shorter = false;
    const auto replace = [&](Vector &old, const Vector &by) {
      if (!(dot(by, by) < dot(old, old) * (1.0 - 1.0e-12))) return;
      old = by;
      shorter = true;
    };
    for (int i = 0; i < n; i++)
      for (int j = 0; j < n; j++)
        if (i != j)
          replace(edges[i],
                  sum(edges[i], -std::round(dot(edges[i], edges[j]) / dot(edges[j], edges[j])),
                      edges[j]));
    if (n == 3)
      for (int i = 0; i < n; i++)
        for (const double one : {-1.0, 1.0})
          for (const double other : {-1.0, 1.0})
            replace(edges[i],
                    sum(sum(edges[i], one, edges[(i + 1) % 3]), other, edges[(i + 2) % 3]));
  }

  // of each vector and its opposite one

  impl->images.clear();
  const int count = n == 3 ? 27 : n == 2 ? 9 : n == 1 ? 3 : 1;
  for (int number = 0; number < count / 2; number++) {
    Vector image{0.0, 0.0, 0.0};
    for (int i = 0, rest = number; i < n; i++, rest /= 3)
      image = sum(image, rest % 3 - 1, edges[i]);
    impl->images.push_back(image);
  }
  std::sort(impl->images.begin(), impl->images.end(), [&](const Vector &a, const Vector &b) {
    return dot(a, a) < dot(b, b);
  });
}

/* ----------------------------------------------------------------------
   positions of a system as one piece; all its atoms must be nearer to each
   other than to images, where the nearest image stops being the right one
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
  for (const auto &image : impl->images) {
    double lo = HUGE_VAL, hi = -HUGE_VAL;
    for (std::size_t k = 0; k < system.x.size(); k += 3) {
      const double along =
          system.x[k] * image[0] + system.x[k + 1] * image[1] + system.x[k + 2] * image[2];
      lo = std::min(lo, along);
      hi = std::max(hi, along);
    }
    const double length = std::hypot(image[0], image[1], image[2]);
    if (hi - lo <= 0.5 * length * length) continue;
    int axes = 0, axis = 0;
    for (int a = 0; a < 3; a++)
      if (image[a] != 0.0) {
        axes++;
        axis = a;
      }
    throw mlff::XtbError(fmt::format(
        "it takes {:.4g} of the {:.4g} Angstrom of the periodic box along {}, at most "
        "half of them is accepted; use a larger box or 'boundary f f f'",
        (hi - lo) / length, length,
        axes == 1
            ? std::string(1, "xyz"[axis])
            : fmt::format("its translation ({:.4g} {:.4g} {:.4g})", image[0], image[1], image[2])));
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

// bits of the last setting in restart files; older files have the first alone

enum { EACH_MOLECULE = 1, CHARGE_GIVEN = 2, CHARGE_ATOMS = 4, REFERENCES = 8 };

/* ---------------------------------------------------------------------- */

void PairXTB::write_restart_settings(FILE *fp)
{
  const auto &o = impl->options;
  int flags = 0;
  if (impl->each_molecule) flags |= EACH_MOLECULE;
  if (impl->charge == XTBCharge::given) flags |= CHARGE_GIVEN;
  if (impl->charge == XTBCharge::atoms) flags |= CHARGE_ATOMS;
  if (o.method == mlff::XtbMethod::gfnff) flags |= REFERENCES;
  const double values[7] = {(double) o.method, (double) o.charge,        (double) o.uhf,
                            o.accuracy,        o.electronic_temperature, (double) o.max_iterations,
                            (double) flags};
  fwrite(values, sizeof(double), 7, fp);
  if (flags & REFERENCES) write_references(fp);
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
  const int flags = (int) values[6];
  impl->each_molecule = flags & EACH_MOLECULE;
  impl->charge = (flags & CHARGE_ATOMS) ? XTBCharge::atoms
      : (flags & CHARGE_GIVEN)          ? XTBCharge::given
                                        : XTBCharge::none_given;
  impl->systems.clear();
  impl->restart.clear();
  if (flags & REFERENCES) read_references(fp);
}

/* ----------------------------------------------------------------------
   the positions that GFN-FF took its bonds and parameters from
------------------------------------------------------------------------- */

void PairXTB::write_references(FILE *fp)
{
  std::vector<bigint> integers;
  std::vector<double> reals;
  bigint count = 0;
  const auto add = [&](tagint molecule, const std::vector<tagint> &tags,
                       const std::vector<int> &numbers, const std::vector<double> &reference,
                       const std::vector<double> &seen) {
    count++;
    integers.push_back(molecule);
    integers.push_back((bigint) tags.size());
    integers.insert(integers.end(), tags.begin(), tags.end());
    integers.insert(integers.end(), numbers.begin(), numbers.end());
    reals.insert(reals.end(), reference.begin(), reference.end());
    reals.insert(reals.end(), seen.begin(), seen.end());
  };
  for (const auto &system : impl->systems)
    if (system.calculator && !system.x_seen.empty())
      add(system.molecule, system.tags, system.calculator->numbers(),
          system.calculator->reference(), system.x_seen);

  // read, and not used yet

  if (count == 0)
    for (const auto &one : impl->restart)
      add(one.molecule, one.tags, one.numbers, one.reference, one.x_seen);
  const bigint sizes[3] = {count, (bigint) integers.size(), (bigint) reals.size()};
  fwrite(sizes, sizeof(bigint), 3, fp);
  fwrite(integers.data(), sizeof(bigint), integers.size(), fp);
  fwrite(reals.data(), sizeof(double), reals.size(), fp);
}

/* ---------------------------------------------------------------------- */

void PairXTB::read_references(FILE *fp)
{
  bigint sizes[3];
  if (comm->me == 0) utils::sfread(FLERR, sizes, sizeof(bigint), 3, fp, nullptr, error);
  MPI_Bcast(sizes, 3, MPI_LMP_BIGINT, 0, world);
  std::vector<bigint> integers(sizes[1]);
  std::vector<double> reals(sizes[2]);
  if (comm->me == 0) {
    if (!integers.empty())
      utils::sfread(FLERR, integers.data(), sizeof(bigint), integers.size(), fp, nullptr, error);
    if (!reals.empty())
      utils::sfread(FLERR, reals.data(), sizeof(double), reals.size(), fp, nullptr, error);
  }
  MPI_Bcast(integers.data(), (int) sizes[1], MPI_LMP_BIGINT, 0, world);
  MPI_Bcast(reals.data(), (int) sizes[2], MPI_DOUBLE, 0, world);
  const bigint *integer = integers.data();
  const double *real = reals.data();
  for (bigint k = 0; k < sizes[0]; k++) {
    XTBRestart one;
    one.molecule = (tagint) *integer++;
    const bigint n = *integer++;
    for (bigint i = 0; i < n; i++) one.tags.push_back((tagint) *integer++);
    for (bigint i = 0; i < n; i++) one.numbers.push_back((int) *integer++);
    one.reference.assign(real, real + 3 * n);
    one.x_seen.assign(real + 3 * n, real + 6 * n);
    real += 6 * n;
    impl->restart.push_back(std::move(one));
  }
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
