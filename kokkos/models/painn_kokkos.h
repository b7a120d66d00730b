// PaiNN on a Kokkos device, forward and analytic backward, with or without a long-range block: the
// expressions are those of painn_math.h, bar = dE/d(quantity). As in the layers no atomics: bars of
// an atom's features are summed over the edges that point to it, in order.
#pragma once

#include "kokkos/models/long_range_kokkos.h"
#include "kokkos/models/painn_layers_kokkos.h"

namespace mlff {

template <class Device, typename T> class PainnKokkos : public DeviceModel<Device> {
 public:
  using Array = DeviceArray<Device, T>;
  using Graph = DeviceGraph<Device>;

  PainnKokkos(const Potential &potential, const DeviceOptions &options);

  const DeviceResult<Device> &evaluate(const Graph &graph, GhostExchange *exchange) override;
  bool needs_positions() const override { return block != nullptr; }
  double bytes() const override;
  std::size_t bytes(int atoms, int edges) const override;
  EngineInfo info() const override;

  // public because device lambdas may not be made in private functions
  void readout(const Graph &graph);
  void activation_backward(long n, const T *x, T *bar) const;
  void update_backward(int n_centres, int l);
  template <bool VECTORS> void edge_backward(const Graph &graph, int l);
  void message_backward(const Graph &graph, int l);
  void finish(const Graph &graph);

 private:
  DeviceOptions options;
  PainnLayersKokkos<Device, T> layers;
  std::unique_ptr<LongRangeBlockKokkos<Device, T>> block;
  DeviceResult<Device> result;

  int F, L, H;    // features, layers, hidden width of the readout
  struct Ends {
    double scale, readout1_bias;
    Array readout0, readout0_back, readout0_bias, readout1;
    DeviceArray<Device, double> reference_energy;
  } ends;

  Array z;                                              // [centres][H]
  Array s_bar, v_bar, s_bar_next, v_bar_next, h_bar;    // [atoms][F], [atoms][3][F]
  DeviceArray<Device, double> edge_bar;    // [edges][4]: bars of distance and direction

  void start(const Graph &graph);
};

}    // namespace mlff
