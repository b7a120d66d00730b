// mlff molecule: a SMILES becomes a LAMMPS data file or an extended XYZ file.
#include "command.h"
#include "elements.h"
#include "molecule.h"
#include "output_file.h"
#include "trajectory.h"

#include <spdlog/spdlog.h>

#include <memory>

namespace mlff {

namespace {

  struct Options {
    std::string smiles;
    std::vector<std::string> outputs;
    int copies = 1, seed = 1, conformers = 1;
    double distance = 8.0;
    bool labels = true, force = false;
  };

  void run(const Options &options)
  {
    for (const auto &path : options.outputs) {
      if (!path.ends_with(".data") && !path.ends_with(".xyz") && !path.ends_with(".extxyz"))
        throw FileError("output file '" + path + "' has an unknown ending; accepted: .data, .xyz, .extxyz");
      OutputFile::check(path, options.force);
    }
    const auto molecule = make_molecule(options.smiles, options.conformers, options.seed);
    std::string elements;
    for (const int z : elements_of(molecule.numbers)) elements += " " + element_symbol(z);
    for (const auto &path : options.outputs) {
      OutputFile file(path, options.force);
      if (path.ends_with(".data")) {
        write_data(file, molecule, options.copies, options.distance, options.labels, options.seed);
      } else
        for (const auto &positions : molecule.conformers) {
          Structure frame;
          frame.numbers = molecule.numbers;
          frame.positions = positions;
          write_xyz(file, frame);
        }
      file.finish();
      spdlog::info("wrote {}: {} x {} atoms, charge {}, types{}", path, path.ends_with(".data") ? options.copies : options.conformers, molecule.n_atoms(),
                   molecule.charge, elements);
    }
  }

}    // namespace

void add_command_molecule(CLI::App &program)
{
  auto options = std::make_shared<Options>();
  auto *command = program.add_subcommand("molecule", "Make a LAMMPS data file or extended XYZ file from a SMILES");
  command->add_option("smiles", options->smiles, "the molecule; parts separated by dots are packed into a cluster")->required();
  command->add_option("-o,--output", options->outputs, "file to write, .data or .xyz; may be given more than once")->required();
  command->add_option("--copies", options->copies, "molecules in the data file, each with a molecule ID")->check(CLI::PositiveNumber)->capture_default_str();
  command->add_option("--distance", options->distance, "between copies and from a molecule to the box, Å")
      ->check(CLI::NonNegativeNumber)
      ->capture_default_str();
  command->add_option("--conformers", options->conformers, "conformers to make: all go to the XYZ file, the lowest to the data file")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--seed", options->seed, "of the embedding and of the orientations")->check(CLI::PositiveNumber)->capture_default_str();
  command->add_flag("!--no-labels", options->labels, "leave the type labels out: LAMMPS' Kokkos styles do not read them");
  command->add_flag("--force", options->force, "overwrite existing files");
  command->footer("Example:\n  mlff molecule CCO -o ethanol.data -o ethanol.xyz --copies 8");
  command->callback([options] {
    run(*options);
  });
}

}    // namespace mlff
