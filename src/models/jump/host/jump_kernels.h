// The jump network kstep-painn (jump.h) in plain loops: the layers of PaiNN between two linear maps
// of vectors. Compiled once per instruction set (jump_kernels.cpp): raw pointers only, as in
// painn_kernels.h.
#pragma once

#include "models/painn/gradient/painn_gradient_kernels.h"

namespace mlff {

template <typename T> struct JumpWeights {
  PainnWeights<T> painn;    // embedding [rows][F] and layers; H is F, its readout is not used
  const T *vectors;         // [rows][2][F]
  Packed<T> readout0, readout1, readout0_back, readout1_back;    // F -> F -> C F
  const T *readout0_bias, *readout1_bias;
};

template <typename T> struct JumpWork {
  PainnWork<T> painn;     // species are rows
  const double *input;    // [atoms][2][3]
  double *output;         // [atoms][2][3]
};

/// A group of whole structures, with every intermediate value. C: predictions of an atom, 2, or 3
/// with the force after the jump.
template <typename T> struct JumpGradientWork {
  int predictions;
  GradientWork<T> painn;       // species are rows
  const double *input;         // [atoms][2][3]
  double *output;              // [atoms][C][3], filled by the forward pass
  const double *output_bar;    // [atoms][C][3], input of the backward pass
  T *z, *silu_z, *gate;        // [atoms][F, F, C F]
  T *gate_bar, *z_bar;
};

template <typename T> struct JumpSums {
  T *embedding, *vectors, *filter, *readout0, *readout0_bias, *readout1, *readout1_bias;
  const GradientLayerSums<T> *layers;
};

/// Weights for the gradient: those of the layers with the filters of all layers as one product.
template <typename T> struct JumpGradientWeights {
  GradientWeights<T> layers;
  JumpWeights<T> ends;    // member painn is not used
};

template <typename T>
using JumpPasses = GradientPasses<JumpGradientWeights<T>, JumpGradientWork<T>, JumpSums<T>>;
template <typename T>
using JumpFunctions = ModelFunctions<JumpWeights<T>, JumpWork<T>, JumpPasses<T>>;
using JumpKernels = KernelTable<JumpFunctions>;
MLFF_DECLARE_KERNELS(JumpKernels, jump_kernels);

}    // namespace mlff
