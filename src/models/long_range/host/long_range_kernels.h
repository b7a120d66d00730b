// The long-range block (long_range.h) in plain loops: forward and analytic backward. Compiled once
// per instruction set (long_range_kernels.cpp): raw pointers only. Each structure begins at a
// multiple of row_block rows. Queries and keys of all rows, and for the linear form values and
// sums, are kept as [channel][row]; for the direct form values and sums of a row lie together
// (records).
#pragma once

#include "models/painn/host/painn_kernels.h"

namespace mlff {

inline constexpr int row_block = 16;
// channels of a head are padded to whole blocks in records
inline constexpr int channel_block = 8;
// rows that a thread takes together in the direct form; divides row_block
inline constexpr int direct_rows = 8;

/// Values of a block in type B, the features around it in type T of the engine.
template <typename B> struct LongRangeLayerWeights {
  Packed<B> from_scalars, from_vectors, scalar_out, vector_out;                        // in -> out
  Packed<B> from_scalars_back, from_vectors_back, scalar_out_back, vector_out_back;    // out -> in
  const B *scalar_gate, *vector_gate;                                                  // [F]
  const B *radial;                                                                     // [T][4][HC]
  // radial as [blocks of channels][T][4][channel_block], in the order of RadialPart
  const B *record_radial;
  // cubic polynomials of the direct form: [blocks of channels][knots][4 powers][2 or
  // 4][channel_block], or null
  const B *spline;
};

template <typename B> struct LongRangeWeights {
  int F = 0, L = 0;    // features (padded), layers
  int H = 0, d = 0, C = 0, T = 0;
  // columns of from_scalars: queries, keys, values
  int first_key = 0, first_value = 0, scalar_columns = 0;
  // columns of from_vectors; inputs of *_out: even parts, odd parts
  int vector_columns = 0, out_rows = 0, first_odd = 0;
  const double *kappa;    // [T]
  const LongRangeLayerWeights<B> *layers;
  int knots = 0;    // intervals of splines
  double knots_per_length = 0.0;
  // vectors of channels in a head
  int vectors() const { return (C + channel_block - 1) / channel_block; }
  int record_channels() const { return H * vectors() * channel_block; }
  int HC() const { return H * C; }
  int Hd() const { return H * d; }
};

/// Plane waves of one structure.
template <typename B> struct LongRangeWaves {
  int n = 0, periodic = 0;
  const double *k;         // [n][3] kappa u, or G
  const B *u, *weight;     // [n][3]; [n][4]: for frequencies t and t + 1, and k times their slopes
  const int *frequency;    // [n] t
};

struct LongRangeStructure {
  int first_atom, n_atoms, first_row, direct;
  // Host engine: first row of this rank's atoms, and the end of all its rows. They differ from
  // first_row and first_row + n_atoms only in the direct form on several ranks, where every rank
  // has rows for all atoms.
  int own_row, last_row;
  int waves;            // number of the set of waves, linear form
  long first_moment;    // start of the structure in the array of moments
  double centre[3];
};

template <typename T, typename B> struct LongRangeWork {
  int n_structures, n_centres, n_rows, threads;
  const LongRangeStructure *structures;
  const int *structure_of;    // [rows / row_block]
  const LongRangeWaves<B> *waves;
  const double *position;    // [centres][3]
  T *s, *v;                  // [atoms][F], [atoms][3][F], changed in place
  T *bar;                    // [atoms][4][F]: s_bar, v_bar
  double *x_bar;             // [centres][3]
  double *strain;            // [centres][6]; null where no structure is periodic

  double *x;             // [3][rows], relative to the centre of the structure
  B *q, *k, *V0, *V1;    // [L][Hd][rows] twice, [L][HC][rows], [L][3][HC][rows]
  B *sums;               // [threads][8][HC][rows]: s0, s1, v0, v1; in backward bars of V0, V1
  B *key_bars;           // [threads][2][Hd][rows]: bars of q and k
  B *out_bars;           // [8][HC][rows]: bars of s0, s1, v0, v1
  // direct form, else null: values [L][rows][4 record_channels]: V0, V1; bars [rows][8
  // record_channels] of sums
  B *values, *bars;
  B *record_sums;              // [threads][rows][8 record_channels]: layout of sums
  double *row_bar;             // [threads][row_bars][rows]: bars of x and of the strain
  int row_bars;                // 3, or 9
  B *moments, *moment_bars;    // [L][moments], [moments]: of each wave [2][H][d][4C]
  long n_moments;
  B *scratch;    // [threads][long_range_scratch]
  // [threads][wave_rows][rows]: cos, sin, bar of the phase; of a reciprocal lattice parts of the
  // strain's bar
  B *waves_of_rows;
  int wave_rows;    // 3, or 8

  void *exchange;    // null on one rank
  int rank, n_ranks;
  void (*sum)(void *exchange, B *values, long n);
  void (*sum_doubles)(void *exchange, double *values, long n);
};

/// Values that each thread needs.
template <typename B> long long_range_scratch(const LongRangeWeights<B> &w)
{
  const long products =
      long(atom_block) * (4L * w.F + w.scalar_columns + 3L * w.vector_columns + 3L * w.out_rows);
  const long keys = direct_rows * 2L * w.Hd() * (1 + row_block);
  return products > keys ? products : keys;
}

template <typename T, typename B> struct LongRangeFunctions {
  void (*forward)(const LongRangeWeights<B> &,
                  const LongRangeWork<T, B> &);    // called by all threads of a parallel region
  void (*backward)(const LongRangeWeights<B> &, const LongRangeWork<T, B> &);
};

struct LongRangeKernels {
  LongRangeFunctions<float, float> single;
  LongRangeFunctions<float, double> mixed;
  LongRangeFunctions<double, double> full;
};

MLFF_DECLARE_KERNELS(LongRangeKernels, long_range_kernels);

}    // namespace mlff
