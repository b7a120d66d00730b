// The table of models that a Kokkos device runs.
#include "kokkos/models/device_models.h"

#include "kokkos/models/core_kokkos.h"
#include "kokkos/models/jump_kokkos.h"
#include "kokkos/models/painn_kokkos.h"
#include "models/jump/jump_kinds.h"
#include "models/long_range/long_range_kind.h"
#include "models/painn/painn_kind.h"

namespace mlff {

namespace {

  template <class Device, template <class, typename> class Model, class Interface>
  std::unique_ptr<Interface> make_in_precision(const Potential &potential,
                                               const DeviceOptions &options)
  {
    if (options.single()) return std::make_unique<Model<Device, float>>(potential, options);
    return std::make_unique<Model<Device, double>>(potential, options);
  }

  template <class Interface> struct Kind {
    const ModelKind *model;
    std::unique_ptr<Interface> (*make)(const Potential &, const DeviceOptions &);
  };

  template <class Device>
  constexpr Kind<DeviceModel<Device>> energy_kinds[] = {
      {&painn_kind, make_in_precision<Device, PainnKokkos, DeviceModel<Device>>},
      {&painn_long_range_kind, make_in_precision<Device, PainnKokkos, DeviceModel<Device>>}};

  template <class Device>
  constexpr Kind<DeviceJump<Device>> jump_kinds[] = {
      {&kstep_painn_kind, make_in_precision<Device, JumpKokkos, DeviceJump<Device>>}};

  template <typename Kinds> auto find(const Kinds &kinds, const Potential &potential)
  {
    for (const auto &kind : kinds)
      if (&potential.kind() == kind.model) return &kind;
    return static_cast<decltype(&kinds[0])>(nullptr);
  }

  template <typename Kinds>
  auto make(const Kinds &kinds, const char *engine, const Potential &potential,
            const DeviceOptions &options)
  {
    if (const auto *kind = find(kinds, potential)) return kind->make(potential, options);
    std::string names;
    for (const auto &kind : kinds)
      names += (names.empty() ? "" : " and ") + std::string(kind.model->name);
    throw EngineError("the Kokkos engine" + std::string(engine) + " runs " + names +
                      "; this is a model '" + potential.model() + "'");
  }

}    // namespace

bool runs_on_device(const Potential &potential)
{
  return find(energy_kinds<Kokkos::DefaultExecutionSpace>, potential);
}

bool jumps_on_device(const Potential &potential)
{
  return find(jump_kinds<Kokkos::DefaultExecutionSpace>, potential);
}

template <class Device>
std::unique_ptr<DeviceModel<Device>> make_device_model(const Potential &potential,
                                                       const DeviceOptions &options)
{
  return with_core(potential, make(energy_kinds<Device>, "", potential, options));
}

template <class Device>
std::unique_ptr<DeviceJump<Device>> make_device_jump(const Potential &potential,
                                                     const DeviceOptions &options)
{
  return make(jump_kinds<Device>, " of jumps", potential, options);
}

#define INSTANTIATE(DEVICE)                                                               \
  template std::unique_ptr<DeviceModel<DEVICE>> make_device_model(const Potential &,      \
                                                                  const DeviceOptions &); \
  template std::unique_ptr<DeviceJump<DEVICE>> make_device_jump(const Potential &,        \
                                                                const DeviceOptions &);
MLFF_ON_DEVICES(INSTANTIATE)

}    // namespace mlff
