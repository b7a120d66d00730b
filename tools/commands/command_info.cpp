// mlff info: what a potential file holds.
#include "commands/command.h"
#include "core/elements.h"
#include "models/jump/jump.h"
#include "potential/find_potential.h"
#include "potential/potential.h"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <memory>

namespace mlff {

namespace {

  struct Options {
    std::string file;
    bool json = false;
  };

  void run(const Options &options)
  {
    const Potential potential = Potential::read(options.file);
    nlohmann::ordered_json info;
    info["file"] = options.file;
    info["model"] = potential.model;
    if (potential.is_molecule()) {
      const auto &molecule = potential.molecule;
      info["widths"] = molecule.widths;
      info["activation"] = "silu";
      info["molecule"] = molecule.formula();
      info["bonds"] = molecule.bond_text();
      info["permutations"] =
          group_of(molecule.generators, molecule.n_atoms(), max_permutations).size();
      info["generators"] = nlohmann::json::array();
      for (const auto &p : molecule.generators)
        info["generators"].push_back(cycle_text(molecule, p));
    } else {
      info["features"] = potential.sizes.features;
      info["layers"] = potential.sizes.layers;
      info["radial"] = potential.sizes.radial;
      info["norm_floor"] = potential.sizes.norm_floor;
    }
    info["cutoff_A"] = potential.cutoff;
    info["parameters"] = potential.n_parameters();
    if (potential.is_jump()) {
      if (potential.is_jump_variant()) {
        info["form"] = potential.jump.published ? "published" : "corrected";
        info["bound"] = potential.jump.bound;
        info["known_defects"] = jump_defects(potential);
        if (potential.model == "kstep-transformer") info["heads"] = potential.jump.heads;
      }
      info["timestep_fs"] = potential.jump.timestep;
      info["strides_fs"] = potential.jump.strides;
      info["temperatures_K"] = potential.jump.temperatures;
      for (const auto &species : potential.jump.species)
        info["species"][species.name] = {{"mass", species.mass},
                                         {"largest",
                                          {{"velocity_A_per_ps", species.velocity},
                                           {"force_eV_per_A", species.force},
                                           {"displacement_A", species.displacement},
                                           {"velocity_change_A_per_ps", species.velocity_change}}}};
      for (const auto &species : potential.jump.species)
        if (!species.environment.empty())
          info["species"][species.name]["environment"] = species.environment;
    } else
      for (int s = 0; s < potential.n_species(); s++)
        info["reference_energy_eV"][element_symbol(potential.elements[s])] =
            potential.tensors.at("reference_energy").values[s];
    for (std::size_t s = 0; s < potential.range.size(); s++)
      info["range"][element_symbol(potential.elements[s])] = {
          {"force_eV_per_A", potential.range[s].force}, {"nearest_A", potential.range[s].nearest}};
    info["date"] = potential.date;
    info["citation"] = potential.citation;
    info["training"] = nlohmann::json::parse(potential.training, nullptr, false);
    info["sha256"] = potential.sha256;
    if (options.json) {
      std::printf("%s\n", info.dump(2).c_str());
      return;
    }
    for (const auto &[key, value] : info.items())
      std::printf("%-20s %s\n", key.c_str(),
                  value.is_string() ? value.get<std::string>().c_str() : value.dump().c_str());
    if (potential.is_jump()) return;
    std::printf("%-20s pair_style mlff\n%-20s pair_coeff * * %s %s\n", "use in LAMMPS", "",
                options.file.c_str(), potential.element_names().c_str());
  }

}    // namespace

void add_command_info(CLI::App &program)
{
  auto options = std::make_shared<Options>();
  auto *command = program.add_subcommand("info", "Show what a potential file holds");
  command
      ->add_option("file", options->file,
                   "potential, .safetensors; a path, or the name of one that ships")
      ->required();
  command->add_flag("--json", options->json, "print JSON");
  command->footer("Example:\n  mlff info potentials/ethanol-rmd17-painn128.safetensors");
  command->callback([options] {
    options->file = find_potential(options->file);
    run(*options);
  });
}

}    // namespace mlff
