// Frames of a system in DeePMD-kit's format: a folder of NumPy arrays.
#pragma once

#include "data/trajectory.h"

#include <string>
#include <vector>

namespace mlff {

/// Whether a path is such a folder: it holds a file type.raw.
bool is_deepmd_folder(const std::string &path);

/// The files of such a folder that are read, in stable order, relative to it.
std::vector<std::string> deepmd_files(const std::string &path);

/// Opens a folder with type.raw [n] (numbers from 0), type_map.raw (elements of the types; without
/// it they come from the options), nopbc (if it is there, molecules are open) and folders set.*
/// with arrays coord.npy [frames][3n] (Å), box.npy [frames][9] (Å), and, where they are there,
/// energy.npy [frames] (eV), force.npy [frames][3n] (eV/Å), virial.npy [frames][9] (eV, positive
/// under pressure) and real_atom_types.npy [frames][n], the types of each frame (-1: no atom).
/// ReadOptions::keys names other arrays for energy, forces and stress (an array with "virial" in
/// its name is a virial). Sets are read one by one. Throws FileError naming file, what was found
/// and what is accepted.
std::unique_ptr<TrajectoryReader> open_deepmd_folder(const std::string &path,
                                                     const ReadOptions &options);

}    // namespace mlff
