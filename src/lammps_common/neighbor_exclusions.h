// The command neigh_modify exclude, for a many-body model.

#ifndef LMP_NEIGHBOR_EXCLUSIONS_H
#define LMP_NEIGHBOR_EXCLUSIONS_H

#include "pointers.h"

#include <string>

namespace LAMMPS_NS {

/* ----------------------------------------------------------------------
   What "neigh_modify exclude" means to a many-body model, which cannot do
   without single pairs of its atoms:

     group all G     the atoms of G are no part of the model: neither their
                     interactions nor their own energies count. Fixes that
                     exchange atoms (gcmc, widom, ...) try a deletion so
     anything else   an error, where it takes away pairs of the model
------------------------------------------------------------------------- */

class NeighborExclusions : protected Pointers {
 public:
  // style: name of the style in error messages
  NeighborExclusions(LAMMPS *lmp, const std::string &style) : Pointers(lmp), style(style) {}

  // bits of the groups whose atoms are left out. Atoms of type t belong to the model where map[t]
  // >= 0. All ranks call this together, after a neighbor rebuild.
  int left_out(const int *map) const;

 private:
  std::string style;
};

}    // namespace LAMMPS_NS

#endif
