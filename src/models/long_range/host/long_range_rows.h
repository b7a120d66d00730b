// What the kernels of both forms of the long-range block share: vectors of lanes, sines and
// cosines, and where things are. Like products.h everything here is local to the file that includes
// it.
#pragma once

#include "models/long_range/host/long_range_kernels.h"

#include "kernels/products.h"

#include <omp.h>

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace mlff {

namespace {

  constexpr int most_frequencies = 64, most_keys = 64;    // as check() of a potential allows

  template <typename B> using Lanes = typename Simd<B>::Vector;

  template <typename B> inline Lanes<B> load(const B *p)
  {
    return *reinterpret_cast<const Lanes<B> *>(p);
  }

  template <typename B> inline void store(B *p, const Lanes<B> &x)
  {
    *reinterpret_cast<Lanes<B> *>(p) = x;
  }

  template <typename B> inline void store_add(B *p, const Lanes<B> &x)
  {
    *reinterpret_cast<Lanes<B> *>(p) += x;
  }

  template <typename B> inline B sum_of(const Lanes<B> &x)
  {
    B sum = 0;
    for (int z = 0; z < Simd<B>::lanes; z++) sum += x[z];
    return sum;
  }

  /// Sines and cosines of x[0 .. n-1]. The library's sincos keeps loops from using vectors; here,
  /// for |x| below 1e6, x = n pi/2 + r with pi/2 in three parts, series in r, and the quadrant from
  /// the lowest bits of n. Errors below 3e-16 and what rounding x costs. The sums must be done in
  /// the order in which they are written.
#if defined(__GNUC__) && !defined(__clang__) && defined(__AVX2__)
  __attribute__((noinline, optimize("no-associative-math", "no-unsafe-math-optimizations"))) void
  sines_and_cosines(long n, const double *__restrict x, double *__restrict sine,
                    double *__restrict cosine)
  {
#pragma omp simd
    for (long i = 0; i < n; i++) {
      constexpr double shift =
          6755399441055744.0;    // 1.5 * 2^52: adding it rounds to a whole number
      const double shifted = x[i] * 0.63661977236758134 + shift, turns = shifted - shift;
      const double r = ((x[i] - turns * 0x1.921fb544p+0) - turns * 0x1.0b4611a6p-34) -
          turns * 0x1.3198a2e037073p-69,
                   y = r * r;
      const auto quadrant = __builtin_bit_cast(std::int64_t, shifted);
      double s = 1.0 / 6227020800.0 - y * (1.0 / 1307674368000.0),
             c = 1.0 / 479001600 - y * (1.0 / 87178291200.0 - y * (1.0 / 20922789888000.0));
      s = 1.0 / 362880 + y * (-1.0 / 39916800 + y * s);
      s = r * (1.0 + y * (-1.0 / 6 + y * (1.0 / 120 + y * (-1.0 / 5040 + y * s))));
      c = 1.0 / 40320 + y * (-1.0 / 3628800 + y * c);
      c = 1.0 + y * (-0.5 + y * (1.0 / 24 + y * (-1.0 / 720 + y * c)));
      const double a = quadrant & 1 ? c : s, b = quadrant & 1 ? s : c;
      sine[i] = quadrant & 2 ? -a : a;
      cosine[i] = (quadrant + 1) & 2 ? -b : b;
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

  /// Where one layer's arrays begin, and the accumulators of one thread.
  template <typename B> struct Rows {
    long rows;
    const B *q, *k, *V0, *V1;
    B *sums, *q_bar, *k_bar;    // of this thread
    double *x_bar;              // [3][rows]
    double *strain_bar;         // [6][rows]
    const B *radial;
    const double *x;
    const B *out_bars;
  };

  template <typename T, typename B>
  Rows<B> rows_of(const FmmWeights<B> &w, const FmmWork<T, B> &work, int l)
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

  /// What the direct form keeps of a row lies together: [vector of channels][part][channel_block].
  /// Parts of a record of values, and of their bars.
  enum ValuePart { v0_part, vx_part, vy_part, vz_part, value_parts };
  /// Parts of a record of sums, and of their bars: s0, s1, v0, v1.
  enum SumPart { s0_part, s1_part, even_part, odd_part = even_part + 3, sum_parts = odd_part + 3 };
  /// Radial functions in the order in which they are kept; the last layer needs the first two.
  enum RadialPart { K0_part, K3_part, K1_part, K2_part };

  /// Where a channel of a record of so many parts is.
  template <typename B> inline long record_place(const FmmWeights<B> &w, int c, int part, int parts)
  {
    const int h = c / w.C, in_head = c % w.C;
    return (long(h * w.vectors() + in_head / channel_block) * parts + part) * channel_block +
        in_head % channel_block;
  }

}    // namespace

}    // namespace mlff
