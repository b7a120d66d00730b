// The jump network kstep-painn (jump.h) on a Kokkos device: the layers of PaiNN between two linear
// maps of vectors, forward only.
#pragma once

#include "kokkos/models/painn_layers_kokkos.h"

namespace mlff {

template <class Device, typename T> class JumpKokkos : public DeviceJump<Device> {
 public:
  using Graph = DeviceGraph<Device>;
  template <typename U> using Array = DeviceArray<Device, U>;

  JumpKokkos(const Potential &potential, const DeviceOptions &options);

  const Array<double> &evaluate(const Graph &graph, const Array<double> &input) override;
  EngineInfo info() const override { return kokkos_info<Device, T>(options.engine); }

  // public because device lambdas may not be made in private functions
  void start_vectors(const Graph &graph, const Array<double> &input);
  void read_out(int n_atoms);

 private:
  DeviceOptions options;
  PainnLayersKokkos<Device, T> layers;
  int F;
  struct Ends {
    Array<T> vectors;    // [rows][2][F]
    Array<T> readout0, readout0_bias, readout1, readout1_bias;
  } ends;
  Array<T> gate;
  Array<double> output;
};

}    // namespace mlff
