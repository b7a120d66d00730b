// Labelled data: molecules sampled by LAMMPS with the forces of a teacher, and given structures
// labelled by it.
#pragma once

#include "data/trajectory.h"
#include "label/structure_copies.h"
#include "teacher/teacher.h"

#include <string>
#include <vector>

namespace mlff {

/// Options of `mlff label`. Energies eV, lengths Å, times fs, temperatures K.
struct LabelOptions {
  std::string command;    ///< the command line, for the manifest
  std::string smiles_file, smiles, structures, output;
  TeacherSettings teacher;
  std::string sampling = "langevin", lammps;    ///< langevin, nve, rattle or wide
  std::vector<double> temperatures = {300.0};
  /// number for each molecule and temperature, each from its own conformer
  int trajectories = 1;
  int frames = 200, every = 20, warmup = 1000;
  int windows = 15, window = 400, between = 200;
  bool rotation = false;    ///< whether the molecules of windows turn as a whole
  double timestep = 0.5, rattle = 0.05;
  CopyOptions copies;    ///< what is made of given structures
  ReadOptions read;    ///< units, keys and elements that the file of given structures does not give
  bool skip_failed = false;    ///< given structures whose calculation fails are left out
  int seed = 1, jobs = 0;
};

/// Samples and labels every molecule of a list; one .xyz a trajectory, and manifest.json, in the
/// folder `output`. What the manifest lists as done is not done again. Throws FileError where the
/// folder belongs to other settings, and, after all trajectories, where some failed.
void label_molecules(const LabelOptions &options);

/// Labels the frames of `structures`, or the copies that are made of them, and writes them to the
/// file `output`; goes on where an interrupted run stopped.
void label_structures(const LabelOptions &options);

}    // namespace mlff
