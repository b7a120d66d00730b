/* -*- c++ -*- ----------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#ifndef LMP_KOKKOS_DEVICE_H
#define LMP_KOKKOS_DEVICE_H

#include "core/engine_info.h"

#include <Kokkos_Core.hpp>

#include <algorithm>
#include <type_traits>

namespace LAMMPS_NS {

// on which kind of device an execution space of this build of Kokkos runs

template <class DeviceType> constexpr mlff::DeviceKind kokkos_device_kind()
{
  using Space [[maybe_unused]] = typename DeviceType::execution_space;
#ifdef KOKKOS_ENABLE_CUDA
  if (std::is_same_v<Space, Kokkos::Cuda>) return mlff::DeviceKind::cuda;
#endif
#ifdef KOKKOS_ENABLE_HIP
  if (std::is_same_v<Space, Kokkos::HIP>) return mlff::DeviceKind::hip;
#endif
#ifdef KOKKOS_ENABLE_SYCL
  if (std::is_same_v<Space, Kokkos::SYCL>) return mlff::DeviceKind::sycl;
#endif
  return mlff::DeviceKind::host;
}

// loops are laid out for cores with vectors, or else for a GPU; its memory does not tell: there are
// GPUs that share it with the processor

template <class DeviceType>
inline constexpr bool device_is_host = kokkos_device_kind<DeviceType>() == mlff::DeviceKind::host;

/* ----------------------------------------------------------------------
   what an engine with features of type T tells of itself. `options` are
   those that it was made with: of them filter counts.
------------------------------------------------------------------------- */

template <class DeviceType, typename T>
mlff::EngineInfo kokkos_info(const mlff::EngineOptions &options)
{
  mlff::EngineInfo info;
  info.backend = mlff::Backend::kokkos;
  info.space = DeviceType::name();
  info.precision = mlff::precision_of_type<T>;
  info.device = kokkos_device_kind<DeviceType>();
  if (info.on_host())
    info.threads = typename DeviceType::execution_space().concurrency();
  else
    info.device_index = std::max(Kokkos::device_id(), 0);
  info.filter = mlff::filter_for(options.filter, info.precision);
  return info;
}

}    // namespace LAMMPS_NS

#endif
