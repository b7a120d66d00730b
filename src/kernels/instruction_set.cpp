// Checks processors for the features of the instruction sets, and chooses a set.
#include "kernels/instruction_set.h"

#include <algorithm>
#include <cstdlib>

namespace mlff {

namespace {

  /// A set and the features that its kernels are compiled with, as cmake/MlffKernels.cmake lists
  /// them: separated by commas.
  struct Set {
    InstructionSet set;
    std::string_view features;
  };

  constexpr Set sets[] = {
      {InstructionSet::generic, ""},
#ifdef MLFF_X86_KERNELS
      {InstructionSet::avx2, MLFF_AVX2_FEATURES},
      {InstructionSet::avx512, MLFF_AVX512_FEATURES},
#endif
  };

  /// The features of a set that the processor lacks, "" where it has them all.
  std::string lacking(const Set &set, FeatureCheck has)
  {
    std::string list;
    for (std::string_view left = set.features; !left.empty();) {
      const std::string_view feature = left.substr(0, left.find(','));
      left.remove_prefix(std::min(left.size(), feature.size() + 1));
      if (!has(feature)) list += (list.empty() ? "" : ", ") + std::string(feature);
    }
    return list;
  }

  std::string available_list(FeatureCheck has)
  {
    std::string list;
    for (const InstructionSet set : available_instruction_sets(has))
      list += (list.empty() ? "" : ", ") + std::string(word_of(instruction_set_words, set));
    return list;
  }

  /// Instruction set that MLFF_ISA names; automatic where the variable is not set.
  InstructionSet set_of_environment()
  {
    const char *word = std::getenv("MLFF_ISA");
    if (!word || !*word) return InstructionSet::automatic;
    for (const auto &entry : instruction_set_words)
      if (std::string_view(word) == entry.word) return entry.value;
    throw EngineError("environment variable MLFF_ISA is '" + std::string(word) +
                      "'; accepted: " + list_of(instruction_set_words));
  }

}    // namespace

bool processor_has(std::string_view feature)
{
#ifdef MLFF_X86_KERNELS
  // the built-in function takes literals alone
#define MLFF_CHECK(name) \
  if (feature == (name)) return __builtin_cpu_supports(name)
  MLFF_CHECK("sse4.2");
  MLFF_CHECK("popcnt");
  MLFF_CHECK("avx");
  MLFF_CHECK("avx2");
  MLFF_CHECK("fma");
  MLFF_CHECK("avx512f");
  MLFF_CHECK("avx512dq");
  MLFF_CHECK("avx512vl");
  MLFF_CHECK("avx512bw");
#undef MLFF_CHECK
#endif
  throw EngineError("there is no check of processors for the feature '" + std::string(feature) +
                    "', which kernels are compiled with");
}

std::vector<InstructionSet> available_instruction_sets(FeatureCheck has)
{
  std::vector<InstructionSet> list;
  for (const Set &set : sets)
    if (lacking(set, has).empty()) list.push_back(set.set);
  return list;
}

InstructionSet choose_instruction_set(InstructionSet wanted, FeatureCheck has)
{
  const bool by_environment = wanted == InstructionSet::automatic;
  if (by_environment) wanted = set_of_environment();
  if (wanted == InstructionSet::automatic) return available_instruction_sets(has).back();
  for (const Set &set : sets) {
    if (set.set != wanted) continue;
    const std::string missing = lacking(set, has);
    if (missing.empty()) return wanted;
    throw EngineError("instruction set " + std::string(word_of(instruction_set_words, wanted)) +
                      (by_environment ? " of the environment variable MLFF_ISA" : "") + " needs " +
                      missing + ", which this processor lacks; it has: " + available_list(has));
  }
  throw EngineError("instruction set " + std::string(word_of(instruction_set_words, wanted)) +
                    " is not in this build; it has: " + available_list(has));
}

}    // namespace mlff
