// Arrays by atom types of a pair style, and what styles require of an input.
#include "lammps_common/element_map.h"

#include "atom.h"
#include "comm.h"
#include "error.h"
#include "memory.h"
#include "update.h"

using namespace LAMMPS_NS;

/* ---------------------------------------------------------------------- */

void LAMMPS_NS::allocate_types(LAMMPS *lmp, int **&setflag, double **&cutsq, int *&map)
{
  const int n = lmp->atom->ntypes + 1;
  lmp->memory->create(setflag, n, n, "pair:setflag");
  lmp->memory->create(cutsq, n, n, "pair:cutsq");
  map = new int[n];
}

/* ---------------------------------------------------------------------- */

void LAMMPS_NS::flag_mapped_types(LAMMPS *lmp, const std::string &style, const int *map,
                                  int **setflag)
{
  const int ntypes = lmp->atom->ntypes;
  int count = 0;
  for (int i = 1; i <= ntypes; i++)
    for (int j = i; j <= ntypes; j++) {
      setflag[i][j] = (map[i] >= 0 && map[j] >= 0) ? 1 : 0;
      count += setflag[i][j];
    }
  if (count == 0)
    lmp->error->all(FLERR, "Pair_coeff of pair style {} maps every atom type to NULL", style);
}

/* ---------------------------------------------------------------------- */

double LAMMPS_NS::electron_volt(LAMMPS *lmp, const std::string &who)
{
  const std::string units = lmp->update->unit_style;
  if (units == "metal") return 1.0;
  if (units == "real") return utils::get_conversion_factor(utils::ENERGY, utils::METAL2REAL);
  lmp->error->all(FLERR, Error::NOLASTLINE, "{} has no units '{}'; accepted: metal, real", who,
                  units);
}

/* ---------------------------------------------------------------------- */

void LAMMPS_NS::require_one_rank_and_ids(LAMMPS *lmp, const std::string &who)
{
  if (lmp->comm->nprocs > 1)
    lmp->error->all(FLERR, Error::NOLASTLINE,
                    "{} runs on one MPI rank per partition, found {}; use threads "
                    "(OMP_NUM_THREADS) or -partition",
                    who, lmp->comm->nprocs);
  if (!lmp->atom->tag_enable)
    lmp->error->all(FLERR, Error::NOLASTLINE, "{} requires atom IDs", who);
}
