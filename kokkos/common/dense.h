/* -*- c++ -*- ----------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#ifndef LMP_DENSE_KOKKOS_H
#define LMP_DENSE_KOKKOS_H

#include "kokkos/common/kokkos_device.h"
#include "models/painn/host/painn_kernels.h"

#include <Kokkos_Core.hpp>

namespace LAMMPS_NS {

/* ----------------------------------------------------------------------
   out = in W (+ bias), or out += in W; activated = silu(out). Row by row,
   W [in_width][out_width] and sums in type W, whatever in and out are.
   One thread takes one column on a device with many threads, and a block of
   features on a CPU: out_width is a multiple of that
------------------------------------------------------------------------- */

template <class DeviceType, typename In, typename Weight, typename Out>
void dense_rows(int rows, const In *in, int in_width, const Weight *W, const Weight *bias, Out *out,
                int out_width, Out *activated = nullptr, bool add = false)
{
  using Policy = Kokkos::TeamPolicy<DeviceType>;
  using Member = typename Policy::member_type;
  constexpr int tile = device_is_host<DeviceType> ? mlff::feature_block : 1;
  constexpr int row_block = 4;
  if (rows == 0) return;
  Kokkos::parallel_for(
      Policy((rows + row_block - 1) / row_block, Kokkos::AUTO), KOKKOS_LAMBDA(const Member &team) {
        const int row = team.league_rank() * row_block;
        const int count = rows - row < row_block ? rows - row : row_block;
        Kokkos::parallel_for(Kokkos::TeamThreadRange(team, out_width / tile), [&](const int block) {
          const int column = block * tile;
          Weight sum[row_block][tile];
          for (int m = 0; m < row_block; m++)
            for (int t = 0; t < tile; t++) {
              sum[m][t] = bias ? bias[column + t] : Weight(0);
              if (add && m < count)
                sum[m][t] += Weight(out[(long) (row + m) * out_width + column + t]);
            }
          // the last block of rows repeats its last row and drops the result
          const In *a[row_block];
          for (int m = 0; m < row_block; m++)
            a[m] = in + (long) (row + (m < count ? m : count - 1)) * in_width;
          for (int k = 0; k < in_width; k++) {
            const Weight *w = W + (long) k * out_width + column;
            for (int m = 0; m < row_block; m++)
              for (int t = 0; t < tile; t++) sum[m][t] += Weight(a[m][k]) * w[t];
          }
          for (int m = 0; m < count; m++)
            for (int t = 0; t < tile; t++) {
              const long place = (long) (row + m) * out_width + column + t;
              out[place] = Out(sum[m][t]);
              if (activated)
                activated[place] = Out(sum[m][t] / (Weight(1) + Kokkos::exp(-sum[m][t])));
            }
        });
      });
}

}    // namespace LAMMPS_NS

#endif
