// How many threads make a team on a Kokkos device.
#pragma once

namespace mlff {

/// How many threads make a team. As a rule as many as suit the device, which is one on a CPU; a
/// test asks for more there, because races between the threads of a team show on a CPU, too.
struct TeamShape {
  int threads = 0;    ///< of a team; 0: as suits the device
  int groups = 0;     ///< of threads along the atoms of a long-range block; 0: likewise
};

}    // namespace mlff
