// A network's engine and weight gradient with the repulsive core of its potential added.
#pragma once

#include "core/engine.h"
#include "potential/potential.h"
#include "potential/weight_gradient.h"

#include <memory>

namespace mlff {

/// Adds the core of `potential` to the results of an engine for its network; without a core the
/// engine itself.
std::unique_ptr<Engine> with_core(const Potential &potential, std::unique_ptr<Engine> network);

/// A gradient whose loss sees predictions with the core. The core has no weights: what the loss
/// asks for, the network must learn, less the core.
std::unique_ptr<WeightGradient> with_core(const Potential &potential,
                                          std::unique_ptr<WeightGradient> network);

}    // namespace mlff
