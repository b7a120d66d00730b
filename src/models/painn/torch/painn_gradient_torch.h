// Gradient of a loss by LibTorch's autograd.
#pragma once

#include "models/painn/gradient/painn_gradient.h"

namespace mlff {

/// Throws EngineError where the device is missing.
std::unique_ptr<PainnGradient> make_torch_gradient(const Potential &potential,
                                                   const EngineOptions &options, bool mixed);

}    // namespace mlff
