// Table of the models that a Kokkos device runs. A model is its own files and a line in
// device_models.cpp.
#pragma once

#include "kokkos/common/teams.h"
#include "kokkos/models/device_model.h"
#include "potential/potential.h"

namespace mlff {

/// Whether there is an engine for this potential's energies, or for its jumps.
bool runs_on_device(const Potential &potential);
bool jumps_on_device(const Potential &potential);

/// Throw EngineError for a potential that they do not run, naming those that they do.
template <class Device>
std::unique_ptr<DeviceModel<Device>> make_device_model(const Potential &potential,
                                                       const DeviceOptions &options);
template <class Device>
std::unique_ptr<DeviceJump<Device>> make_device_jump(const Potential &potential,
                                                     const DeviceOptions &options);

}    // namespace mlff
