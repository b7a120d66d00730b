// Compiled once per instruction set with MLFF_KERNELS naming the table it defines. Equations: Schütt, Unke, Gastegger (ICML 2021);
// the backward is written out by hand, bar = dE/d(quantity), and tested against autograd and finite differences.
#include "painn_kernels.h"

#include "painn_products.h"
#include "radial.h"

#include <cstring>

#include <omp.h>

#ifndef MLFF_KERNELS
#define MLFF_KERNELS painn_kernels_generic
#endif

namespace mlff {

namespace {    // the same names exist in every instruction set's copy of this file

#define MLFF_STRING_(x) #x
#define MLFF_STRING(x) MLFF_STRING_(x)

  /// Distances, directions and radial functions of an edge, in double.
  template <typename T> void edge_geometry(const PainnWeights<T> &w, const PainnWork<T> &work, int e)
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
      g.knot = place < w.knots ? int(place) : w.knots - 1;    // d / spacing may round up to the last knot
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
    for (int k = 0; k < w.K; k++) {
      const Radial phi = radial_function(k, d, w.cutoff / (w.K - 1));
      work.phi[long(e) * w.K + k] = T(phi.value * fc.value);
      work.phi_slope[long(e) * w.K + k] = T(phi.value * fc.slope + phi.slope * fc.value);
    }
  }

  /// Exact filter of an edge: W [3F] and, where asked for, its slope.
  template <typename T>
  void exact_filter(const PainnWeights<T> &w, const PainnLayer<T> &layer, const PainnWork<T> &work, int e, T *__restrict W, T *__restrict slope)
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
      const T phi = work.phi[long(e) * w.K + k], phi_slope = work.phi_slope[long(e) * w.K + k];
#pragma omp simd
      for (int f = 0; f < n; f++) W[f] += phi * A[f];
      if (slope) {
#pragma omp simd
        for (int f = 0; f < n; f++) slope[f] += phi_slope * A[f];
      }
    }
  }

  /// W of an edge: pointers to the three blocks a, c, b; evaluated into buffer.
  template <typename T>
  inline void filter(const PainnWeights<T> &w, const PainnLayer<T> &layer, const PainnWork<T> &work, int e, int blocks, T *__restrict W, T *__restrict slope)
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

  /// Message to one centre: s += sum a, v_out = v_in + sum (u c + v_j b).
  template <typename T> void message_forward(const PainnWeights<T> &w, const PainnWork<T> &work, int l, int i, T *__restrict W)
  {
    const int F = w.F;
    const long layer_v = long(work.n_atoms) * 3 * F;
    const T *v_in = work.v + l * layer_v;
    T *__restrict out = work.v + (l + 1) * layer_v + 3L * i * F;
    T *__restrict s = work.s + long(i) * F;
    const T *h_all = work.h + l * layer_v;
    if (l == 0)
      std::memset(out, 0, sizeof(T) * 3 * F);
    else
      std::memcpy(out, v_in + 3L * i * F, sizeof(T) * 3 * F);
    for (int e = work.first_edge[i]; e < work.first_edge[i + 1]; e++) {
      const long j = work.neighbor[e];
      const T *__restrict h = h_all + 3 * j * F;
      const T *__restrict vj = v_in + 3 * j * F;
      const T ux = work.geometry[e].u[0], uy = work.geometry[e].u[1], uz = work.geometry[e].u[2];
      filter(w, w.layers[l], work, e, l ? 3 : 2, W, static_cast<T *>(nullptr));
      if (l == 0) {
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

  /// Backward of all messages that one atom sends: d_bar and u_bar of its incoming edges, h_bar, and v_bar into `next`.
  template <typename T>
  void message_backward(const PainnWeights<T> &w, const PainnWork<T> &work, int l, long j, T *__restrict h_bar, T *__restrict next, T *__restrict W,
                        T *__restrict slope)
  {
    const int F = w.F;
    const long layer_v = long(work.n_atoms) * 3 * F;
    const T *__restrict h = work.h + l * layer_v + 3 * j * F;
    const T *__restrict vj = work.v + l * layer_v + 3 * j * F;
    for (int k = work.first_incoming[j]; k < work.first_incoming[j + 1]; k++) {
      const int e = work.incoming[k];
      const T *__restrict s_bar = work.bar + 4L * work.centre[e] * F;
      const T *__restrict v_bar = s_bar + F;
      const T ux = work.geometry[e].u[0], uy = work.geometry[e].u[1], uz = work.geometry[e].u[2];
      filter(w, w.layers[l], work, e, l ? 3 : 2, W, slope);
      T d_bar = 0, x_bar = 0, y_bar = 0, z_bar = 0;
      if (l == 0) {
        // v is zero here, and nothing before this layer depends on a position
#pragma omp simd reduction(+ : d_bar, x_bar, y_bar, z_bar)
        for (int f = 0; f < F; f++) {
          const T vx = v_bar[f], vy = v_bar[F + f], vz = v_bar[2 * F + f];
          d_bar += slope[f] * h[f] * s_bar[f] + slope[F + f] * h[F + f] * (ux * vx + uy * vy + uz * vz);
          const T c = W[F + f] * h[F + f];
          x_bar += c * vx;
          y_bar += c * vy;
          z_bar += c * vz;
        }
      } else {
#pragma omp simd reduction(+ : d_bar, x_bar, y_bar, z_bar)
        for (int f = 0; f < F; f++) {
          const T vx = v_bar[f], vy = v_bar[F + f], vz = v_bar[2 * F + f];
          const T a_bar = s_bar[f];
          const T c_bar = ux * vx + uy * vy + uz * vz;
          const T b_bar = vj[f] * vx + vj[F + f] * vy + vj[2 * F + f] * vz;
          d_bar += slope[f] * h[f] * a_bar + slope[F + f] * h[F + f] * c_bar + slope[2 * F + f] * h[2 * F + f] * b_bar;
          h_bar[f] += W[f] * a_bar;
          h_bar[F + f] += W[F + f] * c_bar;
          h_bar[2 * F + f] += W[2 * F + f] * b_bar;
          const T c = W[F + f] * h[F + f];
          x_bar += c * vx;
          y_bar += c * vy;
          z_bar += c * vz;
          const T b = W[2 * F + f] * h[2 * F + f];
          next[F + f] += b * vx;
          next[2 * F + f] += b * vy;
          next[3 * F + f] += b * vz;
        }
      }
      double *bar = work.edge_bar + 4L * e;
      bar[0] += d_bar;
      bar[1] += x_bar;
      bar[2] += y_bar;
      bar[3] += z_bar;
    }
  }

  /// Update of a block of centres: s += y_ss + y_sv p.q, v += y_vv q.
  template <typename T> void update_forward(const PainnWeights<T> &w, const PainnWork<T> &work, int l, int begin, int n, T *scratch)
  {
    const int F = w.F;
    const PainnLayer<T> &layer = w.layers[l];
    const long at = long(l) * work.n_atoms + begin;
    T *v = work.v + (at + work.n_atoms) * 3 * F;
    T *pq = work.pq + at * 6 * F, *norm = work.norm + at * F, *t = work.t + at * F, *y = work.y + at * 3 * F, *s = work.s + long(begin) * F;
    multiply(3 * n, v, F, layer.mix, static_cast<const T *>(nullptr), pq, 2 * F);
    T *in = scratch, *hidden = scratch + 2L * atom_block * F;
    for (int i = 0; i < n; i++) {
      const T *__restrict p = pq + 6L * i * F;
      T *__restrict out = norm + long(i) * F;
#pragma omp simd
      for (int f = 0; f < F; f++) {
        const T x = p[f], y1 = p[2 * F + f], z = p[4 * F + f];
        out[f] = std::sqrt(x * x + y1 * y1 + z * z + T(1e-8));
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

  /// Backward of the update of a block of centres, in place on `bar`.
  template <typename T> void update_backward(const PainnWeights<T> &w, const PainnWork<T> &work, int l, int begin, int n, T *scratch)
  {
    const int F = w.F;
    const PainnLayer<T> &layer = w.layers[l];
    const long at = long(l) * work.n_atoms + begin;
    const T *pq = work.pq + at * 6 * F, *norm = work.norm + at * F, *t = work.t + at * F, *y = work.y + at * 3 * F;
    T *bar = work.bar + 4L * begin * F;
    T *y_bar = scratch, *t_bar = y_bar + 3L * atom_block * F, *in_bar = t_bar + long(atom_block) * F, *pq_bar = in_bar + 2L * atom_block * F;
    for (int i = 0; i < n; i++) {
      const T *__restrict p = pq + 6L * i * F, *__restrict s_bar = bar + 4L * i * F, *__restrict v_bar = s_bar + F;
      T *__restrict out = y_bar + 3L * i * F;
#pragma omp simd
      for (int f = 0; f < F; f++) {
        out[f] = s_bar[f];
        out[F + f] = v_bar[f] * p[F + f] + v_bar[F + f] * p[3 * F + f] + v_bar[2 * F + f] * p[5 * F + f];
        out[2 * F + f] = s_bar[f] * (p[f] * p[F + f] + p[2 * F + f] * p[3 * F + f] + p[4 * F + f] * p[5 * F + f]);
      }
    }
    multiply(n, y_bar, 3 * F, layer.update1_back, static_cast<const T *>(nullptr), t_bar, F);
    silu_backward(long(n) * F, t, t_bar);
    multiply(n, t_bar, F, layer.update0_back, static_cast<const T *>(nullptr), in_bar, 2 * F);
    for (int i = 0; i < n; i++) {
      const T *__restrict p = pq + 6L * i * F, *__restrict yi = y + 3L * i * F, *__restrict ni = norm + long(i) * F, *__restrict in = in_bar + 2L * i * F;
      T *__restrict s_bar = bar + 4L * i * F;
      const T *__restrict v_bar = s_bar + F;
      T *__restrict out = pq_bar + 6L * i * F;
#pragma omp simd
      for (int f = 0; f < F; f++) {
        const T dot_bar = s_bar[f] * yi[2 * F + f], stretch = in[F + f] / ni[f], y_vv = yi[F + f];
        out[f] = dot_bar * p[F + f] + stretch * p[f];
        out[2 * F + f] = dot_bar * p[3 * F + f] + stretch * p[2 * F + f];
        out[4 * F + f] = dot_bar * p[5 * F + f] + stretch * p[4 * F + f];
        out[F + f] = dot_bar * p[f] + v_bar[f] * y_vv;
        out[3 * F + f] = dot_bar * p[2 * F + f] + v_bar[F + f] * y_vv;
        out[5 * F + f] = dot_bar * p[4 * F + f] + v_bar[2 * F + f] * y_vv;
      }
    }
    // the rows of pq_bar of an atom are its three components, and so are those of v_bar
    for (int i = 0; i < n; i++) {
      T *__restrict s_bar = bar + 4L * i * F;
      multiply(3, pq_bar + 6L * i * F, 2 * F, layer.mix_back, static_cast<const T *>(nullptr), s_bar + F, F, true);
      const T *__restrict in = in_bar + 2L * i * F;
#pragma omp simd
      for (int f = 0; f < F; f++) s_bar[f] += in[f];
    }
  }

  /// Backward through h = B2 silu(B1 s + b1) + b2 for a block of atoms, added to s_bar in `next`.
  template <typename T> void source_backward(const PainnWeights<T> &w, const PainnWork<T> &work, int l, int begin, int n, const T *h_bar, T *hidden_bar)
  {
    const int F = w.F;
    const PainnLayer<T> &layer = w.layers[l];
    multiply(n, h_bar, 3 * F, layer.message1_back, static_cast<const T *>(nullptr), hidden_bar, F);
    silu_backward(long(n) * F, work.m0 + (long(l) * work.n_atoms + begin) * F, hidden_bar);
    multiply(n, hidden_bar, F, layer.message0_back, static_cast<const T *>(nullptr), work.bar_next + 4L * begin * F, 4 * F, true);
  }

  template <typename T> void readout(const PainnWeights<T> &w, const PainnWork<T> &work, int begin, int n)
  {
    const int F = w.F, H = w.H;
    T *z = work.z + long(begin) * H;
    multiply(n, work.s + long(begin) * F, F, w.readout0, w.readout0_bias, z, H);
    for (int i = 0; i < n; i++) {
      double energy = w.readout1_bias;
      T *__restrict zi = z + long(i) * H;
      // the derivative takes the place of z: nothing needs z again
      for (int f = 0; f < H; f++) {
        const T g = sigmoid(zi[f]);
        energy += double(w.readout1[f]) * double(zi[f] * g);
        zi[f] = T(w.scale) * w.readout1[f] * g * (T(1) + zi[f] * (T(1) - g));
      }
      work.atom_energy[begin + i] = w.scale * energy + w.reference_energy[work.species[begin + i]];
    }
    T *bar = work.bar + 4L * begin * F;
    multiply(n, z, H, w.readout0_back, static_cast<const T *>(nullptr), bar, 4 * F);
    for (int i = 0; i < n; i++) std::memset(bar + (4L * i + 1) * F, 0, sizeof(T) * 3 * F);
  }

  template <typename T> void evaluate(const PainnWeights<T> &w, const PainnWork<T> &shared, int threads)
  {
    const int F = w.F;
    const int n_atoms = shared.n_atoms, n_centres = shared.n_centres;
#pragma omp parallel num_threads(threads)
    {
      PainnWork<T> work = shared;    // bar and bar_next change places in step on all threads
      T *scratch = work.scratch + omp_get_thread_num() * scratch_per_thread(w);
      T *W = scratch + long(atom_block) * (14L * F + 2L * w.H), *slope = W + 3 * F;

#pragma omp for schedule(static)
      for (int e = 0; e < work.n_edges; e++) edge_geometry(w, work, e);
#pragma omp for schedule(static)
      for (int i = 0; i < n_atoms; i++) std::memcpy(work.s + long(i) * F, w.embedding + long(work.species[i]) * F, sizeof(T) * F);

      for (int l = 0; l < w.L; l++) {
        if (l > 0 && work.exchange) {
#pragma omp master
          work.exchange_forward(work.exchange, work.s, work.v + long(l) * n_atoms * 3 * F);
#pragma omp barrier
        }
        const PainnLayer<T> &layer = w.layers[l];
#pragma omp for schedule(static)
        for (int begin = 0; begin < n_atoms; begin += atom_block) {
          const int n = n_atoms - begin < atom_block ? n_atoms - begin : atom_block;
          const long at = long(l) * n_atoms + begin;
          multiply(n, work.s + long(begin) * F, F, layer.message0, layer.message0_bias, work.m0 + at * F, F);
          silu(long(n) * F, work.m0 + at * F, scratch);
          multiply(n, scratch, F, layer.message1, layer.message1_bias, work.h + at * 3 * F, 3 * F);
        }
#pragma omp for schedule(static)
        for (int begin = 0; begin < n_centres; begin += atom_block) {
          const int n = n_centres - begin < atom_block ? n_centres - begin : atom_block;
          for (int i = begin; i < begin + n; i++) message_forward(w, work, l, i, W);
          update_forward(w, work, l, begin, n, scratch);
          if (l + 1 == w.L) readout(w, work, begin, n);
        }
      }

#pragma omp for schedule(static)
      for (int e = 0; e < 4 * work.n_edges; e++) work.edge_bar[e] = 0.0;
      for (int l = w.L - 1; l >= 0; l--) {
#pragma omp for schedule(static)
        for (int begin = 0; begin < n_centres; begin += atom_block)
          update_backward(w, work, l, begin, n_centres - begin < atom_block ? n_centres - begin : atom_block, scratch);
#pragma omp for schedule(static)
        for (int begin = 0; begin < n_atoms; begin += atom_block) {
          const int n = n_atoms - begin < atom_block ? n_atoms - begin : atom_block;
          T *h_bar = scratch, *hidden_bar = scratch + 3L * atom_block * F;
          if (l > 0) {
            std::memset(h_bar, 0, sizeof(T) * 3 * n * F);
            for (int j = begin; j < begin + n; j++) {
              T *next = work.bar_next + 4L * j * F;
              if (j < n_centres)
                std::memcpy(next, work.bar + 4L * j * F, sizeof(T) * 4 * F);
              else
                std::memset(next, 0, sizeof(T) * 4 * F);
            }
          }
          for (int j = begin; j < begin + n; j++) message_backward(w, work, l, j, h_bar + 3L * (j - begin) * F, work.bar_next + 4L * j * F, W, slope);
          if (l > 0) source_backward(w, work, l, begin, n, h_bar, hidden_bar);
        }
        if (l > 0 && work.exchange) {
#pragma omp master
          work.exchange_reverse(work.exchange, work.bar_next);
#pragma omp barrier
        }
        T *swap = work.bar;
        work.bar = work.bar_next;
        work.bar_next = swap;
      }

#pragma omp for schedule(static)
      for (int e = 0; e < work.n_edges; e++) {
        const double *r = work.r + 3L * e, *bar = work.edge_bar + 4L * e;
        const double d = work.d[e];
        const double u[3] = {r[0] / d, r[1] / d, r[2] / d};
        const double along = bar[1] * u[0] + bar[2] * u[1] + bar[3] * u[2];
        for (int a = 0; a < 3; a++) work.gradient[3L * e + a] = bar[0] * u[a] + (bar[1 + a] - along * u[a]) / d;
      }
    }
  }

}    // namespace

extern const PainnKernels MLFF_KERNELS;
const PainnKernels MLFF_KERNELS = {MLFF_STRING(MLFF_KERNELS), evaluate<float>, evaluate<double>};

}    // namespace mlff
