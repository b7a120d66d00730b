// Steps of a cycle: thermostat, jump, checks, restoration, corrector.
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
#include "models/jump/jump_record.h"
#include "potential/model_kind.h"

#include <algorithm>
#include <cmath>

using namespace LAMMPS_NS;
using mlff::KstepCounters;
using mlff::KstepSchedule;

/* ---------------------------------------------------------------------- */

KstepCycle::KstepCycle(LAMMPS *lmp, Fix *fix, int narg, char **arg) :
    Pointers(lmp), settings(lmp, narg, arg), atoms(lmp, fix->groupbit), energy(lmp, fix),
    thermostat(settings.temperature, 0.0), sampling(lmp, settings, random), fix(fix),
    random(settings.seed), guard({}, nullptr, 0.0)
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
  if (!tuning && schedule.phase == KstepSchedule::correct && schedule.left > corrector)
    schedule.phase = KstepSchedule::at_jump;
}

/* ---------------------------------------------------------------------- */

void KstepCycle::only_correct()
{
  schedule.phase = KstepSchedule::correct;
  k = corrector = schedule.left = 1;
  stride_ps = dt_ps;
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
    describe();
  }
  if ((int) schedule.waiting.size() != molecules.n_molecules()) schedule.waiting.clear();
  decision.metropolis = s.metropolis;
  decision.together = false;
  fresh = true;
  atoms.gather(state);
  atoms.remember(state);
  landing.resize(molecules.n_atoms());
  sampling.setup();
  nan_on_failure.clear();
  for (Pair *pair : energy.pairs()) {
    int dim = 0;
    if (auto *flag = (int *) pair->extract("nan_on_failure", dim)) nan_on_failure.push_back(flag);
  }
  check_jump();
  limit_temperature = run_temperature();
  guard =
      mlff::KstepGuard(s.metropolis ? mlff::KstepLimits() : s.limits,
                       s.potential.kind().gives_jumps ? &mlff::jump_record(s.potential) : nullptr,
                       mlff::boltzmann * limit_temperature);
  energy.together = false;
  if (molecules.n_molecules() > 1) {
    decide_together(energy.shared());
    if (!energy.together)
      decide_together(energy.missing(mlff::boltzmann * limit_temperature / atoms.energy_unit));
  }
  energy.find(atoms, decision.potential);
  temperatures.reset();
  energy.request(update->ntimestep + 1, atoms);
}

/* ----------------------------------------------------------------------
   molecules, in the log where they are others than those told last
------------------------------------------------------------------------- */

void KstepCycle::describe()
{
  const auto &molecules = atoms.molecules;
  const std::string text =
      fmt::format("{} atoms in {} {}, {} bonds", molecules.n_atoms(), molecules.n_molecules(),
                  molecules.n_molecules() == 1 ? "molecule" : "molecules", molecules.bonds.size());
  if (comm->me == 0 && text != described) utils::logmesg(lmp, "Fix kstep/hybrid: {}\n", text);
  described = text;
}

/* ----------------------------------------------------------------------
   K, of the limits, and with Metropolis of its test: that of the keyword
   temp, of the thermostat, or of the velocities when the first run began
------------------------------------------------------------------------- */

double KstepCycle::run_temperature()
{
  const auto &s = settings;
  double temperature = s.limit_temperature > 0.0 ? s.limit_temperature : thermostat.temperature;
  if (s.metropolis) {
    const double kept = energy.fixes.temperature(thermostat.temperature);
    if (kept > 0.0) temperature = kept;
  }
  if (temperature > 0.0) return temperature;
  if (limit_temperature > 0.0) return limit_temperature;
  const auto &molecules = atoms.molecules;
  const double sum = mlff::kinetic_energy(molecules, 0, molecules.n_molecules(), state.v);
  temperature = sum / (1.5 * molecules.n_atoms() * mlff::boltzmann);
  if (!(temperature > 0.0))
    error->all(FLERR, Error::NOLASTLINE,
               "Fix kstep/hybrid needs a temperature for its limits, but there is no thermostat "
               "and nothing moves; use the keyword langevin, temp, or the command velocity");
  return temperature;
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
  schedule.begin_anew();
  sampling.forget();
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
  decision.together = energy.together = true;
  if (comm->me == 0 && jump && why != told)
    error->warning(FLERR,
                   "Fix kstep/hybrid accepts or rejects the jumps of all {} molecules together, by "
                   "the energy of all: {}",
                   atoms.molecules.n_molecules(), why);
  told = why;
  energy.find(atoms, decision.potential);
}

/* ----------------------------------------------------------------------
   a reason to reject every jump ends the run before it begins
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
  limit_temperature = value;
  guard.set_kT(mlff::boltzmann * value);
}

/* ---------------------------------------------------------------------- */

KstepCycle::Step KstepCycle::begin()
{
  atoms.update();
  check_step();
  if (schedule.phase == KstepSchedule::at_jump && start_jump())
    step = JUMP;
  else if (schedule.phase == KstepSchedule::at_jump)
    step = NOTHING;
  else {
    // also where a jump has just been given up
    step = VERLET;
    check_places();
    if (schedule.phase == KstepSchedule::correct) half_thermostat(dt_ps);
  }
  return step;
}

/* ----------------------------------------------------------------------
   atoms must be as they were at the end of the last step
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
  if (decision.n_parts() == 1) energy.find(atoms, decision.potential);
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
  if (!(kept > 0.0) || kept == limit_temperature) return;
  limit_temperature = kept;
  guard.set_kT(mlff::boltzmann * limit_temperature);
}

/* ---------------------------------------------------------------------- */

const std::vector<int> &KstepCycle::movers()
{
  if (schedule.waiting.empty()) return atoms.local;
  const auto &molecules = atoms.molecules;
  moving.clear();
  for (int m = 0; m < molecules.n_molecules(); m++)
    if (!schedule.waiting[m])
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
   after a move that samples places alone
------------------------------------------------------------------------- */

void KstepCycle::renew_velocities()
{
  const auto &molecules = atoms.molecules;
  atoms.gather_velocities(state);
  const auto kinetic = [&] {
    return mlff::kinetic_energy(molecules, 0, molecules.n_molecules(), state.v);
  };
  const double before = kinetic();
  const std::vector<double> kT(molecules.n_molecules(), mlff::boltzmann * limit_temperature);
  mlff::draw_velocities(molecules, kT, random, state.v);
  counters[KstepCounters::added] += kinetic() - before;
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
    if (sampling.on()) sampling.prepare(atoms, state, mlff::boltzmann * limit_temperature);
    jump->propose(atoms.molecules, state, landing);
    if (sampling.on()) decision.student_change = sampling.energy_change();
  } catch (mlff::StateError &) {
    proposed = false;
  } catch (mlff::EngineError &e) {
    error->one(FLERR, Error::NOLASTLINE,
               "Fix kstep/hybrid on timestep {}: '{}' makes no jumps of these molecules: {}",
               update->ntimestep, settings.file, e.what());
  }
  counters[KstepCounters::t_jump] += clock() - begin;
  counters[KstepCounters::proposals]++;
  if (schedule.attempt > 0) {
    const double share = std::pow(settings.scale, schedule.attempt);
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
  const auto &s = settings;

  follow_temperature();
  if (schedule.attempt == 0 && !sampling.on()) half_thermostat(stride_ps);
  atoms.gather(state);
  atoms.save();
  decision.start(molecules, state.v);
  decision.together = energy.together || (!s.metropolis && (decision.together || s.attempts > 1));

  while (true) {
    const bool proposed = propose();
    check_places();
    const int passed = decision.check_way(guard, molecules, state, landing, stride_ps, proposed);
    if (s.metropolis || passed == nm || (passed > 0 && !decision.together)) break;
    const auto accepted = decision.judge(counters);
    counters[KstepCounters::spared]++;
    if (decision.together && ++schedule.attempt < s.attempts) continue;
    give_up_jump(accepted);
    return false;
  }

  energy.save();
  for (int m = 0; m < nm; m++)
    if (decision.moved[m]) atoms.move(state, landing, m);
  for (int *flag : nan_on_failure) *flag = 1;

  // a jump may move atoms further than settings for plain dynamics foresee

  if (neighbor->every > 1 || neighbor->delay > 0 || sampling.on())
    fix->next_reneighbor = update->ntimestep;
  return true;
}

/* ----------------------------------------------------------------------
   no attempt is left: those that did not arrive make velocity Verlet over
   the same time, or nothing
------------------------------------------------------------------------- */

void KstepCycle::give_up_jump(const std::vector<char> &accepted)
{
  if (settings.fallback)
    schedule.fall_back(accepted, k);
  else
    end_cycle(false);
}

/* ----------------------------------------------------------------------
   after a jump, or what took its place: its second half of the thermostat,
   then the corrector
------------------------------------------------------------------------- */

void KstepCycle::end_cycle(bool corrected)
{
  if (sampling.on())
    renew_velocities();
  else if (!corrected)
    half_thermostat(stride_ps);
  const bool more = (!corrected && corrector > 0) || settings.only_corrector;
  schedule.correct_for(more ? corrector : 0);
  if (more || !settings.tune) return;

  const auto choice = tuner.update(counters);
  corrector = choice.corrector;
  if (choice.pause == 0) return;
  schedule.correct_for(choice.pause);
  counters[KstepCounters::paused] += choice.pause;
}

/* ---------------------------------------------------------------------- */

double KstepCycle::finish(double force_seconds)
{
  atoms.update();
  if (step == JUMP) return finish_jump(force_seconds);
  double passed = 0.0;
  if (step == VERLET) {
    const bool corrected = schedule.phase == KstepSchedule::correct;
    passed = dt_ps * (1.0 - schedule.waiting_share());
    counters[KstepCounters::time] += passed;
    if (corrected)
      half_thermostat(dt_ps);
    else
      counters[KstepCounters::fallback]++;
    if (schedule.count_step()) end_cycle(corrected);
  }
  energy.find(atoms, decision.potential);
  atoms.gather(state);
  atoms.remember(state);
  return passed;
}

/* ----------------------------------------------------------------------
   forces and energies of the landing are known: take it or go back
------------------------------------------------------------------------- */

double KstepCycle::finish_jump(double force_seconds)
{
  const auto &molecules = atoms.molecules;
  for (int *flag : nan_on_failure) *flag = 0;
  atoms.gather(landing);
  energy.find(atoms, decision.landed);
  auto &tally = sampling.tally(counters);
  decision.check_landing(guard, molecules, landing, mlff::boltzmann * limit_temperature, random,
                         tally);
  const auto accepted = decision.judge(tally);
  if (sampling.on()) sampling.finish(atoms, decision, state, landing, accepted, force_seconds);
  const double share = go_back(accepted);

  const bool rescale = settings.rescale_to_energy && !settings.metropolis;
  double gain = 0.0;
  for (int part = 0; part < decision.n_parts(); part++) {
    const int first = part * decision.part_size(), last = first + decision.part_size();
    if (!accepted[first]) continue;
    gain += decision.keep(part, molecules, landing.x, landing.v, rescale, counters);
    for (int m = first; rescale && m < last; m++) atoms.put_velocities(landing, m);
  }
  const bool all = std::count(accepted.begin(), accepted.end(), 1) == (int) molecules.n_molecules();
  if (!all) {
    energy.restore(gain, atoms);
    fix->next_reneighbor = update->ntimestep + 1;
  }
  const double passed = sampling.on() ? 0.0 : share * stride_ps;
  counters[KstepCounters::time] += passed;

  if (all || settings.metropolis)
    end_cycle(false);
  else if (!decision.together || ++schedule.attempt >= settings.attempts)
    give_up_jump(accepted);
  atoms.gather(state);
  atoms.remember(state);
  return passed;
}

/* ----------------------------------------------------------------------
   molecules that are not accepted are where they were; with Metropolis they
   turn round, unless their velocities are renewed. Returns the share of those that are.
------------------------------------------------------------------------- */

double KstepCycle::go_back(const std::vector<char> &accepted)
{
  const int nm = (int) accepted.size();
  double share = 0.0;
  for (int m = 0; m < nm; m++) {
    if (accepted[m])
      share += 1.0 / nm;
    else if (settings.metropolis)
      atoms.restore_flipped(m);
    else
      atoms.restore(m);
  }
  return share;
}

/* ---------------------------------------------------------------------- */

double KstepCycle::clock() const
{
  return settings.timing ? platform::walltime() : 0.0;
}

/* ---------------------------------------------------------------------- */

double KstepCycle::memory_usage() const
{
  return atoms.molecules.n_atoms() * (18.0 * sizeof(double) + sizeof(tagint) + sizeof(imageint));
}
