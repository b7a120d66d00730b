// How many of the frames of a trajectory are independent, by the potential energy and by the
// torsions about single bonds.
#pragma once

#include "analysis/statistics/correlated_series.h"
#include "analysis/topology.h"
#include "analysis/trajectory_frames.h"

#include <array>
#include <string>
#include <vector>

namespace mlff {

/// The potential energy (eV), and sin(k phi) and cos(k phi) of every torsion phi of the topology.
/// k is the number of turns about the bond that only exchange equal atoms: 3 where three hydrogens
/// and nothing else are at an end of it (methyl), 2 where two are, 1 where no such end is; of two
/// such ends the least common multiple. Which hydrogen of a methyl group is where is no coordinate
/// that an average depends on.
///
/// Frames count in their order, whatever their times, so that those of Markov chains, which stay
/// where they are after a rejection, count as they must.
class EffectiveSamples {
 public:
  struct Row {
    std::string name;              ///< "potential energy", "sin(C-C-O-H 1-2-3-9)"
    std::array<int, 4> atoms{};    ///< of a torsion, in the order of the name, from 1
    int turns = 0;                 ///< k of a torsion; 0 for the energy
    CorrelatedMean of;
  };

  /// memory: bytes that series of numbers may take.
  EffectiveSamples(const Topology &topology, const Structure &first, std::size_t memory);

  /// Torsions that are followed; fewer than those of the topology only where memory is short.
  std::size_t torsions() const { return list.size(); }

  void add(const Frame &frame);
  void finish();

  /// After finish(): the energy, where frames have one, then sin and cos of each torsion.
  const std::vector<Row> &rows() const { return found; }
  /// The row of the energy; null where no frame has one.
  const Row *energy() const;
  /// The row of a torsion with the fewest effective numbers; null where none is known.
  const Row *slowest_torsion() const;

 private:
  struct Torsion {
    std::array<int, 4> atoms;    // from 0
    std::string name;
    int turns;
  };
  std::vector<Torsion> list;
  CorrelatedSeries potential;
  std::vector<CorrelatedSeries> sines, cosines;    // [torsions]
  std::vector<Row> found;
};

}    // namespace mlff
