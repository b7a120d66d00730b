// Look-up and reading of potential files, with errors that name the style.
#include "lammps_common/potential_files.h"

#include "citeme.h"
#include "comm.h"
#include "error.h"
#include "lammps.h"

using namespace LAMMPS_NS;

/* ---------------------------------------------------------------------- */

std::string LAMMPS_NS::find_potential_file(const std::string &file)
{
  const std::string path = utils::get_potential_file_path(file);
  if (!path.empty()) return path;
  const std::string shipped = platform::path_join(MLFF_POTENTIALS, file);
  return platform::file_is_readable(shipped) ? shipped : "";
}

/* ---------------------------------------------------------------------- */

std::string LAMMPS_NS::places_of_potentials()
{
  return "neither there, nor in the folders of LAMMPS_POTENTIALS, nor in " MLFF_POTENTIALS;
}

/* ---------------------------------------------------------------------- */

mlff::Potential LAMMPS_NS::read_potential_file(LAMMPS *lmp, const std::string &who,
                                               const std::string &file, int iarg)
{
  const std::string path = find_potential_file(file);
  if (path.empty())
    lmp->error->all(FLERR, iarg, "Cannot open potential file '{}' of {}: it is {}", file, who,
                    places_of_potentials());
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
