// PaiNN's messages and updates of one feature, forward and backward (Schütt, Unke, Gastegger, ICML
// 2021): the expressions that inference, the gradient by weights and the Kokkos device share.
// bar = dE/d(quantity).
//
// Three values that belong together, the parts of a message or the components of a vector, lie
// `stride` apart. Functions of messages take places and strides, and not the values: from values
// the compiler sums the host's loops in another order, and weights of a training change their last
// digits.
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
    const T c = W[W_stride] * h[stride];
    if constexpr (VECTORS) {
      const T b = W[2 * W_stride] * h[2 * stride];
      s[0] += W[0] * h[0];
      v[0] += ux * c + b * vj[0];
      v[v_stride] += uy * c + b * vj[stride];
      v[2 * v_stride] += uz * c + b * vj[2 * stride];
    } else {
      s[0] += W[0] * h[0];
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
    h_bar[0] += W[0] * a_bar;
    h_bar[stride] += W[W_stride] * c_bar;
    h_bar[2 * stride] += W[2 * W_stride] * b_bar;
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

  /// A struct of three numbers that lie `stride` apart.
  template <template <typename> class Three, typename T>
  MLFF_FORCEINLINE_FUNCTION Three<T> read_three(const T *row, long stride)
  {
    return {row[0], row[stride], row[2 * stride]};
  }

  template <template <typename> class Three, typename T>
  MLFF_FORCEINLINE_FUNCTION void write_three(T *row, long stride, const Three<T> &a)
  {
    const auto &[first, second, third] = a;
    row[0] = first;
    row[stride] = second;
    row[2 * stride] = third;
  }

  /// Components of a vector feature.
  template <typename T> struct Components {
    T x, y, z;
  };

  template <typename T> MLFF_INLINE_FUNCTION Components<T> components(const T *row, long stride)
  {
    return read_three<Components>(row, stride);
  }

  template <typename T> MLFF_INLINE_FUNCTION T dot(const Components<T> &a, const Components<T> &b)
  {
    return a.x * b.x + a.y * b.y + a.z * b.z;
  }

  /// Parts of an update: s += ss + sv p.q, v += vv q, where [p, q] = v U^T.
  template <typename T> struct UpdateParts {
    T ss, vv, sv;
  };

  /// The norm of p that the update sees; the floor keeps its derivative finite.
  template <typename T> MLFF_INLINE_FUNCTION T norm_of(const Components<T> &p, T floor)
  {
    return elementary::sqrt(p.x * p.x + p.y * p.y + p.z * p.z + floor);
  }

  /// Update of s and v, these y_stride and v_stride apart; pq = p.q.
  template <typename T>
  MLFF_FORCEINLINE_FUNCTION void add_update(const T *y, long y_stride, T pq, T qx, T qy, T qz, T *s,
                                            T *v, long v_stride)
  {
    s[0] += y[0] + y[2 * y_stride] * pq;
    add_vector(y[y_stride], qx, qy, qz, v, v_stride);
  }

  /// Bars of an update's parts from those of s and v after it.
  template <typename T>
  MLFF_INLINE_FUNCTION UpdateParts<T> update_bars(T s_bar, const Components<T> &v_bar,
                                                  const Components<T> &q, T pq)
  {
    return {s_bar, dot(v_bar, q), s_bar * pq};
  }

  /// Bars of p and q from those of s, v and of the norm of p.
  template <typename T>
  MLFF_INLINE_FUNCTION void mix_bars(const UpdateParts<T> &y, T norm, T norm_bar, T s_bar,
                                     const Components<T> &v_bar, const Components<T> &p,
                                     const Components<T> &q, Components<T> &p_bar,
                                     Components<T> &q_bar)
  {
    const T pq_bar = s_bar * y.sv, stretch = norm_bar / norm;
    p_bar = {pq_bar * q.x + stretch * p.x, pq_bar * q.y + stretch * p.y,
             pq_bar * q.z + stretch * p.z};
    q_bar = {pq_bar * p.x + v_bar.x * y.vv, pq_bar * p.y + v_bar.y * y.vv,
             pq_bar * p.z + v_bar.z * y.vv};
  }

  /// dE/dr of an edge of length d from the bars [d, u] of its distance and direction: set(axis,
  /// value).
  template <typename Set>
  MLFF_INLINE_FUNCTION void edge_gradient(const double *r, double d, const double *bar,
                                          const Set &set)
  {
    const double u[3] = {r[0] / d, r[1] / d, r[2] / d};
    const double along = bar[1] * u[0] + bar[2] * u[1] + bar[3] * u[2];
    for (int a = 0; a < 3; a++) set(a, bar[0] * u[a] + (bar[1 + a] - along * u[a]) / d);
  }

}    // namespace

}    // namespace mlff
