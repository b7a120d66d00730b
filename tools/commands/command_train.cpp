// mlff train: a potential from labelled frames or from teachers, or a jump network from
// trajectories.
#include "commands/command.h"
#include "training/jump/jump_trainer.h"
#include "training/trainer.h"
#include "workflow/plot_script.h"

#include <cstdlib>
#include <memory>

namespace mlff {

void add_command_train(CLI::App &program)
{
  struct Options {
    std::string settings;
    bool restart = false, force = false, plots = true;
  };
  auto options = std::make_shared<Options>();
  auto *command = program.add_subcommand("train",
                                         "Train a potential on labelled frames, or on labels of "
                                         "other potentials; resumes where it was stopped");
  command->add_option("settings", options->settings, "YAML file, see doc/guide/train.md")
      ->required();
  command->add_flag("--restart", options->restart, "forget an earlier checkpoint");
  command->add_flag("--force", options->force, "overwrite an existing potential");
  command->add_flag("--plots,!--no-plots", options->plots,
                    "pictures of the learning curve and of predictions against labels");
  command->footer("Example:\n  mlff train examples/train/ethanol.yaml");
  command->callback([options] {
    const std::string command_line = "mlff train " + options->settings;
    if (training_kind(options->settings) == "kstep") {
      if (!JumpTrainer(JumpTrainSettings::read_file(options->settings), command_line)
               .run(options->restart, options->force))
        std::exit(130);
      return;
    }
    Trainer trainer(TrainSettings::read_file(options->settings), command_line);
    if (!trainer.run(options->restart, options->force)) std::exit(130);
    if (!options->plots) return;
    draw_picture("plot_training.py",
                 {trainer.work_folder(), trainer.work_folder() + "/training.png"},
                 trainer.work_folder());
  });
}

}    // namespace mlff
