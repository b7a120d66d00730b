// PaiNN's messages and updates of one feature, forward and backward (Schütt, Unke, Gastegger, ICML
// 2021): the expressions that inference, the gradient by weights and the Kokkos device share.
// bar = dE/d(quantity).
//
// Three values that belong together, the parts of a message or the components of a vector, lie
// `stride` apart. The functions take places and strides, and not structs of three values: of three
// floats g++ 12 makes a pair and a rest, and then no vectors of the loops of features.
#pragma once

#include "kernels/inline_function.h"

namespace mlff {

namespace {

  /// u.v
  template <typename T> MLFF_FORCEINLINE_FUNCTION T dot(T ux, T uy, T uz, T x, T y, T z)
  {
    return ux * x + uy * y + uz * z;
  }

  template <typename T> MLFF_FORCEINLINE_FUNCTION T dot(const T *u, long stride, T x, T y, T z)
  {
    return u[0] * x + u[stride] * y + u[2 * stride] * z;
  }

  template <typename T>
  MLFF_FORCEINLINE_FUNCTION void add_vector(T factor, T x, T y, T z, T *to, long stride)
  {
    to[0] += factor * x;
    to[stride] += factor * y;
    to[2 * stride] += factor * z;
  }

  /// Adds a message (a | c | b) = W h_j to what atom i receives: s_i += a, v_i += u c + v_j b.
  /// VECTORS is false where v_j is zero, as before the first layer of a potential.
  template <bool VECTORS, typename T>
  MLFF_FORCEINLINE_FUNCTION void add_message(const T *W, long W_stride, const T *h, const T *vj,
                                             long stride, T ux, T uy, T uz, T *s, T *v,
                                             long v_stride)
  {
    // all is read before anything is written, which may lie in the same place for the compiler
    const T a = W[0] * h[0], c = W[W_stride] * h[stride];
    if constexpr (VECTORS) {
      const T b = W[2 * W_stride] * h[2 * stride];
      const T x = vj[0], y = vj[stride], z = vj[2 * stride];
      s[0] += a;
      v[0] += ux * c + b * x;
      v[v_stride] += uy * c + b * y;
      v[2 * v_stride] += uz * c + b * z;
    } else {
      s[0] += a;
      v[0] += ux * c;
      v[v_stride] += uy * c;
      v[2 * v_stride] += uz * c;
    }
  }

  /// Adds the bars of h_j, from those of its message: a_bar = s_bar_i, c_bar = u.v_bar_i,
  /// b_bar = v_j.v_bar_i.
  template <typename T>
  MLFF_FORCEINLINE_FUNCTION void add_feature_bars(const T *W, long W_stride, T a_bar, T c_bar,
                                                  T b_bar, T *h_bar, long stride)
  {
    const T a = W[0] * a_bar, c = W[W_stride] * c_bar, b = W[2 * W_stride] * b_bar;
    h_bar[0] += a;
    h_bar[stride] += c;
    h_bar[2 * stride] += b;
  }

  /// Bar of the distance in one feature, from the slope of W and the bars of the message.
  template <bool VECTORS, typename T>
  MLFF_FORCEINLINE_FUNCTION T distance_bar(const T *slope, long slope_stride, const T *h,
                                           long stride, T a_bar, T c_bar, T b_bar)
  {
    if constexpr (VECTORS)
      return slope[0] * h[0] * a_bar + slope[slope_stride] * h[stride] * c_bar +
          slope[2 * slope_stride] * h[2 * stride] * b_bar;
    return slope[0] * h[0] * a_bar + slope[slope_stride] * h[stride] * c_bar;
  }

  /// u.v of vectors whose components lie `stride` apart
  template <typename T> MLFF_FORCEINLINE_FUNCTION T dot(const T *u, const T *v, long stride)
  {
    return u[0] * v[0] + u[stride] * v[stride] + u[2 * stride] * v[2 * stride];
  }

  // An update: s += ss + sv p.q, v += vv q, where [p, q] = v U^T and its parts are (ss | vv | sv).

  /// The norm of p that the update sees; the floor keeps its derivative finite.
  template <typename T> MLFF_FORCEINLINE_FUNCTION T norm_of(const T *p, long stride, T floor)
  {
    return elementary::sqrt(p[0] * p[0] + p[stride] * p[stride] + p[2 * stride] * p[2 * stride] +
                            floor);
  }

  /// Adds the update of parts y to s and v; pq = p.q.
  template <typename T>
  MLFF_FORCEINLINE_FUNCTION void add_update(const T *y, long y_stride, T pq, const T *q,
                                            long q_stride, T *s, T *v, long v_stride)
  {
    s[0] += y[0] + y[2 * y_stride] * pq;
    add_vector(y[y_stride], q[0], q[q_stride], q[2 * q_stride], v, v_stride);
  }

  /// Bars of an update's parts from those of s and v after it; pq = p.q.
  template <typename T>
  MLFF_FORCEINLINE_FUNCTION void update_bars(T s_bar, const T *v_bar, long stride, const T *q,
                                             long q_stride, T pq, T *y_bar)
  {
    const T vv_bar =
        v_bar[0] * q[0] + v_bar[stride] * q[q_stride] + v_bar[2 * stride] * q[2 * q_stride];
    y_bar[0] = s_bar;
    y_bar[stride] = vv_bar;
    y_bar[2 * stride] = s_bar * pq;
  }

  /// Bars of p and q, which lie as p and q, from those of s, v and of the norm of p; y and v_bar
  /// have one stride.
  template <typename T>
  MLFF_FORCEINLINE_FUNCTION void mix_bars(const T *y, T norm, T norm_bar, T s_bar, const T *v_bar,
                                          long stride, const T *p, const T *q, long pq_stride,
                                          T *p_bar, T *q_bar)
  {
    const T pq_bar = s_bar * y[2 * stride], stretch = norm_bar / norm, vv = y[stride];
    const T px = p[0], py = p[pq_stride], pz = p[2 * pq_stride];
    const T qx = q[0], qy = q[pq_stride], qz = q[2 * pq_stride];
    const T vx = v_bar[0], vy = v_bar[stride], vz = v_bar[2 * stride];
    p_bar[0] = pq_bar * qx + stretch * px;
    p_bar[pq_stride] = pq_bar * qy + stretch * py;
    p_bar[2 * pq_stride] = pq_bar * qz + stretch * pz;
    q_bar[0] = pq_bar * px + vx * vv;
    q_bar[pq_stride] = pq_bar * py + vy * vv;
    q_bar[2 * pq_stride] = pq_bar * pz + vz * vv;
  }

  /// dE/dr of an edge of length d from the bars [d, u] of its distance and direction: set(axis,
  /// value).
  template <typename Set>
  MLFF_FORCEINLINE_FUNCTION void edge_gradient(const double *r, double d, const double *bar,
                                               const Set &set)
  {
    const double u[3] = {r[0] / d, r[1] / d, r[2] / d};
    const double along = bar[1] * u[0] + bar[2] * u[1] + bar[3] * u[2];
    for (int a = 0; a < 3; a++) set(a, bar[0] * u[a] + (bar[1 + a] - along * u[a]) / d);
  }

}    // namespace

}    // namespace mlff
