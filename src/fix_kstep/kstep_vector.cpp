// The table of the vector: name, unit, meaning and value of each element.
#include "fix_kstep/kstep_vector.h"

#include "fix_kstep/kstep_cycle.h"

using namespace LAMMPS_NS;

using C = mlff::KstepCounters;

// a counter as it is

template <C::Entry entry> static double count(const KstepCycle &cycle)
{
  return cycle.counters[entry];
}

// an energy in the energy unit of the input

template <C::Entry entry> static double energy(const KstepCycle &cycle)
{
  return 1.0 / cycle.atoms.energy_unit * cycle.counters[entry];
}

// a mean or ratio of counters

template <double (C::*mean)() const> static double average(const KstepCycle &cycle)
{
  return (cycle.counters.*mean)();
}

// a comparison with velocity Verlet; its time step is not known before a run, and with segments no
// time passes

template <double (C::*gain)(double) const> static double compared(const KstepCycle &cycle)
{
  return cycle.dt_ps > 0.0 && !cycle.sampling.on() ? (cycle.counters.*gain)(cycle.dt_ps) : 0.0;
}

static double simulated(const KstepCycle &cycle)
{
  return cycle.counters[C::time] * (cycle.dt_ps > 0.0 ? cycle.dt / cycle.dt_ps : 1.0);
}

static double corrector(const KstepCycle &cycle)
{
  return cycle.corrector;
}

/* ---------------------------------------------------------------------- */

const std::vector<KstepElement> &LAMMPS_NS::kstep_vector()
{
  // clang-format off
  static const std::vector<KstepElement> table = {
      {"jumps", "", "jumps decided on, of each molecule, or of all where they go back together",
       count<C::jumps>},
      {"accepted", "", "jumps accepted", count<C::accepted>},
      {"not_finite", "", "jumps rejected: numbers that are not finite", count<C::not_finite>},
      {"range", "", "jumps rejected: outside of the training range", count<C::range>},
      {"bond", "", "jumps rejected: the length of a bond", count<C::bond>},
      {"energy", "", "jumps rejected: the potential or kinetic energy", count<C::energy>},
      {"drift", "", "jumps rejected: the total energy", count<C::drift>},
      {"metropolis", "", "jumps rejected: the test of Metropolis", count<C::metropolis>},
      {"fallback", "", "steps of velocity Verlet in the place of rejected jumps",
       count<C::fallback>},
      {"calls", "", "force calls", count<C::calls>},
      {"saved", "", "force calls saved against velocity Verlet with dt over the same time",
       compared<&C::calls_saved>},
      {"acceptance", "", "share of the jumps that were accepted", average<&C::acceptance>},
      {"model_time", "s", "time of one call of the model", average<&C::jump_seconds>},
      {"force_time", "s", "time of one force call, with neighbor lists and communication",
       average<&C::force_seconds>},
      {"speedup", "", "S, how many times as fast as velocity Verlet with dt",
       compared<&C::speedup>},
      {"change", "kT", "mean change of the total energy of a molecule in a jump, before rescaling",
       average<&C::mean_change>},
      {"change_rms", "kT", "root mean square change of the total energy of a molecule in a jump",
       average<&C::rms_change>},
      {"boltzmann", "", "mean of exp(-dE/kT)", average<&C::mean_boltzmann>},
      {"work", "energy", "energy that rescaling added", energy<C::work>},
      {"work_size", "energy", "energy that rescaling added, without signs", energy<C::work_size>},
      {"time", "time", "simulated time", simulated},
      {"corrector", "", "steps of the corrector now", corrector},
      {"fix_share", "", "share of the fix itself in the time of all steps",
       average<&C::fix_share>},
      {"paused", "", "steps without jumps because these did not pay (tune)", count<C::paused>},
  };
  // clang-format on
  return table;
}

/* ---------------------------------------------------------------------- */

const std::vector<KstepElement> &LAMMPS_NS::kstep_segments_vector()
{
  using Cycle = const KstepCycle;
  static const std::vector<KstepElement> table = {
      {"moves", "", "moves made; those of segments auto before its choice do not count",
       [](Cycle &c) {
         return c.sampling.total.moves;
       }},
      {"segments", "", "segments of a move now",
       [](Cycle &c) {
         return double(c.sampling.length.segments());
       }},
      {"weight", "",
       "a = min(1, exp(-D/kT)) of the last proposal; the place it left has 1 - a; mean over "
       "decisions",
       [](Cycle &c) {
         return c.sampling.weight;
       }},
      {"proposed", "energy", "potential energy of the last proposal, of all molecules",
       [](Cycle &c) {
         return c.sampling.proposed / c.atoms.energy_unit;
       }},
      {"identity", "", "mean of exp(-D/kT) over all proposals, 1 in theory",
       [](Cycle &c) {
         return c.sampling.total.boltzmann.mean();
       }},
      {"identity_error", "", "standard error of identity; infinite for less than eight proposals",
       [](Cycle &c) {
         return c.sampling.total.boltzmann.error();
       }},
      {"segment_acceptance", "", "share of the segments that were accepted",
       [](Cycle &c) {
         return c.sampling.total.segments.acceptance();
       }},
      {"segment_identity", "", "mean of exp(-d/kT) over all segments, near 1",
       [](Cycle &c) {
         return c.sampling.total.segments.boltzmann.mean();
       }},
      {"segment_identity_error", "", "standard error of segment_identity",
       [](Cycle &c) {
         return c.sampling.total.segments.boltzmann.error();
       }},
      {"exchanges", "", "share of the exchanges of a ladder that were accepted",
       [](Cycle &c) {
         return c.sampling.exchanges();
       }},
      {"student_seconds", "s", "time in the student", count<C::t_jump>},
      {"force_seconds", "s", "time in force calls, with neighbor lists and communication",
       count<C::t_force>},
  };
  return table;
}

const KstepElement LAMMPS_NS::kstep_temperature = {
    "temperature", "temperature",
    "of each element of the input in ascending atomic number, average over the current run",
    nullptr};
