// Options that several commands have.
#include "commands/sub_command.h"
#include "potential/find_potential.h"
#include "program/completion.h"

#include <spdlog/spdlog.h>

#include <cstdio>

namespace mlff {

namespace {

  /// A word as a shell takes it.
  std::string shell_word(const std::string &word)
  {
    const char *plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
    if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
    std::string quoted = "'";
    for (const char c : word) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    return quoted + "'";
  }

}    // namespace

std::string given_options(const CLI::App &command)
{
  std::string text;
  for (const auto *option : command.get_options()) {
    if (option->count() == 0 || option->get_positional()) continue;
    if (option->get_items_expected() > 0) {
      text += " " + option->get_name();
      for (const auto &value : option->results()) text += " " + shell_word(value);
    } else {
      // a flag says no by another name
      const auto &denials = option->get_fnames();
      const bool denied = option->results().back() == "false" && !denials.empty();
      text += " " + (denied ? "--" + denials.front() : option->get_name());
    }
  }
  return text;
}

namespace {

  void make_model_option(CLI::Option *option)
  {
    option->required()
        ->transform([](const std::string &name) {
          const std::string file = find_potential(name);
          spdlog::debug("potential {}: {}", name, file);
          return file;
        })
        ->type_name(potential_type);
  }

}    // namespace

void add_model_option(CLI::App &command, std::string &model)
{
  make_model_option(command.add_option(
      "--model", model, "potential, .safetensors; a path, or the name of one that ships"));
}

void add_models_option(CLI::App &command, std::vector<std::string> &models, const std::string &help)
{
  make_model_option(command.add_option("--model", models, help));
}

void add_read_options(CLI::App &command, ReadOptions &options)
{
  const char *group = "What files do not say";
  command
      .add_option("--units", options.units,
                  "of the files: metal, real (LAMMPS) or gpumd; default: metal, of .npz kcal/mol, "
                  "where that can be")
      ->check(CLI::IsMember({"metal", "real", "gpumd"}))
      ->group(group);
  command
      .add_option_function<std::vector<std::string>>(
          "--key",
          [&options](const std::vector<std::string> &words) {
            for (const auto &word : words) add_key(options, word);
          },
          "quantity=NAME: the column or key that it is read from, such as energy=dft_energy")
      ->group(group);
  command
      .add_option("--elements", options.elements,
                  "of atom types, where files have these in the place of symbols")
      ->group(group);
}

void add_lammps_option(CLI::App &command, std::string &lammps, const std::string &what)
{
  command.add_option("--lmp", lammps,
                     what + " (default: that of MLFF_LAMMPS, else lmp beside this program)");
}

void add_help_settings_option(CLI::App &command, std::string (*page)())
{
  command
      .add_flag_callback(
          "--help-settings",
          [page] {
            std::string text = page();
            text.pop_back();    // a blank line follows each table
            std::fputs(text.c_str(), stdout);
            throw CLI::Success();
          },
          "print all keys of a settings file, with defaults and accepted values")
      ->trigger_on_parse();
}

}    // namespace mlff
