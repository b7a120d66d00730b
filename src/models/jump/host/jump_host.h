// The host engine of jump networks: plain C++, without Torch.
#pragma once

#include "models/jump/jump.h"

namespace mlff {

/// Throws EngineError for a variant of kstep-painn, naming the engine that it needs.
void require_host_model(const Potential &potential);

std::unique_ptr<JumpEngine> make_host_jump(const Potential &potential,
                                           const EngineOptions &options);

}    // namespace mlff
