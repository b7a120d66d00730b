// Mass of an atom in LAMMPS.

#ifndef LMP_ATOM_MASS_H
#define LMP_ATOM_MASS_H

#include "atom.h"

namespace LAMMPS_NS {

// mass of an atom, its own or that of its type
inline double mass_of(const Atom *atom, int i)
{
  return atom->rmass ? atom->rmass[i] : atom->mass[atom->type[i]];
}

}    // namespace LAMMPS_NS

#endif
