// mlff train: a potential from labelled frames or from teachers, or a jump network from
// trajectories.
#include "commands/sub_command.h"
#include "data/output_file.h"
#include "potential/potential.h"
#include "program/exit_code.h"
#include "program/json_output.h"
#include "training/jump/jump_trainer.h"
#include "training/pretrain/pretraining.h"
#include "training/trainer.h"
#include "workflow/plot_script.h"

#include <cstdio>
#include <string>

namespace mlff {

namespace {

  struct TrainOptions {
    std::string settings;
    bool restart = false, force = false, plots = true, json = false;
  };

  /// doc/guide/train_settings.md
  std::string train_settings_page()
  {
    return "# Settings of mlff train\n\n"
           "All keys of settings files, as `mlff train --help-settings` prints them. Their use:\n"
           "[train.md](train.md) for potentials, [train_jump.md](train_jump.md) for jump "
           "networks.\n\n"
           "## Potentials\n\n" +
        TrainSettings::page() + "## Jump networks\n\n" + JumpTrainSettings::page();
  }

  /// Trains, and returns the file of the result.
  std::string train(const TrainOptions &options)
  {
    const std::string command_line = "mlff train " + options.settings;
    if (training_kind(options.settings) == "kstep") {
      const auto settings = JumpTrainSettings::read_file(options.settings);
      if (!JumpTrainer(settings, command_line).run(options.restart, options.force))
        throw CLI::RuntimeError(exit_interrupted);
      return settings.output;
    }
    auto settings = TrainSettings::read_file(options.settings);
    OutputFile::check(settings.output, options.force);
    if (!pretrain(settings, command_line, options.restart))
      throw CLI::RuntimeError(exit_interrupted);
    Trainer trainer(settings, command_line);
    if (!trainer.run(options.restart, options.force)) throw CLI::RuntimeError(exit_interrupted);
    if (options.plots)
      draw_picture("plot_training.py",
                   {trainer.work_folder(), trainer.work_folder() + "/training.png"},
                   trainer.work_folder());
    return settings.output;
  }

  /// Errors and provenance of a trained potential, as its file holds them.
  nlohmann::ordered_json training_result_of(const std::string &file)
  {
    const Potential potential = Potential::read(file);
    nlohmann::ordered_json result = {{"file", file}, {"sha256", potential.sha256}};
    result.update(nlohmann::ordered_json::parse(potential.training));
    return result;
  }

}    // namespace

void add_command_train(CLI::App &program)
{
  CommandOptions<TrainOptions> options(program, "train",
                                       "Train a potential on labelled frames, or on labels of "
                                       "other potentials; resumes where it was stopped");
  options.app.add_option("settings", options->settings, "YAML file, see doc/guide/train.md")
      ->required();
  options.app.add_flag("--restart", options->restart, "forget an earlier checkpoint");
  options.app.add_flag("--force", options->force, "overwrite an existing potential");
  options.app.add_flag("--plots,!--no-plots", options->plots,
                       "pictures of the learning curve and of predictions against labels");
  add_help_settings_option(options.app, train_settings_page);
  options.app.footer("Example:\n  mlff train examples/train/ethanol.yaml");
  run_with_json(options.app, options->json, [options](JsonOutput &output) {
    const std::string file = train(*options);
    if (output.wanted()) output.print(training_result_of(file));
  });
}

}    // namespace mlff
