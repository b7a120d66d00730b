// The host engine: hand-written forward and backward of PaiNN in plain C++, without Torch.
#pragma once

#include "engine.h"

namespace mlff {

std::unique_ptr<Engine> make_host_engine(const Potential &potential, const EngineOptions &options);

}    // namespace mlff
