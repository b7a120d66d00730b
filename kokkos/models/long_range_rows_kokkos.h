// Shared parts of the kernels of both forms of the long-range block on a Kokkos device: structures,
// and arrays of one layer in which atoms stand side by side, [channel][row]. device_lanes atoms
// make a vector on a CPU, where each structure begins at a multiple of that; on a device a thread
// takes one atom.
#pragma once

#include "kokkos/common/teams.h"
#include "models/long_range/long_range_math.h"

namespace mlff {

inline constexpr int most_device_keys = 64;    // limit that check() of a potential enforces

/// A structure as kernels see it.
struct DeviceStructure {
  int first_atom, n_atoms, first_row, direct, periodic;
  int first_direct;    ///< place of its atoms among those in the direct form
  int first_tile;      ///< place of its tiles of the linear form
  /// among the waves of all structures, which have moments of their own
  int first_wave, n_waves;
  long first_of_set;    ///< place of its set in the arrays of waves
  double centre[3];
};

/// Numbers by which a structure is found.
enum StructureIndex { by_atom, by_direct_atom, by_tile, by_wave, structure_indices };

/// Sines and cosines of N numbers below 1e6. The library's functions keep a CPU's compiler from
/// using vectors.
template <int N>
KOKKOS_INLINE_FUNCTION void device_sines(const double *x, double *sine, double *cosine)
{
  if constexpr (N == 1) {
    *sine = Kokkos::sin(*x);
    *cosine = Kokkos::cos(*x);
  } else
    for (int i = 0; i < N; i++) {
      const double quarter = x[i] * 0.63661977236758134;
      const int n = int(quarter < 0.0 ? quarter - 0.5 : quarter + 0.5);
      sine_and_cosine(without_quarter_turns(x[i], n), n, sine[i], cosine[i]);
    }
}

/// Sizes and arrays of one layer.
template <typename B, int LANES> struct DeviceRows {
  static constexpr int lanes = LANES;

  int H, d, C, T, HC, n_structures;
  long R;                      // rows
  const double *x, *kappa;     // [3][R], [T]
  const B *q, *k, *V0, *V1;    // [Hd][R] twice, [HC][R], [3][HC][R]
  const B *bars;               // [8][HC][R] in the order of SumPart
  const B *radial;             // [T][4][HC] in the order of LongRangeRadial
  const DeviceStructure *structures;
  const int *starts;                // [structure_indices][structures + 1]
  const double *wave_k;             // [waves][3]
  const B *wave_u, *wave_weight;    // [waves][3], [waves][4]
  const int *wave_frequency;        // [waves]
  B *moments;                       // [waves of structures][2][H][d][4C]

  int keys() const { return H * d; }

  /// The last structure that begins at or before a number; those without any are passed over.
  KOKKOS_INLINE_FUNCTION const DeviceStructure &find(StructureIndex index, int number) const
  {
    const int *first = starts + long(index) * (n_structures + 1);
    int low = 0, high = n_structures;
    while (high - low > 1) {
      const int middle = (low + high) / 2;
      if (first[middle] <= number)
        low = middle;
      else
        high = middle;
    }
    return structures[low];
  }

  /// The radial weights of a plane wave in a channel, or k times their slopes.
  KOKKOS_INLINE_FUNCTION WaveRadial<B> radial_of(long wave, int c, bool slope) const
  {
    const int t = wave_frequency[wave], next = t + 1 < T ? t + 1 : t;
    const B *weight = wave_weight + 4 * wave + (slope ? 2 : 0);
    const B *first = radial + 4L * t * HC + c, *second = radial + 4L * next * HC + c;
    B parts[4];
    for (int f = 0; f < 4; f++)
      parts[f] = weight[0] * first[long(f) * HC] + weight[1] * second[long(f) * HC];
    return {parts[0], parts[1], parts[2], parts[3]};
  }

  /// Cosines and sines of a wave's phases at LANES rows.
  KOKKOS_INLINE_FUNCTION void phases(long wave, long row, B *cosine, B *sine) const
  {
    const double kx = wave_k[3 * wave], ky = wave_k[3 * wave + 1], kz = wave_k[3 * wave + 2];
    double theta[LANES], s[LANES], c[LANES];
#pragma omp simd
    for (int z = 0; z < LANES; z++)
      theta[z] = kx * x[row + z] + ky * x[R + row + z] + kz * x[2 * R + row + z];
    device_sines<LANES>(theta, s, c);
#pragma omp simd
    for (int z = 0; z < LANES; z++) {
      cosine[z] = B(c[z]);
      sine[z] = B(s[z]);
    }
  }

  /// Values that an atom sends in a channel.
  KOKKOS_INLINE_FUNCTION Values<B> values(int c, long row) const
  {
    const long at = c * R + row, next = HC * R;
    return {V0[at], {V1[at], V1[next + at], V1[2 * next + at]}};
  }

  /// Bars of what it received.
  template <bool VECTORS> KOKKOS_INLINE_FUNCTION Sums<B> sum_bars(int c, long row) const
  {
    const B *bar = bars + c * R + row;
    const long next = HC * R;
    Sums<B> sums{};
    sums.s0 = bar[s0_part * next];
    sums.s1 = bar[s1_part * next];
    for (int x = 0; x < 3 && VECTORS; x++) {
      sums.even[x] = bar[(even_part + x) * next];
      sums.odd[x] = bar[(odd_part + x) * next];
    }
    return sums;
  }
};

/// Element e of the values of head h, C scalars, then C vectors' components x, y, z: its channel,
/// and its axis (-1: scalar).
struct ValueElement {
  int c, axis;
  KOKKOS_INLINE_FUNCTION ValueElement(int h, int e, int C) : c(h * C + e % C), axis(e / C - 1) {}
};

/// Columns of atoms with what a block's products give and take: queries, keys and values.
template <typename B> struct ValueColumns {
  B *scalars, *vectors;    // [atoms][width], [atoms][3][vector_width]
  int width, vector_width, first_key, first_value;

  KOKKOS_INLINE_FUNCTION B &query(long atom, int column) const
  {
    return scalars[atom * width + column];
  }
  KOKKOS_INLINE_FUNCTION B &key(long atom, int column) const
  {
    return scalars[atom * width + first_key + column];
  }
  KOKKOS_INLINE_FUNCTION B &value(long atom, int part, int c) const
  {
    return part == v0_part ? scalars[atom * width + first_value + c]
                           : vectors[(3 * atom + part - vx_part) * vector_width + c];
  }
};

/// Columns of atoms with sums, or their bars.
template <typename B> struct SumColumns {
  B *scalars, *vectors;    // [atoms][width], [atoms][3][width]
  int width, first_odd;

  KOKKOS_INLINE_FUNCTION B &operator()(long atom, int part, int c) const
  {
    if (part == s0_part) return scalars[atom * width + c];
    if (part == s1_part) return scalars[atom * width + first_odd + c];
    if (part < odd_part) return vectors[(3 * atom + part - even_part) * width + c];
    return vectors[(3 * atom + part - odd_part) * width + first_odd + c];
  }
};

}    // namespace mlff
