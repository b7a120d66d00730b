// Members of pair style mlff that its style header does not show.

#ifndef LMP_MLFF_IMPL_H
#define LMP_MLFF_IMPL_H

#include "engine/ensemble.h"
#include "lammps_common/atom_warnings.h"
#include "lammps_common/replica_group.h"
#include "pair_mlff/neighbor_graph.h"

#include <memory>
#include <vector>

namespace LAMMPS_NS {

struct MLFFImpl : NeighborGraph {
  explicit MLFFImpl(LAMMPS *lmp) : NeighborGraph(lmp), warnings(lmp) {}

  mlff::EngineOptions options;
  std::unique_ptr<ReplicaGroup> replicas;
  std::vector<std::string> files;             // one of each potential, as given in the input
  std::vector<mlff::Potential> potentials;    // the style works with the mean of several
  std::unique_ptr<mlff::Engine> engine;
  mlff::Ensemble *ensemble = nullptr;    // the engine, if there are several potentials

  bool warn = true;          // off: no warnings at all
  double threshold = 0.0;    // limit of the spread, in the force unit of the input; 0: none
  AtomWarnings warnings;
  std::vector<mlff::TrainingRange> range;    // training range of each species; empty: not known
  std::vector<double> spread;    // spread at each owned atom, in the force unit of the input
  bigint spread_step = -1;       // step when the spread was found

  // keyword observe: the first potential drives, the others are asked every so many steps; 0: off
  bigint observe = 0;
  bigint forces_step = -1;       // step of the last forces
  bigint observed_atoms = -1;    // number of atoms when the spread was found
  std::string store;    // ID of a fix that keeps the spread found last: it goes with the atoms

  bool observing() const { return observe > 0 && ensemble; }

  bool watches() const { return warn && (threshold > 0.0 || !range.empty()); }

  mlff::Result result;
  std::vector<double> force, stress, centroid;    // [rows][3], [rows][6], [rows][9]
};

}    // namespace LAMMPS_NS

#endif
