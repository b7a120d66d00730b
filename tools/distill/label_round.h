// The labels of one molecule in one round of a distillation.
#pragma once

#include "distill/distill.h"
#include "molecule/molecule.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mlff {

struct RoundOfMolecule {
  const Molecule &molecule;
  std::vector<std::string> trajectories;    ///< files of frames that a student went through
  std::vector<std::string> students;        ///< potentials whose spread chooses frames
  std::string selected, probes;             ///< files to write
  std::uint64_t seed;                       ///< seed for the choice of probes
};

/// Labels frames drawn at random (probes), and those of the others that teach most. The file
/// `selected` appears last, behind a summary of the same name with .json added: it says that the
/// molecule is done.
void label_round(const DistillSettings &settings, const RoundOfMolecule &round);

}    // namespace mlff
