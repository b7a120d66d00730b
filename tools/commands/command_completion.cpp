// mlff completion: scripts for shells, and the words that these ask for.
#include "commands/sub_command.h"
#include "potential/find_potential.h"
#include "program/completion.h"

#include <cstdio>
#include <memory>

namespace mlff {

namespace {

  void print(const Completions &completions)
  {
    for (const auto &[word, help] : completions.words)
      std::printf(help.empty() ? "%s\n" : "%s\t%s\n", word.c_str(), help.c_str());
    if (completions.files) std::printf(":files\n");
  }

}    // namespace

void add_command_completion(CLI::App &program)
{
  struct CompletionOptions {
    std::string what;
    std::vector<std::string> words;
  };
  auto options = std::make_shared<CompletionOptions>();
  auto *command = program.add_subcommand(
      "completion", "Print a script that completes command lines of mlff in a shell");
  command
      ->add_option("what", options->what,
                   "a shell; or potentials: the names that can be found; or words: what can stand "
                   "in the place of the last of the words behind --")
      ->required()
      ->check(CLI::IsMember({"bash", "zsh", "fish", "potentials", "words"}));
  command->add_option("words", options->words, "the words of a command line, the last may be ''");
  command->footer("Example:\n  mlff completion bash > "
                  "~/.local/share/bash-completion/completions/mlff");
  command->callback([options, &program] {
    if (options->what == "words")
      print(complete(program, options->words));
    else if (options->what == "potentials")
      for (const auto &name : potential_names()) std::printf("%s\n", name.c_str());
    else
      std::fputs(completion_script(options->what).c_str(), stdout);
  });
}

}    // namespace mlff
