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
    B *V0 = work.V0 + long(l) * HC * a.rows + row, *V1 = work.V1 + 3L * l * HC * a.rows + row;
    for (int c = 0; c < HC; c++)
      for (int i = 0; i < row_block; i++) V0[c * a.rows + i] = i < n ? out[long(i) * w.scalar_columns + w.first_value + c] : B(0);
    for (long f = 0; f < 3L * n * F; f++) in[f] = B(work.v[3L * atom * F + f]);
    multiply(3 * n, in, F, layer.from_vectors, static_cast<const B *>(nullptr), out, w.vector_columns);
    for (int x = 0; x < 3; x++)
      for (int c = 0; c < HC; c++)
        for (int i = 0; i < row_block; i++) V1[(long(x) * HC + c) * a.rows + i] = i < n ? out[(3L * i + x) * w.vector_columns + c] : B(0);
  }

  /// Sum of the threads' parts of one channel.
  template <typename B> inline B joined(const B *values, int threads, long stride)
  {
    B sum = 0;
    for (int t = 0; t < threads; t++) sum += values[t * stride];
    return sum;
  }

  /// s += g_s W_s [s0; s1] and, but for the last layer, v += g_v W_v [v0; v1].
  template <typename T, typename B> void combine(const FmmWeights<B> &w, const FmmWork<T, B> &work, int l, int row, B *scratch)
  {
    const FmmLayerWeights<B> &layer = w.layers[l];
    const auto [atom, n] = block_of(work, row);
    const int F = w.F, HC = w.HC();
    const long R = work.n_rows, stride = 8L * HC * R;
    B *in = scratch, *out = in + 3L * atom_block * w.out_rows;
    for (int axis = -1; axis < (l + 1 < w.L ? 3 : 0); axis++) {
      const bool vectors = axis >= 0;
      for (int i = 0; i < n; i++) {
        B *to = in + long(i) * w.out_rows;
        std::memset(to, 0, sizeof(B) * w.out_rows);
        for (int c = 0; c < HC; c++) {
          to[c] = joined(work.sums + ((vectors ? 2 + axis : 0) * long(HC) + c) * R + row + i, work.threads, stride);
          to[w.first_odd + c] = joined(work.sums + ((vectors ? 5 + axis : 1) * long(HC) + c) * R + row + i, work.threads, stride);
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
    const long R = work.n_rows;
    B *in = scratch, *out = in + long(atom_block) * F;
    for (int axis = -1; axis < (l + 1 < w.L ? 3 : 0); axis++) {
      const bool vectors = axis >= 0;
      const B *gate = vectors ? layer.vector_gate : layer.scalar_gate;
      for (int i = 0; i < n; i++) {
        const T *from = work.bar + (4L * (atom + i) + 1 + axis) * F;
        for (int f = 0; f < F; f++) in[long(i) * F + f] = gate[f] * B(from[f]);
      }
      multiply(n, in, F, vectors ? layer.vector_out_back : layer.scalar_out_back, static_cast<const B *>(nullptr), out, w.out_rows);
      B *even = work.out_bars + (vectors ? 2 + axis : 0) * long(HC) * R + row, *odd = work.out_bars + (vectors ? 5 + axis : 1) * long(HC) * R + row;
      for (int c = 0; c < HC; c++)
        for (int i = 0; i < row_block; i++) {
          even[c * R + i] = i < n ? out[long(i) * w.out_rows + c] : B(0);
          odd[c * R + i] = i < n ? out[long(i) * w.out_rows + w.first_odd + c] : B(0);
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
    const long R = work.n_rows, stride = 8L * HC * R, key_stride = 2L * Hd * R;
    B *in = scratch, *out = in + long(atom_block) * (w.scalar_columns > 3 * w.vector_columns ? w.scalar_columns : 3 * w.vector_columns);
    std::memset(in, 0, sizeof(B) * n * w.scalar_columns);
    for (int i = 0; i < n; i++) {
      B *to = in + long(i) * w.scalar_columns;
      for (int c = 0; c < Hd; c++)
        for (int part = 0; part < 2; part++) {
          const B value = (part ? a.k : a.q)[c * R + row + i];    // elu(x) + 1, whose slope is 1 above 1, itself below
          to[part * w.first_key + c] = (value < B(1) ? value : B(1)) * joined(work.key_bars + (long(part) * Hd + c) * R + row + i, work.threads, key_stride);
        }
      for (int c = 0; c < HC; c++) to[w.first_value + c] = joined(work.sums + long(c) * R + row + i, work.threads, stride);
    }
    multiply(n, in, w.scalar_columns, layer.from_scalars_back, static_cast<const B *>(nullptr), out, F);
    for (int i = 0; i < n; i++) {
      T *to = work.bar + 4L * (atom + i) * F;
      for (int f = 0; f < F; f++) to[f] += T(out[long(i) * F + f]);
    }
    std::memset(in, 0, sizeof(B) * 3 * n * w.vector_columns);
    for (int i = 0; i < n; i++)
      for (int x = 0; x < 3; x++)
        for (int c = 0; c < HC; c++) in[(3L * i + x) * w.vector_columns + c] = joined(work.sums + ((1L + x) * HC + c) * R + row + i, work.threads, stride);
    multiply(3 * n, in, w.vector_columns, layer.from_vectors_back, static_cast<const B *>(nullptr), out, F);
    for (int i = 0; i < n; i++) {
      T *to = work.bar + (4L * (atom + i) + 1) * F;
      for (int f = 0; f < 3 * F; f++) to[f] += T(out[3L * i * F + f]);
      for (int x = 0; x < 3; x++) work.x_bar[3L * (atom + i) + x] += joined(work.row_bar + x * R + row + i, work.threads, work.row_bars * R);
      for (int x = 0; x < 6 && work.strain; x++)
        work.strain[6L * (atom + i) + x] += joined(work.row_bar + (3L + x) * R + row + i, work.threads, work.row_bars * R);
    }
  }

  // ---- direct form: pairs i < j, lanes along j

  template <typename B> struct Pair {
    alignas(64) B u[3][row_block], on[row_block];                                        // direction from j to i; 1 where j > i
    alignas(64) B j0[most_frequencies][row_block], j1[most_frequencies][row_block];      // of kappa r
    alignas(64) B dj0[most_frequencies][row_block], dj1[most_frequencies][row_block];    // and their derivatives by r
    double inverse_r[row_block], direction[3][row_block];
  };

  /// Geometry of row i and the lanes from row j on; `last` is the end of the structure's atoms.
  template <typename B> void pair_geometry(const FmmWeights<B> &w, const double *x, long R, long i, long j, long last, bool slopes, Pair<B> &pair)
  {
    constexpr int lanes = Simd<B>::lanes;
    double r[row_block], sines[row_block], cosines[row_block], step_sines[row_block], step_cosines[row_block];
    const double xi = x[i], yi = x[R + i], zi = x[2 * R + i];
#pragma omp simd
    for (int z = 0; z < lanes; z++) {
      const bool inside = j + z > i && j + z < last;
      const double dx = inside ? xi - x[j + z] : 1.0, dy = inside ? yi - x[R + j + z] : 0.0, dz = inside ? zi - x[2 * R + j + z] : 0.0;
      r[z] = std::sqrt(dx * dx + dy * dy + dz * dz);
      pair.on[z] = inside ? B(1) : B(0);
      const double inverse = pair.inverse_r[z] = 1.0 / r[z];
      pair.direction[0][z] = dx * inverse;
      pair.direction[1][z] = dy * inverse;
      pair.direction[2][z] = dz * inverse;
    }
    for (int a = 0; a < 3; a++)
      for (int z = 0; z < lanes; z++) pair.u[a][z] = B(pair.direction[a][z]);
    // evenly spaced frequencies: one turn more from each to the next
    const double first = w.kappa[0], step = w.T > 1 ? w.kappa[1] - w.kappa[0] : 0.0;
    double phase[2 * row_block], turned[2][2 * row_block];
    for (int z = 0; z < lanes; z++) {
      phase[z] = first * r[z];
      phase[lanes + z] = step * r[z];
    }
    sines_and_cosines(2 * lanes, phase, turned[0], turned[1]);
    for (int z = 0; z < lanes; z++) {
      sines[z] = turned[0][z];
      cosines[z] = turned[1][z];
      step_sines[z] = turned[0][lanes + z];
      step_cosines[z] = turned[1][lanes + z];
    }
    for (int t = 0; t < w.T; t++) {
      const double kappa = w.kappa[t], length = kappa > 0.0 ? 1.0 / kappa : 0.0;
      B *j0s = pair.j0[t], *j1s = pair.j1[t], *dj0s = pair.dj0[t], *dj1s = pair.dj1[t];
#pragma omp simd
      for (int z = 0; z < lanes; z++) {
        const double y = kappa * r[z], y2 = y * y, inverse = length * pair.inverse_r[z], ratio = sines[z] * inverse;
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

  template <typename B> struct Attention {
    Lanes<B> to_i, to_j;    // q_i.k_j and q_j.k_i
  };

  template <typename B> inline Attention<B> attention(const FmmWeights<B> &w, const Rows<B> &a, int h, long i, long j, const Pair<B> &pair)
  {
    Attention<B> sum{};
    for (int e = h * w.d; e < (h + 1) * w.d; e++) {
      sum.to_i += a.q[e * a.rows + i] * load(a.k + e * a.rows + j);
      sum.to_j += load(a.q + e * a.rows + j) * a.k[e * a.rows + i];
    }
    return {sum.to_i * load(pair.on), sum.to_j * load(pair.on)};
  }

  template <typename B> inline B own_attention(const FmmWeights<B> &w, const Rows<B> &a, int h, long i)
  {
    B sum = 0;
    for (int e = h * w.d; e < (h + 1) * w.d; e++) sum += a.q[e * a.rows + i] * a.k[e * a.rows + i];
    return sum;
  }

  /// Radial functions of a channel, in the order of FmmRadial; those of vectors are zero without them.
  template <typename B> struct PairSums {
    Lanes<B> K0, K1, K2, K3;
  };

  /// Those of channels c .. c+N-1, whose sums do not wait for each other.
  template <bool VECTORS, int N, typename B> inline void pair_sums(const FmmWeights<B> &w, const Rows<B> &a, int c, const Pair<B> &pair, PairSums<B> *sums)
  {
    const int HC = w.HC();
    Lanes<B> K0[N] = {}, K1[N] = {}, K2[N] = {}, K3[N] = {};
    for (int t = 0; t < w.T; t++) {
      const B *weight = a.radial + 4L * t * HC + c;
      const Lanes<B> j0 = load(pair.j0[t]), j1 = load(pair.j1[t]);
      for (int n = 0; n < N; n++) {
        K0[n] += weight[n] * j0;
        K3[n] += weight[3L * HC + n] * j1;
        if (!VECTORS) continue;
        K1[n] += weight[HC + n] * j1;
        K2[n] += weight[2L * HC + n] * j0;
      }
    }
    for (int n = 0; n < N; n++) sums[n] = {K0[n], K1[n], K2[n], K3[n]};
  }

  constexpr int most_channels = 4;    // of a block

  template <bool VECTORS, typename B> inline void pair_sums(const FmmWeights<B> &w, const Rows<B> &a, int c, int n, const Pair<B> &pair, PairSums<B> *sums)
  {
    if (n == most_channels)
      pair_sums<VECTORS, most_channels>(w, a, c, pair, sums);
    else
      for (int k = 0; k < n; k++) pair_sums<VECTORS, 1>(w, a, c + k, pair, sums + k);
  }

  /// Bars of j0 and j1 from those of n channels' sums.
  template <bool VECTORS, typename B>
  inline void add_bessel_bars(const FmmWeights<B> &w, const Rows<B> &a, int c, int n, const PairSums<B> *bars, Lanes<B> *j0_bar, Lanes<B> *j1_bar)
  {
    const int HC = w.HC();
    for (int t = 0; t < w.T; t++) {
      const B *weight = a.radial + 4L * t * HC + c;
      Lanes<B> even{}, odd{};
      for (int k = 0; k < n; k++) {
        even += weight[k] * bars[k].K0;
        odd += weight[3L * HC + k] * bars[k].K3;
        if (!VECTORS) continue;
        odd += weight[HC + k] * bars[k].K1;
        even += weight[2L * HC + k] * bars[k].K2;
      }
      j0_bar[t] += even;
      j1_bar[t] += odd;
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

  /// Sums of atom i with all atoms after it, both ways, and with itself.
  template <bool VECTORS, typename B> void direct_forward(const FmmWeights<B> &w, const Rows<B> &a, long first, long i, long last, long end, B *scratch)
  {
    constexpr int lanes = Simd<B>::lanes;
    using V = Lanes<B>;
    const int H = w.H, C = w.C, HC = H * C;
    const long R = a.rows;
    constexpr int n_sums = VECTORS ? 8 : 2;
    B *own = scratch;    // sums of i, by lanes
    std::memset(own, 0, sizeof(B) * n_sums * HC * lanes);
    Pair<B> pair;
    PairSums<B> sums_of[most_channels];
    for (long j = first + (i - first) / lanes * lanes; j < end; j += lanes) {
      pair_geometry(w, a.x, R, i, j, last, false, pair);
      const V u[3] = {load(pair.u[0]), load(pair.u[1]), load(pair.u[2])};
      for (int h = 0; h < H; h++) {
        const auto [to_i, to_j] = attention(w, a, h, i, j, pair);
        for (int c = h * C; c < (h + 1) * C; c++) {
          if ((c - h * C) % most_channels == 0) pair_sums<VECTORS>(w, a, c, (h + 1) * C - c < most_channels ? (h + 1) * C - c : most_channels, pair, sums_of);
          const auto &[K0, K1, K2, K3] = sums_of[(c - h * C) % most_channels];
          const V V0 = load(a.V0 + c * R + j);
          const V Vx = load(a.V1 + c * R + j), Vy = load(a.V1 + (HC + c) * R + j), Vz = load(a.V1 + (2L * HC + c) * R + j);
          const B V0i = a.V0[c * R + i], Vxi = a.V1[c * R + i], Vyi = a.V1[(HC + c) * R + i], Vzi = a.V1[(2L * HC + c) * R + i];
          B *sums = a.sums + c * R + j, *mine = own + long(c) * lanes;
          const long next = HC * R, next_own = long(HC) * lanes;
          store_add(mine, to_i * K0 * V0);
          store_add(sums, to_j * K0 * V0i);
          store_add(mine + next_own, to_i * K3 * (u[0] * Vx + u[1] * Vy + u[2] * Vz));
          store_add(sums + next, -(to_j * K3 * (u[0] * Vxi + u[1] * Vyi + u[2] * Vzi)));
          if (!VECTORS) continue;
          const V from_vectors = to_i * K2, from_vectors_j = to_j * K2, from_scalars = to_i * K1 * V0, from_scalars_j = to_j * K1 * V0i;
          store_add(mine + 2 * next_own, from_vectors * Vx);
          store_add(mine + 3 * next_own, from_vectors * Vy);
          store_add(mine + 4 * next_own, from_vectors * Vz);
          store_add(sums + 2 * next, from_vectors_j * Vxi);
          store_add(sums + 3 * next, from_vectors_j * Vyi);
          store_add(sums + 4 * next, from_vectors_j * Vzi);
          for (int x = 0; x < 3; x++) {
            store_add(mine + (5 + x) * next_own, from_scalars * u[x]);
            store_add(sums + (5 + x) * next, -(from_scalars_j * u[x]));
          }
        }
      }
    }
    for (int k = 0; k < n_sums; k++)
      for (int c = 0; c < HC; c++) a.sums[(long(k) * HC + c) * R + i] += sum_of<B>(load(own + (long(k) * HC + c) * lanes));
    // the atom itself: j0 = 1, j1 = 0
    for (int h = 0; h < H; h++) {
      const B weight = own_attention(w, a, h, i);
      for (int c = h * C; c < (h + 1) * C; c++) {
        const auto [a0, a2] = at_once(w, a, c);
        a.sums[c * R + i] += weight * a0 * a.V0[c * R + i];
        for (int x = 0; x < 3 && VECTORS; x++) a.sums[((2L + x) * HC + c) * R + i] += weight * a2 * a.V1[(long(x) * HC + c) * R + i];
      }
    }
  }

  template <bool VECTORS, typename B> void direct_backward(const FmmWeights<B> &w, const Rows<B> &a, long first, long i, long last, long end, B *scratch)
  {
    constexpr int lanes = Simd<B>::lanes;
    using V = Lanes<B>;
    const int H = w.H, C = w.C, d = w.d, T = w.T, HC = H * C, Hd = H * d;
    const long R = a.rows, next = HC * R;
    const B *s0_bar = a.out_bars, *s1_bar = s0_bar + next, *v0_bar = s0_bar + 2 * next, *v1_bar = s0_bar + 5 * next;
    B *V0_bar = a.sums, *V1_bar = a.sums + next;
    B *own = scratch, *own_keys = own + 4L * HC * lanes;    // bars of i, by lanes: V0, V1; q, k
    const long next_own = long(HC) * lanes;
    std::memset(own, 0, sizeof(B) * (4L * HC + 2L * Hd) * lanes);
    double xi_bar[3] = {0, 0, 0};
    Pair<B> pair;
    PairSums<B> sums_of[most_channels], bars_of[most_channels];
    V j0_bar[most_frequencies], j1_bar[most_frequencies];
    for (long j = first + (i - first) / lanes * lanes; j < end; j += lanes) {
      pair_geometry(w, a.x, R, i, j, last, true, pair);
      for (int t = 0; t < T; t++) j0_bar[t] = j1_bar[t] = V{};
      V u_bar[3] = {};
      const V u[3] = {load(pair.u[0]), load(pair.u[1]), load(pair.u[2])};
      for (int h = 0; h < H; h++) {
        const auto [to_i, to_j] = attention(w, a, h, i, j, pair);
        V to_i_bar{}, to_j_bar{};
        for (int c = h * C; c < (h + 1) * C; c++) {
          if ((c - h * C) % most_channels == 0) pair_sums<VECTORS>(w, a, c, (h + 1) * C - c < most_channels ? (h + 1) * C - c : most_channels, pair, sums_of);
          const auto &[K0, K1, K2, K3] = sums_of[(c - h * C) % most_channels];
          const long at = c * R + j, me = c * R + i;
          const V V0 = load(a.V0 + at), Vx = load(a.V1 + at), Vy = load(a.V1 + next + at), Vz = load(a.V1 + 2 * next + at);
          const B V0i = a.V0[me], Vxi = a.V1[me], Vyi = a.V1[next + me], Vzi = a.V1[2 * next + me];
          const V e0 = load(s0_bar + at), e1 = load(s1_bar + at);    // bars of j
          const B e0i = s0_bar[me], e1i = s1_bar[me];                // of i
          const V along = u[0] * Vx + u[1] * Vy + u[2] * Vz, along_i = u[0] * Vxi + u[1] * Vyi + u[2] * Vzi;
          B *mine = own + long(c) * lanes;

          // s0 and s1; K_bar before the factor q.k of each way
          V K0_i = V0 * e0i, K0_j = V0i * e0, K3_i = along * e1i, K3_j = -(along_i * e1);
          to_i_bar += K0 * K0_i + K3 * K3_i;
          to_j_bar += K0 * K0_j + K3 * K3_j;
          V V0_sum = to_i * K0 * e0i, V0i_sum = to_j * K0 * e0;
          const V odd_i = to_i * K3 * e1i, odd_j = -(to_j * K3 * e1);    // bars of u.V1
          V Vx_sum = odd_i * u[0], Vy_sum = odd_i * u[1], Vz_sum = odd_i * u[2];
          V Vxi_sum = odd_j * u[0], Vyi_sum = odd_j * u[1], Vzi_sum = odd_j * u[2];
          u_bar[0] += odd_i * Vx + odd_j * Vxi;
          u_bar[1] += odd_i * Vy + odd_j * Vyi;
          u_bar[2] += odd_i * Vz + odd_j * Vzi;
          const V K0_bar = to_i * K0_i + to_j * K0_j, K3_bar = to_i * K3_i + to_j * K3_j;
          V K1_bar{}, K2_bar{};
          if (VECTORS) {
            const V fx = load(v0_bar + at), fy = load(v0_bar + next + at), fz = load(v0_bar + 2 * next + at);
            const V gx = load(v1_bar + at), gy = load(v1_bar + next + at), gz = load(v1_bar + 2 * next + at);
            const B fxi = v0_bar[me], fyi = v0_bar[next + me], fzi = v0_bar[2 * next + me];
            const B gxi = v1_bar[me], gyi = v1_bar[next + me], gzi = v1_bar[2 * next + me];
            const V g = u[0] * gx + u[1] * gy + u[2] * gz, g_i = u[0] * gxi + u[1] * gyi + u[2] * gzi;
            const V K2_i = Vx * fxi + Vy * fyi + Vz * fzi, K2_j = fx * Vxi + fy * Vyi + fz * Vzi;
            const V K1_i = V0 * g_i, K1_j = -(g * V0i);
            to_i_bar += K1 * K1_i + K2 * K2_i;
            to_j_bar += K1 * K1_j + K2 * K2_j;
            V0_sum += to_i * K1 * g_i;
            V0i_sum -= to_j * K1 * g;
            const V vector_i = to_i * K2, vector_j = to_j * K2;
            Vx_sum += vector_i * fxi;
            Vy_sum += vector_i * fyi;
            Vz_sum += vector_i * fzi;
            Vxi_sum += vector_j * fx;
            Vyi_sum += vector_j * fy;
            Vzi_sum += vector_j * fz;
            const V scalar_i = to_i * K1 * V0, scalar_j = to_j * K1 * V0i;
            u_bar[0] += scalar_i * gxi - scalar_j * gx;
            u_bar[1] += scalar_i * gyi - scalar_j * gy;
            u_bar[2] += scalar_i * gzi - scalar_j * gz;
            K1_bar = to_i * K1_i + to_j * K1_j;
            K2_bar = to_i * K2_i + to_j * K2_j;
          }
          store_add(V0_bar + at, V0_sum);
          store_add(V1_bar + at, Vx_sum);
          store_add(V1_bar + next + at, Vy_sum);
          store_add(V1_bar + 2 * next + at, Vz_sum);
          store_add(mine, V0i_sum);
          store_add(mine + next_own, Vxi_sum);
          store_add(mine + 2 * next_own, Vyi_sum);
          store_add(mine + 3 * next_own, Vzi_sum);
          bars_of[(c - h * C) % most_channels] = {K0_bar, K1_bar, K2_bar, K3_bar};
          if ((c - h * C + 1) % most_channels == 0 || c + 1 == (h + 1) * C) {
            const int n = (c - h * C) % most_channels + 1;
            add_bessel_bars<VECTORS>(w, a, c + 1 - n, n, bars_of, j0_bar, j1_bar);
          }
        }
        to_i_bar *= load(pair.on);
        to_j_bar *= load(pair.on);
        for (int e = h * d; e < (h + 1) * d; e++) {
          store_add(a.k_bar + e * R + j, to_i_bar * a.q[e * R + i]);
          store_add(a.q_bar + e * R + j, to_j_bar * a.k[e * R + i]);
          store_add(own_keys + long(e) * lanes, to_i_bar * load(a.k + e * R + j));
          store_add(own_keys + long(Hd + e) * lanes, to_j_bar * load(a.q + e * R + j));
        }
      }
      V r_bar{};
      for (int t = 0; t < T; t++) r_bar += j0_bar[t] * load(pair.dj0[t]) + j1_bar[t] * load(pair.dj1[t]);
      alignas(64) B bars[4][row_block];
      double g[3][row_block];
      for (int x = 0; x < 3; x++) store(bars[x], u_bar[x] * load(pair.on));
      store(bars[3], r_bar * load(pair.on));
#pragma omp simd
      for (int z = 0; z < lanes; z++) {
        const double ux = pair.direction[0][z], uy = pair.direction[1][z], uz = pair.direction[2][z];
        const double along = bars[0][z] * ux + bars[1][z] * uy + bars[2][z] * uz, rest = bars[3][z] - along * pair.inverse_r[z];
        g[0][z] = rest * ux + bars[0][z] * pair.inverse_r[z];
        g[1][z] = rest * uy + bars[1][z] * pair.inverse_r[z];
        g[2][z] = rest * uz + bars[2][z] * pair.inverse_r[z];
      }
      for (int x = 0; x < 3; x++) {
        double sum = 0.0, *to = a.x_bar + x * R + j;
#pragma omp simd reduction(+ : sum)
        for (int z = 0; z < lanes; z++) {
          sum += g[x][z];
          to[z] -= g[x][z];
        }
        xi_bar[x] += sum;
      }
    }
    for (int x = 0; x < 3; x++) a.x_bar[x * R + i] += xi_bar[x];
    for (int k = 0; k < 4; k++)
      for (int c = 0; c < HC; c++) a.sums[(long(k) * HC + c) * R + i] += sum_of<B>(load(own + (long(k) * HC + c) * lanes));
    for (int e = 0; e < Hd; e++) {
      a.q_bar[e * R + i] += sum_of<B>(load(own_keys + long(e) * lanes));
      a.k_bar[e * R + i] += sum_of<B>(load(own_keys + long(Hd + e) * lanes));
    }
    for (int h = 0; h < H; h++) {
      const B weight = own_attention(w, a, h, i);
      B weight_bar = 0;
      for (int c = h * C; c < (h + 1) * C; c++) {
        const auto [a0, a2] = at_once(w, a, c);
        const long me = c * R + i;
        weight_bar += a0 * a.V0[me] * s0_bar[me];
        V0_bar[me] += weight * a0 * s0_bar[me];
        for (int x = 0; x < 3 && VECTORS; x++) {
          weight_bar += a2 * a.V1[x * next + me] * v0_bar[x * next + me];
          V1_bar[x * next + me] += weight * a2 * v0_bar[x * next + me];
        }
      }
      for (int e = h * d; e < (h + 1) * d; e++) {
        a.q_bar[e * R + i] += weight_bar * a.k[e * R + i];
        a.k_bar[e * R + i] += weight_bar * a.q[e * R + i];
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

  /// Rows of structures in the direct form, shared among the threads: body(first row, row, last atom's end, end of the rows).
  template <typename T, typename B, typename Body> void for_each_direct_row(const FmmWork<T, B> &work, const Body &body)
  {
#pragma omp for schedule(static, 1)
    for (int row = 0; row < work.n_rows; row++) {
      const FmmStructure &structure = work.structures[work.structure_of[row / row_block]];
      const long last = structure.first_row + structure.n_atoms;
      if (structure.direct && row < last) body(structure.first_row, row, last, rows_end(structure));
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
    std::memset(a.sums, 0, sizeof(B) * 8 * w.HC() * work.n_rows);
    for_each_direct_row(work, [&](long first, long row, long last, long end) {
      direct_forward<VECTORS>(w, a, first, row, last, end, scratch);
    });
    if (work.n_moments == 0) return;
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
    std::memset(a.sums, 0, sizeof(B) * 4 * w.HC() * R);
    std::memset(a.q_bar, 0, sizeof(B) * 2 * w.Hd() * R);
    std::memset(a.x_bar, 0, sizeof(double) * work.row_bars * R);
    for_each_direct_row(work, [&](long first, long row, long last, long end) {
      direct_backward<VECTORS>(w, a, first, row, last, end, scratch);
    });
    if (work.n_moments == 0) return;
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
