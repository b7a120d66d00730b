// The vector of fix kstep/hybrid in one table.

#ifndef LMP_KSTEP_VECTOR_H
#define LMP_KSTEP_VECTOR_H

#include <vector>

namespace LAMMPS_NS {

class KstepCycle;

/* ----------------------------------------------------------------------
   The vector of fix kstep/hybrid, in one table: the fix computes it by this
   table, and a test compares the table of the page with it. Those of the
   keyword segments follow where it is used, then temperatures of elements.
------------------------------------------------------------------------- */

struct KstepElement {
  const char *name;
  const char *unit;    // energy unit of the input, s or kT; empty for plain numbers
  const char *help;
  double (*value)(const KstepCycle &);
};

const std::vector<KstepElement> &kstep_vector();

// behind it with the keyword segments
const std::vector<KstepElement> &kstep_segments_vector();

// the elements behind the tables: one for each chemical element of the input
extern const KstepElement kstep_temperature;

}    // namespace LAMMPS_NS

#endif
