// Options of commands that say how an engine evaluates.
#include "commands/sub_command.h"

namespace mlff {

namespace {

  /// An option of engines as one of a command; its words are those of EngineOptions.
  void add(CLI::App &command, EngineOptions &options, const std::string &flag,
           const std::string &word, const std::string &standard, const std::string &help)
  {
    command
        .add_option_function<std::string>(
            flag,
            [&options, word](const std::string &value) {
              options.set(word, value);
            },
            help)
        ->check(CLI::IsMember(EngineOptions::values(word)))
        ->default_str(standard);
  }

}    // namespace

void add_engine_options(CLI::App &command, EngineOptions &options)
{
  add(command, options, "--precision", "precision", word_of(precision_words, options.precision),
      "of features and products");
  add(command, options, "--device", "device", options.device, "of the torch engine");
  add(command, options, "--instruction-set", "instruction_set",
      word_of(instruction_set_words, options.instruction_set),
      "of the processor, that kernels of the host engine use; auto: the one that the environment "
      "variable MLFF_ISA names, else the best");
}

}    // namespace mlff
