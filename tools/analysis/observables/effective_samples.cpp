// Series of the energy and of torsions, and what they are worth.
#include "analysis/observables/effective_samples.h"

#include "analysis/observables/coordinate_distributions.h"
#include "core/elements.h"

#include <algorithm>
#include <numeric>

namespace mlff {

namespace {

  constexpr std::size_t most_blocks = 32768, fewest_blocks = 1024;

  /// Blocks that each of so many series may keep; 0 where memory is too short for enough of them.
  std::size_t blocks_of(std::size_t series, std::size_t memory)
  {
    // two numbers a block where frames have weights
    for (std::size_t blocks = most_blocks; blocks >= fewest_blocks; blocks /= 2)
      if (series * blocks * 16 <= memory) return blocks;
    return 0;
  }

  /// Turns about the bond of `end` with `other` that exchange atoms at `end` which are the same and
  /// bonded to nothing else.
  int turns_of_end(const Topology &t, const Structure &s, int end, int other)
  {
    int n = 0, first = -1;
    for (const int j : t.neighbors[end]) {
      if (j == other) continue;
      if (first < 0) first = j;
      if (t.neighbors[j].size() != 1 || s.numbers[j] != s.numbers[first] ||
          s.masses[j] != s.masses[first])
        return 1;
      n++;
    }
    return std::max(n, 1);
  }

}    // namespace

EffectiveSamples::EffectiveSamples(const Topology &t, const Structure &s, std::size_t memory)
{
  const std::size_t blocks = blocks_of(1 + 2 * t.torsions.atoms.size(), memory);
  potential = CorrelatedSeries(std::max(blocks, fewest_blocks));
  if (blocks == 0) return;
  for (std::size_t k = 0; k < t.torsions.atoms.size(); k++) {
    auto atoms = t.torsions.atoms[k];
    const auto [a, b, c, d] = atoms;
    const int turns = std::lcm(turns_of_end(t, s, b, c), turns_of_end(t, s, c, b));
    const auto symbol = [&](int i) {
      return element_symbol(s.numbers[i]);
    };
    std::string name = t.torsions.names[t.torsions.kind[k]];
    if (symbol(a) + "-" + symbol(b) + "-" + symbol(c) + "-" + symbol(d) != name)
      std::reverse(atoms.begin(), atoms.end());
    for (std::size_t i = 0; i < atoms.size(); i++)
      name += (i ? "-" : " ") + std::to_string(atoms[i] + 1);
    list.push_back({atoms, name, turns});
  }
  sines.assign(list.size(), CorrelatedSeries(blocks));
  cosines = sines;
}

void EffectiveSamples::add(const Frame &frame)
{
  if (frame.structure.energy) potential.add(*frame.structure.energy, frame.weight);
  for (std::size_t k = 0; k < list.size(); k++) {
    const double *x[4];
    for (int i = 0; i < 4; i++) x[i] = &frame.x[3 * std::size_t(list[k].atoms[i])];
    const double angle = list[k].turns * dihedral_angle(x[0], x[1], x[2], x[3]);
    sines[k].add(std::sin(angle), frame.weight);
    cosines[k].add(std::cos(angle), frame.weight);
  }
}

void EffectiveSamples::finish()
{
  found.clear();
  if (potential.n() > 0) found.push_back({"potential energy", {}, 0, potential.result()});
  for (std::size_t k = 0; k < list.size(); k++) {
    auto atoms = list[k].atoms;
    for (int &i : atoms) i++;
    const std::string inside =
        (list[k].turns > 1 ? std::to_string(list[k].turns) + " " : "") + list[k].name + ")";
    found.push_back({"sin(" + inside, atoms, list[k].turns, sines[k].result()});
    found.push_back({"cos(" + inside, atoms, list[k].turns, cosines[k].result()});
  }
}

const EffectiveSamples::Row *EffectiveSamples::energy() const
{
  return !found.empty() && found.front().turns == 0 ? &found.front() : nullptr;
}

const EffectiveSamples::Row *EffectiveSamples::slowest_torsion() const
{
  const Row *slowest = nullptr;
  for (const auto &row : found)
    if (row.turns > 0 && row.of.undefined.empty() &&
        (!slowest || row.of.effective < slowest->of.effective))
      slowest = &row;
  return slowest;
}

}    // namespace mlff
