// Warnings about atoms: what is found, gathered from all ranks, named once and summed up.
#include "lammps_common/atom_warnings.h"

#include "atom.h"
#include "comm.h"
#include "error.h"
#include "update.h"

#include <algorithm>
#include <cmath>
#include <cstring>

using namespace LAMMPS_NS;

/* ---------------------------------------------------------------------- */

void AtomWarnings::start_run()
{
  for (int kind = 0; kind < NKINDS; kind++) {
    entries[kind].clear();
    named[kind].clear();
    count[kind] = 0;
  }
  messages = 0;
}

/* ---------------------------------------------------------------------- */

void AtomWarnings::check_spread(const std::vector<int> &atoms, const std::vector<double> &spread,
                                double threshold)
{
  for (const int i : atoms)
    if (spread[i] > threshold) add(SPREAD, i, spread[i], threshold);
}

/* ---------------------------------------------------------------------- */

void AtomWarnings::check_range(const std::vector<int> &atoms, const mlff::Graph &graph,
                               const double *force, const std::vector<mlff::TrainingRange> &range,
                               double scale)
{
  for (std::size_t c = 0; c < atoms.size(); c++) {
    double nearest = HUGE_VAL;
    for (int e = graph.first_edge[c]; e < graph.first_edge[c + 1]; e++) {
      const double *r = &graph.r[3 * (std::size_t) e];
      nearest = std::min(nearest, r[0] * r[0] + r[1] * r[1] + r[2] * r[2]);
    }
    const double *f = &force[3 * c];
    const double square = f[0] * f[0] + f[1] * f[1] + f[2] * f[2];

    const auto &trained = range[graph.species[c]];
    const double closest = 0.9 * trained.nearest, largest = 1.5 * scale * trained.force;
    if (nearest < closest * closest) add(NEAREST, atoms[c], std::sqrt(nearest), trained.nearest);
    if (square > largest * largest) add(FORCE, atoms[c], std::sqrt(square), scale * trained.force);
  }
}

/* ---------------------------------------------------------------------- */

void AtomWarnings::add(Kind kind, int i, double value, double limit)
{
  const tagint id = atom->tag_enable ? atom->tag[i] : 0;
  const Entry entry{id, update->ntimestep, value, limit};
  if (count[kind]++ == 0 || worse(kind, entry, worst[kind])) worst[kind] = entry;
  if (messages < max_messages && !named[kind].count(id)) entries[kind].push_back(entry);
}

/* ----------------------------------------------------------------------
   how far the value is beyond its limit; equal ones by ID, so that the
   order does not depend on ranks
------------------------------------------------------------------------- */

bool AtomWarnings::worse(Kind kind, const Entry &a, const Entry &b)
{
  const double excess_a = kind == NEAREST ? a.limit / a.value : a.value / a.limit;
  const double excess_b = kind == NEAREST ? b.limit / b.value : b.value / b.limit;
  if (excess_a != excess_b) return excess_a > excess_b;
  return a.id < b.id || (a.id == b.id && a.step < b.step);
}

/* ---------------------------------------------------------------------- */

void AtomWarnings::report()
{
  if (messages >= max_messages) return;
  int found[NKINDS];
  for (int kind = 0; kind < NKINDS; kind++) found[kind] = entries[kind].empty() ? 0 : 1;
  if (comm->nprocs > 1) MPI_Allreduce(MPI_IN_PLACE, found, NKINDS, MPI_INT, MPI_MAX, world);

  for (int kind = 0; kind < NKINDS; kind++) {
    if (found[kind] && messages < max_messages) {
      auto all = gather(entries[kind]);
      for (const auto &entry : all) named[kind].insert(entry.id);
      messages++;
      std::string text = message((Kind) kind, all);
      if (messages == max_messages) text += "; more of this run are only counted";
      if (comm->me == 0) error->warning(FLERR, text);
    }
    entries[kind].clear();
  }
}

/* ----------------------------------------------------------------------
   entries of all ranks, on all ranks
------------------------------------------------------------------------- */

std::vector<AtomWarnings::Entry> AtomWarnings::gather(std::vector<Entry> &local) const
{
  if (comm->nprocs == 1) return local;
  const int bytes = (int) (local.size() * sizeof(Entry));
  std::vector<int> sizes(comm->nprocs), first(comm->nprocs, 0);
  MPI_Allgather(&bytes, 1, MPI_INT, sizes.data(), 1, MPI_INT, world);
  for (int rank = 1; rank < comm->nprocs; rank++) first[rank] = first[rank - 1] + sizes[rank - 1];
  std::vector<Entry> all((first.back() + sizes.back()) / sizeof(Entry));
  MPI_Allgatherv(local.data(), bytes, MPI_BYTE, all.data(), sizes.data(), first.data(), MPI_BYTE,
                 world);
  return all;
}

/* ---------------------------------------------------------------------- */

std::string AtomWarnings::name(const Entry &entry) const
{
  return entry.id > 0 ? std::to_string(entry.id) : "without ID";
}

/* ---------------------------------------------------------------------- */

std::string AtomWarnings::message(Kind kind, std::vector<Entry> &all) const
{
  std::sort(all.begin(), all.end(), [kind](const Entry &a, const Entry &b) {
    return worse(kind, a, b);
  });
  const bool metal = strcmp(update->unit_style, "metal") == 0;
  const char *force_unit = metal ? "eV/Angstrom" : "kcal/mol/Angstrom";

  std::string text = fmt::format("Pair style mlff on timestep {}: ", update->ntimestep);
  if (kind == SPREAD)
    text += fmt::format("the forces of the potentials are apart by more than {:.6g} {} on",
                        all.front().limit, force_unit);
  else if (kind == NEAREST)
    text +=
        "neighbors nearer than 0.9 times the shortest distance in the training data (Angstrom) of";
  else
    text +=
        fmt::format("forces above 1.5 times the largest in the training data ({}) on", force_unit);
  text += all.size() == 1 ? " atom" : fmt::format(" {} atoms:", all.size());
  for (std::size_t k = 0; k < all.size() && k < max_named; k++) {
    text += (k ? ", " : " ") + name(all[k]);
    if (kind == SPREAD)
      text += fmt::format(" ({:.4g})", all[k].value);
    else
      text += fmt::format(" ({:.4g}, training {:.4g})", all[k].value, all[k].limit);
  }
  if (all.size() > max_named) text += fmt::format(" and {} more", all.size() - max_named);
  return text;
}

/* ---------------------------------------------------------------------- */

void AtomWarnings::end_run()
{
  bigint total[NKINDS];
  MPI_Allreduce(count, total, NKINDS, MPI_LMP_BIGINT, MPI_SUM, world);
  const char *what[NKINDS] = {"the spread of the forces was above the threshold",
                              "a neighbor was nearer than the training data allow",
                              "a force was larger than the training data allow"};
  for (int kind = 0; kind < NKINDS; kind++) {
    if (total[kind] == 0) continue;
    std::vector<Entry> local;
    if (count[kind]) local.push_back(worst[kind]);
    const auto all = gather(local);
    const auto entry =
        *std::min_element(all.begin(), all.end(), [kind](const Entry &a, const Entry &b) {
          return worse((Kind) kind, a, b);
        });
    if (comm->me == 0)
      error->warning(
          FLERR,
          "Pair style mlff in this run: {} {} times (atoms times steps), most on timestep "
          "{} for atom {} ({:.4g})",
          what[kind], total[kind], entry.step, name(entry), entry.value);
  }
  start_run();
}
