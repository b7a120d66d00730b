// Arrays of the long-range block on a Kokkos device, and the order of its kernels.
#include "kokkos/models/long_range_sums_kokkos.h"

#include "kokkos/models/long_range_direct_kokkos.h"
#include "kokkos/models/long_range_linear_kokkos.h"
#include "models/long_range/long_range_tensors.h"

#include <algorithm>
#include <type_traits>

namespace mlff {

template <class Device, typename B>
LongRangeSumsKokkos<Device, B>::LongRangeSumsKokkos(const Potential &potential,
                                                    const DeviceOptions &options) :
    shape(options.teams),
    plan(potential, options.engine.long_range)
{
  const auto &block = long_range_sizes(potential);
  H = block.heads;
  d = block.key_width;
  T = block.kappa_count;
  L = block.layers;
  HC = block.channels(painn_sizes(potential).features);
  C = HC / H;
  Hd = H * d;
  first_key = padded(Hd);
  first_value = 2 * padded(Hd);
  scalar_columns = first_value + padded(HC);
  vector_columns = first_odd = padded(HC);
  sum_columns = 2 * padded(HC);
  std::vector<double> frequencies;
  for (int t = 0; t < T; t++) frequencies.push_back(block.kappa(t));
  kappa = upload<Device, double>(frequencies, "long_range/kappa");
  for (const auto &tensors : long_range_tensors(potential))
    radial.push_back(upload<Device, B>(tensors.radial->values, "long_range/radial"));

  // The largest needs of scratch memory: the backward pass in the direct form, the sums in the
  // linear form.
  const std::size_t bars_of_pair = sizeof(B) * (4 * HC + 2 * Hd + 4 * H) + 3 * sizeof(double);
  direct_groups = groups_of(PairTile<B>::bytes(T, 1, true) + bars_of_pair, 64);
  linear_groups = groups_of(sizeof(B) * sum_parts * HC, 128);
}

/// Threads along atoms: heads times these make a team, within 40 kB of scratch memory, of which a
/// multiprocessor then has room for several teams, where eight do.
template <class Device, typename B>
int LongRangeSumsKokkos<Device, B>::groups_of(std::size_t bytes_of_group, int most) const
{
  if (shape.groups > 0) return shape.groups;
  if (device_is_host<Device>) return 1;
  int groups = most;
  while (groups > 8 && (groups * bytes_of_group > 40000 || groups * H > 256)) groups /= 2;
  return groups;
}

template <class Device, typename B>
void LongRangeSumsKokkos<Device, B>::find_ends(std::vector<LongRangeEnds> &ends,
                                               const Array<double> &position, int n)
{
  using Member = typename Kokkos::TeamPolicy<Device>::member_type;
  grow(structure_ends, 6 * std::size_t(n), "long_range/ends");
  const auto found = structure_ends;
  const auto x_ = position;
  const auto first = starts;
  Kokkos::parallel_for(
      "mlff/long_range/ends", teams<Device>(3 * n, shape), KOKKOS_LAMBDA(const Member &team) {
        const int s = team.league_rank() / 3, axis = team.league_rank() % 3;
        Kokkos::MinMaxScalar<double> range;
        Kokkos::parallel_reduce(
            Kokkos::TeamThreadRange(team, first(s), first(s + 1)),
            [&](const int i, Kokkos::MinMaxScalar<double> &thread_range) {
              const double value = x_(3 * i + axis);
              if (value < thread_range.min_val) thread_range.min_val = value;
              if (value > thread_range.max_val) thread_range.max_val = value;
            },
            Kokkos::MinMax<double>(range));
        Kokkos::single(Kokkos::PerTeam(team), [&]() {
          found(6 * s + axis) = range.max_val;
          found(6 * s + 3 + axis) = -range.min_val;
        });
      });
  std::vector<double> values(6 * std::size_t(n));
  copy_to_host(values, found);
  for (int s = 0; s < n; s++) std::copy_n(values.begin() + 6 * s, 6, ends[s].begin());
}

template <class Device, typename B>
void LongRangeSumsKokkos<Device, B>::prepare(const DeviceGraph<Device> &graph,
                                             GhostExchange *exchange)
{
  const Graph host{graph.first_atom, {}, {}, {}, {}, {}, graph.cell};
  const int n = host.n_structures();
  n_atoms = n > 0 ? graph.first_atom.back() : 0;
  has_cells = !graph.cell.empty();
  grow(starts, structure_indices * (std::size_t(n) + 1), "long_range/starts");
  copy_to_device(starts, graph.first_atom);

  std::vector<LongRangeEnds> ends(n);
  bool open = false;
  for (int s = 0; s < n; s++) open = open || !host.cell_of(s);
  if (open) find_ends(ends, graph.position, n);
  plan.begin(exchange, false);
  for (int s = 0; s < n; s++)
    plan.add(graph.first_atom[s], graph.first_atom[s + 1] - graph.first_atom[s], host.cell_of(s),
             ends[s]);
  upload_waves();
  upload_structures();
  resize();
  Kokkos::deep_copy(x_bar, 0.0);
  Kokkos::deep_copy(strain, 0.0);
  // rows without an atom must hold numbers, of which zeros have no effect
  if (lanes > 1) {
    Kokkos::deep_copy(x, 0.0);
    for (auto *array : {&q, &k, &V0, &V1, &bars}) Kokkos::deep_copy(*array, B(0));
  }
  place_atoms(graph.position);
}

template <class Device, typename B> void LongRangeSumsKokkos<Device, B>::resize()
{
  const std::size_t n = n_atoms, R = n_rows, values = HC * R, keys = Hd * R;
  grow(scalars, n * scalar_columns, "long_range/scalars");
  grow(vectors, 3 * n * vector_columns, "long_range/vectors");
  grow_zeros(scalar_sums, n * sum_columns, "long_range/scalar_sums");
  grow_zeros(vector_sums, 3 * n * sum_columns, "long_range/vector_sums");
  grow(x_bar, 3 * n, "long_range/x_bar");
  grow(strain, has_cells ? 6 * n : 0, "long_range/strain");
  grow(x, 3 * R, "long_range/x");
  grow(q, L * keys, "long_range/q");
  grow(k, L * keys, "long_range/k");
  grow(V0, L * values, "long_range/V0");
  grow(V1, 3 * L * values, "long_range/V1");
  grow(bars, sum_parts * values, "long_range/bars");
  if (n_waves == 0) return;
  const std::size_t chunks = n_chunks;
  grow(moments, L * n_waves * moments_of_wave(), "long_range/moments");
  grow(moment_bars, n_waves * moments_of_wave(), "long_range/moment_bars");
  grow(part_sums, chunks * sum_parts * values, "long_range/part_sums");
  grow(part_q, chunks * keys, "long_range/part_q");
  grow(part_k, chunks * keys, "long_range/part_k");
  grow(part_V, chunks * value_parts * values, "long_range/part_V");
  grow(part_x, chunks * H * 3 * R, "long_range/part_x");
  grow(part_strain, has_cells ? chunks * H * 6 * R : 0, "long_range/part_strain");
}

/// Positions relative to the middle of a structure.
template <class Device, typename B>
void LongRangeSumsKokkos<Device, B>::place_atoms(const Array<double> &position)
{
  const Rows a = rows_of(0);
  const auto row = row_of;
  const auto from = position;
  const auto to = x;
  Kokkos::parallel_for(
      "mlff/long_range/positions", IndexRange<Device>(0, n_atoms), KOKKOS_LAMBDA(const int i) {
        const DeviceStructure &structure = a.find(by_atom, i);
        for (int axis = 0; axis < 3; axis++)
          to(axis * a.R + row(i)) = from(3 * long(i) + axis) - structure.centre[axis];
      });
}

template <class Device, typename B> void LongRangeSumsKokkos<Device, B>::upload_waves()
{
  if (uploaded == plan.changes) return;
  uploaded = plan.changes;
  first_of_set.clear();
  std::vector<double> all_k;
  std::vector<B> u, weight;
  std::vector<int> frequency;
  for (const auto &set : plan.wave_sets) {
    const std::size_t n = set.n;
    first_of_set.push_back(long(frequency.size()));
    all_k.insert(all_k.end(), set.k, set.k + 3 * n);
    u.insert(u.end(), set.u, set.u + 3 * n);
    weight.insert(weight.end(), set.weight, set.weight + 4 * n);
    frequency.insert(frequency.end(), set.frequency, set.frequency + n);
  }
  grow(wave_k, all_k.size(), "long_range/wave_k");
  grow(wave_u, u.size(), "long_range/wave_u");
  grow(wave_weight, weight.size(), "long_range/wave_weight");
  grow(wave_frequency, frequency.size(), "long_range/wave_frequency");
  copy_to_device(wave_k, all_k);
  copy_to_device(wave_u, u);
  copy_to_device(wave_weight, weight);
  copy_to_device(wave_frequency, frequency);
}

/// Copies the starts of the atoms, rows, tiles and waves of each structure to the device.
template <class Device, typename B> void LongRangeSumsKokkos<Device, B>::upload_structures()
{
  const int n = int(plan.structures.size()), tile = linear_groups * lanes;
  host_structures.clear();
  host_starts.assign(structure_indices * (std::size_t(n) + 1), 0);
  n_rows = n_direct = n_tiles = n_waves = 0;
  std::vector<int> rows;
  for (int s = 0; s <= n; s++) {
    host_starts[by_atom * (n + 1) + s] = s < n ? plan.structures[s].first_atom : n_atoms;
    host_starts[by_direct_atom * (n + 1) + s] = n_direct;
    host_starts[by_tile * (n + 1) + s] = n_tiles;
    host_starts[by_wave * (n + 1) + s] = n_waves;
    if (s == n) break;
    const auto &from = plan.structures[s];
    DeviceStructure to{};
    to.first_atom = from.first_atom;
    to.n_atoms = from.n_atoms;
    to.first_row = n_rows;
    to.direct = from.direct;
    to.first_direct = n_direct;
    to.first_tile = n_tiles;
    to.first_wave = n_waves;
    std::copy_n(from.centre, 3, to.centre);
    if (from.direct)
      n_direct += from.n_atoms;
    else if (from.first_moment < plan.n_moments()) {
      const auto &set = plan.wave_sets[from.waves];
      to.periodic = set.periodic;
      to.n_waves = set.n;
      to.first_of_set = first_of_set[from.waves];
      n_tiles += (from.n_atoms + tile - 1) / tile;
      n_waves += set.n;
    }
    for (int i = 0; i < from.n_atoms; i++) rows.push_back(n_rows + i);
    n_rows += (from.n_atoms + lanes - 1) / lanes * lanes;
    host_structures.push_back(to);
  }
  // a device is kept busy by about a thousand teams
  n_chunks = device_is_host<Device> || n_tiles == 0 ? 1 : std::clamp(1024 / n_tiles, 1, 32);

  grow(structures, std::size_t(n), "long_range/structures");
  copy_to_device(structures, host_structures);
  copy_to_device(starts, host_starts);
  if (rows == host_rows && row_of.data()) return;
  host_rows = std::move(rows);
  grow(row_of, host_rows.size(), "long_range/row_of");
  copy_to_device(row_of, host_rows);
}

template <class Device, typename B>
typename LongRangeSumsKokkos<Device, B>::Rows LongRangeSumsKokkos<Device, B>::rows_of(int l) const
{
  Rows a;
  a.H = H;
  a.d = d;
  a.C = C;
  a.T = T;
  a.HC = HC;
  a.n_structures = int(host_structures.size());
  a.R = n_rows;
  a.x = x.data();
  a.kappa = kappa.data();
  a.q = q.data() + long(l) * Hd * n_rows;
  a.k = k.data() + long(l) * Hd * n_rows;
  a.V0 = V0.data() + long(l) * HC * n_rows;
  a.V1 = V1.data() + 3L * l * HC * n_rows;
  a.bars = bars.data();
  a.radial = radial[l].data();
  a.structures = structures.data();
  a.starts = starts.data();
  a.wave_k = wave_k.data();
  a.wave_u = wave_u.data();
  a.wave_weight = wave_weight.data();
  a.wave_frequency = wave_frequency.data();
  a.moments = moments.data() + l * n_waves * moments_of_wave();
  return a;
}

template <class Device, typename B>
ValueColumns<B> LongRangeSumsKokkos<Device, B>::value_columns() const
{
  return {scalars.data(), vectors.data(), scalar_columns, vector_columns, first_key, first_value};
}

template <class Device, typename B>
SumColumns<B> LongRangeSumsKokkos<Device, B>::sum_columns_of_atoms() const
{
  return {scalar_sums.data(), vector_sums.data(), sum_columns, first_odd};
}

/// Queries, keys (elu + 1) and values from columns of atoms to rows.
template <class Device, typename B> void LongRangeSumsKokkos<Device, B>::spread_values(int l)
{
  const Rows a = rows_of(l);
  const ValueColumns<B> from = value_columns();
  const long n = n_atoms;
  const int keys = Hd;
  B *q_ = const_cast<B *>(a.q), *k_ = const_cast<B *>(a.k), *V0_ = const_cast<B *>(a.V0),
    *V1_ = const_cast<B *>(a.V1);
  const auto row = row_of;
  Kokkos::parallel_for(
      "mlff/long_range/spread_values", LongRange<Device>(0, n * (2 * keys + value_parts * HC)),
      KOKKOS_LAMBDA(const long place) {
        const long i = place % n, to = row(i);
        int column = int(place / n);
        if (column < 2 * keys) {
          const bool is_key = column >= keys;
          column %= keys;
          const B y = is_key ? from.key(i, column) : from.query(i, column);
          (is_key ? k_ : q_)[column * a.R + to] = y > B(0) ? y + B(1) : Kokkos::exp(y);
          return;
        }
        column -= 2 * keys;
        const B value = from.value(i, column / a.HC, column % a.HC);
        if (column < a.HC)
          V0_[column * a.R + to] = value;
        else
          V1_[(column - a.HC) * a.R + to] = value;
      });
}

/// Bars of sums from columns of atoms to rows; the last layer has those of scalars only.
template <class Device, typename B> void LongRangeSumsKokkos<Device, B>::spread_bars(int l)
{
  const SumColumns<B> from = sum_columns_of_atoms();
  const long n = n_atoms, R = n_rows;
  const int values = HC, parts = l + 1 < L ? int(sum_parts) : int(even_part);
  B *bars_ = bars.data();
  const auto row = row_of;
  Kokkos::parallel_for(
      "mlff/long_range/spread_bars", LongRange<Device>(0, n * parts * values),
      KOKKOS_LAMBDA(const long place) {
        const long i = place % n;
        const int column = int(place / n);
        bars_[column * R + row(i)] = from(i, column / values, column % values);
      });
}

/// Sums over chunks of waves, from rows to columns of atoms.
template <class Device, typename B> void LongRangeSumsKokkos<Device, B>::gather_sums(int l)
{
  const Rows a = rows_of(l);
  const SumColumns<B> to = sum_columns_of_atoms();
  const long n = n_atoms;
  const int values = HC, parts = l + 1 < L ? int(sum_parts) : int(even_part), chunks = n_chunks;
  const B *from = part_sums.data();
  const auto row = row_of;
  Kokkos::parallel_for(
      "mlff/long_range/gather_sums", LongRange<Device>(0, n * parts * values),
      KOKKOS_LAMBDA(const long place) {
        const long i = place % n;
        if (a.find(by_atom, int(i)).direct) return;
        const int column = int(place / n);
        B sum = B(0);
        for (int chunk = 0; chunk < chunks; chunk++)
          sum += from[(chunk * long(sum_parts) * values + column) * a.R + row(i)];
        to(i, column / values, column % values) = sum;
      });
}

/// Sums over chunks of waves the bars of queries, keys and values, and of positions and the strain,
/// from rows to columns of atoms.
template <class Device, typename B> void LongRangeSumsKokkos<Device, B>::gather_bars(int l)
{
  const Rows a = rows_of(l);
  const ValueColumns<B> to = value_columns();
  const long n = n_atoms;
  const int keys = Hd, values = HC, chunks = n_chunks, heads = H, derivatives = has_cells ? 9 : 3;
  const B *q_ = part_q.data(), *k_ = part_k.data(), *V_ = part_V.data();
  const double *x_ = part_x.data(), *strain_ = part_strain.data();
  double *x_out = x_bar.data(), *strain_out = strain.data();
  const auto row = row_of;
  Kokkos::parallel_for(
      "mlff/long_range/gather_bars",
      LongRange<Device>(0, n * (2 * keys + value_parts * values + derivatives)),
      KOKKOS_LAMBDA(const long place) {
        const long i = place % n, from = row(i);
        const DeviceStructure &structure = a.find(by_atom, int(i));
        if (structure.direct) return;
        int column = int(place / n);
        if (column < 2 * keys) {
          const bool is_key = column >= keys;
          column %= keys;
          B sum = B(0);
          for (int chunk = 0; chunk < chunks; chunk++)
            sum += (is_key ? k_ : q_)[(chunk * long(keys) + column) * a.R + from];
          const B y = (is_key ? a.k : a.q)[column * a.R + from];
          (is_key ? to.key(i, column) : to.query(i, column)) = key_slope(y) * sum;
          return;
        }
        column -= 2 * keys;
        if (column < value_parts * values) {
          B sum = B(0);
          for (int chunk = 0; chunk < chunks; chunk++)
            sum += V_[(chunk * long(value_parts) * values + column) * a.R + from];
          to.value(i, column / values, column % values) = sum;
          return;
        }
        column -= value_parts * values;
        const bool strained = column >= 3;
        if (strained && !structure.periodic) return;
        const int component = strained ? column - 3 : column, parts = strained ? 6 : 3;
        double sum = 0.0;
        for (int part = 0; part < chunks * heads; part++)
          sum += (strained ? strain_ : x_)[(long(part) * parts + component) * a.R + from];
        (strained ? strain_out : x_out)[parts * i + component] += sum;
      });
}

/// Moments of all waves of a layer, through the host.
template <class Device, typename B> void LongRangeSumsKokkos<Device, B>::sum_over_ranks(B *values)
{
  if (!plan.on_ranks()) return;
  using Unmanaged = Kokkos::MemoryTraits<Kokkos::Unmanaged>;
  const Kokkos::View<B *, Kokkos::LayoutRight, Device, Unmanaged> all(values,
                                                                      n_waves * moments_of_wave());
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), all);
  Kokkos::fence();
  plan.sum(host.data(), long(host.extent(0)));
  Kokkos::deep_copy(all, host);
}

/// A kernel of teams with scratch memory.
template <class Device, typename B>
template <typename Body>
void LongRangeSumsKokkos<Device, B>::run(const char *label, int league, int items, int vector,
                                         std::size_t bytes, Body body)
{
  if (league == 0) return;
  const ScratchTeams<Device> teams(league, items, vector, bytes, shape);
  body.level = teams.level;
  Kokkos::parallel_for(label, teams.policy, body);
}

template <class Device, typename B>
template <bool VECTORS, int KEYS>
void LongRangeSumsKokkos<Device, B>::receive_waves(int l)
{
  const ReceiveWaves<Device, B, VECTORS, KEYS> body{{rows_of(l), linear_groups, n_chunks},
                                                    part_sums.data()};
  run("mlff/long_range/receive", n_tiles * n_chunks, H * linear_groups, 1, body.bytes(), body);
}

template <class Device, typename B>
template <bool VECTORS, int KEYS>
void LongRangeSumsKokkos<Device, B>::wave_backward(int l)
{
  const WaveRows<Device, B, KEYS> rows{rows_of(l), linear_groups, n_chunks};
  const ReceiveWavesBackward<Device, B, VECTORS, KEYS> receivers{rows, part_q.data(), part_x.data(),
                                                                 part_strain.data()};
  const SendWavesBackward<Device, B, KEYS> senders{rows, moment_bars.data(), part_k.data(),
                                                   part_V.data(), part_x.data()};
  const int league = n_tiles * n_chunks, items = H * linear_groups;
  run("mlff/long_range/receive_backward", league, items, 1, receivers.bytes(), receivers);
  run("mlff/long_range/send_backward", league, items, 1, senders.bytes(), senders);
}

/// Calls body with, as a constant, whether a layer has vectors: all but the last one.
template <class Device, typename B>
template <typename Body>
void LongRangeSumsKokkos<Device, B>::with_vectors(int l, const Body &body)
{
  if (l + 1 < L)
    body(std::true_type());
  else
    body(std::false_type());
}

/// Calls body with the width of keys as a constant, where it is the default, or with 0: at run
/// time.
template <class Device, typename B>
template <typename Body>
void LongRangeSumsKokkos<Device, B>::with_keys(const Body &body)
{
  if (d == 8)
    body(std::integral_constant<int, 8>());
  else
    body(std::integral_constant<int, 0>());
}

template <class Device, typename B>
template <bool VECTORS>
void LongRangeSumsKokkos<Device, B>::sums(int l)
{
  const DirectForward<Device, B, VECTORS> direct{rows_of(l), sum_columns_of_atoms(), direct_groups};
  run("mlff/long_range/direct", n_direct, H * direct_groups, 1, direct.bytes(), direct);
  if (n_waves == 0) return;
  using Moments = WaveMoments<Device, B, false, VECTORS>;
  const Rows rows = rows_of(l);
  run("mlff/long_range/moments", n_waves, moment_threads, Moments::warp, Moments::bytes(),
      Moments{rows, rows.moments});
  sum_over_ranks(rows.moments);
  if (n_tiles == 0) return;
  with_keys([&](auto keys) {
    receive_waves<VECTORS, keys>(l);
  });
  gather_sums(l);
}

template <class Device, typename B>
template <bool VECTORS>
void LongRangeSumsKokkos<Device, B>::bars_of(int l)
{
  const DirectBackward<Device, B, VECTORS> direct{rows_of(l), value_columns(), x_bar.data(),
                                                  direct_groups};
  run("mlff/long_range/direct_backward", n_direct, H * direct_groups, 1, direct.bytes(), direct);
  if (n_waves == 0) return;
  using Moments = WaveMoments<Device, B, true, VECTORS>;
  run("mlff/long_range/moment_bars", n_waves, moment_threads, Moments::warp, Moments::bytes(),
      Moments{rows_of(l), moment_bars.data()});
  sum_over_ranks(moment_bars.data());
  if (n_tiles == 0) return;
  with_keys([&](auto keys) {
    wave_backward<VECTORS, keys>(l);
  });
  gather_bars(l);
}

template <class Device, typename B> void LongRangeSumsKokkos<Device, B>::forward(int l)
{
  spread_values(l);
  with_vectors(l, [&](auto vectors) {
    sums<vectors>(l);
  });
}

template <class Device, typename B> void LongRangeSumsKokkos<Device, B>::backward(int l)
{
  spread_bars(l);
  with_vectors(l, [&](auto vectors) {
    bars_of<vectors>(l);
  });
}

template <class Device, typename B> double LongRangeSumsKokkos<Device, B>::bytes() const
{
  return bytes_of(scalars, vectors, scalar_sums, vector_sums, q, k, V0, V1, bars, moments,
                  moment_bars, part_sums, part_q, part_k, part_V, wave_u, wave_weight, x_bar,
                  strain, x, wave_k, structure_ends, part_x, part_strain, row_of, starts,
                  wave_frequency, structures);
}

template <class Device, typename B>
std::size_t LongRangeSumsKokkos<Device, B>::bytes(int atoms) const
{
  const std::size_t columns = scalar_columns + 3 * vector_columns + 4 * sum_columns;
  const std::size_t rows = L * (2 * Hd + 4 * HC) + 8 * HC + 8 * HC + 2 * Hd + 4 * HC;
  return atoms * (sizeof(B) * (columns + rows) + sizeof(double) * (6 + 9 + 9 * H) + sizeof(int));
}

MLFF_INSTANTIATE(LongRangeSumsKokkos)

}    // namespace mlff
