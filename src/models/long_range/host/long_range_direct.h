// Direct form of the long-range block: pairs i < j, sixteen at a time. What belongs to a pair
// (distance, q.k) has its lanes along j; values, sums and radial functions along the channels, in
// records [vector of channels][part][channel_block] of each row.
#pragma once

#include "models/long_range/host/long_range_rows.h"

namespace mlff {

namespace {

  template <typename B> struct Channels {
    typedef B Vector __attribute__((vector_size(channel_block * sizeof(B))));
    typedef B InMemory
        __attribute__((vector_size(channel_block * sizeof(B)), aligned(sizeof(B)), may_alias));
  };
  template <typename B> using OfChannels = typename Channels<B>::Vector;

  template <typename B> inline OfChannels<B> channels(const B *p)
  {
    return *reinterpret_cast<const typename Channels<B>::InMemory *>(p);
  }

  template <typename B> inline void set_channels(B *p, const OfChannels<B> &x)
  {
    *reinterpret_cast<typename Channels<B>::InMemory *>(p) = x;
  }

  /// One layer's records, and the sums of one thread.
  template <typename B> struct Records {
    long values_width, sums_width;
    const B *values, *bars;
    B *sums;            // the backward pass sums bars of values here
    const B *radial;    // [vectors][T][4][channel_block]
    const B *spline;    // [vectors][knots][4][2 or 4][channel_block]
    const B *value(long row) const { return values + row * values_width; }
    const B *bar(long row) const { return bars + row * sums_width; }
    B *sum(long row) const { return sums + row * sums_width; }
  };

  template <typename T, typename B>
  Records<B> records_of(const LongRangeWeights<B> &w, const LongRangeWork<T, B> &work, int l)
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

    // Places of distances in the intervals of a spline.
    alignas(64) B x[row_block];
    alignas(64) int knot[row_block];
  };

  /// Bessel functions of kappa r, where there is no spline, and their derivatives by r.
  template <typename B> struct Bessel {
    alignas(64) B j0[most_frequencies][row_block], j1[most_frequencies][row_block];
    alignas(64) B dj0[most_frequencies][row_block], dj1[most_frequencies][row_block];
  };

  template <typename B>
  void bessel_functions(const LongRangeWeights<B> &w, const Pairs<B> &pairs, bool slopes,
                        Bessel<B> &out)
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
        const BesselValues j =
            bessel_values(kappa, pairs.r[z], length * inverse_r[z], sines[z], cosines[z]);
        j0s[z] = B(j.j0);
        j1s[z] = B(j.j1);
        if (slopes) {
          dj0s[z] = B(j.slope0);
          dj1s[z] = B(j.slope1);
        }
        turn(sines[z], cosines[z], step_sines[z], step_cosines[z]);
      }
    }
  }

  /// Geometry of row i and the block of rows from j on; `last` is the end of the structure's atoms.
  /// False where no pair is left.
  template <bool SPLINE, typename B>
  bool make_pairs(const LongRangeWeights<B> &w, const double *x, long R, long i, long j, long last,
                  bool slopes, Pairs<B> &pairs, Bessel<B> &bessel)
  {
    pairs.from = i < j ? 0 : int(i - j) + 1;
    pairs.to = last - j < row_block ? int(last - j) : row_block;
    if (pairs.from >= pairs.to) return false;
    const double xi = x[i], yi = x[R + i], zi = x[2 * R + i];
#pragma omp simd
    for (int z = 0; z < row_block; z++) {
      const bool inside = (z >= pairs.from) & (z < pairs.to);
      pairs.on[z] = inside ? B(1) : B(0);
      const double dx = inside ? xi - x[j + z] : 1.0, dy = inside ? yi - x[R + j + z] : 0.0,
                   dz = inside ? zi - x[2 * R + j + z] : 0.0;
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
        pairs.knot[z] = place < w.knots ? int(place)
                                        : w.knots - 1;    // also where a position is not a number
        pairs.x[z] = B(place - double(pairs.knot[z]));
      }
    } else
      bessel_functions(w, pairs, slopes, bessel);
    return true;
  }

  /// q_i.k_j and q_j.k_i of head h; `mine` are q and k of row i, [2][Hd].
  template <typename B>
  inline void attention(const LongRangeWeights<B> &w, const Rows<B> &a, int h, const B *keys_of_i,
                        long j, Pairs<B> &pairs)
  {
    constexpr int lanes = Simd<B>::lanes;
    const B *my_q = keys_of_i, *my_k = keys_of_i + w.Hd();
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

  template <typename B>
  inline void keys_of_row(const LongRangeWeights<B> &w, const Rows<B> &a, long i, B *keys_of_i)
  {
    for (int e = 0; e < w.Hd(); e++) {
      keys_of_i[e] = a.q[e * a.rows + i];
      keys_of_i[w.Hd() + e] = a.k[e * a.rows + i];
    }
  }

  template <typename B>
  inline B own_attention(const LongRangeWeights<B> &w, const Rows<B> &a, int h, long i)
  {
    B sum = 0;
    for (int e = h * w.d; e < (h + 1) * w.d; e++) sum += a.q[e * a.rows + i] * a.k[e * a.rows + i];
    return sum;
  }

  /// Radial functions of a vector of channels for one pair and, for those of a spline in units of
  /// its interval, their derivatives.
  template <int FUNCTIONS, bool SPLINE, bool SLOPES, typename B>
  inline void radial_functions(const LongRangeWeights<B> &w, const Records<B> &records, int vector,
                               const Pairs<B> &pairs, const Bessel<B> &bessel, int z,
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
        return V(__builtin_shufflevector(x, y, 0, 2, 8, 10, 4, 6, 12, 14) +
                 __builtin_shufflevector(x, y, 1, 3, 9, 11, 5, 7, 13, 15));
      };
      V a[2];
      for (int k = 0; k < 2; k++) {
        const V *from = x + z + 4 * k;
        a[k] = joined(joined(from[0], from[1]), joined(from[2], from[3]));
      }
      set_channels(out + z,
                   V(__builtin_shufflevector(a[0], a[1], 0, 1, 2, 3, 8, 9, 10, 11) +
                     __builtin_shufflevector(a[0], a[1], 4, 5, 6, 7, 12, 13, 14, 15)));
    }
  }

  /// K0 and K2 of an atom with itself, where j0 = 1.
  template <typename B> struct OwnSums {
    B a0 = 0, a2 = 0;
  };

  template <typename B>
  inline OwnSums<B> at_once(const LongRangeWeights<B> &w, const Rows<B> &a, int c)
  {
    OwnSums<B> sum;
    for (int t = 0; t < w.T; t++) {
      sum.a0 += a.radial[4L * t * w.HC() + c];
      sum.a2 += a.radial[(4L * t + 2) * w.HC() + c];
    }
    return sum;
  }

  template <typename B> inline Values<OfChannels<B>> values_at(const B *record)
  {
    Values<OfChannels<B>> values;
    values.scalar = channels(record);
    for (int x = 0; x < 3; x++) values.vector[x] = channels(record + (vx_part + x) * channel_block);
    return values;
  }

  template <typename B> inline void set_values(B *record, const Values<OfChannels<B>> &values)
  {
    set_channels(record, values.scalar);
    for (int x = 0; x < 3; x++)
      set_channels(record + (vx_part + x) * channel_block, values.vector[x]);
  }

  template <bool VECTORS, typename B> inline Sums<OfChannels<B>> sums_at(const B *record)
  {
    Sums<OfChannels<B>> sums{};
    sums.s0 = channels(record);
    sums.s1 = channels(record + s1_part * channel_block);
    for (int x = 0; x < 3 && VECTORS; x++) {
      sums.even[x] = channels(record + (even_part + x) * channel_block);
      sums.odd[x] = channels(record + (odd_part + x) * channel_block);
    }
    return sums;
  }

  template <bool VECTORS, typename B>
  inline void set_sums(B *record, const Sums<OfChannels<B>> &sums)
  {
    set_channels(record, sums.s0);
    set_channels(record + s1_part * channel_block, sums.s1);
    for (int x = 0; x < 3 && VECTORS; x++) {
      set_channels(record + (even_part + x) * channel_block, sums.even[x]);
      set_channels(record + (odd_part + x) * channel_block, sums.odd[x]);
    }
  }

  /// Adds the contribution of an atom to itself, where j0 = 1 and j1 = 0.
  template <bool VECTORS, typename B>
  void receive_own(const LongRangeWeights<B> &w, const Rows<B> &a, const Records<B> &records,
                   long i)
  {
    for (int c = 0; c < w.HC(); c++) {
      const B weight = own_attention(w, a, c / w.C, i);
      const auto [a0, a2] = at_once(w, a, c);
      const auto value = [&](int part) {
        return records.value(i)[record_place(w, c, part, value_parts)];
      };
      records.sum(i)[record_place(w, c, s0_part, sum_parts)] += weight * a0 * value(v0_part);
      for (int x = 0; x < 3 && VECTORS; x++)
        records.sum(i)[record_place(w, c, even_part + x, sum_parts)] +=
            weight * a2 * value(vx_part + x);
    }
  }

  template <bool VECTORS, typename B>
  void receive_own_backward(const LongRangeWeights<B> &w, const Rows<B> &a,
                            const Records<B> &records, long i)
  {
    const long R = a.rows;
    for (int h = 0; h < w.H; h++) {
      const B weight = own_attention(w, a, h, i);
      B weight_bar = 0;
      for (int c = h * w.C; c < (h + 1) * w.C; c++) {
        const auto [a0, a2] = at_once(w, a, c);
        const auto add = [&](B factor, int value, int sum) {
          const B bar = records.bar(i)[record_place(w, c, sum, sum_parts)];
          weight_bar += factor * records.value(i)[record_place(w, c, value, value_parts)] * bar;
          records.sum(i)[record_place(w, c, value, sum_parts)] += weight * factor * bar;
        };
        add(a0, v0_part, s0_part);
        for (int x = 0; x < 3 && VECTORS; x++) add(a2, vx_part + x, even_part + x);
      }
      for (int e = h * w.d; e < (h + 1) * w.d; e++) {
        a.q_bar[e * R + i] += weight_bar * a.k[e * R + i];
        a.k_bar[e * R + i] += weight_bar * a.q[e * R + i];
      }
    }
  }

  /// Sums of rows i0 .. i1-1 with all atoms after them, both ways, and with themselves.
  template <bool VECTORS, bool SPLINE, typename B>
  void direct_forward(const LongRangeWeights<B> &w, const Rows<B> &a, const Records<B> &records,
                      long i0, long i1, long last, B *scratch)
  {
    using V = OfChannels<B>;
    constexpr int n = channel_block, functions = VECTORS ? 4 : 2;
    B *keys = scratch;    // [rows][2][Hd]
    for (long i = i0; i < i1; i++) keys_of_row(w, a, i, keys + (i - i0) * 2 * w.Hd());
    Pairs<B> pairs;
    Bessel<B> bessel;
    V K[functions];
    for (long j = i0 / row_block * row_block; j < last; j += row_block)
      for (long i = i0; i < i1; i++) {
        if (!make_pairs<SPLINE>(w, a.x, a.rows, i, j, last, false, pairs, bessel)) continue;
        for (int vector = 0; vector < w.H * w.vectors(); vector++) {
          if (vector % w.vectors() == 0)
            attention(w, a, vector / w.vectors(), keys + (i - i0) * 2 * w.Hd(), j, pairs);
          const auto values_of_i = values_at(records.value(i) + vector * value_parts * n);
          auto my_sums = sums_at<VECTORS>(records.sum(i) + vector * sum_parts * n);
          for (int z = pairs.from; z < pairs.to; z++) {
            const auto value = values_at(records.value(j + z) + vector * value_parts * n);
            B *place = records.sum(j + z) + vector * sum_parts * n;
            auto sums = sums_at<VECTORS>(place);
            radial_functions<functions, SPLINE, false>(w, records, vector, pairs, bessel, z, K,
                                                       static_cast<V *>(nullptr));
            const B u[3] = {pairs.u[0][z], pairs.u[1][z], pairs.u[2][z]},
                    back[3] = {-u[0], -u[1], -u[2]};
            receive<VECTORS>(K, pairs.to_i[z], u, value, my_sums);
            receive<VECTORS>(K, pairs.to_j[z], back, values_of_i, sums);
            set_sums<VECTORS>(place, sums);
          }
          set_sums<VECTORS>(records.sum(i) + vector * sum_parts * n, my_sums);
        }
      }
    for (long i = i0; i < i1; i++) receive_own<VECTORS>(w, a, records, i);
  }

  /// Bars of queries and keys of head h from those of q_i.k_j and q_j.k_i, [pair] by channels: into
  /// those of the rows j and, [2][Hd][row_block], into mine.
  template <typename B>
  void add_key_bars(const LongRangeWeights<B> &w, const Rows<B> &a, int h, const B *keys, long j,
                    const Pairs<B> &pairs, const OfChannels<B> *to_i_bar,
                    const OfChannels<B> *to_j_bar, B *key_bars_of_i)
  {
    constexpr int lanes = Simd<B>::lanes;
    const long R = a.rows;
    const int Hd = w.Hd();
    alignas(64) B to_i_sum[row_block], to_j_sum[row_block];
    sums_over_channels(to_i_bar, to_i_sum);
    sums_over_channels(to_j_bar, to_j_sum);
    B *k_bar = a.k_bar + j, *q_bar = a.q_bar + j, *my_q_bar = key_bars_of_i,
      *my_k_bar = key_bars_of_i + Hd * row_block;
    const B *k = a.k + j, *q = a.q + j, *my_q = keys, *my_k = keys + Hd;
    for (int z = 0; z < row_block; z += lanes) {
      // lanes that are off hold pairs of before
      const Lanes<B> on = load(pairs.on + z), i_bar = on * load(to_i_sum + z),
                     j_bar = on * load(to_j_sum + z);
      for (int e = h * w.d, end = e + w.d; e < end; e++) {
        const long at = e * R + z;
        store_add(k_bar + at, i_bar * my_q[e]);
        store_add(q_bar + at, j_bar * my_k[e]);
        store_add(my_q_bar + e * row_block + z, i_bar * load(k + at));
        store_add(my_k_bar + e * row_block + z, j_bar * load(q + at));
      }
    }
  }

  /// Bars of positions from those of r, in units of 1 / per_length, and of u, by channels.
  template <typename B>
  void add_position_bars(const Rows<B> &a, long i, long j, const Pairs<B> &pairs,
                         const OfChannels<B> *r_bar, const OfChannels<B> (*u_bar)[row_block],
                         B per_length)
  {
    alignas(64) B r_sum[row_block], u_sum[3][row_block], g[3][row_block];
    sums_over_channels(r_bar, r_sum);
    for (int x = 0; x < 3; x++) sums_over_channels(u_bar[x], u_sum[x]);
#pragma omp simd
    for (int z = 0; z < row_block; z++) {
      const bool inside = pairs.on[z] > B(0);
      const B ux = pairs.u[0][z], uy = pairs.u[1][z], uz = pairs.u[2][z],
              inverse = pairs.inverse_r[z];
      const B along = u_sum[0][z] * ux + u_sum[1][z] * uy + u_sum[2][z] * uz,
              rest = r_sum[z] * per_length - along * inverse;
      g[0][z] = inside ? rest * ux + u_sum[0][z] * inverse : B(0);
      g[1][z] = inside ? rest * uy + u_sum[1][z] * inverse : B(0);
      g[2][z] = inside ? rest * uz + u_sum[2][z] * inverse : B(0);
    }
    for (int x = 0; x < 3; x++) {
      double sum = 0.0, *to = a.x_bar + x * a.rows + j;
#pragma omp simd reduction(+ : sum)
      for (int z = 0; z < row_block; z++) {
        sum += double(g[x][z]);
        to[z] -= double(g[x][z]);
      }
      a.x_bar[x * a.rows + i] += sum;
    }
  }

  /// Bars of values, queries, keys and positions from those of the sums, of rows i0 .. i1-1 with
  /// all atoms after them and with themselves.
  template <bool VECTORS, bool SPLINE, typename B>
  void direct_backward(const LongRangeWeights<B> &w, const Rows<B> &a, const Records<B> &records,
                       long i0, long i1, long last, B *scratch)
  {
    using V = OfChannels<B>;
    constexpr int n = channel_block, functions = VECTORS ? 4 : 2;
    const long R = a.rows;
    const int Hd = w.Hd();
    B *keys = scratch,
      *key_bars = keys + direct_rows * 2 * Hd;    // [rows][2][Hd]; [rows][2][Hd][row_block]
    for (long i = i0; i < i1; i++) keys_of_row(w, a, i, keys + (i - i0) * 2 * Hd);
    std::memset(key_bars, 0, sizeof(B) * direct_rows * 2 * Hd * row_block);
    Pairs<B> pairs;
    Bessel<B> bessel;
    V K[functions], slope[functions];
    // Vectors of channels: bars of q_i.k_j and q_j.k_i of one head, of r and u.
    alignas(64) V to_i_bar[row_block] = {}, to_j_bar[row_block] = {}, r_bar[row_block] = {},
                  u_bar[3][row_block] = {};
    for (long j = i0 / row_block * row_block; j < last; j += row_block)
      for (long i = i0; i < i1; i++) {
        if (!make_pairs<SPLINE>(w, a.x, R, i, j, last, true, pairs, bessel)) continue;
        const B *mine_keys = keys + (i - i0) * 2 * Hd;
        for (int vector = 0; vector < w.H * w.vectors(); vector++) {
          const int h = vector / w.vectors();
          const bool first_of_head = vector % w.vectors() == 0,
                     last_of_head = (vector + 1) % w.vectors() == 0, first = vector == 0;
          if (first_of_head) attention(w, a, h, mine_keys, j, pairs);
          const auto values_of_i = values_at(records.value(i) + vector * value_parts * n);
          const auto my_bars = sums_at<VECTORS>(records.bar(i) + vector * sum_parts * n);
          auto my_value_bars = values_at(records.sum(i) + vector * sum_parts * n);
          for (int z = pairs.from; z < pairs.to; z++) {
            const auto value = values_at(records.value(j + z) + vector * value_parts * n);
            const auto bars = sums_at<VECTORS>(records.bar(j + z) + vector * sum_parts * n);
            B *place = records.sum(j + z) + vector * sum_parts * n;
            auto value_bars = values_at(place);
            radial_functions<functions, SPLINE, true>(w, records, vector, pairs, bessel, z, K,
                                                      slope);
            const B u[3] = {pairs.u[0][z], pairs.u[1][z], pairs.u[2][z]};
            V to_i, to_j, r{}, direction[3] = {};
            receive_backward<VECTORS, 1>(K, slope, pairs.to_i[z], u, value, my_bars, value_bars,
                                         direction, to_i, r);
            receive_backward<VECTORS, -1>(K, slope, pairs.to_j[z], u, values_of_i, bars,
                                          my_value_bars, direction, to_j, r);
            set_values(place, value_bars);
            to_i_bar[z] = first_of_head ? to_i : to_i_bar[z] + to_i;
            to_j_bar[z] = first_of_head ? to_j : to_j_bar[z] + to_j;
            r_bar[z] = first ? r : r_bar[z] + r;
            for (int x = 0; x < 3; x++)
              u_bar[x][z] = first ? direction[x] : u_bar[x][z] + direction[x];
          }
          set_values(records.sum(i) + vector * sum_parts * n, my_value_bars);
          if (last_of_head)
            add_key_bars(w, a, h, mine_keys, j, pairs, to_i_bar, to_j_bar,
                         key_bars + (i - i0) * 2 * Hd * row_block);
        }
        add_position_bars(a, i, j, pairs, r_bar, u_bar, SPLINE ? B(w.knots_per_length) : B(1));
      }
    for (long i = i0; i < i1; i++) {
      const B *my_key_bars = key_bars + (i - i0) * 2 * Hd * row_block;
      for (int e = 0; e < Hd; e++)
        for (int z = 0; z < row_block; z++) {
          a.q_bar[e * R + i] += my_key_bars[long(e) * row_block + z];
          a.k_bar[e * R + i] += my_key_bars[long(Hd + e) * row_block + z];
        }
      receive_own_backward<VECTORS>(w, a, records, i);
    }
  }

}    // namespace

}    // namespace mlff
