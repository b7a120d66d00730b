// The GPU that LAMMPS' Kokkos uses, for a LibTorch engine.
#include "lammps_common/kokkos_stream.h"

#include <Kokkos_Core.hpp>

void mlff::use_kokkos_stream(EngineOptions &options)
{
  options.device_index = Kokkos::device_id();    // negative in a build without a GPU
#ifdef KOKKOS_ENABLE_CUDA
  options.stream = Kokkos::Cuda().cuda_stream();
#endif
}
