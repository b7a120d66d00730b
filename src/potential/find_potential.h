// Potentials by name, as pair_coeff finds them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace mlff {

/// Folders in which potentials are looked for: those that the environment names in MLFF_POTENTIALS
/// and LAMMPS_POTENTIALS, with ':' between them, then that of the potentials that ship.
std::vector<std::filesystem::path> potential_folders();

/// The file of a name: the path itself, else in these folders. The name as it is where there is
/// none, for the reader to complain about.
std::string find_potential(const std::string &name);

/// The file of a name in a settings file, whose folder is `folder`: in that folder, else where
/// potentials are. The name within that folder where there is none.
std::string find_potential(const std::string &name, const std::filesystem::path &folder);

}    // namespace mlff
