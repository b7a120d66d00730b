// The long-range block (long_range.h) between the layers of PaiNN in type T and its readout, on a
// Kokkos device.
#pragma once

#include "kokkos/models/device_model.h"
#include "potential/potential.h"

#include <memory>

namespace mlff {

/// prepare() for each graph, then forward() and backward().
template <class Device, typename T> class LongRangeBlockKokkos {
 public:
  virtual ~LongRangeBlockKokkos() = default;

  /// Throws EngineError as the host's engine does.
  virtual void prepare(const DeviceGraph<Device> &graph, GhostExchange *exchange) = 0;

  /// Changes features s [atoms][F], v [atoms][3][F], or their bars.
  virtual void forward(T *s, T *v) = 0;
  virtual void backward(T *s_bar, T *v_bar) = 0;

  virtual const DeviceArray<Device, double> &x_bar() const = 0;    ///< [centres][3] eV/Angstrom
  /// [centres][6] eV, filled where the graph has cells
  virtual const DeviceArray<Device, double> &strain() const = 0;
  virtual double bytes() const = 0;
  virtual std::size_t bytes(int atoms) const = 0;    ///< estimate

  /// Null for a potential without a block.
  static std::unique_ptr<LongRangeBlockKokkos> make(const Potential &potential,
                                                    const DeviceOptions &options);
};

}    // namespace mlff
