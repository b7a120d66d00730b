// mlff make-sampler: makes, from a SMILES, a student whose energies are good enough for exact
// samples of its teacher, and an input that takes them.
#pragma once

#include "teacher/teacher.h"

#include <optional>
#include <string>

namespace mlff {

/// Options of `mlff make-sampler`.
struct MakeSamplerOptions {
  std::string command;    ///< the command line, for the manifest
  std::string smiles, output, lammps;
  TeacherSettings teacher;
  /// a cheaper one that teaches before, a method of xTB; empty: none
  std::string first_teacher;
  std::optional<int> charge;       ///< e; none: that of the SMILES
  std::string student = "auto";    ///< model of the student; auto: by the size of the molecule
  double temperature = 300.0;      ///< K
  double minutes = 10.0;           ///< wall-clock time for all stages together
  double acceptance = 0.8;         ///< expected share of accepted proposals that ends the rounds
  long labels = 0;                 ///< labels of the teacher at most; 0: as many as the time allows
  int seed = 1;
};

/// Works in the folder `output`, stage by stage; goes on where it was stopped, and does nothing
/// where all is done. What depends on the clock is decided once and kept in the manifest: from then
/// on the result does not depend on interruptions. Throws FileError, MoleculeError, PotentialError.
void make_sampler(const MakeSamplerOptions &options);

}    // namespace mlff
