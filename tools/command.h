// The sub-commands of the program mlff. Each adds itself to the command line and runs when it is chosen.
#pragma once

#include <CLI/CLI.hpp>

namespace mlff {

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
