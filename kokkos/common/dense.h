// Products with matrices of weights on a Kokkos device.
#pragma once

#include "kokkos/common/teams.h"

namespace mlff {

/// out = in W (+ bias), or out += in W; activated = silu(out). Row by row, W [in_width][out_width]
/// and sums in type W, whatever in and out are. A thread takes device_lanes columns: out_width is a
/// multiple of that.
template <typename In, typename Weight, typename Out> struct DenseRows {
  int rows, in_width, out_width;
  const In *in;
  const Weight *W, *bias;    ///< bias may be null
  Out *out, *activated = nullptr;
  bool add = false;

  template <class Device> void run(const char *label, const TeamShape &shape) const
  {
    using Member = typename Kokkos::TeamPolicy<Device>::member_type;
    const DenseRows self = *this;
    if (rows == 0) return;
    Kokkos::parallel_for(
        label, teams<Device>((rows + row_block - 1) / row_block, shape),
        KOKKOS_LAMBDA(const Member &team) {
          constexpr int lanes = device_lanes<Device>;
          Kokkos::parallel_for(Kokkos::TeamThreadRange(team, self.out_width / lanes),
                               [&](const int block) {
                                 self.template block_of_columns<lanes>(
                                     team.league_rank() * row_block, block * lanes);
                               });
        });
  }

  template <int LANES> KOKKOS_INLINE_FUNCTION void block_of_columns(int row, int column) const
  {
    const int count = rows - row < row_block ? rows - row : row_block;
    Weight sum[row_block][LANES];
    for (int m = 0; m < row_block; m++)
      for (int t = 0; t < LANES; t++) {
        sum[m][t] = bias ? bias[column + t] : Weight(0);
        if (add && m < count) sum[m][t] += Weight(out[long(row + m) * out_width + column + t]);
      }
    // the last block of rows repeats its last row and drops the result
    const In *a[row_block];
    for (int m = 0; m < row_block; m++)
      a[m] = in + long(row + (m < count ? m : count - 1)) * in_width;
    for (int k = 0; k < in_width; k++) {
      const Weight *w = W + long(k) * out_width + column;
      for (int m = 0; m < row_block; m++)
        for (int t = 0; t < LANES; t++) sum[m][t] += Weight(a[m][k]) * w[t];
    }
    for (int m = 0; m < count; m++)
      for (int t = 0; t < LANES; t++) {
        const long place = long(row + m) * out_width + column + t;
        out[place] = Out(sum[m][t]);
        if (activated) activated[place] = Out(sum[m][t] / (Weight(1) + Kokkos::exp(-sum[m][t])));
      }
  }

 private:
  static constexpr int row_block = 4;
};

}    // namespace mlff
