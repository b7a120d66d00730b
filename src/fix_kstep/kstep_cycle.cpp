/* ----------------------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#include "fix_kstep/kstep_cycle.h"

#include "comm.h"
#include "error.h"
#include "fix.h"
#include "force.h"
#include "neighbor.h"
#include "pair.h"
#include "update.h"

#include "core/errors.h"
#include "core/units.h"
#include "kstep/kstep_conservation.h"

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
  const auto found = atoms.find(s.potential, s.words, jump && !s.student);
  if (!found.change.empty()) begin_anew(found.change);
  if (found.anew) {
    temperatures = mlff::KstepTemperatures(molecules);
    const std::string text = fmt::format(
        "{} atoms in {} {}, {} bonds", molecules.n_atoms(), molecules.n_molecules(),
        molecules.n_molecules() == 1 ? "molecule" : "molecules", molecules.bonds.size());
    if (comm->me == 0 && text != described) utils::logmesg(lmp, "Fix kstep/hybrid: {}\n", text);
    described = text;
  }
  if ((int) waiting.size() != molecules.n_molecules()) waiting.clear();
  together = false;
  fresh = true;
  atoms.gather(state);
  atoms.remember(state);
  landing.resize(molecules.n_atoms());
  nan_on_failure.clear();
  for (Pair *pair : energy.pairs()) {
    int dim = 0;
    if (auto *flag = (int *) pair->extract("nan_on_failure", dim)) nan_on_failure.push_back(flag);
  }
  check_jump();

  // limits want a temperature, and the test of Metropolis that of the thermostat

  double temperature = s.limit_temperature > 0.0 ? s.limit_temperature : thermostat.temperature;
  if (s.metropolis) {
    const double kept = energy.fixes.temperature(thermostat.temperature);
    if (kept > 0.0) temperature = kept;
  }
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
  energy.together = false;
  if (molecules.n_molecules() > 1) {
    decide_together(energy.shared());
    if (!energy.together)
      decide_together(energy.missing(mlff::boltzmann * limit_T / atoms.energy_unit));
  }
  energy.find(atoms, potential);
  temperatures.reset();
  energy.request(update->ntimestep + 1, atoms);
}

/* ----------------------------------------------------------------------
   atoms are others than in the run before
------------------------------------------------------------------------- */

void KstepCycle::begin_anew(const std::string &change)
{
  if (comm->me == 0 && counters[KstepCounters::calls] > 0.0)
    utils::logmesg(lmp,
                   "Fix kstep/hybrid since its last step: {}; molecules are found again, and a new "
                   "cycle begins\n",
                   change);
  waiting.clear();
  attempt = left = 0;
  phase = AT_JUMP;
  if (settings.only_corrector) only_correct();
}

/* ---------------------------------------------------------------------- */

KstepFixes::Kind KstepCycle::kind() const
{
  return settings.only_corrector ? KstepFixes::CORRECTOR
      : settings.metropolis      ? KstepFixes::METROPOLIS
                                 : KstepFixes::JUMPS;
}

/* ---------------------------------------------------------------------- */

bool KstepCycle::molecules_alone() const
{
  const auto pairs = energy.pairs();
  return !pairs.empty() && std::all_of(pairs.begin(), pairs.end(), [](Pair *pair) {
    int dim = 0;
    const auto alone = (int *) pair->extract("molecules_alone", dim);
    return alone && *alone;
  });
}

/* ----------------------------------------------------------------------
   until the next run: jumps of all molecules are accepted or rejected at
   once, by the energy of all there is
------------------------------------------------------------------------- */

void KstepCycle::decide_together(const std::string &why)
{
  if (why.empty() || energy.together || atoms.molecules.n_molecules() == 1) return;
  together = energy.together = true;
  if (comm->me == 0 && jump && why != told)
    error->warning(FLERR,
                   "Fix kstep/hybrid accepts or rejects the jumps of all {} molecules together, by "
                   "the energy of all: {}",
                   atoms.molecules.n_molecules(), why);
  told = why;
  energy.find(atoms, potential);
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
  if (settings.limit_temperature > 0.0 && !settings.metropolis) return;
  limit_T = value;
  guard.set_kT(mlff::boltzmann * value);
}

/* ---------------------------------------------------------------------- */

KstepCycle::Step KstepCycle::begin()
{
  atoms.update();
  check_step();
  if (phase == AT_JUMP && start_jump())
    step = JUMP;
  else if (phase == AT_JUMP)
    step = NOTHING;
  else {
    // also where a jump has just been given up
    step = VERLET;
    check_places();
    if (phase == CORRECT) half_thermostat(dt_ps);
  }
  return step;
}

/* ----------------------------------------------------------------------
   what is remembered is of the end of the last step: it must still be so
------------------------------------------------------------------------- */

void KstepCycle::check_step()
{
  if (update->dt != dt)
    error->one(FLERR, Error::NOLASTLINE,
               "Fix kstep/hybrid on timestep {}: the time step is {}, but it was {} when the run "
               "began; it must not change during a run",
               update->ntimestep, update->dt, dt);
  refuse_change(atoms.change());
  if (!fresh) return;

  // fixes that were set up after this one have added their energies by now

  fresh = false;
  energy.fixes.check_energies(kind());
  if (potential.size() == 1) energy.find(atoms, potential);
}

/* ----------------------------------------------------------------------
   only this fix may move atoms; where no field is, a box of molecules may
   be moved as a whole
------------------------------------------------------------------------- */

void KstepCycle::check_places()
{
  refuse_change(atoms.motion(energy.fixes.have_energies()));
}

/* ---------------------------------------------------------------------- */

void KstepCycle::refuse_change(const std::string &change)
{
  if (change.empty()) return;
  error->one(
      FLERR, Error::NOLASTLINE,
      "Fix kstep/hybrid on timestep {}: {} since the last step, by a command or fix that "
      "does not go with it; commands that change atoms must come before a run with 'pre yes'",
      update->ntimestep, change);
}

/* ----------------------------------------------------------------------
   the temperature of the thermostat may change from step to step
------------------------------------------------------------------------- */

void KstepCycle::follow_temperature()
{
  if (!settings.metropolis) return;
  const double kept = energy.fixes.temperature(thermostat.temperature);
  if (!(kept > 0.0) || kept == limit_T) return;
  limit_T = kept;
  guard.set_kT(mlff::boltzmann * limit_T);
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

  follow_temperature();
  if (attempt == 0) half_thermostat(T);
  atoms.gather(state);
  atoms.save();
  kinetic.resize(nm);
  for (int m = 0; m < nm; m++) kinetic[m] = mlff::kinetic_energy(molecules, m, state.v);
  together = energy.together || (!settings.metropolis && (together || settings.attempts > 1));

  while (true) {
    const bool proposed = propose();
    check_places();
    verdicts.assign(nm, KstepVerdict::not_finite);
    if (proposed)
      for (int m = 0; m < nm; m++) verdicts[m] = guard.check_way(molecules, m, state, landing, T);
    moved.assign(nm, 0);
    int n_moved = 0;
    for (int m = 0; m < nm; m++) n_moved += moved[m] = verdicts[m] == KstepVerdict::accepted;
    if (settings.metropolis && together && n_moved < nm) moved.assign(nm, 0);
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
  for (int *flag : nan_on_failure) *flag = 1;

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
  atoms.remember(state);
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

  for (int *flag : nan_on_failure) *flag = 0;
  atoms.gather(landing);
  energy.find(atoms, landed);

  // parts: each molecule, or all together

  const int n_parts = (int) potential.size(), size = nm / n_parts;
  for (int part = 0; part < n_parts; part++) {
    const int first = part * size, last = first + size;
    const double chance = settings.metropolis ? random.uniform() : 0.0;
    if (std::count(moved.begin() + first, moved.begin() + last, 1) < size) continue;
    mlff::KstepEnergies energies{potential[part], 0.0, landed[part], 0.0};
    KstepVerdict verdict = KstepVerdict::accepted;
    for (int m = first; m < last; m++) {
      energies.kinetic_before += kinetic[m];
      energies.kinetic_after += mlff::kinetic_energy(molecules, m, landing.v);
      verdicts[m] = guard.check_landing(molecules, m, landing);
      if (verdicts[m] != KstepVerdict::accepted) verdict = verdicts[m];
    }
    counters.count_energy(energies.change() / kT);
    if (verdict == KstepVerdict::accepted)
      verdict =
          guard.check_energies(molecules.first_atom[last] - molecules.first_atom[first], energies);
    if (settings.metropolis && verdict == KstepVerdict::accepted &&
        !(chance < std::exp(-energies.change() / kT)))
      verdict = KstepVerdict::metropolis;
    std::fill(verdicts.begin() + first, verdicts.begin() + last, verdict);
  }
  std::vector<char> accepted(nm, 0);
  judge(accepted);

  double gain = 0.0, share = 0.0;
  for (int m = 0; m < nm; m++) {
    if (accepted[m])
      share += 1.0 / nm;
    else if (settings.metropolis)
      atoms.restore_flipped(m);
    else
      atoms.restore(m);
  }
  for (int part = 0; part < n_parts; part++)
    if (accepted[part * size]) gain += conserve(part, part * size, (part + 1) * size);
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
  atoms.remember(state);
  return share * T;
}

/* ----------------------------------------------------------------------
   molecules that were accepted together: their energy kept, and what they
   did not keep counted. Returns the change of the potential energy.
------------------------------------------------------------------------- */

double KstepCycle::conserve(int part, int first, int last)
{
  const auto &molecules = atoms.molecules;
  const auto total_kinetic = [&] {
    double sum = 0.0;
    for (int m = first; m < last; m++) sum += mlff::kinetic_energy(molecules, m, landing.v);
    return sum;
  };
  double before = potential[part], now = total_kinetic();
  for (int m = first; m < last; m++) before += kinetic[m];
  const double gain = landed[part] - potential[part];
  if (settings.conserve && !settings.metropolis) {
    const double unscaled = now, change = before - landed[part] - unscaled;
    for (int m = first; m < last; m++) {
      const double share = last - first > 1 && unscaled > 0.0
          ? mlff::kinetic_energy(molecules, m, landing.v) / unscaled
          : 1.0;
      mlff::rescale_internal(molecules, m, landing.x, landing.v, share * change);
    }
    now = total_kinetic();
    counters[KstepCounters::rescaled]++;
    counters[KstepCounters::work] += now - unscaled;
    counters[KstepCounters::work_size] += std::abs(now - unscaled);
    for (int m = first; m < last; m++) atoms.put_velocities(landing, m);
  }
  counters[KstepCounters::added] += landed[part] + now - before;
  potential[part] = landed[part];
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
  for (const auto &one : atoms.remembered())
    r.atoms.push_back({(double) one.tag, (double) one.molecule, (double) one.type, one.mass,
                       one.x[0], one.x[1], one.x[2]});
  r.random = random.state();
  r.seed = settings.seed;
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
  std::vector<KstepAtoms::Seen> seen;
  for (const auto &one : r.atoms)
    seen.push_back(
        {(tagint) one.tag, (tagint) one.molecule, (int) one.type, one.mass, {one.x, one.y, one.z}});
  atoms.keep_seen(seen);
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
