// Geometries along the torsions and the bonds of one molecule, where a potential that was fitted
// near its minima may be wrong.
#pragma once

#include "structure/structure.h"

#include <cstddef>
#include <string>
#include <vector>

namespace mlff {

/// A rigid scan: one side of a bond moves as a whole, everything else stays.
struct ReachScan {
  enum class Kind { torsion, stretch };

  Kind kind = Kind::torsion;
  /// From 0 on. Of a torsion four, which is about the bond of the middle two; of a stretch the two
  /// of the bond.
  std::vector<int> atoms;
  std::string name;         ///< "torsion C1-C2-O3-H9", "bond C1-H4": symbols, and numbers from 1 on
  int alike = 1;            ///< bonds of this kind in the molecule, of which this one is scanned
  double at_start = 0.0;    ///< dihedral angle (degrees) or length (Å) of the start

  /// Ascending: degrees turned from the start, above -180 and up to 180; or shares of the length at
  /// the start.
  std::vector<double> coordinates;
  std::vector<Structure> structures;    ///< [coordinates]
  std::size_t start = 0;                ///< which of them is the molecule as it was given
};

struct ReachScanOptions {
  double turn = 15.0;    ///< degrees from one geometry of a torsion to the next; divides 180
  double shortest = 0.8, longest = 1.6, step = 0.05;    ///< of bonds, shares of their length
};

struct ReachScans {
  std::vector<ReachScan> scans;      ///< torsions first
  std::vector<std::string> notes;    ///< what is not scanned, and why, in a sentence each
};

/// One torsion about each kind of bond that can be turned about, and a stretch of each kind of
/// bond. Bonds are those by distances (structure/bonds.h). Two torsions are of one kind if their
/// middle atoms have the same atoms around them up to three bonds away; two bonds if elements and
/// numbers of neighbors of their atoms are the same, and both are double bonds (by their length) or
/// neither. Bonds in rings are left out. The side with fewer atoms moves.
///
/// Throws StructureError for a structure that is periodic, and for one without a bond that could be
/// scanned.
ReachScans reach_scans(const Structure &molecule, const ReachScanOptions &options = {});

/// Of atoms i, j, k, l of positions [n][3]: degrees, above -180 and up to 180.
double dihedral_angle(const std::vector<double> &positions, int i, int j, int k, int l);

}    // namespace mlff
