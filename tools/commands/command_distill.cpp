// mlff distill: a student that learns where it goes itself.
#include "commands/sub_command.h"
#include "distill/distill.h"
#include "program/json_output.h"
#include "workflow/run_folder.h"

#include <filesystem>

namespace mlff {

namespace {

  /// The students, and what the manifest says of the rounds.
  nlohmann::ordered_json result_of(const DistillSettings &settings)
  {
    const std::filesystem::path folder = settings.output;
    nlohmann::ordered_json result = {{"folder", settings.output},
                                     {"students", nlohmann::ordered_json::array()}};
    for (int k = 1; k <= settings.students; k++)
      result["students"].push_back(
          (folder / ("student-" + std::to_string(k) + ".safetensors")).string());
    const auto manifest = nlohmann::ordered_json::parse(text_of(folder / "manifest.json"));
    for (const char *key : {"rounds", "curve", "end", "reach"})
      if (manifest.contains(key)) result[key] = manifest[key];
    return result;
  }

  /// doc/guide/distill_settings.md
  std::string distill_settings_page()
  {
    return "# Settings of mlff distill\n\n"
           "All keys of settings files, as `mlff distill --help-settings` prints them. Their use:\n"
           "[train.md](train.md) for molecules, [distill_material.md](distill_material.md) for "
           "materials.\n\n" +
        DistillSettings::page();
  }

}    // namespace

void add_command_distill(CLI::App &program)
{
  struct DistillOptions {
    std::string settings, lammps;
    int jobs = 0;
    bool json = false, plots = true;
  };
  CommandOptions<DistillOptions> options(program, "distill",
                                         "Train students on their own trajectories, labelled by "
                                         "a teacher, round by round");
  options.app.add_option("settings", options->settings, "YAML file, see doc/guide/train.md")
      ->required();
  OptionGroup(options.app)
      .add_not_negative("--jobs", options->jobs, "processes at a time, 0: as many as cores");
  options.app.add_flag("--plots,!--no-plots", options->plots,
                       "a picture of the learning curve, where one is measured");
  add_lammps_option(options.app, options->lammps, "LAMMPS with pair_style mlff");
  add_help_settings_option(options.app, distill_settings_page);
  options.app.footer("Example:\n  mlff distill settings.yaml\nA run that was "
                     "interrupted goes on when the same command is given again.");
  run_with_json(options.app, options->json, [options](JsonOutput &output) {
    auto settings = DistillSettings::read(options->settings);
    settings.teacher.lammps = options->lammps;
    if (settings.first_teacher) settings.first_teacher->lammps = options->lammps;
    distill(settings, "mlff distill " + options->settings, options->lammps, options->jobs,
            options->plots);
    if (output.wanted()) output.print(result_of(settings));
  });
}

}    // namespace mlff
