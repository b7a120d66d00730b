// Potentials by name, as pair_coeff finds them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace mlff {

/// Folders in which potentials are looked for: those that the environment names in MLFF_POTENTIALS
/// and LAMMPS_POTENTIALS, with ':' between them, then that of the potentials that ship.
std::vector<std::filesystem::path> potential_folders();

/// The file of a name: the path itself, else in these folders; the ending .safetensors may be left
/// out. The name as it is where there is none, for the reader to complain about.
std::string find_potential(const std::string &name);

/// The file of a name in a settings file, whose folder is `folder`: in that folder, else where
/// potentials are. The name within that folder where there is none.
std::string find_potential(const std::string &name, const std::filesystem::path &folder);

/// Names of the potentials in these folders without their ending, sorted, each once.
std::vector<std::string> potential_names();

/// What an error about a name without a file says of potentials whose name is similar:
/// "; potentials with a similar name: a, b", or nothing.
std::string similar_potentials(const std::string &name);

}    // namespace mlff
