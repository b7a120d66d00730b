// Forward pass of PaiNN's layers in plain loops, for the kernels that are compiled once per
// instruction set: everything here is local to the file that includes it. Equations: Schütt, Unke,
// Gastegger (ICML 2021).
#pragma once

#include "kernels/radial.h"
#include "models/painn/host/painn_rows.h"

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
      const SplinePlace place =
          spline_place(inside ? d : 0.0, w.cutoff, w.knots, inside ? 1.0 : 0.0);
      g.knot = place.knot;
      for (int k = 0; k < 4; k++) {
        g.basis[k] = T(place.basis[k]);
        g.slope[k] = T(place.slope[k]);
      }
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

  /// Computes the source values that a block of atoms sends.
  template <typename T>
  void source_forward(const PainnWeights<T> &w, const PainnWork<T> &work, int l, int begin, int n,
                      T *scratch)
  {
    const int F = w.F;
    const long at = long(l) * work.n_atoms + begin;
    send(w.layers[l], F, n, work.s + long(begin) * F, work.m0 + at * F, scratch,
         work.h + at * 3 * F);
  }

  /// Messages to one centre; without VECTORS v is zero before. Never inlined: among all else its
  /// loops run short of registers, and take a tenth longer.
  template <bool VECTORS, typename T>
  [[gnu::noinline]] void message_forward(const PainnWeights<T> &w, const PainnWork<T> &work, int l,
                                         int i, T *__restrict W)
  {
    const int F = w.F;
    const long layer_v = long(work.n_atoms) * 3 * F;
    const T *v_in = work.v + l * layer_v, *h = work.h + l * layer_v;
    T *v = work.v + (l + 1) * layer_v + 3L * i * F, *s = work.s + long(i) * F;
    if constexpr (!VECTORS)
      std::memset(v, 0, sizeof(T) * 3 * F);
    else
      std::memcpy(v, v_in + 3L * i * F, sizeof(T) * 3 * F);
    for (int e = work.first_edge[i]; e < work.first_edge[i + 1]; e++) {
      const long j = work.neighbor[e];
      filter(w, w.layers[l], work, e, VECTORS ? 3 : 2, W, static_cast<T *>(nullptr));
      const T *u = work.geometry[e].u;
      receive<VECTORS>(F, u[0], u[1], u[2], W, h + 3 * j * F, v_in + 3 * j * F, s, v);
    }
  }

  /// Update of a block of centres.
  template <typename T>
  void update_forward(const PainnWeights<T> &w, const PainnWork<T> &work, int l, int begin, int n,
                      T *scratch)
  {
    const int F = w.F;
    const long at = long(l) * work.n_atoms + begin;
    const T norm_floor = T(w.norm_floor);
    const PainnLayer<T> &layer = w.layers[l];
    T *v = work.v + (at + work.n_atoms) * 3 * F, *s = work.s + long(begin) * F;
    T *pq = work.pq + at * 6 * F, *norm = work.norm + at * F, *all_y = work.y + at * 3 * F;
    T *in = scratch, *hidden = scratch + 2L * atom_block * F;
    multiply(3 * n, v, F, layer.mix, none<T>(), pq, 2 * F);
    for (int i = 0; i < n; i++) {
      const T *__restrict p = pq + 6L * i * F;
      T *__restrict out = norm + long(i) * F;
#pragma omp simd
      for (int f = 0; f < F; f++) out[f] = norm_of(p + f, 2 * F, norm_floor);
      std::memcpy(in + 2L * i * F, s + long(i) * F, sizeof(T) * F);
      std::memcpy(in + (2L * i + 1) * F, out, sizeof(T) * F);
    }
    update(layer, F, n, in, work.t + at * F, hidden, all_y);
    for (int i = 0; i < n; i++) {
      const T *__restrict p = pq + 6L * i * F, *__restrict y = all_y + 3L * i * F;
      T *__restrict si = s + long(i) * F, *__restrict vi = v + 3L * i * F;
#pragma omp simd
      for (int f = 0; f < F; f++) {
        const T *q = p + F + f;
        add_update(y + f, F, dot(p + f, q, 2 * F), q, 2 * F, si + f, vi + f, F);
      }
    }
  }

}    // namespace

}    // namespace mlff
