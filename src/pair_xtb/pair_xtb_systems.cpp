// The systems of pair style xtb: which atoms each has, its charge, its calculator and its
// positions.
#include "pair_xtb.h"

#include "atom.h"
#include "domain.h"
#include "error.h"
#include "update.h"

#include "lammps_common/neighbor_exclusions.h"
#include "pair_xtb/xtb_impl.h"
#include "structure/bonds.h"

#include <algorithm>
#include <cmath>
#include <map>

using namespace LAMMPS_NS;

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
   true where a molecule has another shape in the second set of unwrapped
   positions: a move as a whole does not count
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
   a calculator must be that of the system as it is now. A charge may have
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
   the entry of a restart file for a system of the same atoms, once
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
    system.walk.add(domain, atom->x, system.local, 0, (int) n);
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
   translations of the periodic box by which atoms could see their images
------------------------------------------------------------------------- */

void PairXTB::find_images()
{
  const double *h = domain->h;
  std::vector<mlff::Vector3> edges;
  if (domain->xperiodic) edges.push_back({h[0], 0.0, 0.0});
  if (domain->yperiodic) edges.push_back({h[5], h[1], 0.0});
  if (domain->zperiodic) edges.push_back({h[4], h[3], h[2]});
  impl->images = mlff::nearest_translations(edges);
}

/* ----------------------------------------------------------------------
   positions of a system as one piece; all its atoms must be nearer to each
   other than to images, where the nearest image stops being the right one
------------------------------------------------------------------------- */

void PairXTB::unwrap(XTBSystem &system)
{
  system.walk.unwrap(domain, atom->x, system.local, system.x);
  for (const auto &image : impl->images) {
    const double range = mlff::range_along(system.x, image);
    const double length = std::hypot(image[0], image[1], image[2]);
    if (range <= 0.5 * length * length) continue;
    int axes = 0, axis = 0;
    for (int a = 0; a < 3; a++)
      if (image[a] != 0.0) {
        axes++;
        axis = a;
      }
    throw mlff::XtbError(fmt::format(
        "it takes {:.4g} of the {:.4g} Angstrom of the periodic box along {}, at most "
        "half of them is accepted; use a larger box or 'boundary f f f'",
        range / length, length,
        axes == 1
            ? std::string(1, "xyz"[axis])
            : fmt::format("its translation ({:.4g} {:.4g} {:.4g})", image[0], image[1], image[2])));
  }
}
