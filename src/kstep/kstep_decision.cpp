// Verdicts about jumps of molecules, one by one or together.
#include "kstep/kstep_decision.h"

#include "kstep/kstep_conservation.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mlff {

void KstepDecision::start(const KstepMolecules &molecules, std::span<const double> v)
{
  kinetic.resize(molecules.n_molecules());
  for (int m = 0; m < molecules.n_molecules(); m++) kinetic[m] = kinetic_energy(molecules, m, v);
}

int KstepDecision::check_way(const KstepGuard &guard, const KstepMolecules &molecules,
                             const KstepState &start, const KstepState &end, double stride,
                             bool proposed)
{
  const int n = molecules.n_molecules();
  verdicts.assign(n, KstepVerdict::not_finite);
  moved.assign(n, 0);
  int passed = 0;
  for (int m = 0; m < n; m++) {
    if (proposed) verdicts[m] = guard.check_way(molecules, m, start, end, stride);
    moved[m] = verdicts[m] == KstepVerdict::accepted;
    passed += moved[m];
  }
  if (metropolis && together && passed < n) moved.assign(n, 0);
  return passed;
}

KstepVerdict KstepDecision::check_part(int part, const KstepGuard &guard,
                                       const KstepMolecules &molecules, const KstepState &end,
                                       double kT, double chance, KstepCounters &counters)
{
  const int first = part * part_size(), last = first + part_size();
  KstepEnergies energies{potential[part], 0.0, landed[part], 0.0};
  KstepVerdict verdict = KstepVerdict::accepted;
  for (int m = first; m < last; m++) {
    energies.kinetic_before += kinetic[m];
    energies.kinetic_after += kinetic_energy(molecules, m, end.v);
    verdicts[m] = guard.check_landing(molecules, m, end);
    if (verdicts[m] != KstepVerdict::accepted) verdict = verdicts[m];
  }
  if (!student_change.empty()) {
    double of_student = 0.0;
    for (int m = first; m < last; m++) of_student += student_change[m];
    energies = {potential[part], 0.0, landed[part] - of_student, 0.0};
  }
  if (verdict == KstepVerdict::accepted) change[part] = energies.change() / kT;
  counters.count_energy(energies.change() / kT);
  if (verdict == KstepVerdict::accepted)
    verdict =
        guard.check_energies(molecules.first_atom[last] - molecules.first_atom[first], energies);
  if (metropolis && verdict == KstepVerdict::accepted &&
      !(chance < std::exp(-energies.change() / kT)))
    verdict = KstepVerdict::metropolis;
  return verdict;
}

void KstepDecision::check_landing(const KstepGuard &guard, const KstepMolecules &molecules,
                                  const KstepState &end, double kT, KstepRandom &random,
                                  KstepCounters &counters)
{
  const int size = part_size();
  change.assign(n_parts(), std::numeric_limits<double>::infinity());
  for (int part = 0; part < n_parts(); part++) {
    // also for a part that did not move, so that random numbers do not depend on what others do
    const double chance = metropolis ? random.uniform() : 0.0;
    const auto first = moved.begin() + part * size;
    if (std::count(first, first + size, 1) < size) continue;
    const auto verdict = check_part(part, guard, molecules, end, kT, chance, counters);
    std::fill_n(verdicts.begin() + part * size, size, verdict);
  }
}

std::vector<char> KstepDecision::judge(KstepCounters &counters) const
{
  std::vector<char> accepted(verdicts.size(), 0);
  KstepVerdict worst = KstepVerdict::accepted;
  for (std::size_t m = 0; m < verdicts.size(); m++) {
    accepted[m] = verdicts[m] == KstepVerdict::accepted;
    if (!accepted[m]) worst = verdicts[m];
    if (!together) counters.count(verdicts[m]);
  }
  if (!together) return accepted;
  counters.count(worst);
  if (worst != KstepVerdict::accepted) std::fill(accepted.begin(), accepted.end(), 0);
  return accepted;
}

double KstepDecision::keep(int part, const KstepMolecules &molecules, std::span<const double> x,
                           std::span<double> v, bool rescale, KstepCounters &counters)
{
  const int first = part * part_size(), last = first + part_size();
  double before = potential[part], now = kinetic_energy(molecules, first, last, v);
  for (int m = first; m < last; m++) before += kinetic[m];
  const double gain = landed[part] - potential[part];
  if (rescale) {
    const double unscaled = now;
    now = rescale_to_energy(molecules, first, last, x, v, before - landed[part] - unscaled);
    counters[KstepCounters::rescaled]++;
    counters[KstepCounters::work] += now - unscaled;
    counters[KstepCounters::work_size] += std::abs(now - unscaled);
  }
  counters[KstepCounters::added] += landed[part] + now - before;
  potential[part] = landed[part];
  return gain;
}

}    // namespace mlff
