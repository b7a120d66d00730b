// Potential energies of the molecules of fix kstep/hybrid.

#ifndef LMP_KSTEP_ENERGY_H
#define LMP_KSTEP_ENERGY_H

#include "fix_kstep/kstep_fixes.h"
#include "pointers.h"

#include <string>
#include <vector>

namespace LAMMPS_NS {

class Compute;
class Fix;
class KstepAtoms;
class Pair;

/* ----------------------------------------------------------------------
   The potential energy of each molecule of fix kstep/hybrid, or of all
   together where no style knows it of each, and the energies of force styles
   as output prints them.
------------------------------------------------------------------------- */

class KstepEnergy : protected Pointers {
 public:
  KstepEnergy(class LAMMPS *, Fix *);    // makes a compute pe/atom
  ~KstepEnergy() override;

  bool together = false;    // one number for all molecules
  KstepFixes fixes;

  void init();

  // why the energies of atoms do not add up to those of molecules that do not interact; empty where
  // they do
  std::string shared() const;

  // when forces are known: reason why the sum over atoms is not the potential energy, by numbers
  std::string missing(double kT) const;

  // before a step whose energies will be asked for
  void request(bigint step, const KstepAtoms &);

  // eV: of one molecule, and of all together, what there is with what other fixes add; else what
  // its atoms have
  void find(const KstepAtoms &, std::vector<double> &);

  // pair styles, those of a hybrid one by one
  std::vector<Pair *> pairs() const;

  // energies that output of this step prints, for a jump that is rejected: those before it, and
  // `gain` eV of the molecules that did move
  void save();
  void restore(double gain, const KstepAtoms &);

 private:
  Fix *fix;
  std::string id;
  Compute *pe, *pe_atom;
  double saved[7];       // energies of pair, bonded and kspace styles
  double saved_fixes;    // energy of fixes

  double total() const;    // energy units of the input
};

}    // namespace LAMMPS_NS

#endif
