// The systems that a student learns: molecules from SMILES, and given structures.
#pragma once

#include "distill/distill.h"
#include "distill/frame_selection.h"
#include "molecule/molecule.h"
#include "structure/structure.h"

#include <optional>
#include <string>
#include <vector>

namespace mlff {

struct DistilledSystem {
  std::string name;                    ///< beginning of the names of its files
  std::optional<Molecule> molecule;    ///< the molecule of a SMILES; none for a given structure
  /// Elements, masses, charge and multiplicity of all its frames; of a structure also the frame at
  /// which its trajectories begin, without labels.
  Structure start;
  std::string source;    ///< where the system is from, for messages

  bool is_periodic() const { return start.periodic != std::array{false, false, false}; }
};

/// The systems of the settings, structures repeated as they say. Throws FileError, and
/// MoleculeError for a SMILES.
std::vector<DistilledSystem> systems_of(const DistillSettings &settings);

/// Whether a teacher can be expected to label a frame: no two atoms are too close, and the bonds of
/// a molecule hold.
bool is_sound(const DistilledSystem &system, const Structure &frame);

/// The point of a frame for most_useful(): inverse distances of all pairs of atoms of a molecule,
/// whose atoms never change places; else radial_fingerprint() within the student's cutoff (Å).
FrameShape shape_of(const DistilledSystem &system, const Structure &frame, double cutoff);

/// What LAMMPS needs to know of a structure besides its data file.
struct LammpsStart {
  std::string elements;    ///< symbols of the atom types
  std::string edges;       ///< words of the command boundary
};

/// Writes a structure as a data file of atom_style atomic. Atoms of other masses than the standard
/// ones have types of their own. Throws FileError.
LammpsStart write_start(const std::string &path, const Structure &structure);

}    // namespace mlff
