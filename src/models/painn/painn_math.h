// PaiNN's messages and updates of one feature, forward and backward (Schütt, Unke, Gastegger, ICML
// 2021): the expressions that inference, the gradient by weights and the Kokkos device share.
// bar = dE/d(quantity). A number V is a float or a double.
#pragma once

#include "kernels/inline_function.h"

namespace mlff {

namespace {

  /// Components of a vector feature, or of a direction.
  template <typename V> struct Components {
    V x, y, z;
  };

  /// Those of rows `stride` apart.
  template <typename V> MLFF_INLINE_FUNCTION Components<V> components(const V *row, long stride)
  {
    return {row[0], row[stride], row[2 * stride]};
  }

  template <typename V>
  MLFF_INLINE_FUNCTION void set_components(V *row, long stride, const Components<V> &a)
  {
    row[0] = a.x;
    row[stride] = a.y;
    row[2 * stride] = a.z;
  }

  template <typename V> MLFF_INLINE_FUNCTION V dot(const Components<V> &a, const Components<V> &b)
  {
    return a.x * b.x + a.y * b.y + a.z * b.z;
  }

  template <typename V>
  MLFF_INLINE_FUNCTION void add(V factor, const Components<V> &from, Components<V> &to)
  {
    to.x += factor * from.x;
    to.y += factor * from.y;
    to.z += factor * from.z;
  }

  /// Parts of a message, and of the filter W and the features h_j that it is the product of:
  /// s_i += scalar, v_i += u direction + v_j vector. Before the first layer of a potential v = 0:
  /// there the functions below leave out what belongs to v_j, with VECTORS false.
  template <typename V> struct MessageParts {
    V scalar, direction, vector;
  };

  /// Those of a row of [3][F].
  template <typename V> MLFF_INLINE_FUNCTION MessageParts<V> message_parts(const V *row, long F)
  {
    return {row[0], row[F], row[2 * F]};
  }

  template <typename V>
  MLFF_INLINE_FUNCTION void set_message_parts(V *row, long F, const MessageParts<V> &a)
  {
    row[0] = a.scalar;
    row[F] = a.direction;
    row[2 * F] = a.vector;
  }

  /// Product of each part.
  template <typename V>
  MLFF_INLINE_FUNCTION MessageParts<V> times(const MessageParts<V> &a, const MessageParts<V> &b)
  {
    return {a.scalar * b.scalar, a.direction * b.direction, a.vector * b.vector};
  }

  /// Adds a message = W h_j to what atom i receives.
  template <bool VECTORS, typename V>
  MLFF_INLINE_FUNCTION void add_message(const MessageParts<V> &message, const Components<V> &u,
                                        const Components<V> &vj, V &s, Components<V> &v)
  {
    s += message.scalar;
    if constexpr (VECTORS) {
      v.x += u.x * message.direction + message.vector * vj.x;
      v.y += u.y * message.direction + message.vector * vj.y;
      v.z += u.z * message.direction + message.vector * vj.z;
    } else
      add(message.direction, u, v);
  }

  /// Bars of a message from those of what atom i received.
  template <bool VECTORS, typename V>
  MLFF_INLINE_FUNCTION MessageParts<V> message_bars(const Components<V> &u, const Components<V> &vj,
                                                    V s_bar, const Components<V> &v_bar)
  {
    if constexpr (VECTORS) return {s_bar, dot(u, v_bar), dot(vj, v_bar)};
    return {s_bar, dot(u, v_bar), V(0)};
  }

  /// Adds the bars of h_j from those of its message.
  template <typename V>
  MLFF_INLINE_FUNCTION void add_feature_bars(const MessageParts<V> &W, const MessageParts<V> &bars,
                                             MessageParts<V> &h_bar)
  {
    h_bar.scalar += W.scalar * bars.scalar;
    h_bar.direction += W.direction * bars.direction;
    h_bar.vector += W.vector * bars.vector;
  }

  /// Bar of the distance in a feature: filter_bar = h_j times the bars of the message, by the
  /// filter's slope.
  template <bool VECTORS, typename V>
  MLFF_INLINE_FUNCTION V distance_bar(const MessageParts<V> &slope,
                                      const MessageParts<V> &filter_bar)
  {
    const V sum = slope.scalar * filter_bar.scalar + slope.direction * filter_bar.direction;
    if constexpr (VECTORS) return sum + slope.vector * filter_bar.vector;
    return sum;
  }

  /// Parts of an update: s += ss + sv p.q, v += vv q, where [p, q] = v U^T.
  template <typename V> struct UpdateParts {
    V ss, vv, sv;
  };

  /// Those of a row of [3][F].
  template <typename V> MLFF_INLINE_FUNCTION UpdateParts<V> update_parts(const V *row, long F)
  {
    return {row[0], row[F], row[2 * F]};
  }

  template <typename V>
  MLFF_INLINE_FUNCTION void set_update_parts(V *row, long F, const UpdateParts<V> &a)
  {
    row[0] = a.ss;
    row[F] = a.vv;
    row[2 * F] = a.sv;
  }

  /// The norm of p that the update sees; the floor keeps its derivative finite.
  template <typename V> MLFF_INLINE_FUNCTION V norm_of(const Components<V> &p, V floor)
  {
    return elementary::sqrt(p.x * p.x + p.y * p.y + p.z * p.z + floor);
  }

  template <typename V>
  MLFF_INLINE_FUNCTION void add_update(const UpdateParts<V> &y, V pq, const Components<V> &q, V &s,
                                       Components<V> &v)
  {
    s += y.ss + y.sv * pq;
    add(y.vv, q, v);
  }

  /// Bars of an update's parts from those of s and v after it; pq = p.q.
  template <typename V>
  MLFF_INLINE_FUNCTION UpdateParts<V> update_bars(V s_bar, const Components<V> &v_bar,
                                                  const Components<V> &q, V pq)
  {
    return {s_bar, dot(v_bar, q), s_bar * pq};
  }

  /// Bars of p and q from those of s, v and of the norm of p.
  template <typename V>
  MLFF_INLINE_FUNCTION void mix_bars(const UpdateParts<V> &y, V norm, V norm_bar, V s_bar,
                                     const Components<V> &v_bar, const Components<V> &p,
                                     const Components<V> &q, Components<V> &p_bar,
                                     Components<V> &q_bar)
  {
    const V pq_bar = s_bar * y.sv, stretch = norm_bar / norm;
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
