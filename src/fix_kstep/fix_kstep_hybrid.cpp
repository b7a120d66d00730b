/* ----------------------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

/* ----------------------------------------------------------------------
   Learned k-step jumps with a physical corrector. A cycle is a jump and c
   steps of velocity Verlet, each one step of LAMMPS with one force call:

   initial_integrate   thermostat, jump of all molecules, or half a step
   (LAMMPS)            neighbors, forces
   final_integrate     checks; energy kept, or the state before restored and
                       k steps of velocity Verlet in the place of the jump;
                       thermostat
------------------------------------------------------------------------- */

#include "fix_kstep_hybrid.h"

#include "angle.h"
#include "atom.h"
#include "bond.h"
#include "citeme.h"
#include "comm.h"
#include "compute.h"
#include "dihedral.h"
#include "error.h"
#include "force.h"
#include "group.h"
#include "improper.h"
#include "kspace.h"
#include "modify.h"
#include "neighbor.h"
#include "pair.h"
#include "update.h"

#include "elements.h"
#include "kstep_accounting.h"
#include "kstep_atoms.h"
#include "kstep_batch.h"
#include "kstep_conservation.h"
#include "kstep_jump.h"
#include "kstep_settings.h"
#include "kstep_thermostat.h"
#include "kstep_tuner.h"
#include "state_error.h"
#include "units.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <set>

using namespace LAMMPS_NS;
using namespace FixConst;
using mlff::KstepCounters;
using mlff::KstepVerdict;

enum Phase { JUMP, FALLBACK, CORRECT };

namespace LAMMPS_NS {

struct KstepImpl {
  KstepImpl(LAMMPS *lmp, int narg, char **arg, int groupbit) :
      settings(lmp, narg, arg), atoms(lmp, groupbit), random(settings.seed),
      thermostat(settings.temperature, 0.0), guard({}, nullptr, 0.0)
  {
  }

  KstepSettings settings;
  KstepAtoms atoms;
  mlff::KstepRandom random;
  mlff::KstepThermostat thermostat;
  mlff::KstepGuard guard;
  std::unique_ptr<mlff::KstepJump> jump;

  int k = 0, stride = 0;    // steps of a jump; number of the stride in the network
  double T = 0.0;           // ps, of a jump
  int corrector = 1;        // steps after it
  double limit_T = 0.0;     // K, of the limits

  // where in a cycle the next step is
  Phase phase = JUMP;
  int left = 0;       // steps left in this phase
  int attempt = 0;    // of the jump

  enum { VERLET, JUMPING, WAITING } step = VERLET;    // this step
  mlff::KstepState start, end;                        // of the jump
  std::vector<char> moved;                            // each molecule, in this jump
  std::vector<double> potential, landed;    // eV, of each molecule: now, and after the jump
  std::vector<double> kinetic;              // at the start of the jump

  double energies[8];    // of pair, bonded and kspace styles before the jump

  KstepCounters counters, at_start;    // at_start: of this run
  mlff::KstepTemperatures temperatures;
  mlff::KstepTuner tuner;
  bool tuning = false;          // the corrector is the tuner's, not that of the input
  std::vector<int> elements;    // of the model in this input, ascending
  bool warned = false, near = false;
  double clock = 0.0;    // s, end of initial_integrate
  bigint first_step = 0;
};

}    // namespace LAMMPS_NS

/* ---------------------------------------------------------------------- */

FixKstepHybrid::FixKstepHybrid(LAMMPS *lmp, int narg, char **arg) :
    Fix(lmp, narg, arg), impl(nullptr), dt_ps(0.0), nan_on_failure(nullptr), pe(nullptr),
    pe_atom(nullptr), id_pe_atom(nullptr)
{
  time_integrate = 1;
  restart_global = 1;
  force_reneighbor = 1;
  next_reneighbor = -1;
  scalar_flag = vector_flag = 1;
  global_freq = 1;
  extscalar = 1;
  extvector = 0;
  energy_global_flag = 1;
  ecouple_flag = 1;

  impl = new KstepImpl(lmp, narg, arg, groupbit);

  std::set<int> elements;
  for (const auto &word : impl->settings.words) {
    if (word.empty()) continue;
    const auto &potential = impl->settings.potential;
    for (int s = 0; s < potential.n_species(); s++)
      if (mlff::element_symbol(potential.elements[s]) == word ||
          (!potential.jump.species.empty() && potential.jump.species[s].name == word))
        elements.insert(potential.elements[s]);
  }
  impl->elements.assign(elements.begin(), elements.end());
  size_vector = 24 + (int) elements.size();

  // energies of several molecules are sums over their atoms

  id_pe_atom = utils::strdup(std::string(id) + "_kstep_pe");
  pe_atom = modify->add_compute(fmt::format("{} all pe/atom", id_pe_atom));
}

/* ---------------------------------------------------------------------- */

FixKstepHybrid::~FixKstepHybrid()
{
  if (id_pe_atom && modify->get_compute_by_id(id_pe_atom)) modify->delete_compute(id_pe_atom);
  delete[] id_pe_atom;
  delete impl;
}

/* ---------------------------------------------------------------------- */

int FixKstepHybrid::setmask()
{
  return INITIAL_INTEGRATE | FINAL_INTEGRATE | POST_RUN;
}

/* ---------------------------------------------------------------------- */

void FixKstepHybrid::init()
{
  if (update->whichflag != 1) return;    // minimizers move the atoms themselves
  init_units();
  check_input();
  init_stride();

  if (!impl->settings.only_corrector) make_jump();

  pe = modify->get_compute_by_id("thermo_pe");
  pe_atom = modify->get_compute_by_id(id_pe_atom);
  int dim = 0;
  nan_on_failure = force->pair ? (int *) force->pair->extract("nan_on_failure", dim) : nullptr;
}

/* ----------------------------------------------------------------------
   the model, together with those of other partitions where there are any
------------------------------------------------------------------------- */

void FixKstepHybrid::make_jump()
{
  auto &s = impl->settings;
  const bool made = !impl->jump;
  while (!impl->jump) {
    try {
      if (s.control)
        impl->jump = mlff::make_control_jump(s.potential, impl->stride, *s.control);
      else if (!s.student && !s.replicas->wanted())
        impl->jump = mlff::make_network_jump(s.potential, impl->stride, s.options);
      else {
        auto engine = s.student
            ? mlff::make_engine(s.potential, s.options)
            : mlff::jump_as_engine(mlff::make_jump_engine(s.potential, s.options), s.potential,
                                   s.options);
        engine = s.replicas->join(std::move(engine), {s.potential.sha256}, "");
        if (engine && s.student)
          impl->jump = mlff::make_student_jump(s.potential, impl->k, dt_ps, std::move(engine));
        else if (engine)
          impl->jump = mlff::make_network_jump(s.potential, impl->stride, std::move(engine));
      }
    } catch (mlff::EngineError &e) {
      error->all(FLERR, Error::NOLASTLINE, "Fix kstep/hybrid: {}", e.what());
    }
  }
  if (comm->me == 0 && made)
    utils::logmesg(lmp, "Fix kstep/hybrid: jumps of {} steps of {:.4g} fs, {}{}, {}\n", impl->k,
                   1000.0 * dt_ps, s.student ? "by a student" : "by a network",
                   s.metropolis ? " with Metropolis" : "", impl->jump->description());
}

/* ----------------------------------------------------------------------
   models know Å, ps and eV
------------------------------------------------------------------------- */

void FixKstepHybrid::init_units()
{
  auto &atoms = impl->atoms;
  if (strcmp(update->unit_style, "metal") == 0) {
    atoms.velocity_unit = atoms.energy_unit = 1.0;
    dt_ps = update->dt;
  } else if (strcmp(update->unit_style, "real") == 0) {
    atoms.velocity_unit = 1000.0;
    atoms.energy_unit = 1.0 / utils::get_conversion_factor(utils::ENERGY, utils::METAL2REAL);
    dt_ps = 0.001 * update->dt;
  } else
    error->all(FLERR, Error::NOLASTLINE,
               "Fix kstep/hybrid has no units '{}'; accepted: metal, real", update->unit_style);
  atoms.molecules.energy_unit =
      force->mvv2e * atoms.energy_unit / (atoms.velocity_unit * atoms.velocity_unit);
}

/* ---------------------------------------------------------------------- */

void FixKstepHybrid::check_input()
{
  if (utils::strmatch(update->integrate_style, "^respa"))
    error->all(FLERR, Error::NOLASTLINE,
               "Fix kstep/hybrid does not run with run_style respa; use run_style verlet");
  if (comm->nprocs > 1)
    error->all(FLERR, Error::NOLASTLINE,
               "Fix kstep/hybrid runs on one MPI rank per partition, found {}; use threads "
               "(OMP_NUM_THREADS) or -partition",
               comm->nprocs);
  if (!atom->tag_enable) error->all(FLERR, Error::NOLASTLINE, "Fix kstep/hybrid requires atom IDs");
  for (const auto &other : modify->get_fix_list()) {
    if (other == this) continue;
    if (utils::strmatch(other->style, "^shake") || utils::strmatch(other->style, "^rattle") ||
        utils::strmatch(other->style, "^rigid") || other->rigid_flag)
      error->all(FLERR, Error::NOLASTLINE,
                 "Fix kstep/hybrid does not work with constraints; found fix {} of style {}",
                 other->id, other->style);
    if (other->time_integrate)
      error->all(FLERR, Error::NOLASTLINE,
                 "Fix kstep/hybrid is a time integrator and wants to be the only one; found fix {} "
                 "of style {}",
                 other->id, other->style);
    if (utils::strmatch(other->style, "^langevin"))
      error->all(FLERR, Error::NOLASTLINE,
                 "Fix {} of style {} would put random forces into the input of jumps; use the "
                 "keyword langevin of fix kstep/hybrid",
                 other->id, other->style);
  }
}

/* ----------------------------------------------------------------------
   a jump is k steps of the time step of this input, and for a network one
   of its strides
------------------------------------------------------------------------- */

void FixKstepHybrid::init_stride()
{
  auto &s = impl->settings;
  if (s.dt > 0.0 && std::abs(s.dt - update->dt) > 1e-9 * update->dt)
    error->all(FLERR, Error::NOLASTLINE,
               "Fix kstep/hybrid jump has a time step of {}, but the input one of {}; expected the "
               "same",
               s.dt, update->dt);
  const int before = impl->k;
  impl->k = s.k;
  impl->T = s.k * dt_ps;
  if (s.only_corrector) {
    impl->phase = CORRECT;
    impl->k = impl->corrector = impl->left = 1;
    impl->T = dt_ps;
  } else if (!s.student) {
    const auto &strides = s.potential.jump.strides;
    std::string list;
    for (const double fs : strides) list += fmt::format("{}{:g}", list.empty() ? "" : ", ", fs);
    if (s.k == 0) {
      if (strides.size() > 1)
        error->all(FLERR, Error::NOLASTLINE,
                   "Network '{}' has several strides ({} fs): fix kstep/hybrid needs the keyword "
                   "jump network k dt",
                   s.file, list);
      impl->k = (int) std::lround(1e-3 * strides[0] / dt_ps);
      impl->T = impl->k * dt_ps;
    }
    impl->stride = -1;
    for (std::size_t n = 0; n < strides.size(); n++)
      if (std::abs(1e3 * impl->T - strides[n]) < 1e-6 * strides[n]) impl->stride = (int) n;
    if (impl->stride < 0)
      error->all(FLERR, Error::NOLASTLINE,
                 "Fix kstep/hybrid: {} steps of {:g} fs are no stride of network '{}'; it has: {} "
                 "fs",
                 impl->k, 1000.0 * dt_ps, s.file, list);
  }
  if (before != impl->k) impl->jump.reset();
  if (!impl->tuning) {
    impl->corrector = s.only_corrector ? 1
        : s.corrector >= 0             ? s.corrector
        : s.fraction >= 0.0            ? (int) std::lround(s.fraction * impl->k)
        : s.metropolis                 ? 0
                                       : 1;
    if (impl->phase == CORRECT && impl->left > impl->corrector) impl->phase = JUMP;
    impl->tuner = mlff::KstepTuner(impl->corrector, dt_ps);
    impl->tuning = s.tune;
  }
  impl->thermostat.friction = s.damp > 0.0 ? update->dt / (s.damp * dt_ps) : 0.0;
}

/* ---------------------------------------------------------------------- */

void FixKstepHybrid::setup(int /*vflag*/)
{
  auto &atoms = impl->atoms;
  const auto &molecules = atoms.molecules;
  const auto &s = impl->settings;
  if (atoms.find(s.potential, s.words)) {
    impl->temperatures = mlff::KstepTemperatures(molecules);
    if (comm->me == 0)
      utils::logmesg(lmp, "Fix kstep/hybrid: {} atoms in {} {}, {} bonds\n", molecules.n_atoms(),
                     molecules.n_molecules(),
                     molecules.n_molecules() == 1 ? "molecule" : "molecules",
                     molecules.bonds.size());
  }
  impl->near = false;
  atoms.gather(impl->start);
  impl->end.resize(molecules.n_atoms());
  check_jump();

  // limits want a temperature

  double T = s.limit_temperature > 0.0 ? s.limit_temperature : impl->thermostat.temperature;
  if (!(T > 0.0)) {
    if (!(impl->limit_T > 0.0)) {
      double sum = 0.0;
      for (int m = 0; m < molecules.n_molecules(); m++)
        sum += mlff::kinetic_energy(molecules, m, impl->start.v);
      impl->limit_T = sum / (1.5 * molecules.n_atoms() * mlff::boltzmann);
    }
    T = impl->limit_T;
    if (!(T > 0.0))
      error->all(FLERR, Error::NOLASTLINE,
                 "Fix kstep/hybrid needs a temperature for its limits, but there is no thermostat "
                 "and nothing moves; use the keyword langevin, temp, or the command velocity");
  }
  impl->limit_T = T;
  impl->guard =
      mlff::KstepGuard(s.metropolis ? mlff::KstepLimits() : s.limits,
                       s.potential.is_jump() ? &s.potential.jump : nullptr, mlff::boltzmann * T);
  find_potential(impl->potential);
  impl->at_start = impl->counters;
  impl->temperatures.reset();
  impl->first_step = update->ntimestep;
  s.replicas->start_run();
  warn_about_settings();
  warn_about_neighbors();
  pe->addstep(update->ntimestep + 1);
  if (molecules.n_molecules() > 1) pe_atom->addstep(update->ntimestep + 1);
}

/* ----------------------------------------------------------------------
   what would reject every jump ends the run before it begins
------------------------------------------------------------------------- */

void FixKstepHybrid::check_jump()
{
  if (!impl->jump) return;
  try {
    impl->jump->check(impl->atoms.molecules, impl->start);
  } catch (mlff::EngineError &e) {
    error->all(FLERR, Error::NOLASTLINE,
               "Fix kstep/hybrid: '{}' makes no jumps of these molecules: {}",
               impl->settings.file, e.what());
  }
}

/* ---------------------------------------------------------------------- */

void FixKstepHybrid::warn_about_settings()
{
  if (impl->warned || comm->me != 0) return;
  impl->warned = true;
  const auto &s = impl->settings;
  bool other = false;
  for (const auto &fix : modify->get_fix_list())
    other = other || utils::strmatch(fix->style, "^temp/");
  if (!(s.damp > 0.0)) {
    if (!other)
      error->warning(FLERR,
                     "Fix kstep/hybrid without a thermostat: jumps pile energy up in single modes "
                     "even where the total is conserved; use the keyword langevin");
  } else if (impl->thermostat.friction < 10.0 * (1.0 - 1e-9))
    error->warning(FLERR,
                   "Fix kstep/hybrid: the friction of {:.3g} 1/ps may be too weak to keep "
                   "equipartition; use 10 1/ps or more, a damping time of at most {:.3g}",
                   impl->thermostat.friction, update->dt / dt_ps / 10.0);
  const auto &known = s.potential.jump.temperatures;
  if (!s.student && !known.empty()) {
    const auto [low, high] = std::minmax_element(known.begin(), known.end());
    if (impl->limit_T < *low - 5.0 || impl->limit_T > *high + 5.0)
      error->warning(FLERR,
                     "Fix kstep/hybrid: network '{}' learned between {:g} and {:g} K, but the "
                     "temperature is {:.4g} K",
                     s.file, *low, *high, impl->limit_T);
  }
}

/* ---------------------------------------------------------------------- */

void FixKstepHybrid::warn_about_neighbors()
{
  if (impl->near || comm->me != 0) return;
  int dim = 0;
  const auto alone = force->pair ? (int *) force->pair->extract("molecules_alone", dim) : nullptr;
  if (alone && *alone) return;
  const double cutoff = impl->settings.potential.cutoff;
  const std::string found = impl->atoms.neighbors(impl->start, cutoff);
  if (found.empty()) return;
  impl->near = true;
  error->warning(FLERR,
                 "Fix kstep/hybrid on timestep {}: {}, within the {} of the model's cutoff; it "
                 "takes every molecule for an isolated one",
                 update->ntimestep, found, cutoff);
}

/* ---------------------------------------------------------------------- */

void FixKstepHybrid::initial_integrate(int /*vflag*/)
{
  const double begin = clock();
  const double in_model = impl->counters[KstepCounters::t_jump];
  impl->atoms.update();
  if (impl->phase == JUMP && start_jump()) {
    impl->step = KstepImpl::JUMPING;
  } else if (impl->phase == JUMP) {
    impl->step = KstepImpl::WAITING;
  } else {
    impl->step = KstepImpl::VERLET;
    if (impl->phase == CORRECT) thermostat(dt_ps);
    kick(0.5 * update->dt);
    double **x = atom->x, **v = atom->v;
    for (const int i : impl->atoms.local)
      for (int a = 0; a < 3; a++) x[i][a] += update->dt * v[i][a];
  }
  impl->clock = clock();
  impl->counters[KstepCounters::t_own] +=
      impl->clock - begin - (impl->counters[KstepCounters::t_jump] - in_model);
}

/* ----------------------------------------------------------------------
   thermostat, proposal of the model, checks of the way there; moves the
   molecules. False where nothing was moved and the jump is rejected.
------------------------------------------------------------------------- */

bool FixKstepHybrid::start_jump()
{
  const auto &s = impl->settings;
  auto &atoms = impl->atoms;
  const auto &molecules = atoms.molecules;
  auto &start = impl->start, &end = impl->end;
  auto &counters = impl->counters;
  const int nm = molecules.n_molecules();

  if (impl->attempt == 0) thermostat(impl->T);
  atoms.gather(start);
  atoms.save();
  impl->kinetic.resize(nm);
  for (int m = 0; m < nm; m++) impl->kinetic[m] = mlff::kinetic_energy(molecules, m, start.v);

  while (true) {
    bool proposed = true;
    const double begin = clock();
    try {
      impl->jump->propose(molecules, start, end);
    } catch (mlff::StateError &) {
      proposed = false;
    } catch (mlff::EngineError &e) {
      error->one(FLERR, Error::NOLASTLINE,
                 "Fix kstep/hybrid on timestep {}: '{}' makes no jumps of these molecules: {}",
                 update->ntimestep, s.file, e.what());
    }
    counters[KstepCounters::t_jump] += clock() - begin;
    counters[KstepCounters::proposals]++;
    if (impl->attempt > 0) {
      const double share = std::pow(s.scale, impl->attempt);
      for (std::size_t k = 0; k < end.x.size(); k++) {
        end.x[k] = start.x[k] + share * (end.x[k] - start.x[k]);
        end.v[k] = start.v[k] + share * (end.v[k] - start.v[k]);
      }
    }
    KstepVerdict verdict = KstepVerdict::accepted;
    impl->moved.assign(nm, 1);
    for (int m = 0; m < nm; m++) {
      const auto one = proposed ? impl->guard.check_way(molecules, m, start, end, impl->T)
                                : KstepVerdict::not_finite;
      if (one == KstepVerdict::accepted) continue;
      verdict = one;
      impl->moved[m] = 0;
    }
    if (verdict == KstepVerdict::accepted || s.metropolis) break;
    counters.count(verdict);
    counters[KstepCounters::spared]++;
    if (++impl->attempt < s.attempts) continue;
    give_up_jump();
    return false;
  }

  save_energies();
  for (int m = 0; m < nm; m++)
    if (impl->moved[m]) atoms.move(start, end, m);
  if (nan_on_failure) *nan_on_failure = 1;

  // a jump may move atoms further than settings for plain dynamics foresee

  if (neighbor->every > 1 || neighbor->delay > 0) next_reneighbor = update->ntimestep;
  return true;
}

/* ----------------------------------------------------------------------
   no attempt is left: velocity Verlet over the same time, or nothing
------------------------------------------------------------------------- */

void FixKstepHybrid::give_up_jump()
{
  impl->attempt = 0;
  if (impl->settings.fallback) {
    impl->phase = FALLBACK;
    impl->left = impl->k;
  } else
    end_cycle(false);
}

/* ----------------------------------------------------------------------
   after a jump, or what took its place: its second half of the thermostat,
   then the corrector
------------------------------------------------------------------------- */

void FixKstepHybrid::end_cycle(bool corrected)
{
  if (!corrected) thermostat(impl->T);
  const bool more = (!corrected && impl->corrector > 0) || impl->settings.only_corrector;
  impl->phase = more ? CORRECT : JUMP;
  impl->left = more ? impl->corrector : 0;
  impl->attempt = 0;
  if (more || !impl->settings.tune) return;

  const auto choice = impl->tuner.update(impl->counters);
  impl->corrector = choice.corrector;
  if (choice.pause == 0) return;
  impl->phase = CORRECT;
  impl->left = choice.pause;
  impl->counters[KstepCounters::paused] += choice.pause;
}

/* ----------------------------------------------------------------------
   s; without timing all times are 0, and output is the same in every run
------------------------------------------------------------------------- */

double FixKstepHybrid::clock() const
{
  return impl->settings.timing ? platform::walltime() : 0.0;
}

/* ---------------------------------------------------------------------- */

void FixKstepHybrid::final_integrate()
{
  const double begin = clock();
  auto &counters = impl->counters;
  counters[KstepCounters::t_force] += begin - impl->clock;
  counters[KstepCounters::calls]++;
  impl->atoms.update();

  double passed = 0.0;    // simulated time of this step, ps
  if (impl->step == KstepImpl::JUMPING) {
    const double before = counters[KstepCounters::time];
    finish_jump();
    passed = counters[KstepCounters::time] - before;
  } else {
    if (impl->step == KstepImpl::VERLET) {
      kick(0.5 * update->dt);
      passed = dt_ps;
      counters[KstepCounters::time] += dt_ps;
      if (impl->phase == CORRECT) thermostat(dt_ps);
      if (impl->phase == FALLBACK) counters[KstepCounters::fallback]++;
      if (--impl->left == 0) end_cycle(impl->phase == CORRECT);
    }
    find_potential(impl->potential);
    impl->atoms.gather(impl->start);
  }

  // LAMMPS has counted one time step

  update->update_time();
  update->atime += (passed / dt_ps - 1.0) * update->dt;

  impl->temperatures.sample(impl->atoms.molecules, impl->start.x, impl->start.v, passed);
  if (neighbor->ago == 0 && impl->atoms.molecules.n_molecules() > 1) warn_about_neighbors();
  pe->addstep(update->ntimestep + 1);
  if (impl->atoms.molecules.n_molecules() > 1) pe_atom->addstep(update->ntimestep + 1);
  counters[KstepCounters::t_own] += clock() - begin;
}

/* ----------------------------------------------------------------------
   forces and energies of the landing are known: take it or go back
------------------------------------------------------------------------- */

void FixKstepHybrid::finish_jump()
{
  const auto &s = impl->settings;
  auto &atoms = impl->atoms;
  const auto &molecules = atoms.molecules;
  auto &counters = impl->counters;
  auto &end = impl->end;
  const int nm = molecules.n_molecules();
  const double kT = mlff::boltzmann * impl->limit_T;

  if (nan_on_failure) *nan_on_failure = 0;
  atoms.gather(end);
  find_potential(impl->landed);

  std::vector<char> accepted(nm, 1);
  KstepVerdict worst = KstepVerdict::accepted;
  for (int m = 0; m < nm; m++) {
    const mlff::KstepEnergies energies{impl->potential[m], impl->kinetic[m], impl->landed[m],
                                       mlff::kinetic_energy(molecules, m, end.v)};
    KstepVerdict verdict = KstepVerdict::not_finite;
    if (impl->moved[m]) {
      counters.count_energy(energies.change() / kT);
      verdict = impl->guard.check_landing(molecules, m, end);
      if (verdict == KstepVerdict::accepted)
        verdict = impl->guard.check_energies(molecules, m, energies);
    }
    if (s.metropolis) {
      const double chance = impl->random.uniform();
      if (verdict == KstepVerdict::accepted && !(chance < std::exp(-energies.change() / kT)))
        verdict = KstepVerdict::metropolis;
      counters.count(verdict);
    }
    accepted[m] = verdict == KstepVerdict::accepted;
    if (!accepted[m]) worst = verdict;
  }
  if (!s.metropolis) {
    counters.count(worst);
    if (worst != KstepVerdict::accepted) accepted.assign(nm, 0);
  }

  double gain = 0.0, share = 0.0;
  for (int m = 0; m < nm; m++) {
    if (!accepted[m]) {
      if (s.metropolis)
        atoms.restore_flipped(m);
      else
        atoms.restore(m);
      continue;
    }
    share += 1.0 / nm;
    const double before = impl->potential[m] + impl->kinetic[m];
    double kinetic = mlff::kinetic_energy(molecules, m, end.v);
    if (s.conserve && !s.metropolis) {
      mlff::rescale_internal(molecules, m, end.x, end.v, before - impl->landed[m] - kinetic);
      const double now = mlff::kinetic_energy(molecules, m, end.v);
      counters[KstepCounters::rescaled]++;
      counters[KstepCounters::work] += now - kinetic;
      counters[KstepCounters::work_size] += std::abs(now - kinetic);
      kinetic = now;
      atoms.put_velocities(end, m);
    }
    counters[KstepCounters::added] += impl->landed[m] + kinetic - before;
    gain += impl->landed[m] - impl->potential[m];
    impl->potential[m] = impl->landed[m];
  }
  const bool all = std::all_of(accepted.begin(), accepted.end(), [](char one) {
    return one;
  });
  if (!all) {
    restore_energies(gain);
    next_reneighbor = update->ntimestep + 1;
  }
  counters[KstepCounters::time] += share * impl->T;

  if (all || s.metropolis)
    end_cycle(false);
  else if (++impl->attempt >= s.attempts)
    give_up_jump();
  atoms.gather(impl->start);
}

/* ----------------------------------------------------------------------
   half of the thermostat of a stride of `time` ps
------------------------------------------------------------------------- */

void FixKstepHybrid::thermostat(double time)
{
  if (!(impl->thermostat.friction > 0.0)) return;
  auto &state = impl->start;
  impl->atoms.gather_velocities(state);
  impl->counters[KstepCounters::added] +=
      impl->thermostat.half_step(impl->atoms.molecules, time, state.v, impl->random);
  impl->atoms.put_velocities(state);
}

/* ---------------------------------------------------------------------- */

void FixKstepHybrid::kick(double half)
{
  double **v = atom->v, **f = atom->f;
  for (const int i : impl->atoms.local) {
    const double mass = atom->rmass ? atom->rmass[i] : atom->mass[atom->type[i]];
    const double step = half * force->ftm2v / mass;
    for (int a = 0; a < 3; a++) v[i][a] += step * f[i][a];
  }
}

/* ----------------------------------------------------------------------
   potential energy of each molecule, eV: all there is where there is only
   one, with what other fixes add; else what its atoms have
------------------------------------------------------------------------- */

void FixKstepHybrid::find_potential(std::vector<double> &energy)
{
  const auto &molecules = impl->atoms.molecules;
  energy.assign(molecules.n_molecules(), 0.0);
  if (molecules.n_molecules() > 1) {
    if (pe_atom->invoked_peratom != update->ntimestep) pe_atom->compute_peratom();
    for (int m = 0; m < molecules.n_molecules(); m++)
      for (int k = molecules.first_atom[m]; k < molecules.first_atom[m + 1]; k++)
        energy[m] += impl->atoms.energy_unit * pe_atom->vector_atom[impl->atoms.local[k]];
    return;
  }
  double sum = 0.0;
  if (force->pair) sum += force->pair->eng_vdwl + force->pair->eng_coul;
  if (atom->molecular != Atom::ATOMIC) {
    if (force->bond) sum += force->bond->energy;
    if (force->angle) sum += force->angle->energy;
    if (force->dihedral) sum += force->dihedral->energy;
    if (force->improper) sum += force->improper->energy;
  }
  if (force->kspace) sum += force->kspace->energy;
  for (const auto &other : modify->get_fix_list())
    if (other != this && other->energy_global_flag && other->thermo_energy)
      sum += other->compute_scalar();
  energy[0] = impl->atoms.energy_unit * sum;
}

/* ----------------------------------------------------------------------
   energies that output of this step prints, for a jump that is rejected
------------------------------------------------------------------------- */

void FixKstepHybrid::save_energies()
{
  double *e = impl->energies;
  if (force->pair) {
    e[0] = force->pair->eng_vdwl;
    e[1] = force->pair->eng_coul;
  }
  if (force->bond) e[2] = force->bond->energy;
  if (force->angle) e[3] = force->angle->energy;
  if (force->dihedral) e[4] = force->dihedral->energy;
  if (force->improper) e[5] = force->improper->energy;
  if (force->kspace) e[6] = force->kspace->energy;
}

/* ----------------------------------------------------------------------
   those before the jump, and `gain` eV of the molecules that did move
------------------------------------------------------------------------- */

void FixKstepHybrid::restore_energies(double gain)
{
  const double *e = impl->energies;
  if (force->pair) {
    force->pair->eng_vdwl = e[0] + gain / impl->atoms.energy_unit;
    force->pair->eng_coul = e[1];
  }
  if (force->bond) force->bond->energy = e[2];
  if (force->angle) force->angle->energy = e[3];
  if (force->dihedral) force->dihedral->energy = e[4];
  if (force->improper) force->improper->energy = e[5];
  if (force->kspace) force->kspace->energy = e[6];
}

/* ----------------------------------------------------------------------
   what this run did
------------------------------------------------------------------------- */

void FixKstepHybrid::post_run()
{
  if (update->whichflag != 1) return;
  if (update->ntimestep > impl->first_step) summarize();
  impl->settings.replicas->end_run();
}

/* ---------------------------------------------------------------------- */

void FixKstepHybrid::summarize()
{
  if (comm->me != 0) return;
  using C = KstepCounters;
  const auto run = impl->counters.since(impl->at_start);
  const auto &s = impl->settings;
  const auto &T = impl->temperatures;

  std::string text = fmt::format(
      "Fix kstep/hybrid {}: {:.6g} ps simulated in {:.0f} steps, one force call each, {:.4g} per "
      "ps\n",
      id, run[C::time], run[C::calls], run[C::time] > 0.0 ? run[C::calls] / run[C::time] : 0.0);
  text += fmt::format("  {:.0f} jumps of {:.4g} fs ({}), {:.0f} accepted, acceptance {:.4f}\n",
                      run[C::jumps], 1000.0 * impl->T,
                      s.control       ? "control"
                          : s.student ? "student"
                                      : "network",
                      run[C::accepted], run.acceptance());
  text += fmt::format("  rejected: {:.0f} not finite, {:.0f} range, {:.0f} bond, {:.0f} energy, "
                      "{:.0f} drift, {:.0f} Metropolis; {:.0f} steps of velocity Verlet instead\n",
                      run[C::not_finite], run[C::range], run[C::bond], run[C::energy],
                      run[C::drift], run[C::metropolis], run[C::fallback]);
  if (s.tune)
    text +=
        fmt::format("  tuned: corrector of {} steps, {:.0f} steps without jumps because these did "
                    "not pay\n",
                    impl->corrector, run[C::paused]);
  text += fmt::format("  energy of a jump in kT: mean {:.4f}, rms {:.4f}, <exp(-dE/kT)> {:.4f}; "
                      "rescaling {:.3g} kT net, {:.3g} kT in size\n",
                      run.mean_change(), run.rms_change(), run.mean_boltzmann(),
                      run[C::rescaled] > 0.0
                          ? run[C::work] / run[C::rescaled] / (mlff::boltzmann * impl->limit_T)
                          : 0.0,
                      run[C::rescaled] > 0.0
                          ? run[C::work_size] / run[C::rescaled] / (mlff::boltzmann * impl->limit_T)
                          : 0.0);
  text += fmt::format(
      "  model {:.4g} ms a call, force {:.4g} ms, fix {:.2f} % of the time; against "
      "velocity Verlet at {:.4g} fs: {:.2f} times as fast, {:.0f} force calls saved\n",
      1000.0 * run.jump_seconds(), 1000.0 * run.force_seconds(), 100.0 * run.own_share(),
      1000.0 * dt_ps, run.speedup(dt_ps), run.calls_saved(dt_ps));
  const auto list = [](const char *what, const std::vector<mlff::KstepTemperatures::Mean> &means) {
    std::string line = fmt::format("  temperature of {}:", what);
    for (const auto &mean : means) {
      line += fmt::format(" {} {:.1f}", mean.name, mean.temperature);
      if (std::isfinite(mean.error)) line += fmt::format(" +- {:.1f}", mean.error);
    }
    return line + " K\n";
  };
  text += list("elements", T.elements());
  auto parts = T.hydrogens();
  if (!parts.empty()) text += list("hydrogens", parts);
  parts = T.bonds();
  if (!parts.empty()) text += list("bonds", parts);
  text += list("everything", {T.all()});
  if (!parts.empty()) {
    text += "  length of bonds, mean and deviation:";
    for (const auto &bond : parts)
      text += fmt::format(" {} {:.4f} {:.4f}", bond.name, bond.length, bond.width);
    text += " Angstrom\n";
  }
  utils::logmesg(lmp, text);

  for (const auto &odd : T.odd(0.05))
    error->warning(FLERR,
                   "Fix kstep/hybrid: the temperature of {} is {:.1f} +- {:.1f} K, that of "
                   "everything {:.1f} K: energy is not evenly shared; use more friction or "
                   "shorter jumps",
                   odd.name, odd.temperature, odd.error, T.all().temperature);
}

/* ----------------------------------------------------------------------
   numbers, then the state of the generator
------------------------------------------------------------------------- */

void FixKstepHybrid::write_restart(FILE *fp)
{
  if (comm->me != 0) return;
  std::vector<double> list = {1.0,
                              (double) impl->settings.student,
                              (double) impl->k,
                              impl->T,
                              impl->limit_T,
                              (double) impl->phase,
                              (double) impl->left,
                              (double) impl->attempt};
  list.push_back(KstepCounters::n_entries);
  list.insert(list.end(), impl->counters.value.begin(), impl->counters.value.end());
  const auto bonds = impl->atoms.bonds();
  list.push_back((double) bonds.size());
  for (const auto &bond : bonds)
    list.insert(list.end(), {(double) bond.i, (double) bond.j, bond.length});
  const std::string state = impl->random.state();
  list.insert(list.begin(), {(double) list.size() + 2, (double) state.size()});
  const int size = (int) (list.size() * sizeof(double) + state.size());
  fwrite(&size, sizeof(int), 1, fp);
  fwrite(list.data(), sizeof(double), list.size(), fp);
  fwrite(state.data(), 1, state.size(), fp);
}

/* ---------------------------------------------------------------------- */

void FixKstepHybrid::restart(char *buf)
{
  std::vector<double> list(2);
  memcpy(list.data(), buf, 2 * sizeof(double));
  const auto n = (std::size_t) list[0], n_state = (std::size_t) list[1];
  list.resize(n);
  memcpy(list.data(), buf, n * sizeof(double));
  std::size_t at = 2;
  const auto next = [&] {
    return at < n ? list[at++] : 0.0;
  };
  const auto &s = impl->settings;
  const double version = next(), student = next(), k = next(), T = next();
  if (version != 1.0) error->all(FLERR, "Fix kstep/hybrid: restart data of version {}", version);
  impl->limit_T = next();
  impl->phase = (Phase) (int) next();
  impl->left = (int) next();
  impl->attempt = (int) next();
  const int n_entries = (int) next();
  for (int entry = 0; entry < n_entries; entry++) {
    const double value = next();
    if (entry < KstepCounters::n_entries) impl->counters.value[entry] = value;
  }
  std::vector<KstepAtoms::Bond> bonds((std::size_t) next());
  for (auto &bond : bonds) {
    bond.i = (tagint) next();
    bond.j = (tagint) next();
    bond.length = next();
  }
  impl->atoms.keep_bonds(bonds);
  impl->random.set_state(std::string(buf + n * sizeof(double), n_state));

  // a cycle of other jumps cannot go on

  if ((student != 0.0) != s.student || (s.k > 0 && k != s.k)) {
    if (comm->me == 0)
      error->warning(FLERR,
                     "Fix kstep/hybrid {}: the restart file is of jumps of {} steps, {} fs; a new "
                     "cycle begins",
                     id, k, 1000.0 * T);
    impl->phase = JUMP;
    impl->left = impl->attempt = 0;
  }
}

/* ---------------------------------------------------------------------- */

void FixKstepHybrid::reset_target(double T)
{
  impl->thermostat.temperature = T;
  if (impl->settings.limit_temperature > 0.0) return;
  impl->limit_T = T;
  impl->guard.set_kT(mlff::boltzmann * T);
}

/* ----------------------------------------------------------------------
   what the fix took out of the system: with it, energy is conserved
------------------------------------------------------------------------- */

double FixKstepHybrid::compute_scalar()
{
  return -impl->counters[KstepCounters::added] / impl->atoms.energy_unit;
}

/* ---------------------------------------------------------------------- */

double FixKstepHybrid::compute_vector(int n)
{
  using C = KstepCounters;
  const auto &c = impl->counters;
  const double eV = 1.0 / impl->atoms.energy_unit, ps = dt_ps > 0.0 ? update->dt / dt_ps : 1.0;
  switch (n) {
    case 0:
      return c[C::jumps];
    case 1:
      return c[C::accepted];
    case 2:
      return c[C::not_finite];
    case 3:
      return c[C::range];
    case 4:
      return c[C::bond];
    case 5:
      return c[C::energy];
    case 6:
      return c[C::drift];
    case 7:
      return c[C::metropolis];
    case 8:
      return c[C::fallback];
    case 9:
      return c[C::calls];
    case 10:
      return dt_ps > 0.0 ? c.calls_saved(dt_ps) : 0.0;
    case 11:
      return c.acceptance();
    case 12:
      return c.jump_seconds();
    case 13:
      return c.force_seconds();
    case 14:
      return dt_ps > 0.0 ? c.speedup(dt_ps) : 0.0;
    case 15:
      return c.mean_change();
    case 16:
      return c.rms_change();
    case 17:
      return c.mean_boltzmann();
    case 18:
      return eV * c[C::work];
    case 19:
      return eV * c[C::work_size];
    case 20:
      return ps * c[C::time];
    case 21:
      return impl->corrector;
    case 22:
      return c.own_share();
    case 23:
      return c[C::paused];
    default:
      return impl->temperatures.of_element(impl->elements[n - 24]);
  }
}

/* ---------------------------------------------------------------------- */

void *FixKstepHybrid::extract(const char *str, int &dim)
{
  dim = 0;
  if (strcmp(str, "t_target") == 0) return (void *) &impl->thermostat.temperature;
  return nullptr;
}

/* ---------------------------------------------------------------------- */

double FixKstepHybrid::memory_usage()
{
  const auto n = (double) impl->atoms.molecules.n_atoms();
  return n * (18 * sizeof(double) + sizeof(tagint) + sizeof(imageint));
}
