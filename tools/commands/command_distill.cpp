// mlff distill: a student that learns where it goes itself.
#include "commands/command.h"
#include "distill/distill.h"

#include <memory>

namespace mlff {

void add_command_distill(CLI::App &program)
{
  struct Options {
    std::string settings, lammps;
    int jobs = 0;
  };
  auto options = std::make_shared<Options>();
  auto *command = program.add_subcommand("distill",
                                         "Train students on their own trajectories, labelled by "
                                         "xTB or by other potentials, round by round");
  command->add_option("settings", options->settings, "YAML file, see doc/guide/train.md")
      ->required();
  OptionGroup(*command).add_not_negative("--jobs", options->jobs,
                                         "processes at a time, 0: as many as cores");
  command->add_option("--lmp", options->lammps,
                      "LAMMPS with pair_style mlff (default: lmp beside this program)");
  command->footer("Example:\n  mlff distill examples/train/distill.yaml\nA run that was "
                  "interrupted goes on when the same command is given again.");
  command->callback([options] {
    distill(DistillSettings::read(options->settings), "mlff distill " + options->settings,
            options->lammps, options->jobs);
  });
}

}    // namespace mlff
