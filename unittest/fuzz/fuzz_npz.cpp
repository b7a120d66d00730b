// Fuzz target: archives of arrays (.npz), as trajectories and as weights of SchNetPack.
#include "fuzz/fuzz_target.h"

#include "import/import_schnetpack.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
  static const mlff_fuzz::InputFile file("input.npz");
  file.write(data, size);
  try {
    const mlff::NpzFile archive(file.path());
    for (const auto &name : archive.names()) try {
        archive.read(name);
      } catch (const mlff::FileError &error) {
        mlff_fuzz::check_message(error, file.path());
      }
  } catch (const mlff::FileError &error) {
    mlff_fuzz::check_message(error, file.path());
    return 0;
  }
  mlff_fuzz::check_trajectory(file.path(), {});
  try {
    mlff::import_schnetpack(file.path(), {1, 6, 8}, 1.0);
  } catch (const mlff::FileError &error) {
    mlff_fuzz::check_message(error, file.path());
  } catch (const mlff::PotentialError &error) {
    mlff_fuzz::check_message(error, file.path());
  }
  return 0;
}
