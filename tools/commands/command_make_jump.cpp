// mlff make-jump: a SMILES becomes a jump network, and an input of LAMMPS that uses it.
#include "commands/command.h"
#include "make_jump/make_jump.h"

#include <spdlog/spdlog.h>

#include <cstdlib>
#include <filesystem>
#include <memory>

namespace mlff {

void add_command_make_jump(CLI::App &program)
{
  struct Options : MakeJumpOptions {
    bool plots = true;
  };
  auto o = std::make_shared<Options>();
  auto *command = program.add_subcommand("make-jump",
                                         "Make a jump network for a molecule: xTB labels, a test "
                                         "of a network that ships, training, a check");
  command->add_option("smiles", o->smiles, "the molecule")->required();
  command->add_option("-o,--output", o->output, "folder to write")->required();
  command->add_option("--stride", o->stride, "time of a jump, fs")->capture_default_str();
  command
      ->add_option("--from", o->from,
                   "jump network to test and to start from: a file, the first word of the name of "
                   "one that ships, or none")
      ->capture_default_str();
  command->add_option("--minutes", o->minutes, "time for everything")
      ->check(above_zero)
      ->capture_default_str();
  command->add_option("--method", o->method, "xTB method of the forces")
      ->check(CLI::IsMember({"gfn2", "gfn1", "gfnff"}))
      ->capture_default_str();
  command->add_option("--accuracy", o->accuracy, "of xTB, smaller is tighter")
      ->check(CLI::Range(1e-4, 1e3))
      ->capture_default_str();
  command->add_option("--seed", o->seed, "of conformers, velocities and weights")
      ->check(above_zero)
      ->capture_default_str();
  command->add_option("--jobs", o->jobs, "trajectories at a time, 0: as many as cores")
      ->check(not_negative)
      ->capture_default_str();
  command->add_option("--lmp", o->lammps,
                      "LAMMPS with pair_style xtb (default: lmp beside this program)");
  command->add_flag("--plots,!--no-plots", o->plots,
                    "a picture of the learning curve and of the errors");
  command->footer("Example:\n  mlff make-jump CCC -o propane\nA run that was interrupted goes on "
                  "when the same command is given again.");
  command->callback([o, command] {
    o->command = "mlff make-jump '" + o->smiles + "'";
    for (const auto *option : command->get_options())
      if (option->count() > 0 && option->get_name() != "smiles") {
        o->command += " " + option->get_name();
        if (option->get_items_expected() > 0)
          for (const auto &value : option->results()) o->command += " " + value;
      }
    make_jump(*o);
    if (!o->plots) return;
    const std::string picture = o->output + "/report.png";
    const std::string line = std::string("'") + MLFF_PYTHON + "' '" + MLFF_TOOLS +
        "/plot_jump.py' '" + o->output + "' '" + picture + "'";
    if (std::system(line.c_str()) == 0)
      spdlog::info("wrote {}", picture);
    else
      spdlog::warn("the picture could not be drawn; the numbers are in {}/report.md", o->output);
  });
}

}    // namespace mlff
