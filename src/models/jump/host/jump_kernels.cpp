// Compiled once per instruction set with MLFF_KERNELS naming the table it defines. Equations:
// jump.h; bar = dL/d(quantity), tested against autograd.
#include "models/jump/host/jump_kernels.h"

#include "models/painn/gradient/painn_gradient_layers.h"
#include "models/painn/host/painn_layers.h"

#include <omp.h>

#ifndef MLFF_KERNELS
#define MLFF_KERNELS jump_kernels_generic
#endif

namespace mlff {

namespace {    // local: every instruction set compiles a copy of this file, with the same names

  /// s and v before the first layer.
  template <typename T>
  void start(const T *embedding, const T *vectors, int F, int row, const double *input,
             T *__restrict s, T *__restrict v)
  {
    const T *__restrict w0 = vectors + 2L * row * F, *__restrict w1 = w0 + F;
    std::memcpy(s, embedding + long(row) * F, sizeof(T) * F);
    for (int a = 0; a < 3; a++) {
      const T p = T(input[a]), g = T(input[3 + a]);
      T *__restrict out = v + long(a) * F;
#pragma omp simd
      for (int f = 0; f < F; f++) out[f] = p * w0[f] + g * w1[f];
    }
  }

  /// u_c = sum over f of G_cf v_f for one atom.
  template <typename T>
  void contract(int F, int predictions, const T *__restrict gate, const T *__restrict v,
                double *out)
  {
    for (int c = 0; c < predictions; c++)
      for (int a = 0; a < 3; a++) {
        T sum = 0;
#pragma omp simd reduction(+ : sum)
        for (int f = 0; f < F; f++) sum += gate[c * F + f] * v[a * F + f];
        out[3 * c + a] = double(sum);
      }
  }

  template <typename T>
  void jump(const JumpWeights<T> &weights, const JumpWork<T> &shared, int threads)
  {
    const PainnWeights<T> &w = weights.painn;
    const PainnWork<T> &work = shared.painn;
    const int F = w.F, n_atoms = work.n_atoms;
#pragma omp parallel num_threads(threads)
    {
      T *scratch = work.scratch + omp_get_thread_num() * scratch_per_thread(w);
      T *W = scratch + long(atom_block) * (14L * F + 2L * w.H);
#pragma omp for schedule(static)
      for (int e = 0; e < work.n_edges; e++) edge_geometry(w, work, e);
#pragma omp for schedule(static)
      for (int i = 0; i < n_atoms; i++)
        start(w.embedding, weights.vectors, F, work.species[i], shared.input + 6L * i,
              work.s + long(i) * F, work.v + 3L * i * F);
      for (int l = 0; l < w.L; l++) {
#pragma omp for schedule(static)
        for (int begin = 0; begin < n_atoms; begin += atom_block)
          source_forward(w, work, l, begin,
                         n_atoms - begin < atom_block ? n_atoms - begin : atom_block, scratch);
#pragma omp for schedule(static)
        for (int begin = 0; begin < n_atoms; begin += atom_block) {
          const int n = n_atoms - begin < atom_block ? n_atoms - begin : atom_block;
          for (int i = begin; i < begin + n; i++) message_forward<true>(w, work, l, i, W);
          update_forward(w, work, l, begin, n, scratch);
          if (l + 1 < w.L) continue;
          T *hidden = scratch, *gate = hidden + long(atom_block) * F;
          multiply(n, work.s + long(begin) * F, F, weights.readout0, weights.readout0_bias, gate,
                   F);
          silu(long(n) * F, gate, hidden);
          multiply(n, hidden, F, weights.readout1, weights.readout1_bias, gate, 2 * F);
          for (int i = 0; i < n; i++)
            contract(F, 2, gate + 2L * i * F, work.v + (long(w.L) * n_atoms + begin + i) * 3 * F,
                     shared.output + 6L * (begin + i));
        }
      }
    }
  }

  template <typename T>
  void forward(const JumpGradientWeights<T> &weights, const JumpGradientWork<T> &work)
  {
    const GradientWeights<T> &w = weights.layers;
    const JumpWeights<T> &ends = weights.ends;
    const GradientWork<T> &k = work.painn;
    const int F = w.model.F, C = work.predictions, n = k.n_atoms;
    edges_forward<false>(w, k);
    for (int i = 0; i < n; i++)
      start(w.model.embedding, ends.vectors, F, k.species[i], work.input + 6L * i,
            k.value[0].s + long(i) * F, k.value[0].v + 3L * i * F);
    for (int l = 0; l < w.model.L; l++) layer_forward(w, k, l);
    multiply(n, k.s_end, F, ends.readout0, ends.readout0_bias, work.z, F);
    silu(long(n) * F, work.z, work.silu_z);
    multiply(n, work.silu_z, F, ends.readout1, ends.readout1_bias, work.gate, C * F);
    for (int i = 0; i < n; i++)
      contract(F, C, work.gate + long(C) * i * F, k.v_end + 3L * i * F, work.output + 3L * C * i);
  }

  template <typename T>
  void backward(const JumpGradientWeights<T> &weights, const JumpGradientWork<T> &work,
                const JumpSums<T> &sums)
  {
    const GradientWeights<T> &w = weights.layers;
    const JumpWeights<T> &ends = weights.ends;
    const GradientWork<T> &k = work.painn;
    const int F = w.model.F, L = w.model.L, K = w.model.K, C = work.predictions, n = k.n_atoms;
    const GradientLayerValues<T> &last = k.value[L - 1];
    for (int i = 0; i < n; i++) {
      const T *__restrict v = k.v_end + 3L * i * F;
      T *__restrict v_bar = last.v_bar + 3L * i * F;
      std::memset(v_bar, 0, sizeof(T) * 3 * F);
      for (int c = 0; c < C; c++) {
        const T *__restrict gate = work.gate + (long(C) * i + c) * F;
        T *__restrict gate_bar = work.gate_bar + (long(C) * i + c) * F;
        const double *given = work.output_bar + 3 * (long(C) * i + c);
        const T bar[3] = {T(given[0]), T(given[1]), T(given[2])};
#pragma omp simd
        for (int f = 0; f < F; f++) {
          gate_bar[f] = bar[0] * v[f] + bar[1] * v[F + f] + bar[2] * v[2 * F + f];
          v_bar[f] += bar[0] * gate[f];
          v_bar[F + f] += bar[1] * gate[f];
          v_bar[2 * F + f] += bar[2] * gate[f];
        }
      }
    }
    accumulate(n, work.silu_z, F, F, work.gate_bar, C * F, C * F, sums.readout1);
    accumulate_rows(n, work.gate_bar, C * F, sums.readout1_bias);
    multiply(n, work.gate_bar, C * F, ends.readout1_back, none<T>(), work.z_bar, F);
    times_silu_slope(long(n) * F, work.z, work.z_bar, work.z_bar);
    accumulate(n, k.s_end, F, F, work.z_bar, F, F, sums.readout0);
    accumulate_rows(n, work.z_bar, F, sums.readout0_bias);
    multiply(n, work.z_bar, F, ends.readout0_back, none<T>(), last.s_bar, F);

    for (int l = L - 1; l >= 0; l--) {
      const GradientLayerValues<T> &x = k.value[l];
      const GradientLayerSums<T> &sum = sums.layers[l];
      layer_backward<false>(w, k, l);
      accumulate(n, x.gt, F, F, x.y_bar, 3 * F, 3 * F, sum.update1);
      accumulate_rows(n, x.y_bar, 3 * F, sum.update1_bias);
      accumulate(n, x.in, 2 * F, 2 * F, x.t_bar, F, F, sum.update0);
      accumulate_rows(n, x.t_bar, F, sum.update0_bias);
      accumulate(3 * n, x.v_mid, F, F, x.pq_bar, 2 * F, 2 * F, sum.mix);
      accumulate(n, x.g0, F, F, x.h_bar, 3 * F, 3 * F, sum.message1);
      accumulate_rows(n, x.h_bar, 3 * F, sum.message1_bias);
      accumulate(n, x.s, F, F, x.m0_bar, F, F, sum.message0);
      accumulate_rows(n, x.m0_bar, F, sum.message0_bias);
    }
    const int width = w.filter.columns;
    accumulate(k.n_edges, k.phi, K + 1, K + 1, k.W_bar, width, width, sums.filter);
    for (int i = 0; i < n; i++) {
      const long row = k.species[i];
      const T *__restrict s_bar = k.s_start_bar + long(i) * F,
                          *__restrict v_bar = k.v_start_bar + 3L * i * F;
      T *__restrict embedding = sums.embedding + row * F,
                    *__restrict w0 = sums.vectors + 2 * row * F, *__restrict w1 = w0 + F;
      T in[6];
      for (int c = 0; c < 6; c++) in[c] = T(work.input[6L * i + c]);
#pragma omp simd
      for (int f = 0; f < F; f++) {
        embedding[f] += s_bar[f];
        w0[f] += in[0] * v_bar[f] + in[1] * v_bar[F + f] + in[2] * v_bar[2 * F + f];
        w1[f] += in[3] * v_bar[f] + in[4] * v_bar[F + f] + in[5] * v_bar[2 * F + f];
      }
    }
  }

}    // namespace

extern const JumpKernels MLFF_KERNELS;
const JumpKernels MLFF_KERNELS = {{jump<float>, {forward<float>, backward<float>}},
                                  {jump<double>, {forward<double>, backward<double>}}};

}    // namespace mlff
