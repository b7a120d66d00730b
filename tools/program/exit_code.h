// Exit codes of the program mlff, as doc/guide/program.md lists them.
#pragma once

namespace mlff {

enum ExitCode : int {
  exit_done = 0,
  exit_failed = 1,          ///< an input was refused, or the work failed
  exit_usage = 2,           ///< words of the command line that are not accepted
  exit_judged = 3,          ///< the work was done, and what was examined does not pass
  exit_interrupted = 130    ///< stopped by a signal, with a checkpoint to go on from
};

}    // namespace mlff
