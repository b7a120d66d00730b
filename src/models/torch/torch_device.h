// The device of LibTorch, chosen in one place for all engines and gradients. This header includes
// Torch.
#pragma once

#include "core/engine_info.h"

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>

namespace mlff {

/// The device that the options `device` and `device_index` choose. Throws EngineError for a word
/// that is no device, and for a device that LibTorch does not find.
c10::Device torch_device(const EngineOptions &options);

/// Where and in which type of numbers a model runs, by the options of an engine.
struct TorchPlace {
  /// Throws as torch_device does.
  explicit TorchPlace(const EngineOptions &options);

  c10::Device device;
  c10::ScalarType type;    ///< of parameters and features
  int threads;

  /// What an engine in this place tells of itself.
  EngineInfo info() const;
};

}    // namespace mlff
