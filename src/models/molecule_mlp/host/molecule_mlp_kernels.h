// The network of one molecule (molecule_mlp.h) in plain loops: rows are permutations of the atoms,
// products run over several rows at once. Compiled once per instruction set
// (molecule_mlp_kernels.cpp): raw pointers only, as in painn_kernels.h.
#pragma once

#include "models/painn/host/painn_kernels.h"

namespace mlff {

inline constexpr int max_molecule_layers = 8;

template <typename T> struct MoleculeLayer {
  // forward: in -> width, back: width -> in; the input of the first layer is not padded on the
  // way forward
  Packed<T> forward, back;
  const T *bias;    // [width]
  int width;        // padded
};

template <typename T> struct MoleculeWeights {
  int pairs = 0, pairs_padded = 0, permutations = 0, layers = 0;
  MoleculeLayer<T> layer[max_molecule_layers];
  const T *readout;    // [width of the last layer]
  double readout_bias = 0.0, scale = 1.0;
  const double *input_mean, *input_scale;    // [pairs]
  // [permutations][pairs_padded] pair that becomes input k under a permutation; for padding:
  // `pairs`
  const int *source;
  const int *target;    // [permutations][pairs] inverse of source
};

inline constexpr int molecule_row_block = 24;    // rows that go through the layers together

/// Molecules of one call.
template <typename T> struct MoleculeWork {
  int molecules;
  const int *edge;     // [molecules][pairs]
  const double *r;     // [edges][3]
  double *energy;      // [molecules] without reference energies
  double *gradient;    // [edges][3], zero before
  T *scratch;          // [threads][molecule_scratch]
};

/// Values of type T that each thread needs.
template <typename T> long molecule_scratch(const MoleculeWeights<T> &weights)
{
  long widths = 0;
  for (int l = 0; l < weights.layers; l++) widths += 2 * weights.layer[l].width;
  const long D = weights.pairs_padded,
             doubles = (molecule_row_block + 1) * D * (sizeof(T) == sizeof(float) ? 2 : 1);
  return molecule_row_block * (D + widths + 2 * (D + feature_block)) + doubles;
}

/// A group of molecules, with every intermediate value: rows = molecules * permutations.
template <typename T> struct MoleculeGradientWork {
  int molecules;
  const T *x;          // [molecules][pairs_padded + 1] inputs, zero beyond pairs
  double *energy;      // [molecules] filled by forward
  T *x_bar;            // shape of x, filled by forward: derivative of the energy
  const T *tangent;    // shape of x, read by backward: change of the inputs
  const T *c;          // [molecules] read by backward: dL/dE

  T *X, *X_dot;                     // [rows][pairs_padded]
  T *h[max_molecule_layers];        // [rows][width]
  T *slope[max_molecule_layers];    // silu'
  T *bend[max_molecule_layers];     // dE/dh silu''
  T *bar[max_molecule_layers];      // dE/da, a before the activation
  T *a_dot[max_molecule_layers];    // tangents
  T *h_dot[max_molecule_layers];
  T *work_bar;    // [rows][largest width]
  T *next_bar;    // [rows][largest width]
};

template <typename T> struct MoleculeSums {
  T *weight[max_molecule_layers];    // [in][width]: transposed
  T *bias[max_molecule_layers];      // [width]
  T *readout;                        // [width]
  double *readout_bias;
};

template <typename T>
using MoleculeFunctions =
    ModelFunctions<MoleculeWeights<T>, MoleculeWork<T>,
                   GradientPasses<MoleculeWeights<T>, MoleculeGradientWork<T>, MoleculeSums<T>>>;
using MoleculeKernels = KernelTable<MoleculeFunctions>;
MLFF_DECLARE_KERNELS(MoleculeKernels, molecule_mlp_kernels);

}    // namespace mlff
