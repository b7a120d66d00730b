// LongRangeStructures: the form in which each structure of a graph is summed, the middle of its
// atoms, and its plane waves, which are kept for the next call. Every hand-written engine finds
// these before a long-range block sums.
#pragma once

#include "core/engine.h"
#include "models/long_range/host/long_range_kernels.h"
#include "models/long_range/long_range.h"
#include "models/painn/painn_sizes.h"
#include "potential/potential.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <memory>
#include <vector>

namespace mlff {

/// Largest x, y, z of atoms, then largest -x, -y, -z: where an open structure ends.
using LongRangeEnds = std::array<double, 6>;

inline LongRangeEnds long_range_ends(const Graph &graph, int s)
{
  LongRangeEnds ends;
  ends.fill(-1e300);
  for (int i = graph.first_atom[s]; i < graph.first_atom[s + 1]; i++)
    for (int a = 0; a < 3; a++) {
      ends[a] = std::max(ends[a], graph.position[3 * std::size_t(i) + a]);
      ends[3 + a] = std::max(ends[3 + a], -graph.position[3 * std::size_t(i) + a]);
    }
  return ends;
}

/// Structures of a graph for a block in type B.
template <typename B> class LongRangeStructures {
 public:
  LongRangeStructures(const Potential &potential, LongRangeForm form) :
      block(long_range_sizes(potential)), features(painn_sizes(potential).features), form(form)
  {
  }

  std::vector<LongRangeStructure> structures;    ///< rows (first_row) are the engine's business
  std::vector<LongRangeWaves<B>> wave_sets;      ///< point into this object
  long n_waves = 0;                              ///< sum over all structures in the linear form
  /// largest of the structures in the direct form, Å; below 0: there are none
  double direct_diameter = -1.0;
  long changes = 0;    ///< grows with every new or other set of waves

  /// Before the structures of a graph are added, in order. Throws EngineError where the form needs
  /// all atoms on one rank, unless the engine has the direct form on several ranks.
  void begin(GhostExchange *exchange, bool direct_on_ranks)
  {
    can_be_direct = !exchange || direct_on_ranks;
    if (form == LongRangeForm::direct && !can_be_direct)
      throw EngineError("the direct form of the long-range block needs all atoms of a system on "
                        "one rank; use the linear form or one rank");
    ranks = exchange;
    structures.clear();
    n_lattices = 0;
    n_waves = 0;
    direct_diameter = -1.0;
  }

  /// One structure, with its cell (null where it is open; `ends` is not looked at elsewhere).
  /// Throws EngineError where the linear form does not reach, or a cell is too small or too large.
  void add(int first_atom, int n_atoms, const double *cell, LongRangeEnds ends)
  {
    LongRangeStructure structure{};
    structure.first_atom = first_atom;
    structure.n_atoms = n_atoms;
    double n = n_atoms;
    if (ranks) ranks->sum(&n, 1);
    if (cell && form == LongRangeForm::direct)
      throw EngineError("the direct form of the long-range block is for open systems, this one is "
                        "periodic; use the linear form");
    const double diameter = cell ? 0.0 : extent(ends, structure.centre);
    // a structure without atoms, whatever its cell, has no waves either
    structure.direct = can_be_direct &&
        (n == 0 ||
         (!cell &&
          (form == LongRangeForm::direct ||
           (form == LongRangeForm::automatic &&
            direct_is_faster(block, features, int(n), diameter, single)))));
    if (structure.direct) direct_diameter = std::max(direct_diameter, diameter);
    if (!structure.direct && n > 0) {
      structure.waves = cell ? set_of_lattice(cell)
                             : set_of(phase_of(block, diameter, plane_wave_tolerance(single)));
      structure.first_moment = 8L * n_waves * block.key_width * block.channels(features);
      n_waves += wave_sets[structure.waves].n;
    }
    structures.push_back(structure);
  }

  /// Sums over the ranks, as of moments or their derivatives; every rank gets the sums.
  template <typename Value> void sum(Value *values, long n)
  {
    if constexpr (sizeof(Value) == sizeof(float)) {
      over_ranks.assign(values, values + n);
      ranks->sum(over_ranks.data(), int(n));
      for (long i = 0; i < n; i++) values[i] = Value(over_ranks[i]);
    } else
      ranks->sum(values, int(n));
  }

  bool on_ranks() const { return ranks != nullptr; }

  /// Size of the moments of all waves: [2][H][d][4C] each.
  long n_moments() const { return 8L * n_waves * block.key_width * block.channels(features); }

 private:
  static constexpr bool single = sizeof(B) == sizeof(float);

  LongRangeSizes block;
  int features;
  LongRangeForm form;
  GhostExchange *ranks = nullptr;
  bool can_be_direct = true;
  std::vector<double> over_ranks;

  struct WaveStorage {
    std::vector<double> k;
    std::vector<B> u, weight;
    std::vector<int> frequency;
  };
  std::map<double, int> wave_set;    // number of the set for a phase
  std::vector<std::unique_ptr<WaveStorage>> wave_storage;

  /// Sets of reciprocal lattices, one for each periodic structure of a graph, kept while its cell
  /// stays.
  struct Lattice {
    std::array<double, 9> cell;
    int set;
  };
  std::vector<Lattice> lattices;
  std::size_t n_lattices = 0;

  /// Diameter and middle of an open structure, over all ranks.
  double extent(LongRangeEnds ends, double *centre) const
  {
    if (ranks) ranks->largest(ends.data(), 6);
    double diameter = 0.0;
    for (int a = 0; a < 3 && ends[0] > -1e300; a++) {
      centre[a] = 0.5 * (ends[a] - ends[3 + a]);
      diameter = std::hypot(diameter, ends[a] + ends[3 + a]);
    }
    return diameter;
  }

  int set_of(double phase)
  {
    const auto found = wave_set.find(phase);
    if (found != wave_set.end()) return found->second;
    return wave_set[phase] = store(plane_waves(block, phase, plane_wave_tolerance(single)), -1);
  }

  int set_of_lattice(const double *cell)
  {
    const std::size_t k = n_lattices++;
    if (k < lattices.size() && std::equal(cell, cell + 9, lattices[k].cell.begin()))
      return lattices[k].set;
    const auto waves = lattice_waves(block, cell);
    if (k == lattices.size()) lattices.push_back({{}, -1});
    std::copy_n(cell, 9, lattices[k].cell.begin());
    return lattices[k].set = store(waves, lattices[k].set);
  }

  /// Number of the set, a new one for -1.
  int store(const PlaneWaves &waves, int set)
  {
    changes++;
    if (set < 0) {
      set = int(wave_sets.size());
      wave_sets.push_back({});
      wave_storage.push_back(std::make_unique<WaveStorage>());
    }
    WaveStorage &storage = *wave_storage[set];
    const bool periodic = !waves.slope.empty();
    storage.k.clear();
    storage.weight.clear();
    for (int p = 0; p < waves.size(); p++) {
      for (int a = 0; a < 3; a++) storage.k.push_back(waves.kappa[p] * waves.u[3 * p + a]);
      storage.weight.push_back(B(waves.weight[p]));
      for (const auto *values : {&waves.next_weight, &waves.slope, &waves.next_slope})
        storage.weight.push_back(periodic ? B((*values)[p]) : B(0));
    }
    storage.u.assign(waves.u.begin(), waves.u.end());
    storage.frequency = waves.frequency;
    wave_sets[set] = {waves.size(),          periodic,
                      storage.k.data(),      storage.u.data(),
                      storage.weight.data(), storage.frequency.data()};
    return set;
  }
};

}    // namespace mlff
