/* -*- c++ -*- ----------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#ifndef LMP_KSTEP_ENERGY_H
#define LMP_KSTEP_ENERGY_H

#include "pointers.h"

#include <string>
#include <vector>

namespace LAMMPS_NS {

class Compute;
class Fix;
class KstepAtoms;

/* ----------------------------------------------------------------------
   The potential energy of each molecule of fix kstep/hybrid, and the
   energies of force styles as output prints them.
------------------------------------------------------------------------- */

class KstepEnergy : protected Pointers {
 public:
  KstepEnergy(class LAMMPS *, Fix *);    // makes a compute pe/atom
  ~KstepEnergy() override;

  void init();

  // before a step whose energies will be asked for
  void request(bigint step, const KstepAtoms &);

  // eV: all there is where there is only one molecule, with what other fixes add; else what its atoms have
  void find(const KstepAtoms &, std::vector<double> &);

  // energies that output of this step prints, for a jump that is rejected: those before it, and `gain` eV of
  // the molecules that did move
  void save();
  void restore(double gain, const KstepAtoms &);

 private:
  Fix *fix;
  std::string id;
  Compute *pe, *pe_atom;
  double saved[7];    // of pair, bonded and kspace styles
};

}    // namespace LAMMPS_NS

#endif
