// Jump networks in LibTorch: the engine and the gradient by autograd.
#pragma once

#include "models/jump/gradient/jump_gradient.h"

namespace mlff {

std::unique_ptr<JumpEngine> make_torch_jump(const Potential &potential,
                                            const EngineOptions &options);

std::unique_ptr<JumpGradient> make_torch_jump_gradient(const Potential &potential,
                                                       const EngineOptions &options);

}    // namespace mlff
