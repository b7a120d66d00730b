// The parts of mlff doctor. None of them throws: what fails is a finding.
#pragma once

#include "doctor/doctor.h"

namespace mlff {

FindingGroup examine_engine();                             ///< kernels, LibTorch, potentials
FindingGroup examine_lammps(const std::string &lammps);    ///< programs, styles, plugins
FindingGroup examine_machine();                            ///< threads, memory, GPU, MPI, cache
FindingGroup examine_libraries();                          ///< xTB, RDKit
FindingGroup examine_python();                             ///< packages that our pages use

}    // namespace mlff
