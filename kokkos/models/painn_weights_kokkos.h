// Weights of PaiNN's layers on a Kokkos device.
#pragma once

#include "kokkos/common/device_arrays.h"
#include "models/painn/host/painn_kernels.h"
#include "potential/potential.h"

#include <string>
#include <vector>

namespace mlff {

/// Matrices as [in][out], and as [out][in] for the backward; features padded to whole blocks.
template <class Device, typename T> struct PainnLayerKokkos {
  using Array = DeviceArray<Device, T>;
  Array message0, message1, mix, update0, update1;
  Array message0_back, message1_back, mix_back, update0_back, update1_back;
  Array message0_bias, message1_bias, update0_bias, update1_bias;
  Array spline;                 ///< [knots + 1][2][3F] value and slope times spacing, or empty
  Array filter, filter_bias;    ///< [K][3F], [3F], used without a spline
};

template <class Device, typename T> class PainnWeightsKokkos {
 public:
  using Array = DeviceArray<Device, T>;

  int F = 0, L = 0, K = 0;    ///< features (padded), layers, radial functions
  int knots = 0;              ///< intervals of the filters' splines, 0: exact filters
  double cutoff = 0.0, norm_floor = 1e-8;
  Array embedding;    ///< [species][F]
  std::vector<PainnLayerKokkos<Device, T>> layers;

  /// backward: also the matrices of the backward pass.
  PainnWeightsKokkos(const Potential &potential, bool spline, bool backward);

  /// A tensor of values side by side in blocks of features.
  static Array vector(const Potential &potential, const std::string &name, Blocks blocks);

  /// W [out][in] as [in][out] or, with `back`, as it is.
  static Array matrix(const Potential &potential, const std::string &name, Blocks out, Blocks in,
                      bool back);

 private:
  void load_filter(const Potential &potential, int l, PainnLayerKokkos<Device, T> &layer) const;
};

}    // namespace mlff
