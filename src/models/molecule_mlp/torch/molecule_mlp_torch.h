// molecule-mlp (molecule_mlp.h) in LibTorch: the reference of the hand-written kernels.
#pragma once

#include "core/engine.h"
#include "models/painn/gradient/painn_gradient.h"

namespace mlff {

/// Throw EngineError for a device that LibTorch does not find.
std::unique_ptr<Engine> make_molecule_torch_engine(const Potential &potential,
                                                   const EngineOptions &options);
std::unique_ptr<PainnGradient> make_molecule_torch_gradient(const Potential &potential,
                                                            const EngineOptions &options);

}    // namespace mlff
