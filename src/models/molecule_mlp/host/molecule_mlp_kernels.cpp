// Compiled once per instruction set with MLFF_KERNELS naming the table it defines. Equations:
// molecule_mlp.h; the backward is written out by hand, bar = dE/d(quantity), and tested against
// autograd.
#include "models/molecule_mlp/host/molecule_mlp_kernels.h"

#include "kernels/products.h"

#include <omp.h>

#ifndef MLFF_KERNELS
#define MLFF_KERNELS molecule_mlp_kernels_generic
#endif

namespace mlff {

namespace {

  /// One row: the columns of two panels at a time, so that additions need not wait for each other.
  /// The sum over the depth runs in the same order as with more rows.
  template <typename T>
  void multiply_row(const T *__restrict a, const Packed<T> &M, const T *bias, T *__restrict C)
  {
    using Vector = typename Simd<T>::Vector;
    constexpr int lanes = Simd<T>::lanes, most = 4;
    for (int column = 0; column < M.columns; column += most * lanes) {
      const int n = M.columns - column < most * lanes ? (M.columns - column) / lanes : most;
      const T *w[most];
      Vector sum[most];
      for (int k = 0; k < most; k++) {
        const int c = column + (k < n ? k : 0) * lanes;
        w[k] = M.values + long(c / panel_width) * panel_width * M.rows + c % panel_width;
        sum[k] = bias ? *reinterpret_cast<const Vector *>(bias + c) : Vector{};
      }
      for (int row = 0; row < M.rows; row++) {
        const T x = a[row];
        for (int k = 0; k < most; k++)
          sum[k] += x * *reinterpret_cast<const Vector *>(w[k] + long(row) * panel_width);
      }
      for (int k = 0; k < n; k++) *reinterpret_cast<Vector *>(C + column + k * lanes) = sum[k];
    }
  }

  template <typename T>
  void product(int rows, const T *A, int lda, const Packed<T> &M, const T *bias, T *C, int ldc)
  {
    if (rows == 1)
      multiply_row(A, M, bias, C);
    else
      multiply(rows, A, lda, M, bias, C, ldc);
  }

  /// h = silu(h), slope = silu' and, with CURVATURE, bend = silu''
  template <bool CURVATURE, typename T>
  void activate(long n, T *__restrict h, T *__restrict slope, T *__restrict bend)
  {
#pragma omp simd
    for (long i = 0; i < n; i++) {
      const T x = h[i], g = sigmoid(x);
      h[i] = x * g;
      slope[i] = silu_slope(x, g);
      if constexpr (CURVATURE) bend[i] = silu_curvature(x, g);
    }
  }

  /// Rows first .. first+rows-1 of the inputs of all permutations of all molecules; x
  /// [molecules][stride].
  template <typename T>
  void gather(const MoleculeWeights<T> &weights, const T *x, int stride, int first, int rows,
              T *__restrict X)
  {
    const int P = weights.permutations, D = weights.pairs_padded;
    for (int q = 0; q < rows; q++) {
      const T *__restrict inputs = x + long((first + q) / P) * stride;
      const int *__restrict source = weights.source + long((first + q) % P) * D;
      for (int k = 0; k < D; k++) X[long(q) * D + k] = inputs[source[k]];
    }
  }

  /// The reverse: adds rows to x_bar [molecules][stride].
  template <typename T>
  void scatter(const MoleculeWeights<T> &weights, const T *X, int first, int rows, T *x_bar,
               int stride)
  {
    const int P = weights.permutations, D = weights.pairs_padded;
    for (int q = 0; q < rows; q++) {
      T *__restrict inputs_bar = x_bar + long((first + q) / P) * stride;
      const T *__restrict row = X + long(q) * D;
      const int *__restrict target = weights.target + long((first + q) % P) * weights.pairs;
#pragma omp simd
      for (int p = 0; p < weights.pairs; p++) inputs_bar[p] += row[target[p]];
    }
  }

  template <typename T> T dot(int n, const T *__restrict a, const T *__restrict b)
  {
    T sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int k = 0; k < n; k++) sum += a[k] * b[k];
    return sum;
  }

  /// The layers for rows of inputs X: h and its slopes, with CURVATURE also `bend` (else not
  /// used), and energies: adds those of the rows to y, a molecule's in y[first_row / permutations].
  template <bool CURVATURE, typename T>
  void layers_forward(const MoleculeWeights<T> &weights, int first_row, int rows, const T *X,
                      T *const *h, T *const *slope, T *const *bend, double *y)
  {
    const T *in = X;
    int in_width = weights.pairs_padded;
    for (int l = 0; l < weights.layers; l++) {
      const auto &layer = weights.layer[l];
      product(rows, in, in_width, layer.forward, layer.bias, h[l], layer.width);
      activate<CURVATURE>(long(rows) * layer.width, h[l], slope[l],
                          CURVATURE ? bend[l] : static_cast<T *>(nullptr));
      in = h[l];
      in_width = layer.width;
    }
    for (int k = 0; k < rows; k++)
      y[(first_row + k) / weights.permutations] +=
          double(dot(in_width, weights.readout, in + long(k) * in_width));
  }

  /// Derivatives of the energies of rows down to their inputs, X_bar. Those before the activations
  /// go to `bar`, which may be h: the features are not needed any more. With CURVATURE `bend`
  /// becomes dE/dh silu''.
  template <bool CURVATURE, typename T>
  void layers_backward(const MoleculeWeights<T> &weights, int rows, T *const *bar, T *const *slope,
                       T *const *bend, T *X_bar)
  {
    const int last = weights.layers - 1, width = weights.layer[last].width;
    for (int k = 0; k < rows; k++) {
      const long at = long(k) * width;
#pragma omp simd
      for (int i = 0; i < width; i++) {
        bar[last][at + i] = weights.readout[i] * slope[last][at + i];
        if constexpr (CURVATURE) bend[last][at + i] *= weights.readout[i];
      }
    }
    for (int l = last; l > 0; l--) {
      const int below = weights.layer[l - 1].width;
      product<T>(rows, bar[l], weights.layer[l].width, weights.layer[l].back, nullptr, bar[l - 1],
                 below);
      const long size = long(rows) * below;
      T *__restrict out = bar[l - 1], *__restrict curved = CURVATURE ? bend[l - 1] : nullptr;
      const T *__restrict s = slope[l - 1];
#pragma omp simd
      for (long i = 0; i < size; i++) {
        if constexpr (CURVATURE) curved[i] *= out[i];
        out[i] *= s[i];
      }
    }
    product<T>(rows, bar[0], weights.layer[0].width, weights.layer[0].back, nullptr, X_bar,
               weights.pairs_padded);
  }

  /// Parts of the scratch memory of a thread.
  template <typename T> struct MoleculeScratch {
    T *X;                                                      // [molecule_row_block][pairs_padded]
    T *h[max_molecule_layers], *slope[max_molecule_layers];    // [molecule_row_block][width]
    T *x, *x_bar;      // [molecule_row_block][stride], followed by a zero behind the pairs
    double *factor;    // [molecule_row_block][pairs_padded] dx/dr / r times the scale
    double *square;    // [pairs_padded]
    int stride;

    MoleculeScratch(const MoleculeWeights<T> &weights, T *memory) :
        X(memory), stride(weights.pairs_padded + feature_block)
    {
      memory += long(molecule_row_block) * weights.pairs_padded;
      for (int l = 0; l < weights.layers; l++) {
        h[l] = memory;
        slope[l] = memory + long(molecule_row_block) * weights.layer[l].width;
        memory += 2L * molecule_row_block * weights.layer[l].width;
      }
      x = memory;
      x_bar = x + long(molecule_row_block) * stride;
      factor = reinterpret_cast<double *>(memory + 2L * molecule_row_block * stride);
      square = factor + long(molecule_row_block) * weights.pairs_padded;
    }
  };

  /// Inputs of a molecule, the one of `number` in the scratch memory: inverse distances, scaled.
  template <typename T>
  void inputs(const MoleculeWeights<T> &weights, const MoleculeWork<T> &work, int molecule,
              int number, const MoleculeScratch<T> &scratch)
  {
    const int n = weights.pairs;
    const int *edge = work.edge + long(molecule) * n;
    const double scale = weights.scale / weights.permutations;
    T *scaled = scratch.x + long(number) * scratch.stride;
    double *f = scratch.factor + long(number) * weights.pairs_padded, *square = scratch.square;
    for (int p = 0; p < n; p++) {
      const double *r = work.r + 3L * edge[p];
      square[p] = r[0] * r[0] + r[1] * r[1] + r[2] * r[2];
    }
#pragma omp simd
    for (int p = 0; p < n; p++) {
      const double inv = 1.0 / std::sqrt(square[p]), width = 1.0 / weights.input_scale[p];
      scaled[p] = T((inv - weights.input_mean[p]) * width);
      f[p] = -scale * width * inv * inv * inv;
    }
    for (int p = n; p < scratch.stride; p++) scaled[p] = T(0);
  }

  /// Gradient by the edges of a molecule from that by its inputs.
  template <typename T>
  void gradients(const MoleculeWeights<T> &weights, const MoleculeWork<T> &work, int molecule,
                 int number, const MoleculeScratch<T> &scratch)
  {
    const int *edge = work.edge + long(molecule) * weights.pairs;
    const T *bar = scratch.x_bar + long(number) * scratch.stride;
    const double *f = scratch.factor + long(number) * weights.pairs_padded;
    for (int p = 0; p < weights.pairs; p++) {
      const double g = f[p] * double(bar[p]), *r = work.r + 3L * edge[p];
      double *out = work.gradient + 3L * edge[p];
      for (int a = 0; a < 3; a++) out[a] = g * r[a];
    }
  }

  /// Molecules first .. last-1, on one thread: as many together as fill a block of rows.
  template <typename T>
  void evaluate_range(const MoleculeWeights<T> &weights, const MoleculeWork<T> &work, int first,
                      int last, T *memory)
  {
    const int P = weights.permutations,
              together = P < molecule_row_block ? molecule_row_block / P : 1;
    const MoleculeScratch<T> scratch(weights, memory);
    for (int m0 = first; m0 < last; m0 += together) {
      const int m1 = m0 + together < last ? m0 + together : last, rows = (m1 - m0) * P;
      for (int m = m0; m < m1; m++) inputs(weights, work, m, m - m0, scratch);
      double y[molecule_row_block] = {};
      for (long i = 0; i < long(m1 - m0) * scratch.stride; i++) scratch.x_bar[i] = T(0);
      for (int q = 0; q < rows; q += molecule_row_block) {
        const int block = rows - q < molecule_row_block ? rows - q : molecule_row_block;
        gather(weights, scratch.x, scratch.stride, q, block, scratch.X);
        layers_forward<false, T>(weights, q, block, scratch.X, scratch.h, scratch.slope, nullptr,
                                 y);
        layers_backward<false, T>(weights, block, scratch.h, scratch.slope, nullptr, scratch.X);
        scatter(weights, scratch.X, q, block, scratch.x_bar, scratch.stride);
      }
      for (int m = m0; m < m1; m++) {
        work.energy[m] = weights.scale * (y[m - m0] / P + weights.readout_bias);
        gradients(weights, work, m, m - m0, scratch);
      }
    }
  }

  template <typename T>
  void evaluate(const MoleculeWeights<T> &weights, const MoleculeWork<T> &work, int threads)
  {
    if (threads == 1) {
      evaluate_range(weights, work, 0, work.molecules, work.scratch);
      return;
    }
    const long size = molecule_scratch(weights);
#pragma omp parallel num_threads(threads)
    {
      const int t = omp_get_thread_num(), n = omp_get_num_threads();
      const int first = int(long(work.molecules) * t / n),
                last = int(long(work.molecules) * (t + 1) / n);
      evaluate_range(weights, work, first, last, work.scratch + t * size);
    }
  }

  template <typename T>
  void forward(const MoleculeWeights<T> &weights, const MoleculeGradientWork<T> &work)
  {
    const int P = weights.permutations, D = weights.pairs_padded, rows = work.molecules * P;
    gather(weights, work.x, D + 1, 0, rows, work.X);
    for (int m = 0; m < work.molecules; m++) work.energy[m] = 0.0;
    layers_forward<true>(weights, 0, rows, work.X, work.h, work.slope, work.bend, work.energy);
    for (int m = 0; m < work.molecules; m++)
      work.energy[m] = weights.scale * (work.energy[m] / P + weights.readout_bias);
    layers_backward<true>(weights, rows, work.bar, work.slope, work.bend, work.X_dot);
    for (long i = 0; i < long(work.molecules) * (D + 1); i++) work.x_bar[i] = T(0);
    scatter(weights, work.X_dot, 0, rows, work.x_bar, D + 1);
    const T factor = T(weights.scale / P);
    for (long i = 0; i < long(work.molecules) * (D + 1); i++) work.x_bar[i] *= factor;
  }

  /// Adds the derivative of sum over molecules of c E + dE/dx . tangent with respect to the
  /// weights.
  template <typename T>
  void backward(const MoleculeWeights<T> &weights, const MoleculeGradientWork<T> &work,
                const MoleculeSums<T> &sums)
  {
    const int P = weights.permutations, D = weights.pairs_padded, L = weights.layers,
              rows = work.molecules * P;
    const T factor = T(weights.scale / P);
    gather(weights, work.tangent, D + 1, 0, rows, work.X_dot);
    for (long i = 0; i < long(rows) * D; i++) work.X_dot[i] *= factor;
    const T *in = work.X_dot;
    int in_width = D;
    for (int l = 0; l < L; l++) {
      const int width = weights.layer[l].width;
      product<T>(rows, in, in_width, weights.layer[l].forward, nullptr, work.a_dot[l], width);
      const long size = long(rows) * width;
      T *__restrict h_dot = work.h_dot[l];
      const T *__restrict a_dot = work.a_dot[l], *__restrict slope = work.slope[l];
#pragma omp simd
      for (long i = 0; i < size; i++) h_dot[i] = a_dot[i] * slope[i];
      in = work.h_dot[l];
      in_width = width;
    }

    const int last = weights.layer[L - 1].width;
    for (int k = 0; k < rows; k++) {
      const T c = factor * work.c[k / P];
      const T *__restrict h = work.h[L - 1] + long(k) * last,
                          *__restrict h_dot = work.h_dot[L - 1] + long(k) * last;
      T *__restrict bar = work.next_bar + long(k) * last;
      for (int i = 0; i < last; i++) {
        sums.readout[i] += c * h[i] + h_dot[i];
        bar[i] = c * weights.readout[i];
      }
    }
    for (int m = 0; m < work.molecules; m++)
      *sums.readout_bias += weights.scale * double(work.c[m]);

    for (int l = L - 1; l >= 0; l--) {
      const int width = weights.layer[l].width;
      const long size = long(rows) * width;
      {
        T *__restrict a_bar = work.work_bar;
        const T *__restrict h_bar = work.next_bar, *__restrict slope = work.slope[l],
                            *__restrict bend = work.bend[l], *__restrict a_dot = work.a_dot[l];
#pragma omp simd
        for (long i = 0; i < size; i++) a_bar[i] = h_bar[i] * slope[i] + bend[i] * a_dot[i];
        T *__restrict bias = sums.bias[l];
        for (int k = 0; k < rows; k++)
          for (int i = 0; i < width; i++) bias[i] += a_bar[long(k) * width + i];
      }
      const T *values = l ? work.h[l - 1] : work.X, *tangents = l ? work.h_dot[l - 1] : work.X_dot;
      const int ld = l ? weights.layer[l - 1].width : D, n = l ? ld : weights.pairs;
      accumulate(rows, values, ld, n, work.work_bar, width, width, sums.weight[l]);
      accumulate(rows, tangents, ld, n, work.bar[l], width, width, sums.weight[l]);
      if (l)
        product<T>(rows, work.work_bar, width, weights.layer[l].back, nullptr, work.next_bar, ld);
    }
  }

}    // namespace

extern const MoleculeKernels MLFF_KERNELS;
const MoleculeKernels MLFF_KERNELS = {{evaluate<float>, {forward<float>, backward<float>}},
                                      {evaluate<double>, {forward<double>, backward<double>}}};

}    // namespace mlff
