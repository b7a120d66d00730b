// Compiled once per instruction set with MLFF_KERNELS naming the table it defines. Forward and
// backward are those of painn_kernels.cpp (Schütt, Unke, Gastegger, ICML 2021), the second pass is
// their derivative along a direction; bar = dE/d(quantity), dot = tangent. Tested against autograd.
#include "models/painn/gradient/painn_gradient_kernels.h"

#include "models/painn/gradient/painn_gradient_tangent.h"

#ifndef MLFF_KERNELS
#define MLFF_KERNELS painn_gradient_kernels_generic
#endif

namespace mlff {

namespace {    // local: every instruction set compiles a copy of this file, with the same names

  template <typename T> void forces(const GradientWeights<T> &w, const GradientWork<T> &k)
  {
    const int F = w.model.F, H = w.model.H, L = w.model.L, n = k.n_atoms;
    edges_forward<true>(w, k);
    for (int i = 0; i < n; i++)
      std::memcpy(k.value[0].s + long(i) * F, w.model.embedding + long(k.species[i]) * F,
                  sizeof(T) * F);
    std::memset(k.value[0].v, 0, sizeof(T) * 3 * n * F);
    for (int l = 0; l < L; l++) layer_forward(w, k, l);

    multiply(n, k.s_end, F, w.model.readout0, w.model.readout0_bias, k.z, H);
    silu(long(n) * H, k.z, k.silu_z);
    for (int i = 0; i < n; i++) {
      double energy = w.model.readout1_bias;
      const T *__restrict z = k.z + long(i) * H, *__restrict silu_z = k.silu_z + long(i) * H;
      T *__restrict z_bar = k.z_bar + long(i) * H;
      for (int f = 0; f < H; f++) energy += double(w.model.readout1[f]) * double(silu_z[f]);
#pragma omp simd
      for (int f = 0; f < H; f++)
        z_bar[f] = T(w.model.scale) * w.model.readout1[f] * silu_slope(z[f]);
      k.atom_energy[i] = w.model.scale * energy + w.model.reference_energy[k.species[i]];
    }
    const GradientLayerValues<T> &last = k.value[L - 1];
    multiply(n, k.z_bar, H, w.model.readout0_back, none<T>(), last.s_bar, F);
    std::memset(last.v_bar, 0, sizeof(T) * 3 * n * F);
    for (long e = 0; e < 4 * k.n_edges; e++) k.edge_bar[e] = 0.0;
    for (int l = L - 1; l >= 0; l--) layer_backward<true>(w, k, l);
    for (long e = 0; e < k.n_edges; e++)
      edge_gradient(k.r + 3 * e, k.d[e], k.edge_bar + 4 * e, k.gradient + 3 * e);
  }

  /// How the length d of edge r and its direction change along dr. Never inlined, as edge_gradient.
  template <typename T>
  [[gnu::noinline]] void edge_tangent(const double *r, double d, const double *dr, T &d_dot,
                                      T *__restrict u_dot)
  {
    const double u[3] = {r[0] / d, r[1] / d, r[2] / d};
    const double along = u[0] * dr[0] + u[1] * dr[1] + u[2] * dr[2];
    d_dot = T(along);
    for (int a = 0; a < 3; a++) u_dot[a] = T((dr[a] - along * u[a]) / d);
  }

  template <typename T>
  void weights(const GradientWeights<T> &w, const GradientWork<T> &k, const GradientSums<T> &sums)
  {
    const int F = w.model.F, H = w.model.H, L = w.model.L, K = w.model.K, n = k.n_atoms;
    const T scale = T(w.model.scale);
    for (long e = 0; e < k.n_edges; e++)
      edge_tangent(k.r + 3 * e, k.d[e], k.direction + 3 * e, k.d_dot[e], k.u_dot + 3 * e);
    std::memset(k.tangent[0].s, 0, sizeof(T) * n * F);
    std::memset(k.tangent[0].v, 0, sizeof(T) * 3 * n * F);
    for (int l = 0; l < L; l++) layer_forward_tangent(w, k, l);

    multiply(n, k.s_end_dot, F, w.model.readout0, none<T>(), k.z_dot, H);
    for (int i = 0; i < n; i++) {
      const long at = long(i) * H;
      const T *__restrict z = k.z + at, *__restrict dz = k.z_dot + at,
                          *__restrict silu_z = k.silu_z + at;
      T *__restrict dz_bar = k.z_bar_dot + at;
      const T c = T(k.energy_bar[i]);
#pragma omp simd
      for (int f = 0; f < H; f++) {
        const T slope = silu_slope(z[f]);
        sums.readout1[f] += scale * (c * silu_z[f] + slope * dz[f]);
        dz_bar[f] = scale * w.model.readout1[f] * (c * slope + silu_curvature(z[f]) * dz[f]);
      }
      sums.readout1_bias[0] += scale * c;
    }
    accumulate(n, k.s_end, F, F, k.z_bar_dot, H, H, sums.readout0);
    accumulate(n, k.s_end_dot, F, F, k.z_bar, H, H, sums.readout0);
    accumulate_rows(n, k.z_bar_dot, H, sums.readout0_bias);

    const GradientLayerValues<T> &last = k.tangent[L - 1];
    multiply(n, k.z_bar_dot, H, w.model.readout0_back, none<T>(), last.s_bar, F);
    std::memset(last.v_bar, 0, sizeof(T) * 3 * n * F);
    for (int l = L - 1; l >= 0; l--) layer_backward_tangent(w, k, l, sums);

    const int width = w.filter.columns;
    T *phi_dot = k.scratch;
    for (long e = 0; e < k.n_edges; e++)
      for (int b = 0; b <= K; b++)
        phi_dot[e * (K + 1) + b] = k.d_dot[e] * k.phi_slope[e * (K + 1) + b];
    accumulate(k.n_edges, k.phi, K + 1, K + 1, k.W_bar_dot, width, width, sums.filter);
    accumulate(k.n_edges, phi_dot, K + 1, K + 1, k.W_bar, width, width, sums.filter);
  }

}    // namespace

extern const GradientKernels MLFF_KERNELS;
const GradientKernels MLFF_KERNELS = {{forces<float>, weights<float>},
                                      {forces<double>, weights<double>}};

}    // namespace mlff
