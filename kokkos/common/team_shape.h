// Number of threads in a team on a Kokkos device.
#pragma once

namespace mlff {

/// Number of threads in a team. As a rule it suits the device, which is one on a CPU; a test asks
/// for more there, because races between the threads of a team show on a CPU, too.
struct TeamShape {
  int threads = 0;    ///< threads in a team; 0: as suits the device
  /// groups of threads along the atoms of a long-range block; 0: as suits the device
  int groups = 0;
};

}    // namespace mlff
