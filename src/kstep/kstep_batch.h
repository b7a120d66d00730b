// Jumps of several replicas in one evaluation: a jump network in the shape of an engine of
// energies, which ReplicaBatch puts together.
#pragma once

#include "core/engine.h"
#include "models/jump/jump.h"

#include <memory>

namespace mlff {

/// Appends what an isolated structure jumps from as a graph: its pairs, and three edges of each
/// atom to itself that carry velocity, force, and mass and stride. All arrays of one structure.
void append_jump(std::span<const int> species, std::span<const double> positions,
                 const JumpInput &input, int stride, double cutoff, GraphStorage &graph);

/// The engine of such graphs: of an atom's edges to itself the first two come back with
/// displacement and velocity change.
std::unique_ptr<Engine> jump_as_engine(std::unique_ptr<JumpEngine> engine,
                                       const Potential &potential);

/// Displacements and velocity changes out of its result.
void read_jump(const Graph &graph, const Result &result, JumpResult &jump);

}    // namespace mlff
