// Atoms as they were, to notice what others do to them.

#ifndef LMP_KSTEP_MEMORY_H
#define LMP_KSTEP_MEMORY_H

#include "pointers.h"

#include <string>
#include <vector>

namespace LAMMPS_NS {

/* ----------------------------------------------------------------------
   The atoms of fix kstep/hybrid as they were at the end of its last step,
   to notice what other commands and fixes did to them since. IDs, types,
   masses, molecule IDs and places are compared before each run; IDs, types,
   masses and places in each step. Texts say what changed, empty for nothing.
------------------------------------------------------------------------- */

class KstepMemory : protected Pointers {
 public:
  KstepMemory(class LAMMPS *lmp, int groupbit) : Pointers(lmp), groupbit(groupbit) {}

  struct Entry {
    tagint tag, molecule;
    int type;
    double mass;
    double x[3];    // Angstrom
  };

  // molecule after molecule; out of a restart file in the order of that
  std::vector<Entry> entries;

  void remember(int i);                                 // adds an atom as it is now
  void remember_places(const std::vector<double> &);    // [n][3]

  // between runs, for atoms in ascending order of their IDs: all but their places, and those
  std::string difference(const std::vector<int> &atoms) const;
  std::string moved(const std::vector<int> &atoms) const;

  // within a run, for the atoms of the entries. Moves of all atoms alike count if `anchored`
  std::string change(const std::vector<int> &local) const;
  std::string motion(const std::vector<int> &local, bool anchored) const;

 private:
  int groupbit;

  std::string altered(int i, const Entry &) const;
  std::vector<Entry> by_tag() const;
};

}    // namespace LAMMPS_NS

#endif
