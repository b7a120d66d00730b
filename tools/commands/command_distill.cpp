// mlff distill: a student that learns where it goes itself.
#include "commands/sub_command.h"
#include "distill/distill.h"

namespace mlff {

void add_command_distill(CLI::App &program)
{
  struct Options {
    std::string settings, lammps;
    int jobs = 0;
  };
  CommandOptions<Options> options(program, "distill",
                                  "Train students on their own trajectories, labelled by "
                                  "xTB or by other potentials, round by round");
  options.app.add_option("settings", options->settings, "YAML file, see doc/guide/train.md")
      ->required();
  OptionGroup(options.app)
      .add_not_negative("--jobs", options->jobs, "processes at a time, 0: as many as cores");
  options.app.add_option(
      "--lmp", options->lammps,
      "LAMMPS with pair_style mlff (default: that of MLFF_LAMMPS, else lmp beside this program)");
  options.app.footer("Example:\n  mlff distill examples/train/distill.yaml\nA run that was "
                     "interrupted goes on when the same command is given again.");
  options.app.callback([options] {
    distill(DistillSettings::read(options->settings), "mlff distill " + options->settings,
            options->lammps, options->jobs);
  });
}

}    // namespace mlff
