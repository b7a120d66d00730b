// The program of LAMMPS that commands start.
#pragma once

#include <string>

namespace mlff {

/// `given`; where that is empty, the LAMMPS that MLFF_LAMMPS names, or lmp beside this program.
/// Throws FileError where there is none.
std::string lammps_program(const std::string &given);

}    // namespace mlff
