// Members of fix kstep/hybrid that its style header does not show.

#ifndef LMP_KSTEP_IMPL_H
#define LMP_KSTEP_IMPL_H

#include "fix_kstep/kstep_cycle.h"

#include <string>
#include <vector>

namespace LAMMPS_NS {

struct KstepImpl {
  KstepImpl(LAMMPS *lmp, Fix *fix, int narg, char **arg) : cycle(lmp, fix, narg, arg) {}

  KstepCycle cycle;
  int stride = 0;                                // number of the stride in the network
  KstepCycle::Step step = KstepCycle::VERLET;    // kind of the present step
  std::vector<int> elements;                     // atomic numbers in this input, ascending
  bool warned = false, near = false;
  double clock = 0.0;    // s, end of initial_integrate

  mlff::KstepCounters at_start;    // when this run began
  bigint first_step = 0;

  std::string report(const std::string &id) const;    // lines about this run
};

}    // namespace LAMMPS_NS

#endif
