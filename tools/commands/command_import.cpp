// mlff import: weights of other programs become a potential file.
#include "commands/sub_command.h"
#include "core/elements.h"
#include "core/units.h"
#include "import/import_schnetpack.h"
#include "models/painn/painn_sizes.h"
#include "program/json_output.h"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <ctime>
#include <filesystem>

namespace mlff {

namespace {

  struct ImportOptions {
    std::string weights, output, unit = "kcal/mol", citation, date;
    std::vector<std::string> elements;
    bool force = false, json = false;
  };

  void run(const ImportOptions &options)
  {
    std::vector<int> elements;
    for (const auto &symbol : options.elements) {
      elements.push_back(atomic_number(symbol));
      if (elements.back() == 0)
        throw FileError("--elements: '" + symbol +
                        "' is not an element; expected symbols such as H C O");
    }
    const double unit = options.unit == "eV" ? 1.0 : kcal_per_mol_in_eV;
    Potential potential = import_schnetpack(options.weights, elements, unit);
    potential.citation = options.citation;
    potential.date = options.date;
    if (potential.date.empty()) {
      char text[16];
      const std::time_t now = std::time(nullptr);
      std::strftime(text, sizeof text, "%Y-%m-%d", std::gmtime(&now));
      potential.date = text;
    }
    const nlohmann::json training = {
        {"imported_from", std::filesystem::path(options.weights).filename().string()},
        {"program", "SchNetPack"},
        {"energy_unit", options.unit}};
    potential.training = training.dump();
    potential.write(options.output, options.force);
    spdlog::info("wrote {}: {} with F{} L{} K{}, {} parameters, elements {}", options.output,
                 potential.model(), painn_sizes(potential).features, painn_sizes(potential).layers,
                 painn_sizes(potential).radial, potential.n_parameters(),
                 potential.element_names());
    JsonOutput(options.json)
        .print({{"file", options.output},
                {"model", potential.model()},
                {"size", potential.size_text()},
                {"parameters", potential.n_parameters()},
                {"elements", options.elements}});
  }

}    // namespace

void add_command_import(CLI::App &program)
{
  CommandOptions<ImportOptions> options(
      program, "import",
      "Turn SchNetPack PaiNN weights (.npz of the state dictionary) into a potential");
  options.app
      .add_option("weights", options->weights, "weights under SchNetPack's parameter names, .npz")
      ->required();
  options.app.add_option("-o,--output", options->output, "potential to write, .safetensors")
      ->required();
  options.app
      .add_option("--elements", options->elements,
                  "elements the model was trained on, in the order of its species")
      ->required();
  OptionGroup(options.app)
      .add_word("--energy-unit", options->unit, {"kcal/mol", "eV"},
                "energy unit of the model; its length unit is Å");
  options.app.add_option("--citation", options->citation, "text that LAMMPS puts into log.cite");
  options.app.add_option("--date", options->date, "date of the model, YYYY-MM-DD (default: today)");
  options.app.add_flag("--force", options->force, "overwrite an existing file");
  options.app.footer(
      "Example:\n  mlff import painn_ethanol_1.npz --elements H C O -o ethanol.safetensors");
  add_json_option(options.app, options->json);
  options.app.callback([options] {
    run(*options);
  });
}

}    // namespace mlff
