// Multiplied molecules, and exchanges between neighbors of a ladder.
#include "kstep/nested/temperature_ladder.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace mlff {

TemperatureLadder::TemperatureLadder(int copies, double top) :
    tried(copies - 1, 0.0), accepted(copies - 1, 0.0)
{
  for (int k = 1; k < copies; k++) factor.push_back(std::pow(top, double(k) / (copies - 1)));
}

void TemperatureLadder::begin_at(std::span<const double> x)
{
  if (positions.size() == x.size() * (n_copies() - 1)) return;
  positions.clear();
  for (int copy = 1; copy < n_copies(); copy++)
    positions.insert(positions.end(), x.begin(), x.end());
}

void TemperatureLadder::settle(const KstepMolecules &molecules, std::span<const double> x,
                               const std::vector<char> &accepted)
{
  const std::size_t n = 3 * std::size_t(molecules.n_atoms());
  for (int copy = 1; copy < n_copies(); copy++)
    for (int m = 0; m < molecules.n_molecules(); m++) {
      if (!accepted[m]) continue;
      const auto first = copy * n + 3 * std::size_t(molecules.first_atom[m]);
      std::copy_n(x.begin() + first, 3 * molecules.size(m), positions.begin() + first - n);
    }
}

void TemperatureLadder::append_to(std::vector<double> &list) const
{
  list.insert(list.end(), {double(n_copies()), double(positions.size())});
  for (const auto *values : {&positions, &tried, &accepted})
    list.insert(list.end(), values->begin(), values->end());
}

void TemperatureLadder::read_from(std::span<const double> list, std::size_t &at)
{
  if (at + 2 > list.size()) return;
  const int copies = int(list[at]);
  const auto n = std::size_t(list[at + 1]);
  const auto rest = list.subspan(at + 2);
  at += 2 + n + 2 * std::size_t(copies - 1);
  if (copies != n_copies() || at > list.size()) return;
  positions.assign(rest.begin(), rest.begin() + n);
  std::copy_n(rest.begin() + n, copies - 1, tried.begin());
  std::copy_n(rest.begin() + n + copies - 1, copies - 1, accepted.begin());
}

KstepMolecules TemperatureLadder::multiply(const KstepMolecules &molecules) const
{
  KstepMolecules all = molecules;
  for (int copy = 1; copy < n_copies(); copy++) {
    const int atoms = all.n_atoms(), bonds = all.first_bond.back();
    const auto append = [](auto &to, const auto &from) {
      to.insert(to.end(), from.begin(), from.end());
    };
    append(all.numbers, molecules.numbers);
    append(all.species, molecules.species);
    append(all.mass, molecules.mass);
    for (const auto &bond : molecules.bonds)
      all.bonds.push_back({bond.i + atoms, bond.j + atoms, bond.length});
    for (int m = 1; m <= molecules.n_molecules(); m++) {
      all.first_atom.push_back(atoms + molecules.first_atom[m]);
      all.first_bond.push_back(bonds + molecules.first_bond[m]);
    }
  }
  return all;
}

std::vector<double> TemperatureLadder::temperatures(int n_molecules, double kT) const
{
  std::vector<double> list;
  for (const double f : factor) list.insert(list.end(), n_molecules, f * kT);
  return list;
}

void TemperatureLadder::exchange(const KstepMolecules &all, std::span<const double> kT,
                                 KstepRandom &random, std::span<double> x, std::span<double> f,
                                 std::span<double> energy)
{
  const int n = all.n_molecules() / n_copies();
  const int first_copy = random.uniform() < 0.5 ? 0 : 1;
  for (int copy = first_copy; copy + 1 < n_copies(); copy += 2)
    for (int m = 0; m < n; m++) {
      const int low = copy * n + m, high = low + n;
      const double chance = random.uniform();
      tried[copy]++;
      if (!(chance < std::exp((1.0 / kT[low] - 1.0 / kT[high]) * (energy[low] - energy[high]))))
        continue;
      accepted[copy]++;
      double centre[2][3];
      drift_of(all, low, x, centre[0]);
      drift_of(all, high, x, centre[1]);
      const int shift = 3 * (all.first_atom[high] - all.first_atom[low]);
      for (int k = 3 * all.first_atom[low]; k < 3 * all.first_atom[low + 1]; k++) {
        const double up = centre[1][k % 3] - centre[0][k % 3], here = x[k];
        x[k] = x[k + shift] - up;
        x[k + shift] = here + up;
        std::swap(f[k], f[k + shift]);
      }
      std::swap(energy[low], energy[high]);
    }
}

}    // namespace mlff
