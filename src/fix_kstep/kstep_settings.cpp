/* ----------------------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#include "fix_kstep/kstep_settings.h"

#include "atom.h"
#include "citeme.h"
#include "comm.h"
#include "error.h"
#include "update.h"

#include "core/elements.h"
#include "lammps_common/engine_keywords.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace LAMMPS_NS;

/* ---------------------------------------------------------------------- */

KstepSettings::KstepSettings(LAMMPS *lmp, int narg, char **arg) :
    Pointers(lmp), replicas(new ReplicaGroup(lmp, "Fix kstep/hybrid"))
{
  const int ntypes = atom->ntypes;
  if (narg < 4 + ntypes) utils::missing_cmd_args(FLERR, "fix kstep/hybrid", error);
  read_potential(arg[3]);
  read_keywords(narg, arg, 4 + ntypes);
  read_species(arg);
  check();
}

/* ----------------------------------------------------------------------
   the path given, the folders of LAMMPS_POTENTIALS, the potentials that
   came with this build
------------------------------------------------------------------------- */

void KstepSettings::read_potential(const char *word)
{
  file = word;
  std::string path = utils::get_potential_file_path(file);
  if (path.empty()) {
    const std::string shipped = platform::path_join(MLFF_POTENTIALS, file);
    if (platform::file_is_readable(shipped)) path = shipped;
  }
  if (path.empty())
    error->all(FLERR, 3,
               "Cannot open potential file '{}' of fix kstep/hybrid: it is neither there, nor in "
               "the folders of LAMMPS_POTENTIALS, nor in {}",
               file, MLFF_POTENTIALS);
  try {
    potential = mlff::Potential::read(path);
  } catch (mlff::PotentialError &e) {
    error->all(FLERR, 3, "Fix kstep/hybrid: {}", e.what());
  }
  if (comm->me == 0)
    utils::logmesg(lmp, "Reading mlff potential file {} with DATE: {}\n", file, potential.date);
  if (lmp->citeme && !potential.citation.empty())
    lmp->citeme->add("fix kstep/hybrid, potential " + potential.sha256.substr(0, 12) + ": " +
                     potential.citation + "\n\n");
}

/* ----------------------------------------------------------------------
   one word for each atom type: an element, a class of its atoms, or NULL
------------------------------------------------------------------------- */

void KstepSettings::read_species(char **arg)
{
  std::vector<std::string> known;
  for (int s = 0; s < potential.n_species(); s++) {
    known.push_back(mlff::element_symbol(potential.elements[s]));
    if (!potential.jump.species.empty()) known.push_back(potential.jump.species[s].name);
  }
  words.assign(atom->ntypes + 1, "");
  for (int t = 1; t <= atom->ntypes; t++) {
    const std::string word = arg[3 + t];
    if (word == "NULL") continue;
    if (std::find(known.begin(), known.end(), word) == known.end())
      error->all(FLERR, 3 + t,
                 "Species '{}' of atom type {} is not in potential file '{}'; accepted: {}, NULL",
                 word, t, file, potential.element_names());
    words[t] = word;
  }
}

/* ---------------------------------------------------------------------- */

double KstepSettings::limit(char **arg, int iarg)
{
  if (strcmp(arg[iarg], "off") == 0) return mlff::KstepLimits::off;
  const double value = utils::numeric(FLERR, arg[iarg], false, lmp);
  if (!(value > 0.0))
    error->all(FLERR, iarg, "Fix kstep/hybrid limit {} is {}; accepted: above 0, off",
               arg[iarg - 1], arg[iarg]);
  return value;
}

/* ---------------------------------------------------------------------- */

void KstepSettings::read_keywords(int narg, char **arg, int iarg)
{
  bool metropolis_given = false, limits_given = false;
  const auto need = [&](int n) {
    if (iarg + n >= narg)
      utils::missing_cmd_args(FLERR, std::string("fix kstep/hybrid ") + arg[iarg], error);
  };
  const auto choose = [&](const std::vector<std::string> &accepted) {
    const auto found = std::find(accepted.begin(), accepted.end(), arg[iarg + 1]);
    if (found == accepted.end()) {
      std::string list;
      for (const auto &word : accepted) list += (list.empty() ? "" : ", ") + word;
      error->all(FLERR, iarg + 1, "Unknown fix kstep/hybrid {} '{}'; accepted: {}", arg[iarg],
                 arg[iarg + 1], list);
    }
    return (int) (found - accepted.begin());
  };
  const auto positive = [&](int at, const char *what) {
    const double value = utils::numeric(FLERR, arg[at], false, lmp);
    if (!(value > 0.0))
      error->all(FLERR, at, "Fix kstep/hybrid {} is {}; accepted: above 0", what, arg[at]);
    return value;
  };

  while (iarg < narg) {
    const std::string word = arg[iarg];
    need(1);
    int used = 2;
    if (word == "jump") {
      need(3);
      student = choose({"network", "student"}) == 1;
      k = utils::inumeric(FLERR, arg[iarg + 2], false, lmp);
      if (k < 1)
        error->all(FLERR, iarg + 2, "Fix kstep/hybrid jump has {} steps; accepted: 1 or more", k);
      dt = positive(iarg + 3, "time step of a jump");
      used = 4;
    } else if (word == "corrector") {
      corrector = utils::inumeric(FLERR, arg[iarg + 1], false, lmp);
      if (corrector < 0)
        error->all(FLERR, iarg + 1, "Fix kstep/hybrid corrector is {}; accepted: 0 or more steps",
                   corrector);
      fraction = -1.0;
    } else if (word == "fraction") {
      fraction = utils::numeric(FLERR, arg[iarg + 1], false, lmp);
      if (!(fraction >= 0.0 && fraction <= 10.0))
        error->all(FLERR, iarg + 1,
                   "Fix kstep/hybrid fraction is {}; accepted: 0 to 10 of the steps of a jump",
                   arg[iarg + 1]);
      corrector = -1;
    } else if (word == "limits") {
      limits_given = true;
      limits = choose({"ours", "published"}) == 1 ? mlff::KstepLimits::published()
                                                  : mlff::KstepLimits::ours();
    } else if (word == "range") {
      limits.range = limit(arg, iarg + 1);
    } else if (word == "strain") {
      const double strain = limit(arg, iarg + 1);
      limits.stretch = limits.squeeze = 1.0 + strain;
    } else if (word == "rise") {
      limits.rise = limit(arg, iarg + 1);
      if (std::isfinite(limits.rise))
        limits.rise /= utils::strmatch(update->unit_style, "^real")
            ? utils::get_conversion_factor(utils::ENERGY, utils::METAL2REAL)
            : 1.0;
      limits.surge = mlff::KstepLimits::off;
    } else if (word == "kinetic") {
      limits.kinetic = limit(arg, iarg + 1);
    } else if (word == "drift") {
      limits.drift = limit(arg, iarg + 1);
    } else if (word == "conserve") {
      conserve = utils::logical(FLERR, arg[iarg + 1], false, lmp);
    } else if (word == "langevin") {
      need(3);
      temperature = positive(iarg + 1, "temperature");
      damp = positive(iarg + 2, "damping time");
      seed = utils::inumeric(FLERR, arg[iarg + 3], false, lmp);
      if (seed <= 0)
        error->all(FLERR, iarg + 3, "Fix kstep/hybrid seed is {}; accepted: above 0", seed);
      used = 4;
    } else if (word == "temp") {
      limit_temperature = positive(iarg + 1, "temperature");
    } else if (word == "metropolis") {
      metropolis = utils::logical(FLERR, arg[iarg + 1], false, lmp);
      metropolis_given = true;
    } else if (word == "fallback") {
      fallback = choose({"full", "off"}) == 0;
    } else if (word == "attempts") {
      attempts = utils::inumeric(FLERR, arg[iarg + 1], false, lmp);
      if (attempts < 1)
        error->all(FLERR, iarg + 1, "Fix kstep/hybrid attempts is {}; accepted: 1 or more",
                   attempts);
    } else if (word == "scale") {
      scale = positive(iarg + 1, "scale");
      if (scale > 1.0)
        error->all(FLERR, iarg + 1, "Fix kstep/hybrid scale is {}; accepted: above 0, at most 1",
                   arg[iarg + 1]);
    } else if (word == "tune") {
      tune = utils::logical(FLERR, arg[iarg + 1], false, lmp);
    } else if (ReplicaGroup::knows(word)) {
      replicas->set(word, arg[iarg + 1], iarg + 1);
    } else if (word == "timing") {
      timing = utils::logical(FLERR, arg[iarg + 1], false, lmp);
    } else if (word == "control") {
      const int which = choose({"none", "corrector", "zero", "ballistic", "verlet", "linear"});
      control.reset();
      only_corrector = which == 1;
      if (which > 1)
        control = std::vector{mlff::JumpControl::zero, mlff::JumpControl::ballistic,
                              mlff::JumpControl::verlet, mlff::JumpControl::linear}[which - 2];
    } else if (mlff::EngineOptions::knows(word)) {
      set_engine_keyword(lmp, options, "Fix kstep/hybrid", "fix kstep/hybrid", word, arg[iarg + 1],
                         iarg + 1);
    } else
      error->all(FLERR, iarg,
                 "Unknown fix kstep/hybrid keyword '{}'; accepted: jump, corrector, fraction, "
                 "limits, range, strain, rise, kinetic, drift, conserve, langevin, temp, "
                 "metropolis, fallback, attempts, scale, tune, timing, control, {}, batch, wait, "
                 "memory",
                 word, mlff::EngineOptions::word_list());
    iarg += used;
  }
  if (!metropolis_given) metropolis = student;
  if (metropolis && limits_given)
    error->all(FLERR,
               "Fix kstep/hybrid limits do not go with metropolis yes, which accepts or rejects "
               "by the energy alone");
}

/* ----------------------------------------------------------------------
   keywords that exclude each other, and the model
------------------------------------------------------------------------- */

void KstepSettings::check()
{
  if (student && potential.is_jump())
    error->all(
        FLERR, 3,
        "Fix kstep/hybrid jump student takes a potential with energies, but '{}' is the jump "
        "network {}; use jump network",
        file, potential.model);
  if (!student && !potential.is_jump())
    error->all(FLERR, 3,
               "Fix kstep/hybrid jump network takes a jump network, but '{}' is the potential {}; "
               "use jump student",
               file, potential.model);
  if (student && k == 0)
    error->all(FLERR, "Fix kstep/hybrid jump student needs its steps: jump student k dt");
  if ((control || only_corrector) && student)
    error->all(FLERR, "Fix kstep/hybrid control takes the place of a network, not of a student");
  if (metropolis && !student)
    error->all(FLERR,
               "Fix kstep/hybrid metropolis yes is exact only for jump student: a network is "
               "neither reversible nor does it keep volumes in phase space");
  if (tune && !timing) error->all(FLERR, "Fix kstep/hybrid tune yes needs timing yes");
  if (tune && only_corrector)
    error->all(FLERR, "Fix kstep/hybrid tune yes needs jumps, control corrector has none");
  if (metropolis && attempts > 1)
    error->all(FLERR, "Fix kstep/hybrid attempts above 1 do not go with metropolis yes");

  const auto defects = mlff::jump_defects(potential);
  if (!defects.empty())
    error->all(FLERR, 3,
               "Fix kstep/hybrid: network '{}' is the published form of {}, which breaks the "
               "symmetry of {}; train its corrected form",
               file, potential.model, defects.front());

  bool any = false;
  for (const auto &word : words) any = any || !word.empty();
  if (!any) error->all(FLERR, "Fix kstep/hybrid maps every atom type to NULL");
}
