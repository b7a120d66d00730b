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

/// Device and type of numbers of a model in LibTorch, by the options of an engine.
struct TorchPlace {
  /// Throws as torch_device does.
  explicit TorchPlace(const EngineOptions &options);

  c10::Device device;
  c10::ScalarType type;    ///< type of parameters and features
  int threads;

  /// EngineInfo of an engine in this place.
  EngineInfo info() const;
};

}    // namespace mlff
