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
  /// Sums over the six components of stresses: of |dS| and dS^2 (eV/Å^3), and of |dS| V/n and its
  /// square (eV). Each pair of off-diagonals counts once.
  double stress = 0.0, stress_square = 0.0, strain_gradient = 0.0, strain_gradient_square = 0.0;
  long n_energies = 0, n_components = 0, n_stress_components = 0;
  /// Sum of |dF| and number of components by atomic number.
  std::map<int, std::pair<double, long>> element;

  double force_mae() const { return n_components ? force / double(n_components) : 0.0; }
  double force_rmse() const;
  double energy_mae() const { return n_energies ? energy_per_atom / double(n_energies) : 0.0; }
  double stress_mae_GPa() const;

  /// Adds the errors of dE/dstrain (eV) of a structure of n atoms and this volume (Å^3), by the six
  /// components of prediction and label.
  void add_stress(const std::array<double, 6> &predicted, const std::array<double, 6> &label,
                  double volume, int n);

  nlohmann::ordered_json json() const;    ///< meV, meV/Å and GPa
};

/// A predicted component of a force and its label, eV/Å, an energy per atom, eV, both less the
/// reference energies, or a component of a stress, GPa.
struct Predictions {
  std::vector<std::array<double, 2>> force, energy, stress;
};

/// Errors of the host engine. `predictions`, if given, takes at most some ten thousand of them.
ErrorSums errors_of(const Potential &potential, const std::vector<TrainingFrame> &frames,
                    Precision precision, int threads, Predictions *predictions = nullptr);

}    // namespace mlff
