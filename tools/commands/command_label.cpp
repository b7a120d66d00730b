// mlff label: training data from the teachers.
#include "commands/sub_command.h"
#include "label/label.h"
#include "program/json_output.h"
#include "workflow/run_folder.h"

#include <filesystem>

namespace mlff {

namespace {

  void add_label_options(CLI::App &command, LabelOptions &o, CLI::Option *structures)
  {
    OptionGroup labels(command, "Labels");
    const auto options = add_teacher_options(command, o.teacher, "Labels");
    // sampling takes these from the molecule, or not at all
    for (const char *key : {"models", "etemp", "charge", "uhf", "lammps_processes"})
      if (const auto found = options.find(key); found != options.end())
        found->second->needs(structures);
    labels
        .add_flag("--skip-failed", o.skip_failed,
                  "leave out given structures whose calculation fails, as a self-consistent field "
                  "that does not converge")
        ->needs(structures);
    add_read_options(command, o.read);
  }

  void add_sampling_options(CLI::App &command, LabelOptions &o)
  {
    OptionGroup sampling(command, "Sampling");
    sampling.add_word(
        "--sampling", o.sampling, {"langevin", "nve", "rattle", "wide"},
        "langevin: spread frames; nve: windows of successive steps; rattle: displaced "
        "conformers; wide: geometries far from each other, without dynamics");
    sampling.add_above_zero("--temperature", o.temperatures, "K, one or more");
    sampling.add_above_zero("--trajectories", o.trajectories,
                            "at each temperature, each from a conformer of its own");
    sampling.add_above_zero("--frames", o.frames,
                            "of a trajectory (langevin, rattle, wide), or copies of a structure");
    sampling.add_above_zero("--every", o.every, "steps between frames (langevin)");
    sampling.add_above_zero("--windows", o.windows, "of a trajectory (nve)");
    sampling.add_above_zero("--window", o.window, "steps of a window (nve)");
    sampling.add_above_zero("--between", o.between, "Langevin steps before each window (nve)");
    sampling.add_flag("--rotation", o.rotation,
                      "keep the rotation of the whole molecule in its windows (nve)");
    sampling.add_not_negative("--warmup", o.warmup, "Langevin steps before all");
    sampling.add_above_zero("--timestep", o.timestep, "fs");
    sampling.add_above_zero("--rattle", o.rattle, "standard deviation of each coordinate, Å");
    sampling.add_above_zero("--seed", o.seed, "of conformers, velocities and noise");
  }

  /// Copies of given structures; --frames, --rattle and --seed are those of sampling.
  void add_copy_options(CLI::App &command, LabelOptions &o, CLI::Option *structures)
  {
    const char *group = "Copies of given structures";
    std::vector<CLI::Option *> options;
    options.push_back(command
                          .add_option("--repeat", o.copies.repeat,
                                      "times that cells are repeated along their three vectors")
                          ->check(CLI::Range(1, 1000))
                          ->default_str("1 1 1"));
    options.push_back(command
                          .add_option("--strain", o.copies.strain,
                                      "largest component of a strain, along periodic directions")
                          ->check(CLI::Range(0.0, largest_strain)));
    options.push_back(command
                          .add_option_function<std::array<double, 2>>(
                              "--volume",
                              [&o](const std::array<double, 2> &range) {
                                if (range[0] > range[1])
                                  throw CLI::ValidationError(
                                      "--volume: found a smallest share above the "
                                      "largest; accepted: two numbers, as 0.9 1.1");
                                o.copies.volume = range;
                              },
                              "smallest and largest volume, shares of that of the structure")
                          ->check(CLI::Range(0.1, 10.0)));
    for (auto *option : options) option->needs(structures)->group(group);
  }

  /// What --frames, --rattle and --seed say of copies.
  void set_copies(const CLI::App &command, LabelOptions &o)
  {
    o.copies.seed = o.seed;
    o.copies.wide = o.sampling == "wide";
    if (command.count("--sampling") > 0 && !o.copies.wide)
      throw CLI::ValidationError("--sampling: found " + o.sampling +
                                 "; accepted with --structures: wide");
    if (command.count("--rattle") > 0) o.copies.rattle = o.rattle;
    if (o.copies.wide && (o.copies.rattle > 0.0 || o.copies.strain > 0.0 || o.copies.volume))
      throw CLI::ValidationError("--sampling: wide chooses strain, volume and displacements by "
                                 "itself; accepted without --rattle, --strain and --volume");
    if (command.count("--frames") == 0) return;
    if (!o.copies.vary())
      throw CLI::ValidationError(
          "--frames: all copies of a structure would be the same; accepted with --structures: "
          "beside --rattle, --strain, --volume or --sampling wide");
    o.copies.copies = o.frames;
  }

  /// Trajectories of a folder, as its manifest lists them, or the number of labelled frames.
  nlohmann::ordered_json result_of(const LabelOptions &o)
  {
    nlohmann::ordered_json result = {{"output", o.output}};
    if (o.structures.empty()) {
      const auto manifest = std::filesystem::path(o.output) / "manifest.json";
      result["trajectories"] = nlohmann::ordered_json::parse(text_of(manifest))["trajectories"];
      return result;
    }
    long frames = 0;
    const auto reader = open_trajectory(o.output, {.units = "metal"});
    for (Structure frame; reader->next(frame);) frames++;
    result["frames"] = frames;
    return result;
  }

}    // namespace

void add_command_label(CLI::App &program)
{
  struct Options : LabelOptions {
    bool json = false;
  };
  CommandOptions<Options> o(
      program, "label",
      "Make training data: sample molecules in LAMMPS, or label given structures, by xTB, "
      "potentials or LAMMPS");
  auto *list =
      o.app.add_option("--smiles", o->smiles_file,
                       "molecules to sample: a file with a SMILES and a name in each line");
  auto *one = o.app.add_option("--molecule", o->smiles, "one molecule to sample, as SMILES");
  auto *given =
      o.app.add_option("--structures", o->structures, "frames to label as they are: .xyz or .npz");
  list->excludes(one)->excludes(given);
  one->excludes(given);
  o.app
      .add_option("-o,--output", o->output,
                  "folder (sampling) or .xyz file (--structures) to write")
      ->required();
  add_label_options(o.app, *o, given);
  add_sampling_options(o.app, *o);
  add_copy_options(o.app, *o, given);
  OptionGroup(o.app).add_not_negative("--jobs", o->jobs,
                                      "trajectories at a time, 0: as many as cores");
  add_lammps_option(o.app, o->lammps, "LAMMPS, with pair_style xtb where that is the teacher");
  o.app.footer(
      "Examples:\n"
      "  mlff label --smiles druglike.smi --temperature 300 500 -o data\n"
      "  mlff label --molecule CCO --sampling nve --temperature 300 400 500 --trajectories 5 -o "
      "windows\n"
      "  mlff label --molecule CCO --sampling wide --frames 2000 -o wide\n"
      "  mlff label --structures frames.xyz --model a.safetensors b.safetensors -o labelled.xyz\n"
      "  mlff label --structures cell.xyz --repeat 2 2 2 --rattle 0.05 --strain 0.03 --frames 300 "
      "--lammps in.force -o crystal.xyz\n"
      "A run that was interrupted goes on when the same command is given again.");
  run_with_json(o.app, o->json, [o](JsonOutput &output) {
    if (o->smiles_file.empty() && o->smiles.empty() && o->structures.empty())
      throw CLI::ValidationError("one of --smiles, --molecule and --structures is required");
    o->command = "mlff label" + given_options(o.app);
    o->teacher.lammps = o->lammps;
    if (o->structures.empty())
      label_molecules(*o);
    else {
      set_copies(o.app, *o);
      label_structures(*o);
    }
    if (output.wanted()) output.print(result_of(*o));
  });
}

}    // namespace mlff
