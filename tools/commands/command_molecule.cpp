// mlff molecule: a SMILES becomes a LAMMPS data file or an extended XYZ file.
#include "commands/sub_command.h"
#include "data/output_file.h"
#include "data/trajectory.h"
#include "molecule/molecule.h"
#include "program/json_output.h"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace mlff {

namespace {

  struct MoleculeOptions {
    std::string smiles;
    std::vector<std::string> outputs;
    int copies = 1, seed = 1, conformers = 1;
    double distance = 8.0, rattle = 0.05;
    std::vector<double> apart;
    int frames = 100;
    bool labels = true, force = false, stacked = false, json = false;
  };

  /// Frames of two molecules at random distances.
  void run_apart(const MoleculeOptions &options, nlohmann::ordered_json &written)
  {
    const auto dot = options.smiles.find('.');
    if (dot == std::string::npos || options.smiles.find('.', dot + 1) != std::string::npos)
      throw FileError(
          "--apart places two molecules, but '" + options.smiles + "' has " +
          std::to_string(1 + std::count(options.smiles.begin(), options.smiles.end(), '.')) +
          " parts; accepted: two SMILES with a dot between them");
    if (options.apart[0] > options.apart[1])
      throw FileError("--apart is " + std::to_string(options.apart[0]) + " " +
                      std::to_string(options.apart[1]) + "; accepted: the shorter distance first");
    const auto first =
        make_molecule(options.smiles.substr(0, dot), options.conformers, options.seed);
    const auto second =
        make_molecule(options.smiles.substr(dot + 1), options.conformers, options.seed);
    for (const auto *molecule : {&first, &second})
      if (options.stacked && molecule->n_atoms() < 3)
        throw FileError("--stacked lays molecules parallel, but '" + molecule->smiles + "' has " +
                        std::to_string(molecule->n_atoms()) +
                        " atoms and no plane; accepted: three atoms or more");
    for (const auto &path : options.outputs) {
      if (path.ends_with(".data"))
        throw FileError("output file '" + path +
                        "' cannot hold the frames of --apart; accepted: .xyz, .extxyz");
      OutputFile file(path, options.force);
      for (const auto &frame :
           apart(first, second, options.frames, options.apart[0], options.apart[1], options.rattle,
                 options.stacked, options.seed))
        write_xyz(file, frame);
      file.finish();
      spdlog::info("wrote {}: {} frames of {} + {} atoms, charge {}", path, options.frames,
                   first.n_atoms(), second.n_atoms(), first.charge + second.charge);
      written.push_back({{"file", path},
                         {"frames", options.frames},
                         {"atoms", first.n_atoms() + second.n_atoms()},
                         {"charge", first.charge + second.charge}});
    }
  }

  /// Writes the files; appends what each of them holds to `written`.
  void run(const MoleculeOptions &options, nlohmann::ordered_json &written)
  {
    for (const auto &path : options.outputs) {
      if (!path.ends_with(".data") && !path.ends_with(".xyz") && !path.ends_with(".extxyz"))
        throw FileError("output file '" + path +
                        "' has an unknown ending; accepted: .data, .xyz, .extxyz");
      OutputFile::check(path, options.force);
    }
    if (!options.apart.empty()) return run_apart(options, written);
    const auto molecule = make_molecule(options.smiles, options.conformers, options.seed);
    const std::string elements = " " + elements_of_types(molecule);
    for (const auto &path : options.outputs) {
      OutputFile file(path, options.force);
      if (path.ends_with(".data")) {
        write_data(file, molecule, options.copies, options.distance, options.labels, options.seed);
      } else
        for (const auto &positions : molecule.conformers)
          write_xyz(file, molecule.frame(positions));
      file.finish();
      spdlog::info("wrote {}: {} x {} atoms, charge {}, types{}", path,
                   path.ends_with(".data") ? options.copies : options.conformers,
                   molecule.n_atoms(), molecule.charge, elements);
      const bool data = path.ends_with(".data");
      written.push_back({{"file", path},
                         {"frames", data ? 1 : options.conformers},
                         {"atoms", molecule.n_atoms() * (data ? options.copies : 1)},
                         {"charge", molecule.charge * (data ? options.copies : 1)},
                         {"elements", elements.substr(1)}});
    }
  }

}    // namespace

void add_command_molecule(CLI::App &program)
{
  CommandOptions<MoleculeOptions> options(
      program, "molecule", "Make a LAMMPS data file or extended XYZ file from a SMILES");
  options.app
      .add_option("smiles", options->smiles,
                  "the molecule; parts separated by dots are packed into a cluster")
      ->required();
  options.app
      .add_option("-o,--output", options->outputs,
                  "file to write, .data or .xyz; may be given more than once")
      ->required();
  OptionGroup group(options.app);
  group.add_above_zero("--copies", options->copies,
                       "molecules in the data file, each with a molecule ID");
  group.add_not_negative("--distance", options->distance,
                         "between copies and from a molecule to the box, Å");
  group.add_above_zero("--conformers", options->conformers,
                       "conformers to make: all go to the XYZ file, the lowest to the data file");
  options.app
      .add_option("--apart", options->apart,
                  "frames of two parts, turned at random, with a shortest distance between them "
                  "of this to this, Å")
      ->expected(2)
      ->check(above_zero);
  options.app
      .add_flag("--stacked", options->stacked,
                "of --apart: planes parallel, turned about their normal and shifted by up to 2 Å "
                "at random")
      ->needs("--apart");
  group.add_above_zero("--frames", options->frames, "of --apart");
  group.add_not_negative("--rattle", options->rattle,
                         "of --apart: standard deviation of each coordinate, Å");
  group.add_above_zero("--seed", options->seed, "of the embedding and of the orientations");
  options.app.add_flag("!--no-labels", options->labels,
                       "leave the type labels out: LAMMPS' Kokkos styles do not read them");
  options.app.add_flag("--force", options->force, "overwrite existing files");
  options.app.footer(
      "Example:\n  mlff molecule CCO -o ethanol.data -o ethanol.xyz --copies 8\n"
      "  mlff molecule 'CC(=O)[O-].C[NH3+]' --apart 2 12 --frames 500 -o pairs.xyz\n"
      "  mlff molecule c1ccccc1.c1ccccc1 --apart 3 8 --stacked --frames 500 -o stacks.xyz");
  run_with_json(options.app, options->json, [options](JsonOutput &output) {
    nlohmann::ordered_json written = nlohmann::ordered_json::array();
    run(*options, written);
    output.print({{"smiles", options->smiles}, {"files", written}});
  });
}

}    // namespace mlff
