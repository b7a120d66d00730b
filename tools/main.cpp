// mlff: makes, examines and measures potentials for pair_style mlff.
#include "commands/sub_command.h"
#include "core/errors.h"
#include "engine/version.h"

#include <spdlog/sinks/stdout_color_sinks.h>
#include <spdlog/spdlog.h>

#include <map>
#include <new>

#include <sys/resource.h>

/// Remedies where the memory of the machine or the limit of the process is not enough.
static std::string out_of_memory(const CLI::App &program)
{
  static const std::map<std::string, std::string> remedies = {
      {"train",
       "fewer frames ('frames' of a data file), a smaller 'training.batch_atoms' or a smaller "
       "model"},
      {"distill", "fewer frames or a smaller 'student.training.batch_atoms'"},
      {"eval", "smaller --batch or --memory"},
      {"bench", "fewer --atoms"},
      {"label", "smaller structures, fewer --jobs"},
      {"analyze", "fewer frames, a shorter --lag"}};
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  std::string text = "there is not enough memory: more was asked for than the machine, or a limit "
                     "such as 'ulimit -v', gives; " +
      std::to_string(usage.ru_maxrss / 1024) + " MiB were in use";
  for (const auto *command : program.get_subcommands())
    if (const auto found = remedies.find(command->get_name()); found != remedies.end())
      text += "; accepted: " + found->second;
  return text;
}

static std::string commands(const CLI::App &program)
{
  std::string names;
  for (const auto *command : program.get_subcommands([](const CLI::App *) {
         return true;
       }))
    names += (names.empty() ? "" : ", ") + command->get_name();
  return names;
}

int main(int argc, char **argv)
{
  // results go to standard output, everything else to standard error
  const auto log = spdlog::stderr_color_mt("mlff");
  log->set_pattern("mlff: %^%l%$: %v");
  spdlog::set_default_logger(log);

  CLI::App program("mlff " MLFF_VERSION
                   ": makes, examines and measures potentials for LAMMPS' pair_style mlff");
  program.require_subcommand(0, 1);
  program.set_version_flag("--version",
                           "mlff " + mlff::version_with_commit() + "\n" + mlff::library_versions());
  program.failure_message(CLI::FailureMessage::simple);
  mlff::add_command_import(program);
  mlff::add_command_info(program);
  mlff::add_command_eval(program);
  mlff::add_command_check_gradients(program);
  mlff::add_command_molecule(program);
  mlff::add_command_label(program);
  mlff::add_command_dataset(program);
  mlff::add_command_train(program);
  mlff::add_command_distill(program);
  // mlff make-jump labels with xTB.
  if (mlff::has_teacher("xtb")) mlff::add_command_make_jump(program);
  mlff::add_command_analyze(program);
  mlff::add_command_study(program);
  mlff::add_command_bench(program);
  try {
    program.parse(argc, argv);
    if (program.get_subcommands().empty())
      throw std::runtime_error("no command given; accepted: " + commands(program));
  } catch (const CLI::ExtrasError &error) {
    if (!program.get_subcommands().empty()) return program.exit(error);
    spdlog::error("unknown command '{}'; accepted: {}", program.remaining().front(),
                  commands(program));
    return 1;
  } catch (const CLI::ParseError &error) {
    return program.exit(error);
  } catch (const std::bad_alloc &) {
    spdlog::error("{}", out_of_memory(program));
    return 1;
  } catch (const std::exception &error) {
    spdlog::error("{}", error.what());
    return 1;
  }
  return 0;
}
