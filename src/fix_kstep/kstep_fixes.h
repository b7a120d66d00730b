// Other fixes beside fix kstep/hybrid.

#ifndef LMP_KSTEP_FIXES_H
#define LMP_KSTEP_FIXES_H

#include "pointers.h"

#include <string>
#include <vector>

namespace LAMMPS_NS {

class Fix;

/* ----------------------------------------------------------------------
   The other fixes of an input with fix kstep/hybrid: which of them may be
   there, the energies that they add, and the temperature that they keep.
------------------------------------------------------------------------- */

class KstepFixes : protected Pointers {
 public:
  enum Kind { CORRECTOR, JUMPS, METROPOLIS };    // cycles of this run

  KstepFixes(class LAMMPS *lmp, Fix *fix) : Pointers(lmp), fix(fix) {}

  void
      check(Kind) const;    // before a run: an error that names the first fix that may not be there
  void check_energies(Kind) const;    // checks energies of fixes, when forces are known

  bool have_energies() const;
  double energy() const;    // sum over those whose energy counts, energy units of the input

  // K: temperature that the thermostats among them keep now; 0 without one. langevin: temperature
  // of this fix's own thermostat, 0 without one. Two temperatures are an error
  double temperature(double langevin) const;

 private:
  Fix *fix;

  std::vector<Fix *> fixes() const;
  bool counts(Fix *other) const;
  bool acts_on_us(Fix *other) const;
  bool without_energy(Fix *other) const;
  std::string reason(Fix *other, Kind) const;
  std::string reason_of_force(Fix *other, Kind) const;
};

}    // namespace LAMMPS_NS

#endif
