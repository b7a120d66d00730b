// JumpRecord: the properties that a jump network records beside its weights, and its part of a
// potential file.
#pragma once

#include "potential/model_sizes.h"

#include <string>
#include <vector>

namespace mlff {

/// Properties that a jump network (models whose names begin with kstep-) records beside its
/// weights. A jump maps positions, velocities and forces to those one stride later.
struct JumpRecord {
  /// A species of atoms: an element, or a finer class of its atoms by what they are bonded to.
  struct Species {
    std::string name;    ///< "C", or of a class "C1"

    /// Environment that tells the atoms of a class from others, see
    /// src/training/jump/jump_windows.h; empty for elements.
    std::string environment;
    double mass = 0.0;    ///< g/mol, in training

    // largest norms in the training windows
    double velocity = 0.0, force = 0.0;    ///< at the start of a window, Å/ps and eV/Å
    double displacement = 0.0, velocity_change = 0.0;    ///< over the longest stride, Å and Å/ps
  };
  double timestep = 0.0;               ///< timestep of the training dynamics, fs
  std::vector<double> strides;         ///< fs, ascending
  std::vector<double> temperatures;    ///< temperatures of the training data, K; empty: not known
  std::vector<Species> species;    ///< [n_species]; their atomic numbers are Potential::elements

  // variants kstep-egnn and kstep-transformer only

  /// Whether the network has the published form of its variant, which rotations change (see
  /// jump_defects); false: the corrected one.
  bool published = false;

  /// Bound of the norm of a scaled prediction; published: of each of its components.
  double bound = 10.0;
  int heads = 4;    ///< attention heads; kstep-transformer only

  /// While kstep-painn is trained: a third prediction beside u_x and u_v, the force after the jump,
  /// scaled as the force at its start. No file has it, and no engine but the gradient's.
  bool force_head = false;
  int predictions() const { return force_head ? 3 : 2; }
};

/// The record of a potential whose model is a jump network.
inline constexpr SizesOf<JumpRecord> jump_record;

/// Files of the jump networks. All have the sizes of the network and metadata `jump`; the variants
/// kstep-egnn and kstep-transformer add form and bound, the latter heads besides.
extern const ModelFile kstep_painn_file, kstep_egnn_file, kstep_transformer_file;

}    // namespace mlff
