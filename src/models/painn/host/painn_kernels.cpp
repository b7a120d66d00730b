// Compiled once per instruction set with MLFF_KERNELS naming the table it defines. Equations:
// Schütt, Unke, Gastegger (ICML 2021); the backward is written out by hand, bar = dE/d(quantity),
// and tested against autograd and finite differences.
#include "models/painn/host/painn_kernels.h"

#include "models/painn/host/painn_layers.h"

#include <omp.h>

#ifndef MLFF_KERNELS
#define MLFF_KERNELS painn_kernels_generic
#endif

namespace mlff {

namespace {    // the same names exist in every instruction set's copy of this file

  /// Backward of all messages that one atom sends: d_bar and u_bar of its incoming edges, h_bar,
  /// and v_bar into `next`.
  template <typename T>
  void message_backward(const PainnWeights<T> &w, const PainnWork<T> &work, int l, long j,
                        T *__restrict h_bar, T *__restrict next, T *__restrict W,
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
          d_bar +=
              slope[f] * h[f] * s_bar[f] + slope[F + f] * h[F + f] * (ux * vx + uy * vy + uz * vz);
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
          d_bar += slope[f] * h[f] * a_bar + slope[F + f] * h[F + f] * c_bar +
              slope[2 * F + f] * h[2 * F + f] * b_bar;
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

  /// Backward of the update of a block of centres, in place on `bar`.
  template <typename T>
  void update_backward(const PainnWeights<T> &w, const PainnWork<T> &work, int l, int begin, int n,
                       T *scratch)
  {
    const int F = w.F;
    const PainnLayer<T> &layer = w.layers[l];
    const long at = long(l) * work.n_atoms + begin;
    const T *pq = work.pq + at * 6 * F, *norm = work.norm + at * F, *t = work.t + at * F,
            *y = work.y + at * 3 * F;
    T *bar = work.bar + 4L * begin * F;
    T *y_bar = scratch, *t_bar = y_bar + 3L * atom_block * F,
      *in_bar = t_bar + long(atom_block) * F, *pq_bar = in_bar + 2L * atom_block * F;
    for (int i = 0; i < n; i++) {
      const T *__restrict p = pq + 6L * i * F, *__restrict s_bar = bar + 4L * i * F,
                          *__restrict v_bar = s_bar + F;
      T *__restrict out = y_bar + 3L * i * F;
#pragma omp simd
      for (int f = 0; f < F; f++) {
        out[f] = s_bar[f];
        out[F + f] =
            v_bar[f] * p[F + f] + v_bar[F + f] * p[3 * F + f] + v_bar[2 * F + f] * p[5 * F + f];
        out[2 * F + f] = s_bar[f] *
            (p[f] * p[F + f] + p[2 * F + f] * p[3 * F + f] + p[4 * F + f] * p[5 * F + f]);
      }
    }
    multiply(n, y_bar, 3 * F, layer.update1_back, static_cast<const T *>(nullptr), t_bar, F);
    silu_backward(long(n) * F, t, t_bar);
    multiply(n, t_bar, F, layer.update0_back, static_cast<const T *>(nullptr), in_bar, 2 * F);
    for (int i = 0; i < n; i++) {
      const T *__restrict p = pq + 6L * i * F, *__restrict yi = y + 3L * i * F,
                          *__restrict ni = norm + long(i) * F, *__restrict in = in_bar + 2L * i * F;
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
      multiply(3, pq_bar + 6L * i * F, 2 * F, layer.mix_back, static_cast<const T *>(nullptr),
               s_bar + F, F, true);
      const T *__restrict in = in_bar + 2L * i * F;
#pragma omp simd
      for (int f = 0; f < F; f++) s_bar[f] += in[f];
    }
  }

  /// Backward through h = B2 silu(B1 s + b1) + b2 for a block of atoms, added to s_bar in `next`.
  template <typename T>
  void source_backward(const PainnWeights<T> &w, const PainnWork<T> &work, int l, int begin, int n,
                       const T *h_bar, T *hidden_bar)
  {
    const int F = w.F;
    const PainnLayer<T> &layer = w.layers[l];
    multiply(n, h_bar, 3 * F, layer.message1_back, static_cast<const T *>(nullptr), hidden_bar, F);
    silu_backward(long(n) * F, work.m0 + (long(l) * work.n_atoms + begin) * F, hidden_bar);
    multiply(n, hidden_bar, F, layer.message0_back, static_cast<const T *>(nullptr),
             work.bar_next + 4L * begin * F, 4 * F, true);
  }

  template <typename T>
  void readout(const PainnWeights<T> &w, const PainnWork<T> &work, int begin, int n)
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

  template <typename T>
  void evaluate(const PainnWeights<T> &w, const PainnWork<T> &shared, int threads)
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
      for (int i = 0; i < n_atoms; i++)
        std::memcpy(work.s + long(i) * F, w.embedding + long(work.species[i]) * F, sizeof(T) * F);

      for (int l = 0; l < w.L; l++) {
        if (l > 0 && work.exchange) {
#pragma omp master
          work.exchange_forward(work.exchange, work.s, work.v + long(l) * n_atoms * 3 * F);
#pragma omp barrier
        }
#pragma omp for schedule(static)
        for (int begin = 0; begin < n_atoms; begin += atom_block) {
          const int n = n_atoms - begin < atom_block ? n_atoms - begin : atom_block;
          source_forward(w, work, l, begin, n, scratch);
        }
#pragma omp for schedule(static)
        for (int begin = 0; begin < n_centres; begin += atom_block) {
          const int n = n_centres - begin < atom_block ? n_centres - begin : atom_block;
          for (int i = begin; i < begin + n; i++) message_forward(w, work, l, i, l > 0, W);
          update_forward(w, work, l, begin, n, scratch);
          if (l + 1 == w.L && !work.block) readout(w, work, begin, n);
        }
      }
      if (work.block) {
        work.block_forward(work.block, work.s, work.v + long(w.L) * n_atoms * 3 * F);
#pragma omp for schedule(static)
        for (int begin = 0; begin < n_centres; begin += atom_block)
          readout(w, work, begin, n_centres - begin < atom_block ? n_centres - begin : atom_block);
        work.block_backward(work.block, work.bar);
      }

#pragma omp for schedule(static)
      for (int e = 0; e < 4 * work.n_edges; e++) work.edge_bar[e] = 0.0;
      for (int l = w.L - 1; l >= 0; l--) {
#pragma omp for schedule(static)
        for (int begin = 0; begin < n_centres; begin += atom_block)
          update_backward(w, work, l, begin,
                          n_centres - begin < atom_block ? n_centres - begin : atom_block, scratch);
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
          for (int j = begin; j < begin + n; j++)
            message_backward(w, work, l, j, h_bar + 3L * (j - begin) * F,
                             work.bar_next + 4L * j * F, W, slope);
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
        for (int a = 0; a < 3; a++)
          work.gradient[3L * e + a] = bar[0] * u[a] + (bar[1 + a] - along * u[a]) / d;
      }
    }
  }

}    // namespace

extern const PainnKernels MLFF_KERNELS;
const PainnKernels MLFF_KERNELS = {evaluate<float>, evaluate<double>};

}    // namespace mlff
