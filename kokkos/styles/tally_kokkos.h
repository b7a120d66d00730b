// Virials of edges and of a long-range block on a Kokkos device.
#pragma once

#include "kokkos/models/device_model.h"

namespace LAMMPS_NS {

/// xx yy zz xy xz yz of -r g, symmetric part.
KOKKOS_INLINE_FUNCTION void edge_virial(const double *r, const double *g, double scale, double *v)
{
  v[0] = -scale * r[0] * g[0];
  v[1] = -scale * r[1] * g[1];
  v[2] = -scale * r[2] * g[2];
  v[3] = -scale * 0.5 * (r[0] * g[1] + r[1] * g[0]);
  v[4] = -scale * 0.5 * (r[0] * g[2] + r[2] * g[0]);
  v[5] = -scale * 0.5 * (r[1] * g[2] + r[2] * g[1]);
}

/// Adds xx yy zz xy xz yz yx zx zy of -r g, in the order of Pair::cvatom.
KOKKOS_INLINE_FUNCTION void add_edge_virial(const double *r, const double *g, double scale,
                                            double *sum)
{
  for (int a = 0; a < 3; a++) sum[a] -= scale * r[a] * g[a];
  sum[3] -= scale * r[0] * g[1];
  sum[4] -= scale * r[0] * g[2];
  sum[5] -= scale * r[1] * g[2];
  sum[6] -= scale * r[1] * g[0];
  sum[7] -= scale * r[2] * g[0];
  sum[8] -= scale * r[2] * g[1];
}

/// Forces and virials from gradients by positions, with the rules of PairMLFF::add_long_range(): in
/// an open box virials are taken about its middle, in a periodic one they are the gradient by the
/// strain.
template <class Device> struct LongRangeTally {
  bool on = false, periodic = false;
  double middle[3] = {0.0, 0.0, 0.0};
  mlff::DeviceArray<Device, double> position, gradient, strain;

  /// Virial of centre c.
  KOKKOS_INLINE_FUNCTION void virial(int c, double scale, double *v) const
  {
    if (periodic) {
      for (int k = 0; k < 6; k++) v[k] = -scale * strain(6 * c + k);
      return;
    }
    double r[3];
    for (int a = 0; a < 3; a++) r[a] = position(3 * c + a) - middle[a];
    edge_virial(r, &gradient(3 * c), scale, v);
  }

  /// Adds the nine components of the virial of centre c.
  KOKKOS_INLINE_FUNCTION void add_centroid(int c, double scale, double *sum) const
  {
    if (periodic) {
      for (int k = 0; k < 9; k++) sum[k] -= scale * strain(6 * c + (k < 6 ? k : k - 3));
      return;
    }
    double r[3];
    for (int a = 0; a < 3; a++) r[a] = position(3 * c + a) - middle[a];
    add_edge_virial(r, &gradient(3 * c), scale, sum);
  }
};

/// Forces and, where asked for, half virials of each row, over its edges and those that point to
/// it, and centroid virials, over those that point to it (PairMLFF::add_edges()).
template <class Device> struct RowTally {
  int n_centres;
  bool virials, centroids;
  double factor;
  mlff::DeviceArray<Device, int> first_edge, first_incoming, incoming;
  mlff::DeviceArray<Device, double> r, gradient;
  LongRangeTally<Device> long_range;
  Kokkos::View<double *, Device> force, stress, centroid;    // [rows][3], [rows][6], [rows][9]

  KOKKOS_INLINE_FUNCTION void operator()(const int i) const
  {
    double sum[3] = {0.0, 0.0, 0.0}, total[6] = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0}, v[6];
    if (i < n_centres)
      for (int e = first_edge(i); e < first_edge(i + 1); e++) add_edge(e, 1.0, sum, total);
    for (int k = first_incoming(i); k < first_incoming(i + 1); k++)
      add_edge(incoming(k), -1.0, sum, total);
    if (long_range.on && i < n_centres) {
      for (int a = 0; a < 3; a++) sum[a] -= long_range.gradient(3 * i + a);
      if (virials) {
        long_range.virial(i, factor, v);
        for (int m = 0; m < 6; m++) total[m] += v[m];
      }
    }
    for (int a = 0; a < 3; a++) force(3 * i + a) = factor * sum[a];
    for (int m = 0; m < 6 && virials; m++) stress(6 * i + m) = total[m];
    if (centroids) set_centroid(i);
  }

 private:
  KOKKOS_INLINE_FUNCTION void set_centroid(int i) const
  {
    double sum[9] = {0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0};
    for (int k = first_incoming(i); k < first_incoming(i + 1); k++) {
      const int e = incoming(k);
      add_edge_virial(&r(3 * e), &gradient(3 * e), factor, sum);
    }
    if (long_range.on && i < n_centres) long_range.add_centroid(i, factor, sum);
    for (int m = 0; m < 9; m++) centroid(9 * i + m) = sum[m];
  }

  KOKKOS_INLINE_FUNCTION void add_edge(int e, double sign, double *sum, double *total) const
  {
    for (int a = 0; a < 3; a++) sum[a] += sign * gradient(3 * e + a);
    if (!virials) return;
    double v[6];
    edge_virial(&r(3 * e), &gradient(3 * e), 0.5 * factor, v);
    for (int m = 0; m < 6; m++) total[m] += v[m];
  }
};

}    // namespace LAMMPS_NS
