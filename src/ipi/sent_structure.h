// Structures as clients are to see them.
#pragma once

#include "structure/structure.h"

namespace mlff {

struct SentForm {
  bool wrap = false;    ///< positions go into the cell along its periodic directions
  /// Å: edge of a cubic cell for structures that have none; 0: they are sent without
  double box = 0.0;
};

/// Elements, positions, cell, periodic directions, charge and multiplicity of a structure; nothing
/// else. Throws StructureError where a cell has no inverse that wrapping needs.
Structure as_sent(const Structure &structure, const SentForm &form);

}    // namespace mlff
