/* ----------------------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

/* ----------------------------------------------------------------------
   Stands in for pair_style xtb where the package was built without libxtb.
------------------------------------------------------------------------- */

#include "pair_xtb.h"

#include "error.h"

using namespace LAMMPS_NS;

/* ---------------------------------------------------------------------- */

PairXTB::PairXTB(LAMMPS *lmp) : Pair(lmp)
{
  error->all(FLERR, Error::NOLASTLINE,
             "Pair style xtb needs libxtb, which this build of mlff does not have: install it "
             "(Debian: libxtb-dev) and build mlff again");
}

/* ----------------------------------------------------------------------
   never called: the style cannot be made
------------------------------------------------------------------------- */

PairXTB::~PairXTB() = default;
void PairXTB::compute(int, int) {}
void PairXTB::settings(int, char **) {}
void PairXTB::coeff(int, char **) {}
void PairXTB::init_style() {}
double PairXTB::init_one(int, int)
{
  return 0.0;
}
void PairXTB::write_restart(FILE *) {}
void PairXTB::read_restart(FILE *) {}
void PairXTB::write_restart_settings(FILE *) {}
void PairXTB::read_restart_settings(FILE *) {}
void PairXTB::finish() {}
void *PairXTB::extract(const char *, int &)
{
  return nullptr;
}
double PairXTB::memory_usage()
{
  return 0.0;
}
