// Steps of a layer of PaiNN on rows of atoms, which inference and the gradient by weights share:
// they differ in what they keep. Everything here is local to the file that includes it.
#pragma once

#include "kernels/products.h"
#include "models/painn/painn_math.h"

namespace mlff {

namespace {

  template <typename T> inline const T *none()
  {
    return nullptr;
  }

  /// out = x silu'(at)
  template <typename T>
  void times_silu_slope(long n, const T *__restrict at, const T *__restrict x, T *__restrict out)
  {
#pragma omp simd
    for (long i = 0; i < n; i++) out[i] = x[i] * silu_slope(at[i]);
  }

  /// x *= silu'(at)
  template <typename T> void times_silu_slope(long n, const T *__restrict at, T *__restrict x)
  {
#pragma omp simd
    for (long i = 0; i < n; i++) x[i] *= silu_slope(at[i]);
  }

  /// h = B2 silu(B1 s + b1) + b2 of n atoms, what they send: m0 [n][F] before and g0 [n][F] after
  /// the activation.
  template <typename T>
  void send(const PainnLayer<T> &layer, int F, int n, const T *s, T *m0, T *g0, T *h)
  {
    multiply(n, s, F, layer.message0, layer.message0_bias, m0, F);
    silu(long(n) * F, m0, g0);
    multiply(n, g0, F, layer.message1, layer.message1_bias, h, 3 * F);
  }

  /// dE/dr [3] of an edge of length d from the bars [d, u] of its distance and direction. Never
  /// inlined: of a loop of edges the compiler makes vectors and a rest, which round in different
  /// ways, and then an edge's bits depend on how many are evaluated together.
  [[gnu::noinline]] inline void edge_gradient(const double *r, double d, const double *bar,
                                              double *__restrict gradient)
  {
    edge_gradient(r, d, bar, [&](int a, double x) {
      gradient[a] = x;
    });
  }

  /// The message of one edge of direction u: adds it to s [F] and v [3][F] of its centre. W and h
  /// are [3][F].
  template <bool VECTORS, typename T>
  MLFF_FORCEINLINE_FUNCTION void receive(int F, T ux, T uy, T uz, const T *__restrict W,
                                         const T *__restrict h, const T *__restrict vj,
                                         T *__restrict s, T *__restrict v)
  {
#pragma omp simd
    for (int f = 0; f < F; f++)
      add_message<VECTORS>(W + f, F, h + f, vj + f, F, ux, uy, uz, s + f, v + f, F);
  }

  /// y = C2 silu(C1 in + c1) + c2, the parts of an update of n atoms [n][3F], from s and the norms
  /// of p, `in` [n][2F]: t [n][F] before and gt [n][F] after the activation.
  template <typename T>
  void update(const PainnLayer<T> &layer, int F, int n, const T *in, T *t, T *gt, T *y)
  {
    multiply(n, in, 2 * F, layer.update0, layer.update0_bias, t, F);
    silu(long(n) * F, t, gt);
    multiply(n, gt, F, layer.update1, layer.update1_bias, y, 3 * F);
  }

  /// Bars of an update of n atoms, down to those of what its products read.
  template <typename T> struct UpdateBars {
    const T *pq, *norm, *t, *y;    // values; norm of an atom's p every norm_stride
    long norm_stride;
    const T *s_bar, *v_bar;    // bars of the result: [F] every s_stride, [3][F] every v_stride
    long s_stride, v_stride;
    T *y_bar, *gt_bar, *t_bar, *in_bar, *pq_bar;    // bars in the layout of the values
  };

  /// Without KEEP gt_bar is not used.
  template <bool KEEP, typename T>
  void update_backward(const PainnLayer<T> &layer, int F, int n, const UpdateBars<T> &x)
  {
    for (int i = 0; i < n; i++) {
      const T *__restrict p = x.pq + 6L * i * F, *__restrict s_bar = x.s_bar + i * x.s_stride,
                          *__restrict v_bar = x.v_bar + i * x.v_stride;
      T *__restrict out = x.y_bar + 3L * i * F;
#pragma omp simd
      for (int f = 0; f < F; f++) {
        const T *q = p + F + f;
        update_bars(s_bar[f], v_bar + f, F, q, 2 * F, dot(p + f, q, 2 * F), out + f);
      }
    }
    multiply(n, x.y_bar, 3 * F, layer.update1_back, none<T>(), KEEP ? x.gt_bar : x.t_bar, F);
    if constexpr (KEEP)
      times_silu_slope(long(n) * F, x.t, x.gt_bar, x.t_bar);
    else
      times_silu_slope(long(n) * F, x.t, x.t_bar);
    multiply(n, x.t_bar, F, layer.update0_back, none<T>(), x.in_bar, 2 * F);
    for (int i = 0; i < n; i++) {
      const T *__restrict p = x.pq + 6L * i * F, *__restrict y = x.y + 3L * i * F,
                          *__restrict norm = x.norm + i * x.norm_stride,
                          *__restrict norm_bar = x.in_bar + (2L * i + 1) * F,
                          *__restrict s_bar = x.s_bar + i * x.s_stride,
                          *__restrict v_bar = x.v_bar + i * x.v_stride;
      T *__restrict out = x.pq_bar + 6L * i * F;
#pragma omp simd
      for (int f = 0; f < F; f++) {
        mix_bars(y + f, norm[f], norm_bar[f], s_bar[f], v_bar + f, F, p + f, p + F + f, 2 * F,
                 out + f, out + F + f);
      }
    }
  }

}    // namespace

}    // namespace mlff
