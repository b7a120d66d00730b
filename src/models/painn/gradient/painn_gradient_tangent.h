// The second pass of the gradient by weights: tangents of all values through a layer's forward and
// backward. Local to the file that includes it.
#pragma once

#include "models/painn/gradient/painn_gradient_layers.h"

namespace mlff {

namespace {

  /// out = x_dot silu'(at) + x silu''(at) at_dot
  template <typename T>
  void times_silu_slope_tangent(long n, const T *__restrict at, const T *__restrict at_dot,
                                const T *__restrict x, const T *__restrict x_dot, T *__restrict out)
  {
#pragma omp simd
    for (long i = 0; i < n; i++)
      out[i] = x_dot[i] * silu_slope(at[i]) + x[i] * silu_curvature(at[i]) * at_dot[i];
  }

  /// Tangents of s and v after the messages of layer l.
  template <typename T>
  void messages_forward_tangent(const GradientWeights<T> &w, const GradientWork<T> &k, int l)
  {
    const int F = w.model.F, n = k.n_atoms, width = w.filter.columns;
    const GradientLayerValues<T> &x = k.value[l], &dx = k.tangent[l];
    std::memcpy(dx.v_mid, dx.v, sizeof(T) * 3 * n * F);
    for (int i = 0; i < n; i++) {
      T *__restrict s = dx.in + 2L * i * F, *__restrict v = dx.v_mid + 3L * i * F;
      std::memcpy(s, dx.s + long(i) * F, sizeof(T) * F);
      for (long e = k.first_edge[i]; e < k.first_edge[i + 1]; e++) {
        const long j = k.neighbor[e], at = e * width + 3L * l * F;
        const T *__restrict h = x.h + 3 * j * F, *__restrict vj = x.v + 3 * j * F,
                            *__restrict W = k.W + at, *__restrict slope = k.W_slope + at;
        const T *__restrict dh = dx.h + 3 * j * F, *__restrict dvj = dx.v + 3 * j * F;
        const T ux = k.u[3 * e], uy = k.u[3 * e + 1], uz = k.u[3 * e + 2];
        const T dux = k.u_dot[3 * e], duy = k.u_dot[3 * e + 1], duz = k.u_dot[3 * e + 2],
                d_dot = k.d_dot[e];
#pragma omp simd
        for (int f = 0; f < F; f++) {
          const T c = W[F + f] * h[F + f], b = W[2 * F + f] * h[2 * F + f];
          const T dc = d_dot * slope[F + f] * h[F + f] + W[F + f] * dh[F + f];
          const T db = d_dot * slope[2 * F + f] * h[2 * F + f] + W[2 * F + f] * dh[2 * F + f];
          s[f] += d_dot * slope[f] * h[f] + W[f] * dh[f];
          v[f] += dux * c + ux * dc + db * vj[f] + b * dvj[f];
          v[F + f] += duy * c + uy * dc + db * vj[F + f] + b * dvj[F + f];
          v[2 * F + f] += duz * c + uz * dc + db * vj[2 * F + f] + b * dvj[2 * F + f];
        }
      }
    }
  }

  template <typename T>
  void layer_forward_tangent(const GradientWeights<T> &w, const GradientWork<T> &k, int l)
  {
    const int F = w.model.F, n = k.n_atoms;
    const PainnLayer<T> &layer = w.model.layers[l];
    const GradientLayerValues<T> &x = k.value[l], &dx = k.tangent[l];
    if (l > 0) {
      multiply(n, dx.s, F, layer.message0, none<T>(), dx.m0, F);
      times_silu_slope(long(n) * F, x.m0, dx.m0, dx.g0);
      multiply(n, dx.g0, F, layer.message1, none<T>(), dx.h, 3 * F);
    } else {
      // the embedding does not depend on positions
      std::memset(dx.m0, 0, sizeof(T) * n * F);
      std::memset(dx.g0, 0, sizeof(T) * n * F);
      std::memset(dx.h, 0, sizeof(T) * 3 * n * F);
    }

    messages_forward_tangent(w, k, l);

    multiply(3 * n, dx.v_mid, F, layer.mix, none<T>(), dx.pq, 2 * F);
    for (int i = 0; i < n; i++) {
      const T *__restrict p = x.pq + 6L * i * F, *__restrict dp = dx.pq + 6L * i * F,
                          *__restrict norm = x.in + (2L * i + 1) * F;
      T *__restrict norm_dot = dx.in + (2L * i + 1) * F, *__restrict dot_dot = dx.dot + long(i) * F;
#pragma omp simd
      for (int f = 0; f < F; f++) {
        norm_dot[f] =
            (p[f] * dp[f] + p[2 * F + f] * dp[2 * F + f] + p[4 * F + f] * dp[4 * F + f]) / norm[f];
        dot_dot[f] = dp[f] * p[F + f] + p[f] * dp[F + f] + dp[2 * F + f] * p[3 * F + f] +
            p[2 * F + f] * dp[3 * F + f] + dp[4 * F + f] * p[5 * F + f] +
            p[4 * F + f] * dp[5 * F + f];
      }
    }
    multiply(n, dx.in, 2 * F, layer.update0, none<T>(), dx.t, F);
    times_silu_slope(long(n) * F, x.t, dx.t, dx.gt);
    multiply(n, dx.gt, F, layer.update1, none<T>(), dx.y, 3 * F);

    const bool last = l + 1 == w.model.L;
    T *s_next = last ? k.s_end_dot : k.tangent[l + 1].s,
      *v_next = last ? nullptr : k.tangent[l + 1].v;
    for (int i = 0; i < n; i++) {
      const T *__restrict y = x.y + 3L * i * F, *__restrict dy = dx.y + 3L * i * F,
                          *__restrict dot = x.dot + long(i) * F,
                          *__restrict dot_dot = dx.dot + long(i) * F,
                          *__restrict s = dx.in + 2L * i * F;
      T *__restrict out = s_next + long(i) * F;
#pragma omp simd
      for (int f = 0; f < F; f++)
        out[f] = s[f] + dy[f] + dy[2 * F + f] * dot[f] + y[2 * F + f] * dot_dot[f];
      if (last) continue;
      for (int a = 0; a < 3; a++) {
        const long at = (6L * i + 2 * a + 1) * F;
        const T *__restrict q = x.pq + at, *__restrict dq = dx.pq + at,
                            *__restrict v = dx.v_mid + (3L * i + a) * F;
        T *__restrict v_out = v_next + (3L * i + a) * F;
#pragma omp simd
        for (int f = 0; f < F; f++) v_out[f] = v[f] + dy[F + f] * q[f] + y[F + f] * dq[f];
      }
    }
  }

  /// Tangents of the bars of an update, down to those of p and q; adds to the sums of its weights.
  template <typename T>
  void update_backward_tangent(const PainnLayer<T> &layer, int F, int n,
                               const GradientLayerValues<T> &x, const GradientLayerValues<T> &dx,
                               const GradientLayerSums<T> &sum)
  {
    for (int i = 0; i < n; i++) {
      const long F1 = long(i) * F;
      const T *__restrict p = x.pq + 6 * F1, *__restrict dp = dx.pq + 6 * F1,
                          *__restrict s_bar = x.s_bar + F1, *__restrict ds_bar = dx.s_bar + F1,
                          *__restrict v_bar = x.v_bar + 3 * F1,
                          *__restrict dv_bar = dx.v_bar + 3 * F1, *__restrict dot = x.dot + F1,
                          *__restrict dot_dot = dx.dot + F1;
      T *__restrict out = dx.y_bar + 3 * F1;
#pragma omp simd
      for (int f = 0; f < F; f++) {
        out[f] = ds_bar[f];
        out[F + f] = dv_bar[f] * p[F + f] + v_bar[f] * dp[F + f] + dv_bar[F + f] * p[3 * F + f] +
            v_bar[F + f] * dp[3 * F + f] + dv_bar[2 * F + f] * p[5 * F + f] +
            v_bar[2 * F + f] * dp[5 * F + f];
        out[2 * F + f] = ds_bar[f] * dot[f] + s_bar[f] * dot_dot[f];
      }
    }
    accumulate(n, x.gt, F, F, dx.y_bar, 3 * F, 3 * F, sum.update1);
    accumulate(n, dx.gt, F, F, x.y_bar, 3 * F, 3 * F, sum.update1);
    accumulate_rows(n, dx.y_bar, 3 * F, sum.update1_bias);
    multiply(n, dx.y_bar, 3 * F, layer.update1_back, none<T>(), dx.gt_bar, F);
    times_silu_slope_tangent(long(n) * F, x.t, dx.t, x.gt_bar, dx.gt_bar, dx.t_bar);
    accumulate(n, x.in, 2 * F, 2 * F, dx.t_bar, F, F, sum.update0);
    accumulate(n, dx.in, 2 * F, 2 * F, x.t_bar, F, F, sum.update0);
    accumulate_rows(n, dx.t_bar, F, sum.update0_bias);
    multiply(n, dx.t_bar, F, layer.update0_back, none<T>(), dx.in_bar, 2 * F);
    for (int i = 0; i < n; i++) {
      const long F1 = long(i) * F;
      const T *__restrict norm = x.in + (2L * i + 1) * F,
                          *__restrict norm_dot = dx.in + (2L * i + 1) * F;
      const T *__restrict y = x.y + 3 * F1, *__restrict dy = dx.y + 3 * F1,
                          *__restrict in = x.in_bar + 2 * F1, *__restrict din = dx.in_bar + 2 * F1,
                          *__restrict s_bar = x.s_bar + F1, *__restrict ds_bar = dx.s_bar + F1;
      T *__restrict mid = dx.s_bar_mid + F1;
      for (int a = 0; a < 3; a++) {
        const T *__restrict p = x.pq + (6L * i + 2 * a) * F,
                            *__restrict dp = dx.pq + (6L * i + 2 * a) * F,
                            *__restrict v_bar = x.v_bar + (3L * i + a) * F,
                            *__restrict dv_bar = dx.v_bar + (3L * i + a) * F;
        T *__restrict out = dx.pq_bar + (6L * i + 2 * a) * F;
#pragma omp simd
        for (int f = 0; f < F; f++) {
          const T dot_bar = s_bar[f] * y[2 * F + f],
                  dot_bar_dot = ds_bar[f] * y[2 * F + f] + s_bar[f] * dy[2 * F + f];
          const T stretch = in[F + f] / norm[f],
                  stretch_dot = (din[F + f] - stretch * norm_dot[f]) / norm[f];
          out[f] =
              dot_bar_dot * p[F + f] + dot_bar * dp[F + f] + stretch_dot * p[f] + stretch * dp[f];
          out[F + f] =
              dot_bar_dot * p[f] + dot_bar * dp[f] + dv_bar[f] * y[F + f] + v_bar[f] * dy[F + f];
        }
      }
#pragma omp simd
      for (int f = 0; f < F; f++) mid[f] = ds_bar[f] + din[f];
    }
    accumulate(3 * n, x.v_mid, F, F, dx.pq_bar, 2 * F, 2 * F, sum.mix);
    accumulate(3 * n, dx.v_mid, F, F, x.pq_bar, 2 * F, 2 * F, sum.mix);
    std::memcpy(dx.v_bar_mid, dx.v_bar, sizeof(T) * 3 * n * F);
    multiply(3 * n, dx.pq_bar, 2 * F, layer.mix_back, none<T>(), dx.v_bar_mid, F, true);
  }

  /// Tangents of the bars of the messages of layer l: of h, of the filters and, but for the first
  /// layer, of v before it.
  template <typename T>
  void messages_backward_tangent(const GradientWeights<T> &w, const GradientWork<T> &k, int l)
  {
    const int F = w.model.F, n = k.n_atoms, width = w.filter.columns;
    const GradientLayerValues<T> &x = k.value[l], &dx = k.tangent[l];
    T *v_bar_before = l > 0 ? k.tangent[l - 1].v_bar : nullptr;
    if (l > 0) std::memcpy(v_bar_before, dx.v_bar_mid, sizeof(T) * 3 * n * F);
    std::memset(dx.h_bar, 0, sizeof(T) * 3 * n * F);
    for (int i = 0; i < n; i++) {
      const T *__restrict s_bar = x.s_bar_mid + long(i) * F,
                          *__restrict v_bar = x.v_bar_mid + 3L * i * F;
      const T *__restrict ds_bar = dx.s_bar_mid + long(i) * F,
                          *__restrict dv_bar = dx.v_bar_mid + 3L * i * F;
      for (long e = k.first_edge[i]; e < k.first_edge[i + 1]; e++) {
        const long j = k.neighbor[e], at = e * width + 3L * l * F;
        const T *__restrict h = x.h + 3 * j * F, *__restrict vj = x.v + 3 * j * F,
                            *__restrict W = k.W + at, *__restrict slope = k.W_slope + at;
        const T *__restrict dh = dx.h + 3 * j * F, *__restrict dvj = dx.v + 3 * j * F;
        T *__restrict dW_bar = k.W_bar_dot + at, *__restrict dh_bar = dx.h_bar + 3 * j * F;
        const T ux = k.u[3 * e], uy = k.u[3 * e + 1], uz = k.u[3 * e + 2];
        const T dux = k.u_dot[3 * e], duy = k.u_dot[3 * e + 1], duz = k.u_dot[3 * e + 2],
                d_dot = k.d_dot[e];
#pragma omp simd
        for (int f = 0; f < F; f++) {
          const T vx = v_bar[f], vy = v_bar[F + f], vz = v_bar[2 * F + f];
          const T dvx = dv_bar[f], dvy = dv_bar[F + f], dvz = dv_bar[2 * F + f];
          const T a_bar = s_bar[f], da_bar = ds_bar[f];
          const T c_bar = ux * vx + uy * vy + uz * vz;
          const T dc_bar = dux * vx + duy * vy + duz * vz + ux * dvx + uy * dvy + uz * dvz;
          const T b_bar = vj[f] * vx + vj[F + f] * vy + vj[2 * F + f] * vz;
          const T db_bar = dvj[f] * vx + dvj[F + f] * vy + dvj[2 * F + f] * vz + vj[f] * dvx +
              vj[F + f] * dvy + vj[2 * F + f] * dvz;
          dh_bar[f] += d_dot * slope[f] * a_bar + W[f] * da_bar;
          dh_bar[F + f] += d_dot * slope[F + f] * c_bar + W[F + f] * dc_bar;
          dh_bar[2 * F + f] += d_dot * slope[2 * F + f] * b_bar + W[2 * F + f] * db_bar;
          dW_bar[f] = dh[f] * a_bar + h[f] * da_bar;
          dW_bar[F + f] = dh[F + f] * c_bar + h[F + f] * dc_bar;
          dW_bar[2 * F + f] = dh[2 * F + f] * b_bar + h[2 * F + f] * db_bar;
        }
        if (l == 0) continue;
        T *__restrict before = v_bar_before + 3 * j * F;
#pragma omp simd
        for (int f = 0; f < F; f++) {
          const T b = W[2 * F + f] * h[2 * F + f],
                  db = d_dot * slope[2 * F + f] * h[2 * F + f] + W[2 * F + f] * dh[2 * F + f];
          before[f] += db * v_bar[f] + b * dv_bar[f];
          before[F + f] += db * v_bar[F + f] + b * dv_bar[F + f];
          before[2 * F + f] += db * v_bar[2 * F + f] + b * dv_bar[2 * F + f];
        }
      }
    }
  }

  template <typename T>
  void layer_backward_tangent(const GradientWeights<T> &w, const GradientWork<T> &k, int l,
                              const GradientSums<T> &sums)
  {
    const int F = w.model.F, n = k.n_atoms;
    const PainnLayer<T> &layer = w.model.layers[l];
    const GradientLayerValues<T> &x = k.value[l], &dx = k.tangent[l];
    const GradientLayerSums<T> &sum = sums.layers[l];
    update_backward_tangent(layer, F, n, x, dx, sum);
    messages_backward_tangent(w, k, l);
    accumulate(n, x.g0, F, F, dx.h_bar, 3 * F, 3 * F, sum.message1);
    if (l > 0) accumulate(n, dx.g0, F, F, x.h_bar, 3 * F, 3 * F, sum.message1);
    accumulate_rows(n, dx.h_bar, 3 * F, sum.message1_bias);
    multiply(n, dx.h_bar, 3 * F, layer.message1_back, none<T>(), dx.g0_bar, F);
    times_silu_slope_tangent(long(n) * F, x.m0, dx.m0, x.g0_bar, dx.g0_bar, dx.m0_bar);
    accumulate(n, x.s, F, F, dx.m0_bar, F, F, sum.message0);
    if (l > 0) accumulate(n, dx.s, F, F, x.m0_bar, F, F, sum.message0);
    accumulate_rows(n, dx.m0_bar, F, sum.message0_bias);
    // The first layer writes the gradient of the embedding here.
    T *s_bar_before = l > 0 ? k.tangent[l - 1].s_bar : k.scratch;
    std::memcpy(s_bar_before, dx.s_bar_mid, sizeof(T) * n * F);
    multiply(n, dx.m0_bar, F, layer.message0_back, none<T>(), s_bar_before, F, true);
    if (l > 0) return;
    for (int i = 0; i < n; i++) {
      T *__restrict row = sums.embedding + long(k.species[i]) * F;
      const T *__restrict bar = s_bar_before + long(i) * F;
#pragma omp simd
      for (int f = 0; f < F; f++) row[f] += bar[f];
    }
  }

}    // namespace

}    // namespace mlff
