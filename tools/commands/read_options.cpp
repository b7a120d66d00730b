// Options that say what files do not.
#include "commands/command.h"

namespace mlff {

void add_read_options(CLI::App &command, ReadOptions &options)
{
  const char *group = "What files do not say";
  command
      .add_option("--units", options.units,
                  "of the files: metal, real (LAMMPS) or gpumd; default: metal, of .npz kcal/mol, "
                  "where that can be")
      ->check(CLI::IsMember({"metal", "real", "gpumd"}))
      ->group(group);
  command
      .add_option_function<std::vector<std::string>>(
          "--key",
          [&options](const std::vector<std::string> &words) {
            for (const auto &word : words) add_key(options, word);
          },
          "quantity=NAME: the column or key that it is read from, such as energy=dft_energy")
      ->group(group);
  command
      .add_option("--elements", options.elements,
                  "of atom types, where files have these in the place of symbols")
      ->group(group);
}

}    // namespace mlff
