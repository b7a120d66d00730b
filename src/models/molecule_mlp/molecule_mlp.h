// molecule-mlp, the smallest student: a network of one molecule alone, in plain C++.
//
//   x_ij = (1 / d_ij - mean_ij) / scale_ij       over all pairs of the molecule's atoms
//   E = sum_i e_z(i) + scale / P sum_p (w h_L + b),  h_l = silu(W_l h_{l-1} + b_l),  h_0 = x with
//   atoms exchanged by permutation p
//
// The P permutations are those of equivalent atoms (bonded_molecule.h); E does not change under any
// of them. An atom's energy is its reference energy e_z and an equal share of the rest: the model
// itself knows no energies of atoms.
#pragma once

#include "core/engine.h"
#include "models/molecule_mlp/host/molecule_mlp_kernels.h"
#include "models/molecule_mlp/molecule_record.h"
#include "potential/potential.h"
#include "potential/weight_gradient.h"

namespace mlff {

/// Weights of a potential in the layout of the kernels; owns them.
template <typename T> class MoleculeLayers {
 public:
  explicit MoleculeLayers(const Potential &potential);

  MoleculeWeights<T> weights;

  /// Sets the weights from a flat array in the order of weight_slices.
  void set(std::span<const double> flat);

  /// Adds sums of the kernels to a flat gradient.
  void add_sums(const MoleculeSums<T> &sums, std::span<double> gradient) const;

 private:
  struct Layer {
    int in, in_padded, out, out_padded;
    std::size_t hidden, hidden_bias;    // offsets in flat weights
    std::vector<T> forward, back, bias_values;
  };
  std::vector<Layer> layers;
  struct Ends {
    std::size_t readout, readout_bias;
  } ends;
  std::vector<T> readout_values;
  std::vector<double> input_mean, input_scale;
  std::vector<int> source, target;
};

std::unique_ptr<Engine> make_molecule_engine(const Potential &potential,
                                             const EngineOptions &options);

/// Gradient with respect to the weights by hand-written kernels, which have no mixed precision.
std::unique_ptr<WeightGradient> make_molecule_gradient(const Potential &potential,
                                                       const EngineOptions &options, bool);

/// Molecule-mlp of random weights for these atoms, as start_weights and the training data would
/// make it; for tests and timings.
Potential random_molecule(const std::vector<int> &numbers, const std::vector<double> &positions,
                          const std::vector<int> &widths, int permutations, unsigned seed = 1);

}    // namespace mlff
