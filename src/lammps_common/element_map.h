// Input of the styles: the map of atom types to elements, flags, the energy unit, ranks and atom
// IDs.

#ifndef LMP_ELEMENT_MAP_H
#define LMP_ELEMENT_MAP_H

#include <string>

namespace LAMMPS_NS {

class LAMMPS;

/* ----------------------------------------------------------------------
   Arrays by atom types of a pair style that maps types to elements: map[t]
   is -1 for a type that it does not treat.
------------------------------------------------------------------------- */

void allocate_types(LAMMPS *, int **&setflag, double **&cutsq, int *&map);

// flags all pairs of types that the style treats; an error if there are none
void flag_mapped_types(LAMMPS *, const std::string &style, const int *map, int **setflag);

// 1 eV in the energy unit of the input; an error for units other than metal and real. who: the
// style in messages
double electron_volt(LAMMPS *, const std::string &who);

// an error on several MPI ranks, and without atom IDs
void require_one_rank_and_ids(LAMMPS *, const std::string &who);

}    // namespace LAMMPS_NS

#endif
