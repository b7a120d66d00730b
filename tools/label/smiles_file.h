// Files with a SMILES and a name in each line.
#pragma once

#include <string>
#include <vector>

namespace mlff {

struct NamedSmiles {
  std::string smiles, name;
};

/// The molecules of a file. Lines that begin with # and empty lines are left out. Throws FileError
/// naming file and line.
std::vector<NamedSmiles> read_smiles(const std::string &path);

}    // namespace mlff
