// The jump network on a Kokkos device: its two linear maps of vectors around the layers.
#include "kokkos/models/jump_kokkos.h"

#include "models/jump/jump_tensors.h"

namespace mlff {

template <class Device, typename T>
JumpKokkos<Device, T>::JumpKokkos(const Potential &potential, const DeviceOptions &options) :
    options(options), layers(potential, options, false, true), F(layers.F)
{
  DeviceWalk<Device, T> walk(potential, false);
  walk_jump_ends(potential, walk, ends);
}

/// v_i = vectors[row][0] p_i + vectors[row][1] g_i
template <class Device, typename T>
void JumpKokkos<Device, T>::start_vectors(const Graph &graph, const Array<double> &input)
{
  const int width = F;
  const T *W = ends.vectors.data();
  T *v = layers.v_of(0);
  const auto row = graph.species;
  const auto in = input;
  Kokkos::parallel_for(
      "mlff/jump/start", LongRange<Device>(0, long(graph.n_atoms) * F),
      KOKKOS_LAMBDA(const long k) {
        const long i = k / width, f = k % width;
        const T *w = W + 2L * row(i) * width + f;
        for (int a = 0; a < 3; a++)
          v[(3 * i + a) * width + f] = T(in(6 * i + a)) * w[0] + T(in(6 * i + 3 + a)) * w[width];
      });
}

/// u_c = sum over f of G_cf v_f, G from s
template <class Device, typename T> void JumpKokkos<Device, T>::read_out(int n)
{
  const int width = F;
  grow(output, 6 * std::size_t(n), "jump/output");
  grow(gate, 2 * std::size_t(n) * F, "jump/gate");
  T *hidden = layers.hidden.data();
  layers.dense("mlff/jump/readout_0", n, layers.s.data(), F, ends.readout0, ends.readout0_bias,
               layers.wide_work.data(), F, hidden);
  layers.dense("mlff/jump/readout_1", n, hidden, F, ends.readout1, ends.readout1_bias, gate.data(),
               2 * F);
  const T *v = layers.v_of(layers.L), *G = gate.data();
  const auto out = output;
  Kokkos::parallel_for(
      "mlff/jump/readout", LongRange<Device>(0, 6L * n), KOKKOS_LAMBDA(const long k) {
        const long i = k / 6, c = k % 6 / 3, a = k % 3;
        T sum = T(0);
        for (int f = 0; f < width; f++)
          sum += G[(2 * i + c) * width + f] * v[(3 * i + a) * width + f];
        out(k) = double(sum);
      });
}

template <class Device, typename T>
const typename JumpKokkos<Device, T>::template Array<double> &
JumpKokkos<Device, T>::evaluate(const Graph &graph, const Array<double> &input)
{
  layers.start(graph);
  start_vectors(graph, input);
  layers.forward(graph, nullptr);
  read_out(graph.n_atoms);
  return output;
}

MLFF_INSTANTIATE(JumpKokkos)

}    // namespace mlff
