// Frames of the first training that the second one goes on learning from, by labels of their own.
//
// Each element has a second embedding and a second reference energy, which such frames are computed
// with; all other weights are those of both kinds of labels. The potential that is written has the
// first ones alone. The idea is that of networks for several levels of theory: J. Kim et al.,
// J. Am. Chem. Soc. 147, 1042 (2025).
#pragma once

#include "potential/potential.h"
#include "training/training_data.h"

#include <cstdint>
#include <vector>

namespace mlff {

/// Draws frames in a new random order in each epoch.
class FrameQueue {
 public:
  FrameQueue() = default;
  /// `frames` must outlive the queue.
  FrameQueue(const std::vector<TrainingFrame> &frames, std::uint64_t seed);

  /// Puts frames into the empty `batch`, and their graphs behind those of `graph`: as many as have
  /// at most `atoms` atoms, at least one. The batch ends with the epoch, unless it has less than
  /// half of its atoms by then.
  void fill(long atoms, std::vector<const TrainingFrame *> &batch, GraphStorage &graph);

  /// Epochs that are done, and frames of this epoch.
  long epoch() const { return n_epochs; }
  long position() const { return place; }
  /// Goes on from there. Returns false if there is no such position.
  bool go_to(long epoch, long position);

 private:
  const std::vector<TrainingFrame> *frames = nullptr;
  std::uint64_t seed = 0;
  long n_epochs = 0, place = 0;
  std::vector<int> order;

  void shuffle();
};

/// The potential with the elements of `first`, the result of the first training, as species behind
/// its own; their embeddings and reference energies are those of `first`.
Potential with_second_labels(const Potential &potential, const Potential &first);

/// The potential with its first `n_species` species alone.
Potential with_first_labels(const Potential &joint, int n_species);

/// The training frames of the first training, `settings.pretrain`, as frames of the species behind
/// the first `n_species`. Throws FileError.
std::vector<TrainingFrame> replayed_frames(const TrainSettings &settings, const Potential &first,
                                           int n_species);

}    // namespace mlff
