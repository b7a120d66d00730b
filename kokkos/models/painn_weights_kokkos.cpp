// Copies weights of PaiNN to a Kokkos device, padded to whole blocks of features.
#include "kokkos/models/painn_weights_kokkos.h"

#include "models/painn/host/painn_engine_host.h"

namespace mlff {

template <class Device, typename T>
PainnWeightsKokkos<Device, T>::PainnWeightsKokkos(const Potential &potential, bool spline,
                                                  bool backward) :
    L(potential.sizes.layers),
    K(potential.sizes.radial), cutoff(potential.cutoff), norm_floor(potential.sizes.norm_floor)
{
  const Blocks features{potential.sizes.features, padded(potential.sizes.features)};
  F = features.padded_width;
  knots = spline ? spline_knots(K) : 0;
  embedding = vector(potential, "embedding", features);
  for (int l = 0; l < L; l++) {
    PainnLayerKokkos<Device, T> layer;
    const auto both = [&](const std::string &name, Array &ahead, Array &back) {
      ahead = matrix(potential, name + ".weight", features, features, false);
      if (backward) back = matrix(potential, name + ".weight", features, features, true);
    };
    const auto bias = [&](const std::string &name) {
      return vector(potential, name + ".bias", features);
    };
    const std::string message = "message." + std::to_string(l),
                      update = "update." + std::to_string(l);
    both(message + ".0", layer.message0, layer.message0_back);
    both(message + ".1", layer.message1, layer.message1_back);
    both(update + ".mix", layer.mix, layer.mix_back);
    both(update + ".0", layer.update0, layer.update0_back);
    both(update + ".1", layer.update1, layer.update1_back);
    layer.message0_bias = bias(message + ".0");
    layer.message1_bias = bias(message + ".1");
    layer.update0_bias = bias(update + ".0");
    layer.update1_bias = bias(update + ".1");
    load_filter(potential, l, layer);
    layers.push_back(layer);
  }
}

template <class Device, typename T>
void PainnWeightsKokkos<Device, T>::load_filter(const Potential &potential, int l,
                                                PainnLayerKokkos<Device, T> &layer) const
{
  const int features = potential.sizes.features, n = 3 * F;
  const Blocks blocks{features, F};
  if (knots) {
    const double spacing = cutoff / knots;
    std::vector<double> table(std::size_t(knots + 1) * 2 * n, 0.0);
    for (int knot = 0; knot <= knots; knot++) {
      double *value = &table[std::size_t(knot) * 2 * n], *slope = value + n;
      const auto W = painn_filter(potential, l, knot * spacing);
      for (int f = 0; f < 3 * features; f++) {
        value[blocks.place(f)] = W[f].value;
        slope[blocks.place(f)] = W[f].slope * spacing;
      }
    }
    layer.spline = upload<Device, T>(table, "painn/spline");
    return;
  }
  const std::size_t first = std::size_t(l) * 3 * features;
  const double *A = &potential.tensors.at("filter.weight").values[first * K],
               *a = &potential.tensors.at("filter.bias").values[first];
  std::vector<double> weight(std::size_t(K) * n, 0.0), bias(n, 0.0);
  for (int f = 0; f < 3 * features; f++) {
    bias[blocks.place(f)] = a[f];
    for (int k = 0; k < K; k++)
      weight[std::size_t(k) * n + blocks.place(f)] = A[std::size_t(f) * K + k];
  }
  layer.filter = upload<Device, T>(weight, "painn/filter");
  layer.filter_bias = upload<Device, T>(bias, "painn/filter_bias");
}

template <class Device, typename T>
typename PainnWeightsKokkos<Device, T>::Array
PainnWeightsKokkos<Device, T>::vector(const Potential &potential, const std::string &name,
                                      Blocks blocks)
{
  const auto &values = potential.tensors.at(name).values;
  std::vector<double> out(blocks.total(int(values.size())), 0.0);
  for (std::size_t i = 0; i < values.size(); i++) out[blocks.place(int(i))] = values[i];
  return upload<Device, T>(out, name);
}

template <class Device, typename T>
typename PainnWeightsKokkos<Device, T>::Array
PainnWeightsKokkos<Device, T>::matrix(const Potential &potential, const std::string &name,
                                      Blocks out, Blocks in, bool back)
{
  const auto &W = potential.tensors.at(name);
  const int n_out = int(W.shape[0]), n_in = int(W.shape[1]);
  const int rows = back ? out.total(n_out) : in.total(n_in),
            columns = back ? in.total(n_in) : out.total(n_out);
  std::vector<double> values(std::size_t(rows) * columns, 0.0);
  for (int o = 0; o < n_out; o++)
    for (int k = 0; k < n_in; k++) {
      const int row = back ? out.place(o) : in.place(k), column = back ? in.place(k) : out.place(o);
      values[std::size_t(row) * columns + column] = W.values[std::size_t(o) * n_in + k];
    }
  return upload<Device, T>(values, name);
}

#define INSTANTIATE(DEVICE)                         \
  template class PainnWeightsKokkos<DEVICE, float>; \
  template class PainnWeightsKokkos<DEVICE, double>;
MLFF_ON_DEVICES(INSTANTIATE)

}    // namespace mlff
