// Frames from files: extended XYZ (as LAMMPS' dump extxyz and ASE write it), dumps of LAMMPS' style custom and rMD17 .npz.
#pragma once

#include "npz.h"
#include "structure.h"

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>

namespace mlff {

/// Reads frames one by one. Throws FileError naming file, frame and line.
class TrajectoryReader {
 public:
  virtual ~TrajectoryReader() = default;

  /// Reads the next frame; false at the end.
  virtual bool next(Structure &frame) = 0;

  /// Share of the file that was read, 0 to 1.
  virtual double progress() const = 0;
};

/// Opens a file by its ending: .npz (rMD17 keys, kcal/mol), .xyz or .extxyz (eV, Å, Å/ps). Of XYZ columns it reads
/// species, pos, vel or velo or velocities, forces or force, mass, spread; of the comment line Lattice, pbc, Properties, Timestep, Time (ps), energy_spread,
/// energy or Potential_energy (as dump extxyz writes it in metal units). Plain XYZ without Properties is read as an open molecule.
/// .dump and .lammpstrj: lammps_dump.h.
std::unique_ptr<TrajectoryReader> open_trajectory(const std::string &path);

/// Writes one frame as extended XYZ with all digits.
void write_xyz(std::FILE *file, const Structure &frame);

}    // namespace mlff
