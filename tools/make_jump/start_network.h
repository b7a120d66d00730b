// The jump network that mlff make-jump tests and starts from.
#pragma once

#include "molecule/molecule.h"

#include <string>

namespace mlff {

struct StartNetwork {
  std::string file;            ///< empty: none
  std::string sha256;          ///< SHA-256 of the file
  bool from_scratch = true;    ///< true: its weights are of no use for the molecule
  std::string untested;        ///< why it cannot be tested on the molecule; empty: it can

  /// `from`: a file, the first word of the name of a network that ships (of this stride, in fs, or
  /// of 8 fs), or `none`. Throws FileError where there is no such network, or where it is one for
  /// other molecules alone; PotentialError.
  static StartNetwork find(const std::string &from, double stride, const Molecule &molecule);
};

}    // namespace mlff
