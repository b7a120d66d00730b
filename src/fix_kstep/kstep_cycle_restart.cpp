// Cycles of fix kstep/hybrid in restart files.
#include "fix_kstep/kstep_cycle.h"

#include "comm.h"
#include "error.h"
#include "fix.h"

using namespace LAMMPS_NS;

/* ---------------------------------------------------------------------- */

std::vector<char> KstepCycle::pack() const
{
  mlff::KstepRestart r;
  r.student = settings.student;
  r.k = k;
  r.stride_ps = stride_ps;
  r.limit_temperature = limit_temperature;
  r.phase = schedule.phase;
  r.left = schedule.left;
  r.attempt = schedule.attempt;
  r.waiting = schedule.waiting;
  r.counters = counters;
  for (const auto &bond : atoms.bonds())
    r.bonds.push_back({(double) bond.i, (double) bond.j, bond.length});
  if (tuning) r.tuner = tuner.state();
  for (const auto &atom : atoms.memory.entries)
    r.atoms.push_back({(double) atom.tag, (double) atom.molecule, (double) atom.type, atom.mass,
                       atom.x[0], atom.x[1], atom.x[2]});
  r.random = random.state();
  r.seed = settings.seed;
  if (sampling.on()) r.segments = sampling.pack();
  return r.pack();
}

/* ---------------------------------------------------------------------- */

void KstepCycle::unpack(const char *data)
{
  mlff::KstepRestart r;
  if (r.unpack(data) == 0)
    error->all(FLERR, Error::NOLASTLINE,
               "Fix kstep/hybrid: the restart file is of a newer version of this fix");
  limit_temperature = r.limit_temperature;
  schedule.phase = (mlff::KstepSchedule::Phase) r.phase;
  schedule.left = r.left;
  schedule.attempt = r.attempt;
  schedule.waiting = r.waiting;
  counters = r.counters;
  std::vector<KstepAtoms::Bond> bonds;
  for (const auto &bond : r.bonds) bonds.push_back({(tagint) bond.i, (tagint) bond.j, bond.length});
  atoms.restore_bonds(bonds);
  atoms.memory.entries.clear();
  for (const auto &atom : r.atoms)
    atoms.memory.entries.push_back({(tagint) atom.tag,
                                    (tagint) atom.molecule,
                                    (int) atom.type,
                                    atom.mass,
                                    {atom.x, atom.y, atom.z}});
  tuner_state = r.tuner;

  // several chains that go on from one file must not all draw the same random numbers

  if (r.seed == 0 || settings.seed == 0 || r.seed == settings.seed)
    random.set_state(r.random);
  else if (comm->me == 0)
    utils::logmesg(lmp,
                   "Fix kstep/hybrid {}: the seed is {}, that of the restart file {}: random "
                   "numbers begin anew\n",
                   fix->id, settings.seed, r.seed);

  // a cycle of other jumps cannot go on

  const bool same = r.student == settings.student && (settings.k == 0 || r.k == settings.k);
  if (same) sampling.unpack(r.segments);
  if (sampling.on() && r.segments.empty()) schedule.begin_anew();
  if (!same) {
    if (comm->me == 0)
      error->warning(FLERR,
                     "Fix kstep/hybrid {}: the restart file is of jumps of {} steps, {} fs; a new "
                     "cycle begins",
                     fix->id, r.k, 1000.0 * r.stride_ps);
    schedule.begin_anew();
    tuner_state.clear();
  }
}
