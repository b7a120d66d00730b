// Chooses LibTorch's device by the options of an engine.
#include "models/torch/torch_device.h"

#include <ATen/Context.h>
#include <torch/cuda.h>
#include <torch/xpu.h>

#include <omp.h>

#include <algorithm>

namespace mlff {

namespace {

  /// A GPU by its number, which a negative index leaves to be the first.
  c10::Device gpu(c10::DeviceType type, const std::string &word, int index, int count)
  {
    index = std::max(index, 0);
    if (index >= count)
      throw EngineError("device '" + word + "' number " + std::to_string(index) +
                        " was asked for, but LibTorch finds " + std::to_string(count) +
                        ", numbered from 0");
    return {type, std::int8_t(index)};
  }

}    // namespace

c10::Device torch_device(const EngineOptions &options)
{
  const std::string &word = options.device;
  EngineOptions().set("device", word);    // throws for a word that is none
  if (word == "cpu") return c10::DeviceType::CPU;
  if (word == "xpu") {
    if (torch::xpu::is_available())
      return gpu(c10::DeviceType::XPU, word, options.device_index, int(torch::xpu::device_count()));
  } else if (torch::cuda::is_available())
    return gpu(c10::DeviceType::CUDA, "cuda", options.device_index,
               int(torch::cuda::device_count()));
  if (word == "auto") return c10::DeviceType::CPU;
  throw EngineError("device '" + word +
                    "' was asked for, but LibTorch finds none; accepted here: auto, cpu");
}

TorchPlace::TorchPlace(const EngineOptions &options) :
    device(torch_device(options)),
    type(options.precision == Precision::single_precision ? c10::kFloat : c10::kDouble),
    threads(options.threads > 0 ? options.threads : omp_get_max_threads())
{
}

EngineInfo TorchPlace::info() const
{
  EngineInfo info;
  info.backend = Backend::torch;
  info.precision = type == c10::kFloat ? Precision::single_precision : Precision::double_precision;
  info.threads = threads;
  // a LibTorch for ROCm calls AMD's GPUs cuda, too
  if (device.is_cuda())
    info.device = at::Context::hasROCM() ? DeviceKind::hip : DeviceKind::cuda;
  else if (device.is_xpu())
    info.device = DeviceKind::sycl;
  if (!info.on_host()) info.device_index = std::max(int(device.index()), 0);
  return info;
}

}    // namespace mlff
