// Macros of functions that the host's kernels and a device share. A target that compiles for a
// device names in MLFF_DEVICE_HEADER the header that defines the same macros for it. Shared
// functions lie in unnamed namespaces, so that the linker cannot mix the copies of files that are
// compiled with other flags.
#pragma once

#ifdef MLFF_DEVICE_HEADER
#include MLFF_DEVICE_HEADER
#else

#include <cmath>

#define MLFF_INLINE_FUNCTION inline
// Inlines a loop into its caller even where the compiler would not: the moment of inlining decides
// the order of its sums.
#if defined(__GNUC__)
#define MLFF_FORCEINLINE_FUNCTION inline __attribute__((always_inline))
#else
#define MLFF_FORCEINLINE_FUNCTION inline
#endif

namespace mlff {

/// Elementary functions that exist wherever the code runs.
namespace elementary = std;

}    // namespace mlff

#endif
