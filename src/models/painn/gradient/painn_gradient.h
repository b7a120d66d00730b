// Gradient of a loss with respect to the weights of PaiNN by hand-written kernels on the host.
#pragma once

#include "core/engine_options.h"
#include "potential/weight_gradient.h"

#include <memory>

namespace mlff {

/// The host engine has no mixed precision: the last argument is for the engines that have.
std::unique_ptr<WeightGradient> make_host_gradient(const Potential &potential,
                                                   const EngineOptions &options, bool);

}    // namespace mlff
