// The instruction sets that kernels are compiled for, and the choice of one for the processor at
// hand.
#pragma once

#include "core/engine_info.h"
#include "core/engine_options.h"

#include <string_view>
#include <vector>

namespace mlff {

/// Whether a processor has a feature, by its name in the compiler's options ("avx512f").
using FeatureCheck = bool (*)(std::string_view feature);

/// Of the processor at hand. Throws EngineError for a feature that it has no check for.
bool processor_has(std::string_view feature);

/// The sets of this build of which the processor has every feature, best last.
std::vector<InstructionSet> available_instruction_sets(FeatureCheck has = processor_has);

/// The set for an option: automatic stands for the one that the environment variable MLFF_ISA
/// names, and without that for the best available one. Throws EngineError where the processor lacks
/// features of the set, naming them and the sets that it has.
InstructionSet choose_instruction_set(InstructionSet wanted, FeatureCheck has = processor_has);

/// Of tables of kernels that are compiled once for each set (MLFF_KERNELS_FOR), the one of a set as
/// choose_instruction_set gives it.
template <typename Kernels>
const Kernels &select_kernels(InstructionSet set, const Kernels &generic, const Kernels &avx2,
                              const Kernels &avx512)
{
  return set == InstructionSet::avx512 ? avx512 : set == InstructionSet::avx2 ? avx2 : generic;
}

/// What an engine with kernels of a set and features of type T tells of itself.
template <typename T> EngineInfo host_info(InstructionSet set, int threads)
{
  EngineInfo info;
  info.instruction_set = set;
  info.precision = precision_of_type<T>;
  info.threads = threads;
  return info;
}

}    // namespace mlff

#ifdef MLFF_X86_KERNELS
#define MLFF_KERNELS_FOR(set, name) \
  ::mlff::select_kernels(set, name##_generic, name##_avx2, name##_avx512)
#else
#define MLFF_KERNELS_FOR(set, name) name##_generic
#endif
