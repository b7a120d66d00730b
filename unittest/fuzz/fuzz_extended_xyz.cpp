// Fuzz target: extended XYZ, its comment line, and that it can be written again.
#include "fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
  static const mlff_fuzz::InputFile file("input.xyz");
  file.write(data, size);
  mlff::ReadOptions keep, types;
  keep.keep = true;
  types.units = "real";
  types.elements = {"C", "D", "O"};
  for (const auto &options : {mlff::ReadOptions(), keep, types})
    mlff_fuzz::check_trajectory(file.path(), options);
  return 0;
}
