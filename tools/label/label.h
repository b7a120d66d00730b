// Labelled data: molecules sampled by LAMMPS with xTB forces, and given structures labelled by xTB
// or by an ensemble of potentials.
#pragma once

#include "data/trajectory.h"
#include "molecule/molecule.h"
#include "teacher/xtb_calculator.h"

#include <optional>
#include <string>
#include <vector>

namespace mlff {

/// What `mlff label` was asked to do. Energies eV, lengths Å, times fs, temperatures K.
struct LabelOptions {
  std::string command;    ///< the command line, for the manifest
  std::string smiles_file, smiles, structures, output;
  std::vector<std::string> models;
  std::string method = "gfn2", sampling = "langevin", lammps;
  double accuracy = 0.1;
  std::vector<double> temperatures = {300.0};
  int trajectories = 1;    ///< of each molecule at each temperature, from conformers of their own
  int frames = 200, every = 20, warmup = 1000;
  int windows = 15, window = 400, between = 200;
  bool rotation = false;    ///< whether the molecules of windows turn as a whole
  double timestep = 0.5, rattle = 0.05;
  std::optional<int> charge,
      /// of given structures, where they do not say it themselves (keys charge and spin); else 0
      uhf;
  ReadOptions read;            ///< what the file of given structures does not say
  bool skip_failed = false;    ///< given structures whose calculation fails are left out
  int seed = 1, jobs = 0;
  double electronic_temperature = 300.0;    ///< K, of xTB for given structures
};

/// A line of a SMILES file: the SMILES, then a name. Lines that begin with # and empty lines are
/// left out. Throws FileError naming file and line.
struct NamedSmiles {
  std::string smiles, name;
};
std::vector<NamedSmiles> read_smiles(const std::string &path);

/// Samples and labels every molecule of a list; one .xyz a trajectory, and manifest.json, in the
/// folder `output`. What the manifest lists as done is not done again. Throws FileError where the
/// folder belongs to other settings, and, after all tasks, where some failed.
void label_molecules(const LabelOptions &options);

/// Labels the frames of `structures` and writes them to the file `output`; goes on where an
/// interrupted run stopped.
void label_structures(const LabelOptions &options);

}    // namespace mlff
