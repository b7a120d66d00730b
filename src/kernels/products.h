// Small matrix products and the activation of rows, for the kernels that are compiled once per
// instruction set: everything here is local to the file that includes it, so that the linker cannot
// mix the copies.
#pragma once

#include "kernels/activations.h"
#include "kernels/packing.h"

#ifndef MLFF_VECTOR_BYTES
#define MLFF_VECTOR_BYTES 16
#endif

namespace mlff {

namespace {

  template <typename T> struct Simd {
    typedef T Vector __attribute__((vector_size(MLFF_VECTOR_BYTES), aligned(sizeof(T)), may_alias));
    static constexpr int lanes = MLFF_VECTOR_BYTES / int(sizeof(T));
  };

  /// C[m][0..width) (+)= A[m][:] panel + bias for ROWS rows; width = VECTORS * lanes columns at
  /// `column` of the panel.
  template <typename T, int ROWS, int VECTORS>
  inline void multiply_tile(int depth, const T *__restrict A, int lda, const T *__restrict panel,
                            const T *bias, T *__restrict C, int ldc, bool add)
  {
    using Vector = typename Simd<T>::Vector;
    constexpr int lanes = Simd<T>::lanes;
    Vector sum[ROWS][VECTORS];
    for (int m = 0; m < ROWS; m++)
      for (int k = 0; k < VECTORS; k++) {
        if (add)
          sum[m][k] = *reinterpret_cast<const Vector *>(C + m * ldc + k * lanes);
        else if (bias)
          sum[m][k] = *reinterpret_cast<const Vector *>(bias + k * lanes);
        else
          sum[m][k] = Vector{};
      }
    for (int row = 0; row < depth; row++) {
      Vector w[VECTORS];
      for (int k = 0; k < VECTORS; k++)
        w[k] = *reinterpret_cast<const Vector *>(panel + row * panel_width + k * lanes);
      for (int m = 0; m < ROWS; m++) {
        const T a = A[m * lda + row];
        for (int k = 0; k < VECTORS; k++) sum[m][k] += a * w[k];
      }
    }
    for (int m = 0; m < ROWS; m++)
      for (int k = 0; k < VECTORS; k++)
        *reinterpret_cast<Vector *>(C + m * ldc + k * lanes) = sum[m][k];
  }

  template <typename T, int VECTORS>
  inline void multiply_rows(int rows, int depth, const T *A, int lda, const T *panel, const T *bias,
                            T *C, int ldc, bool add)
  {
    int m = 0;
    for (; m + 6 <= rows; m += 6)
      multiply_tile<T, 6, VECTORS>(depth, A + m * lda, lda, panel, bias, C + m * ldc, ldc, add);
    for (; m + 3 <= rows; m += 3)
      multiply_tile<T, 3, VECTORS>(depth, A + m * lda, lda, panel, bias, C + m * ldc, ldc, add);
    for (; m < rows; m++)
      multiply_tile<T, 1, VECTORS>(depth, A + m * lda, lda, panel, bias, C + m * ldc, ldc, add);
  }

  /// C = A M (+ bias), or C += A M. The sum over the depth runs in order, whatever the number of
  /// rows.
  template <typename T>
  void multiply(int rows, const T *A, int lda, const Packed<T> &M, const T *bias, T *C, int ldc,
                bool add = false)
  {
    constexpr int lanes = Simd<T>::lanes;
    constexpr int vectors = 2 * lanes <= panel_width ? 2 : 1;
    for (int column = 0; column < M.columns; column += panel_width) {
      const T *panel = M.values + long(column) * M.rows;
      const int end = M.columns - column < panel_width ? M.columns - column : panel_width;
      int c = 0;
      for (; c + vectors * lanes <= end; c += vectors * lanes)
        multiply_rows<T, vectors>(rows, M.rows, A, lda, panel + c,
                                  bias ? bias + column + c : nullptr, C + column + c, ldc, add);
      for (; c < end; c += lanes)
        multiply_rows<T, 1>(rows, M.rows, A, lda, panel + c, bias ? bias + column + c : nullptr,
                            C + column + c, ldc, add);
    }
  }

  template <typename T> void silu(long n, const T *__restrict x, T *__restrict out)
  {
#pragma omp simd
    for (long i = 0; i < n; i++) out[i] = x[i] * sigmoid(x[i]);
  }

  /// Z[i][0..width) += sum over rows m of X[m][i] Y[m][0..width) for ROWS values of i, width =
  /// VECTORS * lanes.
  template <typename T, int ROWS, int VECTORS>
  inline void accumulate_tile(int rows, const T *__restrict X, int ldx, const T *__restrict Y,
                              int ldy, T *__restrict Z, int ldz)
  {
    using Vector = typename Simd<T>::Vector;
    constexpr int lanes = Simd<T>::lanes;
    Vector sum[ROWS][VECTORS];
    for (int i = 0; i < ROWS; i++)
      for (int k = 0; k < VECTORS; k++)
        sum[i][k] = *reinterpret_cast<const Vector *>(Z + i * ldz + k * lanes);
    for (int m = 0; m < rows; m++) {
      Vector y[VECTORS];
      for (int k = 0; k < VECTORS; k++)
        y[k] = *reinterpret_cast<const Vector *>(Y + m * ldy + k * lanes);
      for (int i = 0; i < ROWS; i++) {
        const T x = X[m * ldx + i];
        for (int k = 0; k < VECTORS; k++) sum[i][k] += x * y[k];
      }
    }
    for (int i = 0; i < ROWS; i++)
      for (int k = 0; k < VECTORS; k++)
        *reinterpret_cast<Vector *>(Z + i * ldz + k * lanes) = sum[i][k];
  }

  template <typename T, int VECTORS>
  inline void accumulate_columns(int rows, const T *X, int ldx, int nx, const T *Y, int ldy, T *Z,
                                 int ldz)
  {
    int i = 0;
    for (; i + 6 <= nx; i += 6)
      accumulate_tile<T, 6, VECTORS>(rows, X + i, ldx, Y, ldy, Z + i * ldz, ldz);
    for (; i + 3 <= nx; i += 3)
      accumulate_tile<T, 3, VECTORS>(rows, X + i, ldx, Y, ldy, Z + i * ldz, ldz);
    for (; i < nx; i++) accumulate_tile<T, 1, VECTORS>(rows, X + i, ldx, Y, ldy, Z + i * ldz, ldz);
  }

  /// Z [nx][ny] += X^T Y, X [rows][nx], Y [rows][ny]; ny a multiple of feature_block.
  template <typename T>
  void accumulate(int rows, const T *X, int ldx, int nx, const T *Y, int ldy, int ny, T *Z)
  {
    constexpr int lanes = Simd<T>::lanes;
    constexpr int vectors = 2 * lanes <= panel_width ? 2 : 1;
    int c = 0;
    for (; c + vectors * lanes <= ny; c += vectors * lanes)
      accumulate_columns<T, vectors>(rows, X, ldx, nx, Y + c, ldy, Z + c, ny);
    for (; c < ny; c += lanes) accumulate_columns<T, 1>(rows, X, ldx, nx, Y + c, ldy, Z + c, ny);
  }

}    // namespace

}    // namespace mlff
