/* ----------------------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

/* ----------------------------------------------------------------------
   How far the forces of the potentials of a pair style mlff are apart. The
   pair style finds it with the forces of every step of a run in whose input
   there is a compute of this style.
------------------------------------------------------------------------- */

#include "compute_mlff_uncertainty.h"

#include "atom.h"
#include "error.h"
#include "force.h"
#include "memory.h"
#include "pair_mlff.h"
#include "update.h"

#include <algorithm>

using namespace LAMMPS_NS;

/* ---------------------------------------------------------------------- */

ComputeMLFFUncertainty::ComputeMLFFUncertainty(LAMMPS *lmp, int narg, char **arg) :
    Compute(lmp, narg, arg), nsub(0), nmax(0), spread(nullptr)
{
  if (narg > 4) error->all(FLERR, 4, "Unknown compute mlff/uncertainty argument '{}'", arg[4]);
  if (narg == 4) {
    nsub = utils::inumeric(FLERR, arg[3], false, lmp);
    if (nsub < 1)
      error->all(FLERR, 3, "Compute mlff/uncertainty has sub-style number {}; expected 1 or more",
                 arg[3]);
  }
  scalar_flag = peratom_flag = 1;
  extscalar = 0;
  size_peratom_cols = 0;
}

/* ---------------------------------------------------------------------- */

ComputeMLFFUncertainty::~ComputeMLFFUncertainty()
{
  memory->destroy(spread);
}

/* ---------------------------------------------------------------------- */

PairMLFF *ComputeMLFFUncertainty::find_pair() const
{
  auto *pair = dynamic_cast<PairMLFF *>(force->pair_match("^mlff", 0, nsub));
  if (!pair)
    error->all(FLERR, Error::NOLASTLINE,
               "Compute mlff/uncertainty needs {} pair style mlff; found pair style {}{}",
               nsub ? "number " + std::to_string(nsub) + " of" : "a",
               force->pair_style ? force->pair_style : "none",
               utils::strmatch(force->pair_style ? force->pair_style : "", "^hybrid")
                   ? ": with several sub-styles mlff, give the number of one of them as argument"
                   : "");
  return pair;
}

/* ---------------------------------------------------------------------- */

void ComputeMLFFUncertainty::init()
{
  const int n = find_pair()->n_potentials();
  if (n < 2)
    error->all(FLERR, Error::NOLASTLINE,
               "Compute mlff/uncertainty needs a pair style mlff with 2 or more potentials; its "
               "pair_coeff names {}",
               n);
}

/* ---------------------------------------------------------------------- */

double ComputeMLFFUncertainty::compute_scalar()
{
  if (invoked_peratom != update->ntimestep) compute_peratom();
  invoked_scalar = update->ntimestep;

  double largest = 0.0;
  for (int i = 0; i < atom->nlocal; i++) largest = std::max(largest, spread[i]);
  MPI_Allreduce(&largest, &scalar, 1, MPI_DOUBLE, MPI_MAX, world);
  return scalar;
}

/* ---------------------------------------------------------------------- */

void ComputeMLFFUncertainty::compute_peratom()
{
  invoked_peratom = update->ntimestep;
  const auto *pair_spread = find_pair()->spread(update->ntimestep);
  if (!pair_spread)
    error->one(FLERR,
               "Compute mlff/uncertainty: pair style mlff has no spread of timestep {}; it finds "
               "it with the forces of a run",
               update->ntimestep);

  if (atom->nmax > nmax) {
    memory->destroy(spread);
    nmax = atom->nmax;
    memory->create(spread, nmax, "mlff/uncertainty:spread");
    vector_atom = spread;
  }
  for (int i = 0; i < atom->nlocal; i++)
    spread[i] = (atom->mask[i] & groupbit) ? (*pair_spread)[i] : 0.0;
}

/* ---------------------------------------------------------------------- */

double ComputeMLFFUncertainty::memory_usage()
{
  return (double) nmax * sizeof(double);
}
