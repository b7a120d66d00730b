// Direct form of the long-range block on a Kokkos device: one team an atom, over all senders in
// tiles. In the backward the atom receives and sends at once, so that a team writes the bars of its
// own atom only: each pair is looked at from both ends.
#pragma once

#include "kokkos/models/long_range_rows_kokkos.h"

namespace mlff {

/// Parts of scratch memory: geometry of an atom's pairs with a tile of J atoms.
template <typename B> struct PairTile {
  int J;
  double *direction, *inverse;    // [3][J], [J]: u and 1 / r in double, for slopes
  B *u, *j0, *j1, *dj0, *dj1;     // [3][J]; [T][J]: of kappa r, and derivatives by r

  KOKKOS_INLINE_FUNCTION PairTile(char *memory, int T, int J, bool slopes) : J(J)
  {
    direction = reinterpret_cast<double *>(memory);
    inverse = direction + (slopes ? 3 * J : 0);
    u = reinterpret_cast<B *>(inverse + (slopes ? J : 0));
    j0 = u + 3 * J;
    j1 = j0 + long(T) * J;
    dj0 = j1 + long(T) * J;
    dj1 = dj0 + (slopes ? long(T) * J : 0);
  }

  static KOKKOS_INLINE_FUNCTION std::size_t bytes(int T, int J, bool slopes)
  {
    return std::size_t(J) *
        (sizeof(B) * (3 + (slopes ? 4 : 2) * T) + (slopes ? 4 * sizeof(double) : 0));
  }
};

/// Row i and LANES rows from `first` on, into place `at` of the tile. With itself an atom has
/// j0 = 1, j1 = 0; rows at and beyond `last` have no atom and no keys, and need a distance only.
template <bool SLOPES, typename B, int LANES>
KOKKOS_INLINE_FUNCTION void fill_pairs(const DeviceRows<B, LANES> &a, long i, long first, long last,
                                       int at, const PairTile<B> &pairs)
{
  const long R = a.R;
  const int J = pairs.J;
  double r[LANES], inverse[LANES], on[LANES], phase[2 * LANES], sines[2 * LANES],
      cosines[2 * LANES];
  const double xi = a.x[i], yi = a.x[R + i], zi = a.x[2 * R + i];
  // evenly spaced frequencies: one turn more from each to the next
  const double kappa0 = a.kappa[0], step = a.T > 1 ? a.kappa[1] - kappa0 : 0.0;
#pragma omp simd
  for (int z = 0; z < LANES; z++) {
    const long j = first + z;
    const bool pair = j != i && j < last;
    const double dx = pair ? xi - a.x[j] : 1.0, dy = pair ? yi - a.x[R + j] : 0.0,
                 dz = pair ? zi - a.x[2 * R + j] : 0.0;
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
    phase[LANES + z] = step * r[z];
  }
  device_sines<LANES>(phase, sines, cosines);
  device_sines<LANES>(phase + LANES, sines + LANES, cosines + LANES);
  for (int t = 0; t < a.T; t++) {
    const double kappa = a.kappa[t], length = kappa > 0.0 ? 1.0 / kappa : 0.0;
    const long to = long(t) * J + at;
#pragma omp simd
    for (int z = 0; z < LANES; z++) {
      const BesselValues j = bessel_values(kappa, r[z], length * inverse[z], sines[z], cosines[z]);
      pairs.j0[to + z] = B(on[z] > 0.0 ? j.j0 : 1.0);
      pairs.j1[to + z] = B(on[z] * j.j1);
      if (SLOPES) {
        pairs.dj0[to + z] = B(on[z] * j.slope0);
        pairs.dj1[to + z] = B(on[z] * j.slope1);
      }
      turn(sines[z], cosines[z], sines[LANES + z], cosines[LANES + z]);
    }
  }
}

/// Radial functions [4][LANES] of a channel, in the order of RadialPart, and their derivatives.
template <bool VECTORS, bool SLOPES, typename B, int LANES>
KOKKOS_INLINE_FUNCTION void radial_functions(const DeviceRows<B, LANES> &a,
                                             const PairTile<B> &pairs, int c, int at, B *K,
                                             B *slope)
{
  // For each RadialPart: place in the array of weights, and whether j0 belongs to it.
  constexpr int kept[4] = {0, 3, 1, 2};
  constexpr bool even[4] = {true, false, false, true};
  constexpr int functions = VECTORS ? 4 : 2;
  for (int f = 0; f < functions; f++)
#pragma omp simd
    for (int z = 0; z < LANES; z++) {
      K[f * LANES + z] = B(0);
      if (SLOPES) slope[f * LANES + z] = B(0);
    }
  for (int t = 0; t < a.T; t++) {
    const B *weights = a.radial + 4L * t * a.HC + c;
    const long tile = long(t) * pairs.J + at;
    for (int f = 0; f < functions; f++) {
      const B weight = weights[kept[f] * long(a.HC)];
      const B *j = (even[f] ? pairs.j0 : pairs.j1) + tile,
              *dj = (even[f] ? pairs.dj0 : pairs.dj1) + tile;
#pragma omp simd
      for (int z = 0; z < LANES; z++) {
        K[f * LANES + z] += weight * j[z];
        if (SLOPES) slope[f * LANES + z] += weight * dj[z];
      }
    }
  }
}

/// One entry of rows LANES apart.
template <int N, int LANES, typename B>
KOKKOS_INLINE_FUNCTION void lane_of(const B *rows, int z, B *out)
{
  for (int f = 0; f < N; f++) out[f] = rows[f * LANES + z];
}

/// The atom that a team is for.
struct TeamAtom {
  long row, atom, first, last;    // row and number of an atom, and the rows of its structure

  template <typename Rows> KOKKOS_INLINE_FUNCTION TeamAtom(const Rows &a, int number)
  {
    const DeviceStructure &structure = a.find(by_direct_atom, number);
    const int index = number - structure.first_direct;
    row = structure.first_row + index;
    atom = structure.first_atom + index;
    first = structure.first_row;
    last = structure.first_row + structure.n_atoms;
  }
};

/// Sums of one atom over all senders.
template <class Device, typename B, bool VECTORS> struct DirectForward {
  static constexpr int lanes = device_lanes<Device>, n_sums = VECTORS ? sum_parts : even_part;
  using Member = typename Kokkos::TeamPolicy<Device>::member_type;

  DeviceRows<B, lanes> a;
  SumColumns<B> out;
  int groups;       // groups of lanes in a tile
  int level = 0;    // level of scratch memory

  KOKKOS_INLINE_FUNCTION int tile() const { return groups * lanes; }
  /// Stride of a sum in scratch memory that avoids conflicts of banks.
  KOKKOS_INLINE_FUNCTION int stride() const { return lanes > 1 ? tile() : tile() + 1; }
  KOKKOS_INLINE_FUNCTION std::size_t pair_bytes() const
  {
    return PairTile<B>::bytes(a.T, tile(), false);
  }
  KOKKOS_INLINE_FUNCTION std::size_t bytes() const
  {
    return pair_bytes() + sizeof(B) * n_sums * a.HC * stride();
  }

  KOKKOS_INLINE_FUNCTION void operator()(const Member &team) const
  {
    const TeamAtom receiver(a, team.league_rank());
    char *memory = static_cast<char *>(team.team_scratch(level).get_shmem(bytes()));
    const PairTile<B> pairs(memory, a.T, tile(), false);
    B *sums = reinterpret_cast<B *>(memory + pair_bytes());    // [n_sums][HC][stride]
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, n_sums * a.HC * stride()), [&](const int s) {
      sums[s] = B(0);
    });
    for (long base = receiver.first; base < receiver.last; base += tile()) {
      team.team_barrier();
      Kokkos::parallel_for(Kokkos::TeamThreadRange(team, groups), [&](const int g) {
        if (base + g * lanes < receiver.last)
          fill_pairs<false>(a, receiver.row, base + g * lanes, receiver.last, g * lanes, pairs);
      });
      team.team_barrier();
      Kokkos::parallel_for(Kokkos::TeamThreadRange(team, a.H * groups), [&](const int item) {
        const int at = item % groups * lanes;
        if (base + at < receiver.last)
          receive_head(item / groups, receiver.row, base + at, at, pairs, sums);
      });
    }
    team.team_barrier();
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, n_sums * a.HC), [&](const int item) {
      B sum = B(0);
      for (int z = 0; z < tile(); z++) sum += sums[long(item) * stride() + z];
      out(receiver.atom, item / a.HC, item % a.HC) = sum;
    });
  }

  /// Adds the terms that head h of row i receives from `lanes` rows from j on, at a place of the
  /// tile.
  KOKKOS_INLINE_FUNCTION void receive_head(int h, long i, long j, int at, const PairTile<B> &pairs,
                                           B *sums) const
  {
    const long next = long(a.HC) * stride();
    const int J = pairs.J;
    B weight[lanes], K[4 * lanes];
#pragma omp simd
    for (int z = 0; z < lanes; z++) weight[z] = B(0);
    for (int m = h * a.d; m < (h + 1) * a.d; m++) {
      const B query = a.q[m * a.R + i], *key = a.k + m * a.R + j;
#pragma omp simd
      for (int z = 0; z < lanes; z++) weight[z] += query * key[z];
    }
    for (int c = h * a.C; c < (h + 1) * a.C; c++) {
      radial_functions<VECTORS, false>(a, pairs, c, at, K, static_cast<B *>(nullptr));
      B *channel_sums = sums + long(c) * stride() + at;
#pragma omp simd
      for (int z = 0; z < lanes; z++) {
        const B *direction = pairs.u + at + z;
        const B u[3] = {direction[0], direction[J], direction[2 * J]};
        B radial[4];
        lane_of<VECTORS ? 4 : 2, lanes>(K, z, radial);
        Sums<B> sum{};
        receive<VECTORS>(radial, weight[z], u, a.values(c, j + z), sum);
        channel_sums[s0_part * next + z] += sum.s0;
        channel_sums[s1_part * next + z] += sum.s1;
        for (int x = 0; x < 3 && VECTORS; x++) {
          channel_sums[(even_part + x) * next + z] += sum.even[x];
          channel_sums[(odd_part + x) * next + z] += sum.odd[x];
        }
      }
    }
  }
};

/// Bars of one atom, which receives from and sends to all others.
template <class Device, typename B, bool VECTORS> struct DirectBackward {
  static constexpr int lanes = device_lanes<Device>;
  using Member = typename Kokkos::TeamPolicy<Device>::member_type;

  DeviceRows<B, lanes> a;
  ValueColumns<B> out;
  double *x_bar;    // [atoms][3]
  int groups;
  int level = 0;

  KOKKOS_INLINE_FUNCTION int tile() const { return groups * lanes; }
  KOKKOS_INLINE_FUNCTION int stride() const { return lanes > 1 ? tile() : tile() + 1; }
  KOKKOS_INLINE_FUNCTION int n_keys() const { return a.H * a.d; }
  /// Sums in scratch memory: bars of values, then of queries and keys.
  KOKKOS_INLINE_FUNCTION int n_sums() const { return value_parts * a.HC + 2 * n_keys(); }
  KOKKOS_INLINE_FUNCTION std::size_t pair_bytes() const
  {
    return PairTile<B>::bytes(a.T, tile(), true);
  }
  KOKKOS_INLINE_FUNCTION std::size_t x_bytes() const { return sizeof(double) * 3 * stride(); }
  KOKKOS_INLINE_FUNCTION std::size_t bytes() const
  {
    return pair_bytes() + x_bytes() + sizeof(B) * (n_sums() * stride() + 4 * a.H * tile()) + 8;
  }

  /// Scratch memory of a team.
  struct Scratch {
    double *x_sums;    // [3][stride]
    PairTile<B> pairs;
    B *sums;     // [n_sums][stride]
    B *heads;    // [4][H][tile]: bars of u and r

    KOKKOS_INLINE_FUNCTION Scratch(const DirectBackward &body, char *memory) :
        x_sums(reinterpret_cast<double *>(memory)),
        pairs(memory + body.x_bytes(), body.a.T, body.tile(), true),
        sums(reinterpret_cast<B *>(memory + body.x_bytes() + body.pair_bytes())),
        heads(sums + long(body.n_sums()) * body.stride())
    {
    }
  };

  KOKKOS_INLINE_FUNCTION void operator()(const Member &team) const
  {
    const TeamAtom receiver(a, team.league_rank());
    const Scratch memory(*this, static_cast<char *>(team.team_scratch(level).get_shmem(bytes())));
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, n_sums() * stride()), [&](const int s) {
      memory.sums[s] = B(0);
    });
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, 3 * stride()), [&](const int s) {
      memory.x_sums[s] = 0.0;
    });
    for (long base = receiver.first; base < receiver.last; base += tile()) {
      team.team_barrier();
      Kokkos::parallel_for(Kokkos::TeamThreadRange(team, groups), [&](const int g) {
        if (base + g * lanes < receiver.last)
          fill_pairs<true>(a, receiver.row, base + g * lanes, receiver.last, g * lanes,
                           memory.pairs);
      });
      team.team_barrier();
      Kokkos::parallel_for(Kokkos::TeamThreadRange(team, a.H * groups), [&](const int item) {
        const int at = item % groups * lanes;
        if (base + at < receiver.last)
          head_bars(item / groups, receiver.row, base + at, at, memory);
      });
      team.team_barrier();
      Kokkos::parallel_for(Kokkos::TeamThreadRange(team, groups), [&](const int g) {
        if (base + g * lanes < receiver.last) add_position_bars(g * lanes, memory);
      });
    }
    team.team_barrier();
    Kokkos::parallel_for(Kokkos::TeamThreadRange(team, n_sums() + 3), [&](const int item) {
      write(item, receiver, memory);
    });
  }

  /// Bars of head h of row i from its pairs with `lanes` rows from j on, at a place of the tile.
  KOKKOS_INLINE_FUNCTION void head_bars(int h, long i, long j, int at, const Scratch &memory) const
  {
    const long next = long(a.HC) * stride();
    const int J = memory.pairs.J;
    // q_i.k_j and q_j.k_i and their bars; bars of u and r
    B to_i[lanes], to_j[lanes], to_i_bar[lanes], to_j_bar[lanes], r_bar[lanes], u_bar[3 * lanes];
    B K[4 * lanes], slope[4 * lanes];
    attention(h, i, j, to_i, to_j);
#pragma omp simd
    for (int z = 0; z < lanes; z++)
      to_i_bar[z] = to_j_bar[z] = r_bar[z] = u_bar[z] = u_bar[lanes + z] = u_bar[2 * lanes + z] =
          B(0);
    for (int c = h * a.C; c < (h + 1) * a.C; c++) {
      radial_functions<VECTORS, true>(a, memory.pairs, c, at, K, slope);
      const Values<B> receiver_values = a.values(c, i);
      const Sums<B> my_bars = a.template sum_bars<VECTORS>(c, i);
      B *channel_sums = memory.sums + long(c) * stride() + at;
#pragma omp simd
      for (int z = 0; z < lanes; z++) {
        const B *direction = memory.pairs.u + at + z;
        const B u[3] = {direction[0], direction[J], direction[2 * J]};
        B radial[4], radial_slope[4], direction_bar[3] = {B(0), B(0), B(0)}, i_bar, j_bar,
                                      stretch = B(0);
        lane_of<VECTORS ? 4 : 2, lanes>(K, z, radial);
        lane_of<VECTORS ? 4 : 2, lanes>(slope, z, radial_slope);
        Values<B> of_sender{}, receiver_bars{};    // the sender's team does the former
        receive_backward<VECTORS, 1>(radial, radial_slope, to_i[z], u, a.values(c, j + z), my_bars,
                                     of_sender, direction_bar, i_bar, stretch);
        receive_backward<VECTORS, -1>(radial, radial_slope, to_j[z], u, receiver_values,
                                      a.template sum_bars<VECTORS>(c, j + z), receiver_bars,
                                      direction_bar, j_bar, stretch);
        to_i_bar[z] += i_bar;
        to_j_bar[z] += j_bar;
        r_bar[z] += stretch;
        channel_sums[v0_part * next + z] += receiver_bars.scalar;
        for (int x = 0; x < 3; x++) {
          channel_sums[(vx_part + x) * next + z] += receiver_bars.vector[x];
          u_bar[x * lanes + z] += direction_bar[x];
        }
      }
    }
    add_key_bars(h, j, at, to_i_bar, to_j_bar, memory.sums);
    for (int x = 0; x < 3; x++)
#pragma omp simd
      for (int z = 0; z < lanes; z++)
        memory.heads[(x * a.H + h) * J + at + z] = u_bar[x * lanes + z];
#pragma omp simd
    for (int z = 0; z < lanes; z++) memory.heads[(3 * a.H + h) * J + at + z] = r_bar[z];
  }

  KOKKOS_INLINE_FUNCTION void attention(int h, long i, long j, B *to_i, B *to_j) const
  {
#pragma omp simd
    for (int z = 0; z < lanes; z++) to_i[z] = to_j[z] = B(0);
    for (int m = h * a.d; m < (h + 1) * a.d; m++) {
      const B qi = a.q[m * a.R + i], ki = a.k[m * a.R + i], *qj = a.q + m * a.R + j,
              *kj = a.k + m * a.R + j;
#pragma omp simd
      for (int z = 0; z < lanes; z++) {
        to_i[z] += qi * kj[z];
        to_j[z] += qj[z] * ki;
      }
    }
  }

  KOKKOS_INLINE_FUNCTION void add_key_bars(int h, long j, int at, const B *to_i_bar,
                                           const B *to_j_bar, B *sums) const
  {
    for (int m = h * a.d; m < (h + 1) * a.d; m++) {
      const B *qj = a.q + m * a.R + j, *kj = a.k + m * a.R + j;
      B *q_own = sums + (long(value_parts) * a.HC + m) * stride() + at,
        *k_own = q_own + long(n_keys()) * stride();
#pragma omp simd
      for (int z = 0; z < lanes; z++) {
        q_own[z] += to_i_bar[z] * kj[z];
        k_own[z] += to_j_bar[z] * qj[z];
      }
    }
  }

  /// Bars of the atom's position from those of u and r of all heads.
  KOKKOS_INLINE_FUNCTION void add_position_bars(int at, const Scratch &memory) const
  {
    const int J = memory.pairs.J, H = a.H;
#pragma omp simd
    for (int z = at; z < at + lanes; z++) {
      double bar[4], projection = 0.0;
      for (int x = 0; x < 4; x++) {
        bar[x] = 0.0;
        for (int h = 0; h < H; h++) bar[x] += double(memory.heads[(x * H + h) * J + z]);
        if (x < 3) projection += bar[x] * memory.pairs.direction[x * J + z];
      }
      const double inverse = memory.pairs.inverse[z], rest = bar[3] - projection * inverse;
      for (int x = 0; x < 3; x++)
        memory.x_sums[x * stride() + z] +=
            rest * memory.pairs.direction[x * J + z] + bar[x] * inverse;
    }
  }

  /// Sum number `item` of the team's atom.
  KOKKOS_INLINE_FUNCTION void write(int item, const TeamAtom &receiver, const Scratch &memory) const
  {
    const int n_values = value_parts * a.HC, axis = item - n_sums();
    if (axis >= 0) {
      double sum = 0.0;
      for (int z = 0; z < tile(); z++) sum += memory.x_sums[axis * stride() + z];
      x_bar[3 * receiver.atom + axis] += sum;
      return;
    }
    B sum = B(0);
    for (int z = 0; z < tile(); z++) sum += memory.sums[long(item) * stride() + z];
    const int m = (item - n_values) % n_keys();
    if (item < n_values)
      out.value(receiver.atom, item / a.HC, item % a.HC) = sum;
    else if (item < n_values + n_keys())
      out.query(receiver.atom, m) = key_slope(a.q[m * a.R + receiver.row]) * sum;
    else
      out.key(receiver.atom, m) = key_slope(a.k[m * a.R + receiver.row]) * sum;
  }
};

}    // namespace mlff
