// Teams of threads on a Kokkos device.
#pragma once

#include "kokkos/common/device_arrays.h"
#include "kokkos/common/team_shape.h"

#include <algorithm>

namespace mlff {

/// `league` teams whose work is any number of items.
template <class Device> Kokkos::TeamPolicy<Device> teams(int league, const TeamShape &shape)
{
  if (shape.threads > 0) return Kokkos::TeamPolicy<Device>(league, shape.threads);
  return Kokkos::TeamPolicy<Device>(league, Kokkos::AUTO);
}

/// Teams for `items` pieces of work with scratch memory that they share, which comes from the first
/// level that has room for it.
template <class Device> struct ScratchTeams {
  Kokkos::TeamPolicy<Device> policy;
  int level;

  ScratchTeams(int league, int items, int vector, std::size_t bytes, const TeamShape &shape) :
      policy(league, threads_for(items, shape), vector),
      level(bytes <= std::size_t(Kokkos::TeamPolicy<Device>::scratch_size_max(0)) ? 0 : 1)
  {
    policy.set_scratch_size(level, Kokkos::PerTeam(bytes));
  }

 private:
  static int threads_for(int items, const TeamShape &shape)
  {
    if (shape.threads > 0) return shape.threads;
    return device_is_host<Device> ? 1 : std::min(256, (items + 31) / 32 * 32);
  }
};

}    // namespace mlff
