// main() of tests that run once for each instruction set, which MLFF_ISA names: exit code 77, which
// ctest takes for skipped, where the processor lacks the set.
#include "kernels/instruction_set.h"

#include <gtest/gtest.h>

#include <cstdio>

int main(int argc, char **argv)
{
  testing::InitGoogleTest(&argc, argv);
  try {
    const auto set = mlff::choose_instruction_set(mlff::InstructionSet::automatic);
    std::printf("instruction set %s\n", mlff::word_of(mlff::instruction_set_words, set));
  } catch (const mlff::EngineError &error) {
    std::printf("skipped: %s\n", error.what());
    return 77;
  }
  return RUN_ALL_TESTS();
}
