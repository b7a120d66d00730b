/* -*- c++ -*- ----------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#ifndef LMP_KSTEP_IMPL_H
#define LMP_KSTEP_IMPL_H

#include "fix_kstep/kstep_cycle.h"

#include <string>
#include <vector>

namespace LAMMPS_NS {

struct KstepImpl {
  KstepImpl(LAMMPS *lmp, Fix *fix, int narg, char **arg) : cycle(lmp, fix, narg, arg) {}

  KstepCycle cycle;
  int stride = 0;                                // its number in the network
  KstepCycle::Step step = KstepCycle::VERLET;    // this step
  std::vector<int> elements;                     // of the model in this input, ascending
  bool warned = false, near = false;
  double clock = 0.0;    // s, end of initial_integrate

  mlff::KstepCounters at_start;    // of this run
  bigint first_step = 0;

  std::string report(const std::string &id) const;    // what this run did
};

}    // namespace LAMMPS_NS

#endif
