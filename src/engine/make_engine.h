// The engine of a potential.
#pragma once

#include "core/engine.h"
#include "potential/potential.h"

namespace mlff {

/// Throws EngineError naming what is missing or unknown.
std::unique_ptr<Engine> make_engine(const Potential &potential, const EngineOptions &options = {});

}    // namespace mlff
