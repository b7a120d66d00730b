// Fuzz target: potentials (.safetensors), and that they can be written again.
#include "fuzz/fuzz_target.h"

#include "potential/potential.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t *data, std::size_t size)
{
  static const mlff_fuzz::InputFile file("input.safetensors");
  file.write(data, size);
  mlff::Potential potential;
  try {
    potential = mlff::Potential::read(file.path());
  } catch (const mlff::PotentialError &error) {
    mlff_fuzz::check_message(error, file.path());
    return 0;
  }
  potential.size_text();
  potential.element_names();
  const std::string copy = file.path() + ".again";
  mlff::Potential(potential).write(copy, true);
  const mlff::Potential again = mlff::Potential::read(copy);
  for (const auto &[name, tensor] : potential.tensors)
    if (again.tensors.at(name).values != tensor.values)
      mlff_fuzz::fault("other weights after writing and reading");
  std::filesystem::remove(copy);
  return 0;
}
