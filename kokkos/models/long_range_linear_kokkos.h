// Linear form of the long-range block on a Kokkos device. Moments: one team a plane wave, with
// cosines and sines of a tile of atoms in scratch memory. What atoms receive and send: a thread has
// an atom (or `lanes` of them) and a head, with the waves in as many chunks as keep the device
// busy; chunks are summed afterwards.
#pragma once

#include "kokkos/models/long_range_rows_kokkos.h"

namespace mlff {

/// A wave's element of `values` bars or of what moments are made of, at a row.
template <bool VECTORS, typename B, int LANES>
KOKKOS_INLINE_FUNCTION WaveParts<B> wave_bars_at(const DeviceRows<B, LANES> &a,
                                                 const WaveRadial<B> &radial, const B *u,
                                                 const ValueElement &at, long row)
{
  const B *bars = a.bars + at.c * a.R + row;
  const long next = a.HC * a.R;
  return wave_bars<VECTORS, B>(radial, u, at.axis, [=](int part) {
    return bars[part * next];
  });
}

/// Terms of one value for the derivative by the strain of a cell, from its parts and the slopes of
/// its radial weights. Returns the sum of all terms with the slopes; add_odd(x, P_x) gets the odd
/// terms, which are u.P.
template <bool VECTORS, typename V, typename B, typename Bar, typename AddOdd>
KOKKOS_INLINE_FUNCTION V wave_slopes(const WaveRadial<B> &a, const WaveRadial<B> &slope, const B *u,
                                     int axis, const WaveParts<V> &parts, const Bar &bar,
                                     const AddOdd &add_odd)
{
  V slopes{};
  if (axis < 0) {
    slopes = slope.scalar_from_scalar * bar(s0_part) * parts.even;
    for (int x = 0; x < 3 && VECTORS; x++) {
      const V term = bar(odd_part + x) * parts.odd;
      add_odd(x, a.vector_from_scalar * term);
      slopes += (slope.vector_from_scalar * u[x]) * term;
    }
  } else {
    const V term = bar(s1_part) * parts.odd;
    add_odd(axis, a.scalar_from_vector * term);
    slopes = (slope.scalar_from_vector * u[axis]) * term;
    if (VECTORS) slopes += slope.vector_from_vector * bar(even_part + axis) * parts.even;
  }
  return slopes;
}

/// Component k (xx, yy, zz, xy, xz, yz) of dE/dstrain of a wave of a reciprocal lattice: of a
/// weight w(k) / V and of the direction u = G / k, with dG = -strain G. `even` is the energy's
/// part in the even terms, u.P that in the odd ones.
KOKKOS_INLINE_FUNCTION double wave_strain(int k, const double *u, const double *P, double even,
                                          double slopes)
{
  const int first = k < 3 ? k : k == 5 ? 1 : 0, second = k < 3 ? k : k == 3 ? 1 : 2;
  const double odd = u[0] * P[0] + u[1] * P[1] + u[2] * P[2];
  return (odd - slopes) * u[first] * u[second] -
      0.5 * (P[first] * u[second] + P[second] * u[first]) - (k < 3 ? even + odd : 0.0);
}

/// Moments of each plane wave, sum_j cos, sin k_j V_j, or, with BARS, their bars from those that
/// receive, sum_i q_i B_bar.
template <class Device, typename B, bool BARS, bool VECTORS> struct WaveMoments {
  static constexpr int lanes = device_lanes<Device>;
  static constexpr int warp = lanes > 1 ? 1 : 32;       // threads that share one sum
  static constexpr int keys_at_once = 4;                // number of keys in one sum
  static constexpr int tile = lanes > 1 ? 512 : 256;    // atoms in scratch memory
  using Member = typename Kokkos::TeamPolicy<Device>::member_type;
  using KeySums = FewSums<B, 2 * keys_at_once>;

  DeviceRows<B, lanes> a;
  B *out;    // [waves of structures][2][H][d][4C]
  int level = 0;

  static std::size_t bytes() { return 2 * sizeof(B) * tile; }

  /// A tile of a structure's atoms at the phases of a wave.
  struct Tile {
    long wave, start;
    int blocks;    // blocks of lanes
    const B *cosines, *sines;
  };

  /// One sum: a value and up to keys_at_once keys of a head.
  struct Item {
    int h, e, m0, count;
    ValueElement at;

    KOKKOS_INLINE_FUNCTION Item(int number, int d, int C) :
        h(number / (4 * C * key_chunks(d))), e(number / key_chunks(d) % (4 * C)),
        m0(number % key_chunks(d) * keys_at_once),
        count(d - m0 < keys_at_once ? d - m0 : keys_at_once), at(h, e, C)
    {
    }
  };

  static KOKKOS_INLINE_FUNCTION int key_chunks(int d)
  {
    return (d + keys_at_once - 1) / keys_at_once;
  }

  KOKKOS_INLINE_FUNCTION void operator()(const Member &team) const
  {
    const DeviceStructure &structure = a.find(by_wave, team.league_rank());
    const long wave = structure.first_of_set + team.league_rank() - structure.first_wave,
               first = structure.first_row,
               end = first + long(structure.n_atoms + lanes - 1) / lanes * lanes,
               half = 4L * a.H * a.d * a.C;
    B *moment = out + team.league_rank() * 2 * half;
    B *cosines = static_cast<B *>(team.team_scratch(level).get_shmem(2 * sizeof(B) * tile)),
      *sines = cosines + tile;
    for (long start = first; start == first || start < end; start += tile) {
      const int blocks = int((end - start < tile ? end - start : tile) / lanes);
      team.team_barrier();
      Kokkos::parallel_for(Kokkos::TeamVectorRange(team, blocks), [&](const int block) {
        a.phases(wave, start + block * lanes, cosines + block * lanes, sines + block * lanes);
      });
      team.team_barrier();
      const Tile atoms{wave, start, blocks, cosines, sines};
      const int items = a.H * 4 * a.C * key_chunks(a.d);
      Kokkos::parallel_for(Kokkos::TeamThreadRange(team, items), [&](const int number) {
        const Item item(number, a.d, a.C);
        KeySums total;
        Kokkos::parallel_reduce(
            Kokkos::ThreadVectorRange(team, warp),
            [&](const int lane, KeySums &sum) {
              sum_atoms(item, atoms, lane, sum);
            },
            Kokkos::Sum<KeySums>(total));
        Kokkos::single(Kokkos::PerThread(team), [&]() {
          for (int m = 0; m < item.count; m++) {
            B *to = moment + (long(item.h) * a.d + item.m0 + m) * 4 * a.C + item.e;
            to[0] = total.v[m] + (start > first ? to[0] : B(0));
            to[half] = total.v[keys_at_once + m] + (start > first ? to[half] : B(0));
          }
        });
      });
    }
  }

  /// Every warp-th block of a tile.
  KOKKOS_INLINE_FUNCTION void sum_atoms(const Item &item, const Tile &atoms, int first,
                                        KeySums &sum) const
  {
    constexpr int K = keys_at_once;
    const B *key[K];    // the last ones of a head again, without an effect
    for (int m = 0; m < K; m++)
      key[m] = (BARS ? a.q : a.k) +
          (long(item.h) * a.d + item.m0 + (m < item.count ? m : item.count - 1)) * a.R;
    const B *u = a.wave_u + 3 * atoms.wave;
    WaveRadial<B> radial{};
    if (BARS) radial = a.radial_of(atoms.wave, item.at.c, false);
    B lane_sums[2 * K][lanes];
    for (int m = 0; m < 2 * K; m++)
#pragma omp simd
      for (int z = 0; z < lanes; z++) lane_sums[m][z] = B(0);
    for (int block = first; block < atoms.blocks; block += warp) {
      const long j = atoms.start + block * lanes;
      const B *cosine = atoms.cosines + block * lanes, *sine = atoms.sines + block * lanes;
      B even[lanes], odd[lanes];    // factors of the cosines and sines of the keys
#pragma omp simd
      for (int z = 0; z < lanes; z++) {
        if constexpr (BARS) {
          const WaveParts<B> bars = wave_bars_at<VECTORS>(a, radial, u, item.at, j + z);
          const WaveParts<B> moments = at_phase(cosine[z], sine[z], bars.even, bars.odd);
          even[z] = moments.even;
          odd[z] = moments.odd;
        } else {
          const B value = item.at.axis < 0
              ? a.V0[item.at.c * a.R + j + z]
              : a.V1[(long(item.at.axis) * a.HC + item.at.c) * a.R + j + z];
          even[z] = cosine[z] * value;
          odd[z] = sine[z] * value;
        }
      }
      for (int m = 0; m < K; m++)
#pragma omp simd
        for (int z = 0; z < lanes; z++) {
          const B weight = key[m][j + z];
          lane_sums[m][z] += weight * even[z];
          lane_sums[K + m][z] += weight * odd[z];
        }
    }
    for (int m = 0; m < 2 * K; m++)
      for (int z = 0; z < lanes; z++) sum.v[m] += lane_sums[m][z];
  }
};

/// A chunk of a structure's waves for a tile of its atoms.
struct WaveChunk {
  long base, last;      // first row of the tile; end of the structure's atoms
  int number;           // number of the chunk
  int first, end;       // waves of the structure
  long first_of_set;    // place of its set in the arrays of waves
  int first_wave;       // number of the first wave among those of all structures
  bool periodic;

  template <typename Rows>
  KOKKOS_INLINE_FUNCTION WaveChunk(const Rows &a, int team, int chunks, int atoms_of_tile)
  {
    const int tile = team / chunks;
    const DeviceStructure &structure = a.find(by_tile, tile);
    number = team % chunks;
    base = structure.first_row + long(tile - structure.first_tile) * atoms_of_tile;
    last = structure.first_row + structure.n_atoms;
    first = int(long(structure.n_waves) * number / chunks);
    end = int(long(structure.n_waves) * (number + 1) / chunks);
    first_of_set = structure.first_of_set;
    first_wave = structure.first_wave;
    periodic = structure.periodic;
  }
};

/// Common part of the kernels below: body(chunk, head, row, place in the tile) by threads that
/// share nothing. KEYS: the width of keys where it is the default, or 0: at run time.
template <class Device, typename B, int KEYS> struct WaveRows {
  static constexpr int lanes = device_lanes<Device>;
  static constexpr int most_keys = KEYS > 0 ? KEYS : most_device_keys;
  using Member = typename Kokkos::TeamPolicy<Device>::member_type;

  DeviceRows<B, lanes> a;
  int groups, chunks;
  int level = 0;

  KOKKOS_INLINE_FUNCTION int tile() const { return groups * lanes; }
  KOKKOS_INLINE_FUNCTION int keys() const { return KEYS > 0 ? KEYS : a.d; }
  /// Values of a head: scalars, then vectors.
  KOKKOS_INLINE_FUNCTION int elements() const { return 4 * a.C; }
  KOKKOS_INLINE_FUNCTION long half_moments() const { return long(a.H) * keys() * elements(); }

  /// Moments of a head at a wave of a chunk.
  KOKKOS_INLINE_FUNCTION const B *moments_of(const B *moments, const WaveChunk &chunk, int wave,
                                             int h) const
  {
    return moments + (chunk.first_wave + wave) * 2 * half_moments() + long(h) * keys() * elements();
  }

  template <typename Body>
  KOKKOS_INLINE_FUNCTION void for_each_head(const Member &team, const Body &body) const
  {
    const WaveChunk chunk(a, team.league_rank(), chunks, tile());
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, a.H * groups), [&](const int item) {
      const int at = item % groups * lanes;
      if (chunk.base + at < chunk.last) body(chunk, item / groups, chunk.base + at, at);
    });
  }

  /// q or k of head h at `lanes` rows.
  KOKKOS_INLINE_FUNCTION void load_keys(const B *from, int h, long row, B (*to)[lanes]) const
  {
    for (int m = 0; m < keys(); m++)
#pragma omp simd
      for (int z = 0; z < lanes; z++) to[m][z] = from[(long(h) * keys() + m) * a.R + row + z];
  }

  /// Row m of a part with n rows a head, of chunks of waves.
  KOKKOS_INLINE_FUNCTION long part_row(const WaveChunk &chunk, int h, int n, int m) const
  {
    return ((chunk.number * long(a.H) + h) * n + m) * a.R;
  }

  /// x += kappa u times the bar of the phase.
  KOKKOS_INLINE_FUNCTION void add_phases(long wave, const B *theta_bar,
                                         double (*x_sum)[lanes]) const
  {
    const double *kappa_u = a.wave_k + 3 * wave;
    for (int x = 0; x < 3; x++)
#pragma omp simd
      for (int z = 0; z < lanes; z++) x_sum[x][z] += kappa_u[x] * double(theta_bar[z]);
  }
};

template <int LANES, typename B> KOKKOS_INLINE_FUNCTION void clear_lanes(B (*rows)[LANES], int n)
{
  for (int m = 0; m < n; m++)
#pragma omp simd
    for (int z = 0; z < LANES; z++) rows[m][z] = B(0);
}

template <int LANES, typename B> KOKKOS_INLINE_FUNCTION void store_lanes(const B *from, B *to)
{
#pragma omp simd
  for (int z = 0; z < LANES; z++) to[z] = from[z];
}

/// Adds the terms that atoms receive from a chunk of the waves.
template <class Device, typename B, bool VECTORS, int KEYS>
struct ReceiveWaves : WaveRows<Device, B, KEYS> {
  using Base = WaveRows<Device, B, KEYS>;
  using Base::a, Base::lanes;
  static constexpr int n_sums = VECTORS ? sum_parts : even_part;

  B *out;    // [chunks][8][HC][R]

  std::size_t bytes() const { return sizeof(B) * n_sums * a.HC * this->tile(); }

  KOKKOS_INLINE_FUNCTION void operator()(const typename Base::Member &team) const
  {
    // [n_sums][HC][tile]; every thread keeps to its own columns
    B *sums = static_cast<B *>(
        team.team_scratch(this->level).get_shmem(sizeof(B) * n_sums * a.HC * this->tile()));
    this->for_each_head(team, [&](const WaveChunk &chunk, int h, long row, int at) {
      receive_head(chunk, h, row, sums + at);
    });
  }

  KOKKOS_INLINE_FUNCTION void receive_head(const WaveChunk &chunk, int h, long row, B *sums) const
  {
    const int tile = this->tile();
    B query[Base::most_keys][lanes];
    this->load_keys(a.q, h, row, query);
    for (int part = 0; part < n_sums; part++)
      for (int c = h * a.C; c < (h + 1) * a.C; c++)
#pragma omp simd
        for (int z = 0; z < lanes; z++) sums[(part * long(a.HC) + c) * tile + z] = B(0);
    for (int p = chunk.first; p < chunk.end; p++)
      add_wave(chunk.first_of_set + p, this->moments_of(a.moments, chunk, p, h), h, row, query,
               sums);
    for (int part = 0; part < n_sums; part++)
      for (int c = h * a.C; c < (h + 1) * a.C; c++)
        store_lanes<lanes>(sums + (part * long(a.HC) + c) * tile,
                           out + ((long(chunk.number) * sum_parts + part) * a.HC + c) * a.R + row);
  }

  KOKKOS_INLINE_FUNCTION void add_wave(long wave, const B *moment, int h, long row,
                                       const B (*query)[lanes], B *sums) const
  {
    const int E = this->elements(), tile = this->tile();
    const long half = this->half_moments(), next = long(a.HC) * tile;
    const B *u = a.wave_u + 3 * wave;
    B cosine[lanes], sine[lanes];
    a.phases(wave, row, cosine, sine);
    for (int e = 0; e < E; e++) {
      const ValueElement at(h, e, a.C);
      const WaveRadial<B> radial = a.radial_of(wave, at.c, false);
      B Bc[lanes] = {}, Bs[lanes] = {};
      for (int m = 0; m < this->keys(); m++) {
        const B Mc = moment[m * E + e], Ms = moment[half + m * E + e];
#pragma omp simd
        for (int z = 0; z < lanes; z++) {
          Bc[z] += query[m][z] * Mc;
          Bs[z] += query[m][z] * Ms;
        }
      }
      B *element_sums = sums + long(at.c) * tile;
#pragma omp simd
      for (int z = 0; z < lanes; z++)
        receive_wave<VECTORS>(radial, u, at.axis, at_phase(cosine[z], sine[z], Bc[z], Bs[z]),
                              [=](int part, B x) {
                                element_sums[part * next + z] += x;
                              });
    }
  }
};

/// Bars of queries and of the phases of those that receive and, of a reciprocal lattice, the
/// derivative by the strain.
template <class Device, typename B, bool VECTORS, int KEYS>
struct ReceiveWavesBackward : WaveRows<Device, B, KEYS> {
  using Base = WaveRows<Device, B, KEYS>;
  using Base::a, Base::lanes;

  B *q_out;                      // [chunks][H][d][R]
  double *x_out, *strain_out;    // [chunks][H][3][R], [chunks][H][6][R]

  static std::size_t bytes() { return 0; }

  /// Terms of one wave: the bar of the phase; even terms; all terms with slopes of weights; P, with
  /// u.P the odd terms.
  struct Terms {
    B theta_bar[lanes], even[lanes], slopes[lanes], P[3][lanes];

    KOKKOS_INLINE_FUNCTION Terms()
    {
#pragma omp simd
      for (int z = 0; z < lanes; z++)
        theta_bar[z] = even[z] = slopes[z] = P[0][z] = P[1][z] = P[2][z] = B(0);
    }
  };

  KOKKOS_INLINE_FUNCTION void operator()(const typename Base::Member &team) const
  {
    this->for_each_head(team, [&](const WaveChunk &chunk, int h, long row, int) {
      head_bars(chunk, h, row);
    });
  }

  KOKKOS_INLINE_FUNCTION void head_bars(const WaveChunk &chunk, int h, long row) const
  {
    B query[Base::most_keys][lanes], query_bar[Base::most_keys][lanes];
    double x_sum[3][lanes], strain_sum[6][lanes];
    this->load_keys(a.q, h, row, query);
    clear_lanes<lanes>(query_bar, this->keys());
    clear_lanes<lanes>(x_sum, 3);
    clear_lanes<lanes>(strain_sum, 6);
    for (int p = chunk.first; p < chunk.end; p++) {
      const long wave = chunk.first_of_set + p;
      const B *moment = this->moments_of(a.moments, chunk, p, h);
      B cosine[lanes], sine[lanes];
      Terms terms;
      a.phases(wave, row, cosine, sine);
      for (int e = 0; e < this->elements(); e++)
        add_element(wave, moment, h, e, row, chunk.periodic, cosine, sine, query, query_bar, terms);
      this->add_phases(wave, terms.theta_bar, x_sum);
      if (chunk.periodic) add_strain(wave, terms, strain_sum);
    }
    for (int m = 0; m < this->keys(); m++)
      store_lanes<lanes>(query_bar[m], q_out + this->part_row(chunk, h, this->keys(), m) + row);
    for (int x = 0; x < 3; x++)
      store_lanes<lanes>(x_sum[x], x_out + this->part_row(chunk, h, 3, x) + row);
    for (int x = 0; x < 6 && chunk.periodic; x++)
      store_lanes<lanes>(strain_sum[x], strain_out + this->part_row(chunk, h, 6, x) + row);
  }

  /// Adds the terms of one value at the phases of a wave.
  KOKKOS_INLINE_FUNCTION void add_element(long wave, const B *moment, int h, int e, long row,
                                          bool periodic, const B *cosine, const B *sine,
                                          const B (*query)[lanes], B (*query_bar)[lanes],
                                          Terms &terms) const
  {
    const int E = this->elements();
    const long half = this->half_moments();
    const ValueElement at(h, e, a.C);
    const WaveRadial<B> radial = a.radial_of(wave, at.c, false);
    const B *u = a.wave_u + 3 * wave;
    B Bc[lanes], Bs[lanes], Bc_bar[lanes], Bs_bar[lanes], even_bar[lanes], odd_bar[lanes];
#pragma omp simd
    for (int z = 0; z < lanes; z++) {
      const WaveParts<B> bars = wave_bars_at<VECTORS>(a, radial, u, at, row + z);
      const WaveParts<B> moment_bars = at_phase(cosine[z], sine[z], bars.even, bars.odd);
      even_bar[z] = bars.even;
      odd_bar[z] = bars.odd;
      Bc_bar[z] = moment_bars.even;
      Bs_bar[z] = moment_bars.odd;
      Bc[z] = Bs[z] = B(0);
    }
    for (int m = 0; m < this->keys(); m++) {
      const B Mc = moment[m * E + e], Ms = moment[half + m * E + e];
#pragma omp simd
      for (int z = 0; z < lanes; z++) {
        Bc[z] += query[m][z] * Mc;
        Bs[z] += query[m][z] * Ms;
        query_bar[m][z] += Bc_bar[z] * Mc + Bs_bar[z] * Ms;
      }
    }
#pragma omp simd
    for (int z = 0; z < lanes; z++) {
      const WaveParts<B> parts = at_phase(cosine[z], sine[z], Bc[z], Bs[z]);
      terms.theta_bar[z] += odd_bar[z] * parts.even - even_bar[z] * parts.odd;
    }
    if (!periodic) return;
    const WaveRadial<B> slope = a.radial_of(wave, at.c, true);
    const B *bars = a.bars + at.c * a.R + row;
    const long next = a.HC * a.R;
#pragma omp simd
    for (int z = 0; z < lanes; z++) {
      const WaveParts<B> parts = at_phase(cosine[z], sine[z], Bc[z], Bs[z]);
      terms.even[z] += even_bar[z] * parts.even;
      terms.slopes[z] += wave_slopes<VECTORS>(
          radial, slope, u, at.axis, parts,
          [=](int part) {
            return bars[part * next + z];
          },
          [&](int x, B term) {
            terms.P[x][z] += term;
          });
    }
  }

  KOKKOS_INLINE_FUNCTION void add_strain(long wave, const Terms &terms,
                                         double (*strain_sum)[lanes]) const
  {
    const B *wave_u = a.wave_u + 3 * wave;
    const double u[3] = {double(wave_u[0]), double(wave_u[1]), double(wave_u[2])};
#pragma omp simd
    for (int z = 0; z < lanes; z++) {
      const double P[3] = {double(terms.P[0][z]), double(terms.P[1][z]), double(terms.P[2][z])};
      for (int k = 0; k < 6; k++)
        strain_sum[k][z] += wave_strain(k, u, P, double(terms.even[z]), double(terms.slopes[z]));
    }
  }
};

/// Bars of keys, values and of the phases of those that send.
template <class Device, typename B, int KEYS> struct SendWavesBackward : WaveRows<Device, B, KEYS> {
  using Base = WaveRows<Device, B, KEYS>;
  using Base::a, Base::lanes;

  const B *moment_bars;
  B *k_out, *V_out;    // [chunks][H][d][R], [chunks][4][HC][R]
  double *x_out;       // [chunks][H][3][R], added to

  std::size_t bytes() const { return sizeof(B) * value_parts * a.HC * this->tile(); }

  KOKKOS_INLINE_FUNCTION void operator()(const typename Base::Member &team) const
  {
    // [elements of all heads][tile]; every thread keeps to its own columns
    B *sums = static_cast<B *>(
        team.team_scratch(this->level).get_shmem(sizeof(B) * value_parts * a.HC * this->tile()));
    this->for_each_head(team, [&](const WaveChunk &chunk, int h, long row, int at) {
      head_bars(chunk, h, row, sums + long(h) * this->elements() * this->tile() + at);
    });
  }

  KOKKOS_INLINE_FUNCTION void head_bars(const WaveChunk &chunk, int h, long row, B *sums) const
  {
    const int E = this->elements(), tile = this->tile();
    B key[Base::most_keys][lanes], key_bar[Base::most_keys][lanes];
    double x_sum[3][lanes];
    this->load_keys(a.k, h, row, key);
    clear_lanes<lanes>(key_bar, this->keys());
    clear_lanes<lanes>(x_sum, 3);
    for (int e = 0; e < E; e++)
#pragma omp simd
      for (int z = 0; z < lanes; z++) sums[long(e) * tile + z] = B(0);
    for (int p = chunk.first; p < chunk.end; p++)
      add_wave(chunk.first_of_set + p, this->moments_of(moment_bars, chunk, p, h), h, row, key,
               key_bar, sums, x_sum);
    for (int m = 0; m < this->keys(); m++)
      store_lanes<lanes>(key_bar[m], k_out + this->part_row(chunk, h, this->keys(), m) + row);
    for (int e = 0; e < E; e++) {
      const ValueElement at(h, e, a.C);
      store_lanes<lanes>(
          sums + long(e) * tile,
          V_out + ((long(chunk.number) * value_parts + at.axis + 1) * a.HC + at.c) * a.R + row);
    }
    // after ReceiveWavesBackward
    for (int x = 0; x < 3; x++)
#pragma omp simd
      for (int z = 0; z < lanes; z++)
        x_out[this->part_row(chunk, h, 3, x) + row + z] += x_sum[x][z];
  }

  KOKKOS_INLINE_FUNCTION void add_wave(long wave, const B *moment_bar, int h, long row,
                                       const B (*key)[lanes], B (*key_bar)[lanes], B *sums,
                                       double (*x_sum)[lanes]) const
  {
    const int E = this->elements(), tile = this->tile();
    const long half = this->half_moments();
    B cosine[lanes], sine[lanes], theta_bar[lanes];
    a.phases(wave, row, cosine, sine);
#pragma omp simd
    for (int z = 0; z < lanes; z++) theta_bar[z] = B(0);
    for (int e = 0; e < E; e++) {
      const ValueElement at(h, e, a.C);
      const B *value = (at.axis < 0 ? a.V0 : a.V1 + at.axis * long(a.HC) * a.R) + at.c * a.R + row;
      B even[lanes] = {}, odd[lanes] = {};
      for (int m = 0; m < this->keys(); m++) {
        const B Mc = moment_bar[m * E + e], Ms = moment_bar[half + m * E + e];
#pragma omp simd
        for (int z = 0; z < lanes; z++) {
          const WaveParts<B> parts = at_phase(cosine[z], sine[z], Mc, Ms);
          key_bar[m][z] += parts.even * value[z];
          even[z] += key[m][z] * parts.even;
          odd[z] += key[m][z] * parts.odd;
        }
      }
      B *element_sums = sums + long(e) * tile;
#pragma omp simd
      for (int z = 0; z < lanes; z++) {
        element_sums[z] += even[z];
        theta_bar[z] -= odd[z] * value[z];
      }
    }
    this->add_phases(wave, theta_bar, x_sum);
  }
};

}    // namespace mlff
