// Energies of molecules by atoms or as one sum, and those that output prints.
#include "fix_kstep/kstep_energy.h"

#include "angle.h"
#include "atom.h"
#include "bond.h"
#include "compute.h"
#include "dihedral.h"
#include "fix.h"
#include "force.h"
#include "improper.h"
#include "kspace.h"
#include "modify.h"
#include "pair.h"
#include "update.h"

#include "fix_kstep/atoms/kstep_atoms.h"

#include <algorithm>
#include <cmath>

using namespace LAMMPS_NS;

/* ----------------------------------------------------------------------
   energies of several molecules are sums over their atoms
------------------------------------------------------------------------- */

KstepEnergy::KstepEnergy(LAMMPS *lmp, Fix *fix) :
    Pointers(lmp), fixes(lmp, fix), id(std::string(fix->id) + "_kstep_pe"), pe(nullptr),
    pe_atom(nullptr), saved{}, saved_fixes(0.0)
{
  modify->add_compute(fmt::format("{} all pe/atom", id));
}

/* ---------------------------------------------------------------------- */

KstepEnergy::~KstepEnergy()
{
  if (modify->get_compute_by_id(id)) modify->delete_compute(id);
}

/* ---------------------------------------------------------------------- */

void KstepEnergy::init()
{
  pe = modify->get_compute_by_id("thermo_pe");
  pe_atom = modify->get_compute_by_id(id);
}

/* ---------------------------------------------------------------------- */

std::vector<Pair *> KstepEnergy::pairs() const
{
  std::vector<Pair *> list;
  if (!force->pair) return list;
  if (!utils::strmatch(force->pair_style, "^hybrid")) return {force->pair};
  for (const char *word : {"^[^h]", "^h[^y]"})    // all but hybrid
    for (int n = 1;; n++) {
      Pair *one = force->pair_match(word, 0, n);
      if (!one || std::find(list.begin(), list.end(), one) != list.end()) break;
      list.push_back(one);
    }
  return list;
}

/* ----------------------------------------------------------------------
   Styles say it of themselves. Of those that do not, pairwise sums are
   right; many-body styles may spread a total over all atoms.
------------------------------------------------------------------------- */

std::string KstepEnergy::shared() const
{
  if (force->kspace)
    return fmt::format("kspace style {} acts between molecules at any distance",
                       force->kspace_style);
  if (fixes.have_energies()) return "fixes that add energy do not tell it of each molecule";
  for (Pair *pair : pairs()) {
    int dim = 0;
    if (const auto alone = (int *) pair->extract("molecules_alone", dim)) {
      if (*alone) continue;
      return "the pair style shares the energy of all out among its atoms";
    }
    if (const auto sums = (int *) pair->extract("molecules_add_up", dim)) {
      if (*sums) continue;
      return "the pair style acts between molecules at any distance";
    }
    if (!pair->single_enable || pair->manybody_flag || pair->one_coeff)
      return "the pair style does not tell whether energies of its atoms add up to those of "
             "molecules";
  }
  return "";
}

/* ---------------------------------------------------------------------- */

std::string KstepEnergy::missing(double kT) const
{
  if (update->eflag_atom != update->ntimestep) return "";
  if (pe_atom->invoked_peratom != update->ntimestep) pe_atom->compute_peratom();
  double sum = 0.0;
  for (int i = 0; i < atom->nlocal; i++) sum += pe_atom->vector_atom[i];
  const double all = total();
  if (std::abs(sum - all) <= 1e-3 * kT + 1e-8 * std::abs(all)) return "";
  return fmt::format("the energies of all atoms are {:.8g}, but the potential energy is {:.8g}",
                     sum, all);
}

/* ---------------------------------------------------------------------- */

void KstepEnergy::request(bigint step, const KstepAtoms &atoms)
{
  pe->addstep(step);
  if (atoms.molecules.n_molecules() > 1 && !together) pe_atom->addstep(step);
}

/* ---------------------------------------------------------------------- */

void KstepEnergy::find(const KstepAtoms &atoms, std::vector<double> &energy)
{
  const auto &molecules = atoms.molecules;
  if (together || molecules.n_molecules() == 1) {
    energy.assign(1, atoms.energy_unit * total());
    return;
  }
  energy.assign(molecules.n_molecules(), 0.0);
  if (pe_atom->invoked_peratom != update->ntimestep) pe_atom->compute_peratom();
  for (int m = 0; m < molecules.n_molecules(); m++)
    for (int k = molecules.first_atom[m]; k < molecules.first_atom[m + 1]; k++)
      energy[m] += atoms.energy_unit * pe_atom->vector_atom[atoms.local[k]];
}

/* ---------------------------------------------------------------------- */

double KstepEnergy::total() const
{
  double sum = 0.0;
  if (force->pair) sum += force->pair->eng_vdwl + force->pair->eng_coul;
  if (atom->molecular != Atom::ATOMIC) {
    if (force->bond) sum += force->bond->energy;
    if (force->angle) sum += force->angle->energy;
    if (force->dihedral) sum += force->dihedral->energy;
    if (force->improper) sum += force->improper->energy;
  }
  if (force->kspace) sum += force->kspace->energy;
  return sum + fixes.energy();
}

/* ---------------------------------------------------------------------- */

void KstepEnergy::save()
{
  if (force->pair) {
    saved[0] = force->pair->eng_vdwl;
    saved[1] = force->pair->eng_coul;
  }
  if (force->bond) saved[2] = force->bond->energy;
  if (force->angle) saved[3] = force->angle->energy;
  if (force->dihedral) saved[4] = force->dihedral->energy;
  if (force->improper) saved[5] = force->improper->energy;
  if (force->kspace) saved[6] = force->kspace->energy;
  saved_fixes = fixes.energy();
}

/* ----------------------------------------------------------------------
   energies that fixes found at the landing cannot be taken from them: the pair
   style makes up for them, so that the potential energy is right
------------------------------------------------------------------------- */

void KstepEnergy::restore(double gain, const KstepAtoms &atoms)
{
  if (force->pair) {
    force->pair->eng_vdwl = saved[0] + gain / atoms.energy_unit + (saved_fixes - fixes.energy());
    force->pair->eng_coul = saved[1];
  }
  if (force->bond) force->bond->energy = saved[2];
  if (force->angle) force->angle->energy = saved[3];
  if (force->dihedral) force->dihedral->energy = saved[4];
  if (force->improper) force->improper->energy = saved[5];
  if (force->kspace) force->kspace->energy = saved[6];
}
