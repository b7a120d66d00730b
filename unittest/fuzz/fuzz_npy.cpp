// Fuzz target: one NumPy array (.npy), as archives hold it.
#include "fuzz/fuzz_target.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
  const std::string where = "data file 'input.npy'";
  try {
    const mlff::Array array = mlff::parse_npy({reinterpret_cast<const char *>(data), size}, where);
    std::int64_t n = 1;
    for (const auto extent : array.shape) n *= extent;
    if (std::size_t(n) != array.values.size())
      mlff_fuzz::fault("the shape does not fit the values");
  } catch (const mlff::FileError &error) {
    mlff_fuzz::check_message(error, where);
  }
  return 0;
}
