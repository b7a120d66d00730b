/* -*- c++ -*- ----------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#ifndef LMP_ENGINE_KOKKOS_H
#define LMP_ENGINE_KOKKOS_H

#include "core/engine.h"
#include "kokkos/common/kokkos_device.h"
#include "potential/potential.h"

namespace LAMMPS_NS {

/* ----------------------------------------------------------------------
   PaiNN, with or without a long-range block, on the device of LAMMPS' Kokkos
   as an engine: graph in, results out, both on the host. For graphs that come
   from elsewhere, as those of other partitions. Of the options, precision,
   filter and fmm count. `host` is for the styles /kk/host of a build with a
   device. Throws EngineError for models of other kinds, and where Kokkos is
   not running (no -k on).
------------------------------------------------------------------------- */

std::unique_ptr<mlff::Engine> make_kokkos_engine(const mlff::Potential &potential,
                                                 const mlff::EngineOptions &options = {},
                                                 bool host = false);

// what PaiNN on a Kokkos device tells of itself, with or without a long-range block

template <class DeviceType, typename T>
mlff::EngineInfo kokkos_painn_info(const mlff::Potential &potential,
                                   const mlff::EngineOptions &options)
{
  mlff::EngineInfo info = kokkos_info<DeviceType, T>(options);
  if (potential.is_global()) info.long_range = options.fmm;
  return info;
}

}    // namespace LAMMPS_NS

#endif
