// Options of mlff eval --reach, and what they ask for.
#include "commands/eval/reach_options.h"

#include "core/errors.h"
#include "core/units.h"
#include "molecule/molecule.h"
#include "potential/find_potential.h"
#include "program/completion.h"
#include "workflow/plot_script.h"
#include "workflow/run_folder.h"

#include <spdlog/spdlog.h>

#include <filesystem>
#include <set>

namespace mlff {

namespace {

  constexpr const char *group = "Reach";

  void add_teacher_of_reach(CLI::App &command, ReachRequest &request, CLI::Option *reach)
  {
    // --model is that of the student
    const auto options = add_teacher_options(command, request.teacher, "Teacher of --reach",
                                             {"models", "lammps_processes"});
    auto *potentials = command.add_option_function<std::vector<std::string>>(
        "--teacher-model",
        [&request](std::vector<std::string> files) {
          for (auto &file : files) file = find_potential(file);
          request.teacher.kind = "potentials";
          request.teacher.values["models"] = files;
        },
        "potentials as the teacher, instead of xTB; of several the mean");
    potentials->type_name(potential_type)->group("Teacher of --reach")->needs(reach);
    for (const auto &[key, option] : options) option->needs(reach);
    for (const auto *kind : teacher_kinds())
      if (const auto found = options.find(kind->settings.front().key); found != options.end())
        potentials->excludes(found->second);
    command
        .add_option("--lmp", request.teacher.lammps,
                    "LAMMPS, where that is the teacher (default: that of MLFF_LAMMPS, else lmp "
                    "beside this program)")
        ->needs(reach)
        ->group("Teacher of --reach");
  }

  /// The molecule, and in words where it is from.
  struct ReachStart {
    Structure structure;
    std::string source;
  };

  ReachStart start_of(const ReachRequest &request, const std::string &data, const ReadOptions &read)
  {
    if (!request.molecule.empty()) {
      const Molecule molecule = make_molecule(request.molecule, 1, 1);
      return {molecule.frame(molecule.conformers.front()), "molecule '" + request.molecule + "'"};
    }
    const std::string &file = request.structure.empty() ? data : request.structure;
    ReachStart start{{}, "'" + file + "', frame 1"};
    const auto reader = open_trajectory(file, read);
    if (!reader->next(start.structure)) throw FileError("'" + file + "' holds no frame");
    return start;
  }

  void draw(const std::string &folder, const nlohmann::ordered_json &json)
  {
    std::filesystem::create_directories(folder);
    const auto numbers = (std::filesystem::path(folder) / "reach.json").string(),
               picture = (std::filesystem::path(folder) / "reach.png").string();
    write_json(numbers, json);
    if (!run_plot_script("plot_reach.py", {numbers, picture}))
      throw FileError("the picture could not be drawn; the numbers are in '" + numbers + "'");
    spdlog::info("wrote {}", picture);
  }

}    // namespace

void add_reach_options(CLI::App &command, ReachRequest &request)
{
  auto *reach =
      command
          .add_flag("--reach", request.wanted,
                    "also energies along torsions and bonds of one molecule, beside those of a "
                    "teacher: how far the potential reaches; further potentials of --model tell "
                    "their spread")
          ->group(group);
  auto *molecule = command.add_option("--molecule", request.molecule,
                                      "the molecule, as SMILES (default: first frame of --data)");
  auto *structure = command.add_option("--structure", request.structure,
                                       "the molecule: the first frame of this file");
  auto *threshold = command
                        .add_option("--reach-threshold", request.threshold,
                                    "meV: further apart than this, potential and teacher part")
                        ->check(above_zero)
                        ->capture_default_str();
  auto *highest = command
                      .add_option("--reach-limit", request.highest,
                                  "eV above the start: higher energies count as this one")
                      ->check(above_zero)
                      ->capture_default_str();
  auto *plots = command.add_option("--plots", request.plots,
                                   "folder for a picture of the scans, and the curves in it as "
                                   "JSON");
  structure->excludes(molecule);
  for (auto *option : {molecule, structure, threshold, highest, plots})
    option->needs(reach)->group(group);
  add_teacher_of_reach(command, request, reach);
}

Reach evaluate_reach(const ReachRequest &request, const std::vector<std::string> &models,
                     const std::string &data, const ReadOptions &read, const EngineOptions &engine)
{
  const auto start = start_of(request, data, read);
  TeacherSettings settings = request.teacher;
  settings.threads = engine.threads;
  const auto teacher = make_teacher(settings);
  ReachOptions options;
  options.threshold = request.threshold * meV;
  options.highest = request.highest;
  try {
    Reach reach = evaluate_reach(start.structure, models, engine, settings, *teacher, options);
    reach.notes.push_back("a potential that learned from another method than " + reach.teacher +
                          " differs as the methods do, too");
    if (!request.plots.empty()) draw(request.plots, reach.json());
    return reach;
  } catch (const StructureError &error) {
    throw FileError("--reach of " + start.source + ": " + error.what());
  } catch (const TeacherError &error) {
    throw FileError("--reach of " + start.source + ": " + name_of_teacher(settings) +
                    " cannot label it: " + error.what());
  }
}

}    // namespace mlff
