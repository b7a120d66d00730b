// The host engine of jump networks: plain C++, without Torch.
#pragma once

#include "models/jump/jump.h"

namespace mlff {

std::unique_ptr<JumpEngine> make_host_jump(const Potential &potential,
                                           const EngineOptions &options);

}    // namespace mlff
