// The sub-commands of the program mlff. Each adds itself to the command line and runs when it is
// chosen.
#pragma once

#include "core/engine_options.h"
#include "data/trajectory.h"
#include "teacher/teacher.h"

#include <CLI/CLI.hpp>

#include <cmath>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace mlff {

/// Checks of options that say in a few words what is accepted.
inline const CLI::Validator above_zero(
    [](std::string &word) {
      char *end = nullptr;
      const double value = std::strtod(word.c_str(), &end);
      return *end == '\0' && value > 0.0 && std::isfinite(value)
          ? std::string()
          : "found '" + word + "'; accepted: a number above 0";
    },
    "above 0");
inline const CLI::Validator not_negative(
    [](std::string &word) {
      char *end = nullptr;
      const double value = std::strtod(word.c_str(), &end);
      return *end == '\0' && value >= 0.0 && std::isfinite(value)
          ? std::string()
          : "found '" + word + "'; accepted: 0 or a number above 0";
    },
    "0 or above");

/// A sub-command, and the values of its options, which live as long as any copy of this.
template <class Options> class CommandOptions {
 public:
  CommandOptions(CLI::App &program, const std::string &name, const std::string &help) :
      app(*program.add_subcommand(name, help)), values(std::make_shared<Options>())
  {
  }

  Options *operator->() const { return values.get(); }
  Options &operator*() const { return *values; }

  CLI::App &app;

 private:
  std::shared_ptr<Options> values;
};

/// Options under one heading of the help of a command, each with its standard value.
class OptionGroup {
 public:
  /// `heading`: null for the options without one.
  explicit OptionGroup(CLI::App &command, const char *heading = nullptr) :
      command(command), heading(heading)
  {
  }

  template <class T> CLI::Option *add(const std::string &names, T &value, const std::string &help)
  {
    auto *option = command.add_option(names, value, help)->capture_default_str();
    return heading ? option->group(heading) : option;
  }
  template <class T>
  CLI::Option *add_above_zero(const std::string &names, T &value, const std::string &help)
  {
    return add(names, value, help)->check(above_zero);
  }
  template <class T>
  CLI::Option *add_not_negative(const std::string &names, T &value, const std::string &help)
  {
    return add(names, value, help)->check(not_negative);
  }
  CLI::Option *add_word(const std::string &names, std::string &value,
                        const std::vector<std::string> &accepted, const std::string &help)
  {
    return add(names, value, help)->check(CLI::IsMember(accepted));
  }
  CLI::Option *add_flag(const std::string &names, bool &value, const std::string &help)
  {
    auto *option = command.add_flag(names, value, help);
    return heading ? option->group(heading) : option;
  }

 private:
  CLI::App &command;
  const char *heading;
};

/// The options that were given to a command, as a shell would take them, each after a blank; those
/// without dashes are left out.
std::string given_options(const CLI::App &command);

/// Options of the teachers of this build but for the settings `without`, and for kinds whose first
/// setting is among these; returns them by the keys of their settings. The first setting of a kind
/// chooses it.
std::map<std::string, CLI::Option *> add_teacher_options(CLI::App &command,
                                                         TeacherSettings &settings,
                                                         const char *heading = nullptr,
                                                         const std::set<std::string> &without = {});

/// Option --model, required: the file of a name is found as pair_coeff finds it.
void add_model_option(CLI::App &command, std::string &model);

/// The same of one or more potentials. `help`: what it says of them.
void add_models_option(CLI::App &command, std::vector<std::string> &models,
                       const std::string &help);

/// Options --units, --key and --elements: what a file does not say.
void add_read_options(CLI::App &command, ReadOptions &options);

/// Options --precision, --device and --instruction-set: how an engine evaluates.
void add_engine_options(CLI::App &command, EngineOptions &options);

/// Option --lmp, the LAMMPS that a command starts. `what`: which one is needed, in words.
void add_lammps_option(CLI::App &command, std::string &lammps, const std::string &what);

/// Option --help-settings: prints all keys of a settings file with defaults and accepted values, as
/// a page in Markdown. The settings file is not needed then.
void add_help_settings_option(CLI::App &command, std::string (*page)());

/// Adds a sub-command to the program.
using AddCommand = void(CLI::App &program);
AddCommand add_command_analyze, add_command_bench, add_command_check_gradients,
    add_command_completion, add_command_dataset, add_command_distill, add_command_doctor,
    add_command_eval, add_command_import, add_command_info, add_command_label,
    add_command_make_jump, add_command_make_sampler, add_command_molecule, add_command_study,
    add_command_train;

}    // namespace mlff
