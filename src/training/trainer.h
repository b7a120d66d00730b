// Training of a potential: data, loss, errors.
#pragma once

#include "engine/make_gradient.h"
#include "training/train_settings.h"
#include "training/training_data.h"
#include "training/training_loop.h"

#include <nlohmann/json.hpp>

#include <array>
#include <map>
#include <memory>

namespace mlff {

/// Errors of a potential on labelled frames.
struct ErrorSums {
  double energy_per_atom = 0.0, force = 0.0,
         force_square = 0.0;    ///< sums of |dE|/n (eV), |dF| (eV/Å) and dF^2 over components
  long n_energies = 0, n_components = 0;
  std::map<int, std::pair<double, long>>
      element;    ///< sum of |dF| and number of components on each element

  double force_mae() const { return n_components ? force / double(n_components) : 0.0; }
  double force_rmse() const;
  double energy_mae() const { return n_energies ? energy_per_atom / double(n_energies) : 0.0; }
  nlohmann::ordered_json json() const;    ///< in meV and meV/Å
};

/// A predicted force component and its label, eV/Å, or an energy per atom, eV, both less the
/// reference energies.
struct Predictions {
  std::vector<std::array<double, 2>> force, energy;
};

/// `predictions`, where it is given, takes at most some ten thousand of them.
ErrorSums errors_of(const Potential &potential, const std::vector<TrainingFrame> &frames,
                    Precision precision, int threads, Predictions *predictions = nullptr);

class Trainer {
 public:
  /// Reads data and teachers. `command` goes into the provenance of the result. Throws FileError,
  /// PotentialError, EngineError.
  Trainer(const TrainSettings &settings, const std::string &command);

  /// Trains to the end, from the checkpoint where there is one. Files: the potential named in the
  /// settings and, in the folder of its name with ".training" for the ending, log.jsonl,
  /// checkpoint, and the data of the plots. `force` overwrites the potential, `restart` throws an
  /// earlier checkpoint away. False where a signal stopped it: the checkpoint is written then.
  bool run(bool restart, bool force);

  /// Folder of the log and of the data of the plots.
  const std::string &work_folder() const { return folder; }

 private:
  TrainSettings settings;
  std::string command, folder;
  InputRecord inputs;
  std::unique_ptr<Teacher> teacher;
  TrainingData data;
  Potential potential;    // sizes, elements, reference energies, scale; weights of the start
  std::unique_ptr<WeightGradient> engine;
  std::unique_ptr<Course> course;

  // the state that a checkpoint holds beside that of the course
  long epoch = 0, position = 0;    // frames of the epoch that are done
  long frames_since = 0;
  std::array<double, 5> sums{};    // loss terms and force MAE since the last validation
  long batches_since = 0;

  bool by_energy =
      false;    // the energies of the validation frames choose the weights: their forces cannot

  std::vector<int> order;    // of the epoch
  GraphStorage graph;
  std::vector<const TrainingFrame *> batch;

  void record_inputs();
  void prepare_model();
  void prepare_molecule(const Potential &start);
  void take_reference_energies();
  void next_batch();
  void add_batch(std::span<double> gradient);
  void add_jacobian(double weight, double &term, std::span<double> gradient);
  void judge_validation();
  void validate();
  Course::Parts parts();
  void write_result();
  Potential with_weights(const std::vector<double> &values) const;
};

}    // namespace mlff
