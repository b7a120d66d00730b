// Errors of a potential on labelled frames.
#pragma once

#include "core/engine_options.h"
#include "potential/potential.h"
#include "training/training_data.h"

#include <nlohmann/json.hpp>

#include <array>
#include <map>
#include <utility>
#include <vector>

namespace mlff {

/// Errors of a potential on labelled frames.
struct ErrorSums {
  /// Sums of |dE|/n (eV), and of |dF| (eV/Å) and dF^2 over components.
  double energy_per_atom = 0.0, force = 0.0, force_square = 0.0;
  long n_energies = 0, n_components = 0;
  /// Sum of |dF| and number of components by atomic number.
  std::map<int, std::pair<double, long>> element;

  double force_mae() const { return n_components ? force / double(n_components) : 0.0; }
  double force_rmse() const;
  double energy_mae() const { return n_energies ? energy_per_atom / double(n_energies) : 0.0; }
  nlohmann::ordered_json json() const;    ///< meV and meV/Å
};

/// A predicted force component and its label, eV/Å, or an energy per atom, eV, both less the
/// reference energies.
struct Predictions {
  std::vector<std::array<double, 2>> force, energy;
};

/// Errors of the host engine. `predictions`, if given, takes at most some ten thousand of them.
ErrorSums errors_of(const Potential &potential, const std::vector<TrainingFrame> &frames,
                    Precision precision, int threads, Predictions *predictions = nullptr);

}    // namespace mlff
