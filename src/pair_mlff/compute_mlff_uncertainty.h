/* -*- c++ -*- ----------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#ifdef COMPUTE_CLASS
// clang-format off
ComputeStyle(mlff/uncertainty,ComputeMLFFUncertainty);
// clang-format on
#else

#ifndef LMP_COMPUTE_MLFF_UNCERTAINTY_H
#define LMP_COMPUTE_MLFF_UNCERTAINTY_H

#include "compute.h"

namespace LAMMPS_NS {

class ComputeMLFFUncertainty : public Compute {
 public:
  ComputeMLFFUncertainty(class LAMMPS *, int, char **);
  ~ComputeMLFFUncertainty() override;

  void init() override;
  double compute_scalar() override;
  void compute_peratom() override;
  double memory_usage() override;

 protected:
  int nsub;    // number of the sub-style mlff in a hybrid style, 0 if there is one
  int nmax;
  double *spread;

  class PairMLFF *find_pair() const;
};

}    // namespace LAMMPS_NS

#endif
#endif
