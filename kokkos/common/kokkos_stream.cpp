/* ----------------------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#include "kokkos/common/kokkos_stream.h"

#include <Kokkos_Core.hpp>

/* ---------------------------------------------------------------------- */

void LAMMPS_NS::use_kokkos_stream(mlff::EngineOptions &options)
{
  options.device_index = Kokkos::device_id();    // negative in a build without a GPU
#ifdef KOKKOS_ENABLE_CUDA
  options.stream = Kokkos::Cuda().cuda_stream();
#endif
}
