// How much the program tells beside its results.
#pragma once

#include <CLI/CLI.hpp>

namespace mlff {

/// Options -q,--quiet (warnings and errors alone, no progress) and -v,--verbose of the program or a
/// command. They take effect as soon as they are read.
void add_verbosity_options(CLI::App &app);

/// Sends the messages of the program to standard error, in color in a terminal unless the
/// environment variable NO_COLOR is set.
void start_messages();

}    // namespace mlff
