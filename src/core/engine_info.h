// EngineInfo: the device, the kernels and the precision of an engine. Decisions use its values;
// logs show it as text.
#pragma once

#include "core/engine_options.h"

#include <optional>
#include <string>

namespace mlff {

/// The implementation that evaluates: kernels of this package on the processor, LibTorch, or
/// kernels of this package on the device of LAMMPS' Kokkos.
enum class Backend { host, torch, kokkos };

inline constexpr Word<Backend> backend_words[] = {
    {"host", Backend::host}, {"torch", Backend::torch}, {"kokkos", Backend::kokkos}};

/// The device: the processor, or a GPU of NVIDIA, AMD or Intel.
enum class DeviceKind { host, cuda, hip, sycl };

inline constexpr Word<DeviceKind> device_words[] = {{"cpu", DeviceKind::host},
                                                    {"cuda", DeviceKind::cuda},
                                                    {"hip", DeviceKind::hip},
                                                    {"sycl", DeviceKind::sycl}};

struct EngineInfo {
  Backend backend = Backend::host;
  /// Set by host engines; never automatic.
  InstructionSet instruction_set = InstructionSet::generic;
  Precision precision = Precision::single_precision;
  bool mixed = false;    ///< products in bfloat16
  DeviceKind device = DeviceKind::host;
  int device_index = 0;    ///< number of the GPU
  int threads = 1;         ///< threads on the processor, at most

  // empty for models without such a part
  std::optional<Filter> filter;               ///< exact or spline
  std::optional<LongRangeForm> long_range;    ///< form of its block
  std::string model;                          ///< model's own remark for logs
  std::string space;                          ///< name of Kokkos' execution space

  // around the model
  bool jumps = false;      ///< makes jumps, not energies; set where engines of both kinds meet
  int members = 0;         ///< potentials whose mean it is; 0: one potential alone
  bool batched = false;    ///< joined with the engines of other replicas

  bool on_host() const { return device == DeviceKind::host; }

  /// Cores that an evaluation keeps busy at most; 0 where it runs on another device.
  int cores() const { return on_host() ? threads : 0; }

  /// Names all that results and the sharing of an evaluation depend on: engines with the same key
  /// and the same weights give the same numbers at the same place.
  std::string key() const;
};

/// One line for a log.
std::string to_text(const EngineInfo &info);

}    // namespace mlff
