/* ----------------------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#include "kokkos/models/long_range_kokkos.h"

#include "kokkos/common/kokkos_copies.h"
#include "kokkos_type.h"

#include <algorithm>
#include <cstring>

using namespace LAMMPS_NS;

namespace LAMMPS_NS {

/* ----------------------------------------------------------------------
   sums of a few values over the threads of a warp
------------------------------------------------------------------------- */

template <typename B, int N> struct FmmFewSums {
  B v[N];
  KOKKOS_INLINE_FUNCTION FmmFewSums()
  {
    for (int k = 0; k < N; k++) v[k] = B(0);
  }
  KOKKOS_INLINE_FUNCTION FmmFewSums &operator+=(const FmmFewSums &other)
  {
    for (int k = 0; k < N; k++) v[k] += other.v[k];
    return *this;
  }
};

/* ----------------------------------------------------------------------
   sines and cosines of N numbers below 1e6. The library's functions keep a
   CPU's compiler from using vectors: there x = n pi/2 + r with pi/2 in three
   parts, series in r, and the quadrant from the lowest bits of n, to 3e-16
------------------------------------------------------------------------- */

template <int N>
KOKKOS_INLINE_FUNCTION void fmm_sines(const double *x, double *sine, double *cosine)
{
  if constexpr (N == 1) {
    *sine = Kokkos::sin(*x);
    *cosine = Kokkos::cos(*x);
  } else {
    for (int i = 0; i < N; i++) {
      const double quarter = x[i] * 0.63661977236758134;
      const int n = int(quarter < 0.0 ? quarter - 0.5 : quarter + 0.5);
      const double turns = n;
      const double r = ((x[i] - turns * 0x1.921fb544p+0) - turns * 0x1.0b4611a6p-34) -
          turns * 0x1.3198a2e037073p-69;
      const double y = r * r;
      double s = 1.0 / 6227020800.0 - y * (1.0 / 1307674368000.0);
      double c = 1.0 / 479001600 - y * (1.0 / 87178291200.0 - y * (1.0 / 20922789888000.0));
      s = 1.0 / 362880 + y * (-1.0 / 39916800 + y * s);
      s = r * (1.0 + y * (-1.0 / 6 + y * (1.0 / 120 + y * (-1.0 / 5040 + y * s))));
      c = 1.0 / 40320 + y * (-1.0 / 3628800 + y * c);
      c = 1.0 + y * (-0.5 + y * (1.0 / 24 + y * (-1.0 / 720 + y * c)));
      const double a = n & 1 ? c : s, b = n & 1 ? s : c;
      sine[i] = n & 2 ? -a : a;
      cosine[i] = (n + 1) & 2 ? -b : b;
    }
  }
}

}    // namespace LAMMPS_NS

template <typename B, int N> struct Kokkos::reduction_identity<LAMMPS_NS::FmmFewSums<B, N>> {
  KOKKOS_FORCEINLINE_FUNCTION static LAMMPS_NS::FmmFewSums<B, N> sum() { return {}; }
};

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename B>
KOKKOS_INLINE_FUNCTION void FmmSumsKokkos<DeviceType, B>::Rows::phases(long wave, long row,
                                                                       B *cosine, B *sine) const
{
  const double kx = wave_k[3 * wave], ky = wave_k[3 * wave + 1], kz = wave_k[3 * wave + 2];
  double theta[lanes], s[lanes], c[lanes];
#pragma omp simd
  for (int z = 0; z < lanes; z++)
    theta[z] = kx * x[row + z] + ky * x[R + row + z] + kz * x[2 * R + row + z];
  fmm_sines<lanes>(theta, s, c);
#pragma omp simd
  for (int z = 0; z < lanes; z++) {
    cosine[z] = B(c[z]);
    sine[z] = B(s[z]);
  }
}

/* ----------------------------------------------------------------------
   row i and `lanes` rows from `first` on, into place `at` of the tile. With
   itself an atom has j0 = 1, j1 = 0; rows at and beyond `last` have no atom
   and no keys, and need a distance only
------------------------------------------------------------------------- */

template <class DeviceType, typename B>
template <bool SLOPES>
KOKKOS_INLINE_FUNCTION void FmmSumsKokkos<DeviceType, B>::geometry(const Rows &a, long i,
                                                                   long first, long last, int at,
                                                                   const Pairs &pairs)
{
  const long R = a.R;
  const int J = pairs.J;
  double r[lanes], inverse[lanes], on[lanes], phase[2 * lanes], sines[2 * lanes],
      cosines[2 * lanes];
  const double xi = a.x[i], yi = a.x[R + i], zi = a.x[2 * R + i];
  const double kappa0 = a.kappa[0], step = a.T > 1 ? a.kappa[1] - kappa0 : 0.0;
#pragma omp simd
  for (int z = 0; z < lanes; z++) {
    const long j = first + z;
    const bool pair = j != i && j < last;
    const double dx = pair ? xi - a.x[j] : 1.0, dy = pair ? yi - a.x[R + j] : 0.0;
    const double dz = pair ? zi - a.x[2 * R + j] : 0.0;
    on[z] = pair ? 1.0 : 0.0;
    r[z] = Kokkos::sqrt(dx * dx + dy * dy + dz * dz);
    inverse[z] = 1.0 / r[z];
    const double u[3] = {on[z] * dx * inverse[z], dy * inverse[z], dz * inverse[z]};
    for (int k = 0; k < 3; k++) pairs.u[k * J + at + z] = B(u[k]);
    if (SLOPES) {
      for (int k = 0; k < 3; k++) pairs.direction[k * J + at + z] = u[k];
      pairs.inverse[at + z] = on[z] * inverse[z];
    }
    phase[z] = kappa0 * r[z];
    phase[lanes + z] = step * r[z];
  }
  // evenly spaced frequencies: one turn more from each to the next
  fmm_sines<lanes>(phase, sines, cosines);
  fmm_sines<lanes>(phase + lanes, sines + lanes, cosines + lanes);
  for (int t = 0; t < a.T; t++) {
    const double kappa = a.kappa[t], length = kappa > 0.0 ? 1.0 / kappa : 0.0;
    const long to = (long) t * J + at;
#pragma omp simd
    for (int z = 0; z < lanes; z++) {
      const double y = kappa * r[z], y2 = y * y, over = length * inverse[z],
                   ratio = sines[z] * over;
      const double series0 = 1.0 - y2 / 6.0 * (1.0 - y2 / 20.0);
      const double series1 = y / 3.0 * (1.0 - y2 / 10.0 * (1.0 - y2 / 28.0));
      const double slope1 = (1.0 - 0.3 * y2 * (1.0 - y2 * (5.0 / 84.0))) / 3.0;
      const bool large = y > 1e-2;
      const double j0 = large ? ratio : series0,
                   j1 = on[z] * (large ? (ratio - cosines[z]) * over : series1);
      pairs.j0[to + z] = B(on[z] > 0.0 ? j0 : 1.0);
      pairs.j1[to + z] = B(j1);
      if (SLOPES) {
        pairs.dj0[to + z] = B(-kappa * j1);
        pairs.dj1[to + z] = B(on[z] * kappa * (large ? j0 - 2.0 * j1 * over : slope1));
      }
      const double sine = sines[z] * cosines[lanes + z] + cosines[z] * sines[lanes + z];
      cosines[z] = cosines[z] * cosines[lanes + z] - sines[z] * sines[lanes + z];
      sines[z] = sine;
    }
  }
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename B>
template <typename U>
typename FmmSumsKokkos<DeviceType, B>::template Array<U>
FmmSumsKokkos<DeviceType, B>::upload(const std::vector<double> &values, const char *name)
{
  Array<U> array(Kokkos::view_alloc(std::string("mlff:fmm_") + name, Kokkos::WithoutInitializing),
                 values.size());
  const std::vector<U> own(values.begin(), values.end());
  copy_to_device(array, own);
  return array;
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename B>
FmmSumsKokkos<DeviceType, B>::FmmSumsKokkos(const mlff::Potential &potential, mlff::FmmForm form) :
    known(potential, form)
{
  const auto &fmm = potential.fmm;
  H = fmm.heads;
  d = fmm.key_width;
  T = fmm.kappa_count;
  L = fmm.layers;
  HC = fmm.channels(potential.sizes.features);
  C = HC / H;
  Hd = H * d;
  first_key = mlff::padded(Hd);
  first_value = 2 * mlff::padded(Hd);
  scalar_columns = first_value + mlff::padded(HC);
  vector_columns = first_odd = mlff::padded(HC);
  sum_columns = 2 * mlff::padded(HC);
  std::vector<double> frequencies;
  for (int t = 0; t < T; t++) frequencies.push_back(fmm.kappa(t));
  kappa = upload<double>(frequencies, "kappa");
  for (int l = 0; l < L; l++)
    radial.push_back(upload<B>(
        potential.tensors.at("fmm." + std::to_string(l) + ".radial.weight").values, "radial"));

  // of scratch memory that of the backward, and of the sums of the linear form, is the larger
  const std::size_t bars_of_pair = sizeof(B) * (4 * HC + 2 * Hd + 4 * H) + 3 * sizeof(double);
  direct_groups = groups_of(Pairs::bytes(T, 1, true) + bars_of_pair, 64);
  linear_groups = groups_of(sizeof(B) * 8 * HC, 128);
}

/* ----------------------------------------------------------------------
   threads along atoms: heads times these make a team, within 40 kB of
   scratch memory where eight do
------------------------------------------------------------------------- */

template <class DeviceType, typename B>
int FmmSumsKokkos<DeviceType, B>::groups_of(std::size_t bytes_of_group, int most) const
{
  if (on_host) return 1;
  int groups = most;
  while (groups > 8 && (groups * bytes_of_group > 40000 || groups * H > 256)) groups /= 2;
  return groups;
}

/* ----------------------------------------------------------------------
   a team of threads with scratch memory, from the level that has room for it
------------------------------------------------------------------------- */

template <class DeviceType, typename B>
typename FmmSumsKokkos<DeviceType, B>::Policy
FmmSumsKokkos<DeviceType, B>::policy_of(int league, int team, int vector, std::size_t bytes,
                                        int &level)
{
  team = on_host ? 1 : std::min(256, (team + 31) / 32 * 32);
  level = bytes <= (std::size_t) Policy::scratch_size_max(0) ? 0 : 1;
  return Policy(league, team, vector).set_scratch_size(level, Kokkos::PerTeam(bytes));
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename B>
void FmmSumsKokkos<DeviceType, B>::find_ends(std::vector<mlff::FmmEnds> &ends,
                                             const Array<double> &position, int n)
{
  grow(structure_ends, 6 * (std::size_t) n, "ends");
  const auto found = structure_ends;
  const auto x_ = position;
  const auto first = starts;
  Kokkos::parallel_for(
      "mlff:fmm_ends", Policy(3 * n, Kokkos::AUTO), KOKKOS_LAMBDA(const Member &team) {
        const int s = team.league_rank() / 3, axis = team.league_rank() % 3;
        Kokkos::MinMaxScalar<double> range;
        Kokkos::parallel_reduce(
            Kokkos::TeamThreadRange(team, first(s), first(s + 1)),
            [&](const int i, Kokkos::MinMaxScalar<double> &own) {
              const double value = x_(3 * i + axis);
              if (value < own.min_val) own.min_val = value;
              if (value > own.max_val) own.max_val = value;
            },
            Kokkos::MinMax<double>(range));
        Kokkos::single(Kokkos::PerTeam(team), [&]() {
          found(6 * s + axis) = range.max_val;
          found(6 * s + 3 + axis) = -range.min_val;
        });
      });
  std::vector<double> values(6 * (std::size_t) n);
  copy_to_host(values, found);
  for (int s = 0; s < n; s++) std::copy_n(values.begin() + 6 * s, 6, ends[s].begin());
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename B>
void FmmSumsKokkos<DeviceType, B>::prepare(std::span<const int> first_atom,
                                           std::span<const double> cell,
                                           mlff::GhostExchange *exchange,
                                           const Array<double> &position)
{
  const mlff::Graph shape{first_atom, {}, {}, {}, {}, {}, cell};
  const int n = shape.n_structures();
  n_atoms = n > 0 ? first_atom.back() : 0;
  has_cells = !cell.empty();
  grow(starts, 4 * ((std::size_t) n + 1), "starts");
  copy_to_device(starts, first_atom);

  std::vector<mlff::FmmEnds> ends(n);
  bool open = false;
  for (int s = 0; s < n; s++) open = open || !shape.cell_of(s);
  if (open) find_ends(ends, position, n);
  known.begin(exchange, false);
  for (int s = 0; s < n; s++)
    known.add(first_atom[s], first_atom[s + 1] - first_atom[s], shape.cell_of(s), ends[s]);
  upload_waves();
  upload_structures();

  const std::size_t R = n_rows, values = HC * R, keys = Hd * R;
  grow(scalars, (std::size_t) n_atoms * scalar_columns, "scalars");
  grow(vectors, 3 * (std::size_t) n_atoms * vector_columns, "vectors");
  grow(scalar_sums, (std::size_t) n_atoms * sum_columns, "scalar_sums");
  grow(vector_sums, 3 * (std::size_t) n_atoms * sum_columns, "vector_sums");
  grow(x_bar, 3 * (std::size_t) n_atoms, "x_bar");
  grow(strain, has_cells ? 6 * (std::size_t) n_atoms : 0, "strain");
  grow(x, 3 * R, "x");
  grow(q, L * keys, "q");
  grow(k, L * keys, "k");
  grow(V0, L * values, "V0");
  grow(V1, 3 * L * values, "V1");
  grow(bars, 8 * values, "bars");
  if (n_waves > 0) {
    const std::size_t chunks = n_chunks;
    grow(moments, L * n_waves * moments_of_wave(), "moments");
    grow(moment_bars, n_waves * moments_of_wave(), "moment_bars");
    grow(part_sums, chunks * 8 * values, "part_sums");
    grow(part_q, chunks * keys, "part_q");
    grow(part_k, chunks * keys, "part_k");
    grow(part_V, chunks * 4 * values, "part_V");
    grow(part_x, chunks * H * 3 * R, "part_x");
    grow(part_strain, has_cells ? chunks * H * 6 * R : 0, "part_strain");
  }

  Kokkos::deep_copy(x_bar, 0.0);
  Kokkos::deep_copy(strain, 0.0);
  // rows without an atom must hold numbers, of which zeros have no effect
  if (lanes > 1) {
    Kokkos::deep_copy(x, 0.0);
    for (auto *array : {&q, &k, &V0, &V1, &bars}) Kokkos::deep_copy(*array, B(0));
  }
  const Rows a = rows_of(0);
  const long rows = R;
  const auto row = row_of;
  const auto from = position;
  const auto to = x;
  Kokkos::parallel_for(
      "mlff:fmm_x", Range(0, n_atoms), KOKKOS_LAMBDA(const int i) {
        const Structure &structure = a.find(0, i);
        for (int axis = 0; axis < 3; axis++)
          to(axis * rows + row(i)) = from(3 * (long) i + axis) - structure.centre[axis];
      });
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename B> void FmmSumsKokkos<DeviceType, B>::upload_waves()
{
  if (uploaded == known.changes) return;
  uploaded = known.changes;
  first_of_set.clear();
  std::vector<double> wave_k_;
  std::vector<B> u, weight;
  std::vector<int> frequency;
  for (const auto &set : known.wave_sets) {
    first_of_set.push_back((long) frequency.size());
    wave_k_.insert(wave_k_.end(), set.k, set.k + 3 * (std::size_t) set.n);
    u.insert(u.end(), set.u, set.u + 3 * (std::size_t) set.n);
    weight.insert(weight.end(), set.weight, set.weight + 4 * (std::size_t) set.n);
    frequency.insert(frequency.end(), set.frequency, set.frequency + set.n);
  }
  grow(wave_k, wave_k_.size(), "wave_k");
  grow(wave_u, u.size(), "wave_u");
  grow(wave_weight, weight.size(), "wave_weight");
  grow(wave_frequency, frequency.size(), "wave_frequency");
  copy_to_device(wave_k, wave_k_);
  copy_to_device(wave_u, u);
  copy_to_device(wave_weight, weight);
  copy_to_device(wave_frequency, frequency);
}

/* ----------------------------------------------------------------------
   where the atoms, rows, tiles and waves of each structure begin
------------------------------------------------------------------------- */

template <class DeviceType, typename B> void FmmSumsKokkos<DeviceType, B>::upload_structures()
{
  const int n = (int) known.structures.size(), tile = linear_groups * lanes;
  host_structures.clear();
  host_starts.assign(4 * ((std::size_t) n + 1), 0);
  n_rows = n_direct = n_tiles = n_waves = 0;
  std::vector<int> rows;
  for (int s = 0; s <= n; s++) {
    host_starts[s] = s < n ? known.structures[s].first_atom : n_atoms;
    host_starts[(n + 1) + s] = n_direct;
    host_starts[2 * (n + 1) + s] = n_tiles;
    host_starts[3 * (n + 1) + s] = n_waves;
    if (s == n) break;
    const auto &from = known.structures[s];
    Structure to{};
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
    else if (from.first_moment < known.n_moments()) {
      const auto &set = known.wave_sets[from.waves];
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
  n_chunks = on_host || n_tiles == 0 ? 1 : std::clamp(1024 / n_tiles, 1, 32);

  grow(structures, n, "structures");
  copy_to_device(structures, host_structures);
  copy_to_device(starts, host_starts);
  if (rows == host_rows && row_of.data()) return;
  host_rows = std::move(rows);
  grow(row_of, host_rows.size(), "row_of");
  copy_to_device(row_of, host_rows);
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename B>
typename FmmSumsKokkos<DeviceType, B>::Rows FmmSumsKokkos<DeviceType, B>::rows_of(int l) const
{
  Rows a;
  a.H = H;
  a.d = d;
  a.C = C;
  a.T = T;
  a.HC = HC;
  a.n_structures = (int) host_structures.size();
  a.R = n_rows;
  a.x = x.data();
  a.kappa = kappa.data();
  a.q = q.data() + (long) l * Hd * n_rows;
  a.k = k.data() + (long) l * Hd * n_rows;
  a.V0 = V0.data() + (long) l * HC * n_rows;
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

/* ----------------------------------------------------------------------
   queries, keys (elu + 1) and values from columns of atoms to rows
------------------------------------------------------------------------- */

template <class DeviceType, typename B> void FmmSumsKokkos<DeviceType, B>::spread_values(int l)
{
  const Rows a = rows_of(l);
  const long n = n_atoms, R = n_rows;
  const int keys = Hd, values = HC, key = first_key, value = first_value, width = scalar_columns,
            vector_width = vector_columns;
  const B *s_ = scalars.data(), *v_ = vectors.data();
  B *q_ = const_cast<B *>(a.q), *k_ = const_cast<B *>(a.k), *V0_ = const_cast<B *>(a.V0),
    *V1_ = const_cast<B *>(a.V1);
  const auto row = row_of;
  Kokkos::parallel_for(
      "mlff:fmm_values", LongRange(0, n * (2 * keys + 4 * values)),
      KOKKOS_LAMBDA(const long place) {
        const long i = place % n, to = row(i);
        int column = (int) (place / n);
        if (column < 2 * keys) {
          const int part = column / keys;
          column %= keys;
          const B y = s_[i * width + part * key + column];
          (part ? k_ : q_)[column * R + to] = y > B(0) ? y + B(1) : Kokkos::exp(y);
        } else if ((column -= 2 * keys) < values)
          V0_[column * R + to] = s_[i * width + value + column];
        else {
          column -= values;
          V1_[column * R + to] = v_[(3 * i + column / values) * vector_width + column % values];
        }
      });
}

/* ----------------------------------------------------------------------
   bars of s0, s1, v0, v1 from columns of atoms to rows
------------------------------------------------------------------------- */

template <class DeviceType, typename B> void FmmSumsKokkos<DeviceType, B>::spread_bars(int l)
{
  const long n = n_atoms, R = n_rows;
  const int values = HC, width = sum_columns, odd = first_odd, parts = l + 1 < L ? 8 : 2;
  const B *s_ = scalar_sums.data(), *v_ = vector_sums.data();
  B *bars_ = bars.data();
  const auto row = row_of;
  Kokkos::parallel_for(
      "mlff:fmm_bars", LongRange(0, n * parts * values), KOKKOS_LAMBDA(const long place) {
        const long i = place % n;
        const int column = (int) (place / n), part = column / values, c = column % values;
        B y;
        if (part < 2)
          y = s_[i * width + (part ? odd : 0) + c];
        else
          y = v_[(3 * i + (part < 5 ? part - 2 : part - 5)) * width + (part < 5 ? 0 : odd) + c];
        bars_[column * R + row(i)] = y;
      });
}

/* ----------------------------------------------------------------------
   direct form: sums of one atom over all senders
------------------------------------------------------------------------- */

template <class DeviceType, typename B>
template <bool VECTORS>
void FmmSumsKokkos<DeviceType, B>::direct_forward(int l)
{
  if (n_direct == 0) return;
  const Rows a = rows_of(l);
  constexpr int n_sums = VECTORS ? 8 : 2;
  const int G = direct_groups, J = G * lanes,
            row_of_sums = on_host ? J : J + 1;    // without conflicts of banks
  const std::size_t pair_bytes = Pairs::bytes(T, J, false);
  const std::size_t bytes = pair_bytes + sizeof(B) * n_sums * HC * row_of_sums;
  const int width = sum_columns, odd = first_odd;
  B *out_s = scalar_sums.data(), *out_v = vector_sums.data();
  int level;
  const auto policy = policy_of(n_direct, H * G, 1, bytes, level);
  Kokkos::parallel_for(
      "mlff:fmm_direct", policy, KOKKOS_LAMBDA(const Member &team) {
        const Structure &structure = a.find(1, team.league_rank());
        const int mine = team.league_rank() - structure.first_direct, HC = a.HC, C = a.C, d = a.d;
        const long i = structure.first_row + mine, last = structure.first_row + structure.n_atoms,
                   R = a.R;
        char *memory = (char *) team.team_scratch(level).get_shmem(bytes);
        const Pairs pairs(memory, a.T, J, false);
        B *sums = (B *) (memory + pair_bytes);
        const long next = (long) HC * row_of_sums;
        Kokkos::parallel_for(Kokkos::TeamThreadRange(team, n_sums * HC * row_of_sums),
                             [&](const int s) {
                               sums[s] = B(0);
                             });
        for (long base = structure.first_row; base < last; base += J) {
          team.team_barrier();
          Kokkos::parallel_for(Kokkos::TeamThreadRange(team, G), [&](const int g) {
            if (base + g * lanes < last)
              geometry<false>(a, i, base + g * lanes, last, g * lanes, pairs);
          });
          team.team_barrier();
          Kokkos::parallel_for(Kokkos::TeamThreadRange(team, a.H * G), [&](const int item) {
            const int h = item / G, at = item % G * lanes;
            const long j = base + at;
            if (j >= last) return;
            B weight[lanes], K0[lanes], K1[lanes], K2[lanes], K3[lanes];
#pragma omp simd
            for (int z = 0; z < lanes; z++) weight[z] = B(0);
            for (int m = h * d; m < (h + 1) * d; m++) {
              const B query = a.q[m * R + i], *key = a.k + m * R + j;
#pragma omp simd
              for (int z = 0; z < lanes; z++) weight[z] += query * key[z];
            }
            const B *ux = pairs.u + at, *uy = ux + J, *uz = uy + J;
            for (int c = h * C; c < (h + 1) * C; c++) {
#pragma omp simd
              for (int z = 0; z < lanes; z++) K0[z] = K1[z] = K2[z] = K3[z] = B(0);
              for (int t = 0; t < a.T; t++) {
                const B *w = a.radial + 4L * t * HC + c, *j0 = pairs.j0 + t * J + at,
                        *j1 = pairs.j1 + t * J + at;
                const B w0 = w[0], w1 = w[HC], w2 = w[2 * HC], w3 = w[3 * HC];
#pragma omp simd
                for (int z = 0; z < lanes; z++) {
                  K0[z] += w0 * j0[z];
                  K3[z] += w3 * j1[z];
                  if (VECTORS) {
                    K1[z] += w1 * j1[z];
                    K2[z] += w2 * j0[z];
                  }
                }
              }
              const B *V = a.V0 + c * R + j, *Vx = a.V1 + c * R + j, *Vy = Vx + HC * R,
                      *Vz = Vy + HC * R;
              B *own = sums + (long) c * row_of_sums + at;
#pragma omp simd
              for (int z = 0; z < lanes; z++) {
                own[z] += weight[z] * K0[z] * V[z];
                own[next + z] +=
                    weight[z] * K3[z] * (ux[z] * Vx[z] + uy[z] * Vy[z] + uz[z] * Vz[z]);
                if (VECTORS) {
                  const B from_vectors = weight[z] * K2[z], from_scalars = weight[z] * K1[z] * V[z];
                  own[2 * next + z] += from_vectors * Vx[z];
                  own[3 * next + z] += from_vectors * Vy[z];
                  own[4 * next + z] += from_vectors * Vz[z];
                  own[5 * next + z] += from_scalars * ux[z];
                  own[6 * next + z] += from_scalars * uy[z];
                  own[7 * next + z] += from_scalars * uz[z];
                }
              }
            }
          });
        }
        team.team_barrier();
        const long atom = structure.first_atom + mine;
        Kokkos::parallel_for(Kokkos::TeamThreadRange(team, n_sums * HC), [&](const int item) {
          const int part = item / HC, c = item % HC;
          const B *own = sums + (long) item * row_of_sums;
          B sum = B(0);
          for (int z = 0; z < J; z++) sum += own[z];
          if (part < 2)
            out_s[atom * width + (part ? odd : 0) + c] = sum;
          else
            out_v[(3 * atom + (part < 5 ? part - 2 : part - 5)) * width + (part < 5 ? 0 : odd) +
                  c] = sum;
        });
      });
}

/* ----------------------------------------------------------------------
   direct form: bars of one atom, which receives from and sends to all others
------------------------------------------------------------------------- */

template <class DeviceType, typename B>
template <bool VECTORS>
void FmmSumsKokkos<DeviceType, B>::direct_backward(int l)
{
  if (n_direct == 0) return;
  const Rows a = rows_of(l);
  const int G = direct_groups, J = G * lanes, row_of_sums = on_host ? J : J + 1;
  const int n_sums = 4 * HC + 2 * Hd;
  const std::size_t pair_bytes = Pairs::bytes(T, J, true),
                    x_bytes = sizeof(double) * 3 * row_of_sums;
  const std::size_t bytes =
      pair_bytes + x_bytes + sizeof(B) * (n_sums * row_of_sums + 4 * H * J) + 8;
  const int width = scalar_columns, vector_width = vector_columns, key = first_key,
            value = first_value, keys = Hd;
  B *out_s = scalars.data(), *out_v = vectors.data();
  double *out_x = x_bar.data();
  int level;
  const auto policy = policy_of(n_direct, H * G, 1, bytes, level);
  Kokkos::parallel_for(
      "mlff:fmm_direct_backward", policy, KOKKOS_LAMBDA(const Member &team) {
        const Structure &structure = a.find(1, team.league_rank());
        const int mine = team.league_rank() - structure.first_direct, HC = a.HC, H = a.H, C = a.C,
                  d = a.d;
        const long i = structure.first_row + mine, last = structure.first_row + structure.n_atoms,
                   R = a.R;
        const long next = HC * R;
        char *memory = (char *) team.team_scratch(level).get_shmem(bytes);
        double *x_sums = (double *) memory;    // [3][row_of_sums]
        const Pairs pairs(memory + x_bytes, a.T, J, true);
        B *sums = (B *) (memory + x_bytes + pair_bytes);    // [V0, V1 | q | k][row_of_sums]
        B *heads = sums + (long) n_sums * row_of_sums;      // [u_bar, r_bar][H][J]
        Kokkos::parallel_for(Kokkos::TeamThreadRange(team, n_sums * row_of_sums), [&](const int s) {
          sums[s] = B(0);
        });
        Kokkos::parallel_for(Kokkos::TeamThreadRange(team, 3 * row_of_sums), [&](const int s) {
          x_sums[s] = 0.0;
        });
        const B *s0_bar = a.bars, *s1_bar = s0_bar + next, *v0_bar = s0_bar + 2 * next,
                *v1_bar = s0_bar + 5 * next;
        for (long base = structure.first_row; base < last; base += J) {
          team.team_barrier();
          Kokkos::parallel_for(Kokkos::TeamThreadRange(team, G), [&](const int g) {
            if (base + g * lanes < last)
              geometry<true>(a, i, base + g * lanes, last, g * lanes, pairs);
          });
          team.team_barrier();
          Kokkos::parallel_for(Kokkos::TeamThreadRange(team, H * G), [&](const int item) {
            const int h = item / G, at = item % G * lanes;
            const long j = base + at;
            if (j >= last) return;
            B to_i[lanes], to_j[lanes], to_i_bar[lanes], to_j_bar[lanes], r_bar[lanes],
                u_bar[3][lanes];
#pragma omp simd
            for (int z = 0; z < lanes; z++)
              to_i[z] = to_j[z] = to_i_bar[z] = to_j_bar[z] = r_bar[z] = u_bar[0][z] = u_bar[1][z] =
                  u_bar[2][z] = B(0);
            for (int m = h * d; m < (h + 1) * d; m++) {
              const B qi = a.q[m * R + i], ki = a.k[m * R + i], *qj = a.q + m * R + j,
                      *kj = a.k + m * R + j;
#pragma omp simd
              for (int z = 0; z < lanes; z++) {
                to_i[z] += qi * kj[z];
                to_j[z] += qj[z] * ki;
              }
            }
            const B *ux = pairs.u + at, *uy = ux + J, *uz = uy + J;
            for (int c = h * C; c < (h + 1) * C; c++) {
              B K0[lanes], K1[lanes], K2[lanes], K3[lanes], D0[lanes], D1[lanes], D2[lanes],
                  D3[lanes];
#pragma omp simd
              for (int z = 0; z < lanes; z++)
                K0[z] = K1[z] = K2[z] = K3[z] = D0[z] = D1[z] = D2[z] = D3[z] = B(0);
              for (int t = 0; t < a.T; t++) {
                const B *w = a.radial + 4L * t * HC + c, *j0 = pairs.j0 + t * J + at,
                        *j1 = pairs.j1 + t * J + at;
                const B *dj0 = pairs.dj0 + t * J + at, *dj1 = pairs.dj1 + t * J + at;
                const B w0 = w[0], w1 = w[HC], w2 = w[2 * HC], w3 = w[3 * HC];
#pragma omp simd
                for (int z = 0; z < lanes; z++) {
                  K0[z] += w0 * j0[z];
                  K3[z] += w3 * j1[z];
                  D0[z] += w0 * dj0[z];
                  D3[z] += w3 * dj1[z];
                  if (VECTORS) {
                    K1[z] += w1 * j1[z];
                    K2[z] += w2 * j0[z];
                    D1[z] += w1 * dj1[z];
                    D2[z] += w2 * dj0[z];
                  }
                }
              }
              const long there = c * R + j, here = c * R + i;
              const B *V = a.V0 + there, *Vx = a.V1 + there, *Vy = Vx + next, *Vz = Vy + next;
              const B Vi = a.V0[here], Vxi = a.V1[here], Vyi = a.V1[next + here],
                      Vzi = a.V1[2 * next + here];
              const B *e0 = s0_bar + there, *e1 = s1_bar + there;    // bars of j
              const B e0i = s0_bar[here], e1i = s1_bar[here];        // of i
              const B *fx = v0_bar + there, *fy = fx + next, *fz = fy + next;
              const B *gx = v1_bar + there, *gy = gx + next, *gz = gy + next;
              B fi[3] = {}, gi[3] = {};
              for (int x = 0; x < 3 && VECTORS; x++) {
                fi[x] = v0_bar[x * next + here];
                gi[x] = v1_bar[x * next + here];
              }
              B *own = sums + (long) c * row_of_sums + at;
              const long next_own = (long) HC * row_of_sums;
#pragma omp simd
              for (int z = 0; z < lanes; z++) {
                const B along = ux[z] * Vx[z] + uy[z] * Vy[z] + uz[z] * Vz[z];
                const B along_i = ux[z] * Vxi + uy[z] * Vyi + uz[z] * Vzi;
                // bars of K before the factor q.k of each way
                const B K0_i = V[z] * e0i, K0_j = Vi * e0[z], K3_i = along * e1i,
                        K3_j = -along_i * e1[z];
                B i_bar = K0[z] * K0_i + K3[z] * K3_i, j_bar = K0[z] * K0_j + K3[z] * K3_j;
                const B odd_i = to_i[z] * K3[z] * e1i,
                        odd_j = -to_j[z] * K3[z] * e1[z];    // bars of u.V1
                B V_sum = to_j[z] * K0[z] * e0[z];
                B Vx_sum = odd_j * ux[z], Vy_sum = odd_j * uy[z], Vz_sum = odd_j * uz[z];
                B x_sum = odd_i * Vx[z] + odd_j * Vxi, y_sum = odd_i * Vy[z] + odd_j * Vyi;
                B z_sum = odd_i * Vz[z] + odd_j * Vzi;
                B r_sum = D0[z] * (to_i[z] * K0_i + to_j[z] * K0_j) +
                    D3[z] * (to_i[z] * K3_i + to_j[z] * K3_j);
                if (VECTORS) {
                  const B g = ux[z] * gx[z] + uy[z] * gy[z] + uz[z] * gz[z];
                  const B g_i = ux[z] * gi[0] + uy[z] * gi[1] + uz[z] * gi[2];
                  const B K2_i = Vx[z] * fi[0] + Vy[z] * fi[1] + Vz[z] * fi[2];
                  const B K2_j = fx[z] * Vxi + fy[z] * Vyi + fz[z] * Vzi;
                  const B K1_i = V[z] * g_i, K1_j = -g * Vi;
                  i_bar += K1[z] * K1_i + K2[z] * K2_i;
                  j_bar += K1[z] * K1_j + K2[z] * K2_j;
                  V_sum -= to_j[z] * K1[z] * g;
                  const B vector_j = to_j[z] * K2[z];
                  Vx_sum += vector_j * fx[z];
                  Vy_sum += vector_j * fy[z];
                  Vz_sum += vector_j * fz[z];
                  const B scalar_i = to_i[z] * K1[z] * V[z], scalar_j = to_j[z] * K1[z] * Vi;
                  x_sum += scalar_i * gi[0] - scalar_j * gx[z];
                  y_sum += scalar_i * gi[1] - scalar_j * gy[z];
                  z_sum += scalar_i * gi[2] - scalar_j * gz[z];
                  r_sum += D1[z] * (to_i[z] * K1_i + to_j[z] * K1_j) +
                      D2[z] * (to_i[z] * K2_i + to_j[z] * K2_j);
                }
                to_i_bar[z] += i_bar;
                to_j_bar[z] += j_bar;
                own[z] += V_sum;
                own[next_own + z] += Vx_sum;
                own[2 * next_own + z] += Vy_sum;
                own[3 * next_own + z] += Vz_sum;
                u_bar[0][z] += x_sum;
                u_bar[1][z] += y_sum;
                u_bar[2][z] += z_sum;
                r_bar[z] += r_sum;
              }
            }
            for (int m = h * d; m < (h + 1) * d; m++) {
              const B *qj = a.q + m * R + j, *kj = a.k + m * R + j;
              B *q_own = sums + (4L * HC + m) * row_of_sums + at,
                *k_own = q_own + (long) H * d * row_of_sums;
#pragma omp simd
              for (int z = 0; z < lanes; z++) {
                q_own[z] += to_i_bar[z] * kj[z];
                k_own[z] += to_j_bar[z] * qj[z];
              }
            }
#pragma omp simd
            for (int z = 0; z < lanes; z++) {
              for (int x = 0; x < 3; x++) heads[(x * H + h) * J + at + z] = u_bar[x][z];
              heads[(3 * H + h) * J + at + z] = r_bar[z];
            }
          });
          team.team_barrier();
          Kokkos::parallel_for(Kokkos::TeamThreadRange(team, G), [&](const int g) {
            const int at = g * lanes;
            if (base + at >= last) return;
#pragma omp simd
            for (int z = 0; z < lanes; z++) {
              double bar[4], along = 0.0;
              for (int x = 0; x < 4; x++) {
                bar[x] = 0.0;
                for (int h = 0; h < H; h++) bar[x] += double(heads[(x * H + h) * J + at + z]);
                if (x < 3) along += bar[x] * pairs.direction[x * J + at + z];
              }
              const double inverse = pairs.inverse[at + z], rest = bar[3] - along * inverse;
              for (int x = 0; x < 3; x++)
                x_sums[x * row_of_sums + at + z] +=
                    rest * pairs.direction[x * J + at + z] + bar[x] * inverse;
            }
          });
        }
        team.team_barrier();
        const long atom = structure.first_atom + mine;
        Kokkos::parallel_for(Kokkos::TeamThreadRange(team, n_sums + 3), [&](const int item) {
          if (item >= n_sums) {
            double sum = 0.0;
            for (int z = 0; z < J; z++) sum += x_sums[(item - n_sums) * row_of_sums + z];
            out_x[3 * atom + item - n_sums] += sum;
            return;
          }
          const B *own = sums + (long) item * row_of_sums;
          B sum = B(0);
          for (int z = 0; z < J; z++) sum += own[z];
          if (item < HC)
            out_s[atom * width + value + item] = sum;
          else if (item < 4 * HC)
            out_v[(3 * atom + item / HC - 1) * vector_width + item % HC] = sum;
          else {
            const int m = item - 4 * HC, part = m / keys;
            const B y =
                (part ? a.k
                      : a.q)[m % keys * R + i];    // elu + 1: its slope is 1 above 1, itself below
            out_s[atom * width + part * key + m % keys] = (y < B(1) ? y : B(1)) * sum;
          }
        });
      });
}

/* ----------------------------------------------------------------------
   linear form: moments of each plane wave, sum_j cos, sin k_j V_j, or their
   bars from those that receive, sum_i q_i B_bar
------------------------------------------------------------------------- */

template <class DeviceType, typename B>
template <bool BARS, bool VECTORS>
void FmmSumsKokkos<DeviceType, B>::find_moments(int l)
{
  const Rows a = rows_of(l);
  constexpr int K = keys_at_once;
  const int E = 4 * C, key_chunks = (d + K - 1) / K, items = H * E * key_chunks;
  const long size = moments_of_wave();
  B *out = BARS ? moment_bars.data() : a.moments;
  const std::size_t bytes = 2 * sizeof(B) * moment_tile;
  int level;
  const auto policy = policy_of(n_waves, on_host ? 1 : 8, warp, bytes, level);
  Kokkos::parallel_for(
      BARS ? "mlff:fmm_moment_bars" : "mlff:fmm_moments", policy,
      KOKKOS_LAMBDA(const Member &team) {
        const Structure &structure = a.find(3, team.league_rank());
        const long wave = structure.first_of_set + team.league_rank() - structure.first_wave,
                   R = a.R;
        const long end = structure.first_row + (structure.n_atoms + lanes - 1) / lanes * lanes;
        const int d = a.d, C = a.C, HC = a.HC;
        const long half = (long) a.H * d * E, next = HC * R;
        B *moment = out + team.league_rank() * size;
        B *cosines = (B *) team.team_scratch(level).get_shmem(bytes),
          *sines = cosines + moment_tile;
        const B *keys = BARS ? a.q : a.k, *u = a.wave_u + 3 * wave;
        for (long start = structure.first_row; start == structure.first_row || start < end;
             start += moment_tile) {
          const int blocks =
              (int) ((end - start < moment_tile ? end - start : moment_tile) / lanes);
          team.team_barrier();
          Kokkos::parallel_for(Kokkos::TeamVectorRange(team, blocks), [&](const int block) {
            a.phases(wave, start + block * lanes, cosines + block * lanes, sines + block * lanes);
          });
          team.team_barrier();
          Kokkos::parallel_for(Kokkos::TeamThreadRange(team, items), [&](const int item) {
            const int h = item / (E * key_chunks), e = item / key_chunks % E,
                      m0 = item % key_chunks * K;
            const int c = h * C + e % C, axis = e / C - 1, count = d - m0 < K ? d - m0 : K;
            const B *value = axis < 0 ? a.V0 + c * R : a.V1 + (axis * (long) HC + c) * R;
            const B *key[K];    // the last ones of a head again, without an effect
            for (int m = 0; m < K; m++)
              key[m] = keys + ((long) h * d + m0 + (m < count ? m : count - 1)) * R;
            B w[4], ws[3];
            if (BARS) {
              a.weights_of(wave, c, false, w);
              for (int x = 0; x < 3; x++) ws[x] = axis < 0 ? w[1] * u[x] : B(0);
            }
            FmmFewSums<B, 2 * K> total;
            Kokkos::parallel_reduce(
                Kokkos::ThreadVectorRange(team, warp),
                [&](const int first, FmmFewSums<B, 2 * K> &sum) {
                  B own[2 * K][lanes];
                  for (int m = 0; m < 2 * K; m++)
#pragma omp simd
                    for (int z = 0; z < lanes; z++) own[m][z] = B(0);
                  for (int block = first; block < blocks; block += warp) {
                    const long j = start + block * lanes;
                    const B *cosine = cosines + block * lanes, *sine = sines + block * lanes;
                    B even[lanes],
                        odd[lanes];    // what cosines and sines of the keys are multiplied by
                    if (BARS) {
                      const B *bar = a.bars + c * R + j;
#pragma omp simd
                      for (int z = 0; z < lanes; z++) {
                        B even_bar = B(0), odd_bar = B(0);
                        if (axis < 0) {
                          even_bar = w[0] * bar[z];
                          if (VECTORS)
                            odd_bar = ws[0] * bar[5 * next + z] + ws[1] * bar[6 * next + z] +
                                ws[2] * bar[7 * next + z];
                        } else {
                          odd_bar = w[3] * u[axis] * bar[next + z];
                          if (VECTORS) even_bar = w[2] * bar[(2 + axis) * next + z];
                        }
                        even[z] = cosine[z] * even_bar + sine[z] * odd_bar;
                        odd[z] = sine[z] * even_bar - cosine[z] * odd_bar;
                      }
                    } else
#pragma omp simd
                      for (int z = 0; z < lanes; z++) {
                        even[z] = cosine[z] * value[j + z];
                        odd[z] = sine[z] * value[j + z];
                      }
                    for (int m = 0; m < K; m++)
#pragma omp simd
                      for (int z = 0; z < lanes; z++) {
                        const B weight = key[m][j + z];
                        own[m][z] += weight * even[z];
                        own[K + m][z] += weight * odd[z];
                      }
                  }
                  for (int m = 0; m < 2 * K; m++)
                    for (int z = 0; z < lanes; z++) sum.v[m] += own[m][z];
                },
                Kokkos::Sum<FmmFewSums<B, 2 * K>>(total));
            Kokkos::single(Kokkos::PerThread(team), [&]() {
              for (int m = 0; m < count; m++) {
                B *to = moment + ((long) h * d + m0 + m) * E + e;
                to[0] = total.v[m] + (start > structure.first_row ? to[0] : B(0));
                to[half] = total.v[K + m] + (start > structure.first_row ? to[half] : B(0));
              }
            });
          });
        }
      });
}

/* ----------------------------------------------------------------------
   linear form: what atoms receive from a chunk of the waves
------------------------------------------------------------------------- */

template <class DeviceType, typename B>
template <bool VECTORS, int KEYS>
void FmmSumsKokkos<DeviceType, B>::receive(int l)
{
  const Rows a = rows_of(l);
  constexpr int n_sums = VECTORS ? 8 : 2;
  const int G = linear_groups, A = G * lanes, chunks = n_chunks, E = 4 * C;
  const long size = moments_of_wave();
  const std::size_t bytes = sizeof(B) * n_sums * HC * A;
  B *out = part_sums.data();
  int level;
  const auto policy = policy_of(n_tiles * chunks, H * G, 1, bytes, level);
  Kokkos::parallel_for(
      "mlff:fmm_receive", policy, KOKKOS_LAMBDA(const Member &team) {
        const int tile = team.league_rank() / chunks, chunk = team.league_rank() % chunks;
        const Structure &structure = a.find(2, tile);
        const long base = structure.first_row + (long) (tile - structure.first_tile) * A, R = a.R;
        const long last = structure.first_row + structure.n_atoms;
        const int d = KEYS > 0 ? KEYS : a.d, C = a.C, HC = a.HC;
        const long half = (long) a.H * d * E;
        const int first = (int) ((long) structure.n_waves * chunk / chunks);
        const int end = (int) ((long) structure.n_waves * (chunk + 1) / chunks);
        B *sums = (B *) team.team_scratch(level).get_shmem(bytes);
        const long next = (long) HC * A;
        // every thread keeps to its own columns of the scratch memory
        Kokkos::parallel_for(Kokkos::TeamThreadRange(team, a.H * G), [&](const int item) {
          const int h = item / G, at = item % G * lanes;
          const long j = base + at;
          if (j >= last) return;
          B query[KEYS > 0 ? KEYS : most_keys][lanes];
          for (int m = 0; m < d; m++)
#pragma omp simd
            for (int z = 0; z < lanes; z++) query[m][z] = a.q[((long) h * d + m) * R + j + z];
          for (int part = 0; part < n_sums; part++)
            for (int c = h * C; c < (h + 1) * C; c++)
#pragma omp simd
              for (int z = 0; z < lanes; z++) sums[part * next + c * A + at + z] = B(0);
          for (int p = first; p < end; p++) {
            const long wave = structure.first_of_set + p;
            const B *moment = a.moments + (structure.first_wave + p) * size + (long) h * d * E;
            const B *u = a.wave_u + 3 * wave;
            B cosine[lanes], sine[lanes];
            a.phases(wave, j, cosine, sine);
            for (int e = 0; e < E; e++) {
              const int c = h * C + e % C, axis = e / C - 1;
              B w[4], Bc[lanes], Bs[lanes];
              a.weights_of(wave, c, false, w);
#pragma omp simd
              for (int z = 0; z < lanes; z++) Bc[z] = Bs[z] = B(0);
              for (int m = 0; m < d; m++) {
                const B Mc = moment[m * E + e], Ms = moment[half + m * E + e];
#pragma omp simd
                for (int z = 0; z < lanes; z++) {
                  Bc[z] += query[m][z] * Mc;
                  Bs[z] += query[m][z] * Ms;
                }
              }
              B *own = sums + c * A + at;
#pragma omp simd
              for (int z = 0; z < lanes; z++) {
                const B even = cosine[z] * Bc[z] + sine[z] * Bs[z],
                        odd = sine[z] * Bc[z] - cosine[z] * Bs[z];
                if (axis < 0) {
                  own[z] += w[0] * even;
                  if (VECTORS) {
                    own[5 * next + z] += w[1] * u[0] * odd;
                    own[6 * next + z] += w[1] * u[1] * odd;
                    own[7 * next + z] += w[1] * u[2] * odd;
                  }
                } else {
                  own[next + z] += w[3] * u[axis] * odd;
                  if (VECTORS) own[(2 + axis) * next + z] += w[2] * even;
                }
              }
            }
          }
          for (int part = 0; part < n_sums; part++)
            for (int c = h * C; c < (h + 1) * C; c++)
#pragma omp simd
              for (int z = 0; z < lanes; z++)
                out[((chunk * 8L + part) * HC + c) * R + j + z] =
                    sums[part * next + c * A + at + z];
        });
      });
}

/* ----------------------------------------------------------------------
   linear form: bars of queries and of the phases of those that receive, and
   of a reciprocal lattice the derivative by the strain: of a weight w(k) / V
   and of the direction u = G / k, with dG = -strain G
------------------------------------------------------------------------- */

template <class DeviceType, typename B>
template <bool VECTORS, int KEYS>
void FmmSumsKokkos<DeviceType, B>::receive_backward(int l)
{
  const Rows a = rows_of(l);
  const int G = linear_groups, A = G * lanes, chunks = n_chunks, E = 4 * C;
  const long size = moments_of_wave();
  B *q_out = part_q.data();
  double *x_out = part_x.data(), *strain_out = part_strain.data();
  int level;
  const auto policy = policy_of(n_tiles * chunks, H * G, 1, 0, level);
  Kokkos::parallel_for(
      "mlff:fmm_receive_backward", policy, KOKKOS_LAMBDA(const Member &team) {
        const int tile = team.league_rank() / chunks, chunk = team.league_rank() % chunks;
        const Structure &structure = a.find(2, tile);
        const long base = structure.first_row + (long) (tile - structure.first_tile) * A, R = a.R;
        const long last = structure.first_row + structure.n_atoms;
        const int d = KEYS > 0 ? KEYS : a.d, C = a.C, HC = a.HC, H = a.H;
        const long half = (long) H * d * E, next = HC * R;
        const int first = (int) ((long) structure.n_waves * chunk / chunks);
        const int end = (int) ((long) structure.n_waves * (chunk + 1) / chunks);
        Kokkos::parallel_for(Kokkos::TeamThreadRange(team, H * G), [&](const int item) {
          const int h = item / G, at = item % G * lanes;
          const long j = base + at;
          if (j >= last) return;
          B query[KEYS > 0 ? KEYS : most_keys][lanes],
              query_bar[KEYS > 0 ? KEYS : most_keys][lanes];
          for (int m = 0; m < d; m++)
#pragma omp simd
            for (int z = 0; z < lanes; z++) {
              query[m][z] = a.q[((long) h * d + m) * R + j + z];
              query_bar[m][z] = B(0);
            }
          double x_sum[3][lanes], strain_sum[6][lanes];
#pragma omp simd
          for (int z = 0; z < lanes; z++) {
            for (int x = 0; x < 3; x++) x_sum[x][z] = 0.0;
            for (int x = 0; x < 6; x++) strain_sum[x][z] = 0.0;
          }
          for (int p = first; p < end; p++) {
            const long wave = structure.first_of_set + p;
            const B *moment = a.moments + (structure.first_wave + p) * size + (long) h * d * E;
            const B *u = a.wave_u + 3 * wave;
            B cosine[lanes], sine[lanes], theta_bar[lanes];
            B evens[lanes], slopes[lanes],
                P[3][lanes];    // even terms; all with slopes of weights; u.P: odd terms
            a.phases(wave, j, cosine, sine);
#pragma omp simd
            for (int z = 0; z < lanes; z++)
              theta_bar[z] = evens[z] = slopes[z] = P[0][z] = P[1][z] = P[2][z] = B(0);
            for (int e = 0; e < E; e++) {
              const int c = h * C + e % C, axis = e / C - 1;
              const B *bar = a.bars + c * R + j;
              B w[4], Bc[lanes], Bs[lanes], Bc_bar[lanes], Bs_bar[lanes], even_bar[lanes],
                  odd_bar[lanes];
              a.weights_of(wave, c, false, w);
#pragma omp simd
              for (int z = 0; z < lanes; z++) {
                even_bar[z] = odd_bar[z] = Bc[z] = Bs[z] = B(0);
                if (axis < 0) {
                  even_bar[z] = w[0] * bar[z];
                  if (VECTORS)
                    odd_bar[z] = w[1] *
                        (u[0] * bar[5 * next + z] + u[1] * bar[6 * next + z] +
                         u[2] * bar[7 * next + z]);
                } else {
                  odd_bar[z] = w[3] * u[axis] * bar[next + z];
                  if (VECTORS) even_bar[z] = w[2] * bar[(2 + axis) * next + z];
                }
                Bc_bar[z] = cosine[z] * even_bar[z] + sine[z] * odd_bar[z];
                Bs_bar[z] = sine[z] * even_bar[z] - cosine[z] * odd_bar[z];
              }
              for (int m = 0; m < d; m++) {
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
                const B even = cosine[z] * Bc[z] + sine[z] * Bs[z],
                        odd = sine[z] * Bc[z] - cosine[z] * Bs[z];
                theta_bar[z] += odd_bar[z] * even - even_bar[z] * odd;
              }
              if (!structure.periodic) continue;
              B s[4];
              a.weights_of(wave, c, true, s);
#pragma omp simd
              for (int z = 0; z < lanes; z++) {
                const B even = cosine[z] * Bc[z] + sine[z] * Bs[z],
                        odd = sine[z] * Bc[z] - cosine[z] * Bs[z];
                evens[z] += even_bar[z] * even;
                if (axis < 0) {
                  slopes[z] += s[0] * bar[z] * even;
                  for (int x = 0; x < 3 && VECTORS; x++) {
                    const B term = bar[(5 + x) * next + z] * odd;
                    P[x][z] += w[1] * term;
                    slopes[z] += s[1] * u[x] * term;
                  }
                } else {
                  const B term = bar[next + z] * odd;
                  P[axis][z] += w[3] * term;
                  slopes[z] += s[3] * u[axis] * term;
                  if (VECTORS) slopes[z] += s[2] * bar[(2 + axis) * next + z] * even;
                }
              }
            }
            const double *kappa_u = a.wave_k + 3 * wave;
            for (int x = 0; x < 3; x++)
#pragma omp simd
              for (int z = 0; z < lanes; z++) x_sum[x][z] += kappa_u[x] * double(theta_bar[z]);
            if (!structure.periodic) continue;
#pragma omp simd
            for (int z = 0; z < lanes; z++) {
              const double v[3] = {double(u[0]), double(u[1]), double(u[2])};
              const double Q[3] = {double(P[0][z]), double(P[1][z]), double(P[2][z])};
              const double odds = v[0] * Q[0] + v[1] * Q[1] + v[2] * Q[2],
                           all = double(evens[z]) + odds;
              const double stretch = odds - double(slopes[z]);
              for (int x = 0; x < 3; x++)
                strain_sum[x][z] += stretch * v[x] * v[x] - Q[x] * v[x] - all;
              strain_sum[3][z] += stretch * v[0] * v[1] - 0.5 * (Q[0] * v[1] + Q[1] * v[0]);
              strain_sum[4][z] += stretch * v[0] * v[2] - 0.5 * (Q[0] * v[2] + Q[2] * v[0]);
              strain_sum[5][z] += stretch * v[1] * v[2] - 0.5 * (Q[1] * v[2] + Q[2] * v[1]);
            }
          }
          for (int m = 0; m < d; m++)
#pragma omp simd
            for (int z = 0; z < lanes; z++)
              q_out[((chunk * (long) H + h) * d + m) * R + j + z] = query_bar[m][z];
          for (int x = 0; x < 3; x++)
#pragma omp simd
            for (int z = 0; z < lanes; z++)
              x_out[((chunk * (long) H + h) * 3 + x) * R + j + z] = x_sum[x][z];
          for (int x = 0; x < 6 && structure.periodic; x++)
#pragma omp simd
            for (int z = 0; z < lanes; z++)
              strain_out[((chunk * (long) H + h) * 6 + x) * R + j + z] = strain_sum[x][z];
        });
      });
}

/* ----------------------------------------------------------------------
   linear form: bars of keys, values and of the phases of those that send
------------------------------------------------------------------------- */

template <class DeviceType, typename B>
template <int KEYS>
void FmmSumsKokkos<DeviceType, B>::send_backward(int l)
{
  const Rows a = rows_of(l);
  const int G = linear_groups, A = G * lanes, chunks = n_chunks, E = 4 * C;
  const long size = moments_of_wave();
  const std::size_t bytes = sizeof(B) * 4 * HC * A;
  const B *moments_ = moment_bars.data();
  B *k_out = part_k.data(), *V_out = part_V.data();
  double *x_out = part_x.data();
  int level;
  const auto policy = policy_of(n_tiles * chunks, H * G, 1, bytes, level);
  Kokkos::parallel_for(
      "mlff:fmm_send_backward", policy, KOKKOS_LAMBDA(const Member &team) {
        const int tile = team.league_rank() / chunks, chunk = team.league_rank() % chunks;
        const Structure &structure = a.find(2, tile);
        const long base = structure.first_row + (long) (tile - structure.first_tile) * A, R = a.R;
        const long last = structure.first_row + structure.n_atoms;
        const int d = KEYS > 0 ? KEYS : a.d, C = a.C, HC = a.HC, H = a.H;
        const long half = (long) H * d * E;
        const int first = (int) ((long) structure.n_waves * chunk / chunks);
        const int end = (int) ((long) structure.n_waves * (chunk + 1) / chunks);
        B *sums = (B *) team.team_scratch(level).get_shmem(
            bytes);    // [4C of each head][A], own columns only
        Kokkos::parallel_for(Kokkos::TeamThreadRange(team, H * G), [&](const int item) {
          const int h = item / G, at = item % G * lanes;
          const long j = base + at;
          if (j >= last) return;
          B key[KEYS > 0 ? KEYS : most_keys][lanes], key_bar[KEYS > 0 ? KEYS : most_keys][lanes];
          for (int m = 0; m < d; m++)
#pragma omp simd
            for (int z = 0; z < lanes; z++) {
              key[m][z] = a.k[((long) h * d + m) * R + j + z];
              key_bar[m][z] = B(0);
            }
          double x_sum[3][lanes];
          for (int x = 0; x < 3; x++)
#pragma omp simd
            for (int z = 0; z < lanes; z++) x_sum[x][z] = 0.0;
          for (int e = 0; e < E; e++)
#pragma omp simd
            for (int z = 0; z < lanes; z++) sums[((long) h * E + e) * A + at + z] = B(0);
          for (int p = first; p < end; p++) {
            const long wave = structure.first_of_set + p;
            const B *moment = moments_ + (structure.first_wave + p) * size + (long) h * d * E;
            B cosine[lanes], sine[lanes], theta_bar[lanes];
            a.phases(wave, j, cosine, sine);
#pragma omp simd
            for (int z = 0; z < lanes; z++) theta_bar[z] = B(0);
            for (int e = 0; e < E; e++) {
              const int c = h * C + e % C, axis = e / C - 1;
              const B *value = (axis < 0 ? a.V0 + c * R : a.V1 + (axis * (long) HC + c) * R) + j;
              B even[lanes], odd[lanes];
#pragma omp simd
              for (int z = 0; z < lanes; z++) even[z] = odd[z] = B(0);
              for (int m = 0; m < d; m++) {
                const B Mc = moment[m * E + e], Ms = moment[half + m * E + e];
#pragma omp simd
                for (int z = 0; z < lanes; z++) {
                  const B both = cosine[z] * Mc + sine[z] * Ms;
                  key_bar[m][z] += both * value[z];
                  even[z] += key[m][z] * both;
                  odd[z] += key[m][z] * (cosine[z] * Ms - sine[z] * Mc);
                }
              }
              B *own = sums + ((long) h * E + e) * A + at;
#pragma omp simd
              for (int z = 0; z < lanes; z++) {
                own[z] += even[z];
                theta_bar[z] += odd[z] * value[z];
              }
            }
            const double *kappa_u = a.wave_k + 3 * wave;
            for (int x = 0; x < 3; x++)
#pragma omp simd
              for (int z = 0; z < lanes; z++) x_sum[x][z] += kappa_u[x] * double(theta_bar[z]);
          }
          for (int m = 0; m < d; m++)
#pragma omp simd
            for (int z = 0; z < lanes; z++)
              k_out[((chunk * (long) H + h) * d + m) * R + j + z] = key_bar[m][z];
          for (int e = 0; e < E; e++)
#pragma omp simd
            for (int z = 0; z < lanes; z++)
              V_out[((chunk * 4L + e / C) * HC + h * C + e % C) * R + j + z] =
                  sums[((long) h * E + e) * A + at + z];
          // after receive_backward
          for (int x = 0; x < 3; x++)
#pragma omp simd
            for (int z = 0; z < lanes; z++)
              x_out[((chunk * (long) H + h) * 3 + x) * R + j + z] += x_sum[x][z];
        });
      });
}

/* ----------------------------------------------------------------------
   sums over chunks of waves, from rows to columns of atoms
------------------------------------------------------------------------- */

template <class DeviceType, typename B> void FmmSumsKokkos<DeviceType, B>::gather_sums(int l)
{
  const Rows a = rows_of(l);
  const long n = n_atoms, R = n_rows;
  const int values = HC, width = sum_columns, odd = first_odd, parts = l + 1 < L ? 8 : 2,
            chunks = n_chunks;
  const B *from = part_sums.data();
  B *s_ = scalar_sums.data(), *v_ = vector_sums.data();
  const auto row = row_of;
  Kokkos::parallel_for(
      "mlff:fmm_gather", LongRange(0, n * parts * values), KOKKOS_LAMBDA(const long place) {
        const long i = place % n;
        if (a.find(0, (int) i).direct) return;
        const int column = (int) (place / n), part = column / values, c = column % values;
        B sum = B(0);
        for (int chunk = 0; chunk < chunks; chunk++)
          sum += from[(chunk * 8L * values + column) * R + row(i)];
        if (part < 2)
          s_[i * width + (part ? odd : 0) + c] = sum;
        else
          v_[(3 * i + (part < 5 ? part - 2 : part - 5)) * width + (part < 5 ? 0 : odd) + c] = sum;
      });
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename B> void FmmSumsKokkos<DeviceType, B>::gather_bars(int l)
{
  const Rows a = rows_of(l);
  const long n = n_atoms, R = n_rows;
  const int keys = Hd, values = HC, key = first_key, value = first_value, width = scalar_columns,
            vector_width = vector_columns, chunks = n_chunks, heads = H,
            derivatives = has_cells ? 9 : 3;
  const B *q_ = part_q.data(), *k_ = part_k.data(), *V_ = part_V.data();
  const double *x_ = part_x.data(), *strain_ = part_strain.data();
  B *s_out = scalars.data(), *v_out = vectors.data();
  double *x_out = x_bar.data(), *strain_out = strain.data();
  const auto row = row_of;
  Kokkos::parallel_for(
      "mlff:fmm_gather_bars", LongRange(0, n * (2 * keys + 4 * values + derivatives)),
      KOKKOS_LAMBDA(const long place) {
        const long i = place % n, from = row(i);
        const Structure &structure = a.find(0, (int) i);
        if (structure.direct) return;
        int column = (int) (place / n);
        if (column < 2 * keys) {
          const int part = column / keys;
          column %= keys;
          B sum = B(0);
          for (int chunk = 0; chunk < chunks; chunk++)
            sum += (part ? k_ : q_)[(chunk * (long) keys + column) * R + from];
          const B y =
              (part ? a.k
                    : a.q)[column * R + from];    // elu + 1: its slope is 1 above 1, itself below
          s_out[i * width + part * key + column] = (y < B(1) ? y : B(1)) * sum;
        } else if ((column -= 2 * keys) < 4 * values) {
          B sum = B(0);
          for (int chunk = 0; chunk < chunks; chunk++)
            sum += V_[(chunk * 4L * values + column) * R + from];
          if (column < values)
            s_out[i * width + value + column] = sum;
          else
            v_out[(3 * i + column / values - 1) * vector_width + column % values] = sum;
        } else {
          column -= 4 * values;
          const bool strained = column >= 3;
          if (strained && !structure.periodic) return;
          const int x = strained ? column - 3 : column, parts = strained ? 6 : 3;
          double sum = 0.0;
          for (int part = 0; part < chunks * heads; part++)
            sum += (strained ? strain_ : x_)[((long) part * parts + x) * R + from];
          (strained ? strain_out : x_out)[parts * i + x] += sum;
        }
      });
}

/* ----------------------------------------------------------------------
   moments of all waves of a layer, through the host
------------------------------------------------------------------------- */

template <class DeviceType, typename B> void FmmSumsKokkos<DeviceType, B>::sum_over_ranks(B *values)
{
  if (!known.on_ranks()) return;
  using Unmanaged = Kokkos::MemoryTraits<Kokkos::Unmanaged>;
  const Kokkos::View<B *, Kokkos::LayoutRight, DeviceType, Unmanaged> all(
      values, n_waves * moments_of_wave());
  const auto host = Kokkos::create_mirror_view_and_copy(Kokkos::HostSpace(), all);
  Kokkos::fence();    // where the processor sees the memory of the device nothing was copied
  known.sum(host.data(), (long) host.extent(0));
  Kokkos::deep_copy(all, host);
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename B>
template <bool VECTORS>
void FmmSumsKokkos<DeviceType, B>::sums(int l)
{
  direct_forward<VECTORS>(l);
  if (n_waves == 0) return;
  find_moments<false, VECTORS>(l);
  sum_over_ranks(rows_of(l).moments);
  if (n_tiles == 0) return;
  if (d == 8)
    receive<VECTORS, 8>(l);
  else
    receive<VECTORS, 0>(l);
  gather_sums(l);
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename B>
template <bool VECTORS>
void FmmSumsKokkos<DeviceType, B>::bars_of(int l)
{
  direct_backward<VECTORS>(l);
  if (n_waves == 0) return;
  find_moments<true, VECTORS>(l);
  sum_over_ranks(moment_bars.data());
  if (n_tiles == 0) return;
  if (d == 8) {
    receive_backward<VECTORS, 8>(l);
    send_backward<8>(l);
  } else {
    receive_backward<VECTORS, 0>(l);
    send_backward<0>(l);
  }
  gather_bars(l);
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename B> void FmmSumsKokkos<DeviceType, B>::forward(int l)
{
  spread_values(l);
  if (l + 1 < L)
    sums<true>(l);
  else
    sums<false>(l);
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename B> void FmmSumsKokkos<DeviceType, B>::backward(int l)
{
  spread_bars(l);
  if (l + 1 < L)
    bars_of<true>(l);
  else
    bars_of<false>(l);
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename B> double FmmSumsKokkos<DeviceType, B>::bytes() const
{
  double sum = 0.0;
  for (const auto *array :
       {&scalars, &vectors, &scalar_sums, &vector_sums, &q, &k, &V0, &V1, &bars, &moments,
        &moment_bars, &part_sums, &part_q, &part_k, &part_V, &wave_u, &wave_weight})
    sum += (double) array->extent(0) * sizeof(B);
  for (const auto *array : {&x_bar, &strain, &x, &wave_k, &structure_ends, &part_x, &part_strain})
    sum += (double) array->extent(0) * sizeof(double);
  for (const auto *array : {&row_of, &starts, &wave_frequency})
    sum += (double) array->extent(0) * sizeof(int);
  return sum + (double) structures.extent(0) * sizeof(Structure);
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename B>
std::size_t FmmSumsKokkos<DeviceType, B>::bytes(int atoms) const
{
  const std::size_t columns = scalar_columns + 3 * vector_columns + 4 * sum_columns;
  const std::size_t rows = L * (2 * Hd + 4 * HC) + 8 * HC + 8 * HC + 2 * Hd + 4 * HC;
  return atoms * (sizeof(B) * (columns + rows) + sizeof(double) * (6 + 9 + 9 * H) + sizeof(int));
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename T, typename B>
FmmKokkos<DeviceType, T, B>::FmmKokkos(const mlff::Potential &potential, mlff::FmmForm form) :
    sums(potential, form)
{
  const auto &fmm = potential.fmm;
  const int features = potential.sizes.features, HC = fmm.channels(features),
            Hd = fmm.heads * fmm.key_width;
  F = mlff::padded(features);
  L = fmm.layers;

  for (int l = 0; l < L; l++) {
    const std::string name = "fmm." + std::to_string(l) + ".";
    const auto values = [&](const char *part) -> const std::vector<double> & {
      return potential.tensors.at(name + part).values;
    };
    // W [out][in] as [in][out] and [out][in], its rows and columns from given places on
    const auto put = [](std::vector<double> &ahead, std::vector<double> &back, int columns,
                        int rows, const std::vector<double> &W, int n_out, int first_out,
                        int first_in, int in_offset, int n_in, const std::vector<double> *gate) {
      const int stride = (int) W.size() / n_out;
      for (int o = 0; o < n_out; o++)
        for (int k = 0; k < n_in; k++) {
          const double value =
              W[(std::size_t) o * stride + in_offset + k] * (gate ? (*gate)[o] : 1.0);
          ahead[(std::size_t)(first_in + k) * columns + first_out + o] = value;
          back[(std::size_t)(first_out + o) * rows + first_in + k] = value;
        }
    };
    const auto upload = [](const std::vector<double> &W) {
      return FmmSumsKokkos<DeviceType, B>::template upload<B>(W, "weight");
    };
    Layer layer;
    std::vector<double> ahead((std::size_t) F * sums.scalar_columns, 0.0), back(ahead);
    const auto scalars = [&](const char *part, int n, int first) {
      put(ahead, back, sums.scalar_columns, F, values(part), n, first, 0, 0, features, nullptr);
    };
    scalars("query.weight", Hd, 0);
    scalars("key.weight", Hd, sums.first_key);
    scalars("value.weight", HC, sums.first_value);
    layer.from_scalars = upload(ahead);
    layer.from_scalars_back = upload(back);

    ahead.assign((std::size_t) F * sums.vector_columns, 0.0);
    back = ahead;
    put(ahead, back, sums.vector_columns, F, values("vector_value.weight"), HC, 0, 0, 0, features,
        nullptr);
    layer.from_vectors = upload(ahead);
    layer.from_vectors_back = upload(back);

    const auto out = [&](const char *part, const char *gate, Array<B> &there,
                         Array<B> &back_again) {
      ahead.assign((std::size_t) F * sums.sum_columns, 0.0);
      back = ahead;
      for (int odd = 0; odd < 2; odd++)
        put(ahead, back, F, sums.sum_columns, values(part), features, 0, odd ? sums.first_odd : 0,
            odd ? HC : 0, HC, &values(gate));
      there = upload(ahead);
      back_again = upload(back);
    };
    out("scalar_out.weight", "scalar_gate", layer.scalar_out, layer.scalar_out_back);
    out("vector_out.weight", "vector_gate", layer.vector_out, layer.vector_out_back);
    layers.push_back(layer);
  }
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename T, typename B>
typename FmmKokkos<DeviceType, T, B>::template Array<double> &
FmmKokkos<DeviceType, T, B>::position(int centres)
{
  FmmSumsKokkos<DeviceType, B>::grow(positions, 3 * (std::size_t) centres, "position");
  return positions;
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename T, typename B>
void FmmKokkos<DeviceType, T, B>::prepare(std::span<const int> first_atom,
                                          std::span<const double> cell,
                                          mlff::GhostExchange *exchange)
{
  sums.prepare(first_atom, cell, exchange, positions);
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename T, typename B>
void FmmKokkos<DeviceType, T, B>::forward(T *s, T *v)
{
  const int n = sums.n_atoms;
  const B *none = nullptr;
  for (int l = 0; l < L; l++) {
    const Layer &layer = layers[l];
    dense_rows<DeviceType>(n, s, F, layer.from_scalars.data(), none, sums.scalars.data(),
                           sums.scalar_columns);
    dense_rows<DeviceType>(3 * n, v, F, layer.from_vectors.data(), none, sums.vectors.data(),
                           sums.vector_columns);
    sums.forward(l);
    T *no_activation = nullptr;
    dense_rows<DeviceType>(n, sums.scalar_sums.data(), sums.sum_columns, layer.scalar_out.data(),
                           none, s, F, no_activation, true);
    if (l + 1 < L)
      dense_rows<DeviceType>(3 * n, sums.vector_sums.data(), sums.sum_columns,
                             layer.vector_out.data(), none, v, F, no_activation, true);
  }
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename T, typename B>
void FmmKokkos<DeviceType, T, B>::backward(T *s_bar, T *v_bar)
{
  const int n = sums.n_atoms;
  const B *none = nullptr;
  for (int l = L - 1; l >= 0; l--) {
    const Layer &layer = layers[l];
    dense_rows<DeviceType>(n, s_bar, F, layer.scalar_out_back.data(), none, sums.scalar_sums.data(),
                           sums.sum_columns);
    if (l + 1 < L)
      dense_rows<DeviceType>(3 * n, v_bar, F, layer.vector_out_back.data(), none,
                             sums.vector_sums.data(), sums.sum_columns);
    sums.backward(l);
    T *no_activation = nullptr;
    dense_rows<DeviceType>(n, sums.scalars.data(), sums.scalar_columns,
                           layer.from_scalars_back.data(), none, s_bar, F, no_activation, true);
    dense_rows<DeviceType>(3 * n, sums.vectors.data(), sums.vector_columns,
                           layer.from_vectors_back.data(), none, v_bar, F, no_activation, true);
  }
}

/* ---------------------------------------------------------------------- */

template <class DeviceType, typename T>
std::unique_ptr<FmmBlockKokkos<DeviceType, T>>
FmmBlockKokkos<DeviceType, T>::make(const mlff::Potential &potential, mlff::FmmForm form)
{
  if (!potential.is_global()) return nullptr;
  if (potential.fmm.precision == "double")
    return std::make_unique<FmmKokkos<DeviceType, T, double>>(potential, form);
  return std::make_unique<FmmKokkos<DeviceType, T, T>>(potential, form);
}

/* ---------------------------------------------------------------------- */

namespace LAMMPS_NS {
template class FmmBlockKokkos<LMPDeviceType, float>;
template class FmmBlockKokkos<LMPDeviceType, double>;
#ifdef LMP_KOKKOS_GPU
template class FmmBlockKokkos<LMPHostType, float>;
template class FmmBlockKokkos<LMPHostType, double>;
#endif
}    // namespace LAMMPS_NS
