// Other fixes that can run beside jumps, their energies and temperatures.
#include "fix_kstep/kstep_fixes.h"

#include "atom.h"
#include "error.h"
#include "exceptions.h"
#include "fix.h"
#include "modify.h"
#include "update.h"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

using namespace LAMMPS_NS;

using Styles = std::vector<std::string>;

static bool is_one_of(Fix *other, const Styles &styles)
{
  return std::any_of(styles.begin(), styles.end(), [&](const std::string &style) {
    return utils::strmatch(other->style, style);
  });
}

// styles that do not go with jumps, and why

static const std::vector<std::pair<std::string, Styles>> refused = {
    {"it changes the time step during a run", {"^dt/reset"}},
    {"it changes parameters of the force or of atoms during a run, and the energy before a jump "
     "would be that of others",
     {"^adapt", "^set$", "^alchemy"}},
    {"it adds, removes or exchanges atoms or bonds during a run",
     {"^deposit", "^evaporate", "^pour", "^append/atoms", "^gcmc", "^gemc", "^widom", "^atom/swap",
      "^mol/swap", "^neighbor/swap", "^sgcmc", "^charge/regulation", "^bond/break", "^bond/create",
      "^bond/swap", "^bond/react"}},
    {"it takes steps of LAMMPS for time, but a jump is one step", {"^EVENT/", "^hyper/"}},
    {"it moves atoms or turns velocities round on its own", {"^wall/reflect", "^oneway", "^move"}},
    {"it remembers what it saw, and sees where jumps land that are then rejected",
     {"^colvars", "^plumed", "^pafi"}}};

// styles that LAMMPS calls after the forces, and that read only

static const Styles readers = {"^store/", "^pair$", "^numdiff", "^ave/"};

// forces that act on the atoms of the group of the fix, and on no others

static const Styles group_forces = {"^addforce",   "^aveforce", "^drag",        "^efield",
                                    "^enforce2d",  "^freeze",   "^gravity",     "^lineforce",
                                    "^planeforce", "^setforce", "^spring/self", "^viscous"};

/* ----------------------------------------------------------------------
   Fixes addforce and efield whose forces are variables, without a variable
   for the energy. Minimizers need the energy, too: so the fix is asked to
   begin a minimization, and LAMMPS' error is the answer. Other errors come
   again when the run begins.
------------------------------------------------------------------------- */

bool KstepFixes::without_energy(Fix *other) const
{
  if (!is_one_of(other, {"^addforce", "^efield"})) return false;
  const int whichflag = update->whichflag;
  const int shown = error->set_show_error(0);
  bool refused = false;
  update->whichflag = 2;
  try {
    other->init();
  } catch (const LAMMPSException &answer) {
    refused = utils::strmatch(answer.what(), "Must use variable energy");
  }
  update->whichflag = whichflag;
  error->set_show_error(shown);
  return refused;
}

/* ---------------------------------------------------------------------- */

void KstepFixes::check(Kind kind) const
{
  for (Fix *other : fixes()) {
    if (other == fix) continue;
    if (utils::strmatch(other->style, "^shake") || utils::strmatch(other->style, "^rattle") ||
        utils::strmatch(other->style, "^rigid") || other->rigid_flag)
      error->all(FLERR, Error::NOLASTLINE,
                 "Fix kstep/hybrid does not work with constraints; found fix {} of style {}",
                 other->id, other->style);
    if (other->time_integrate)
      error->all(FLERR, Error::NOLASTLINE,
                 "Fix kstep/hybrid is a time integrator and wants to be the only one; found fix {} "
                 "of style {}",
                 other->id, other->style);
    if (utils::strmatch(other->style, "^langevin"))
      error->all(FLERR, Error::NOLASTLINE,
                 "Fix {} of style {} would put random forces into the input of jumps; use the "
                 "keyword langevin of fix kstep/hybrid",
                 other->id, other->style);
    const std::string why = reason(other, kind);
    if (!why.empty())
      error->all(FLERR, Error::NOLASTLINE,
                 "Fix kstep/hybrid does not work with fix {} of style {}: {}", other->id,
                 other->style, why);
  }
}

/* ----------------------------------------------------------------------
   why a fix may not be there; empty where it may
------------------------------------------------------------------------- */

std::string KstepFixes::reason(Fix *other, Kind kind) const
{
  for (const auto &[why, styles] : refused)
    if (is_one_of(other, styles)) return why;
  if (other->box_change & ~Fix::BOX_CHANGE_DOMAIN)
    return "it changes the box during a run, and the place before a jump would be in another one";
  if (kind == METROPOLIS && utils::strmatch(other->style, "^temp/rescale"))
    return "it does not say which temperature it keeps, which metropolis yes must know; use the "
           "keyword langevin";
  if (kind != CORRECTOR && utils::strmatch(other->style, "^recenter") && have_energies())
    return "it moves molecules through the field of fixes whose energy counts";
  return reason_of_force(other, kind);
}

/* ----------------------------------------------------------------------
   A jump does not see the force of another fix. It counts where its energy
   decides about the jump, and nowhere else.
------------------------------------------------------------------------- */

std::string KstepFixes::reason_of_force(Fix *other, Kind kind) const
{
  if (is_one_of(other, {"^setforce", "^freeze"}))
    return acts_on_us(other)
        ? "atoms that a force of 0 is to hold would jump; leave them out of the group of this fix"
        : "";
  if (kind == CORRECTOR) return "";
  if (!(modify->get_fix_mask(other) & FixConst::POST_FORCE) || is_one_of(other, readers)) return "";
  if (is_one_of(other, group_forces) && !acts_on_us(other)) return "";
  if (!other->energy_global_flag)
    return "it changes forces, which do not act in jumps, and has no energy that could decide "
           "about them; use control corrector";
  if (!counts(other))
    return fmt::format("its force does not act in jumps, and its energy is not counted; use "
                       "fix_modify {} energy yes",
                       other->id);
  if (kind == METROPOLIS && without_energy(other))
    return "its forces are variables, which have no energy without its keyword energy";
  if (kind == JUMPS)
    return "its force does not act in jumps, as the model does not know it; use jump student with "
           "metropolis yes, or control corrector";
  return "";
}

/* ----------------------------------------------------------------------
   forces that a program sets have the energy that it sets
------------------------------------------------------------------------- */

void KstepFixes::check_energies(Kind kind) const
{
  if (kind != METROPOLIS) return;
  for (Fix *other : fixes())
    if (is_one_of(other, {"^external"}) && counts(other) && acts_on_us(other) &&
        other->compute_scalar() == 0.0)
      error->all(FLERR, Error::NOLASTLINE,
                 "Fix kstep/hybrid does not work with fix {} of style {}: its energy is 0; the "
                 "program that sets its forces must set its energy, too",
                 other->id, other->style);
}

/* ----------------------------------------------------------------------
   a copy: LAMMPS makes its list anew whenever somebody asks for it
------------------------------------------------------------------------- */

std::vector<Fix *> KstepFixes::fixes() const
{
  return modify->get_fix_list();
}

/* ---------------------------------------------------------------------- */

bool KstepFixes::counts(Fix *other) const
{
  return other != fix && other->energy_global_flag && other->thermo_energy;
}

/* ---------------------------------------------------------------------- */

bool KstepFixes::acts_on_us(Fix *other) const
{
  for (int i = 0; i < atom->nlocal; i++)
    if ((atom->mask[i] & other->groupbit) && (atom->mask[i] & fix->groupbit)) return true;
  return false;
}

/* ---------------------------------------------------------------------- */

bool KstepFixes::have_energies() const
{
  const auto list = fixes();
  return std::any_of(list.begin(), list.end(), [this](Fix *other) {
    return counts(other);
  });
}

/* ---------------------------------------------------------------------- */

double KstepFixes::energy() const
{
  double sum = 0.0;
  for (Fix *other : fixes())
    if (counts(other)) sum += other->compute_scalar();
  return sum;
}

/* ---------------------------------------------------------------------- */

double KstepFixes::temperature(double langevin) const
{
  double found = langevin;
  std::string who = "langevin of fix kstep/hybrid";
  for (Fix *other : fixes()) {
    if (other == fix || !acts_on_us(other)) continue;
    int dim = -1;
    const auto target = (const double *) other->extract("t_target", dim);
    if (!target || dim != 0) continue;

    // a target that is a variable has no value before the first step

    if (!(*target > 1e-6 && *target < 1e9)) continue;
    if (found > 0.0 && !(std::abs(*target - found) <= 1e-9 * found))
      error->all(FLERR, Error::NOLASTLINE,
                 "Fix kstep/hybrid with metropolis yes needs one temperature: fix {} of style {} "
                 "keeps {:.6g} K, but {} {:.6g} K",
                 other->id, other->style, *target, who, found);
    found = *target;
    who = fmt::format("fix {} of style {}", other->id, other->style);
  }
  return found;
}
