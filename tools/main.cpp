// mlff: makes, examines and measures potentials for pair_style mlff.
#include "commands/sub_command.h"
#include "core/errors.h"
#include "engine/version.h"
#include "program/exit_code.h"
#include "program/verbosity.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <new>
#include <vector>

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

/// Commands under their headings in the help, in the order of a user's work.
static void add_commands(CLI::App &program)
{
  struct Group {
    const char *heading;
    std::vector<mlff::AddCommand *> commands;
  };
  std::vector<Group> groups = {
      {"Make models",
       {mlff::add_command_train, mlff::add_command_distill, mlff::add_command_import}},
      {"Judge models",
       {mlff::add_command_info, mlff::add_command_eval, mlff::add_command_check_gradients,
        mlff::add_command_bench}},
      {"Make and examine data",
       {mlff::add_command_molecule, mlff::add_command_label, mlff::add_command_dataset}},
      {"Trajectories and studies", {mlff::add_command_analyze, mlff::add_command_study}},
      {"This machine", {mlff::add_command_doctor, mlff::add_command_completion}}};
  // mlff make-jump labels with xTB.
  if (mlff::has_teacher("xtb")) groups[0].commands.push_back(mlff::add_command_make_jump);
  groups[0].commands.push_back(mlff::add_command_make_sampler);
  for (const auto &group : groups)
    for (auto *add : group.commands) {
      const auto before = program.get_subcommands([](CLI::App *) {
        return true;
      });
      add(program);
      for (auto *command : program.get_subcommands([&](CLI::App *app) {
             return std::find(before.begin(), before.end(), app) == before.end();
           })) {
        command->group(group.heading);
        mlff::add_verbosity_options(*command);
      }
    }
}

static void set_up(CLI::App &program)
{
  program.require_subcommand(0, 1);
  program.set_version_flag("-V,--version",
                           "mlff " + mlff::version_with_commit() + "\n" + mlff::library_versions());
  program.failure_message(CLI::FailureMessage::simple);
  program.footer("mlff COMMAND --help tells the options of a command.\n"
                 "Exit codes: 0 done, 1 refused or failed, 2 words of the command line that are "
                 "not\naccepted, 3 examined and found wanting, 130 interrupted.");
  add_commands(program);
  mlff::add_verbosity_options(program);
}

/// Prints help, the version, or what is wrong with the words of the command line.
static int exit_code_of(const CLI::App &program, const CLI::ParseError &error)
{
  // these carry a code of their own: 0 of help and the version, or the one that a command chose
  const bool has_code = error.get_exit_code() == 0 ||
      dynamic_cast<const CLI::RuntimeError *>(&error) != nullptr;
  const int code = program.exit(error);
  return has_code ? code : mlff::exit_usage;
}

static void run(CLI::App &program, int argc, char **argv)
{
  const auto start = std::chrono::steady_clock::now();
  program.parse(argc, argv);
  if (program.get_subcommands().empty()) {
    spdlog::error("no command given; accepted: {}", commands(program));
    throw CLI::RuntimeError(mlff::exit_usage);
  }
  spdlog::debug("{} took {:.2f} s", program.get_subcommands().front()->get_name(),
                std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
}

int main(int argc, char **argv)
{
  // results go to standard output, everything else to standard error
  mlff::start_messages();
  CLI::App program("mlff " MLFF_VERSION
                   ": makes, examines and measures potentials for LAMMPS' pair_style mlff");
  set_up(program);
  try {
    run(program, argc, argv);
  } catch (const CLI::ExtrasError &error) {
    if (!program.get_subcommands().empty()) return exit_code_of(program, error);
    spdlog::error("unknown command '{}'; accepted: {}", program.remaining().front(),
                  commands(program));
    return mlff::exit_usage;
  } catch (const CLI::ParseError &error) {
    return exit_code_of(program, error);
  } catch (const std::bad_alloc &) {
    spdlog::error("{}", out_of_memory(program));
    return mlff::exit_failed;
  } catch (const std::exception &error) {
    spdlog::error("{}", error.what());
    return mlff::exit_failed;
  }
  return mlff::exit_done;
}
