// Linear form of the long-range block: one plane wave at a time, lanes along the atoms.
#pragma once

#include "models/long_range/host/long_range_rows.h"

namespace mlff {

namespace {

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
    const B *radial, *next;    // at the frequency of a wave and at the next one
  };

  /// cos and sin of the phases of a structure's rows.
  template <typename B>
  void phases(const double *x, long R, const double *k, long first, long end, B *cosines, B *sines)
  {
    const double kx = k[0], ky = k[1], kz = k[2];
    double theta[row_block], sine[row_block], cosine[row_block];
    for (long row = first; row < end; row += row_block) {
      for (int i = 0; i < row_block; i++)
        theta[i] = kx * x[row + i] + ky * x[R + row + i] + kz * x[2 * R + row + i];
      sines_and_cosines(row_block, theta, sine, cosine);
      for (int i = 0; i < row_block; i++) {
        cosines[row + i] = B(cosine[i]);
        sines[row + i] = B(sine[i]);
      }
    }
  }

  /// Element e of the values of head h, C scalars, then C vectors' components x, y, z: its channel
  /// c, its axis (-1: scalar), its rows.
  struct Value {
    int h, e, c, axis;
    long place;    // place of the value's row in V0 or V1
  };

  template <typename B, typename Body>
  inline void for_each_value(const LongRangeWeights<B> &w, long R, const Body &body)
  {
    for (int h = 0; h < w.H; h++)
      for (int e = 0; e < 4 * w.C; e++) {
        const int c = h * w.C + e % w.C, axis = e / w.C - 1;
        body(Value{h, e, c, axis, (axis < 0 ? c : long(axis) * w.HC() + c) * R});
      }
  }

  /// The radial weights of a wave in a channel, or k times their slopes.
  template <typename B>
  inline WaveRadial<B> radial_of(const Wave<B> &wave, int HC, int c, bool slope = false)
  {
    const B share = wave.weight[slope ? 2 : 0], next = wave.weight[slope ? 3 : 1];
    const auto part = [&](long k) {
      return share * wave.radial[k * HC + c] + next * wave.next[k * HC + c];
    };
    return {part(0), part(1), part(2), part(3)};
  }

  template <int KEYS, typename B>
  void wave_moments(const LongRangeWeights<B> &w, const Rows<B> &a, const Wave<B> &wave, B *moment)
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

  template <bool VECTORS, int KEYS, typename B>
  void wave_forward(const LongRangeWeights<B> &w, const Rows<B> &a, const Wave<B> &wave,
                    const B *moment)
  {
    constexpr int lanes = Simd<B>::lanes;
    using V = Lanes<B>;
    const int E = 4 * w.C, d = KEYS > 0 ? KEYS : w.d, HC = w.HC();
    const long R = a.rows, next = HC * R;
    const B *sine_moment = moment + long(w.H) * d * E;
    for_each_value(w, R, [&](const Value &at) {
      const WaveRadial<B> radial = radial_of(wave, HC, at.c);
      B *sums = a.sums + at.c * R;
      for (long j = wave.first; j < wave.end; j += lanes) {
        V Bc{}, Bs{};
        for (int m = 0; m < d; m++) {
          const V q = load(a.q + (long(at.h) * d + m) * R + j);
          Bc += q * moment[(long(at.h) * d + m) * E + at.e];
          Bs += q * sine_moment[(long(at.h) * d + m) * E + at.e];
        }
        const auto parts = at_phase(load(wave.cosines + j), load(wave.sines + j), Bc, Bs);
        receive_wave<VECTORS>(radial, wave.u, at.axis, parts, [=](int part, const V &x) {
          store_add(sums + part * next + j, x);
        });
      }
    });
  }

  /// Bars of a wave's moments, of the queries and, into theta_bar, of the phases of those that
  /// receive. Of a reciprocal lattice, into `strain`: the energy's part in the even terms; the sum
  /// of all terms with the weights' slopes; and for the odd terms P, with u.P theirs.
  template <bool VECTORS, int KEYS, typename B>
  void wave_backward(const LongRangeWeights<B> &w, const Rows<B> &a, const Wave<B> &wave,
                     const B *moment, B *moment_bar)
  {
    constexpr int lanes = Simd<B>::lanes;
    using V = Lanes<B>;
    const int E = 4 * w.C, d = KEYS > 0 ? KEYS : w.d, HC = w.HC();
    const long R = a.rows, next = HC * R, half = long(w.H) * d * E;
    const B *u = wave.u;
    for_each_value(w, R, [&](const Value &at) {
      const WaveRadial<B> radial = radial_of(wave, HC, at.c);
      const WaveRadial<B> slope = radial_of(wave, HC, at.c, true);
      const B *bars = a.out_bars + at.c * R;
      V c_sum[KEYS > 0 ? KEYS : most_keys], s_sum[KEYS > 0 ? KEYS : most_keys];
      for (int m = 0; m < d; m++) c_sum[m] = s_sum[m] = V{};
      for (long j = wave.first; j < wave.end; j += lanes) {
        const auto bar = [=](int part) {
          return load(bars + part * next + j);
        };
        const auto [even_bar, odd_bar] = wave_bars<VECTORS, V>(radial, wave.u, at.axis, bar);
        const V cosine = load(wave.cosines + j), sine = load(wave.sines + j);
        const auto [Bc_bar, Bs_bar] = at_phase(cosine, sine, even_bar, odd_bar);
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
        const auto [even, odd] = at_phase(cosine, sine, Bc, Bs);
        store_add(wave.theta_bar + j, odd_bar * even - even_bar * odd);
        if (!wave.periodic) continue;
        store_add(wave.strain + j, even_bar * even);
        if (at.axis < 0) {
          V slopes = slope.scalar_from_scalar * load(bars + j) * even;
          for (int x = 0; x < 3 && VECTORS; x++) {
            const V term = load(bars + (5 + x) * next + j) * odd;
            store_add(wave.strain + (2 + x) * R + j, radial.vector_from_scalar * term);
            slopes += (slope.vector_from_scalar * u[x]) * term;
          }
          store_add(wave.strain + R + j, slopes);
        } else {
          const V term = load(bars + next + j) * odd;
          store_add(wave.strain + (2 + at.axis) * R + j, radial.scalar_from_vector * term);
          V slopes = (slope.scalar_from_vector * u[at.axis]) * term;
          if (VECTORS)
            slopes += slope.vector_from_vector * load(bars + (2 + at.axis) * next + j) * even;
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
  template <int KEYS, typename B>
  void wave_sources(const LongRangeWeights<B> &w, const Rows<B> &a, const Wave<B> &wave,
                    const B *moment_bar)
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
          const B c_bar = moment_bar[(long(at.h) * d + m) * E + at.e],
                  s_bar = moment_bar[half + (long(at.h) * d + m) * E + at.e];
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

  /// dE/dstrain from the sums of wave_backward.
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
        a.strain_bar[k * R + j] += (odd - slopes) * ua * ub -
            0.5 * (P[first[k]] * ub + P[second[k]] * ua) - (k < 3 ? all : 0.0);
      }
    }
  }

}    // namespace

}    // namespace mlff
