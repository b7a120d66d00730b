// Compiled once per instruction set with MLFF_KERNELS naming the table it defines. Equations:
// long_range.h; the backward is written out by hand, bar = dE/d(quantity), and tested against
// autograd and finite differences.
#include "models/long_range/host/long_range_direct.h"
#include "models/long_range/host/long_range_linear.h"

#ifndef MLFF_KERNELS
#define MLFF_KERNELS long_range_kernels_generic
#endif

namespace mlff {

namespace {    // local: every instruction set compiles a copy of this file, with the same names

  /// A block of rows: their atoms and how many there are.
  struct RowBlock {
    int atom, n;
  };

  template <typename T, typename B> RowBlock block_of(const LongRangeWork<T, B> &work, int row)
  {
    const LongRangeStructure &structure = work.structures[work.structure_of[row / row_block]];
    const int at = row - structure.own_row, left = at < 0 ? 0 : structure.n_atoms - at;
    return {structure.first_atom + at, left < row_block ? (left > 0 ? left : 0) : row_block};
  }

  template <typename T, typename B> inline bool is_direct(const LongRangeWork<T, B> &work, int row)
  {
    return work.structures[work.structure_of[row / row_block]].direct;
  }

  /// Queries, keys and values of a block of rows from features; rows without an atom get zeros.
  template <typename T, typename B>
  void project(const LongRangeWeights<B> &w, const LongRangeWork<T, B> &work, int l, int row,
               B *scratch)
  {
    const LongRangeLayerWeights<B> &layer = w.layers[l];
    const Rows<B> a = rows_of(w, work, l);
    const auto block = block_of(work, row);
    const int atom = block.atom, n = block.n;
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
        for (int i = 0; i < (direct ? n : row_block); i++)
          (direct ? records[i * width + place] : to[c * a.rows + i]) = i < n ? from[i * stride + c]
                                                                             : B(0);
      }
    };
    put(v0_part, out + w.first_value, w.scalar_columns);
    for (long f = 0; f < 3L * n * F; f++) in[f] = B(work.v[3L * atom * F + f]);
    multiply(3 * n, in, F, layer.from_vectors, static_cast<const B *>(nullptr), out,
             w.vector_columns);
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
  template <typename T, typename B>
  inline B sum_of_row(const LongRangeWeights<B> &w, const LongRangeWork<T, B> &work, bool direct,
                      long row, int part, int c)
  {
    const long R = work.n_rows, width = long(sum_parts) * w.record_channels();
    if (direct)
      return joined(work.record_sums + row * width + record_place(w, c, part, sum_parts),
                    work.threads, R * width);
    return joined(work.sums + (long(part) * w.HC() + c) * R + row, work.threads, 8L * w.HC() * R);
  }

  /// s += g_s W_s [s0; s1] and, but for the last layer, v += g_v W_v [v0; v1].
  template <typename T, typename B>
  void combine(const LongRangeWeights<B> &w, const LongRangeWork<T, B> &work, int l, int row,
               B *scratch)
  {
    const LongRangeLayerWeights<B> &layer = w.layers[l];
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
          to[w.first_odd + c] =
              sum_of_row(w, work, direct, row + i, vectors ? odd_part + axis : s1_part, c);
        }
      }
      multiply(n, in, w.out_rows, vectors ? layer.vector_out : layer.scalar_out,
               static_cast<const B *>(nullptr), out, F);
      const B *gate = vectors ? layer.vector_gate : layer.scalar_gate;
      for (int i = 0; i < n; i++) {
        T *to = vectors ? work.v + (3L * (atom + i) + axis) * F : work.s + long(atom + i) * F;
        for (int f = 0; f < F; f++) to[f] += T(gate[f] * out[long(i) * F + f]);
      }
    }
  }

  /// Bars of s0, s1, v0, v1 of a block of rows.
  template <typename T, typename B>
  void combine_backward(const LongRangeWeights<B> &w, const LongRangeWork<T, B> &work, int l,
                        int row, B *scratch)
  {
    const LongRangeLayerWeights<B> &layer = w.layers[l];
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
      multiply(n, in, F, vectors ? layer.vector_out_back : layer.scalar_out_back,
               static_cast<const B *>(nullptr), out, w.out_rows);
      for (int odd = 0; odd < 2; odd++) {
        const int part = odd ? (vectors ? odd_part + axis : s1_part)
                             : (vectors ? even_part + axis : s0_part);
        const B *from = out + (odd ? w.first_odd : 0);
        B *to = work.out_bars + long(part) * HC * R + row;
        for (int c = 0; c < HC; c++) {
          const long place = record_place(w, c, part, sum_parts);
          for (int i = 0; i < (direct ? n : row_block); i++)
            (direct ? records[i * width + place] : to[c * R + i]) =
                i < n ? from[long(i) * w.out_rows + c] : B(0);
        }
      }
    }
  }

  /// Bars of queries, keys and values into those of the features.
  template <typename T, typename B>
  void project_backward(const LongRangeWeights<B> &w, const LongRangeWork<T, B> &work, int l,
                        int row, B *scratch)
  {
    const LongRangeLayerWeights<B> &layer = w.layers[l];
    const Rows<B> a = rows_of(w, work, l);
    const auto [atom, n] = block_of(work, row);
    const int F = w.F, HC = w.HC(), Hd = w.Hd();
    const long R = work.n_rows, key_stride = 2L * Hd * R;
    const bool direct = is_direct(work, row);
    B *in = scratch,
      *out = in +
        long(atom_block) *
            (w.scalar_columns > 3 * w.vector_columns ? w.scalar_columns : 3 * w.vector_columns);
    std::memset(in, 0, sizeof(B) * n * w.scalar_columns);
    for (int i = 0; i < n; i++) {
      B *to = in + long(i) * w.scalar_columns;
      for (int c = 0; c < Hd; c++)
        for (int part = 0; part < 2; part++) {
          const B value = (part ? a.k : a.q)[c * R + row + i];
          to[part * w.first_key + c] = key_slope(value) *
              joined(work.key_bars + (long(part) * Hd + c) * R + row + i, work.threads, key_stride);
        }
      for (int c = 0; c < HC; c++)
        to[w.first_value + c] = sum_of_row(w, work, direct, row + i, v0_part, c);
    }
    multiply(n, in, w.scalar_columns, layer.from_scalars_back, static_cast<const B *>(nullptr), out,
             F);
    for (int i = 0; i < n; i++) {
      T *to = work.bar + 4L * (atom + i) * F;
      for (int f = 0; f < F; f++) to[f] += T(out[long(i) * F + f]);
    }
    std::memset(in, 0, sizeof(B) * 3 * n * w.vector_columns);
    for (int i = 0; i < n; i++)
      for (int x = 0; x < 3; x++)
        for (int c = 0; c < HC; c++)
          in[(3L * i + x) * w.vector_columns + c] =
              sum_of_row(w, work, direct, row + i, vx_part + x, c);
    multiply(3 * n, in, w.vector_columns, layer.from_vectors_back, static_cast<const B *>(nullptr),
             out, F);
    for (int i = 0; i < n; i++) {
      T *to = work.bar + (4L * (atom + i) + 1) * F;
      for (int f = 0; f < 3 * F; f++) to[f] += T(out[3L * i * F + f]);
      for (int x = 0; x < 3; x++)
        work.x_bar[3L * (atom + i) + x] +=
            joined(work.row_bar + x * R + row + i, work.threads, work.row_bars * R);
      for (int x = 0; x < 6 && work.strain; x++)
        work.strain[6L * (atom + i) + x] +=
            joined(work.row_bar + (3L + x) * R + row + i, work.threads, work.row_bars * R);
    }
  }

  /// Calls body with the width of keys as a constant, where it is the default, or with 0: at run
  /// time.
  template <typename Body> inline void with_keys(int d, const Body &body)
  {
    if (d == 8)
      body(std::integral_constant<int, 8>());
    else
      body(std::integral_constant<int, 0>());
  }

  /// Calls body with a value as a constant.
  template <typename Body> inline void with_constant(bool value, const Body &body)
  {
    if (value)
      body(std::true_type());
    else
      body(std::false_type());
  }

  long rows_end(const LongRangeStructure &structure)
  {
    return structure.first_row + (long(structure.n_atoms) + row_block - 1) / row_block * row_block;
  }

  /// A rank may have no atoms, and arrays that are null.
  template <typename Value> inline void clear(Value *values, long n)
  {
    if (n > 0) std::memset(values, 0, sizeof(Value) * n);
  }

  /// Sums of all ranks, once all threads are here.
  template <typename T, typename B, typename Value>
  void share(const LongRangeWork<T, B> &work, Value *values, long n)
  {
#pragma omp barrier
    if (work.exchange) {
#pragma omp master
      {
        if constexpr (std::is_same_v<Value, B>)
          work.sum(work.exchange, values, n);
        else
          work.sum_doubles(work.exchange, values, n);
      }
#pragma omp barrier
    }
  }

  /// Sums values [threads][stride], the first n of each thread, into those of the first thread;
  /// every thread adds its share.
  template <typename T, typename B, typename Value>
  void share_of_threads(const LongRangeWork<T, B> &work, Value *values, long stride, long n)
  {
    if (!work.exchange) return;
#pragma omp barrier
#pragma omp for schedule(static)
    for (long i = 0; i < n; i++)
      for (int t = 1; t < work.threads; t++) {
        values[i] += values[t * stride + i];
        values[t * stride + i] = Value(0);
      }
    share(work, values, n);
  }

  /// Rows of structures in the direct form, shared among the ranks and threads: body(first row,
  /// end, end of the structure's rows).
  template <typename T, typename B, typename Body>
  void for_each_direct_block(const LongRangeWork<T, B> &work, const Body &body)
  {
    const int blocks = work.n_rows / direct_rows;
#pragma omp for schedule(static, 1)
    for (int block = work.rank; block < blocks; block += work.n_ranks) {
      const int row = block * direct_rows;
      const LongRangeStructure &structure = work.structures[work.structure_of[row / row_block]];
      const long last = structure.last_row;
      if (structure.direct && row < last)
        body(row, row + direct_rows < last ? row + direct_rows : last, last);
    }
  }

  /// Waves of structures in the linear form, shared among the threads: body(wave, place of its
  /// moments).
  template <typename T, typename B, typename Body>
  void for_each_wave(const LongRangeWeights<B> &w, const LongRangeWork<T, B> &work,
                     const Rows<B> &a, const Body &body)
  {
    const long R = work.n_rows, moments = 2L * w.Hd() * 4 * w.C;
    B *cosines = work.waves_of_rows + omp_get_thread_num() * work.wave_rows * R,
      *sines = cosines + R;
    for (int s = 0; s < work.n_structures; s++) {
      const LongRangeStructure &structure = work.structures[s];
      if (structure.direct) continue;
      const LongRangeWaves<B> &waves = work.waves[structure.waves];
      const long first = structure.first_row, end = rows_end(structure);
#pragma omp for schedule(static)
      for (int p = 0; p < waves.n; p++) {
        const double *k = waves.k + 3L * p;
        const long t = waves.frequency[p], next = t + 1 < w.T ? t + 1 : t;
        phases(a.x, R, k, first, end, cosines, sines);
        body(Wave<B>{first, end, k, waves.u + 3L * p, waves.periodic, cosines, sines, sines + R,
                     sines + 2 * R, waves.weight + 4L * p, a.radial + 4 * t * w.HC(),
                     a.radial + 4 * next * w.HC()},
             structure.first_moment + p * moments);
      }
    }
  }

  /// Sums of the direct form over all blocks of rows. body(spline, i0, i1, last): whether radial
  /// functions are splines, as a constant, and the rows of for_each_direct_block.
  template <typename T, typename B, typename Body>
  void sum_direct(const LongRangeWork<T, B> &work, const Records<B> &records, const Body &body)
  {
    const long size = records.sums_width * work.n_rows;
    clear(records.sums, size);
    for_each_direct_block(work, [&](long i0, long i1, long last) {
      with_constant(records.spline, [&](auto spline) {
        body(spline, i0, i1, last);
      });
    });
    share_of_threads(work, work.record_sums, size, size);
  }

  template <bool VECTORS, typename T, typename B>
  void layer_sums(const LongRangeWeights<B> &w, const LongRangeWork<T, B> &work, int l, B *scratch)
  {
    const Rows<B> a = rows_of(w, work, l);
    if (work.record_sums) {
      const Records<B> records = records_of(w, work, l);
      const long R = work.n_rows;
      if (work.exchange) {
        share(work, work.q + l * w.Hd() * R, w.Hd() * R);
        share(work, work.k + l * w.Hd() * R, w.Hd() * R);
        share(work, work.values + l * records.values_width * R, records.values_width * R);
      }
      sum_direct(work, records, [&](auto spline, long i0, long i1, long last) {
        direct_forward<VECTORS, spline>(w, a, records, i0, i1, last, scratch);
      });
    }
    if (work.n_moments == 0) return;
    clear(a.sums, 8L * w.HC() * work.n_rows);
    B *moments = work.moments + l * work.n_moments;
    for_each_wave(w, work, a, [&](const Wave<B> &wave, long place) {
      with_keys(w.d, [&](auto keys) {
        wave_moments<keys>(w, a, wave, moments + place);
      });
    });
    share(work, moments, work.n_moments);
    for_each_wave(w, work, a, [&](const Wave<B> &wave, long place) {
      with_keys(w.d, [&](auto keys) {
        wave_forward<VECTORS, keys>(w, a, wave, moments + place);
      });
    });
  }

  template <bool VECTORS, typename T, typename B>
  void layer_bars(const LongRangeWeights<B> &w, const LongRangeWork<T, B> &work, int l, B *scratch)
  {
    const Rows<B> a = rows_of(w, work, l);
    const long R = work.n_rows;
    clear(a.q_bar, 2L * w.Hd() * R);    // and k_bar behind it
    clear(a.x_bar, work.row_bars * R);
    if (work.record_sums) {
      const Records<B> records = records_of(w, work, l);
      if (work.exchange) share(work, work.bars, records.sums_width * R);
      sum_direct(work, records, [&](auto spline, long i0, long i1, long last) {
        direct_backward<VECTORS, spline>(w, a, records, i0, i1, last, scratch);
      });
      share_of_threads(work, work.key_bars, 2L * w.Hd() * R, 2L * w.Hd() * R);
      share_of_threads(work, work.row_bar, work.row_bars * R, 3 * R);
    }
    if (work.n_moments == 0) return;
    clear(a.sums, 4L * w.HC() * R);
    const B *moments = work.moments + l * work.n_moments;
    for_each_wave(w, work, a, [&](const Wave<B> &wave, long place) {
      clear(wave.theta_bar + wave.first, wave.end - wave.first);
      for (int k = 0; k < 5 && wave.periodic; k++)
        clear(wave.strain + k * R + wave.first, wave.end - wave.first);
      with_keys(w.d, [&](auto keys) {
        wave_backward<VECTORS, keys>(w, a, wave, moments + place, work.moment_bars + place);
      });
      add_phases(a, wave);
      if (wave.periodic) add_strain(a, wave);
    });
    share(work, work.moment_bars, work.n_moments);
    for_each_wave(w, work, a, [&](const Wave<B> &wave, long place) {
      clear(wave.theta_bar + wave.first, wave.end - wave.first);
      with_keys(w.d, [&](auto keys) {
        wave_sources<keys>(w, a, wave, work.moment_bars + place);
      });
      add_phases(a, wave);
    });
  }

  template <typename T, typename B>
  void forward(const LongRangeWeights<B> &w, const LongRangeWork<T, B> &work)
  {
    B *scratch = work.scratch + omp_get_thread_num() * long_range_scratch(w);
    for (int l = 0; l < w.L; l++) {
#pragma omp for schedule(static)
      for (int row = 0; row < work.n_rows; row += row_block) project(w, work, l, row, scratch);
      // written out here and in backward: through with_constant waves take 5 % longer
      if (l + 1 < w.L)
        layer_sums<true>(w, work, l, scratch);
      else
        layer_sums<false>(w, work, l, scratch);
#pragma omp barrier
#pragma omp for schedule(static)
      for (int row = 0; row < work.n_rows; row += row_block) combine(w, work, l, row, scratch);
    }
  }

  template <typename T, typename B>
  void backward(const LongRangeWeights<B> &w, const LongRangeWork<T, B> &work)
  {
    B *scratch = work.scratch + omp_get_thread_num() * long_range_scratch(w);
#pragma omp for schedule(static)
    for (long i = 0; i < work.n_centres; i++) {
      for (int a = 0; a < 3; a++) work.x_bar[3 * i + a] = 0.0;
      for (int k = 0; k < 6 && work.strain; k++) work.strain[6 * i + k] = 0.0;
    }
    for (int l = w.L - 1; l >= 0; l--) {
#pragma omp for schedule(static)
      for (int row = 0; row < work.n_rows; row += row_block)
        combine_backward(w, work, l, row, scratch);
      if (l + 1 < w.L)
        layer_bars<true>(w, work, l, scratch);
      else
        layer_bars<false>(w, work, l, scratch);
#pragma omp barrier
#pragma omp for schedule(static)
      for (int row = 0; row < work.n_rows; row += row_block)
        project_backward(w, work, l, row, scratch);
    }
  }

}    // namespace

extern const LongRangeKernels MLFF_KERNELS;
const LongRangeKernels MLFF_KERNELS = {{forward<float, float>, backward<float, float>},
                                       {forward<float, double>, backward<float, double>},
                                       {forward<double, double>, backward<double, double>}};

}    // namespace mlff
