// Forward and backward of PaiNN's layers with every intermediate value kept, for the kernels that
// differentiate by weights and are compiled once per instruction set: everything here is local to
// the file that includes it.
#pragma once

#include "kernels/radial.h"
#include "models/painn/gradient/painn_gradient_kernels.h"
#include "models/painn/host/painn_rows.h"

#include <cstring>

namespace mlff {

namespace {

  /// Z [columns] += sum of the rows of Y.
  template <typename T>
  void accumulate_rows(int rows, const T *__restrict Y, int columns, T *__restrict Z)
  {
    for (int m = 0; m < rows; m++) {
      const T *__restrict y = Y + long(m) * columns;
#pragma omp simd
      for (int c = 0; c < columns; c++) Z[c] += y[c];
    }
  }

  /// Distances, directions, radial functions and filters of all edges; with `slopes` also what the
  /// derivative by the distance needs.
  template <bool slopes, typename T>
  void edges_forward(const GradientWeights<T> &w, const GradientWork<T> &k)
  {
    const int K = w.model.K;
    for (long e = 0; e < k.n_edges; e++) {
      const double *r = k.r + 3 * e;
      const double d = std::sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]);
      k.d[e] = d;
      for (int a = 0; a < 3; a++) k.u[3 * e + a] = T(r[a] / d);
      const Radial fc = cutoff_function(d, w.model.cutoff);
      T *phi = k.phi + e * (K + 1), *slope = slopes ? k.phi_slope + e * (K + 1) : nullptr;
      radial_functions(K, d, w.model.cutoff / (K - 1), [=](int b, double value, double by_d) {
        phi[b] = T(value * fc.value);
        if constexpr (slopes) slope[b] = T(value * fc.slope + by_d * fc.value);
      });
      phi[K] = T(fc.value);
      if constexpr (slopes) slope[K] = T(fc.slope);
    }
    const int width = w.filter.columns;
    multiply(k.n_edges, k.phi, K + 1, w.filter, none<T>(), k.W, width);
    if constexpr (slopes)
      multiply(k.n_edges, k.phi_slope, K + 1, w.filter, none<T>(), k.W_slope, width);
  }

  /// Messages of layer l: s (into the first half of `in`) and v_mid.
  template <typename T>
  void messages_forward(const GradientWeights<T> &w, const GradientWork<T> &k, int l)
  {
    const int F = w.model.F, n = k.n_atoms, width = w.filter.columns;
    const GradientLayerValues<T> &x = k.value[l];
    std::memcpy(x.v_mid, x.v, sizeof(T) * 3 * n * F);
    for (int i = 0; i < n; i++) {
      T *__restrict s = x.in + 2L * i * F, *__restrict v = x.v_mid + 3L * i * F;
      std::memcpy(s, x.s + long(i) * F, sizeof(T) * F);
      for (long e = k.first_edge[i]; e < k.first_edge[i + 1]; e++) {
        const long j = k.neighbor[e];
        const T *__restrict h = x.h + 3 * j * F, *__restrict vj = x.v + 3 * j * F,
                            *__restrict W = k.W + e * width + 3L * l * F;
        const T ux = k.u[3 * e], uy = k.u[3 * e + 1], uz = k.u[3 * e + 2];
        receive<true>(F, ux, uy, uz, W, h, vj, s, v);
      }
    }
  }

  /// One layer; the vectors after the last one go to v_end, where that is asked for.
  template <typename T>
  void layer_forward(const GradientWeights<T> &w, const GradientWork<T> &k, int l)
  {
    const int F = w.model.F, n = k.n_atoms;
    const PainnLayer<T> &layer = w.model.layers[l];
    const GradientLayerValues<T> &x = k.value[l];
    send(layer, F, n, x.s, x.m0, x.g0, x.h);

    messages_forward(w, k, l);

    const T norm_floor = T(w.model.norm_floor);
    multiply(3 * n, x.v_mid, F, layer.mix, none<T>(), x.pq, 2 * F);
    for (int i = 0; i < n; i++) {
      const T *__restrict p = x.pq + 6L * i * F;
      T *__restrict norm = x.in + (2L * i + 1) * F, *__restrict pq = x.dot + long(i) * F;
#pragma omp simd
      for (int f = 0; f < F; f++) {
        norm[f] = norm_of(p + f, 2 * F, norm_floor);
        pq[f] = dot(p + f, p + F + f, 2 * F);
      }
    }
    update(layer, F, n, x.in, x.t, x.gt, x.y);

    const bool last = l + 1 == w.model.L;
    T *s_next = last ? k.s_end : k.value[l + 1].s, *v_next = last ? k.v_end : k.value[l + 1].v;
    for (int i = 0; i < n; i++) {
      const T *__restrict y = x.y + 3L * i * F, *__restrict dot = x.dot + long(i) * F,
                          *__restrict s = x.in + 2L * i * F;
      T *__restrict out = s_next + long(i) * F;
#pragma omp simd
      for (int f = 0; f < F; f++) out[f] = s[f] + y[f] + y[2 * F + f] * dot[f];
      if (!v_next) continue;
      for (int a = 0; a < 3; a++) {
        const T *__restrict q = x.pq + (6L * i + 2 * a + 1) * F,
                            *__restrict v = x.v_mid + (3L * i + a) * F;
        T *__restrict v_out = v_next + (3L * i + a) * F;
#pragma omp simd
        for (int f = 0; f < F; f++) v_out[f] = v[f] + y[F + f] * q[f];
      }
    }
  }

  /// Backward of the messages of layer l, with `positions` down to distances and directions of the
  /// edges: bars of h, of the filters and, into v_bar_before where it is not null, of v.
  template <bool positions, typename T>
  void messages_backward(const GradientWeights<T> &w, const GradientWork<T> &k, int l,
                         T *v_bar_before)
  {
    const int F = w.model.F, n = k.n_atoms, width = w.filter.columns;
    const GradientLayerValues<T> &x = k.value[l];
    if (v_bar_before) std::memcpy(v_bar_before, x.v_bar_mid, sizeof(T) * 3 * n * F);
    std::memset(x.h_bar, 0, sizeof(T) * 3 * n * F);
    for (int i = 0; i < n; i++) {
      const T *__restrict s_bar = x.s_bar_mid + long(i) * F,
                          *__restrict v_bar = x.v_bar_mid + 3L * i * F;
      for (long e = k.first_edge[i]; e < k.first_edge[i + 1]; e++) {
        const long j = k.neighbor[e], at = e * width + 3L * l * F;
        const T *__restrict h = x.h + 3 * j * F, *__restrict vj = x.v + 3 * j * F,
                            *__restrict W = k.W + at,
                            *__restrict slope = positions ? k.W_slope + at : nullptr;
        T *__restrict W_bar = k.W_bar + at, *__restrict h_bar = x.h_bar + 3 * j * F;
        const T ux = k.u[3 * e], uy = k.u[3 * e + 1], uz = k.u[3 * e + 2];
        T d_bar = 0, x_bar = 0, y_bar = 0, z_bar = 0;
#pragma omp simd reduction(+ : d_bar, x_bar, y_bar, z_bar)
        for (int f = 0; f < F; f++) {
          const T vx = v_bar[f], vy = v_bar[F + f], vz = v_bar[2 * F + f];
          const T c_bar = dot(ux, uy, uz, vx, vy, vz);
          const T b_bar = dot(vj + f, F, vx, vy, vz);
          add_feature_bars(W + f, F, s_bar[f], c_bar, b_bar, h_bar + f, F);
          const T Wa = h[f] * s_bar[f], Wc = h[F + f] * c_bar, Wb = h[2 * F + f] * b_bar;
          W_bar[f] = Wa;
          W_bar[F + f] = Wc;
          W_bar[2 * F + f] = Wb;
          if constexpr (positions) {
            d_bar += slope[f] * Wa + slope[F + f] * Wc + slope[2 * F + f] * Wb;
            const T c = W[F + f] * h[F + f];
            x_bar += c * vx;
            y_bar += c * vy;
            z_bar += c * vz;
          }
        }
        if constexpr (positions) {
          double *bar = k.edge_bar + 4 * e;
          bar[0] += d_bar;
          bar[1] += x_bar;
          bar[2] += y_bar;
          bar[3] += z_bar;
        }
        if (!v_bar_before) continue;
        T *__restrict before = v_bar_before + 3 * j * F;
#pragma omp simd
        for (int f = 0; f < F; f++) {
          const T b = W[2 * F + f] * h[2 * F + f];
          add_vector(b, v_bar[f], v_bar[F + f], v_bar[2 * F + f], before + f, F);
        }
      }
    }
  }

  /// Backward through one layer, with `positions` down to distances and directions of the edges.
  template <bool positions, typename T>
  void layer_backward(const GradientWeights<T> &w, const GradientWork<T> &k, int l)
  {
    const int F = w.model.F, n = k.n_atoms;
    const PainnLayer<T> &layer = w.model.layers[l];
    const GradientLayerValues<T> &x = k.value[l];
    update_backward<true, T>(layer, F, n,
                             {x.pq, x.in + F, x.t, x.y, 2L * F, x.s_bar, x.v_bar, F, 3L * F,
                              x.y_bar, x.gt_bar, x.t_bar, x.in_bar, x.pq_bar});
    for (int i = 0; i < n; i++) {
      const T *__restrict s_bar = x.s_bar + long(i) * F, *__restrict in = x.in_bar + 2L * i * F;
      T *__restrict mid = x.s_bar_mid + long(i) * F;
#pragma omp simd
      for (int f = 0; f < F; f++) mid[f] = s_bar[f] + in[f];
    }
    std::memcpy(x.v_bar_mid, x.v_bar, sizeof(T) * 3 * n * F);
    multiply(3 * n, x.pq_bar, 2 * F, layer.mix_back, none<T>(), x.v_bar_mid, F, true);

    messages_backward<positions>(w, k, l, l > 0 ? k.value[l - 1].v_bar : k.v_start_bar);
    multiply(n, x.h_bar, 3 * F, layer.message1_back, none<T>(), x.g0_bar, F);
    times_silu_slope(long(n) * F, x.m0, x.g0_bar, x.m0_bar);
    T *s_bar_before = l > 0 ? k.value[l - 1].s_bar : k.s_start_bar;
    if (!s_bar_before) return;
    std::memcpy(s_bar_before, x.s_bar_mid, sizeof(T) * n * F);
    multiply(n, x.m0_bar, F, layer.message0_back, none<T>(), s_bar_before, F, true);
  }

}    // namespace

}    // namespace mlff
