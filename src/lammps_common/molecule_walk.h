// Makes the molecules of a periodic box whole.

#ifndef LMP_MOLECULE_WALK_H
#define LMP_MOLECULE_WALK_H

#include <vector>

namespace LAMMPS_NS {

class Domain;

/* ----------------------------------------------------------------------
   Whole molecules out of a periodic box. A walk goes through each molecule
   from its first atom, always to the atom nearest to those reached (Prim's
   spanning tree); each atom is then placed at the image nearest to the atom
   before it.
------------------------------------------------------------------------- */

class MoleculeWalk {
 public:
  void clear();

  // adds a molecule: atoms first .. last-1 of a list of owned atoms. Molecules are added in the
  // order of the list
  void add(Domain *, double **x, const std::vector<int> &local, int first, int last);

  // positions [n][3] of the atoms of the list, each molecule as one piece
  void unwrap(Domain *, double **x, const std::vector<int> &local, std::vector<double> &) const;

 private:
  std::vector<int> order;     // atoms, as places in the list, in the order of the walk
  std::vector<int> before;    // atom before each of them; -1 at the start of a molecule
};

}    // namespace LAMMPS_NS

#endif
