// molecule-mlp (molecule_mlp.h) in LibTorch: the reference of the hand-written kernels.
#pragma once

#include "core/engine.h"
#include "models/molecule_mlp/molecule_record.h"
#include "potential/weight_gradient.h"

#include <memory>

namespace mlff {

/// Throw EngineError for a device that LibTorch does not find.
std::unique_ptr<Engine> make_molecule_torch_engine(const Potential &potential,
                                                   const EngineOptions &options);
std::unique_ptr<WeightGradient> make_molecule_torch_gradient(const Potential &potential,
                                                             const EngineOptions &options, bool);

}    // namespace mlff
