// mlff doctor: what is found of what a run needs.
#include "commands/sub_command.h"
#include "doctor/doctor.h"
#include "program/exit_code.h"
#include "program/json_output.h"

#include <memory>

namespace mlff {

void add_command_doctor(CLI::App &program)
{
  struct DoctorOptions {
    std::string lammps;
    bool json = false;
  };
  auto options = std::make_shared<DoctorOptions>();
  auto *command = program.add_subcommand(
      "doctor",
      "Show what is found here: engine, LAMMPS, GPU, libraries, and what to do where "
      "something is missing");
  command->add_option("--lmp", options->lammps,
                      "the LAMMPS to look at (default: lmp beside this program and on PATH)");
  command->footer("Example:\n  mlff doctor\nExit code: 0 where potentials can be run with LAMMPS, "
                  "3 where something that this needs is missing.");
  run_with_json(*command, options->json, [options](JsonOutput &output) {
    const auto groups = examine(options->lammps);
    if (output.wanted())
      output.print(json_of(groups));
    else
      print(groups);
    if (!ready(groups)) throw CLI::RuntimeError(exit_judged);
  });
}

}    // namespace mlff
