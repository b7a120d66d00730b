// Compiled once per instruction set with MLFF_KERNELS naming the table it defines. Equations: fmm.h; the backward is written out by
// hand, bar = dE/d(quantity), and tested against autograd and finite differences.
#include "fmm_kernels.h"

#include "painn_products.h"

#include <omp.h>

#include <cstdint>
#include <cstring>
#include <type_traits>

#ifndef MLFF_KERNELS
#define MLFF_KERNELS fmm_kernels_generic
#endif

namespace mlff {

namespace {    // the same names exist in every instruction set's copy of this file

#define MLFF_STRING_(x) #x
#define MLFF_STRING(x) MLFF_STRING_(x)

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

  /// Sines and cosines of x[0 .. n-1]. The library's sincos keeps loops from using vectors; here, for |x| below 1e6, x = n pi/2 + r with
  /// pi/2 in three parts, series in r, and the quadrant from the lowest bits of n. Errors below 3e-16 and what rounding x costs. The sums
  /// must be done in the order in which they are written.
#if defined(__GNUC__) && !defined(__clang__) && defined(__AVX2__)
  __attribute__((noinline, optimize("no-associative-math", "no-unsafe-math-optimizations"))) void
  sines_and_cosines(long n, const double *__restrict x, double *__restrict sine, double *__restrict cosine)
  {
#pragma omp simd
    for (long i = 0; i < n; i++) {
      constexpr double shift = 6755399441055744.0;    // 1.5 * 2^52: adding it rounds to a whole number
      const double shifted = x[i] * 0.63661977236758134 + shift, turns = shifted - shift;
      const double r = ((x[i] - turns * 0x1.921fb544p+0) - turns * 0x1.0b4611a6p-34) - turns * 0x1.3198a2e037073p-69, y = r * r;
      const auto quadrant = __builtin_bit_cast(std::int64_t, shifted);
      double s = 1.0 / 6227020800.0 - y * (1.0 / 1307674368000.0), c = 1.0 / 479001600 - y * (1.0 / 87178291200.0 - y * (1.0 / 20922789888000.0));
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

  template <typename T, typename B> Rows<B> rows_of(const FmmWeights<B> &w, const FmmWork<T, B> &work, int l)
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

  /// A block of rows: their atoms and how many there are.
  struct RowBlock {
    int atom, n;
  };

  template <typename T, typename B> RowBlock block_of(const FmmWork<T, B> &work, int row)
  {
    const FmmStructure &structure = work.structures[work.structure_of[row / row_block]];
    const int at = row - structure.first_row, left = structure.n_atoms - at;
    return {structure.first_atom + at, left < row_block ? (left > 0 ? left : 0) : row_block};
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
    return (long(h * w.vectors() + in_head / channel_block) * parts + part) * channel_block + in_head % channel_block;
  }

  template <typename T, typename B> inline bool is_direct(const FmmWork<T, B> &work, int row)
  {
    return work.structures[work.structure_of[row / row_block]].direct;
  }

  /// Queries, keys and values of a block of rows from features; rows without an atom get zeros.
  template <typename T, typename B> void project(const FmmWeights<B> &w, const FmmWork<T, B> &work, int l, int row, B *scratch)
  {
    const FmmLayerWeights<B> &layer = w.layers[l];
    const Rows<B> a = rows_of(w, work, l);
    const auto [atom, n] = block_of(work, row);
    const int F = w.F, HC = w.HC(), Hd = w.Hd();
    B *in = scratch, *out = in + 3L * atom_block * F;
    for (long f = 0; f < long(n) * F; f++) in[f] = B(work.s[long(atom) * F + f]);
    multiply(n, in, F, layer.from_scalars, static_cast<const B *>(nullptr), out, w.scalar_columns);
    for (int part = 0; part < 2; part++) {
      B *target = (part ? work.k : work.q) + long(l) * Hd * a.rows + row;
      for (int c = 0; c < Hd; c++)
        for (int i = 0; i < row_block; i++) {
          const B x = i < n ? out[long(i) * w.scalar_columns + part * w.first_key + c] : B(0);
          target[c * a.rows + i] = i >= n ? B(0) : x > B(0) ? x + B(1) : exponential(x);
        }
    }
    const bool direct = is_direct(work, row);
    const long width = long(value_parts) * w.record_channels();
    B *V0 = work.V0 + long(l) * HC * a.rows + row, *V1 = work.V1 + 3L * l * HC * a.rows + row;
    B *records = direct ? work.values + (l * a.rows + row) * width : nullptr;
    if (direct) std::memset(records, 0, sizeof(B) * row_block * width);
    const auto put = [&](int part, const B *from, long stride) {
      B *to = part == v0_part ? V0 : V1 + (part - vx_part) * HC * a.rows;
      for (int c = 0; c < HC; c++) {
        const long place = record_place(w, c, part, value_parts);
        for (int i = 0; i < (direct ? n : row_block); i++) (direct ? records[i * width + place] : to[c * a.rows + i]) = i < n ? from[i * stride + c] : B(0);
      }
    };
    put(v0_part, out + w.first_value, w.scalar_columns);
    for (long f = 0; f < 3L * n * F; f++) in[f] = B(work.v[3L * atom * F + f]);
    multiply(3 * n, in, F, layer.from_vectors, static_cast<const B *>(nullptr), out, w.vector_columns);
    for (int x = 0; x < 3; x++) put(vx_part + x, out + x * w.vector_columns, 3L * w.vector_columns);
  }

  /// Sum of the threads' parts of one channel.
  template <typename B> inline B joined(const B *values, int threads, long stride)
  {
    B sum = 0;
    for (int t = 0; t < threads; t++) sum += values[t * stride];
    return sum;
  }

  /// Part `part` of the sums of a row and channel, or of the bars of its values, of all threads.
  template <typename T, typename B> inline B sum_of_row(const FmmWeights<B> &w, const FmmWork<T, B> &work, bool direct, long row, int part, int c)
  {
    const long R = work.n_rows, width = long(sum_parts) * w.record_channels();
    if (direct) return joined(work.record_sums + row * width + record_place(w, c, part, sum_parts), work.threads, R * width);
    return joined(work.sums + (long(part) * w.HC() + c) * R + row, work.threads, 8L * w.HC() * R);
  }

  /// s += g_s W_s [s0; s1] and, but for the last layer, v += g_v W_v [v0; v1].
  template <typename T, typename B> void combine(const FmmWeights<B> &w, const FmmWork<T, B> &work, int l, int row, B *scratch)
  {
    const FmmLayerWeights<B> &layer = w.layers[l];
    const auto [atom, n] = block_of(work, row);
    const int F = w.F, HC = w.HC();
    const bool direct = is_direct(work, row);
    B *in = scratch, *out = in + 3L * atom_block * w.out_rows;
    for (int axis = -1; axis < (l + 1 < w.L ? 3 : 0); axis++) {
      const bool vectors = axis >= 0;
      for (int i = 0; i < n; i++) {
        B *to = in + long(i) * w.out_rows;
        std::memset(to, 0, sizeof(B) * w.out_rows);
        for (int c = 0; c < HC; c++) {
          to[c] = sum_of_row(w, work, direct, row + i, vectors ? even_part + axis : s0_part, c);
          to[w.first_odd + c] = sum_of_row(w, work, direct, row + i, vectors ? odd_part + axis : s1_part, c);
        }
      }
      multiply(n, in, w.out_rows, vectors ? layer.vector_out : layer.scalar_out, static_cast<const B *>(nullptr), out, F);
      const B *gate = vectors ? layer.vector_gate : layer.scalar_gate;
      for (int i = 0; i < n; i++) {
        T *to = vectors ? work.v + (3L * (atom + i) + axis) * F : work.s + long(atom + i) * F;
        for (int f = 0; f < F; f++) to[f] += T(gate[f] * out[long(i) * F + f]);
      }
    }
  }

  /// Bars of s0, s1, v0, v1 of a block of rows.
  template <typename T, typename B> void combine_backward(const FmmWeights<B> &w, const FmmWork<T, B> &work, int l, int row, B *scratch)
  {
    const FmmLayerWeights<B> &layer = w.layers[l];
    const auto [atom, n] = block_of(work, row);
    const int F = w.F, HC = w.HC();
    const long R = work.n_rows, width = long(sum_parts) * w.record_channels();
    const bool direct = is_direct(work, row);
    B *records = direct ? work.bars + row * width : nullptr;
    if (direct) std::memset(records, 0, sizeof(B) * row_block * width);
    B *in = scratch, *out = in + long(atom_block) * F;
    for (int axis = -1; axis < (l + 1 < w.L ? 3 : 0); axis++) {
      const bool vectors = axis >= 0;
      const B *gate = vectors ? layer.vector_gate : layer.scalar_gate;
      for (int i = 0; i < n; i++) {
        const T *from = work.bar + (4L * (atom + i) + 1 + axis) * F;
        for (int f = 0; f < F; f++) in[long(i) * F + f] = gate[f] * B(from[f]);
      }
      multiply(n, in, F, vectors ? layer.vector_out_back : layer.scalar_out_back, static_cast<const B *>(nullptr), out, w.out_rows);
      for (int odd = 0; odd < 2; odd++) {
        const int part = odd ? (vectors ? odd_part + axis : s1_part) : (vectors ? even_part + axis : s0_part);
        const B *from = out + (odd ? w.first_odd : 0);
        B *to = work.out_bars + long(part) * HC * R + row;
        for (int c = 0; c < HC; c++) {
          const long place = record_place(w, c, part, sum_parts);
          for (int i = 0; i < (direct ? n : row_block); i++)
            (direct ? records[i * width + place] : to[c * R + i]) = i < n ? from[long(i) * w.out_rows + c] : B(0);
        }
      }
    }
  }

  /// Bars of queries, keys and values into those of the features.
  template <typename T, typename B> void project_backward(const FmmWeights<B> &w, const FmmWork<T, B> &work, int l, int row, B *scratch)
  {
    const FmmLayerWeights<B> &layer = w.layers[l];
    const Rows<B> a = rows_of(w, work, l);
    const auto [atom, n] = block_of(work, row);
    const int F = w.F, HC = w.HC(), Hd = w.Hd();
    const long R = work.n_rows, key_stride = 2L * Hd * R;
    const bool direct = is_direct(work, row);
    B *in = scratch, *out = in + long(atom_block) * (w.scalar_columns > 3 * w.vector_columns ? w.scalar_columns : 3 * w.vector_columns);
    std::memset(in, 0, sizeof(B) * n * w.scalar_columns);
    for (int i = 0; i < n; i++) {
      B *to = in + long(i) * w.scalar_columns;
      for (int c = 0; c < Hd; c++)
        for (int part = 0; part < 2; part++) {
          const B value = (part ? a.k : a.q)[c * R + row + i];    // elu(x) + 1, whose slope is 1 above 1, itself below
          to[part * w.first_key + c] = (value < B(1) ? value : B(1)) * joined(work.key_bars + (long(part) * Hd + c) * R + row + i, work.threads, key_stride);
        }
      for (int c = 0; c < HC; c++) to[w.first_value + c] = sum_of_row(w, work, direct, row + i, v0_part, c);
    }
    multiply(n, in, w.scalar_columns, layer.from_scalars_back, static_cast<const B *>(nullptr), out, F);
    for (int i = 0; i < n; i++) {
      T *to = work.bar + 4L * (atom + i) * F;
      for (int f = 0; f < F; f++) to[f] += T(out[long(i) * F + f]);
    }
    std::memset(in, 0, sizeof(B) * 3 * n * w.vector_columns);
    for (int i = 0; i < n; i++)
      for (int x = 0; x < 3; x++)
        for (int c = 0; c < HC; c++) in[(3L * i + x) * w.vector_columns + c] = sum_of_row(w, work, direct, row + i, vx_part + x, c);
    multiply(3 * n, in, w.vector_columns, layer.from_vectors_back, static_cast<const B *>(nullptr), out, F);
    for (int i = 0; i < n; i++) {
      T *to = work.bar + (4L * (atom + i) + 1) * F;
      for (int f = 0; f < 3 * F; f++) to[f] += T(out[3L * i * F + f]);
      for (int x = 0; x < 3; x++) work.x_bar[3L * (atom + i) + x] += joined(work.row_bar + x * R + row + i, work.threads, work.row_bars * R);
      for (int x = 0; x < 6 && work.strain; x++)
        work.strain[6L * (atom + i) + x] += joined(work.row_bar + (3L + x) * R + row + i, work.threads, work.row_bars * R);
    }
  }

  // ---- direct form: pairs i < j, sixteen at a time. What belongs to a pair (distance, q.k) has its lanes along j; values, sums and
  // radial functions along the channels, in records [vector of channels][part][channel_block] of each row.

  template <typename B> struct Channels {
    typedef B Vector __attribute__((vector_size(channel_block * sizeof(B)), aligned(sizeof(B)), may_alias));
  };
  template <typename B> using OfChannels = typename Channels<B>::Vector;

  template <typename B> inline OfChannels<B> channels(const B *p)
  {
    return *reinterpret_cast<const OfChannels<B> *>(p);
  }

  template <typename B> inline void set_channels(B *p, const OfChannels<B> &x)
  {
    *reinterpret_cast<OfChannels<B> *>(p) = x;
  }

  /// One layer's records, and the sums of one thread.
  template <typename B> struct Records {
    long values_width, sums_width;
    const B *values, *bars;
    B *sums;            // of values' bars in the backward
    const B *radial;    // [vectors][T][4][channel_block]
    const B *spline;    // [vectors][knots][4][2 or 4][channel_block]
    const B *value(long row) const { return values + row * values_width; }
    const B *bar(long row) const { return bars + row * sums_width; }
    B *sum(long row) const { return sums + row * sums_width; }
  };

  template <typename T, typename B> Records<B> records_of(const FmmWeights<B> &w, const FmmWork<T, B> &work, int l)
  {
    Records<B> a;
    a.values_width = long(value_parts) * w.record_channels();
    a.sums_width = long(sum_parts) * w.record_channels();
    a.values = work.values + l * work.n_rows * a.values_width;
    a.bars = work.bars;
    a.sums = work.record_sums + omp_get_thread_num() * work.n_rows * a.sums_width;
    a.radial = w.layers[l].record_radial;
    a.spline = w.layers[l].spline;
    return a;
  }

  /// Row i with those rows of a block that come after it: lanes `from` to `to`.
  template <typename B> struct Pairs {
    int from, to;
    alignas(64) B on[row_block];    // 1 for these, else 0
    alignas(64) double r[row_block];
    alignas(64) B u[3][row_block], inverse_r[row_block];    // direction from j to i
    alignas(64) B to_i[row_block], to_j[row_block];         // q_i.k_j and q_j.k_i of one head

    // of a spline: place in its interval
    alignas(64) B x[row_block];
    alignas(64) int knot[row_block];
  };

  /// Bessel functions of kappa r, where there is no spline, and their derivatives by r.
  template <typename B> struct Bessel {
    alignas(64) B j0[most_frequencies][row_block], j1[most_frequencies][row_block];
    alignas(64) B dj0[most_frequencies][row_block], dj1[most_frequencies][row_block];
  };

  template <typename B> void bessel_functions(const FmmWeights<B> &w, const Pairs<B> &pairs, bool slopes, Bessel<B> &out)
  {
    double sines[2 * row_block], cosines[2 * row_block], phase[2 * row_block], inverse_r[row_block];
    // evenly spaced frequencies: one turn more from each to the next
    const double first = w.kappa[0], step = w.T > 1 ? w.kappa[1] - w.kappa[0] : 0.0;
    for (int z = 0; z < row_block; z++) {
      phase[z] = first * pairs.r[z];
      phase[row_block + z] = step * pairs.r[z];
      inverse_r[z] = 1.0 / pairs.r[z];
    }
    sines_and_cosines(2 * row_block, phase, sines, cosines);
    const double *step_sines = sines + row_block, *step_cosines = cosines + row_block;
    for (int t = 0; t < w.T; t++) {
      const double kappa = w.kappa[t], length = kappa > 0.0 ? 1.0 / kappa : 0.0;
      B *j0s = out.j0[t], *j1s = out.j1[t], *dj0s = out.dj0[t], *dj1s = out.dj1[t];
#pragma omp simd
      for (int z = 0; z < row_block; z++) {
        const double y = kappa * pairs.r[z], y2 = y * y, inverse = length * inverse_r[z], ratio = sines[z] * inverse;
        const double series0 = 1.0 - y2 / 6.0 * (1.0 - y2 / 20.0), series1 = y / 3.0 * (1.0 - y2 / 10.0 * (1.0 - y2 / 28.0));
        const double j0 = y > 1e-2 ? ratio : series0, j1 = y > 1e-2 ? (ratio - cosines[z]) * inverse : series1;
        j0s[z] = B(j0);
        j1s[z] = B(j1);
        if (slopes) {
          dj0s[z] = B(-kappa * j1);
          dj1s[z] = B(kappa * (y > 1e-2 ? j0 - 2.0 * j1 * inverse : (1.0 - 0.3 * y2 * (1.0 - y2 * (5.0 / 84.0))) / 3.0));
        }
        const double sine = sines[z] * step_cosines[z] + cosines[z] * step_sines[z];
        cosines[z] = cosines[z] * step_cosines[z] - sines[z] * step_sines[z];
        sines[z] = sine;
      }
    }
  }

  /// Geometry of row i and the block of rows from j on; `last` is the end of the structure's atoms. False where no pair is left.
  template <bool SPLINE, typename B>
  bool make_pairs(const FmmWeights<B> &w, const double *x, long R, long i, long j, long last, bool slopes, Pairs<B> &pairs, Bessel<B> &bessel)
  {
    pairs.from = i < j ? 0 : int(i - j) + 1;
    pairs.to = last - j < row_block ? int(last - j) : row_block;
    if (pairs.from >= pairs.to) return false;
    const double xi = x[i], yi = x[R + i], zi = x[2 * R + i];
#pragma omp simd
    for (int z = 0; z < row_block; z++) {
      const bool inside = (z >= pairs.from) & (z < pairs.to);
      pairs.on[z] = inside ? B(1) : B(0);
      const double dx = inside ? xi - x[j + z] : 1.0, dy = inside ? yi - x[R + j + z] : 0.0, dz = inside ? zi - x[2 * R + j + z] : 0.0;
      const double r = std::sqrt(dx * dx + dy * dy + dz * dz);
      const B inverse = B(1) / B(r);
      pairs.r[z] = r;
      pairs.inverse_r[z] = inverse;
      pairs.u[0][z] = B(dx) * inverse;
      pairs.u[1][z] = B(dy) * inverse;
      pairs.u[2][z] = B(dz) * inverse;
    }
    if constexpr (SPLINE) {
#pragma omp simd
      for (int z = 0; z < row_block; z++) {
        const double place = pairs.r[z] * w.knots_per_length;
        pairs.knot[z] = place < w.knots ? int(place) : w.knots - 1;    // also where a position is not a number
        pairs.x[z] = B(place - double(pairs.knot[z]));
      }
    } else
      bessel_functions(w, pairs, slopes, bessel);
    return true;
  }

  /// q_i.k_j and q_j.k_i of head h; `mine` are q and k of row i, [2][Hd].
  template <typename B> inline void attention(const FmmWeights<B> &w, const Rows<B> &a, int h, const B *mine, long j, Pairs<B> &pairs)
  {
    constexpr int lanes = Simd<B>::lanes;
    const B *my_q = mine, *my_k = mine + w.Hd();
    for (int z = 0; z < row_block; z += lanes) {
      Lanes<B> to_i{}, to_j{};
      for (int e = h * w.d; e < (h + 1) * w.d; e++) {
        to_i += my_q[e] * load(a.k + e * a.rows + j + z);
        to_j += load(a.q + e * a.rows + j + z) * my_k[e];
      }
      store(pairs.to_i + z, to_i);
      store(pairs.to_j + z, to_j);
    }
  }

  template <typename B> inline void keys_of_row(const FmmWeights<B> &w, const Rows<B> &a, long i, B *mine)
  {
    for (int e = 0; e < w.Hd(); e++) {
      mine[e] = a.q[e * a.rows + i];
      mine[w.Hd() + e] = a.k[e * a.rows + i];
    }
  }

  template <typename B> inline B own_attention(const FmmWeights<B> &w, const Rows<B> &a, int h, long i)
  {
    B sum = 0;
    for (int e = h * w.d; e < (h + 1) * w.d; e++) sum += a.q[e * a.rows + i] * a.k[e * a.rows + i];
    return sum;
  }

  /// Radial functions of a vector of channels for one pair and, for those of a spline in units of its interval, their derivatives.
  template <int FUNCTIONS, bool SPLINE, bool SLOPES, typename B>
  inline void radial_functions(const FmmWeights<B> &w, const Records<B> &records, int vector, const Pairs<B> &pairs, const Bessel<B> &bessel, int z,
                               OfChannels<B> *K, OfChannels<B> *slope)
  {
    constexpr int n = channel_block;
    if constexpr (SPLINE) {
      const B *p = records.spline + (long(vector) * w.knots + pairs.knot[z]) * (4 * FUNCTIONS * n);
      const B x = pairs.x[z];
      for (int f = 0; f < FUNCTIONS; f++) {
        const auto c = [&](int power) {
          return channels(p + (power * FUNCTIONS + f) * n);
        };
        const OfChannels<B> a = c(3), b = a * x + c(2), d = b * x + c(1);
        K[f] = d * x + c(0);
        if constexpr (SLOPES) slope[f] = (a * x + b) * x + d;
      }
    } else {
      for (int f = 0; f < FUNCTIONS; f++) {
        K[f] = OfChannels<B>{};
        if constexpr (SLOPES) slope[f] = OfChannels<B>{};
      }
      for (int t = 0; t < w.T; t++)
        for (int f = 0; f < FUNCTIONS; f++) {
          const bool even = f == K0_part || f == K2_part;
          const auto weight = channels(records.radial + ((long(vector) * w.T + t) * 4 + f) * n);
          K[f] += weight * (even ? bessel.j0 : bessel.j1)[t][z];
          if constexpr (SLOPES) slope[f] += weight * (even ? bessel.dj0 : bessel.dj1)[t][z];
        }
    }
  }

  /// Sums over the channels of n vectors, n = row_block, into lanes.
  template <typename B> inline void sums_over_channels(const OfChannels<B> *x, B *out)
  {
    static_assert(channel_block == 8 && row_block == 16);
    using V = OfChannels<B>;
    for (int z = 0; z < row_block; z += 8) {
      // neighbors within halves, twice, and then the halves
      const auto joined = [](const V &x, const V &y) {
        return V(__builtin_shufflevector(x, y, 0, 2, 8, 10, 4, 6, 12, 14) + __builtin_shufflevector(x, y, 1, 3, 9, 11, 5, 7, 13, 15));
      };
      V a[2];
      for (int k = 0; k < 2; k++) {
        const V *from = x + z + 4 * k;
        a[k] = joined(joined(from[0], from[1]), joined(from[2], from[3]));
      }
      set_channels(out + z, V(__builtin_shufflevector(a[0], a[1], 0, 1, 2, 3, 8, 9, 10, 11) + __builtin_shufflevector(a[0], a[1], 4, 5, 6, 7, 12, 13, 14, 15)));
    }
  }

  /// K0 and K2 of an atom with itself, where j0 = 1.
  template <typename B> struct OwnSums {
    B a0 = 0, a2 = 0;
  };

  template <typename B> inline OwnSums<B> at_once(const FmmWeights<B> &w, const Rows<B> &a, int c)
  {
    OwnSums<B> sum;
    for (int t = 0; t < w.T; t++) {
      sum.a0 += a.radial[4L * t * w.HC() + c];
      sum.a2 += a.radial[(4L * t + 2) * w.HC() + c];
    }
    return sum;
  }

  /// Sums of rows i0 .. i1-1 with all atoms after them, both ways, and with themselves.
  template <bool VECTORS, bool SPLINE, typename B>
  void direct_forward(const FmmWeights<B> &w, const Rows<B> &a, const Records<B> &records, long i0, long i1, long last, B *scratch)
  {
    using V = OfChannels<B>;
    constexpr int n = channel_block, functions = VECTORS ? 4 : 2;
    const long R = a.rows;
    B *keys = scratch;    // [rows][2][Hd]
    for (long i = i0; i < i1; i++) keys_of_row(w, a, i, keys + (i - i0) * 2 * w.Hd());
    Pairs<B> pairs;
    Bessel<B> bessel;
    V K[functions];
    for (long j = i0 / row_block * row_block; j < last; j += row_block)
      for (long i = i0; i < i1; i++) {
        if (!make_pairs<SPLINE>(w, a.x, R, i, j, last, false, pairs, bessel)) continue;
        for (int vector = 0; vector < w.H * w.vectors(); vector++) {
          if (vector % w.vectors() == 0) attention(w, a, vector / w.vectors(), keys + (i - i0) * 2 * w.Hd(), j, pairs);
          const B *mine = records.value(i) + vector * value_parts * n;
          const V V0i = channels(mine), Vxi = channels(mine + vx_part * n), Vyi = channels(mine + vy_part * n), Vzi = channels(mine + vz_part * n);
          B *my_sums = records.sum(i) + vector * sum_parts * n;
          V s0 = channels(my_sums), s1 = channels(my_sums + s1_part * n), even[3], odd[3];
          for (int x = 0; x < 3 && VECTORS; x++) {
            even[x] = channels(my_sums + (even_part + x) * n);
            odd[x] = channels(my_sums + (odd_part + x) * n);
          }
          for (int z = pairs.from; z < pairs.to; z++) {
            const B *value = records.value(j + z) + vector * value_parts * n;
            B *sums = records.sum(j + z) + vector * sum_parts * n;
            radial_functions<functions, SPLINE, false>(w, records, vector, pairs, bessel, z, K, static_cast<V *>(nullptr));
            const V V0 = channels(value), Vx = channels(value + vx_part * n), Vy = channels(value + vy_part * n), Vz = channels(value + vz_part * n);
            const B ux = pairs.u[0][z], uy = pairs.u[1][z], uz = pairs.u[2][z], to_i = pairs.to_i[z], to_j = pairs.to_j[z];
            s0 += (to_i * K[K0_part]) * V0;
            s1 += (to_i * K[K3_part]) * (ux * Vx + uy * Vy + uz * Vz);
            set_channels(sums, V(channels(sums) + (to_j * K[K0_part]) * V0i));
            set_channels(sums + s1_part * n, V(channels(sums + s1_part * n) - (to_j * K[K3_part]) * (ux * Vxi + uy * Vyi + uz * Vzi)));
            if constexpr (VECTORS) {
              const V from_vectors = to_i * K[K2_part], from_vectors_i = to_j * K[K2_part];
              const V from_scalars = to_i * K[K1_part] * V0, from_scalars_i = to_j * K[K1_part] * V0i;
              const V in[3] = {Vx, Vy, Vz}, in_i[3] = {Vxi, Vyi, Vzi};
              const B u[3] = {ux, uy, uz};
              for (int x = 0; x < 3; x++) {
                even[x] += from_vectors * in[x];
                odd[x] += from_scalars * u[x];
                B *even_j = sums + (even_part + x) * n, *odd_j = sums + (odd_part + x) * n;
                set_channels(even_j, V(channels(even_j) + from_vectors_i * in_i[x]));
                set_channels(odd_j, V(channels(odd_j) - from_scalars_i * u[x]));
              }
            }
          }
          set_channels(my_sums, s0);
          set_channels(my_sums + s1_part * n, s1);
          for (int x = 0; x < 3 && VECTORS; x++) {
            set_channels(my_sums + (even_part + x) * n, even[x]);
            set_channels(my_sums + (odd_part + x) * n, odd[x]);
          }
        }
      }
    // the atom itself: j0 = 1, j1 = 0
    for (long i = i0; i < i1; i++)
      for (int c = 0; c < w.HC(); c++) {
        const B weight = own_attention(w, a, c / w.C, i);
        const auto [a0, a2] = at_once(w, a, c);
        const auto value = [&](int part) {
          return records.value(i)[record_place(w, c, part, value_parts)];
        };
        records.sum(i)[record_place(w, c, s0_part, sum_parts)] += weight * a0 * value(v0_part);
        for (int x = 0; x < 3 && VECTORS; x++) records.sum(i)[record_place(w, c, even_part + x, sum_parts)] += weight * a2 * value(vx_part + x);
      }
  }

  /// Bars of values, queries, keys and positions from those of the sums, of rows i0 .. i1-1 with all atoms after them and with themselves.
  template <bool VECTORS, bool SPLINE, typename B>
  void direct_backward(const FmmWeights<B> &w, const Rows<B> &a, const Records<B> &records, long i0, long i1, long last, B *scratch)
  {
    using V = OfChannels<B>;
    constexpr int n = channel_block, functions = VECTORS ? 4 : 2, lanes = Simd<B>::lanes;
    const long R = a.rows;
    const int Hd = w.Hd();
    B *keys = scratch, *key_bars = keys + direct_rows * 2 * Hd;    // [rows][2][Hd]; [rows][2][Hd][row_block]
    for (long i = i0; i < i1; i++) keys_of_row(w, a, i, keys + (i - i0) * 2 * Hd);
    std::memset(key_bars, 0, sizeof(B) * direct_rows * 2 * Hd * row_block);
    Pairs<B> pairs;
    Bessel<B> bessel;
    V K[functions], slope[functions];
    // by channels: bars of q_i.k_j and q_j.k_i of one head, of r and u; then summed, by pairs
    alignas(64) V to_i_bar[row_block] = {}, to_j_bar[row_block] = {}, r_bar[row_block] = {}, u_bar[3][row_block] = {};
    alignas(64) B to_i_sum[row_block], to_j_sum[row_block], r_sum[row_block], u_sum[3][row_block];
    for (long j = i0 / row_block * row_block; j < last; j += row_block)
      for (long i = i0; i < i1; i++) {
        if (!make_pairs<SPLINE>(w, a.x, R, i, j, last, true, pairs, bessel)) continue;
        const B *mine_keys = keys + (i - i0) * 2 * Hd;
        for (int vector = 0; vector < w.H * w.vectors(); vector++) {
          const int h = vector / w.vectors();
          const bool first_of_head = vector % w.vectors() == 0, last_of_head = (vector + 1) % w.vectors() == 0, first = vector == 0;
          if (first_of_head) attention(w, a, h, mine_keys, j, pairs);
          const B *mine = records.value(i) + vector * value_parts * n, *my_bars = records.bar(i) + vector * sum_parts * n;
          const V V0i = channels(mine), Vxi = channels(mine + vx_part * n), Vyi = channels(mine + vy_part * n), Vzi = channels(mine + vz_part * n);
          const V e0i = channels(my_bars), e1i = channels(my_bars + s1_part * n);
          B *my_sums = records.sum(i) + vector * sum_parts * n;
          V V0i_bar = channels(my_sums), Vxi_bar = channels(my_sums + vx_part * n), Vyi_bar = channels(my_sums + vy_part * n),
            Vzi_bar = channels(my_sums + vz_part * n);
          for (int z = pairs.from; z < pairs.to; z++) {
            const B *value = records.value(j + z) + vector * value_parts * n, *bars = records.bar(j + z) + vector * sum_parts * n;
            B *sums = records.sum(j + z) + vector * sum_parts * n;
            radial_functions<functions, SPLINE, true>(w, records, vector, pairs, bessel, z, K, slope);
            const V V0 = channels(value), Vx = channels(value + vx_part * n), Vy = channels(value + vy_part * n), Vz = channels(value + vz_part * n);
            const V e0 = channels(bars), e1 = channels(bars + s1_part * n);
            const B ux = pairs.u[0][z], uy = pairs.u[1][z], uz = pairs.u[2][z], to_i = pairs.to_i[z], to_j = pairs.to_j[z];

            // s0 and s1 of i, then of j, each before its factor q.k
            const V along = ux * Vx + uy * Vy + uz * Vz, along_i = ux * Vxi + uy * Vyi + uz * Vzi;
            const V even_i = K[K0_part] * e0i, odd_i = K[K3_part] * e1i, even_j = K[K0_part] * e0, odd_j = K[K3_part] * e1;
            V G_i = even_i * V0 + odd_i * along, G_j = even_j * V0i - odd_j * along_i;
            V D_i = (slope[K0_part] * e0i) * V0 + (slope[K3_part] * e1i) * along, D_j = (slope[K0_part] * e0) * V0i - (slope[K3_part] * e1) * along_i;
            const V from_i = to_i * odd_i, from_j = to_j * odd_j;
            V ux_bar = from_i * Vx - from_j * Vxi, uy_bar = from_i * Vy - from_j * Vyi, uz_bar = from_i * Vz - from_j * Vzi;
            V V0_bar = to_i * even_i, V0i_more = to_j * even_j;
            V Vx_bar = from_i * ux, Vy_bar = from_i * uy, Vz_bar = from_i * uz;
            V Vxi_less = from_j * ux, Vyi_less = from_j * uy, Vzi_less = from_j * uz;
            if constexpr (VECTORS) {
              const auto bar = [&](int part) {
                return channels(bars + part * n);
              };
              const auto my_bar = [&](int part) {
                return channels(my_bars + part * n);
              };
              const V fx = bar(even_part), fy = bar(even_part + 1), fz = bar(even_part + 2), gx = bar(odd_part), gy = bar(odd_part + 1), gz = bar(odd_part + 2);
              const V fxi = my_bar(even_part), fyi = my_bar(even_part + 1), fzi = my_bar(even_part + 2);
              const V gxi = my_bar(odd_part), gyi = my_bar(odd_part + 1), gzi = my_bar(odd_part + 2);
              const V g = ux * gx + uy * gy + uz * gz, g_i = ux * gxi + uy * gyi + uz * gzi;
              const V dot_i = Vx * fxi + Vy * fyi + Vz * fzi, dot_j = Vxi * fx + Vyi * fy + Vzi * fz;
              G_i += K[K1_part] * V0 * g_i + K[K2_part] * dot_i;
              G_j += K[K2_part] * dot_j - K[K1_part] * V0i * g;
              D_i += slope[K1_part] * V0 * g_i + slope[K2_part] * dot_i;
              D_j += slope[K2_part] * dot_j - slope[K1_part] * V0i * g;
              const V vector_i = to_i * K[K2_part], vector_j = to_j * K[K2_part], scalar_i = to_i * K[K1_part], scalar_j = to_j * K[K1_part];
              ux_bar += scalar_i * V0 * gxi - scalar_j * V0i * gx;
              uy_bar += scalar_i * V0 * gyi - scalar_j * V0i * gy;
              uz_bar += scalar_i * V0 * gzi - scalar_j * V0i * gz;
              V0_bar += scalar_i * g_i;
              V0i_more -= scalar_j * g;
              Vx_bar += vector_i * fxi;
              Vy_bar += vector_i * fyi;
              Vz_bar += vector_i * fzi;
              Vxi_less -= vector_j * fx;
              Vyi_less -= vector_j * fy;
              Vzi_less -= vector_j * fz;
            }
            set_channels(sums, V(channels(sums) + V0_bar));
            set_channels(sums + vx_part * n, V(channels(sums + vx_part * n) + Vx_bar));
            set_channels(sums + vy_part * n, V(channels(sums + vy_part * n) + Vy_bar));
            set_channels(sums + vz_part * n, V(channels(sums + vz_part * n) + Vz_bar));
            V0i_bar += V0i_more;
            Vxi_bar -= Vxi_less;
            Vyi_bar -= Vyi_less;
            Vzi_bar -= Vzi_less;
            const V D = to_i * D_i + to_j * D_j;
            to_i_bar[z] = first_of_head ? G_i : to_i_bar[z] + G_i;
            to_j_bar[z] = first_of_head ? G_j : to_j_bar[z] + G_j;
            r_bar[z] = first ? D : r_bar[z] + D;
            u_bar[0][z] = first ? ux_bar : u_bar[0][z] + ux_bar;
            u_bar[1][z] = first ? uy_bar : u_bar[1][z] + uy_bar;
            u_bar[2][z] = first ? uz_bar : u_bar[2][z] + uz_bar;
          }
          set_channels(my_sums, V0i_bar);
          set_channels(my_sums + vx_part * n, Vxi_bar);
          set_channels(my_sums + vy_part * n, Vyi_bar);
          set_channels(my_sums + vz_part * n, Vzi_bar);
          if (!last_of_head) continue;
          sums_over_channels(to_i_bar, to_i_sum);
          sums_over_channels(to_j_bar, to_j_sum);
          B *k_bar = a.k_bar + j, *q_bar = a.q_bar + j, *my_q_bar = key_bars + (i - i0) * 2 * Hd * row_block, *my_k_bar = my_q_bar + Hd * row_block;
          const B *k = a.k + j, *q = a.q + j, *my_q = mine_keys, *my_k = mine_keys + Hd;
          for (int z = 0; z < row_block; z += lanes) {
            // lanes that are off hold pairs of before
            const Lanes<B> on = load(pairs.on + z), i_bar = on * load(to_i_sum + z), j_bar = on * load(to_j_sum + z);
            for (int e = h * w.d, end = e + w.d; e < end; e++) {
              const long at = e * R + z;
              store_add(k_bar + at, i_bar * my_q[e]);
              store_add(q_bar + at, j_bar * my_k[e]);
              store_add(my_q_bar + e * row_block + z, i_bar * load(k + at));
              store_add(my_k_bar + e * row_block + z, j_bar * load(q + at));
            }
          }
        }
        sums_over_channels(r_bar, r_sum);
        for (int x = 0; x < 3; x++) sums_over_channels(u_bar[x], u_sum[x]);
        alignas(64) B g[3][row_block];
        const B per_length = SPLINE ? B(w.knots_per_length) : B(1);
#pragma omp simd
        for (int z = 0; z < row_block; z++) {
          const bool inside = pairs.on[z] > B(0);
          const B ux = pairs.u[0][z], uy = pairs.u[1][z], uz = pairs.u[2][z], inverse = pairs.inverse_r[z];
          const B along = u_sum[0][z] * ux + u_sum[1][z] * uy + u_sum[2][z] * uz, rest = r_sum[z] * per_length - along * inverse;
          g[0][z] = inside ? rest * ux + u_sum[0][z] * inverse : B(0);
          g[1][z] = inside ? rest * uy + u_sum[1][z] * inverse : B(0);
          g[2][z] = inside ? rest * uz + u_sum[2][z] * inverse : B(0);
        }
        for (int x = 0; x < 3; x++) {
          double sum = 0.0, *to = a.x_bar + x * R + j;
#pragma omp simd reduction(+ : sum)
          for (int z = 0; z < row_block; z++) {
            sum += double(g[x][z]);
            to[z] -= double(g[x][z]);
          }
          a.x_bar[x * R + i] += sum;
        }
      }
    for (long i = i0; i < i1; i++) {
      const B *my_key_bars = key_bars + (i - i0) * 2 * Hd * row_block;
      for (int e = 0; e < Hd; e++)
        for (int z = 0; z < row_block; z++) {
          a.q_bar[e * R + i] += my_key_bars[long(e) * row_block + z];
          a.k_bar[e * R + i] += my_key_bars[long(Hd + e) * row_block + z];
        }
      for (int h = 0; h < w.H; h++) {
        const B weight = own_attention(w, a, h, i);
        B weight_bar = 0;
        for (int c = h * w.C; c < (h + 1) * w.C; c++) {
          const auto [a0, a2] = at_once(w, a, c);
          const auto own = [&](B factor, int value, int sum) {
            const B bar = records.bar(i)[record_place(w, c, sum, sum_parts)];
            weight_bar += factor * records.value(i)[record_place(w, c, value, value_parts)] * bar;
            records.sum(i)[record_place(w, c, value, sum_parts)] += weight * factor * bar;
          };
          own(a0, v0_part, s0_part);
          for (int x = 0; x < 3 && VECTORS; x++) own(a2, vx_part + x, even_part + x);
        }
        for (int e = h * w.d; e < (h + 1) * w.d; e++) {
          a.q_bar[e * R + i] += weight_bar * a.k[e * R + i];
          a.k_bar[e * R + i] += weight_bar * a.q[e * R + i];
        }
      }
    }
  }

  // ---- linear form: one plane wave at a time, lanes along the atoms

  /// One wave: the rows of its structure with the cosines and sines of their phases.
  template <typename B> struct Wave {
    long first, end;
    const double *k;
    const B *u;
    int periodic;
    const B *cosines, *sines;
    B *theta_bar;              // [rows]
    B *strain;                 // [5][rows]: sums of wave_backward
    const B *weight;           // [4]
    const B *radial, *next;    // of its frequency and of the next one
  };

  /// cos and sin of the phases of a structure's rows.
  template <typename B> void phases(const double *x, long R, const double *k, long first, long end, B *cosines, B *sines)
  {
    const double kx = k[0], ky = k[1], kz = k[2];
    double theta[row_block], sine[row_block], cosine[row_block];
    for (long row = first; row < end; row += row_block) {
      for (int i = 0; i < row_block; i++) theta[i] = kx * x[row + i] + ky * x[R + row + i] + kz * x[2 * R + row + i];
      sines_and_cosines(row_block, theta, sine, cosine);
      for (int i = 0; i < row_block; i++) {
        cosines[row + i] = B(cosine[i]);
        sines[row + i] = B(sine[i]);
      }
    }
  }

  /// Element e of the values of head h, C scalars, then C vectors' components x, y, z: its channel c, its axis (-1: scalar), its rows.
  struct Value {
    int h, e, c, axis;
    long place;    // of its row in V0 or V1
  };

  template <typename B, typename Body> inline void for_each_value(const FmmWeights<B> &w, long R, const Body &body)
  {
    for (int h = 0; h < w.H; h++)
      for (int e = 0; e < 4 * w.C; e++) {
        const int c = h * w.C + e % w.C, axis = e / w.C - 1;
        body(Value{h, e, c, axis, (axis < 0 ? c : long(axis) * w.HC() + c) * R});
      }
  }

  /// The four radial weights of a wave, in the order of FmmRadial, or k times their slopes.
  template <typename B> struct WaveRadial {
    B a0, a1, a2, a3;
  };

  template <typename B> inline WaveRadial<B> radial_of(const Wave<B> &wave, int HC, int c, bool slope = false)
  {
    const B share = wave.weight[slope ? 2 : 0], next = wave.weight[slope ? 3 : 1];
    const auto part = [&](long k) {
      return share * wave.radial[k * HC + c] + next * wave.next[k * HC + c];
    };
    return {part(0), part(1), part(2), part(3)};
  }

  template <int KEYS, typename B> void wave_moments(const FmmWeights<B> &w, const Rows<B> &a, const Wave<B> &wave, B *moment)
  {
    constexpr int lanes = Simd<B>::lanes;
    using V = Lanes<B>;
    const int E = 4 * w.C, d = KEYS > 0 ? KEYS : w.d;
    const long R = a.rows;
    B *sine_moment = moment + long(w.H) * d * E;
    for_each_value(w, R, [&](const Value &at) {
      const B *value = (at.axis < 0 ? a.V0 : a.V1) + at.place;
      V c_sum[KEYS > 0 ? KEYS : most_keys], s_sum[KEYS > 0 ? KEYS : most_keys];
      for (int m = 0; m < d; m++) c_sum[m] = s_sum[m] = V{};
      for (long j = wave.first; j < wave.end; j += lanes) {
        const V x = load(value + j), c = x * load(wave.cosines + j), s = x * load(wave.sines + j);
        for (int m = 0; m < d; m++) {
          const V key = load(a.k + (long(at.h) * d + m) * R + j);
          c_sum[m] += key * c;
          s_sum[m] += key * s;
        }
      }
      for (int m = 0; m < d; m++) {
        moment[(long(at.h) * d + m) * E + at.e] = sum_of<B>(c_sum[m]);
        sine_moment[(long(at.h) * d + m) * E + at.e] = sum_of<B>(s_sum[m]);
      }
    });
  }

  template <bool VECTORS, int KEYS, typename B> void wave_forward(const FmmWeights<B> &w, const Rows<B> &a, const Wave<B> &wave, const B *moment)
  {
    constexpr int lanes = Simd<B>::lanes;
    using V = Lanes<B>;
    const int E = 4 * w.C, d = KEYS > 0 ? KEYS : w.d, HC = w.HC();
    const long R = a.rows, next = HC * R;
    const B *sine_moment = moment + long(w.H) * d * E, *u = wave.u;
    for_each_value(w, R, [&](const Value &at) {
      const auto [a0, a1, a2, a3] = radial_of(wave, HC, at.c);
      B *sums = a.sums + at.c * R;
      for (long j = wave.first; j < wave.end; j += lanes) {
        V Bc{}, Bs{};
        for (int m = 0; m < d; m++) {
          const V q = load(a.q + (long(at.h) * d + m) * R + j);
          Bc += q * moment[(long(at.h) * d + m) * E + at.e];
          Bs += q * sine_moment[(long(at.h) * d + m) * E + at.e];
        }
        const V cosine = load(wave.cosines + j), sine = load(wave.sines + j);
        const V even = cosine * Bc + sine * Bs, odd = sine * Bc - cosine * Bs;
        if (at.axis < 0) {
          store_add(sums + j, a0 * even);
          for (int x = 0; x < 3 && VECTORS; x++) store_add(sums + (5 + x) * next + j, (a1 * u[x]) * odd);
        } else {
          store_add(sums + next + j, (a3 * u[at.axis]) * odd);
          if (VECTORS) store_add(sums + (2 + at.axis) * next + j, a2 * even);
        }
      }
    });
  }

  /// Bars of a wave's moments, of the queries and, into theta_bar, of the phases of those that receive. Of a reciprocal lattice, into
  /// `strain`: the energy's part in the even terms; the sum of all terms with the weights' slopes; and for the odd terms P, with u.P theirs.
  template <bool VECTORS, int KEYS, typename B>
  void wave_backward(const FmmWeights<B> &w, const Rows<B> &a, const Wave<B> &wave, const B *moment, B *moment_bar)
  {
    constexpr int lanes = Simd<B>::lanes;
    using V = Lanes<B>;
    const int E = 4 * w.C, d = KEYS > 0 ? KEYS : w.d, HC = w.HC();
    const long R = a.rows, next = HC * R, half = long(w.H) * d * E;
    const B *u = wave.u;
    for_each_value(w, R, [&](const Value &at) {
      const auto [a0, a1, a2, a3] = radial_of(wave, HC, at.c);
      const auto slope = radial_of(wave, HC, at.c, true);
      const B *bars = a.out_bars + at.c * R;
      V c_sum[KEYS > 0 ? KEYS : most_keys], s_sum[KEYS > 0 ? KEYS : most_keys];
      for (int m = 0; m < d; m++) c_sum[m] = s_sum[m] = V{};
      for (long j = wave.first; j < wave.end; j += lanes) {
        V even_bar{}, odd_bar{};
        if (at.axis < 0) {
          even_bar = a0 * load(bars + j);
          for (int x = 0; x < 3 && VECTORS; x++) odd_bar += (a1 * u[x]) * load(bars + (5 + x) * next + j);
        } else {
          odd_bar = (a3 * u[at.axis]) * load(bars + next + j);
          if (VECTORS) even_bar = a2 * load(bars + (2 + at.axis) * next + j);
        }
        const V cosine = load(wave.cosines + j), sine = load(wave.sines + j);
        const V Bc_bar = cosine * even_bar + sine * odd_bar, Bs_bar = sine * even_bar - cosine * odd_bar;
        V Bc{}, Bs{};
        for (int m = 0; m < d; m++) {
          const long row = (long(at.h) * d + m) * R + j, place = (long(at.h) * d + m) * E + at.e;
          const V q = load(a.q + row);
          Bc += q * moment[place];
          Bs += q * moment[half + place];
          c_sum[m] += q * Bc_bar;
          s_sum[m] += q * Bs_bar;
          store_add(a.q_bar + row, Bc_bar * moment[place] + Bs_bar * moment[half + place]);
        }
        const V even = cosine * Bc + sine * Bs, odd = sine * Bc - cosine * Bs;
        store_add(wave.theta_bar + j, odd_bar * even - even_bar * odd);
        if (!wave.periodic) continue;
        store_add(wave.strain + j, even_bar * even);
        if (at.axis < 0) {
          V slopes = slope.a0 * load(bars + j) * even;
          for (int x = 0; x < 3 && VECTORS; x++) {
            const V term = load(bars + (5 + x) * next + j) * odd;
            store_add(wave.strain + (2 + x) * R + j, a1 * term);
            slopes += (slope.a1 * u[x]) * term;
          }
          store_add(wave.strain + R + j, slopes);
        } else {
          const V term = load(bars + next + j) * odd;
          store_add(wave.strain + (2 + at.axis) * R + j, a3 * term);
          V slopes = (slope.a3 * u[at.axis]) * term;
          if (VECTORS) slopes += slope.a2 * load(bars + (2 + at.axis) * next + j) * even;
          store_add(wave.strain + R + j, slopes);
        }
      }
      for (int m = 0; m < d; m++) {
        moment_bar[(long(at.h) * d + m) * E + at.e] = sum_of<B>(c_sum[m]);
        moment_bar[half + (long(at.h) * d + m) * E + at.e] = sum_of<B>(s_sum[m]);
      }
    });
  }

  /// Bars of keys, values and phases of those that send.
  template <int KEYS, typename B> void wave_sources(const FmmWeights<B> &w, const Rows<B> &a, const Wave<B> &wave, const B *moment_bar)
  {
    constexpr int lanes = Simd<B>::lanes;
    using V = Lanes<B>;
    const int E = 4 * w.C, d = KEYS > 0 ? KEYS : w.d, HC = w.HC();
    const long R = a.rows, half = long(w.H) * d * E;
    for_each_value(w, R, [&](const Value &at) {
      const B *value = (at.axis < 0 ? a.V0 : a.V1) + at.place;
      B *value_bar = (at.axis < 0 ? a.sums : a.sums + long(HC) * R) + at.place;
      for (long j = wave.first; j < wave.end; j += lanes) {
        const V cosine = load(wave.cosines + j), sine = load(wave.sines + j), x = load(value + j);
        V sum{}, turn{};
        for (int m = 0; m < d; m++) {
          const long row = (long(at.h) * d + m) * R + j;
          const B c_bar = moment_bar[(long(at.h) * d + m) * E + at.e], s_bar = moment_bar[half + (long(at.h) * d + m) * E + at.e];
          const V key = load(a.k + row), G = cosine * c_bar + sine * s_bar;
          store_add(a.k_bar + row, G * x);
          sum += key * G;
          turn += key * (cosine * s_bar - sine * c_bar);
        }
        store_add(value_bar + j, sum);
        store_add(wave.theta_bar + j, turn * x);
      }
    });
  }

  template <typename B> void add_phases(const Rows<B> &a, const Wave<B> &wave)
  {
    for (int x = 0; x < 3; x++) {
      double *out = a.x_bar + x * a.rows;
#pragma omp simd
      for (long j = wave.first; j < wave.end; j++) out[j] += wave.k[x] * double(wave.theta_bar[j]);
    }
  }

  /// dE/dstrain from the sums of wave_backward: of a weight w(k) / V, of the direction u = G / k, with dG = -strain G.
  template <typename B> void add_strain(const Rows<B> &a, const Wave<B> &wave)
  {
    constexpr int first[6] = {0, 1, 2, 0, 0, 1}, second[6] = {0, 1, 2, 1, 2, 2};
    const long R = a.rows;
    for (long j = wave.first; j < wave.end; j++) {
      double P[3], odd = 0.0;
      for (int x = 0; x < 3; x++) {
        P[x] = double(wave.strain[(2 + x) * R + j]);
        odd += double(wave.u[x]) * P[x];
      }
      const double all = double(wave.strain[j]) + odd, slopes = double(wave.strain[R + j]);
      for (int k = 0; k < 6; k++) {
        const double ua = wave.u[first[k]], ub = wave.u[second[k]];
        a.strain_bar[k * R + j] += (odd - slopes) * ua * ub - 0.5 * (P[first[k]] * ub + P[second[k]] * ua) - (k < 3 ? all : 0.0);
      }
    }
  }

  /// Calls body with the width of keys as a constant, where it is the default, or with 0: at run time.
  template <typename Body> inline void with_keys(int d, const Body &body)
  {
    if (d == 8)
      body(std::integral_constant<int, 8>());
    else
      body(std::integral_constant<int, 0>());
  }

  long rows_end(const FmmStructure &structure)
  {
    return structure.first_row + (long(structure.n_atoms) + row_block - 1) / row_block * row_block;
  }

  template <typename T, typename B> void share(const FmmWork<T, B> &work, B *values)
  {
#pragma omp barrier
    if (work.exchange) {
#pragma omp master
      work.sum(work.exchange, values, work.n_moments);
#pragma omp barrier
    }
  }

  /// Rows of structures in the direct form, shared among the threads: body(first row, end, end of the structure's rows).
  template <typename T, typename B, typename Body> void for_each_direct_block(const FmmWork<T, B> &work, const Body &body)
  {
#pragma omp for schedule(static, 1)
    for (int row = 0; row < work.n_rows; row += direct_rows) {
      const FmmStructure &structure = work.structures[work.structure_of[row / row_block]];
      const long last = structure.first_row + structure.n_atoms;
      if (structure.direct && row < last) body(row, row + direct_rows < last ? row + direct_rows : last, last);
    }
  }

  /// Waves of structures in the linear form, shared among the threads: body(wave, place of its moments).
  template <typename T, typename B, typename Body> void for_each_wave(const FmmWeights<B> &w, const FmmWork<T, B> &work, const Rows<B> &a, const Body &body)
  {
    const long R = work.n_rows, moments = 2L * w.Hd() * 4 * w.C;
    B *cosines = work.waves_of_rows + omp_get_thread_num() * work.wave_rows * R, *sines = cosines + R;
    for (int s = 0; s < work.n_structures; s++) {
      const FmmStructure &structure = work.structures[s];
      if (structure.direct) continue;
      const FmmWaves<B> &waves = work.waves[structure.waves];
      const long first = structure.first_row, end = rows_end(structure);
#pragma omp for schedule(static)
      for (int p = 0; p < waves.n; p++) {
        const double *k = waves.k + 3L * p;
        const long t = waves.frequency[p], next = t + 1 < w.T ? t + 1 : t;
        phases(a.x, R, k, first, end, cosines, sines);
        body(Wave<B>{first, end, k, waves.u + 3L * p, waves.periodic, cosines, sines, sines + R, sines + 2 * R, waves.weight + 4L * p,
                     a.radial + 4 * t * w.HC(), a.radial + 4 * next * w.HC()},
             structure.first_moment + p * moments);
      }
    }
  }

  template <bool VECTORS, typename T, typename B> void layer_sums(const FmmWeights<B> &w, const FmmWork<T, B> &work, int l, B *scratch)
  {
    const Rows<B> a = rows_of(w, work, l);
    if (work.record_sums) {
      const Records<B> records = records_of(w, work, l);
      std::memset(records.sums, 0, sizeof(B) * records.sums_width * work.n_rows);
      for_each_direct_block(work, [&](long i0, long i1, long last) {
        if (records.spline)
          direct_forward<VECTORS, true>(w, a, records, i0, i1, last, scratch);
        else
          direct_forward<VECTORS, false>(w, a, records, i0, i1, last, scratch);
      });
    }
    if (work.n_moments == 0) return;
    std::memset(a.sums, 0, sizeof(B) * 8 * w.HC() * work.n_rows);
    B *moments = work.moments + l * work.n_moments;
    for_each_wave(w, work, a, [&](const Wave<B> &wave, long place) {
      with_keys(w.d, [&](auto keys) {
        wave_moments<keys>(w, a, wave, moments + place);
      });
    });
    share(work, moments);
    for_each_wave(w, work, a, [&](const Wave<B> &wave, long place) {
      with_keys(w.d, [&](auto keys) {
        wave_forward<VECTORS, keys>(w, a, wave, moments + place);
      });
    });
  }

  template <bool VECTORS, typename T, typename B> void layer_bars(const FmmWeights<B> &w, const FmmWork<T, B> &work, int l, B *scratch)
  {
    const Rows<B> a = rows_of(w, work, l);
    const long R = work.n_rows;
    std::memset(a.q_bar, 0, sizeof(B) * 2 * w.Hd() * R);
    std::memset(a.x_bar, 0, sizeof(double) * work.row_bars * R);
    if (work.record_sums) {
      const Records<B> records = records_of(w, work, l);
      std::memset(records.sums, 0, sizeof(B) * records.sums_width * R);
      for_each_direct_block(work, [&](long i0, long i1, long last) {
        if (records.spline)
          direct_backward<VECTORS, true>(w, a, records, i0, i1, last, scratch);
        else
          direct_backward<VECTORS, false>(w, a, records, i0, i1, last, scratch);
      });
    }
    if (work.n_moments == 0) return;
    std::memset(a.sums, 0, sizeof(B) * 4 * w.HC() * R);
    const B *moments = work.moments + l * work.n_moments;
    for_each_wave(w, work, a, [&](const Wave<B> &wave, long place) {
      std::memset(wave.theta_bar + wave.first, 0, sizeof(B) * (wave.end - wave.first));
      for (int k = 0; k < 5 && wave.periodic; k++) std::memset(wave.strain + k * R + wave.first, 0, sizeof(B) * (wave.end - wave.first));
      with_keys(w.d, [&](auto keys) {
        wave_backward<VECTORS, keys>(w, a, wave, moments + place, work.moment_bars + place);
      });
      add_phases(a, wave);
      if (wave.periodic) add_strain(a, wave);
    });
    share(work, work.moment_bars);
    for_each_wave(w, work, a, [&](const Wave<B> &wave, long place) {
      std::memset(wave.theta_bar + wave.first, 0, sizeof(B) * (wave.end - wave.first));
      with_keys(w.d, [&](auto keys) {
        wave_sources<keys>(w, a, wave, work.moment_bars + place);
      });
      add_phases(a, wave);
    });
  }

  template <typename T, typename B> void forward(const FmmWeights<B> &w, const FmmWork<T, B> &work)
  {
    B *scratch = work.scratch + omp_get_thread_num() * fmm_scratch(w);
    for (int l = 0; l < w.L; l++) {
#pragma omp for schedule(static)
      for (int row = 0; row < work.n_rows; row += row_block) project(w, work, l, row, scratch);
      if (l + 1 < w.L)
        layer_sums<true>(w, work, l, scratch);
      else
        layer_sums<false>(w, work, l, scratch);
#pragma omp barrier
#pragma omp for schedule(static)
      for (int row = 0; row < work.n_rows; row += row_block) combine(w, work, l, row, scratch);
    }
  }

  template <typename T, typename B> void backward(const FmmWeights<B> &w, const FmmWork<T, B> &work)
  {
    B *scratch = work.scratch + omp_get_thread_num() * fmm_scratch(w);
#pragma omp for schedule(static)
    for (long i = 0; i < work.n_centres; i++) {
      for (int a = 0; a < 3; a++) work.x_bar[3 * i + a] = 0.0;
      for (int k = 0; k < 6 && work.strain; k++) work.strain[6 * i + k] = 0.0;
    }
    for (int l = w.L - 1; l >= 0; l--) {
#pragma omp for schedule(static)
      for (int row = 0; row < work.n_rows; row += row_block) combine_backward(w, work, l, row, scratch);
      if (l + 1 < w.L)
        layer_bars<true>(w, work, l, scratch);
      else
        layer_bars<false>(w, work, l, scratch);
#pragma omp barrier
#pragma omp for schedule(static)
      for (int row = 0; row < work.n_rows; row += row_block) project_backward(w, work, l, row, scratch);
    }
  }

}    // namespace

extern const FmmKernels MLFF_KERNELS;
const FmmKernels MLFF_KERNELS = {MLFF_STRING(MLFF_KERNELS),
                                 {forward<float, float>, backward<float, float>},
                                 {forward<float, double>, backward<float, double>},
                                 {forward<double, double>, backward<double, double>}};

}    // namespace mlff
