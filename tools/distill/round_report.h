// What manifest and screen say of the rounds of a distillation.
#pragma once

#include "distill/distilled_system.h"
#include "distill/student_sampling.h"

#include <nlohmann/json.hpp>

#include <optional>
#include <vector>

namespace mlff {

/// Record of a structure's trajectory; of none that ended with an error.
nlohmann::ordered_json record_of(const SamplingConditions &conditions,
                                 const std::optional<TrajectoryEnd> &end);

/// Adds what was labelled in a round to its entry in the manifest: the sums over all systems, and
/// the summary of each.
void add_labels(nlohmann::ordered_json &entry, const std::vector<DistilledSystem> &systems,
                const std::vector<nlohmann::ordered_json> &summaries);

/// Whether the errors on the probes fell by less than a share `gain` from one round to the next:
/// those of the forces, and of stresses where both rounds have them. Never while trajectories are
/// stopped by the spread, because then the student has not been everywhere yet.
bool errors_stay(const nlohmann::ordered_json &before, const nlohmann::ordered_json &now,
                 double gain);

/// The table of rounds; `of_structures`: with columns for stresses and for stopped trajectories.
void print_report_head(bool of_structures);
void print_report_row(long round, const nlohmann::ordered_json &entry, bool of_structures);

}    // namespace mlff
