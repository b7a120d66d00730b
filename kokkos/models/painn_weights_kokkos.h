// Weights of PaiNN's layers on a Kokkos device.
#pragma once

#include "kokkos/common/device_arrays.h"
#include "models/painn/painn_tensors.h"
#include "potential/potential.h"

#include <string>
#include <type_traits>
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

 private:
  void load_filter(const Potential &potential, int l, PainnLayerKokkos<Device, T> &layer) const;
};

/// The walk (models/tensor_walk.h) that copies the tensors of a potential to a device, padded to
/// whole blocks of features.
template <class Device, typename T> class DeviceWalk {
 public:
  using Array = DeviceArray<Device, T>;

  /// backward: also the matrices of the backward pass, into places that have room for them.
  DeviceWalk(const Potential &potential, bool backward) : potential(potential), backward(backward)
  {
  }

  template <typename To, typename Place>
  void linear(To &to, const std::string &name, Extent out, Extent in, const Place &place)
  {
    matrix(to, name, out, in, place);
    auto &bias = place.bias(to);
    if constexpr (std::is_same_v<decltype(bias), double &>)
      bias = tensor(name + ".bias").values[0];
    else
      bias = vector(name + ".bias", out.places());
  }

  template <typename To, typename Place>
  void matrix(To &to, const std::string &name, Extent out, Extent in, const Place &place)
  {
    place.weight(to) = matrix(name + ".weight", out.places(), in.places(), false);
    if constexpr (requires { place.back(to); })
      if (backward) place.back(to) = matrix(name + ".weight", out.places(), in.places(), true);
  }

  /// Filters are copied for each layer, see PainnWeightsKokkos.
  template <typename To, typename Place>
  void filter(To &, const std::string &, Extent, int, const Place &)
  {
  }

  template <typename To, typename Place>
  void rows(To &to, const std::string &name, const std::vector<std::int64_t> &, Extent width,
            const Place &place, TensorStart)
  {
    place.weight(to) = vector(name, width.places());
  }

  template <typename To, typename Place>
  void constant(To &to, const std::string &name, const std::vector<std::int64_t> &,
                const Place &place)
  {
    place_constant(to, place, tensor(name).values, [&](const auto &values) {
      return upload<Device, double>(values, name);
    });
  }

 private:
  const Potential &potential;
  bool backward;

  const Tensor &tensor(const std::string &name) const { return potential.tensors.at(name); }

  /// A tensor of values side by side in blocks of features.
  Array vector(const std::string &name, Blocks blocks) const;

  /// W [out][in] as [in][out] or, with `back`, as it is.
  Array matrix(const std::string &name, Blocks out, Blocks in, bool back) const;
};

}    // namespace mlff
