// Pair style xtb in restart files.
#include "pair_xtb.h"

#include "atom.h"
#include "comm.h"
#include "error.h"

#include "lammps_common/element_map.h"
#include "pair_xtb/xtb_impl.h"

using namespace LAMMPS_NS;

// bits of the last setting in restart files; older files have the first alone

enum { EACH_MOLECULE = 1, CHARGE_GIVEN = 2, CHARGE_ATOMS = 4, REFERENCES = 8 };

/* ---------------------------------------------------------------------- */

void PairXTB::write_restart(FILE *fp)
{
  write_restart_settings(fp);
  for (int t = 1; t <= atom->ntypes; t++) fwrite(&map[t], sizeof(int), 1, fp);
}

/* ---------------------------------------------------------------------- */

void PairXTB::read_restart(FILE *fp)
{
  read_restart_settings(fp);
  if (!allocated) allocate_types(lmp, setflag, cutsq, map);
  allocated = 1;
  const int ntypes = atom->ntypes;
  if (comm->me == 0) utils::sfread(FLERR, &map[1], sizeof(int), ntypes, fp, nullptr, error);
  MPI_Bcast(&map[1], ntypes, MPI_INT, 0, world);
  flag_mapped_types(lmp, "xtb", map, setflag);
}

/* ---------------------------------------------------------------------- */

void PairXTB::write_restart_settings(FILE *fp)
{
  const auto &o = impl->options;
  int flags = 0;
  if (impl->each_molecule) flags |= EACH_MOLECULE;
  if (impl->charge == XTBCharge::given) flags |= CHARGE_GIVEN;
  if (impl->charge == XTBCharge::atoms) flags |= CHARGE_ATOMS;
  if (o.method == mlff::XtbMethod::gfnff) flags |= REFERENCES;
  const double values[7] = {(double) o.method, (double) o.charge,        (double) o.uhf,
                            o.accuracy,        o.electronic_temperature, (double) o.max_iterations,
                            (double) flags};
  fwrite(values, sizeof(double), 7, fp);
  if (flags & REFERENCES) write_references(fp);
}

/* ---------------------------------------------------------------------- */

void PairXTB::read_restart_settings(FILE *fp)
{
  double values[7];
  if (comm->me == 0) utils::sfread(FLERR, values, sizeof(double), 7, fp, nullptr, error);
  MPI_Bcast(values, 7, MPI_DOUBLE, 0, world);
  auto &o = impl->options;
  o.method = (mlff::XtbMethod)(int) values[0];
  o.charge = (int) values[1];
  o.uhf = (int) values[2];
  o.accuracy = values[3];
  o.electronic_temperature = values[4];
  o.max_iterations = (int) values[5];
  const int flags = (int) values[6];
  impl->each_molecule = flags & EACH_MOLECULE;
  impl->charge = (flags & CHARGE_ATOMS) ? XTBCharge::atoms
      : (flags & CHARGE_GIVEN)          ? XTBCharge::given
                                        : XTBCharge::none_given;
  impl->systems.clear();
  impl->restart.clear();
  if (flags & REFERENCES) read_references(fp);
}

/* ----------------------------------------------------------------------
   the positions that GFN-FF took its bonds and parameters from
------------------------------------------------------------------------- */

void PairXTB::write_references(FILE *fp)
{
  std::vector<bigint> integers;
  std::vector<double> reals;
  bigint count = 0;
  const auto add = [&](tagint molecule, const std::vector<tagint> &tags,
                       const std::vector<int> &numbers, const std::vector<double> &reference,
                       const std::vector<double> &seen) {
    count++;
    integers.push_back(molecule);
    integers.push_back((bigint) tags.size());
    integers.insert(integers.end(), tags.begin(), tags.end());
    integers.insert(integers.end(), numbers.begin(), numbers.end());
    reals.insert(reals.end(), reference.begin(), reference.end());
    reals.insert(reals.end(), seen.begin(), seen.end());
  };
  for (const auto &system : impl->systems)
    if (system.calculator && !system.x_seen.empty())
      add(system.molecule, system.tags, system.calculator->numbers(),
          system.calculator->reference(), system.x_seen);

  // read, and not used yet

  if (count == 0)
    for (const auto &one : impl->restart)
      add(one.molecule, one.tags, one.numbers, one.reference, one.x_seen);
  const bigint sizes[3] = {count, (bigint) integers.size(), (bigint) reals.size()};
  fwrite(sizes, sizeof(bigint), 3, fp);
  fwrite(integers.data(), sizeof(bigint), integers.size(), fp);
  fwrite(reals.data(), sizeof(double), reals.size(), fp);
}

/* ---------------------------------------------------------------------- */

void PairXTB::read_references(FILE *fp)
{
  bigint sizes[3];
  if (comm->me == 0) utils::sfread(FLERR, sizes, sizeof(bigint), 3, fp, nullptr, error);
  MPI_Bcast(sizes, 3, MPI_LMP_BIGINT, 0, world);
  std::vector<bigint> integers(sizes[1]);
  std::vector<double> reals(sizes[2]);
  if (comm->me == 0) {
    if (!integers.empty())
      utils::sfread(FLERR, integers.data(), sizeof(bigint), integers.size(), fp, nullptr, error);
    if (!reals.empty())
      utils::sfread(FLERR, reals.data(), sizeof(double), reals.size(), fp, nullptr, error);
  }
  MPI_Bcast(integers.data(), (int) sizes[1], MPI_LMP_BIGINT, 0, world);
  MPI_Bcast(reals.data(), (int) sizes[2], MPI_DOUBLE, 0, world);
  const bigint *integer = integers.data();
  const double *real = reals.data();
  for (bigint k = 0; k < sizes[0]; k++) {
    XTBRestart one;
    one.molecule = (tagint) *integer++;
    const bigint n = *integer++;
    for (bigint i = 0; i < n; i++) one.tags.push_back((tagint) *integer++);
    for (bigint i = 0; i < n; i++) one.numbers.push_back((int) *integer++);
    one.reference.assign(real, real + 3 * n);
    one.x_seen.assign(real + 3 * n, real + 6 * n);
    real += 6 * n;
    impl->restart.push_back(std::move(one));
  }
}
