// Look-up and reading of potential files, with errors that name the style.
#include "lammps_common/potential_files.h"

#include "citeme.h"
#include "comm.h"
#include "error.h"
#include "lammps.h"

#include "engine/version.h"
#include "potential/find_potential.h"

using namespace LAMMPS_NS;

/* ---------------------------------------------------------------------- */

std::string LAMMPS_NS::find_potential_file(const std::string &file)
{
  const std::string path = mlff::find_potential(file);
  // LAMMPS looks also for the last part of a path
  return platform::file_is_readable(path) ? path : utils::get_potential_file_path(file);
}

/* ---------------------------------------------------------------------- */

std::string LAMMPS_NS::places_of_potentials(const std::string &file)
{
  return "neither there, nor in the folders of MLFF_POTENTIALS and LAMMPS_POTENTIALS, nor in " +
      mlff::potential_folders().back().string() + mlff::similar_potentials(file);
}

/* ---------------------------------------------------------------------- */

mlff::Potential LAMMPS_NS::read_potential_file(LAMMPS *lmp, const std::string &who,
                                               const std::string &file, int iarg)
{
  const std::string path = find_potential_file(file);
  if (path.empty())
    lmp->error->all(FLERR, iarg, "Cannot open potential file '{}' of {}: it is {}", file, who,
                    places_of_potentials(file));
  try {
    return mlff::Potential::read(path);
  } catch (mlff::PotentialError &e) {
    std::string subject = who;
    subject[0] = (char) toupper(subject[0]);
    lmp->error->all(FLERR, iarg, "{}: {}", subject, e.what());
  }
}

/* ---------------------------------------------------------------------- */

void LAMMPS_NS::announce_potential(LAMMPS *lmp, const std::string &command, const std::string &file,
                                   const mlff::Potential &potential)
{
  if (lmp->comm->me == 0)
    utils::logmesg(lmp, "Reading mlff potential file {} with DATE: {}\n", file, potential.date);
  if (lmp->citeme && !potential.citation.empty())
    lmp->citeme->add(command + ", potential " + potential.sha256.substr(0, 12) + ": " +
                     potential.citation + "\n\n");
}

/* ---------------------------------------------------------------------- */

void LAMMPS_NS::announce_version(LAMMPS *lmp)
{
  // a new LAMMPS may lie where an old one was, but it began at another time
  static const LAMMPS *last = nullptr;
  static double last_begin = 0.0;
  if (lmp == last && lmp->initclock == last_begin) return;
  last = lmp;
  last_begin = lmp->initclock;
  if (lmp->comm->me == 0) utils::logmesg(lmp, "mlff {}\n", mlff::version_with_commit());
}
