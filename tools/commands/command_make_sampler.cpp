// mlff make-sampler: a SMILES becomes a student and an input of LAMMPS that takes exact samples.
#include "commands/sub_command.h"
#include "make_sampler/make_sampler.h"
#include "potential/model_kind.h"
#include "potential/potential.h"
#include "program/json_output.h"
#include "workflow/plot_script.h"
#include "workflow/work_process.h"

namespace mlff {

namespace {

  /// The student, and what its file says of how it was made and how good it is.
  nlohmann::ordered_json result_of(const std::string &folder)
  {
    const Potential student = Potential::read(folder + "/student.safetensors");
    nlohmann::ordered_json result = {{"file", folder + "/student.safetensors"},
                                     {"input", folder + "/in.sample"},
                                     {"sha256", student.sha256}};
    result.update(nlohmann::ordered_json::parse(student.training));
    return result;
  }

  /// Models that can be students of one molecule.
  std::vector<std::string> students()
  {
    std::vector<std::string> names = {"auto"};
    for (const ModelKind *kind : model_kinds())
      if (!kind->gradients.empty() && !kind->needs_positions) names.emplace_back(kind->name);
    return names;
  }

}    // namespace

void add_command_make_sampler(CLI::App &program)
{
  struct Options : MakeSamplerOptions {
    bool plots = true, json = false;
  };
  CommandOptions<Options> o(program, "make-sampler",
                            "Make a student of a molecule and an input that takes exact samples "
                            "with it: labels, training, a check");
  o.app.preparse_callback([](std::size_t) {
    restart_with_one_thread();
  });
  OptionGroup options(o.app);
  o.app.add_option("smiles", o->smiles, "the molecule")->required();
  o.app.add_option("-o,--output", o->output, "folder to write")->required();
  options.add_above_zero("--temperature", o->temperature, "of the samples, K");
  options.add_above_zero("--minutes", o->minutes, "time for everything");
  options.add("--acceptance", o->acceptance, "expected share of accepted proposals that is enough")
      ->check(CLI::Range(0.01, 0.99));
  options.add_not_negative("--labels", o->labels,
                           "labels of the teacher at most, 0: as many as the time allows");
  o.app.add_option("--charge", o->charge, "of the molecule, e (default: that of the SMILES)")
      ->check(CLI::Range(-100, 100));
  options.add_word("--student", o->student, students(),
                   "model of the student; auto: by the size of the molecule");
  if (has_teacher("xtb"))
    o.app
        .add_option("--first-teacher", o->first_teacher,
                    "a cheaper method of xTB that teaches before the teacher")
        ->check(CLI::IsMember(teacher_kind("xtb").settings.front().accepted));
  add_teacher_options(o.app, o->teacher, nullptr, {"charge", "uhf", "lammps_processes"});
  options.add_above_zero("--seed", o->seed, "of conformers, velocities and weights");
  add_lammps_option(o.app, o->lammps, "LAMMPS that the input is for");
  o.app.add_flag("--plots,!--no-plots", o->plots, "a picture of the errors and of the acceptance");
  o.app.footer("Example:\n  mlff make-sampler CCCO -o propanol\nA run that was interrupted goes on "
               "when the same command is given again.");
  run_with_json(o.app, o->json, [o](JsonOutput &output) {
    o->command = "mlff make-sampler '" + o->smiles + "'" + given_options(o.app);
    make_sampler(*o);
    if (o->plots)
      draw_picture("plot_sampler.py", {o->output, o->output + "/report.png"},
                   o->output + "/report.md");
    if (output.wanted()) output.print(result_of(o->output));
  });
}

}    // namespace mlff
