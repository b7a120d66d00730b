// The layers of PaiNN on a Kokkos device, forward: what models of energies and of jumps share. The
// expressions are those of painn_math.h. A thread takes device_lanes features of an atom. No
// atomics: sums over edges run over the edges of a centre, in order, so that results do not change
// from run to run.
#pragma once

#include "kernels/activations.h"
#include "kernels/radial.h"
#include "kokkos/common/dense.h"
#include "kokkos/models/device_model.h"
#include "kokkos/models/painn_weights_kokkos.h"
#include "models/painn/painn_math.h"

namespace mlff {

/// The filter of an edge in a kernel.
template <typename T, int LANES> struct PainnFilterKokkos {
  const T *spline, *filter, *bias;
  const double *d;
  int F, K, knots;
  double cutoff;

  KOKKOS_INLINE_FUNCTION bool reaches(int e) const { return d[e] < cutoff; }

  /// W [PARTS][LANES] of an edge for features f, f + 1, ..., in the order of MessageParts, and its
  /// slope where that is asked for.
  template <bool SLOPE, int PARTS>
  KOKKOS_INLINE_FUNCTION void operator()(int e, int f, T *W, T *slope) const
  {
    if (knots)
      by_spline<SLOPE, PARTS>(e, f, W, slope);
    else
      exactly<SLOPE, PARTS>(e, f, W, slope);
  }

 private:
  template <bool SLOPE, int PARTS>
  KOKKOS_INLINE_FUNCTION void by_spline(int e, int f, T *W, T *slope) const
  {
    const SplinePlace place = spline_place(d[e], cutoff, knots, 1.0);
    const long n = 3L * F;
    T b[4], c[4];
    for (int k = 0; k < 4; k++) {
      b[k] = T(place.basis[k]);
      c[k] = T(place.slope[k]);
    }
    for (int part = 0; part < PARTS; part++) {
      const T *v = spline + place.knot * 2 * n + part * F + f;
      for (int t = 0; t < LANES; t++) {
        W[part * LANES + t] =
            b[0] * v[t] + b[1] * v[n + t] + b[2] * v[2 * n + t] + b[3] * v[3 * n + t];
        if (SLOPE)
          slope[part * LANES + t] =
              c[0] * v[t] + c[1] * v[n + t] + c[2] * v[2 * n + t] + c[3] * v[3 * n + t];
      }
    }
  }

  template <bool SLOPE, int PARTS>
  KOKKOS_INLINE_FUNCTION void exactly(int e, int f, T *W, T *slope) const
  {
    const Radial fc = cutoff_function(d[e], cutoff);
    for (int part = 0; part < PARTS; part++)
      for (int t = 0; t < LANES; t++) {
        W[part * LANES + t] = bias[part * F + f + t] * T(fc.value);
        if (SLOPE) slope[part * LANES + t] = bias[part * F + f + t] * T(fc.slope);
      }
    for (int k = 0; k < K; k++) {
      const Radial radial = radial_function(k, d[e], cutoff / (K - 1));
      const T phi = T(radial.value * fc.value),
              phi_slope = T(radial.value * fc.slope + radial.slope * fc.value);
      for (int part = 0; part < PARTS; part++) {
        const T *A = filter + (3L * k + part) * F + f;
        for (int t = 0; t < LANES; t++) {
          W[part * LANES + t] += phi * A[t];
          if (SLOPE) slope[part * LANES + t] += phi_slope * A[t];
        }
      }
    }
  }
};

/// body(row, first feature) for all rows and blocks of LANES of F features; a team takes a row.
template <class Device, typename Body>
void for_each_feature(const char *label, int rows, int F, const TeamShape &shape, const Body &body)
{
  using Member = typename Kokkos::TeamPolicy<Device>::member_type;
  if (rows == 0) return;
  Kokkos::parallel_for(
      label, teams<Device>(rows, shape), KOKKOS_LAMBDA(const Member &team) {
        constexpr int lanes = device_lanes<Device>;
        Kokkos::parallel_for(Kokkos::TeamThreadRange(team, F / lanes), [&](const int block) {
          body(team.league_rank(), block * lanes);
        });
      });
}

template <class Device, typename T> class PainnLayersKokkos {
 public:
  using Array = DeviceArray<Device, T>;
  using Layer = PainnLayerKokkos<Device, T>;
  using Filter = PainnFilterKokkos<T, device_lanes<Device>>;

  const PainnWeightsKokkos<Device, T> weights;
  const int F, L;

  // values, of all layers for a backward, else of one; norm, t, y and pq are those of updates
  Array s, v, m0, h, pq, norm, t, y;
  DeviceArray<Device, double> d;    // [edges] Angstrom
  Array u;                          // [edges][3]
  Array hidden, wide_work;          // [atoms][F], [atoms][6F]: free between steps

  /// backward: keeps the values of all layers. vectors: there are some before the first layer,
  /// which the caller puts into v_of(0).
  PainnLayersKokkos(const Potential &potential, const DeviceOptions &options, bool backward,
                    bool vectors);

  /// Arrays for a graph, distances, directions and embeddings.
  void start(const DeviceGraph<Device> &graph);

  /// All layers; leaves s and v_of(L). exchange may be null.
  void forward(const DeviceGraph<Device> &graph, GhostExchange *exchange);

  /// Starts of the values [atoms][F] of layer l among the values that are kept, and of the vectors
  /// [atoms][3][F] before layer l.
  long kept(int l) const { return keeps_all ? long(l) * n_atoms * F : 0; }
  T *v_of(int l) const { return v.data() + 3L * (keeps_all ? l : l % 2) * n_atoms * F; }

  /// Messages of layer l have parts that belong to vectors.
  bool has_vectors(int l) const { return l > 0 || starts_with_vectors; }

  Filter filter_of(int l) const;

  /// out = in W (+ bias), or out += in W; activated = silu(out).
  void dense(const char *label, int rows, const T *in, int in_width, const Array &weight,
             const Array &bias, T *out, int out_width, T *activated = nullptr,
             bool add = false) const;

  const TeamShape &teams() const { return shape; }
  double bytes() const { return bytes_of(s, v, m0, h, pq, norm, t, y, d, u, hidden, wide_work); }

  // public because device lambdas may not be made in private functions
  template <bool VECTORS> void message_forward(const DeviceGraph<Device> &graph, int l);
  void update_forward(int n_centres, int l);

 private:
  TeamShape shape;
  bool keeps_all, starts_with_vectors;
  int n_atoms = 0;
};

}    // namespace mlff
