// Finds what can follow on a command line.
#include "program/completion.h"

#include "potential/find_potential.h"

#include <algorithm>
#include <sstream>

namespace mlff {

namespace {

  /// Bash takes --option=value apart at the sign.
  std::vector<std::string> without_signs(std::vector<std::string> words)
  {
    if (!words.empty() && words.back() == "=") words.back().clear();
    std::erase(words, "=");
    return words;
  }

  bool is_option(const std::string &word)
  {
    // a number below zero is a value
    return word.size() > 1 && word[0] == '-' && !(word[1] >= '0' && word[1] <= '9');
  }

  const CLI::App *command_of(const CLI::App &program, const std::string &name)
  {
    for (const auto *command : program.get_subcommands([](const CLI::App *) {
           return true;
         }))
      if (command->get_name() == name) return command;
    return nullptr;
  }

  /// The words of the program or a command that begin with a dash, long ones first.
  std::vector<std::string> names_of(const CLI::Option &option)
  {
    std::vector<std::string> names;
    for (const auto &name : option.get_lnames()) names.push_back("--" + name);
    for (const auto &name : option.get_snames()) names.push_back("-" + name);
    return names;
  }

  const CLI::Option *option_of(const CLI::App &app, const std::string &word)
  {
    for (const auto *option : app.get_options()) {
      const auto names = names_of(*option);
      if (std::find(names.begin(), names.end(), word) != names.end()) return option;
    }
    return nullptr;
  }

  class Finder {
   public:
    explicit Finder(std::string typed) : typed(std::move(typed)) {}

    void add_commands(const CLI::App &program)
    {
      for (const auto *command : program.get_subcommands([](const CLI::App *) {
             return true;
           }))
        add(command->get_name(), command->get_description());
    }

    void add_options(const CLI::App &app)
    {
      for (const auto *option : app.get_options())
        for (const auto &name : names_of(*option)) add(name, option->get_description());
    }

    /// Values of an option, each behind `prefix`.
    void add_values(const CLI::Option &option, const std::string &prefix = "")
    {
      const std::string type = option.get_type_name();
      if (const auto open = type.find('{'); open != std::string::npos) {
        std::istringstream list(type.substr(open + 1, type.find('}') - open - 1));
        for (std::string word; std::getline(list, word, ',');) add(prefix + word, "");
        return;
      }
      if (type.starts_with("INT") || type.starts_with("UINT") || type.starts_with("FLOAT")) return;
      if (type.starts_with(potential_type))
        for (const auto &name : potential_names()) add(prefix + name, "potential");
      found.files = true;
    }

    /// Values of the argument without dashes that comes next behind so many others.
    void add_arguments(const CLI::App &command, std::size_t before)
    {
      std::vector<const CLI::Option *> arguments;
      for (const auto *option : command.get_options())
        if (option->get_positional()) arguments.push_back(option);
      std::size_t held = 0;
      for (const auto *argument : arguments) {
        held += std::size_t(argument->get_items_expected_max());
        if (before < held) return add_values(*argument);
      }
    }

    Completions found;

   private:
    std::string typed;

    void add(const std::string &word, const std::string &help)
    {
      if (word.starts_with(typed)) found.words.push_back({word, help});
    }
  };

  /// Values of an option, or arguments, of a command whose words follow its name.
  void add_values(Finder &finder, const CLI::App &command, const std::vector<std::string> &words)
  {
    std::size_t arguments = 0;
    const CLI::Option *open = nullptr;    // the option that takes the next word
    int taken = 0;
    for (const auto &word : words) {
      if (is_option(word)) {
        const auto sign = word.find('=');
        open = sign == std::string::npos ? option_of(command, word) : nullptr;
        taken = 0;
      } else if (open && taken < open->get_items_expected_max())
        taken++;
      else
        arguments++;
      if (open && taken >= open->get_items_expected_max()) open = nullptr;
    }
    if (open)
      finder.add_values(*open);
    else
      finder.add_arguments(command, arguments);
  }

}    // namespace

Completions complete(const CLI::App &program, std::vector<std::string> words)
{
  words = without_signs(std::move(words));
  const std::string typed = words.empty() ? "" : words.back();
  if (!words.empty()) words.pop_back();
  Finder finder(typed);
  const auto first = std::find_if(words.begin(), words.end(), [&](const std::string &word) {
    return command_of(program, word) != nullptr;
  });
  if (first == words.end()) {
    if (is_option(typed) || typed == "-")
      finder.add_options(program);
    else
      finder.add_commands(program);
    return finder.found;
  }
  const CLI::App &command = *command_of(program, *first);
  words.erase(words.begin(), first + 1);
  if (const auto sign = typed.find('='); is_option(typed) && sign != std::string::npos) {
    if (const auto *option = option_of(command, typed.substr(0, sign)))
      finder.add_values(*option, typed.substr(0, sign + 1));
  } else if (is_option(typed) || typed == "-" || typed == "--")
    finder.add_options(command);
  else
    add_values(finder, command, words);
  return finder.found;
}

}    // namespace mlff
