// mlff label: training data from xTB, or from an ensemble of potentials.
#include "commands/command.h"
#include "label/label.h"
#include "potential/find_potential.h"

#include <memory>

namespace mlff {

void add_command_label(CLI::App &program)
{
  auto o = std::make_shared<LabelOptions>();
  auto *command = program.add_subcommand(
      "label",
      "Make training data: sample molecules with xTB in LAMMPS, or label given structures");
  auto *list =
      command->add_option("--smiles", o->smiles_file,
                          "molecules to sample: a file with a SMILES and a name in each line");
  auto *one = command->add_option("--molecule", o->smiles, "one molecule to sample, as SMILES");
  auto *given = command->add_option("--structures", o->structures,
                                    "frames to label as they are: .xyz or .npz");
  list->excludes(one)->excludes(given);
  one->excludes(given);
  command
      ->add_option("-o,--output", o->output,
                   "folder (sampling) or .xyz file (--structures) to write")
      ->required();

  const char *labels = "Labels";
  auto *method = command->add_option("--method", o->method, "xTB method of the forces")
                     ->check(CLI::IsMember({"gfn2", "gfn1", "gfnff"}))
                     ->capture_default_str()
                     ->group(labels);
  command->add_option("--accuracy", o->accuracy, "of xTB, smaller is tighter")
      ->check(CLI::Range(1e-4, 1e3))
      ->capture_default_str()
      ->group(labels);
  command
      ->add_option(
          "--model", o->models,
          "with --structures: potentials instead of xTB; of several the mean, and their spread")
      ->needs(given)
      ->excludes(method)
      ->group(labels);
  command
      ->add_option("--charge", o->charge,
                   "of given structures, e (default: their key charge, else 0)")
      ->needs(given)
      ->group(labels);
  command
      ->add_option("--uhf", o->uhf,
                   "unpaired electrons of given structures (default: their key spin, the "
                   "multiplicity, less 1, else 0)")
      ->needs(given)
      ->check(not_negative)
      ->group(labels);
  add_read_options(*command, o->read);

  command
      ->add_option("--etemp", o->electronic_temperature,
                   "electronic temperature of xTB for given structures, K: higher where charges do "
                   "not converge")
      ->needs(given)
      ->check(CLI::PositiveNumber)
      ->capture_default_str()
      ->group(labels);

  command
      ->add_flag("--skip-failed", o->skip_failed,
                 "leave out given structures whose calculation fails, as a self-consistent field "
                 "that does not converge")
      ->needs(given)
      ->group(labels);

  const char *sampling = "Sampling";
  command
      ->add_option(
          "--sampling", o->sampling,
          "langevin: spread frames; nve: windows of successive steps; rattle: displaced conformers")
      ->check(CLI::IsMember({"langevin", "nve", "rattle"}))
      ->capture_default_str()
      ->group(sampling);
  command->add_option("--temperature", o->temperatures, "K, one or more")
      ->check(above_zero)
      ->capture_default_str()
      ->group(sampling);
  command
      ->add_option("--trajectories", o->trajectories,
                   "at each temperature, each from a conformer of its own")
      ->check(above_zero)
      ->capture_default_str()
      ->group(sampling);
  command->add_option("--frames", o->frames, "of a trajectory (langevin, rattle)")
      ->check(above_zero)
      ->capture_default_str()
      ->group(sampling);
  command->add_option("--every", o->every, "steps between frames (langevin)")
      ->check(above_zero)
      ->capture_default_str()
      ->group(sampling);
  command->add_option("--windows", o->windows, "of a trajectory (nve)")
      ->check(above_zero)
      ->capture_default_str()
      ->group(sampling);
  command->add_option("--window", o->window, "steps of a window (nve)")
      ->check(above_zero)
      ->capture_default_str()
      ->group(sampling);
  command->add_option("--between", o->between, "Langevin steps before each window (nve)")
      ->check(above_zero)
      ->capture_default_str()
      ->group(sampling);
  command
      ->add_flag("--rotation", o->rotation,
                 "keep the rotation of the whole molecule in its windows (nve)")
      ->group(sampling);
  command->add_option("--warmup", o->warmup, "Langevin steps before all")
      ->check(not_negative)
      ->capture_default_str()
      ->group(sampling);
  command->add_option("--timestep", o->timestep, "fs")
      ->check(above_zero)
      ->capture_default_str()
      ->group(sampling);
  command->add_option("--rattle", o->rattle, "standard deviation of each coordinate, Å")
      ->check(above_zero)
      ->capture_default_str()
      ->group(sampling);
  command->add_option("--seed", o->seed, "of conformers, velocities and noise")
      ->check(above_zero)
      ->capture_default_str()
      ->group(sampling);
  command->add_option("--jobs", o->jobs, "trajectories at a time, 0: as many as cores")
      ->check(not_negative)
      ->capture_default_str();
  command->add_option("--lmp", o->lammps,
                      "LAMMPS with pair_style xtb (default: lmp beside this program)");
  command->footer(
      "Examples:\n"
      "  mlff label --smiles druglike.smi --temperature 300 500 -o data\n"
      "  mlff label --molecule CCO --sampling nve --temperature 300 400 500 --trajectories 5 -o "
      "windows\n"
      "  mlff label --structures frames.xyz --model a.safetensors b.safetensors -o labelled.xyz\n"
      "A run that was interrupted goes on when the same command is given again.");
  command->callback([o, command] {
    if (o->smiles_file.empty() && o->smiles.empty() && o->structures.empty())
      throw CLI::ValidationError("one of --smiles, --molecule and --structures is required");
    for (const auto *option : command->get_options())
      if (option->count() > 0) {
        o->command += " " + option->get_name();
        for (const auto &value : option->results()) o->command += " " + value;
      }
    o->command = "mlff label" + o->command;
    for (auto &model : o->models) model = find_potential(model);
    if (o->structures.empty())
      label_molecules(*o);
    else
      label_structures(*o);
  });
}

}    // namespace mlff
