// EngineInfo of engines on a Kokkos device, and the kind of device of an execution space.
#pragma once

#include "core/engine_info.h"

#include <Kokkos_Core.hpp>

#include <algorithm>
#include <type_traits>

namespace mlff {

/// Kind of device on which an execution space of this build of Kokkos runs.
template <class Device> constexpr DeviceKind kokkos_device_kind()
{
  using Space [[maybe_unused]] = typename Device::execution_space;
#ifdef KOKKOS_ENABLE_CUDA
  if (std::is_same_v<Space, Kokkos::Cuda>) return DeviceKind::cuda;
#endif
#ifdef KOKKOS_ENABLE_HIP
  if (std::is_same_v<Space, Kokkos::HIP>) return DeviceKind::hip;
#endif
#ifdef KOKKOS_ENABLE_SYCL
  if (std::is_same_v<Space, Kokkos::SYCL>) return DeviceKind::sycl;
#endif
  return DeviceKind::host;
}

/// Loops are laid out for cores with vectors, or else for a GPU. Its memory does not tell: there
/// are GPUs that share it with the processor.
template <class Device>
inline constexpr bool device_is_host = kokkos_device_kind<Device>() == DeviceKind::host;

/// EngineInfo of an engine with features of type T. It uses the option filter.
template <class Device, typename T> EngineInfo kokkos_info(const EngineOptions &options)
{
  EngineInfo info;
  info.backend = Backend::kokkos;
  info.space = Device::name();
  info.precision = precision_of_type<T>;
  info.device = kokkos_device_kind<Device>();
  if (info.on_host())
    info.threads = typename Device::execution_space().concurrency();
  else
    info.device_index = std::max(Kokkos::device_id(), 0);
  info.filter = filter_for(options.filter, info.precision);
  return info;
}

}    // namespace mlff
