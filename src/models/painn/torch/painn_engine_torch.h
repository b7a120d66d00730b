// The torch engine: LibTorch autograd. Reference of every hand-written kernel, and the model code
// that training uses.
#pragma once

#include "core/engine.h"
#include "potential/potential.h"

namespace mlff {

std::unique_ptr<Engine> make_torch_engine(const Potential &potential, const EngineOptions &options);

}    // namespace mlff
