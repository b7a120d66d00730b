// Sums of the long-range block (long_range.h) in type B on a Kokkos device, forward and analytic
// backward, bar = dE/d(quantity). No atomics, and sums in an order that depends on sizes alone:
// results do not change from run to run.
//
//   prepare()     structures, forms, plane waves, positions
//   forward(l)    from scalars, vectors to scalar_sums, vector_sums
//   backward(l)   from bars in scalar_sums, vector_sums to those in scalars, vectors; layers from
//                 the last one on. Adds to x_bar, strain
#pragma once

#include "kokkos/models/device_model.h"
#include "kokkos/models/long_range_rows_kokkos.h"
#include "models/long_range/host/long_range_structures.h"

#include <vector>

namespace mlff {

template <class Device, typename B> class LongRangeSumsKokkos {
 public:
  static constexpr int lanes = device_lanes<Device>;
  using Rows = DeviceRows<B, lanes>;
  template <typename U> using Array = DeviceArray<Device, U>;

  // widths, padded as the features are: columns of scalars (queries, keys, values), of vectors, of
  // sums (even, odd parts)
  int scalar_columns = 0, first_key = 0, first_value = 0, vector_columns = 0, sum_columns = 0,
      first_odd = 0;

  Array<B> scalars, vectors;            // [atoms][scalar_columns], [atoms][3][vector_columns]
  Array<B> scalar_sums, vector_sums;    // [atoms][sum_columns], [atoms][3][sum_columns]
  Array<double> x_bar, strain;    // [atoms][3] eV/Angstrom; [atoms][6] eV, where there are cells

  int n_atoms = 0;

  LongRangeSumsKokkos(const Potential &potential, const DeviceOptions &options);

  /// Throws EngineError as the host's engine does.
  void prepare(const DeviceGraph<Device> &graph, GhostExchange *exchange);
  void forward(int l);
  void backward(int l);
  double bytes() const;
  std::size_t bytes(int atoms) const;    ///< estimate, without plane waves

  // public because device lambdas may not be made in private functions
  void find_ends(std::vector<LongRangeEnds> &ends, const Array<double> &position, int n);
  void place_atoms(const Array<double> &position);
  void spread_values(int l);
  void spread_bars(int l);
  void gather_sums(int l);
  void gather_bars(int l);

 private:
  // threads of a team of the moments, which share the sums of a wave
  static constexpr int moment_threads = 32;

  TeamShape shape;
  int H, d, C, T, HC, Hd, L;
  LongRangeStructures<B> plan;
  long uploaded = -1;    // known.changes of the waves on the device

  int direct_groups, linear_groups;    // threads along the atoms of a tile, with `lanes` each
  int n_rows = 0, n_direct = 0, n_tiles = 0, n_waves = 0, n_chunks = 1;
  bool has_cells = false;
  std::vector<DeviceStructure> host_structures;
  std::vector<int> host_starts, host_rows;
  std::vector<long> first_of_set;

  std::vector<Array<B>> radial;    // [layers] each [T][4][HC]
  Array<DeviceStructure> structures;
  Array<int> starts, row_of;                         // row_of [atoms]
  Array<double> kappa, x, wave_k, structure_ends;    // structure_ends [structures][6]
  Array<B> wave_u, wave_weight;
  Array<int> wave_frequency;
  Array<B> q, k, V0, V1, bars;      // [L][Hd][R] twice, [L][HC][R], [L][3][HC][R]; [8][HC][R]
  Array<B> moments, moment_bars;    // [L][waves][2][H][d][4C]; of one layer
  // sums over chunks of waves: [8][HC][R], [Hd][R] twice, [4][HC][R]
  Array<B> part_sums, part_q, part_k, part_V;
  Array<double> part_x, part_strain;    // [chunks][H][3][R], [chunks][H][6][R]

  int groups_of(std::size_t bytes_of_group, int most) const;
  long moments_of_wave() const { return 8L * Hd * C; }
  Rows rows_of(int l) const;
  ValueColumns<B> value_columns() const;
  SumColumns<B> sum_columns_of_atoms() const;
  void upload_waves();
  void upload_structures();
  void resize();
  void sum_over_ranks(B *values);
  template <typename Body>
  void run(const char *label, int league, int items, int vector, std::size_t bytes, Body body);
  template <typename Body> void with_vectors(int l, const Body &body);
  template <typename Body> void with_keys(const Body &body);
  template <bool VECTORS> void sums(int l);
  template <bool VECTORS> void bars_of(int l);
  template <bool VECTORS, int KEYS> void receive_waves(int l);
  template <bool VECTORS, int KEYS> void wave_backward(int l);
};

}    // namespace mlff
