// What functions need that the host's kernels and a device share. A target that compiles for a
// device names in MLFF_DEVICE_HEADER the header that defines the same for it. Such functions lie in
// unnamed namespaces, so that the linker cannot mix the copies of files that are compiled with
// other flags.
#pragma once

#ifdef MLFF_DEVICE_HEADER
#include MLFF_DEVICE_HEADER
#else

#include <cmath>

#define MLFF_INLINE_FUNCTION inline
// for loops that a compiler should see where they are called: what it inlines when decides how it
// sums
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
