// Potential files of commands: where they are found, how they are read and announced; and the
// version of the package in the log.

#ifndef LMP_POTENTIAL_FILES_H
#define LMP_POTENTIAL_FILES_H

#include "potential/potential.h"

#include <string>

namespace LAMMPS_NS {

class LAMMPS;

// path of a potential file: the path given, the folders of MLFF_POTENTIALS and LAMMPS_POTENTIALS,
// the potentials that came with this build. Empty where there is none
std::string find_potential_file(const std::string &file);

// folders in which a file was looked for, and potentials with a similar name, for an error message
std::string places_of_potentials(const std::string &file);

// reads a potential; who: the style in messages, e.g. "pair style mlff"; iarg: number of the word
// in the command
mlff::Potential read_potential_file(LAMMPS *, const std::string &who, const std::string &file,
                                    int iarg);

// tells the log of a potential, and what to cite for it
void announce_potential(LAMMPS *, const std::string &command, const std::string &file,
                        const mlff::Potential &);

// tells the log the version of the package when the first of its styles is made in a LAMMPS; later
// calls do nothing
void announce_version(LAMMPS *);

}    // namespace LAMMPS_NS

#endif
