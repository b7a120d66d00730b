// The instruction sets that kernels are compiled for, and the choice of one for the processor at
// hand.
#pragma once

#include "core/engine_options.h"

#include <string_view>
#include <vector>

namespace mlff {

/// Whether a processor has a feature, by its name in the compiler's options ("avx512f").
using FeatureCheck = bool (*)(std::string_view feature);

/// Whether the processor at hand has a feature. Throws EngineError for a feature that it has no
/// check for.
bool processor_has(std::string_view feature);

/// The instruction sets of this build of which the processor has every feature, best last.
std::vector<InstructionSet> available_instruction_sets(FeatureCheck has = processor_has);

/// The set for an option. automatic means the set that the environment variable MLFF_ISA names, or
/// without that the best available one. Throws EngineError if the processor lacks features of the
/// set; the message names them and the available sets.
InstructionSet choose_instruction_set(InstructionSet wanted, FeatureCheck has = processor_has);

}    // namespace mlff
