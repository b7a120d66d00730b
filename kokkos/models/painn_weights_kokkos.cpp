// Copies weights of PaiNN to a Kokkos device, padded to whole blocks of features.
#include "kokkos/models/painn_weights_kokkos.h"

#include "models/painn/host/painn_engine_host.h"
#include "models/painn/painn_sizes.h"

namespace mlff {

template <class Device, typename T>
PainnWeightsKokkos<Device, T>::PainnWeightsKokkos(const Potential &potential, bool spline,
                                                  bool backward) :
    L(painn_sizes(potential).layers),
    K(painn_sizes(potential).radial), cutoff(potential.cutoff),
    norm_floor(painn_sizes(potential).norm_floor)
{
  const PainnSizes &sizes = painn_sizes(potential);
  F = padded(sizes.features);
  knots = spline ? spline_knots(K) : 0;
  layers.resize(std::size_t(L));
  for (int l = 0; l < L; l++) load_filter(potential, l, layers[std::size_t(l)]);
  const int rows = int(potential.tensors.at("embedding").shape[0]);
  DeviceWalk<Device, T> walk(potential, backward);
  Nowhere nowhere;
  walk_painn_layers(sizes, rows, walk, PainnPlaces{*this, nowhere, layers, nowhere});
}

template <class Device, typename T>
void PainnWeightsKokkos<Device, T>::load_filter(const Potential &potential, int l,
                                                PainnLayerKokkos<Device, T> &layer) const
{
  const int features = painn_sizes(potential).features, n = 3 * F;
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
typename DeviceWalk<Device, T>::Array DeviceWalk<Device, T>::vector(const std::string &name,
                                                                    Blocks blocks) const
{
  const auto &values = tensor(name).values;
  std::vector<double> out(blocks.total(int(values.size())), 0.0);
  for (std::size_t i = 0; i < values.size(); i++) out[blocks.place(int(i))] = values[i];
  return upload<Device, T>(out, name);
}

template <class Device, typename T>
typename DeviceWalk<Device, T>::Array
DeviceWalk<Device, T>::matrix(const std::string &name, Blocks out, Blocks in, bool back) const
{
  const Tensor &W = tensor(name);
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

MLFF_INSTANTIATE(DeviceWalk)
MLFF_INSTANTIATE(PainnWeightsKokkos)

}    // namespace mlff
