// Reads and checks the words of the command fix kstep/hybrid.
#include "fix_kstep/kstep_settings.h"

#include "atom.h"
#include "error.h"

#include "core/elements.h"
#include "fix_kstep/kstep_keywords.h"
#include "lammps_common/potential_files.h"
#include "models/jump/jump_record.h"
#include "potential/model_kind.h"

#include <algorithm>

using namespace LAMMPS_NS;

/* ---------------------------------------------------------------------- */

KstepSettings::KstepSettings(LAMMPS *lmp, int narg, char **arg) :
    Pointers(lmp), replicas(new ReplicaGroup(lmp, "Fix kstep/hybrid"))
{
  const int ntypes = atom->ntypes;
  if (narg < 4 + ntypes) utils::missing_cmd_args(FLERR, "fix kstep/hybrid", error);
  file = arg[3];
  potential = read_potential_file(lmp, "fix kstep/hybrid", file, 3);
  announce_potential(lmp, "fix kstep/hybrid", file, potential);
  read_keywords(narg, arg, 4 + ntypes);
  read_species(arg);
  check();
}

/* ----------------------------------------------------------------------
   one word for each atom type: an element, a class of its atoms, or NULL
------------------------------------------------------------------------- */

void KstepSettings::read_species(char **arg)
{
  std::vector<std::string> accepted;
  for (int s = 0; s < potential.n_species(); s++) {
    accepted.push_back(mlff::element_symbol(potential.elements[s]));
    if (!mlff::jump_record(potential).species.empty())
      accepted.push_back(mlff::jump_record(potential).species[s].name);
  }
  words.assign(atom->ntypes + 1, "");
  for (int t = 1; t <= atom->ntypes; t++) {
    const std::string word = arg[3 + t];
    if (word == "NULL") continue;
    if (std::find(accepted.begin(), accepted.end(), word) == accepted.end())
      error->all(FLERR, 3 + t,
                 "Species '{}' of atom type {} is not in potential file '{}'; accepted: {}, NULL",
                 word, t, file, potential.element_names());
    words[t] = word;
  }
}

/* ---------------------------------------------------------------------- */

void KstepSettings::read_keywords(int narg, char **arg, int iarg)
{
  const auto &keywords = kstep_keywords();
  while (iarg < narg) {
    const std::string word = arg[iarg];
    const auto keyword =
        std::find_if(keywords.begin(), keywords.end(), [&](const KstepKeyword &one) {
          return word == one.name;
        });
    if (keyword == keywords.end()) {
      std::string list;
      for (const auto &one : keywords) list += (list.empty() ? "" : ", ") + one.name;
      error->all(FLERR, iarg, "Unknown fix kstep/hybrid keyword '{}'; accepted: {}", word, list);
    }
    const int n_values = (int) keyword->values.size();
    if (iarg + n_values >= narg) utils::missing_cmd_args(FLERR, "fix kstep/hybrid " + word, error);
    keyword->read(*this, KstepWords(lmp, *keyword, arg + iarg, iarg));
    iarg += 1 + n_values;
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
  if (student && potential.kind().gives_jumps)
    error->all(
        FLERR, 3,
        "Fix kstep/hybrid jump student takes a potential with energies, but '{}' is the jump "
        "network {}; use jump network",
        file, potential.model());
  if (!student && !potential.kind().gives_jumps)
    error->all(FLERR, 3,
               "Fix kstep/hybrid jump network takes a jump network, but '{}' is the potential {}; "
               "use jump student",
               file, potential.model());
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

  check_segments();

  const auto defects = mlff::jump_defects(potential);
  if (!defects.empty())
    error->all(FLERR, 3,
               "Fix kstep/hybrid: network '{}' is the published form of {}, which breaks the "
               "symmetry of {}; train its corrected form",
               file, potential.model(), defects.front());

  bool any = false;
  for (const auto &word : words) any = any || !word.empty();
  if (!any) error->all(FLERR, "Fix kstep/hybrid maps every atom type to NULL");
}

/* ----------------------------------------------------------------------
   sampling by segments: the chain has its own thermostat and no other steps
------------------------------------------------------------------------- */

void KstepSettings::check_segments()
{
  if (segments == 0) {
    if (!proposals.empty())
      error->all(FLERR, "Fix kstep/hybrid proposals are those of moves with the keyword segments");
    if (copies > 1)
      error->all(FLERR, "Fix kstep/hybrid ladder is one of students with the keyword segments");
    return;
  }
  if (!student)
    error->all(FLERR, "Fix kstep/hybrid segments are steps of a student: jump student k dt");
  if (!metropolis)
    error->all(FLERR,
               "Fix kstep/hybrid segments need metropolis yes, without which places would be those "
               "of the student");
  if (!(damp > 0.0))
    error->all(FLERR,
               "Fix kstep/hybrid segments draw velocities and need the keyword langevin T damp "
               "seed");
  if (corrector > 0 || fraction > 0.0)
    error->all(FLERR,
               "Fix kstep/hybrid segments have no corrector: moves sample places, and no time "
               "passes; accepted: corrector 0");
  if (tune)
    error->all(FLERR,
               "Fix kstep/hybrid tune yes compares speeds of dynamics, which segments are not; use "
               "segments auto");
  if (copies > 1 && !(top > temperature))
    error->all(FLERR,
               "Fix kstep/hybrid ladder ends at {:g} K; accepted: above the {:g} K of langevin",
               top, temperature);
}
