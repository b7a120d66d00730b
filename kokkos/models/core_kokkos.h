// The repulsive core of a potential on a Kokkos device, added to what its network gives.
#pragma once

#include "kokkos/models/device_model.h"
#include "potential/potential.h"

namespace mlff {

/// Adds the core of `potential` to the results of a model for its network; without a core the model
/// itself.
template <class Device>
std::unique_ptr<DeviceModel<Device>> with_core(const Potential &potential,
                                               std::unique_ptr<DeviceModel<Device>> network);

}    // namespace mlff
