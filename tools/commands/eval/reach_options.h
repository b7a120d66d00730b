// The part of mlff eval that tells how far a potential reaches.
#pragma once

#include "commands/sub_command.h"
#include "core/engine_options.h"
#include "data/trajectory.h"
#include "reach/reach.h"

#include <string>
#include <vector>

namespace mlff {

/// What --reach and the options beside it say.
struct ReachRequest {
  bool wanted = false;
  std::string molecule, structure;    ///< a SMILES, or a file; empty: the frames of --data
  std::string plots;                  ///< folder for a picture; empty: none
  TeacherSettings teacher;
  double threshold = 50.0;    ///< meV
  double highest = ReachOptions().highest;

  /// Whether the molecule is not that of --data.
  bool names_molecule() const { return !molecule.empty() || !structure.empty(); }
};

void add_reach_options(CLI::App &command, ReachRequest &request);

/// Scans the molecule of the request, or the first frame of `data` where it names none; draws the
/// picture. Errors name the file or the SMILES.
Reach evaluate_reach(const ReachRequest &request, const std::vector<std::string> &models,
                     const std::string &data, const ReadOptions &read, const EngineOptions &engine);

}    // namespace mlff
