// Forward pass of PaiNN's layers in plain loops, for the kernels that are compiled once per
// instruction set: everything here is local to the file that includes it. Equations: Schütt, Unke,
// Gastegger (ICML 2021).
#pragma once

#include "kernels/products.h"
#include "kernels/radial.h"

#include <cstring>

namespace mlff {

namespace {

  /// Distances, directions and radial functions of an edge, in double.
  template <typename T>
  void edge_geometry(const PainnWeights<T> &w, const PainnWork<T> &work, int e)
  {
    const double *r = work.r + 3 * long(e);
    const double d = std::sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]);
    EdgeGeometry<T> &g = work.geometry[e];
    work.d[e] = d;
    for (int a = 0; a < 3; a++) g.u[a] = T(r[a] / d);
    const bool inside = d < w.cutoff;
    if (w.knots) {
      const double spacing = w.cutoff / w.knots;
      const double place = inside ? d / spacing : 0.0;
      g.knot = place < w.knots ? int(place)
                               : w.knots - 1;    // d / spacing may round up to the last knot
      const double x = place - g.knot, x2 = x * x, x3 = x2 * x;
      const double on = inside ? 1.0 : 0.0;
      g.basis[0] = T(on * (2 * x3 - 3 * x2 + 1));
      g.basis[1] = T(on * (x3 - 2 * x2 + x));
      g.basis[2] = T(on * (3 * x2 - 2 * x3));
      g.basis[3] = T(on * (x3 - x2));
      g.slope[0] = T(on * (6 * x2 - 6 * x) / spacing);
      g.slope[1] = T(on * (3 * x2 - 4 * x + 1) / spacing);
      g.slope[2] = T(on * (6 * x - 6 * x2) / spacing);
      g.slope[3] = T(on * (3 * x2 - 2 * x) / spacing);
      return;
    }
    const Radial fc = cutoff_function(d, w.cutoff);
    g.inside = T(fc.value);
    g.inside_slope = T(fc.slope);
    T *phi = work.phi + long(e) * w.K,
      *phi_slope = work.phi_slope ? work.phi_slope + long(e) * w.K : nullptr;
    radial_functions(w.K, d, w.cutoff / (w.K - 1), [=](int k, double value, double slope) {
      phi[k] = T(value * fc.value);
      if (phi_slope) phi_slope[k] = T(value * fc.slope + slope * fc.value);
    });
  }

  /// Exact filter of an edge: W [3F] and, where asked for, its slope.
  template <typename T>
  void exact_filter(const PainnWeights<T> &w, const PainnLayer<T> &layer, const PainnWork<T> &work,
                    int e, T *__restrict W, T *__restrict slope)
  {
    const EdgeGeometry<T> &g = work.geometry[e];
    const int n = 3 * w.F;
    const T *__restrict bias = layer.filter_bias;
#pragma omp simd
    for (int f = 0; f < n; f++) W[f] = bias[f] * g.inside;
    if (slope) {
#pragma omp simd
      for (int f = 0; f < n; f++) slope[f] = bias[f] * g.inside_slope;
    }
    for (int k = 0; k < w.K; k++) {
      const T *__restrict A = layer.filter + long(k) * n;
      const T phi = work.phi[long(e) * w.K + k];
#pragma omp simd
      for (int f = 0; f < n; f++) W[f] += phi * A[f];
      if (slope) {
        const T phi_slope = work.phi_slope[long(e) * w.K + k];
#pragma omp simd
        for (int f = 0; f < n; f++) slope[f] += phi_slope * A[f];
      }
    }
  }

  /// W of an edge: pointers to the three blocks a, c, b; evaluated into buffer.
  template <typename T>
  inline void filter(const PainnWeights<T> &w, const PainnLayer<T> &layer, const PainnWork<T> &work,
                     int e, int blocks, T *__restrict W, T *__restrict slope)
  {
    if (!layer.spline) {
      exact_filter(w, layer, work, e, W, slope);
      return;
    }
    const EdgeGeometry<T> &g = work.geometry[e];
    const int n = 3 * w.F, used = blocks * w.F;
    const T *__restrict v0 = layer.spline + long(g.knot) * 2 * n;
    const T *__restrict s0 = v0 + n, *__restrict v1 = s0 + n, *__restrict s1 = v1 + n;
    const T b0 = g.basis[0], b1 = g.basis[1], b2 = g.basis[2], b3 = g.basis[3];
    if (!slope) {
#pragma omp simd
      for (int f = 0; f < used; f++) W[f] = b0 * v0[f] + b1 * s0[f] + b2 * v1[f] + b3 * s1[f];
      return;
    }
    const T c0 = g.slope[0], c1 = g.slope[1], c2 = g.slope[2], c3 = g.slope[3];
#pragma omp simd
    for (int f = 0; f < used; f++) {
      W[f] = b0 * v0[f] + b1 * s0[f] + b2 * v1[f] + b3 * s1[f];
      slope[f] = c0 * v0[f] + c1 * s0[f] + c2 * v1[f] + c3 * s1[f];
    }
  }

  /// h = B2 silu(B1 s + b1) + b2 of a block of atoms: what they send.
  template <typename T>
  void source_forward(const PainnWeights<T> &w, const PainnWork<T> &work, int l, int begin, int n,
                      T *scratch)
  {
    const int F = w.F;
    const PainnLayer<T> &layer = w.layers[l];
    const long at = long(l) * work.n_atoms + begin;
    multiply(n, work.s + long(begin) * F, F, layer.message0, layer.message0_bias, work.m0 + at * F,
             F);
    silu(long(n) * F, work.m0 + at * F, scratch);
    multiply(n, scratch, F, layer.message1, layer.message1_bias, work.h + at * 3 * F, 3 * F);
  }

  /// Message to one centre: s += sum a, v_out = v_in + sum (u c + v_j b); without `vectors` v_in is
  /// zero.
  template <typename T>
  void message_forward(const PainnWeights<T> &w, const PainnWork<T> &work, int l, int i,
                       bool vectors, T *__restrict W)
  {
    const int F = w.F;
    const long layer_v = long(work.n_atoms) * 3 * F;
    const T *v_in = work.v + l * layer_v;
    T *__restrict out = work.v + (l + 1) * layer_v + 3L * i * F;
    T *__restrict s = work.s + long(i) * F;
    const T *h_all = work.h + l * layer_v;
    if (!vectors)
      std::memset(out, 0, sizeof(T) * 3 * F);
    else
      std::memcpy(out, v_in + 3L * i * F, sizeof(T) * 3 * F);
    for (int e = work.first_edge[i]; e < work.first_edge[i + 1]; e++) {
      const long j = work.neighbor[e];
      const T *__restrict h = h_all + 3 * j * F;
      const T *__restrict vj = v_in + 3 * j * F;
      const T ux = work.geometry[e].u[0], uy = work.geometry[e].u[1], uz = work.geometry[e].u[2];
      filter(w, w.layers[l], work, e, vectors ? 3 : 2, W, static_cast<T *>(nullptr));
      if (!vectors) {
#pragma omp simd
        for (int f = 0; f < F; f++) {
          const T c = W[F + f] * h[F + f];
          s[f] += W[f] * h[f];
          out[f] += ux * c;
          out[F + f] += uy * c;
          out[2 * F + f] += uz * c;
        }
      } else {
#pragma omp simd
        for (int f = 0; f < F; f++) {
          const T c = W[F + f] * h[F + f];
          const T b = W[2 * F + f] * h[2 * F + f];
          s[f] += W[f] * h[f];
          out[f] += ux * c + b * vj[f];
          out[F + f] += uy * c + b * vj[F + f];
          out[2 * F + f] += uz * c + b * vj[2 * F + f];
        }
      }
    }
  }

  /// Update of a block of centres: s += y_ss + y_sv p.q, v += y_vv q.
  template <typename T>
  void update_forward(const PainnWeights<T> &w, const PainnWork<T> &work, int l, int begin, int n,
                      T *scratch)
  {
    const int F = w.F;
    const T norm_floor = T(w.norm_floor);
    const PainnLayer<T> &layer = w.layers[l];
    const long at = long(l) * work.n_atoms + begin;
    T *v = work.v + (at + work.n_atoms) * 3 * F;
    T *pq = work.pq + at * 6 * F, *norm = work.norm + at * F, *t = work.t + at * F,
      *y = work.y + at * 3 * F, *s = work.s + long(begin) * F;
    multiply(3 * n, v, F, layer.mix, static_cast<const T *>(nullptr), pq, 2 * F);
    T *in = scratch, *hidden = scratch + 2L * atom_block * F;
    for (int i = 0; i < n; i++) {
      const T *__restrict p = pq + 6L * i * F;
      T *__restrict out = norm + long(i) * F;
#pragma omp simd
      for (int f = 0; f < F; f++) {
        const T x = p[f], y1 = p[2 * F + f], z = p[4 * F + f];
        out[f] = std::sqrt(x * x + y1 * y1 + z * z + norm_floor);
      }
      std::memcpy(in + 2L * i * F, s + long(i) * F, sizeof(T) * F);
      std::memcpy(in + (2L * i + 1) * F, out, sizeof(T) * F);
    }
    multiply(n, in, 2 * F, layer.update0, layer.update0_bias, t, F);
    silu(long(n) * F, t, hidden);
    multiply(n, hidden, F, layer.update1, layer.update1_bias, y, 3 * F);
    for (int i = 0; i < n; i++) {
      const T *__restrict p = pq + 6L * i * F, *__restrict yi = y + 3L * i * F;
      T *__restrict si = s + long(i) * F, *__restrict vi = v + 3L * i * F;
#pragma omp simd
      for (int f = 0; f < F; f++) {
        const T dot = p[f] * p[F + f] + p[2 * F + f] * p[3 * F + f] + p[4 * F + f] * p[5 * F + f];
        si[f] += yi[f] + yi[2 * F + f] * dot;
        vi[f] += yi[F + f] * p[F + f];
        vi[F + f] += yi[F + f] * p[3 * F + f];
        vi[2 * F + f] += yi[F + f] * p[5 * F + f];
      }
    }
  }

}    // namespace

}    // namespace mlff
