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

#include "pair_xtb_missing.h"

#include "error.h"

using namespace LAMMPS_NS;

/* ---------------------------------------------------------------------- */

PairXTBMissing::PairXTBMissing(LAMMPS *lmp) : Pair(lmp)
{
  error->all(FLERR, Error::NOLASTLINE,
             "Pair style xtb needs libxtb, which this build of mlff does not have: install it "
             "(Debian: libxtb-dev) and build mlff again");
}
