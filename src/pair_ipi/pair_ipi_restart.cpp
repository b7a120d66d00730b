// Pair style ipi in restart files.
#include "pair_ipi.h"

#include "atom.h"
#include "comm.h"
#include "error.h"

#include "lammps_common/element_map.h"
#include "pair_ipi/ipi_impl.h"

using namespace LAMMPS_NS;

/* ---------------------------------------------------------------------- */

void PairIPI::write_restart(FILE *fp)
{
  write_restart_settings(fp);
  for (int t = 1; t <= atom->ntypes; t++) fwrite(&map[t], sizeof(int), 1, fp);
}

/* ---------------------------------------------------------------------- */

void PairIPI::read_restart(FILE *fp)
{
  read_restart_settings(fp);
  if (!allocated) allocate_types(lmp, setflag, cutsq, map);
  allocated = 1;
  const int ntypes = atom->ntypes;
  if (comm->me == 0) utils::sfread(FLERR, &map[1], sizeof(int), ntypes, fp, nullptr, error);
  MPI_Bcast(&map[1], ntypes, MPI_INT, 0, world);
  flag_mapped_types(lmp, "ipi", map, setflag);
}

/* ----------------------------------------------------------------------
   numbers, and words behind each other: command, address, files
------------------------------------------------------------------------- */

void PairIPI::write_restart_settings(FILE *fp)
{
  std::vector<std::string> words = {impl->client.command, impl->socket};
  for (const auto &file : impl->client.files) words.push_back(file);
  const double values[7] = {impl->client.timeout,     impl->form.box,
                            (double) impl->form.wrap, (double) impl->has_charge,
                            (double) impl->charge,    (double) impl->has_spin,
                            (double) impl->spin};
  fwrite(values, sizeof(double), 7, fp);
  const int count = (int) words.size();
  fwrite(&count, sizeof(int), 1, fp);
  for (const auto &word : words) {
    const int length = (int) word.size();
    fwrite(&length, sizeof(int), 1, fp);
    fwrite(word.data(), 1, word.size(), fp);
  }
}

/* ---------------------------------------------------------------------- */

void PairIPI::read_restart_settings(FILE *fp)
{
  *impl = IPIImpl();
  double values[7];
  if (comm->me == 0) utils::sfread(FLERR, values, sizeof(double), 7, fp, nullptr, error);
  MPI_Bcast(values, 7, MPI_DOUBLE, 0, world);
  impl->client.timeout = values[0];
  impl->form.box = values[1];
  impl->form.wrap = values[2] != 0.0;
  impl->has_charge = values[3] != 0.0;
  impl->charge = (int) values[4];
  impl->has_spin = values[5] != 0.0;
  impl->spin = (int) values[6];

  int count = 0;
  if (comm->me == 0) utils::sfread(FLERR, &count, sizeof(int), 1, fp, nullptr, error);
  MPI_Bcast(&count, 1, MPI_INT, 0, world);
  std::vector<std::string> words(count);
  for (auto &word : words) {
    int length = 0;
    if (comm->me == 0) utils::sfread(FLERR, &length, sizeof(int), 1, fp, nullptr, error);
    MPI_Bcast(&length, 1, MPI_INT, 0, world);
    word.resize(length);
    if (comm->me == 0 && length > 0)
      utils::sfread(FLERR, word.data(), 1, length, fp, nullptr, error);
    MPI_Bcast(word.data(), length, MPI_CHAR, 0, world);
  }
  impl->client.command = words[0];
  impl->socket = words[1];
  impl->client.address = mlff::ClientAddress::of(impl->socket);
  impl->client.files.assign(words.begin() + 2, words.end());
}
