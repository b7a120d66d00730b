// The repulsive core of a potential: which pairs of elements have one, and its radii; metadata key
// `core`.
#pragma once

#include <string>
#include <vector>

namespace mlff {

struct Potential;

/// Radii of the core of a pair of elements, Å: the repulsion of Ziegler, Biersack and Littmark is
/// whole below `inner` and zero from `outer` on (kernels/zbl.h).
struct CoreRadii {
  double inner = 0.0, outer = 0.0;
};

/// Radii of all pairs of elements, [species][species], symmetric; empty: no core.
using RepulsiveCore = std::vector<CoreRadii>;

/// Radii by default: 0.4 and 0.7 times the sum of the covalent radii. The outer one is shorter than
/// any bond, also the triple ones (N2 has 0.77 times the sum), and leaves them room to vibrate.
CoreRadii covalent_core(int number, int other);

/// Radii by default of all pairs of these elements.
RepulsiveCore covalent_cores(const std::vector<int> &elements);

/// Throws PotentialError, with `path` in its message, for radii that are no radii or beyond the
/// cutoff, and for a model that has no core.
void check_core(const Potential &potential, const std::string &path);

/// Text that is the same for equal cores alone; empty where there is none.
std::string core_text(const Potential &potential);

}    // namespace mlff
