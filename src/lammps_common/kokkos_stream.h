// The GPU that LAMMPS' Kokkos uses, for a LibTorch engine.
#pragma once

#include "core/engine_options.h"

namespace mlff {

/// Puts a LibTorch engine on Kokkos' GPU, and with CUDA on its stream; changes nothing in a build
/// without a GPU.
void use_kokkos_stream(EngineOptions &options);

}    // namespace mlff
