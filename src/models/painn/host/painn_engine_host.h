// The host engine: hand-written forward and backward of PaiNN in plain C++, without Torch.
#pragma once

#include "core/engine.h"
#include "kernels/radial.h"
#include "potential/potential.h"

namespace mlff {

/// Filter of one layer times the cutoff function, and its derivative: [3F], the blocks a, c, b of
/// the message.
std::vector<Radial> painn_filter(const Potential &potential, int layer, double d);

std::unique_ptr<Engine> make_host_engine(const Potential &potential, const EngineOptions &options);

}    // namespace mlff
