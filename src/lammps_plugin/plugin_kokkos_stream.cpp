// The plugin has no Kokkos styles: engines choose a GPU by their own options.
#include "lammps_common/kokkos_stream.h"

void mlff::use_kokkos_stream(EngineOptions &) {}
