// Counters of jumps and force calls, and temperatures by equipartition.
#include "kstep/kstep_accounting.h"

#include "core/elements.h"
#include "core/units.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace mlff {

KstepCounters KstepCounters::since(const KstepCounters &before) const
{
  KstepCounters difference;
  for (int k = 0; k < n_entries; k++) difference.value[k] = value[k] - before.value[k];
  return difference;
}

// Counter of each KstepVerdict, in the order of the enumeration.
static constexpr KstepCounters::Entry entry_of[] = {
    KstepCounters::accepted,  KstepCounters::not_finite, KstepCounters::range,
    KstepCounters::bond,      KstepCounters::energy,     KstepCounters::drift,
    KstepCounters::metropolis};

void KstepCounters::count(KstepVerdict verdict)
{
  value[jumps]++;
  value[entry_of[std::size_t(verdict)]]++;
}

void KstepCounters::count_energy(double change_in_kT)
{
  if (!std::isfinite(change_in_kT)) return;
  value[energies]++;
  value[change] += change_in_kT;
  value[change_square] += change_in_kT * change_in_kT;
  value[boltzmann] += std::exp(std::min(50.0, -change_in_kT));
}

double KstepCounters::calls_saved(double dt) const
{
  return value[time] / dt - value[calls];
}

double KstepCounters::speedup(double dt) const
{
  const double taken = seconds();
  return taken > 0.0 ? value[time] / dt * force_seconds() / taken : 0.0;
}

KstepTemperatures::KstepTemperatures(const KstepMolecules &molecules)
{
  const int n = molecules.n_atoms();
  std::map<int, std::vector<int>> elements;
  std::map<std::string, std::vector<int>> hydrogens, kinds;
  groups.push_back({"all", 0, {}});
  for (int i = 0; i < n; i++) {
    groups[0].members.push_back(i);
    elements[molecules.numbers[i]].push_back(i);
  }
  for (int b = 0; b < int(molecules.bonds.size()); b++) {
    int i = molecules.bonds[b].i, j = molecules.bonds[b].j;
    if (molecules.numbers[i] > molecules.numbers[j]) std::swap(i, j);
    const std::string one = element_symbol(molecules.numbers[i]);
    const std::string other = element_symbol(molecules.numbers[j]);
    kinds[one + "-" + other].push_back(b);
    if (one == "H") hydrogens["H(" + other + ")"].push_back(i);
  }
  for (const auto &[z, members] : elements) groups.push_back({element_symbol(z), z, members});
  first_hydrogen = int(groups.size());
  for (const auto &[name, members] : hydrogens) groups.push_back({name, 0, members});
  first_bond = int(groups.size());
  for (const auto &[name, members] : kinds) groups.push_back({name, 0, members, true});
  atom.resize(n);
  bond.resize(molecules.bonds.size());
  length.resize(molecules.bonds.size());
}

void KstepTemperatures::reset()
{
  for (auto &group : groups) {
    group.sum = group.block = group.blocks = group.squares = 0.0;
    group.length = group.length_square = 0.0;
  }
  samples = block_samples = block_length = n_blocks = 0.0;
}

void KstepTemperatures::sample(const KstepMolecules &molecules, std::span<const double> x,
                               std::span<const double> v, double time)
{
  const double unit = mlff::boltzmann / molecules.energy_unit;
  for (int i = 0; i < molecules.n_atoms(); i++) {
    const double *u = &v[3 * i];
    atom[i] = molecules.mass[i] * (u[0] * u[0] + u[1] * u[1] + u[2] * u[2]) / (3.0 * unit);
  }
  for (std::size_t b = 0; b < molecules.bonds.size(); b++) {
    const int i = molecules.bonds[b].i, j = molecules.bonds[b].j;
    double along = 0.0, square = 0.0;
    for (int a = 0; a < 3; a++) {
      const double d = x[3 * i + a] - x[3 * j + a];
      along += d * (v[3 * i + a] - v[3 * j + a]);
      square += d * d;
    }
    const double reduced =
        molecules.mass[i] * molecules.mass[j] / (molecules.mass[i] + molecules.mass[j]);
    bond[b] = reduced * along * along / (square * unit);
    length[b] = std::sqrt(square);
  }
  for (auto &group : groups) {
    const auto &values = group.bonds ? bond : atom;
    double sum = 0.0;
    for (const int k : group.members) sum += values[k];
    sum /= double(group.members.size());
    group.sum += sum;
    group.block += sum;
    if (!group.bonds) continue;
    for (const int k : group.members) {
      group.length += length[k] / double(group.members.size());
      group.length_square += length[k] * length[k] / double(group.members.size());
    }
  }
  samples++;
  block_samples++;
  block_length += time;
  if (block_length < block_time) return;
  for (auto &group : groups) {
    const double average = group.block / block_samples;
    group.blocks += average;
    group.squares += average * average;
    group.block = 0.0;
  }
  n_blocks++;
  block_samples = block_length = 0.0;
}

KstepTemperatures::Mean KstepTemperatures::mean(int group) const
{
  const Group &g = groups[group];
  Mean mean{g.name, samples > 0.0 ? g.sum / samples : 0.0, std::numeric_limits<double>::infinity(),
            int(g.members.size())};
  if (g.bonds && samples > 0.0) {
    mean.length = g.length / samples;
    mean.width = std::sqrt(std::max(0.0, g.length_square / samples - mean.length * mean.length));
  }
  if (n_blocks >= 4.0) {
    const double average = g.blocks / n_blocks;
    const double variance = std::max(0.0, g.squares / n_blocks - average * average);
    mean.error = std::sqrt(variance / (n_blocks - 1.0));
  }
  return mean;
}

std::vector<KstepTemperatures::Mean> KstepTemperatures::means(int first, int last) const
{
  std::vector<Mean> list;
  for (int g = first; g < last; g++) list.push_back(mean(g));
  return list;
}

std::vector<KstepTemperatures::Mean> KstepTemperatures::elements() const
{
  return means(1, first_hydrogen);
}

std::vector<KstepTemperatures::Mean> KstepTemperatures::hydrogens() const
{
  return means(first_hydrogen, first_bond);
}

std::vector<KstepTemperatures::Mean> KstepTemperatures::bonds() const
{
  return means(first_bond, int(groups.size()));
}

double KstepTemperatures::of_element(int atomic_number) const
{
  for (int g = 1; g < first_hydrogen; g++)
    if (groups[g].element == atomic_number) return mean(g).temperature;
  return 0.0;
}

std::vector<KstepTemperatures::Mean> KstepTemperatures::odd(double tolerance) const
{
  std::vector<Mean> list;
  if (groups.empty()) return list;
  const double right = all().temperature;
  for (const auto &one : means(1, int(groups.size()))) {
    const double off = std::abs(one.temperature - right);
    if (off > tolerance * right && off > 4.0 * one.error) list.push_back(one);
  }
  return list;
}

}    // namespace mlff
