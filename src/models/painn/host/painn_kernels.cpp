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

namespace {    // local: every instruction set compiles a copy of this file, with the same names

  /// Backward of all messages that one atom sends: d_bar and u_bar of its incoming edges, h_bar,
  /// and v_bar into `next`. Never inlined, as message_forward.
  template <typename T>
  [[gnu::noinline]] void message_backward(const PainnWeights<T> &w, const PainnWork<T> &work, int l,
                                          long j, T *__restrict h_bar, T *__restrict next,
                                          T *__restrict W, T *__restrict slope)
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
        // v is zero here, and nothing before this layer depends on a position; with the functions
        // of painn_math.h the compiler would sum in another order
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
          const T c_bar = dot(ux, uy, uz, vx, vy, vz);
          const T b_bar = dot(vj + f, F, vx, vy, vz);
          const T c = W[F + f] * h[F + f], b = W[2 * F + f] * h[2 * F + f];
          d_bar += distance_bar<true>(slope + f, F, h + f, F, s_bar[f], c_bar, b_bar);
          x_bar += c * vx;
          y_bar += c * vy;
          z_bar += c * vz;
          add_feature_bars(W + f, F, s_bar[f], c_bar, b_bar, h_bar + f, F);
          add_vector(b, vx, vy, vz, next + F + f, F);
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
    const long at = long(l) * work.n_atoms + begin;
    T *bar = work.bar + 4L * begin * F;
    UpdateBars<T> x{};
    x.pq = work.pq + at * 6 * F;
    x.norm = work.norm + at * F;
    x.norm_stride = F;
    x.t = work.t + at * F;
    x.y = work.y + at * 3 * F;
    x.s_bar = bar;
    x.v_bar = bar + F;
    x.s_stride = x.v_stride = 4L * F;
    x.y_bar = scratch;
    x.t_bar = x.y_bar + 3L * atom_block * F;
    x.in_bar = x.t_bar + long(atom_block) * F;
    x.pq_bar = x.in_bar + 2L * atom_block * F;
    update_backward<false>(w.layers[l], F, n, x);
    // the rows of pq_bar of an atom are its three components, and so are those of v_bar
    for (int i = 0; i < n; i++) {
      T *__restrict s_bar = bar + 4L * i * F;
      multiply(3, x.pq_bar + 6L * i * F, 2 * F, w.layers[l].mix_back, none<T>(), s_bar + F, F,
               true);
      const T *__restrict in = x.in_bar + 2L * i * F;
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
    multiply(n, h_bar, 3 * F, layer.message1_back, none<T>(), hidden_bar, F);
    times_silu_slope(long(n) * F, work.m0 + (long(l) * work.n_atoms + begin) * F, hidden_bar);
    multiply(n, hidden_bar, F, layer.message0_back, none<T>(), work.bar_next + 4L * begin * F,
             4 * F, true);
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
    multiply(n, z, H, w.readout0_back, none<T>(), bar, 4 * F);
    for (int i = 0; i < n; i++) std::memset(bar + (4L * i + 1) * F, 0, sizeof(T) * 3 * F);
  }

  /// Atoms begin .. end-1 in blocks, shared among the threads: body(first atom, how many).
  template <typename Body> inline void for_each_block(int end, const Body &body)
  {
#pragma omp for schedule(static)
    for (int begin = 0; begin < end; begin += atom_block)
      body(begin, end - begin < atom_block ? end - begin : atom_block);
  }

  /// All layers and, where no block comes between, the readout.
  template <typename T>
  void layers_forward(const PainnWeights<T> &w, const PainnWork<T> &work, T *scratch, T *W)
  {
    const int F = w.F;
    for (int l = 0; l < w.L; l++) {
      if (l > 0 && work.exchange) {
#pragma omp master
        work.exchange_forward(work.exchange, work.s, work.v + long(l) * work.n_atoms * 3 * F);
#pragma omp barrier
      }
      for_each_block(work.n_atoms, [&](int begin, int n) {
        source_forward(w, work, l, begin, n, scratch);
      });
      for_each_block(work.n_centres, [&](int begin, int n) {
        for (int i = begin; i < begin + n; i++)
          if (l > 0)
            message_forward<true>(w, work, l, i, W);
          else
            message_forward<false>(w, work, l, i, W);
        update_forward(w, work, l, begin, n, scratch);
        if (l + 1 == w.L && !work.block) readout(w, work, begin, n);
      });
    }
  }

  /// Bars of what a block of atoms sent in layer l.
  template <typename T>
  void messages_backward(const PainnWeights<T> &w, const PainnWork<T> &work, int l, int begin,
                         int n, T *scratch, T *W, T *slope)
  {
    const int F = w.F;
    if (l == 0) {
      for (int j = begin; j < begin + n; j++)
        message_backward(w, work, l, j, static_cast<T *>(nullptr), static_cast<T *>(nullptr), W,
                         slope);
      return;
    }
    T *h_bar = scratch, *hidden_bar = scratch + 3L * atom_block * F;
    std::memset(h_bar, 0, sizeof(T) * 3 * n * F);
    for (int j = begin; j < begin + n; j++) {
      T *next = work.bar_next + 4L * j * F;
      if (j < work.n_centres)
        std::memcpy(next, work.bar + 4L * j * F, sizeof(T) * 4 * F);
      else
        std::memset(next, 0, sizeof(T) * 4 * F);
    }
    for (int j = begin; j < begin + n; j++)
      message_backward(w, work, l, j, h_bar + 3L * (j - begin) * F, work.bar_next + 4L * j * F, W,
                       slope);
    source_backward(w, work, l, begin, n, h_bar, hidden_bar);
  }

  /// Takes the bars of the features after the last layer to the bars of the edges. bar and bar_next
  /// of `work` change places in step on all threads.
  template <typename T>
  void layers_backward(const PainnWeights<T> &w, PainnWork<T> &work, T *scratch, T *W, T *slope)
  {
    for (int l = w.L - 1; l >= 0; l--) {
      for_each_block(work.n_centres, [&](int begin, int n) {
        update_backward(w, work, l, begin, n, scratch);
      });
      for_each_block(work.n_atoms, [&](int begin, int n) {
        messages_backward(w, work, l, begin, n, scratch, W, slope);
      });
      if (l > 0 && work.exchange) {
#pragma omp master
        work.exchange_reverse(work.exchange, work.bar_next);
#pragma omp barrier
      }
      T *swap = work.bar;
      work.bar = work.bar_next;
      work.bar_next = swap;
    }
  }

  template <typename T>
  void evaluate(const PainnWeights<T> &w, const PainnWork<T> &shared, int threads)
  {
    const int F = w.F;
#pragma omp parallel num_threads(threads)
    {
      PainnWork<T> work = shared;
      T *scratch = work.scratch + omp_get_thread_num() * scratch_per_thread(w);
      T *W = scratch + long(atom_block) * (14L * F + 2L * w.H), *slope = W + 3 * F;

#pragma omp for schedule(static)
      for (int e = 0; e < work.n_edges; e++) edge_geometry(w, work, e);
#pragma omp for schedule(static)
      for (int i = 0; i < work.n_atoms; i++)
        std::memcpy(work.s + long(i) * F, w.embedding + long(work.species[i]) * F, sizeof(T) * F);
      layers_forward(w, work, scratch, W);
      if (work.block) {
        work.block_forward(work.block, work.s, work.v + long(w.L) * work.n_atoms * 3 * F);
        for_each_block(work.n_centres, [&](int begin, int n) {
          readout(w, work, begin, n);
        });
        work.block_backward(work.block, work.bar);
      }
#pragma omp for schedule(static)
      for (int e = 0; e < 4 * work.n_edges; e++) work.edge_bar[e] = 0.0;
      layers_backward(w, work, scratch, W, slope);
#pragma omp for schedule(static)
      for (int e = 0; e < work.n_edges; e++)
        edge_gradient(work.r + 3L * e, work.d[e], work.edge_bar + 4L * e, work.gradient + 3L * e);
    }
  }

}    // namespace

extern const PainnKernels MLFF_KERNELS;
const PainnKernels MLFF_KERNELS = {{evaluate<float>}, {evaluate<double>}};

}    // namespace mlff
