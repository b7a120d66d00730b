// mlff study: methods over molecules and seeds, timed and judged.
#include "commands/sub_command.h"
#include "program/json_output.h"
#include "study/study.h"
#include "study/study_settings.h"
#include "workflow/run_folder.h"

#include <cstdio>
#include <filesystem>

namespace mlff {

/// doc/guide/study_settings.md
static std::string study_settings_page()
{
  return "# Settings of mlff study\n\n"
         "All keys of settings files, as `mlff study --help-settings` prints them. Their use:\n"
         "[study.md](study.md).\n\n" +
      StudySettings::page();
}

void add_command_study(CLI::App &program)
{
  struct Options : StudyOptions {
    bool json = false;
  };
  CommandOptions<Options> o(program, "study",
                            "Compare ways to integrate the motion: LAMMPS runs of a table of "
                            "methods, their times and their physics in one report");
  o.app.add_option("settings", o->settings, "YAML file, see doc/guide/study.md")->required();
  o.app.add_option("-o,--output", o->output,
                   "folder to write (default: the name of the settings without its ending)");
  o.app
      .add_option("--ps", o->length,
                  "ps of each run in the place of that of the settings: a first look")
      ->check(above_zero);
  o.app.add_option("--timing-ps", o->timing_length, "the same of timings")->check(above_zero);
  OptionGroup(o.app).add_not_negative(
      "--jobs", o->jobs,
      "dynamics at a time, 0: as many as cores; timings are always one at a time");
  add_lammps_option(o.app, o->lammps, "LAMMPS of this package");
  o.app.add_flag("--report", o->only_report, "run nothing, write the report of what is there");
  add_help_settings_option(o.app, study_settings_page);
  o.app.footer("Example:\n  mlff study examples/study/ethanol-gfn2.yaml\nA study that was "
               "interrupted goes on when the same command is given again.");
  run_with_json(o.app, o->json, [o](JsonOutput &output) {
    char words[64] = "";
    if (o->length > 0.0) std::snprintf(words, sizeof words, " --ps %g", o->length);
    o->command = "mlff study " + std::filesystem::path(o->settings).filename().string() + words;
    if (o->timing_length > 0.0)
      std::snprintf(words, sizeof words, " --timing-ps %g", o->timing_length);
    if (o->timing_length > 0.0) o->command += words;
    study(*o);
    if (!output.wanted()) return;
    const std::filesystem::path folder = StudySettings::read(o->settings, o->output).output;
    output.print(nlohmann::ordered_json::parse(text_of(folder / "report.json")));
  });
}

}    // namespace mlff
