// Derivatives of a loss with respect to the weights of PaiNN, in plain loops. Compiled once per
// instruction set (painn_gradient_kernels.cpp): raw pointers only, as in painn_kernels.h.
//
// A loss L of energies, forces and stresses has, with c_i = dL/dE_i, G_k = dL/dF_k and e_ab =
// dL/d(dE/dstrain_ab), a symmetric matrix for each periodic structure, held fixed, the derivative
//   dL/dw = sum_i c_i dE_i/dw - d/dw (G . dE/dx) + d/dw (e . dE/dstrain),
// and that is the derivative by t, at t = 0, of the gradient dE/dw taken at positions x - t G,
// strained by t e (edges r + t e r), with weights 1 + t c_i on the energies of the atoms. So one
// pass computes energies, forces and stresses and keeps every intermediate value, and a second pass
// carries the derivatives by t ("tangents") of all of them through the forward and the backward
// pass. Exact, no differences.
#pragma once

#include "models/painn/host/painn_kernels.h"

namespace mlff {

template <typename T> struct GradientWeights {
  PainnWeights<T> model;    // filters of its layers, spline and backward filters are not used
  Packed<T> filter;         // [K + 1][3FL]: filter weights of all layers, bias in the last row
};

/// Sums over all structures of dL/dw, as [in][out] with padded widths.
template <typename T> struct GradientLayerSums {
  T *message0, *message0_bias, *message1, *message1_bias, *mix, *update0, *update0_bias, *update1,
      *update1_bias;
};

template <typename T> struct GradientSums {
  T *embedding, *filter, *readout0, *readout0_bias, *readout1, *readout1_bias;
  const GradientLayerSums<T> *layers;
};

/// Intermediate values of one layer for a group of atoms; a second set of the same holds their
/// tangents.
template <typename T> struct GradientLayerValues {
  // before the message: features [F], hidden [F], silu of it [F], h [3F], v [3][F]
  T *s, *m0, *g0, *h, *v;
  // after it: v [3][F], p and q [3][2F], s and norm [2F], hidden [F], silu [F], y [3F], p.q [F]
  T *v_mid, *pq, *in, *t, *gt, *y, *dot;
  // update: of its output, inside, of its input
  T *s_bar, *v_bar, *y_bar, *gt_bar, *t_bar, *in_bar, *pq_bar, *s_bar_mid, *v_bar_mid;
  T *h_bar, *g0_bar, *m0_bar;    // message
};

/// A group of whole structures, small enough for the cache of a core.
template <typename T> struct GradientWork {
  int n_atoms, n_edges;
  const int *species, *first_edge, *neighbor;
  const double *r;    // [edges][3]

  double *d;       // [edges]
  T *u, *u_dot;    // [edges][3]
  // [edges][K + 1]: radial functions times cutoff function, and the latter; derivatives by d
  T *phi, *phi_slope;
  T *W, *W_slope, *W_bar, *W_bar_dot;    // [edges][3FL]
  T *d_dot;                              // [edges]
  double *edge_bar;                      // [edges][4]: d_bar, u_bar

  GradientLayerValues<T> *value, *tangent;    // [layers]
  T *s_end, *s_end_dot;                       // [atoms][F] after the last layer
  T *v_end;    // [atoms][3][F] after the last layer, or null: not asked for
  // [atoms][F], [atoms][3][F] before the first layer, or null: not asked for
  T *s_start_bar, *v_start_bar;
  T *z, *z_bar, *z_dot, *z_bar_dot;    // [atoms][H]
  T *silu_z;                           // [atoms][H]
  T *scratch;                          // [edges][K + 1] or [atoms][3F]

  double *atom_energy;    // [atoms]
  double *gradient;       // [edges][3] dE/dr

  const double *energy_bar;    // [atoms] c_i, second pass
  const double *direction;     // [edges][3] tangent of r, second pass
};

template <typename T>
using GradientFunctions = GradientPasses<GradientWeights<T>, GradientWork<T>, GradientSums<T>>;
using GradientKernels = KernelTable<GradientFunctions>;
MLFF_DECLARE_KERNELS(GradientKernels, painn_gradient_kernels);

}    // namespace mlff
