// Makes gradients of a loss with respect to the weights of a potential.
#pragma once

#include "models/jump/gradient/jump_gradient.h"
#include "potential/potential.h"
#include "potential/weight_gradient.h"

#include <memory>

namespace mlff {

/// A gradient for a model with the sizes, cutoff, scale, reference energies and weights of
/// `potential`, and its repulsive core where it has one. It uses the options engine (host, torch,
/// auto: the first that the model trains with), precision, threads and device (torch). `mixed`:
/// products in bfloat16, torch engine only. Throws EngineError naming what is missing.
std::unique_ptr<WeightGradient> make_weight_gradient(const Potential &potential,
                                                     const EngineOptions &options = {},
                                                     bool mixed = false);

/// A gradient for a jump network.
std::unique_ptr<JumpGradient> make_jump_gradient(const Potential &potential,
                                                 const EngineOptions &options = {});

}    // namespace mlff
