// Makes the engine of a potential.
#pragma once

#include "core/engine.h"
#include "core/jump_engine.h"
#include "potential/potential.h"

#include <memory>

namespace mlff {

/// An engine for the network of a potential and, where it has one, its repulsive core. Throws
/// EngineError naming what is missing or unknown, also where the potential is a jump network.
std::unique_ptr<Engine> make_engine(const Potential &potential, const EngineOptions &options = {});

/// An engine for a jump network; auto is the best back end that the model and this build have.
/// Throws EngineError also where the potential is no jump network.
std::unique_ptr<JumpEngine> make_jump_engine(const Potential &potential,
                                             const EngineOptions &options = {});

}    // namespace mlff
