/* ----------------------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#include "kstep_cycle.h"

#include "comm.h"
#include "error.h"
#include "fix.h"
#include "force.h"
#include "neighbor.h"
#include "pair.h"
#include "update.h"

#include "kstep_conservation.h"
#include "state_error.h"
#include "units.h"

#include <algorithm>
#include <cmath>

using namespace LAMMPS_NS;
using mlff::KstepCounters;
using mlff::KstepVerdict;

/* ---------------------------------------------------------------------- */

KstepCycle::KstepCycle(LAMMPS *lmp, Fix *fix, int narg, char **arg) :
    Pointers(lmp), settings(lmp, narg, arg), atoms(lmp, fix->groupbit), energy(lmp, fix),
    thermostat(settings.temperature, 0.0), fix(fix), random(settings.seed), guard({}, nullptr, 0.0)
{
}

/* ---------------------------------------------------------------------- */

void KstepCycle::choose_corrector()
{
  if (tuning) return;
  const auto &s = settings;
  corrector = s.corrector >= 0 ? s.corrector
      : s.fraction >= 0.0      ? (int) std::lround(s.fraction * k)
      : s.metropolis           ? 0
                               : 1;
  tuner = mlff::KstepTuner(corrector, dt_ps);
  if (s.tune && tuner.set_state(tuner_state)) corrector = tuner.corrector();
  tuner_state.clear();
  tuning = s.tune;
  if (!tuning && phase == CORRECT && left > corrector) phase = AT_JUMP;
}

/* ---------------------------------------------------------------------- */

void KstepCycle::only_correct()
{
  phase = CORRECT;
  k = corrector = left = 1;
  T = dt_ps;
}

/* ----------------------------------------------------------------------
   before a run: forces are known
------------------------------------------------------------------------- */

void KstepCycle::setup()
{
  const auto &molecules = atoms.molecules;
  const auto &s = settings;
  if (atoms.find(s.potential, s.words)) {
    temperatures = mlff::KstepTemperatures(molecules);
    if (comm->me == 0)
      utils::logmesg(lmp, "Fix kstep/hybrid: {} atoms in {} {}, {} bonds\n", molecules.n_atoms(),
                     molecules.n_molecules(),
                     molecules.n_molecules() == 1 ? "molecule" : "molecules",
                     molecules.bonds.size());
  }
  if ((int) waiting.size() != molecules.n_molecules()) waiting.clear();
  together = false;
  atoms.gather(state);
  landing.resize(molecules.n_atoms());
  int dim = 0;
  nan_on_failure = force->pair ? (int *) force->pair->extract("nan_on_failure", dim) : nullptr;
  check_jump();

  // limits want a temperature

  double temperature = s.limit_temperature > 0.0 ? s.limit_temperature : thermostat.temperature;
  if (!(temperature > 0.0)) {
    if (!(limit_T > 0.0)) {
      double sum = 0.0;
      for (int m = 0; m < molecules.n_molecules(); m++)
        sum += mlff::kinetic_energy(molecules, m, state.v);
      limit_T = sum / (1.5 * molecules.n_atoms() * mlff::boltzmann);
    }
    temperature = limit_T;
    if (!(temperature > 0.0))
      error->all(FLERR, Error::NOLASTLINE,
                 "Fix kstep/hybrid needs a temperature for its limits, but there is no thermostat "
                 "and nothing moves; use the keyword langevin, temp, or the command velocity");
  }
  limit_T = temperature;
  guard = mlff::KstepGuard(s.metropolis ? mlff::KstepLimits() : s.limits,
                           s.potential.is_jump() ? &s.potential.jump : nullptr,
                           mlff::boltzmann * limit_T);
  energy.find(atoms, potential);
  temperatures.reset();
  energy.request(update->ntimestep + 1, atoms);
}

/* ----------------------------------------------------------------------
   what would reject every jump ends the run before it begins
------------------------------------------------------------------------- */

void KstepCycle::check_jump()
{
  if (!jump) return;
  try {
    jump->check(atoms.molecules, state);
  } catch (mlff::EngineError &e) {
    error->all(FLERR, Error::NOLASTLINE,
               "Fix kstep/hybrid: '{}' makes no jumps of these molecules: {}", settings.file,
               e.what());
  }
}

/* ---------------------------------------------------------------------- */

void KstepCycle::set_temperature(double value)
{
  thermostat.temperature = value;
  if (settings.limit_temperature > 0.0) return;
  limit_T = value;
  guard.set_kT(mlff::boltzmann * value);
}

/* ---------------------------------------------------------------------- */

KstepCycle::Step KstepCycle::begin()
{
  atoms.update();
  if (phase == AT_JUMP && start_jump())
    step = JUMP;
  else if (phase == AT_JUMP)
    step = NOTHING;
  else {
    // also where a jump has just been given up
    step = VERLET;
    if (phase == CORRECT) half_thermostat(dt_ps);
  }
  return step;
}

/* ---------------------------------------------------------------------- */

const std::vector<int> &KstepCycle::movers()
{
  if (waiting.empty()) return atoms.local;
  const auto &molecules = atoms.molecules;
  moving.clear();
  for (int m = 0; m < molecules.n_molecules(); m++)
    if (!waiting[m])
      moving.insert(moving.end(), atoms.local.begin() + molecules.first_atom[m],
                    atoms.local.begin() + molecules.first_atom[m + 1]);
  return moving;
}

/* ----------------------------------------------------------------------
   half of the thermostat of a stride of `time` ps
------------------------------------------------------------------------- */

void KstepCycle::half_thermostat(double time)
{
  if (!(thermostat.friction > 0.0)) return;
  atoms.gather_velocities(state);
  counters[KstepCounters::added] += thermostat.half_step(atoms.molecules, time, state.v, random);
  atoms.put_velocities(state);
}

/* ----------------------------------------------------------------------
   the state after a jump, by the model; false where it has no answer
------------------------------------------------------------------------- */

bool KstepCycle::propose()
{
  bool proposed = true;
  const double begin = clock();
  try {
    jump->propose(atoms.molecules, state, landing);
  } catch (mlff::StateError &) {
    proposed = false;
  } catch (mlff::EngineError &e) {
    error->one(FLERR, Error::NOLASTLINE,
               "Fix kstep/hybrid on timestep {}: '{}' makes no jumps of these molecules: {}",
               update->ntimestep, settings.file, e.what());
  }
  counters[KstepCounters::t_jump] += clock() - begin;
  counters[KstepCounters::proposals]++;
  if (attempt > 0) {
    const double share = std::pow(settings.scale, attempt);
    for (std::size_t n = 0; n < landing.x.size(); n++) {
      landing.x[n] = state.x[n] + share * (landing.x[n] - state.x[n]);
      landing.v[n] = state.v[n] + share * (landing.v[n] - state.v[n]);
    }
  }
  return proposed;
}

/* ----------------------------------------------------------------------
   thermostat, proposal of the model, checks of the way there; moves the
   molecules that pass. False where none does, and nothing was moved.
------------------------------------------------------------------------- */

bool KstepCycle::start_jump()
{
  const auto &molecules = atoms.molecules;
  const int nm = molecules.n_molecules();

  if (attempt == 0) half_thermostat(T);
  atoms.gather(state);
  atoms.save();
  kinetic.resize(nm);
  for (int m = 0; m < nm; m++) kinetic[m] = mlff::kinetic_energy(molecules, m, state.v);
  together = !settings.metropolis && (together || settings.attempts > 1);

  while (true) {
    const bool proposed = propose();
    verdicts.assign(nm, KstepVerdict::not_finite);
    if (proposed)
      for (int m = 0; m < nm; m++) verdicts[m] = guard.check_way(molecules, m, state, landing, T);
    moved.assign(nm, 0);
    int n_moved = 0;
    for (int m = 0; m < nm; m++) n_moved += moved[m] = verdicts[m] == KstepVerdict::accepted;
    if (settings.metropolis || n_moved == nm || (n_moved > 0 && !together)) break;
    std::vector<char> accepted(nm, 0);
    judge(accepted);
    counters[KstepCounters::spared]++;
    if (together && ++attempt < settings.attempts) continue;
    give_up_jump(accepted);
    return false;
  }

  energy.save();
  for (int m = 0; m < nm; m++)
    if (moved[m]) atoms.move(state, landing, m);
  if (nan_on_failure) *nan_on_failure = 1;

  // a jump may move atoms further than settings for plain dynamics foresee

  if (neighbor->every > 1 || neighbor->delay > 0) fix->next_reneighbor = update->ntimestep;
  return true;
}

/* ----------------------------------------------------------------------
   counts verdicts; where molecules go back together, one for all of them
------------------------------------------------------------------------- */

void KstepCycle::judge(std::vector<char> &accepted)
{
  KstepVerdict worst = KstepVerdict::accepted;
  for (std::size_t m = 0; m < verdicts.size(); m++) {
    accepted[m] = verdicts[m] == KstepVerdict::accepted;
    if (!accepted[m]) worst = verdicts[m];
    if (!together) counters.count(verdicts[m]);
  }
  if (!together) return;
  counters.count(worst);
  if (worst != KstepVerdict::accepted) std::fill(accepted.begin(), accepted.end(), 0);
}

/* ----------------------------------------------------------------------
   no attempt is left: those that did not arrive make velocity Verlet over
   the same time, or nothing
------------------------------------------------------------------------- */

void KstepCycle::give_up_jump(const std::vector<char> &accepted)
{
  attempt = 0;
  if (settings.fallback) {
    phase = FALLBACK;
    left = k;
    waiting.clear();
    if (std::count(accepted.begin(), accepted.end(), 1) > 0) waiting = accepted;
  } else
    end_cycle(false);
}

/* ----------------------------------------------------------------------
   after a jump, or what took its place: its second half of the thermostat,
   then the corrector
------------------------------------------------------------------------- */

void KstepCycle::end_cycle(bool corrected)
{
  waiting.clear();
  if (!corrected) half_thermostat(T);
  const bool more = (!corrected && corrector > 0) || settings.only_corrector;
  phase = more ? CORRECT : AT_JUMP;
  left = more ? corrector : 0;
  attempt = 0;
  if (more || !settings.tune) return;

  const auto choice = tuner.update(counters);
  corrector = choice.corrector;
  if (choice.pause == 0) return;
  phase = CORRECT;
  left = choice.pause;
  counters[KstepCounters::paused] += choice.pause;
}

/* ---------------------------------------------------------------------- */

double KstepCycle::finish()
{
  atoms.update();
  if (step == JUMP) return finish_jump();
  double passed = 0.0;
  if (step == VERLET) {
    const auto arrived = (double) std::count(waiting.begin(), waiting.end(), 1);
    passed = dt_ps * (1.0 - arrived / atoms.molecules.n_molecules());
    counters[KstepCounters::time] += passed;
    if (phase == CORRECT) half_thermostat(dt_ps);
    if (phase == FALLBACK) counters[KstepCounters::fallback]++;
    if (--left == 0) end_cycle(phase == CORRECT);
  }
  energy.find(atoms, potential);
  atoms.gather(state);
  return passed;
}

/* ----------------------------------------------------------------------
   forces and energies of the landing are known: take it or go back
------------------------------------------------------------------------- */

double KstepCycle::finish_jump()
{
  const auto &molecules = atoms.molecules;
  const int nm = molecules.n_molecules();
  const double kT = mlff::boltzmann * limit_T;

  if (nan_on_failure) *nan_on_failure = 0;
  atoms.gather(landing);
  energy.find(atoms, landed);

  for (int m = 0; m < nm; m++) {
    const double chance = settings.metropolis ? random.uniform() : 0.0;
    if (!moved[m]) continue;
    const mlff::KstepEnergies energies{potential[m], kinetic[m], landed[m],
                                       mlff::kinetic_energy(molecules, m, landing.v)};
    counters.count_energy(energies.change() / kT);
    verdicts[m] = guard.check_landing(molecules, m, landing);
    if (verdicts[m] == KstepVerdict::accepted)
      verdicts[m] = guard.check_energies(molecules, m, energies);
    if (settings.metropolis && verdicts[m] == KstepVerdict::accepted &&
        !(chance < std::exp(-energies.change() / kT)))
      verdicts[m] = KstepVerdict::metropolis;
  }
  std::vector<char> accepted(nm, 0);
  judge(accepted);

  double gain = 0.0, share = 0.0;
  for (int m = 0; m < nm; m++) {
    if (accepted[m]) {
      share += 1.0 / nm;
      gain += conserve(m);
    } else if (settings.metropolis)
      atoms.restore_flipped(m);
    else
      atoms.restore(m);
  }
  const bool all = std::count(accepted.begin(), accepted.end(), 1) == nm;
  if (!all) {
    energy.restore(gain, atoms);
    fix->next_reneighbor = update->ntimestep + 1;
  }
  counters[KstepCounters::time] += share * T;

  if (all || settings.metropolis)
    end_cycle(false);
  else if (!together || ++attempt >= settings.attempts)
    give_up_jump(accepted);
  atoms.gather(state);
  return share * T;
}

/* ----------------------------------------------------------------------
   an accepted molecule: its energy kept, and what it did not keep counted.
   Returns the change of the potential energy.
------------------------------------------------------------------------- */

double KstepCycle::conserve(int m)
{
  const auto &molecules = atoms.molecules;
  const double before = potential[m] + kinetic[m], gain = landed[m] - potential[m];
  double now = mlff::kinetic_energy(molecules, m, landing.v);
  if (settings.conserve && !settings.metropolis) {
    const double unscaled = now;
    mlff::rescale_internal(molecules, m, landing.x, landing.v, before - landed[m] - unscaled);
    now = mlff::kinetic_energy(molecules, m, landing.v);
    counters[KstepCounters::rescaled]++;
    counters[KstepCounters::work] += now - unscaled;
    counters[KstepCounters::work_size] += std::abs(now - unscaled);
    atoms.put_velocities(landing, m);
  }
  counters[KstepCounters::added] += landed[m] + now - before;
  potential[m] = landed[m];
  return gain;
}

/* ---------------------------------------------------------------------- */

double KstepCycle::clock() const
{
  return settings.timing ? platform::walltime() : 0.0;
}

/* ---------------------------------------------------------------------- */

std::vector<char> KstepCycle::pack() const
{
  mlff::KstepRestart r;
  r.student = settings.student;
  r.k = k;
  r.T = T;
  r.limit_temperature = limit_T;
  r.phase = phase;
  r.left = left;
  r.attempt = attempt;
  r.waiting = waiting;
  r.counters = counters;
  for (const auto &bond : atoms.bonds())
    r.bonds.push_back({(double) bond.i, (double) bond.j, bond.length});
  if (tuning) r.tuner = tuner.state();
  r.random = random.state();
  return r.pack();
}

/* ---------------------------------------------------------------------- */

void KstepCycle::unpack(const char *data)
{
  mlff::KstepRestart r;
  if (r.unpack(data) == 0)
    error->all(FLERR, Error::NOLASTLINE,
               "Fix kstep/hybrid: the restart file is of a newer version of this fix");
  limit_T = r.limit_temperature;
  phase = (Phase) r.phase;
  left = r.left;
  attempt = r.attempt;
  waiting = r.waiting;
  counters = r.counters;
  std::vector<KstepAtoms::Bond> bonds;
  for (const auto &bond : r.bonds) bonds.push_back({(tagint) bond.i, (tagint) bond.j, bond.length});
  atoms.keep_bonds(bonds);
  random.set_state(r.random);
  tuner_state = r.tuner;

  // a cycle of other jumps cannot go on

  if (r.student != settings.student || (settings.k > 0 && r.k != settings.k)) {
    if (comm->me == 0)
      error->warning(FLERR,
                     "Fix kstep/hybrid {}: the restart file is of jumps of {} steps, {} fs; a new "
                     "cycle begins",
                     fix->id, r.k, 1000.0 * r.T);
    phase = AT_JUMP;
    left = attempt = 0;
    waiting.clear();
    tuner_state.clear();
  }
}

/* ---------------------------------------------------------------------- */

double KstepCycle::memory_usage() const
{
  return atoms.molecules.n_atoms() * (18.0 * sizeof(double) + sizeof(tagint) + sizeof(imageint));
}
