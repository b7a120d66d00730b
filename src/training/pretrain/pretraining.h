// Training in two stages: first on many labels that cost little, then on few that cost much.
#pragma once

#include "training/train_settings.h"
#include "training/training_data.h"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace mlff {

/// Trains on the data of `settings.pretrain`, from the checkpoint if there is one, or takes the
/// potential of an earlier run with the same settings and contents of files; does nothing without
/// a section `pretrain`. That potential becomes the start of `settings`. Returns false if a signal
/// stopped it. Throws FileError for the result of a run with other settings or contents.
bool pretrain(TrainSettings &settings, const std::string &command, bool restart);

/// Formula by Hill of a structure, of a cell its smallest one.
std::string formula_of(const Structure &structure);

/// Whether the shares of all elements are the same, but for a vacancy, or a molecule more or less.
bool have_like_compositions(const Structure &a, const Structure &b);

/// Formulas of structures with the number of frames of each, {"C2H6O": 1000}; cells of a crystal
/// count by their smallest formula. Null where there are more than 20.
nlohmann::ordered_json formulas_of(const std::vector<TrainingFrame> &frames);

/// Finds labels of the second training that contradict those of the first, whose potential is
/// `first`: elements or compositions it never saw, and forces of another unit or sign, which a
/// straight line through the forces of both shows. Throws FileError naming what was found and what
/// is accepted. A correlation of forces below 0.3 is worth a warning, and so is a first potential
/// that is wrong by more than the forces it predicts: it judges no others.
void check_agreement(const Potential &first, const TrainSettings &settings,
                     const TrainingData &data);

}    // namespace mlff
