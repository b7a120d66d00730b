// PaiNN in plain loops: forward and analytic backward of one graph. Compiled once per instruction
// set (painn_kernels.cpp), so neither file may use anything that the linker could share between
// them: raw pointers only.
#pragma once

#include "kernels/kernel_table.h"
#include "kernels/packing.h"

namespace mlff {

/// Intervals of the filter's spline: 32 to the width of a radial function, for a relative error of
/// forces below 1e-6.
inline constexpr int spline_knots(int radial)
{
  return 32 * (radial - 1);
}

template <typename T> struct PainnLayer {
  Packed<T> message0, message1, mix, update0, update1;                             // each in -> out
  Packed<T> message0_back, message1_back, mix_back, update0_back, update1_back;    // out -> in
  const T *message0_bias, *message1_bias, *update0_bias, *update1_bias;
  // [knots + 1][2][3F] value and slope times spacing of filter * cutoff function, or null
  const T *spline;
  const T *filter, *filter_bias;    // [K][3F], [3F], used without a spline
};

template <typename T> struct PainnWeights {
  // features, layers, radial functions, hidden width of the readout (F, H padded)
  int F = 0, L = 0, K = 0, H = 0;
  double cutoff = 0.0, scale = 1.0;
  double norm_floor = 1e-8;          // under the square root of norms
  int knots = 0;                     // intervals of the spline over 0 .. cutoff, 0: exact filter
  const T *embedding;                // [species][F]
  const double *reference_energy;    // [species]
  Packed<T> readout0, readout0_back;
  const T *readout0_bias, *readout1;    // [H]
  double readout1_bias = 0.0;
  const PainnLayer<T> *layers;
};

/// One edge's geometry. Without a spline `basis` is not used and phi, phi_slope hold the radial
/// functions times the cutoff function, and the derivative of that product.
template <typename T> struct EdgeGeometry {
  T u[3];
  // cubic Hermite: value0, slope0, value1, slope1, and their derivatives with respect to d
  T basis[4], slope[4];
  int knot;
  T inside, inside_slope;    // cutoff function and derivative
};

template <typename T> struct PainnWork {
  // graph; atoms n_centres .. n_atoms-1 are ghosts
  int n_atoms, n_centres, n_edges;
  const int *species, *first_edge, *neighbor, *centre, *first_incoming, *incoming;
  const double *r;

  // geometry
  EdgeGeometry<T> *geometry;    // [edges]
  double *d;                    // [edges]
  T *phi, *phi_slope;           // [edges][K], exact filter only

  // features; per layer where backward needs them again
  T *s;                             // [atoms][F]
  T *v;                             // [L + 1][atoms][3][F], input of each layer
  T *m0, *h, *pq, *norm, *t, *y;    // [L][atoms][F, 3F, 6F, F, F, 3F]
  T *z;                             // [centres][H]
  T *bar, *bar_next;                // [atoms][4][F]: s_bar, v_bar
  T *scratch;                       // [threads][scratch_per_thread]
  double *edge_bar;                 // [edges][4]: d_bar, u_bar

  // results
  double *atom_energy;    // [centres]
  double *gradient;       // [edges][3]

  // exchange with other ranks: called by one thread; null where there are no ghosts
  void *exchange;
  void (*exchange_forward)(void *exchange, T *s, T *v);
  void (*exchange_reverse)(void *exchange, T *bar);

  // block between the last layer and the readout: called by all threads; null where there is none
  void *block;
  void (*block_forward)(void *block, T *s, T *v);
  void (*block_backward)(void *block, T *bar);
};

// atoms that a thread takes through the dense layers together
inline constexpr int atom_block = 16;

/// Values of type T that each thread needs.
template <typename T> long scratch_per_thread(const PainnWeights<T> &weights)
{
  return long(atom_block) * (14L * weights.F + 2L * weights.H) + 6L * weights.F;
}

template <typename T> struct PainnFunctions {
  void (*evaluate)(const PainnWeights<T> &, const PainnWork<T> &, int threads);
};
using PainnKernels = KernelTable<PainnFunctions>;
MLFF_DECLARE_KERNELS(PainnKernels, painn_kernels);

}    // namespace mlff
