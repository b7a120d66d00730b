// Bonds between the atoms of fix kstep/hybrid.

#ifndef LMP_KSTEP_TOPOLOGY_H
#define LMP_KSTEP_TOPOLOGY_H

#include "pointers.h"

#include <vector>

namespace LAMMPS_NS {

/* ----------------------------------------------------------------------
   Bonds between the atoms of fix kstep/hybrid: those of the topology, or
   pairs of atoms that are near each other. Atoms are indices on this rank,
   in ascending order of their IDs.
------------------------------------------------------------------------- */

class KstepTopology : protected Pointers {
 public:
  KstepTopology(class LAMMPS *lmp, int groupbit) : Pointers(lmp), groupbit(groupbit) {}

  struct Bond {
    tagint i, j;
    double length;
  };

  // bonds of the topology, with their present lengths
  std::vector<Bond> drawn(const std::vector<int> &atoms) const;

  // bonds by distance, between atoms without molecule ID or with the same one; atomic numbers of
  // the atoms
  std::vector<Bond> by_distance(const std::vector<int> &atoms,
                                const std::vector<int> &numbers) const;

  // an error where the group cuts a molecule: a network that sees half of it jumps as if that were
  // all. Atomic numbers of the atoms and of all types, 0 for types without one
  void check_whole(const std::vector<int> &atoms, const std::vector<int> &numbers,
                   const std::vector<int> &number_of_type) const;

 private:
  int groupbit;

  bool check_bonds(const std::vector<int> &atoms) const;
  [[noreturn]] void fail(tagint i, tagint j) const;
};

}    // namespace LAMMPS_NS

#endif
