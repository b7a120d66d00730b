// mlff make-jump: a SMILES becomes a jump network, and an input of LAMMPS that uses it.
#include "commands/sub_command.h"
#include "make_jump/make_jump.h"
#include "potential/potential.h"
#include "program/completion.h"
#include "program/json_output.h"
#include "workflow/plot_script.h"

namespace mlff {

namespace {

  /// The network, and what its file says of how it was made and how good it is.
  nlohmann::ordered_json result_of(const std::string &folder)
  {
    const Potential network = Potential::read(folder + "/jump.safetensors");
    nlohmann::ordered_json result = {{"file", folder + "/jump.safetensors"},
                                     {"input", folder + "/in.jump"},
                                     {"sha256", network.sha256}};
    result.update(nlohmann::ordered_json::parse(network.training));
    return result;
  }

}    // namespace

void add_command_make_jump(CLI::App &program)
{
  struct Options : MakeJumpOptions {
    bool plots = true, json = false;
  };
  CommandOptions<Options> o(program, "make-jump",
                            "Make a jump network for a molecule: xTB labels, a test "
                            "of a network that ships, training, a check");
  OptionGroup options(o.app);
  o.app.add_option("smiles", o->smiles, "the molecule")->required();
  o.app.add_option("-o,--output", o->output, "folder to write")->required();
  options.add("--stride", o->stride, "time of a jump, fs");
  options
      .add("--from", o->from,
           "jump network to test and to start from: a file, the first word of the name of one "
           "that ships, or none")
      ->type_name(potential_type);
  options.add_above_zero("--minutes", o->minutes, "time for everything");
  add_teacher_options(o.app, o->teacher, nullptr,
                      {"models", "etemp", "charge", "uhf", "lammps_processes"});
  options.add_above_zero("--seed", o->seed, "of conformers, velocities and weights");
  options.add_not_negative("--jobs", o->jobs, "trajectories at a time, 0: as many as cores");
  add_lammps_option(o.app, o->lammps, "LAMMPS with pair_style xtb");
  o.app.add_flag("--plots,!--no-plots", o->plots,
                 "a picture of the learning curve and of the errors");
  o.app.footer("Example:\n  mlff make-jump CCC -o propane\nA run that was interrupted goes on "
               "when the same command is given again.");
  run_with_json(o.app, o->json, [o](JsonOutput &output) {
    o->command = "mlff make-jump '" + o->smiles + "'" + given_options(o.app);
    o->teacher.lammps = o->lammps;
    make_jump(*o);
    if (o->plots)
      draw_picture("plot_jump.py", {o->output, o->output + "/report.png"},
                   o->output + "/report.md");
    if (output.wanted()) output.print(result_of(o->output));
  });
}

}    // namespace mlff
