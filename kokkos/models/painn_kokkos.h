/* -*- c++ -*- ----------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#ifndef LMP_PAINN_KOKKOS_H
#define LMP_PAINN_KOKKOS_H

#include "kokkos/common/dense_kokkos.h"
#include "kokkos/models/long_range_kokkos.h"
#include "models/painn/host/painn_engine_host.h"
#include "models/painn/host/painn_kernels.h"

#include <Kokkos_Core.hpp>

#include <functional>
#include <memory>
#include <vector>

namespace LAMMPS_NS {

/* ----------------------------------------------------------------------
   PaiNN, forward and analytic backward, on a Kokkos device: the equations
   of src/models/painn/host/painn_kernels.cpp. One thread takes one feature of an atom
   on a device with many threads, and `tile` neighboring ones on a CPU, so
   that the compiler makes vectors of them. No atomics: sums over edges run
   over the edges of a centre, or over the edges that point to an atom, in
   order; results do not change from run to run.

     set_weights()  once; a long-range block is put into `block`
     set_edges()    after a neighbor rebuild; edges may be longer than the cutoff
     evaluate()     every step, from r

   A model with another readout and no backward derives from it (JumpKokkos).
------------------------------------------------------------------------- */

template <class DeviceType, typename T> class PainnKokkos {
 public:
  using Policy = Kokkos::TeamPolicy<DeviceType>;
  using Member = typename Policy::member_type;
  using Range = Kokkos::RangePolicy<DeviceType>;
  template <typename U> using Array = Kokkos::View<U *, Kokkos::LayoutRight, DeviceType>;

  static constexpr bool on_host = device_is_host<DeviceType>;
  static constexpr int tile = on_host ? mlff::feature_block : 1;

  // graph: rows 0 .. n_centres-1 are owned atoms, then ghosts
  int n_atoms = 0, n_centres = 0, n_edges = 0;
  Array<int> species, first_edge, centre, neighbor, first_incoming, incoming;
  Array<double> r;    // [edges][3], filled by the caller before evaluate()

  // results
  Array<double> atom_energy;    // [centres] eV
  Array<double> gradient;       // [edges][3] eV/Angstrom, 0 beyond the cutoff

  // long-range block between the layers and the readout, null without one; its prepare() comes
  // before evaluate()
  std::unique_ptr<FmmBlockKokkos<DeviceType, T>> block;

  // fills ghost rows of an array [n_atoms][width] from their owners; adds them to their owners
  std::function<void(Array<T>, int)> exchange_forward, exchange_reverse;

  void set_weights(const mlff::Potential &potential, bool spline);
  void resize_atoms(int n_atoms_, int n_centres_);
  void resize_edges(int n_edges_);
  void set_edges();    // from first_edge, centre and neighbor: the edges that point to each row
  void evaluate();
  double bytes() const;

  // public because device lambdas may not be made in private functions

  struct Layer {
    Array<T> message0, message1, mix, update0, update1;    // [in][out]
    Array<T> message0_back, message1_back, mix_back, update0_back, update1_back;
    Array<T> message0_bias, message1_bias, update0_bias, update1_bias;
    Array<T> spline, filter, filter_bias;
  };

  // what a kernel needs to evaluate the filter of an edge
  struct Filter {
    const T *spline, *filter, *bias;
    const double *d;
    int F, K, knots;
    double cutoff;

    // W of `tile` features from f on in one of the blocks a, c, b of a message, and its slope
    template <bool SLOPE>
    KOKKOS_INLINE_FUNCTION void operator()(int e, int block, int f, T *W, T *slope) const
    {
      const int n = 3 * F, column = block * F + f;
      if (knots) {
        const double spacing = cutoff / knots, place = d[e] / spacing;
        const int knot = place < knots ? int(place) : knots - 1;
        const double x = place - knot, x2 = x * x, x3 = x2 * x;
        const T b0 = T(2 * x3 - 3 * x2 + 1), b1 = T(x3 - 2 * x2 + x), b2 = T(3 * x2 - 2 * x3),
                b3 = T(x3 - x2);
        const T *v0 = spline + (long) knot * 2 * n + column;
        for (int t = 0; t < tile; t++)
          W[t] = b0 * v0[t] + b1 * v0[n + t] + b2 * v0[2 * n + t] + b3 * v0[3 * n + t];
        if (SLOPE) {
          const T c0 = T((6 * x2 - 6 * x) / spacing), c1 = T((3 * x2 - 4 * x + 1) / spacing),
                  c2 = T((6 * x - 6 * x2) / spacing), c3 = T((3 * x2 - 2 * x) / spacing);
          for (int t = 0; t < tile; t++)
            slope[t] = c0 * v0[t] + c1 * v0[n + t] + c2 * v0[2 * n + t] + c3 * v0[3 * n + t];
        }
        return;
      }
      const double pi = 3.14159265358979323846, angle = pi * d[e] / cutoff;
      const double fc = 0.5 * (Kokkos::cos(angle) + 1.0),
                   fc_slope = -0.5 * pi / cutoff * Kokkos::sin(angle);
      for (int t = 0; t < tile; t++) {
        W[t] = bias[column + t] * T(fc);
        if (SLOPE) slope[t] = bias[column + t] * T(fc_slope);
      }
      const double width = cutoff / (K - 1);
      for (int k = 0; k < K; k++) {
        const double x = (d[e] - k * width) / width, value = Kokkos::exp(-0.5 * x * x);
        const T phi = T(value * fc), phi_slope = T(value * (fc_slope - x / width * fc));
        const T *A = filter + (long) k * n + column;
        for (int t = 0; t < tile; t++) {
          W[t] += phi * A[t];
          if (SLOPE) slope[t] += phi_slope * A[t];
        }
      }
    }
  };

  void dense(int rows, const T *in, int in_width, const Array<T> &weight, const Array<T> &bias,
             T *out, int out_width, T *activated = nullptr, bool add = false) const;
  void activation_backward(long n, const T *x, T *bar) const;
  void set_layers(const mlff::Potential &potential,
                  bool spline);    // embedding, filters, messages, updates
  void geometry();
  void forward();    // the layers; results in s and v_of(L)
  void message_forward(int l);
  void update_forward(int l);
  void readout();
  void update_backward(int l);
  void edge_backward(int l);
  void message_backward(int l);
  void finish_gradient();

 protected:
  // a model without a backward keeps the values of one layer only, and may start with vectors in
  // v_of(0)
  bool forward_only = false, starts_with_vectors = false;

  int F = 0, L = 0, K = 0, H = 0, knots = 0;
  double norm_floor = 1e-8;
  double cutoff = 0.0, scale = 1.0, readout1_bias = 0.0;
  std::vector<Layer> layers;
  Array<T> embedding, readout0, readout0_back, readout0_bias, readout1;
  Array<double> reference_energy;

  Array<double> d, edge_bar;
  Array<T> u, s, v, m0, h, pq, norm, t, y, z;
  Array<T> hidden, wide, s_bar, v_bar, s_bar_next, v_bar_next, h_bar;

  // first of the values [atoms][F] of layer l among those of all layers; vectors before layer l,
  // [atoms][3][F]
  long kept(int l) const { return forward_only ? 0 : (long) l * n_atoms * F; }
  T *v_of(int l) const { return v.data() + 3L * (forward_only ? l % 2 : l) * n_atoms * F; }

  // tensors of a potential on the device, rows of features padded to whole blocks
  Array<T> vector(const mlff::Potential &potential, const std::string &name,
                  mlff::Blocks blocks) const;
  Array<T> matrix(const mlff::Potential &potential, const std::string &name, mlff::Blocks out,
                  mlff::Blocks in, bool back) const;

  Filter filter_of(int l) const
  {
    return {layers[l].spline.data(),
            layers[l].filter.data(),
            layers[l].filter_bias.data(),
            d.data(),
            F,
            K,
            knots,
            cutoff};
  }
  template <typename U> static void grow(Array<U> &array, std::size_t n, const char *name)
  {
    if (array.extent(0) < n || !array.data())
      array = Array<U>(Kokkos::view_alloc(std::string("mlff:") + name, Kokkos::WithoutInitializing),
                       n + n / 8 + 1);
  }
  template <typename U> static Array<U> upload(const std::vector<double> &values, const char *name);
};

}    // namespace LAMMPS_NS

#endif
