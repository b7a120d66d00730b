// Functions that the host's kernels and a Kokkos device share (kernels/inline_function.h), for the
// latter.
#pragma once

#include <Kokkos_Core.hpp>

#define MLFF_INLINE_FUNCTION KOKKOS_INLINE_FUNCTION
#define MLFF_FORCEINLINE_FUNCTION KOKKOS_FORCEINLINE_FUNCTION

namespace mlff {

namespace elementary = Kokkos;

}    // namespace mlff
