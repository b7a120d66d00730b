// Extended XYZ, as ASE, libatoms' extxyz, GPUMD, MACE and LAMMPS' dump extxyz write it.
#pragma once

#include "data/trajectory.h"

#include <cstdio>

namespace mlff {

/// Meaning of a column or key of a file to this program.
enum class XyzRole {
  none,
  properties,
  species,
  numbers,
  positions,
  velocities,
  momenta,
  forces,
  masses,
  spread,
  energy,
  energy_spread,
  stress,
  virial,
  charge,
  multiplicity,
  unpaired
};

/// A column of atoms. Its text is kept if the program does not use the column or converts its
/// values.
struct XyzColumn {
  std::string name;
  char type = 'R';    ///< S, R, I or L
  int width = 1;
  XyzRole role = XyzRole::none;
  std::vector<std::string> text;    ///< [n]
};

/// A key of the comment line with its value, as the file writes them.
struct XyzKey {
  std::string name, text;
  bool alone = false;
  XyzRole role = XyzRole::none;
};

/// Names and order of a file's columns and keys, and the content of those that the program does not
/// use.
struct XyzLayout {
  std::vector<XyzKey> keys;
  std::vector<XyzColumn> columns;
};

/// Reads extended and plain XYZ; trajectory.h lists the columns and keys that are read.
std::unique_ptr<TrajectoryReader> open_extended_xyz(const std::string &path,
                                                    const ReadOptions &options);

/// Whether a column of this name would be read as a quantity, or as an element.
bool is_name_of_quantity(std::string_view column);

/// Removes energies, forces and other results of a calculation (stress, virial, dipole, charges,
/// magnetic moments) from a frame and its layout, before it gets those of another method.
void forget_results(Structure &frame);

}    // namespace mlff
