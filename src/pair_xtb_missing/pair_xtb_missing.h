/* -*- c++ -*- ----------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#ifdef PAIR_CLASS
// clang-format off
PairStyle(xtb,PairXTBMissing);
// clang-format on
#else

#ifndef LMP_PAIR_XTB_MISSING_H
#define LMP_PAIR_XTB_MISSING_H

#include "pair.h"

namespace LAMMPS_NS {

// pair_style xtb of a build without libxtb: an error that says what to install
class PairXTBMissing : public Pair {
 public:
  [[noreturn]] PairXTBMissing(class LAMMPS *);

  void compute(int, int) override {}
  void settings(int, char **) override {}
  void coeff(int, char **) override {}
};

}    // namespace LAMMPS_NS

#endif
#endif
