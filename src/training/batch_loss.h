// The loss of a batch, its derivatives by the predictions, and the errors of its predictions.
#pragma once

#include "potential/weight_gradient.h"
#include "training/train_settings.h"
#include "training/training_data.h"

#include <array>
#include <vector>

namespace mlff {

/// Terms of the loss, as `loss` of the settings has them.
enum LossTermIndex {
  energy_term,
  force_term,
  stress_term,
  atom_energy_term,
  jacobian_term,
  n_loss_terms
};
inline constexpr const char *loss_term_names[n_loss_terms] = {"energy", "force", "stress",
                                                              "atom_energy", "jacobian"};

/// rho(x) and its derivative.
double penalty(const LossTerm &term, double x, double &slope);

/// Weight of a term when `share` of the training is done.
double weight_at(const LossTerm &term, double share);

/// Sums over batches: terms of the loss without their weights, and errors.
struct LossSums {
  std::array<double, n_loss_terms> terms{};
  double force_error = 0.0;       ///< mean |dF|, eV/Å
  double stress_error = 0.0;      ///< mean |d stress|, eV/Å^3, of batches that have stresses
  double stress_batches = 0.0;    ///< batches that have stresses

  void add(const LossSums &other, double factor);
};

/// Means over the labels that a batch has: energies, components of forces, the six components of
/// stresses (each pair of off-diagonals counts once), energies of atoms.
class BatchLoss {
 public:
  /// The graph holds the frames of the batch in their order. The derivatives are those of `factor`
  /// times the loss.
  BatchLoss(const TrainSettings &settings, const std::vector<const TrainingFrame *> &batch,
            const Graph &graph, double share, double factor);

  /// Fills the derivatives of structures first .. last-1. Threads may do so at the same time.
  void derive(int first, int last, const LossArrays &arrays);

  /// Sums after the derivatives of all structures. The term of the Jacobian is not among them.
  LossSums sums() const;

 private:
  const TrainSettings &settings;
  const std::vector<const TrainingFrame *> &batch;
  const Graph graph;
  double factor;
  std::array<double, n_loss_terms> weight;
  long n_energies = 0, n_components = 0, n_stress_components = 0, n_atom_energies = 0;
  std::vector<LossSums> of_structure;    // so that threads do not meet

  void derive_energy(int s, const LossArrays &arrays);
  void derive_forces(int s, const LossArrays &arrays);
  void derive_stress(int s, const LossArrays &arrays);
  void derive_atom_energies(int s, const LossArrays &arrays);
};

}    // namespace mlff
