// Parts that the kernels of both forms of the long-range block share: vectors of lanes, sines and
// cosines, and places in arrays. Everything here is local to the file that includes it, see
// products.h.
#pragma once

#include "models/long_range/host/long_range_kernels.h"
#include "models/long_range/long_range_math.h"

#include "kernels/products.h"

#include <omp.h>

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace mlff {

namespace {

  // limits that check() of a potential enforces
  constexpr int most_frequencies = 64, most_keys = 64;

  /// Vectors as values; in memory they may lie anywhere (Simd).
  template <typename B> struct LanesOf {
    typedef B Vector __attribute__((vector_size(MLFF_VECTOR_BYTES)));
  };
  template <typename B> using Lanes = typename LanesOf<B>::Vector;

  template <typename B> inline Lanes<B> load(const B *p)
  {
    return *reinterpret_cast<const typename Simd<B>::Vector *>(p);
  }

  template <typename B> inline void store(B *p, const Lanes<B> &x)
  {
    *reinterpret_cast<typename Simd<B>::Vector *>(p) = x;
  }

  template <typename B> inline void store_add(B *p, const Lanes<B> &x)
  {
    *reinterpret_cast<typename Simd<B>::Vector *>(p) += x;
  }

  template <typename B> inline B sum_of(const Lanes<B> &x)
  {
    B sum = 0;
    for (int z = 0; z < Simd<B>::lanes; z++) sum += x[z];
    return sum;
  }

  /// Sines and cosines of x[0 .. n-1], |x| below 1e6. The library's sincos keeps loops from using
  /// vectors. The sums must be done in the order in which they are written.
#if defined(__GNUC__) && !defined(__clang__) && defined(__AVX2__)
  __attribute__((noinline, optimize("no-associative-math", "no-unsafe-math-optimizations"))) void
  sines_and_cosines(long n, const double *__restrict x, double *__restrict sine,
                    double *__restrict cosine)
  {
#pragma omp simd
    for (long i = 0; i < n; i++) {
      // 1.5 * 2^52: adding it rounds to a whole number
      constexpr double shift = 6755399441055744.0;
      const double shifted = x[i] * 0.63661977236758134 + shift, turns = shifted - shift;
      sine_and_cosine(without_quarter_turns(x[i], turns), __builtin_bit_cast(std::int64_t, shifted),
                      sine[i], cosine[i]);
    }
  }
#else
  void sines_and_cosines(long n, const double *x, double *sine, double *cosine)
  {
    for (long i = 0; i < n; i++) {
      sine[i] = std::sin(x[i]);
      cosine[i] = std::cos(x[i]);
    }
  }
#endif

  /// Starts of the arrays of one layer, and the accumulators of one thread.
  template <typename B> struct Rows {
    long rows;
    const B *q, *k, *V0, *V1;
    B *sums, *q_bar, *k_bar;    // accumulators of this thread
    double *x_bar;              // [3][rows]
    double *strain_bar;         // [6][rows]
    const B *radial;
    const double *x;
    const B *out_bars;
  };

  template <typename T, typename B>
  Rows<B> rows_of(const LongRangeWeights<B> &w, const LongRangeWork<T, B> &work, int l)
  {
    const long R = work.n_rows, HC = w.HC(), Hd = w.Hd(), thread = omp_get_thread_num();
    Rows<B> a;
    a.rows = R;
    a.q = work.q + l * Hd * R;
    a.k = work.k + l * Hd * R;
    a.V0 = work.V0 + l * HC * R;
    a.V1 = work.V1 + l * 3 * HC * R;
    a.sums = work.sums + thread * 8 * HC * R;
    a.q_bar = work.key_bars + thread * 2 * Hd * R;
    a.k_bar = a.q_bar + Hd * R;
    a.x_bar = work.row_bar + thread * work.row_bars * R;
    a.strain_bar = a.x_bar + 3 * R;
    a.radial = w.layers[l].radial;
    a.x = work.x;
    a.out_bars = work.out_bars;
    return a;
  }

  /// Place of a channel in a record of so many parts. The direct form keeps the values of a row
  /// together: [vector of channels][part][channel_block].
  template <typename B>
  inline long record_place(const LongRangeWeights<B> &w, int c, int part, int parts)
  {
    const int h = c / w.C, in_head = c % w.C;
    return (long(h * w.vectors() + in_head / channel_block) * parts + part) * channel_block +
        in_head % channel_block;
  }

}    // namespace

}    // namespace mlff
