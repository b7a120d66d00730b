// The learning curve of a distillation: errors on fresh frames by the number of labels.
#pragma once

#include "potential/potential.h"
#include "training/training_data.h"

#include <nlohmann/json.hpp>

#include <optional>
#include <vector>

namespace mlff {

/// Squares of errors on one frame.
struct FrameErrors {
  double force_square = 0.0;    ///< sum over components, (eV/Å)^2
  long components = 0;
  std::optional<double> energy;    ///< error of the energy divided by the number of atoms, eV
};

/// A root mean square, and its standard deviation over sets of frames drawn from the given ones
/// with replacement (the bootstrap: B. Efron, Ann. Statist. 7, 1, 1979); none for a single frame.
struct RootMeanSquare {
  double value = 0.0;
  std::optional<double> error;
};

/// Of force components, eV/Å. The same seed gives the same draws.
RootMeanSquare force_rmse(const std::vector<FrameErrors> &frames, unsigned seed);

/// Of energies per atom, eV, over the frames that have one; 0 where none has.
RootMeanSquare energy_rmse(const std::vector<FrameErrors> &frames, unsigned seed);

/// Errors of a potential on each frame.
std::vector<FrameErrors> frame_errors(const Potential &potential,
                                      const std::vector<TrainingFrame> &frames);

/// Root mean squares with their errors for a manifest, in meV/Å and meV/atom. `with_energies`: the
/// energies of potential and labels count from the same zero.
nlohmann::ordered_json probe_record(const std::vector<FrameErrors> &frames, bool with_energies,
                                    unsigned seed);

/// A point of the curve from the entry of the round that measured it: `labels` dear labels were
/// known to the students.
nlohmann::ordered_json curve_point(long labels, const nlohmann::ordered_json &entry);

/// The table of the points; `of_structures`: with columns for stresses and stopped trajectories.
void print_curve_head(bool of_structures);
void print_curve_row(const nlohmann::ordered_json &point, bool of_structures);

}    // namespace mlff
