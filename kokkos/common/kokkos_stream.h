/* -*- c++ -*- ----------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#ifndef LMP_KOKKOS_STREAM_H
#define LMP_KOKKOS_STREAM_H

#include "core/engine_options.h"

namespace LAMMPS_NS {

// Puts a LibTorch engine on the GPU that LAMMPS' Kokkos uses, and with CUDA on its stream; changes
// nothing in a build without a GPU.
void use_kokkos_stream(mlff::EngineOptions &options);

}    // namespace LAMMPS_NS

#endif
