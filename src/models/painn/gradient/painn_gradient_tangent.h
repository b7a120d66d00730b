// The second pass of the gradient by weights: tangents of all values through a layer's forward and
// backward, by the functions of painn_math.h on numbers with a tangent. Local to the file that
// includes it.
#pragma once

#include "kernels/dual.h"
#include "models/painn/gradient/painn_gradient_layers.h"

namespace mlff {

namespace {

  template <typename V> inline Dual<V> with_tangent(V a, V dot)
  {
    return {a, dot};
  }

  template <typename V>
  inline Components<Dual<V>> with_tangent(const Components<V> &a, const Components<V> &dot)
  {
    return {{a.x, dot.x}, {a.y, dot.y}, {a.z, dot.z}};
  }

  template <typename V>
  inline MessageParts<Dual<V>> with_tangent(const MessageParts<V> &a, const MessageParts<V> &dot)
  {
    return {{a.scalar, dot.scalar}, {a.direction, dot.direction}, {a.vector, dot.vector}};
  }

  template <typename V>
  inline UpdateParts<Dual<V>> with_tangent(const UpdateParts<V> &a, const UpdateParts<V> &dot)
  {
    return {{a.ss, dot.ss}, {a.vv, dot.vv}, {a.sv, dot.sv}};
  }

  /// Numbers whose values are not asked for.
  template <typename V> inline Components<Dual<V>> as_tangent(const Components<V> &dot)
  {
    return with_tangent({0, 0, 0}, dot);
  }

  template <typename V> inline MessageParts<Dual<V>> as_tangent(const MessageParts<V> &dot)
  {
    return with_tangent({0, 0, 0}, dot);
  }

  template <typename V> inline Components<V> tangent_of(const Components<Dual<V>> &a)
  {
    return {a.x.tangent, a.y.tangent, a.z.tangent};
  }

  template <typename V> inline MessageParts<V> tangent_of(const MessageParts<Dual<V>> &a)
  {
    return {a.scalar.tangent, a.direction.tangent, a.vector.tangent};
  }

  template <typename V> inline UpdateParts<V> tangent_of(const UpdateParts<Dual<V>> &a)
  {
    return {a.ss.tangent, a.vv.tangent, a.sv.tangent};
  }

  /// out = x_dot silu'(at) + x silu''(at) at_dot
  template <typename T>
  void times_silu_slope_tangent(long n, const T *__restrict at, const T *__restrict at_dot,
                                const T *__restrict x, const T *__restrict x_dot, T *__restrict out)
  {
#pragma omp simd
    for (long i = 0; i < n; i++)
      out[i] = x_dot[i] * silu_slope(at[i]) + x[i] * silu_curvature(at[i]) * at_dot[i];
  }

  /// An edge with the tangents of what it is made of, in layer l.
  template <typename T> struct EdgeTangent {
    long j;
    const T *W, *slope, *h, *dh, *vj, *dvj;
    Components<Dual<T>> u;
    T d_dot;

    EdgeTangent(const GradientWork<T> &k, int F, int width, int l, long e) :
        j(k.neighbor[e]),
        u(with_tangent(components(k.u + 3 * e, 1), components(k.u_dot + 3 * e, 1))),
        d_dot(k.d_dot[e])
    {
      const GradientLayerValues<T> &x = k.value[l], &dx = k.tangent[l];
      const long at = e * width + 3L * l * F, row = 3 * j * F;
      W = k.W + at;
      slope = k.W_slope + at;
      h = x.h + row;
      dh = dx.h + row;
      vj = x.v + row;
      dvj = dx.v + row;
    }
  };

  /// A filter whose distance changes by d_dot.
  template <typename T>
  inline MessageParts<Dual<T>> filter_tangent(const MessageParts<T> &W,
                                              const MessageParts<T> &slope, T d_dot)
  {
    return with_tangent(W, {d_dot * slope.scalar, d_dot * slope.direction, d_dot * slope.vector});
  }

  template <typename T>
  void messages_forward_tangent(const GradientWeights<T> &w, const GradientWork<T> &k, int l)
  {
    const int F = w.model.F, n = k.n_atoms;
    const GradientLayerValues<T> &dx = k.tangent[l];
    std::memcpy(dx.v_mid, dx.v, sizeof(T) * 3 * n * F);
    for (int i = 0; i < n; i++) {
      T *__restrict s = dx.in + 2L * i * F, *__restrict v = dx.v_mid + 3L * i * F;
      std::memcpy(s, dx.s + long(i) * F, sizeof(T) * F);
      for (long e = k.first_edge[i]; e < k.first_edge[i + 1]; e++) {
        const EdgeTangent<T> edge(k, F, w.filter.columns, l, e);
        const T *__restrict W = edge.W, *__restrict slope = edge.slope, *__restrict h = edge.h,
                            *__restrict dh = edge.dh, *__restrict vj = edge.vj,
                            *__restrict dvj = edge.dvj;
        const T d_dot = edge.d_dot;
        const Components<Dual<T>> u = edge.u;
#pragma omp simd
        for (int f = 0; f < F; f++) {
          const auto filter =
              filter_tangent(message_parts(W + f, F), message_parts(slope + f, F), d_dot);
          const auto features = with_tangent(message_parts(h + f, F), message_parts(dh + f, F));
          Dual<T> s_sum(0, s[f]);
          Components<Dual<T>> v_sum = as_tangent(components(v + f, F));
          add_message<true>(times(filter, features), u,
                            with_tangent(components(vj + f, F), components(dvj + f, F)), s_sum,
                            v_sum);
          s[f] = s_sum.tangent;
          set_components(v + f, F, tangent_of(v_sum));
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
      T *__restrict norm_dot = dx.in + (2L * i + 1) * F, *__restrict pq_dot = dx.dot + long(i) * F;
#pragma omp simd
      for (int f = 0; f < F; f++) {
        const Components<T> p0 = components(p + f, 2 * F), dp0 = components(dp + f, 2 * F);
        norm_dot[f] = dot(p0, dp0) / norm[f];
        pq_dot[f] = dot(with_tangent(p0, dp0),
                        with_tangent(components(p + F + f, 2 * F), components(dp + F + f, 2 * F)))
                        .tangent;
      }
    }
    multiply(n, dx.in, 2 * F, layer.update0, none<T>(), dx.t, F);
    times_silu_slope(long(n) * F, x.t, dx.t, dx.gt);
    multiply(n, dx.gt, F, layer.update1, none<T>(), dx.y, 3 * F);

    const bool last = l + 1 == w.model.L;
    T *s_next = last ? k.s_end_dot : k.tangent[l + 1].s,
      *v_next = last ? nullptr : k.tangent[l + 1].v;
    for (int i = 0; i < n; i++) {
      const long F1 = long(i) * F;
      const T *__restrict y = x.y + 3 * F1, *__restrict dy = dx.y + 3 * F1,
                          *__restrict pq = x.dot + F1, *__restrict pq_dot = dx.dot + F1,
                          *__restrict q = x.pq + 6 * F1 + F, *__restrict dq = dx.pq + 6 * F1 + F,
                          *__restrict s = dx.in + 2 * F1, *__restrict v = dx.v_mid + 3 * F1;
      T *__restrict s_out = s_next + F1, *__restrict v_out = last ? nullptr : v_next + 3 * F1;
#pragma omp simd
      for (int f = 0; f < F; f++) {
        Dual<T> s_sum(0, s[f]);
        Components<Dual<T>> v_sum = as_tangent(components(v + f, F));
        add_update(with_tangent(update_parts(y + f, F), update_parts(dy + f, F)),
                   with_tangent(pq[f], pq_dot[f]),
                   with_tangent(components(q + f, 2 * F), components(dq + f, 2 * F)), s_sum, v_sum);
        s_out[f] = s_sum.tangent;
        if (!last) set_components(v_out + f, F, tangent_of(v_sum));
      }
    }
  }

  /// Tangents of the bars of an update, down to those of p and q; adds to the sums of its weights.
  template <typename T>
  void update_backward_tangent(const GradientWeights<T> &w, const GradientWork<T> &k, int l,
                               const GradientLayerSums<T> &sum)
  {
    const int F = w.model.F, n = k.n_atoms;
    const PainnLayer<T> &layer = w.model.layers[l];
    const GradientLayerValues<T> &x = k.value[l], &dx = k.tangent[l];
    for (int i = 0; i < n; i++) {
      const long F1 = long(i) * F;
      const T *__restrict q = x.pq + 6 * F1 + F, *__restrict dq = dx.pq + 6 * F1 + F,
                          *__restrict s_bar = x.s_bar + F1, *__restrict ds_bar = dx.s_bar + F1,
                          *__restrict v_bar = x.v_bar + 3 * F1,
                          *__restrict dv_bar = dx.v_bar + 3 * F1, *__restrict pq = x.dot + F1,
                          *__restrict pq_dot = dx.dot + F1;
      T *__restrict out = dx.y_bar + 3 * F1;
#pragma omp simd
      for (int f = 0; f < F; f++)
        set_update_parts(out + f, F,
                         tangent_of(update_bars(
                             with_tangent(s_bar[f], ds_bar[f]),
                             with_tangent(components(v_bar + f, F), components(dv_bar + f, F)),
                             with_tangent(components(q + f, 2 * F), components(dq + f, 2 * F)),
                             with_tangent(pq[f], pq_dot[f]))));
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
      const T *__restrict norm = x.in + 2 * F1 + F, *__restrict norm_dot = dx.in + 2 * F1 + F,
                          *__restrict y = x.y + 3 * F1, *__restrict dy = dx.y + 3 * F1,
                          *__restrict in = x.in_bar + 2 * F1, *__restrict din = dx.in_bar + 2 * F1,
                          *__restrict p = x.pq + 6 * F1, *__restrict dp = dx.pq + 6 * F1,
                          *__restrict s_bar = x.s_bar + F1, *__restrict ds_bar = dx.s_bar + F1,
                          *__restrict v_bar = x.v_bar + 3 * F1,
                          *__restrict dv_bar = dx.v_bar + 3 * F1;
      T *__restrict mid = dx.s_bar_mid + F1, *__restrict out = dx.pq_bar + 6 * F1;
#pragma omp simd
      for (int f = 0; f < F; f++) {
        Components<Dual<T>> p_bar, q_bar;
        mix_bars(with_tangent(update_parts(y + f, F), update_parts(dy + f, F)),
                 with_tangent(norm[f], norm_dot[f]), with_tangent(in[F + f], din[F + f]),
                 with_tangent(s_bar[f], ds_bar[f]),
                 with_tangent(components(v_bar + f, F), components(dv_bar + f, F)),
                 with_tangent(components(p + f, 2 * F), components(dp + f, 2 * F)),
                 with_tangent(components(p + F + f, 2 * F), components(dp + F + f, 2 * F)), p_bar,
                 q_bar);
        set_components(out + f, 2 * F, tangent_of(p_bar));
        set_components(out + F + f, 2 * F, tangent_of(q_bar));
        mid[f] = ds_bar[f] + din[f];
      }
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
                          *__restrict v_bar = x.v_bar_mid + 3L * i * F,
                          *__restrict ds_bar = dx.s_bar_mid + long(i) * F,
                          *__restrict dv_bar = dx.v_bar_mid + 3L * i * F;
      for (long e = k.first_edge[i]; e < k.first_edge[i + 1]; e++) {
        const EdgeTangent<T> edge(k, F, width, l, e);
        const T *__restrict W = edge.W, *__restrict slope = edge.slope, *__restrict h = edge.h,
                            *__restrict dh = edge.dh, *__restrict vj = edge.vj,
                            *__restrict dvj = edge.dvj;
        const T d_dot = edge.d_dot;
        const Components<Dual<T>> u = edge.u;
        T *__restrict dW_bar = k.W_bar_dot + e * width + 3L * l * F,
                      *__restrict dh_bar = dx.h_bar + 3 * edge.j * F;
#pragma omp simd
        for (int f = 0; f < F; f++) {
          const auto filter =
              filter_tangent(message_parts(W + f, F), message_parts(slope + f, F), d_dot);
          const auto features = with_tangent(message_parts(h + f, F), message_parts(dh + f, F));
          const auto bars =
              message_bars<true>(u, with_tangent(components(vj + f, F), components(dvj + f, F)),
                                 with_tangent(s_bar[f], ds_bar[f]),
                                 with_tangent(components(v_bar + f, F), components(dv_bar + f, F)));
          auto sum = as_tangent(message_parts(dh_bar + f, F));
          add_feature_bars(filter, bars, sum);
          set_message_parts(dh_bar + f, F, tangent_of(sum));
          set_message_parts(dW_bar + f, F, tangent_of(times(features, bars)));
        }
        if (l == 0) continue;
        T *__restrict before = v_bar_before + 3 * edge.j * F;
#pragma omp simd
        for (int f = 0; f < F; f++) {
          const auto filter =
              filter_tangent(message_parts(W + f, F), message_parts(slope + f, F), d_dot);
          const auto features = with_tangent(message_parts(h + f, F), message_parts(dh + f, F));
          auto sum = as_tangent(components(before + f, F));
          add(times(filter, features).vector,
              with_tangent(components(v_bar + f, F), components(dv_bar + f, F)), sum);
          set_components(before + f, F, tangent_of(sum));
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
    update_backward_tangent(w, k, l, sum);
    messages_backward_tangent(w, k, l);
    accumulate(n, x.g0, F, F, dx.h_bar, 3 * F, 3 * F, sum.message1);
    if (l > 0) accumulate(n, dx.g0, F, F, x.h_bar, 3 * F, 3 * F, sum.message1);
    accumulate_rows(n, dx.h_bar, 3 * F, sum.message1_bias);
    multiply(n, dx.h_bar, 3 * F, layer.message1_back, none<T>(), dx.g0_bar, F);
    times_silu_slope_tangent(long(n) * F, x.m0, dx.m0, x.g0_bar, dx.g0_bar, dx.m0_bar);
    accumulate(n, x.s, F, F, dx.m0_bar, F, F, sum.message0);
    if (l > 0) accumulate(n, dx.s, F, F, x.m0_bar, F, F, sum.message0);
    accumulate_rows(n, dx.m0_bar, F, sum.message0_bias);
    // for the first layer this is the gradient of the embedding
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
