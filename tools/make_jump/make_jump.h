// mlff make-jump: makes, from a SMILES, a jump network that a LAMMPS run can use. It labels, tests
// a network that exists, trains, and checks the result.
#pragma once

#include "teacher/teacher.h"

#include <string>

namespace mlff {

/// Options of `mlff make-jump`.
struct MakeJumpOptions {
  std::string command;    ///< the command line, for the manifest
  std::string smiles, output, lammps;
  /// jump network to start from: a file, the name of one that ships, or `none`
  std::string from = "ethanol";
  TeacherSettings teacher;
  double stride = 8.0;     ///< fs
  double minutes = 5.0;    ///< wall-clock time for labels, tests and training together
  int seed = 1, jobs = 0;
};

/// Makes the network in the folder `output`, stage by stage; goes on where it was stopped, and does
/// nothing where all is done. A network that keeps the energy of the molecule on trajectories held
/// out (mean change of a jump below 0.1 kT, standard deviation below 0.5 kT) is taken as it is.
/// Throws FileError, MoleculeError, PotentialError.
void make_jump(const MakeJumpOptions &options);

}    // namespace mlff
