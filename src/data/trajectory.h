// Frames from files: extended XYZ (as LAMMPS' dump extxyz, ASE, libatoms' extxyz, GPUMD and MACE
// write it), dumps of LAMMPS' style custom, rMD17 .npz and folders of DeePMD-kit.
#pragma once

#include "data/numpy/npz.h"
#include "structure/structure.h"

#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace mlff {

/// Units, names and elements for files that do not give them.
struct ReadOptions {
  /// metal: eV, eV/Å, Å/ps, ps; real: kcal/mol, kcal/mol/Å, Å/fs, fs; gpumd: eV, eV/Å, Å/fs, fs.
  /// Empty: metal (of .npz: kcal/mol), and values that cannot be in these units are an error.
  std::string units = {};
  /// Names of columns and keys (of arrays in .npz) by quantity: energy, forces, velocities, mass,
  /// charge, spin, stress.
  std::map<std::string, std::string> keys = {};
  /// Elements of atom types, or of the atoms of dumps without types.
  std::vector<std::string> elements = {};
  bool keep = false;    ///< keeps Structure::layout, for frames that are written again
};

/// Quantities that ReadOptions::keys accepts.
const std::vector<std::string> &named_quantities();

/// Adds a word quantity=name of a command line. Throws FileError.
void add_key(ReadOptions &options, const std::string &word);

/// Reads frames one by one. Throws FileError naming file, frame and line.
class TrajectoryReader {
 public:
  virtual ~TrajectoryReader() = default;

  /// Reads the next frame; false at the end.
  virtual bool next(Structure &frame) = 0;

  /// Share of the file that was read, 0 to 1.
  virtual double progress() const = 0;
};

/// Opens a file by its ending: .npz (rMD17 keys, kcal/mol), .xyz or .extxyz (eV, Å, Å/ps), .dump
/// and .lammpstrj (lammps_dump.h); or a folder (deepmd_folder.h).
///
/// XYZ columns that are read: species (symbols; D and T are hydrogen of 2.014 and 3.016 g/mol) or
/// Z, pos, forces or force, vel or velo or velocities (or ASE's momenta), mass or masses, spread;
/// keys of the comment line: Lattice, pbc, Properties, Timestep, Time, energy or Potential_energy
/// or free_energy, energy_spread, charge or total_charge, and the multiplicity: spin, total_spin,
/// multiplicity, spin_multiplicity, or uhf (unpaired electrons). Names are compared without their
/// case, but for Time. Labels of MACE's data (REF_energy, REF_forces) are read where none without
/// REF_ stands beside them; other prefixes (MACE_, dft_) are read only by ReadOptions::keys. Two of
/// these that differ are an error. Plain XYZ is read as an open molecule.
///
/// Frames without atoms, energies below all electrons' own, temperatures below 0.05 K and time
/// steps above 0.1 ps are errors; the last three not where the units are given.
std::unique_ptr<TrajectoryReader> open_trajectory(const std::string &path,
                                                  const ReadOptions &options = {});

/// Writes one frame as extended XYZ with all digits: with the names, order and further content of
/// its layout, where it has one.
void write_xyz(std::FILE *file, const Structure &frame);

}    // namespace mlff
