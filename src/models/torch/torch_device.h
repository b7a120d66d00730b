// The device of LibTorch, chosen in one place for all engines and gradients. This header includes
// Torch.
#pragma once

#include "core/engine_info.h"

#include <c10/core/Device.h>

namespace mlff {

/// The device that the options `device` and `device_index` choose. Throws EngineError for a word
/// that is no device, and for a device that LibTorch does not find.
c10::Device torch_device(const EngineOptions &options);

/// Threads that the options allow: option `threads`, or what OpenMP has.
int torch_threads(const EngineOptions &options);

/// What an engine by LibTorch tells of itself.
EngineInfo torch_info(const c10::Device &device, Precision precision, int threads);

}    // namespace mlff
