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

   Arguments, set-up and output are here, cycles are in KstepCycle.
------------------------------------------------------------------------- */

#include "fix_kstep_hybrid.h"

#include "atom.h"
#include "citeme.h"
#include "comm.h"
#include "error.h"
#include "force.h"
#include "modify.h"
#include "neighbor.h"
#include "pair.h"
#include "update.h"

#include "core/elements.h"
#include "core/units.h"
#include "engine/make_engine.h"
#include "fix_kstep/kstep_impl.h"
#include "fix_kstep/kstep_vector.h"
#include "lammps_common/element_map.h"
#include "lammps_common/potential_files.h"
#include "models/jump/jump_record.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <set>

using namespace LAMMPS_NS;
using namespace FixConst;
using mlff::KstepCounters;

/* ---------------------------------------------------------------------- */

FixKstepHybrid::FixKstepHybrid(LAMMPS *lmp, int narg, char **arg) :
    Fix(lmp, narg, arg), impl(nullptr)
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

  announce_version(lmp);
  // an error below leaves a constructor, and no destructor frees what it has made
  auto parts = std::make_unique<KstepImpl>(lmp, this, narg, arg);

  // commands that change the temperature of a thermostat know it by the name of its style

  const auto &settings = parts->cycle.settings;
  if (utils::strmatch(style, "^nvt/") && !(settings.damp > 0.0))
    error->all(FLERR,
               "Fix {} keeps a temperature and needs the keyword langevin T damp seed; use fix "
               "kstep/hybrid without it",
               style);
  std::set<int> elements;
  for (const auto &word : settings.words) {
    if (word.empty()) continue;
    const auto &potential = settings.potential;
    for (int s = 0; s < potential.n_species(); s++)
      if (mlff::element_symbol(potential.elements[s]) == word ||
          (!mlff::jump_record(potential).species.empty() &&
           mlff::jump_record(potential).species[s].name == word))
        elements.insert(potential.elements[s]);
  }
  parts->elements.assign(elements.begin(), elements.end());
  size_vector = (int) (kstep_vector().size() + elements.size());
  if (settings.segments != 0) size_vector += (int) kstep_segments_vector().size();
  impl = parts.release();
}

/* ---------------------------------------------------------------------- */

FixKstepHybrid::~FixKstepHybrid()
{
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

  if (!impl->cycle.settings.only_corrector) make_jump();
  impl->cycle.energy.init();
}

/* ----------------------------------------------------------------------
   the model, together with those of other partitions where there are any
------------------------------------------------------------------------- */

void FixKstepHybrid::make_jump()
{
  auto &cycle = impl->cycle;
  const auto &s = cycle.settings;
  if (cycle.jump) return;
  try {
    if (cycle.sampling.on())
      cycle.jump = cycle.sampling.make_chain(s.potential, cycle.k, cycle.dt_ps, join_student());
    else if (s.control)
      cycle.jump = mlff::make_control_jump(s.potential, impl->stride, *s.control);
    else if (s.student)
      cycle.jump = mlff::make_student_jump(s.potential, cycle.k, cycle.dt_ps, join_student());
    else
      cycle.jump = mlff::make_network_jump(s.potential, impl->stride, join_network());
  } catch (mlff::EngineError &e) {
    error->all(FLERR, Error::NOLASTLINE, "Fix kstep/hybrid: {}", e.what());
  }
  if (comm->me == 0)
    utils::logmesg(lmp, "Fix kstep/hybrid: {} of {} steps of {:.4g} fs, {}{}, {}\n",
                   cycle.sampling.on() ? "segments" : "jumps", cycle.k, 1000.0 * cycle.dt_ps,
                   s.student ? "by a student" : "by a network",
                   s.metropolis ? " with Metropolis" : "", cycle.jump->description());
}

/* ---------------------------------------------------------------------- */

std::unique_ptr<mlff::Engine> FixKstepHybrid::join_student()
{
  const auto &s = impl->cycle.settings;
  std::unique_ptr<mlff::Engine> engine;
  while (!engine)
    engine =
        s.replicas->join(mlff::make_engine(s.potential, s.options), {s.potential.identity()}, "");
  return engine;
}

/* ---------------------------------------------------------------------- */

std::unique_ptr<mlff::JumpEngine> FixKstepHybrid::join_network()
{
  const auto &s = impl->cycle.settings;
  std::unique_ptr<mlff::JumpEngine> engine;
  while (!engine) engine = s.replicas->join(make_network_engine(), s.potential);
  return engine;
}

/* ---------------------------------------------------------------------- */

std::unique_ptr<mlff::JumpEngine> FixKstepHybrid::make_network_engine()
{
  const auto &s = impl->cycle.settings;
  return mlff::make_jump_engine(s.potential, s.options);
}

/* ----------------------------------------------------------------------
   models know Angstrom, ps and eV
------------------------------------------------------------------------- */

void FixKstepHybrid::init_units()
{
  auto &atoms = impl->cycle.atoms;
  double &dt_ps = impl->cycle.dt_ps;
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
  require_one_rank_and_ids(lmp, "Fix kstep/hybrid");
  const auto &cycle = impl->cycle;
  cycle.energy.fixes.check(cycle.kind());
  check_temperature();
}

/* ----------------------------------------------------------------------
   samples are of the temperature that velocities have: no other decides
   about jumps
------------------------------------------------------------------------- */

void FixKstepHybrid::check_temperature()
{
  const auto &s = impl->cycle.settings;
  if (!s.metropolis || !(s.limit_temperature > 0.0)) return;
  const double kept = impl->cycle.energy.fixes.temperature(s.temperature);
  if (kept > 0.0 && !(std::abs(kept - s.limit_temperature) <= 1e-9 * kept))
    error->all(FLERR, Error::NOLASTLINE,
               "Fix kstep/hybrid temp is {:.6g} K, but the thermostat keeps {:.6g} K; with "
               "metropolis yes they must be the same, or temp be left out",
               s.limit_temperature, kept);
}

/* ----------------------------------------------------------------------
   a jump is k steps of the time step of this input, and for a network one
   of its strides
------------------------------------------------------------------------- */

void FixKstepHybrid::init_stride()
{
  auto &cycle = impl->cycle;
  const auto &s = cycle.settings;
  const double dt_ps = cycle.dt_ps;
  cycle.dt = update->dt;
  if (s.dt > 0.0 && std::abs(s.dt - update->dt) > 1e-9 * update->dt)
    error->all(FLERR, Error::NOLASTLINE,
               "Fix kstep/hybrid jump has a time step of {}, but the input one of {}; expected the "
               "same",
               s.dt, update->dt);
  const int before = cycle.k;
  cycle.k = s.k;
  cycle.stride_ps = s.k * dt_ps;
  if (s.only_corrector) {
    cycle.only_correct();
  } else if (!s.student) {
    const auto &strides = mlff::jump_record(s.potential).strides;
    std::string list;
    for (const double fs : strides) list += fmt::format("{}{:g}", list.empty() ? "" : ", ", fs);
    if (s.k == 0) {
      if (strides.size() > 1)
        error->all(FLERR, Error::NOLASTLINE,
                   "Network '{}' has several strides ({} fs): fix kstep/hybrid needs the keyword "
                   "jump network k dt",
                   s.file, list);
      cycle.k = (int) std::lround(1e-3 * strides[0] / dt_ps);
      cycle.stride_ps = cycle.k * dt_ps;
    }
    impl->stride = -1;
    for (std::size_t n = 0; n < strides.size(); n++)
      if (std::abs(1e3 * cycle.stride_ps - strides[n]) < 1e-6 * strides[n]) impl->stride = (int) n;
    if (impl->stride < 0)
      error->all(
          FLERR, Error::NOLASTLINE,
          "Fix kstep/hybrid: {} steps of {:g} fs are not a stride of network '{}'; it has: {} "
          "fs",
          cycle.k, 1000.0 * dt_ps, s.file, list);
  }
  if (before != cycle.k) cycle.jump.reset();
  if (!s.only_corrector) cycle.choose_corrector();
  cycle.thermostat.friction = s.damp > 0.0 ? update->dt / (s.damp * dt_ps) : 0.0;
}

/* ---------------------------------------------------------------------- */

void FixKstepHybrid::setup(int /*vflag*/)
{
  impl->cycle.setup();
  impl->near = false;
  impl->at_start = impl->cycle.counters;
  impl->first_step = update->ntimestep;
  impl->cycle.settings.replicas->start_run();
  warn_about_settings();
  warn_about_neighbors();
}

/* ---------------------------------------------------------------------- */

void FixKstepHybrid::warn_about_settings()
{
  if (impl->warned || comm->me != 0) return;
  impl->warned = true;
  const auto &cycle = impl->cycle;
  const auto &s = cycle.settings;
  bool has_thermostat = false;
  for (const auto &fix : modify->get_fix_list())
    has_thermostat = has_thermostat || utils::strmatch(fix->style, "^temp/");
  if (cycle.sampling.on()) return;    // the thermostat is in each segment
  if (!(s.damp > 0.0)) {
    if (!has_thermostat && s.metropolis)
      error->warning(FLERR,
                     "Fix kstep/hybrid without a thermostat: nothing renews velocities, and jumps "
                     "alone do not sample the canonical ensemble; use the keyword langevin");
    else if (!has_thermostat)
      error->warning(FLERR,
                     "Fix kstep/hybrid without a thermostat: jumps pile energy up in single modes "
                     "even where the total is conserved; use the keyword langevin");
  } else if (cycle.thermostat.friction < 10.0 * (1.0 - 1e-9))
    error->warning(FLERR,
                   "Fix kstep/hybrid: the friction of {:.3g} 1/ps may be too weak to keep "
                   "equipartition; use 10 1/ps or more, a damping time of at most {:.3g}",
                   cycle.thermostat.friction, update->dt / cycle.dt_ps / 10.0);
  const auto &learned = mlff::jump_record(s.potential).temperatures;
  if (!s.student && !learned.empty()) {
    const auto [low, high] = std::minmax_element(learned.begin(), learned.end());
    if (cycle.limit_temperature < *low - 5.0 || cycle.limit_temperature > *high + 5.0)
      error->warning(FLERR,
                     "Fix kstep/hybrid: network '{}' learned between {:g} and {:g} K, but the "
                     "temperature is {:.4g} K",
                     s.file, *low, *high, cycle.limit_temperature);
  }
}

/* ---------------------------------------------------------------------- */

void FixKstepHybrid::warn_about_neighbors()
{
  auto &cycle = impl->cycle;
  if (impl->near || comm->me != 0 || cycle.molecules_alone()) return;
  const double cutoff = cycle.settings.potential.cutoff;
  const std::string found = cycle.atoms.neighbors(cycle.state, cutoff);
  if (!found.empty()) {
    impl->near = cycle.decision.together = true;
    error->warning(FLERR,
                   "Fix kstep/hybrid on timestep {}: {}, within the {} of the model's cutoff; it "
                   "takes every molecule for an isolated one",
                   update->ntimestep, found, cutoff);
  }

  // the force may reach further than the model

  if (cycle.energy.together || cycle.atoms.molecules.n_molecules() == 1) return;
  const double reach = std::max(cutoff, force->pair ? force->pair->cutforce : 0.0);
  cycle.decide_together(cycle.atoms.neighbors(cycle.state, reach));
  cycle.decide_together(cycle.atoms.bystanders(reach));
}

/* ---------------------------------------------------------------------- */

void FixKstepHybrid::initial_integrate(int /*vflag*/)
{
  auto &cycle = impl->cycle;
  const double begin = cycle.clock(), in_model = cycle.counters[KstepCounters::t_jump];
  impl->step = cycle.begin();
  if (impl->step == KstepCycle::VERLET) first_half(cycle.movers());
  impl->clock = cycle.clock();
  cycle.counters[KstepCounters::t_fix] +=
      impl->clock - begin - (cycle.counters[KstepCounters::t_jump] - in_model);
}

/* ---------------------------------------------------------------------- */

void FixKstepHybrid::final_integrate()
{
  auto &cycle = impl->cycle;
  const double begin = cycle.clock();
  const double in_force = begin - impl->clock;
  cycle.counters[KstepCounters::t_force] += in_force;
  cycle.counters[KstepCounters::calls]++;

  cycle.atoms.update();
  if (impl->step == KstepCycle::VERLET) second_half(cycle.movers());
  const double passed = cycle.finish(in_force);

  // LAMMPS has counted one time step

  update->update_time();
  update->atime += (passed / cycle.dt_ps - 1.0) * update->dt;

  const auto &molecules = cycle.atoms.molecules;
  cycle.temperatures.sample(molecules, cycle.state.x, cycle.state.v, passed);
  if (neighbor->ago == 0 && molecules.n_molecules() > 1) warn_about_neighbors();
  cycle.energy.request(update->ntimestep + 1, cycle.atoms);
  cycle.counters[KstepCounters::t_fix] += cycle.clock() - begin;
}

/* ----------------------------------------------------------------------
   halves of a step of velocity Verlet of some atoms
------------------------------------------------------------------------- */

void FixKstepHybrid::first_half(const std::vector<int> &atoms)
{
  second_half(atoms);
  double **x = atom->x, **v = atom->v;
  for (const int i : atoms)
    for (int a = 0; a < 3; a++) x[i][a] += update->dt * v[i][a];
}

/* ---------------------------------------------------------------------- */

void FixKstepHybrid::second_half(const std::vector<int> &atoms)
{
  double **v = atom->v, **f = atom->f;
  for (const int i : atoms) {
    const double mass = atom->rmass ? atom->rmass[i] : atom->mass[atom->type[i]];
    const double step = 0.5 * update->dt * force->ftm2v / mass;
    for (int a = 0; a < 3; a++) v[i][a] += step * f[i][a];
  }
}

/* ----------------------------------------------------------------------
   report about this run
------------------------------------------------------------------------- */

void FixKstepHybrid::post_run()
{
  if (update->whichflag != 1) return;
  if (update->ntimestep > impl->first_step) {
    if (comm->me == 0) utils::logmesg(lmp, impl->report(id));
    warn_about_temperatures();
  }
  impl->cycle.settings.replicas->end_run();
}

/* ---------------------------------------------------------------------- */

void FixKstepHybrid::warn_about_temperatures()
{
  if (comm->me != 0) return;
  const auto &temperatures = impl->cycle.temperatures;
  for (const auto &odd : temperatures.odd(0.05))
    error->warning(FLERR,
                   "Fix kstep/hybrid: the temperature of {} is {:.1f} +- {:.1f} K, that of "
                   "everything {:.1f} K: energy is not evenly shared; use more friction or "
                   "shorter jumps",
                   odd.name, odd.temperature, odd.error, temperatures.all().temperature);
}

/* ---------------------------------------------------------------------- */

void FixKstepHybrid::write_restart(FILE *fp)
{
  if (comm->me != 0) return;
  const auto data = impl->cycle.pack();
  const int size = (int) data.size();
  fwrite(&size, sizeof(int), 1, fp);
  fwrite(data.data(), 1, data.size(), fp);
}

/* ---------------------------------------------------------------------- */

void FixKstepHybrid::restart(char *buf)
{
  impl->cycle.unpack(buf);
}

/* ---------------------------------------------------------------------- */

void FixKstepHybrid::reset_target(double temperature)
{
  // commands that exchange temperatures do so by the potential energy

  if (thermo_energy)
    error->all(
        FLERR, Error::NOLASTLINE,
        "Fix {} of style {}: 'fix_modify {} energy yes' adds what the thermostat took out to "
        "the potential energy, by which temperatures are exchanged; switch it off",
        id, style, id);
  impl->cycle.set_temperature(temperature);
}

/* ----------------------------------------------------------------------
   the energy that the fix took out of the system: with it, energy is conserved
------------------------------------------------------------------------- */

double FixKstepHybrid::compute_scalar()
{
  return -impl->cycle.counters[KstepCounters::added] / impl->cycle.atoms.energy_unit;
}

/* ---------------------------------------------------------------------- */

double FixKstepHybrid::compute_vector(int n)
{
  int last = 0;
  for (const auto *table : {&kstep_vector(), &kstep_segments_vector()}) {
    const int first = last;
    if (table == &kstep_segments_vector() && !impl->cycle.sampling.on()) break;
    last += (int) table->size();
    if (n < last) return (*table)[n - first].value(impl->cycle);
  }
  return impl->cycle.temperatures.of_element(impl->elements[n - last]);
}

/* ---------------------------------------------------------------------- */

void *FixKstepHybrid::extract(const char *str, int &dim)
{
  dim = 0;
  if (strcmp(str, "t_target") == 0) return (void *) &impl->cycle.thermostat.temperature;
  return nullptr;
}

/* ---------------------------------------------------------------------- */

double FixKstepHybrid::memory_usage()
{
  return impl->cycle.memory_usage();
}
