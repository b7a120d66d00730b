// What of this machine and this installation a run needs, and what is there.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <utility>
#include <vector>

namespace mlff {

/// One thing that was looked for.
struct Finding {
  std::string name;
  bool ok = false;
  std::string found;          ///< what is there: a version, a place, a number
  std::string advice = {};    ///< what to do, one sentence; of what is missing, and of oddities
  bool needed = false;        ///< whether a run of a potential in LAMMPS needs it

  /// The finding, with advice where it is not as it should be.
  Finding or_else(const std::string &what_to_do) &&
  {
    if (!ok) advice = what_to_do;
    return std::move(*this);
  }
};

/// Findings under one heading.
struct FindingGroup {
  std::string heading;
  std::vector<Finding> findings;
};

/// Looks at everything; takes some seconds, because it asks other programs, each with a time limit.
/// `lammps`: the LAMMPS to look at beside those on PATH, empty: lmp beside this program.
std::vector<FindingGroup> examine(const std::string &lammps);

/// Whether nothing that a run needs is missing.
bool ready(const std::vector<FindingGroup> &groups);

nlohmann::ordered_json json_of(const std::vector<FindingGroup> &groups);

/// Prints a line for each finding.
void print(const std::vector<FindingGroup> &groups);

}    // namespace mlff
