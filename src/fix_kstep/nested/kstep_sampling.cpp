// Number of segments, weights and identities of a nested Markov chain.
#include "fix_kstep/nested/kstep_sampling.h"

#include "comm.h"

#include "fix_kstep/atoms/kstep_atoms.h"
#include "fix_kstep/kstep_settings.h"

#include <algorithm>
#include <cmath>

using namespace LAMMPS_NS;
using C = mlff::KstepCounters;

/* ---------------------------------------------------------------------- */

KstepSampling::KstepSampling(LAMMPS *lmp, const KstepSettings &settings,
                             mlff::KstepRandom &random) :
    Pointers(lmp),
    length(std::max(0, settings.segments)), settings(settings), random(random),
    proposals(lmp, settings.proposals)
{
  if (settings.copies > 1)
    ladder = mlff::TemperatureLadder(settings.copies, settings.top / settings.temperature);
}

/* ---------------------------------------------------------------------- */

bool KstepSampling::on() const
{
  return settings.segments != 0;
}

/* ---------------------------------------------------------------------- */

double KstepSampling::clock() const
{
  return settings.timing ? platform::walltime() : 0.0;
}

/* ---------------------------------------------------------------------- */

std::unique_ptr<mlff::KstepJump> KstepSampling::make_chain(const mlff::Potential &potential,
                                                           int steps, double dt_ps,
                                                           std::unique_ptr<mlff::Engine> engine)
{
  auto made = std::make_unique<mlff::KstepChain>(potential, steps, dt_ps, std::move(engine), random,
                                                 ladder);
  chain = made.get();
  return made;
}

/* ---------------------------------------------------------------------- */

void KstepSampling::setup()
{
  if (!on()) return;
  run = {};
  proposals.open();
}

/* ----------------------------------------------------------------------
   the number of segments of this move. The first one of segments auto sees
   how long the student remembers.
------------------------------------------------------------------------- */

void KstepSampling::prepare(const KstepAtoms &atoms, const mlff::KstepState &state, double kT)
{
  chain->kT = kT;
  chain->total = chain->run = nullptr;
  if (length.wants_correlation()) {
    const double begin = clock();
    int n = 0;
    const auto slowest = chain->correlation(atoms.molecules, state, n);
    length.set_correlation(slowest.inefficiency, (clock() - begin) / n);
    tell_correlation(atoms, slowest, n);
  }
  chain->segments = length.segments();
  if (!length.chosen()) return;
  chain->total = &total.segments;
  chain->run = &run.segments;
}

/* ---------------------------------------------------------------------- */

void KstepSampling::tell_correlation(const KstepAtoms &atoms,
                                     const mlff::SlowCoordinates::Slowest &slowest, int n) const
{
  if (comm->me != 0) return;
  std::string about;
  if (slowest.i >= 0)
    about = fmt::format(" about the bond of atoms {} and {}", atoms.tags[slowest.i],
                        atoms.tags[slowest.j]);
  utils::logmesg(lmp,
                 "Fix kstep/hybrid segments auto: of {} segments of the student alone, {:.3g} are "
                 "worth one independent place ({}{} is the slowest); {} trial moves of {} "
                 "segments follow\n",
                 n, slowest.inefficiency, slowest.name, about, mlff::ChainLength::trials,
                 length.segments());
}

/* ---------------------------------------------------------------------- */

mlff::KstepCounters &KstepSampling::tally(mlff::KstepCounters &all)
{
  return !on() || length.chosen() ? all : nowhere;
}

/* ---------------------------------------------------------------------- */

void KstepSampling::finish(const KstepAtoms &atoms, const mlff::KstepDecision &decision,
                           const mlff::KstepState &left, const mlff::KstepState &landing,
                           const std::vector<char> &accepted, double force_seconds)
{
  chain->settle(atoms.molecules, accepted);
  const int n = decision.n_parts();
  const bool counts = length.chosen();
  std::vector<double> weights;
  weight = proposed = 0.0;
  for (int part = 0; part < n; part++) {
    const double factor = mlff::boltzmann_factor(decision.change[part]);
    weights.push_back(std::min(1.0, factor));
    weight += weights.back() / n;
    proposed += decision.landed[part];
    for (Numbers *numbers : {&total, &run})
      if (counts) numbers->boltzmann.add(factor);
  }
  if (counts) {
    total.moves++;
    run.moves++;
    proposals.write(atoms.molecules, decision, left, landing, weights, accepted, total.moves);
    return;
  }
  const double share = double(std::count(accepted.begin(), accepted.end(), 1)) / accepted.size();
  if (length.count_trial(share, force_seconds) && comm->me == 0)
    utils::logmesg(
        lmp,
        "Fix kstep/hybrid segments auto: {} segments a move from here; student {:.4g} ms "
        "a segment, force {:.4g} ms, {:.2f} of the trial moves accepted\n",
        length.segments(), 1000.0 * length.segment_seconds, 1000.0 * length.force_seconds(),
        length.acceptance());
}

/* ----------------------------------------------------------------------
   lines for the log about this run
------------------------------------------------------------------------- */

std::string KstepSampling::report(const std::string &id, const mlff::KstepCounters &counters,
                                  int steps, double dt_ps) const
{
  std::string text = fmt::format(
      "Fix kstep/hybrid {}: {:.0f} moves of {} segments of {} steps of {:.4g} fs by a student, "
      "{:.0f} force calls; simulated time does not pass\n",
      id, run.moves, length.segments(), steps, 1000.0 * dt_ps, counters[C::calls]);
  text +=
      fmt::format("  {:.0f} decisions, {:.0f} accepted, acceptance {:.4f}; rejected: {:.0f} not "
                  "finite, {:.0f} Metropolis\n",
                  counters[C::jumps], counters[C::accepted], counters.acceptance(),
                  counters[C::not_finite], counters[C::metropolis]);
  text += fmt::format("  change of V - V_s in kT: mean {:.4f}, rms {:.4f}, <exp(-D/kT)> {:.4f} +- "
                      "{:.4f}\n",
                      counters.mean_change(), counters.rms_change(), run.boltzmann.mean(),
                      run.boltzmann.error());
  text +=
      fmt::format("  {:.0f} segments, acceptance {:.4f}, <exp(-d(V_s+K)/kT)> {:.4f} +- {:.4f}\n",
                  run.segments.segments, run.segments.acceptance(), run.segments.boltzmann.mean(),
                  run.segments.boltzmann.error());
  text += fmt::format("  student {:.4g} s, {:.4g} ms a move; force {:.4g} s, {:.4g} ms a call; fix "
                      "{:.2f} % of the time\n",
                      counters[C::t_jump], 1000.0 * counters.jump_seconds(), counters[C::t_force],
                      1000.0 * counters.force_seconds(), 100.0 * counters.fix_share());
  if (ladder.n_copies() > 1) {
    text += fmt::format("  ladder of {} copies up to {:.4g} K, exchanges accepted from the start:",
                        ladder.n_copies(), settings.top);
    for (std::size_t k = 0; k < ladder.tried.size(); k++)
      text += fmt::format(" {:.3f}", ladder.accepted[k] / std::max(1.0, ladder.tried[k]));
    text += "\n";
  }
  return text;
}

/* ---------------------------------------------------------------------- */

double KstepSampling::exchanges() const
{
  double tried = 0.0, accepted = 0.0;
  for (std::size_t k = 0; k < ladder.tried.size(); k++) {
    tried += ladder.tried[k];
    accepted += ladder.accepted[k];
  }
  return tried > 0.0 ? accepted / tried : 0.0;
}

/* ---------------------------------------------------------------------- */

void KstepSampling::forget()
{
  ladder.positions.clear();
}

/* ---------------------------------------------------------------------- */

std::vector<double> KstepSampling::pack() const
{
  std::vector<double> list = {total.moves, weight, proposed, total.segments.segments,
                              total.segments.accepted};
  length.append_to(list);
  total.boltzmann.append_to(list);
  total.segments.boltzmann.append_to(list);
  ladder.append_to(list);
  return list;
}

/* ---------------------------------------------------------------------- */

void KstepSampling::unpack(const std::vector<double> &list)
{
  if (!on() || list.size() < 5) return;
  total.moves = list[0];
  weight = list[1];
  proposed = list[2];
  total.segments.segments = list[3];
  total.segments.accepted = list[4];
  std::size_t at = 5;
  length.read_from(list, at);
  total.boltzmann.read_from(list, at);
  total.segments.boltzmann.read_from(list, at);
  ladder.read_from(list, at);
}
