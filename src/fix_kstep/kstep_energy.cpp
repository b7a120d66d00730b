/* ----------------------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#include "kstep_energy.h"

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

#include "kstep_atoms.h"

using namespace LAMMPS_NS;

/* ----------------------------------------------------------------------
   energies of several molecules are sums over their atoms
------------------------------------------------------------------------- */

KstepEnergy::KstepEnergy(LAMMPS *lmp, Fix *fix) :
    Pointers(lmp), fix(fix), id(std::string(fix->id) + "_kstep_pe"), pe(nullptr),
    pe_atom(nullptr), saved{}
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

void KstepEnergy::request(bigint step, const KstepAtoms &atoms)
{
  pe->addstep(step);
  if (atoms.molecules.n_molecules() > 1) pe_atom->addstep(step);
}

/* ---------------------------------------------------------------------- */

void KstepEnergy::find(const KstepAtoms &atoms, std::vector<double> &energy)
{
  const auto &molecules = atoms.molecules;
  energy.assign(molecules.n_molecules(), 0.0);
  if (molecules.n_molecules() > 1) {
    if (pe_atom->invoked_peratom != update->ntimestep) pe_atom->compute_peratom();
    for (int m = 0; m < molecules.n_molecules(); m++)
      for (int k = molecules.first_atom[m]; k < molecules.first_atom[m + 1]; k++)
        energy[m] += atoms.energy_unit * pe_atom->vector_atom[atoms.local[k]];
    return;
  }
  double sum = 0.0;
  if (force->pair) sum += force->pair->eng_vdwl + force->pair->eng_coul;
  if (atom->molecular != Atom::ATOMIC) {
    if (force->bond) sum += force->bond->energy;
    if (force->angle) sum += force->angle->energy;
    if (force->dihedral) sum += force->dihedral->energy;
    if (force->improper) sum += force->improper->energy;
  }
  if (force->kspace) sum += force->kspace->energy;
  for (const auto &other : modify->get_fix_list())
    if (other != fix && other->energy_global_flag && other->thermo_energy)
      sum += other->compute_scalar();
  energy[0] = atoms.energy_unit * sum;
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
}

/* ---------------------------------------------------------------------- */

void KstepEnergy::restore(double gain, const KstepAtoms &atoms)
{
  if (force->pair) {
    force->pair->eng_vdwl = saved[0] + gain / atoms.energy_unit;
    force->pair->eng_coul = saved[1];
  }
  if (force->bond) force->bond->energy = saved[2];
  if (force->angle) force->angle->energy = saved[3];
  if (force->dihedral) force->dihedral->energy = saved[4];
  if (force->improper) force->improper->energy = saved[5];
  if (force->kspace) force->kspace->energy = saved[6];
}
