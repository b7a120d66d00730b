// Arrays on a Kokkos device: allocation, copies from and to the host, sums of a few values at once.
#pragma once

#include "kokkos/common/kokkos_device.h"

#include <Kokkos_Core.hpp>

#include <span>
#include <string>
#include <vector>

namespace mlff {

template <class Device, typename U>
using DeviceArray = Kokkos::View<U *, Kokkos::LayoutRight, Device>;

/// Features or atoms that a thread takes together: on a CPU so many that the compiler makes vectors
/// of them, on a device with many threads one.
template <class Device> inline constexpr int device_lanes = device_is_host<Device> ? 16 : 1;

template <class Device> using IndexRange = Kokkos::RangePolicy<Device>;
template <class Device> using LongRange = Kokkos::RangePolicy<Device, Kokkos::IndexType<long>>;

/// Room for n values, and some more so that this is seldom done again. Values get lost.
template <typename Array> void grow(Array &array, std::size_t n, const char *name)
{
  if (array.extent(0) >= n && array.data()) return;
  array = Array(Kokkos::view_alloc(std::string("mlff/") + name, Kokkos::WithoutInitializing),
                n + n / 8 + 1);
}

/// Grows an array with zeros in new memory. For arrays with columns that fill up a block: no kernel
/// writes these columns, but products read them with weights of zero, and NaN times zero is not
/// zero.
template <typename Array> void grow_zeros(Array &array, std::size_t n, const char *name)
{
  if (array.extent(0) >= n && array.data()) return;
  array = Array(std::string("mlff/") + name, n + n / 8 + 1);
}

template <typename U>
using UnmanagedHost = Kokkos::View<U *, Kokkos::HostSpace, Kokkos::MemoryTraits<Kokkos::Unmanaged>>;

/// Copies `from` to the first entries of an array of sufficient size.
template <typename Array, typename Range> void copy_to_device(const Array &to, const Range &from)
{
  using U = typename Array::value_type;
  const std::span<const U> values(from);
  Kokkos::deep_copy(Kokkos::subview(to, std::make_pair(std::size_t(0), values.size())),
                    UnmanagedHost<const U>(values.data(), values.size()));
}

/// Copies the first entries of an array to all of `to`.
template <typename U, typename Array> void copy_to_host(std::vector<U> &to, const Array &from)
{
  Kokkos::deep_copy(UnmanagedHost<U>(to.data(), to.size()),
                    Kokkos::subview(from, std::make_pair(std::size_t(0), to.size())));
}

/// A new array with these values in its own type.
template <class Device, typename U>
DeviceArray<Device, U> upload(const std::vector<double> &values, const std::string &name)
{
  DeviceArray<Device, U> array(Kokkos::view_alloc("mlff/" + name, Kokkos::WithoutInitializing),
                               values.size());
  copy_to_device(array, std::vector<U>(values.begin(), values.end()));
  return array;
}

/// Bytes of several arrays.
template <typename... Array> double bytes_of(const Array &...arrays)
{
  return (0.0 + ... + (double(arrays.extent(0)) * sizeof(typename Array::non_const_value_type)));
}

/// A few values that are summed together over threads.
template <typename B, int N> struct FewSums {
  B v[N];
  KOKKOS_INLINE_FUNCTION FewSums()
  {
    for (int k = 0; k < N; k++) v[k] = B(0);
  }
  KOKKOS_INLINE_FUNCTION FewSums &operator+=(const FewSums &other)
  {
    for (int k = 0; k < N; k++) v[k] += other.v[k];
    return *this;
  }
};

}    // namespace mlff

template <typename B, int N> struct Kokkos::reduction_identity<mlff::FewSums<B, N>> {
  KOKKOS_FORCEINLINE_FUNCTION static mlff::FewSums<B, N> sum() { return {}; }
};

// MLFF_ON_DEVICES(CODE, ...): CODE(Device, ...) for the devices of LAMMPS' Kokkos styles, which are
// the default device and, where that is no CPU, the host. MLFF_INSTANTIATE(CLASS): a class template
// of a device and a type of features on all of them.
#if defined(KOKKOS_ENABLE_CUDA) || defined(KOKKOS_ENABLE_HIP) || defined(KOKKOS_ENABLE_SYCL) || \
    defined(KOKKOS_ENABLE_OPENMPTARGET)
#define MLFF_ON_DEVICES(CODE, ...)                               \
  CODE(Kokkos::DefaultExecutionSpace __VA_OPT__(, ) __VA_ARGS__) \
  CODE(Kokkos::HostSpace::execution_space __VA_OPT__(, ) __VA_ARGS__)
#else
#define MLFF_ON_DEVICES(CODE, ...) CODE(Kokkos::DefaultExecutionSpace __VA_OPT__(, ) __VA_ARGS__)
#endif

#define MLFF_INSTANTIATE_ON(DEVICE, CLASS) \
  template class CLASS<DEVICE, float>;     \
  template class CLASS<DEVICE, double>;
#define MLFF_INSTANTIATE(CLASS) MLFF_ON_DEVICES(MLFF_INSTANTIATE_ON, CLASS)
