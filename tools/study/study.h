// mlff study: a table of methods over molecules and seeds, each run by LAMMPS, timed one at a time,
// and judged by mlff analyze.
#pragma once

#include <string>

namespace mlff {

struct StudyOptions {
  std::string settings, output, lammps, command;
  int jobs = 0;    ///< dynamics at a time, 0: as many as cores
  /// ps in the place of those of the settings; 0: these
  double length = 0.0, timing_length = 0.0;
  bool only_report = false;    ///< makes the report from results that are there
};

/// Runs what is not done yet, and writes report.json and report.md to the output folder. Throws
/// FileError.
void study(const StudyOptions &options);

}    // namespace mlff
