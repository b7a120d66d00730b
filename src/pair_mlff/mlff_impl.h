/* -*- c++ -*- ----------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#ifndef LMP_MLFF_IMPL_H
#define LMP_MLFF_IMPL_H

#include "engine/ensemble.h"
#include "lammps_common/atom_warnings.h"
#include "lammps_common/neighbor_exclusions.h"
#include "lammps_common/rank_exchange.h"
#include "lammps_common/replica_group.h"

#include <memory>
#include <vector>

namespace LAMMPS_NS {

struct MLFFImpl {
  explicit MLFFImpl(LAMMPS *lmp) : warnings(lmp), exclusions(lmp, "mlff") {}

  mlff::EngineOptions options;
  std::unique_ptr<ReplicaGroup> replicas;
  std::vector<std::string> files;             // as given, one of each potential
  std::vector<mlff::Potential> potentials;    // the style works with the mean of several
  std::unique_ptr<mlff::Engine> engine;
  mlff::Ensemble *ensemble = nullptr;    // the engine, if there are several potentials

  bool warn = true;          // off: no warnings at all
  double threshold = 0.0;    // of the spread in the force unit of the input, 0: none
  AtomWarnings warnings;
  std::vector<mlff::TrainingRange> range;    // of each species, empty: not known
  std::vector<double> spread;                // of each owned atom, in the force unit of the input
  bigint spread_step = -1;                   // and when it was found

  bool watches() const { return warn && (threshold > 0.0 || !range.empty()); }

  mlff::GraphStorage graph;
  mlff::Result result;
  std::unique_ptr<RankExchange> exchange;    // with several ranks
  NeighborExclusions exclusions;
  std::vector<RankExchange::Ghost>
      owner;                   // of each atom: rank, and index among the owned atoms there
  std::vector<int> species;    // of each atom, by its owner; -1 if the model does not see it
  std::vector<int> type;       // of each owned atom, when rows were numbered
  bigint lists = -1;           // neighbor rebuilds until then
  std::vector<int> row;        // row in the graph of each atom, -1 if the model does not see it
  std::vector<int> local;      // owned atom of each centre
  std::vector<double> force, stress;    // of each row: [3], [6]
};

}    // namespace LAMMPS_NS

#endif
