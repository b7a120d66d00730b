// Models on the device of LAMMPS' Kokkos as engines: graph in, results out, both on the host. For
// graphs that come from elsewhere, as those of other partitions.
#pragma once

#include "core/engine.h"
#include "core/jump_engine.h"
#include "kokkos/common/team_shape.h"
#include "potential/potential.h"

namespace mlff {

/// An engine on the device of Kokkos. It uses the options precision, filter and long_range. `host`
/// is for the styles /kk/host of a build with a device. Throws EngineError for a model that has no
/// engine there, and where Kokkos is not running (no -k on).
std::unique_ptr<Engine> make_kokkos_engine(const Potential &potential,
                                           const EngineOptions &options = {}, bool host = false,
                                           const TeamShape &teams = {});

/// A jump network: states in, changes out. Of the options, precision and filter count. Throws
/// EngineError likewise.
std::unique_ptr<JumpEngine> make_kokkos_jump(const Potential &potential,
                                             const EngineOptions &options = {},
                                             const TeamShape &teams = {});

}    // namespace mlff
