// mlff info: what a potential file holds.
#include "commands/sub_command.h"
#include "core/elements.h"
#include "potential/find_potential.h"
#include "potential/metadata.h"
#include "potential/model_kind.h"
#include "potential/potential.h"
#include "potential/repulsion/core_metadata.h"
#include "program/completion.h"
#include "program/json_output.h"

#include <nlohmann/json.hpp>

#include <cstdio>

namespace mlff {

namespace {

  struct InfoOptions {
    std::string file;
    bool json = false;
  };

  void run(const InfoOptions &options)
  {
    const Potential potential = Potential::read(options.file);
    nlohmann::ordered_json info;
    info["file"] = options.file;
    info["model"] = potential.kind().name;
    ModelDescription description;
    potential.kind().file.describe(potential, description);
    info.update(description.sizes);
    info["cutoff_A"] = potential.cutoff;
    info["parameters"] = potential.n_parameters();
    info.update(description.more);
    if (!potential.core.empty()) info["core"] = core_json(potential, "_A");
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
    if (potential.kind().gives_jumps) return;
    std::printf("%-20s pair_style mlff\n%-20s pair_coeff * * %s %s\n", "use in LAMMPS", "",
                options.file.c_str(), potential.element_names().c_str());
  }

}    // namespace

void add_command_info(CLI::App &program)
{
  CommandOptions<InfoOptions> options(program, "info", "Show what a potential file holds");
  options.app
      .add_option("file", options->file,
                  "potential, .safetensors; a path, or the name of one that ships")
      ->required()
      ->type_name(potential_type);
  add_json_option(options.app, options->json);
  options.app.footer("Example:\n  mlff info potentials/ethanol-rmd17-painn128.safetensors");
  options.app.callback([options] {
    options->file = find_potential(options->file);
    run(*options);
  });
}

}    // namespace mlff
