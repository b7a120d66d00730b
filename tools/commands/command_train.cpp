// mlff train: a potential from labelled frames or from teachers, or a jump network from
// trajectories.
#include "commands/sub_command.h"
#include "training/jump/jump_trainer.h"
#include "training/trainer.h"
#include "workflow/plot_script.h"

#include <cstdio>
#include <cstdlib>
#include <string>

namespace mlff {

namespace {

  struct Options {
    std::string settings;
    bool restart = false, force = false, plots = true;
  };

  /// Prints all settings as a page in Markdown: doc/guide/train_settings.md.
  void print_settings()
  {
    std::string page =
        "# Settings of mlff train\n\n"
        "All keys of settings files, as `mlff train --help-settings` prints them. Their use:\n"
        "[train.md](train.md) for potentials, [train_jump.md](train_jump.md) for jump networks.\n\n"
        "## Potentials\n\n" +
        TrainSettings::page() + "## Jump networks\n\n" + JumpTrainSettings::page();
    page.pop_back();    // a blank line follows each table
    std::fputs(page.c_str(), stdout);
  }

}    // namespace

void add_command_train(CLI::App &program)
{
  CommandOptions<Options> options(program, "train",
                                  "Train a potential on labelled frames, or on labels of "
                                  "other potentials; resumes where it was stopped");
  options.app.add_option("settings", options->settings, "YAML file, see doc/guide/train.md")
      ->required();
  options.app.add_flag("--restart", options->restart, "forget an earlier checkpoint");
  options.app.add_flag("--force", options->force, "overwrite an existing potential");
  options.app.add_flag("--plots,!--no-plots", options->plots,
                       "pictures of the learning curve and of predictions against labels");
  // the settings file is not needed then
  options.app
      .add_flag_callback(
          "--help-settings",
          [] {
            print_settings();
            throw CLI::Success();
          },
          "print all keys of a settings file, with defaults and accepted values")
      ->trigger_on_parse();
  options.app.footer("Example:\n  mlff train examples/train/ethanol.yaml");
  options.app.callback([options] {
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
