// The sub-commands of the program mlff. Each adds itself to the command line and runs when it is
// chosen.
#pragma once

#include "core/engine_options.h"
#include "data/trajectory.h"

#include <CLI/CLI.hpp>

#include <cmath>
#include <string>

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

/// Options --units, --key and --elements: what a file does not say.
void add_read_options(CLI::App &command, ReadOptions &options);

/// Options --precision, --device and --instruction-set: how an engine evaluates.
void add_engine_options(CLI::App &command, EngineOptions &options);

void add_command_analyze(CLI::App &program);
void add_command_bench(CLI::App &program);
void add_command_check_gradients(CLI::App &program);
void add_command_dataset(CLI::App &program);
void add_command_distill(CLI::App &program);
void add_command_eval(CLI::App &program);
void add_command_import(CLI::App &program);
void add_command_info(CLI::App &program);
void add_command_label(CLI::App &program);
void add_command_make_jump(CLI::App &program);
void add_command_molecule(CLI::App &program);
void add_command_study(CLI::App &program);
void add_command_train(CLI::App &program);

}    // namespace mlff
