// Gradient of a loss by LibTorch's autograd.
#pragma once

#include "core/engine_options.h"
#include "potential/weight_gradient.h"

#include <memory>

namespace mlff {

/// Throws EngineError where the device is missing.
std::unique_ptr<WeightGradient> make_torch_gradient(const Potential &potential,
                                                    const EngineOptions &options, bool mixed);

}    // namespace mlff
