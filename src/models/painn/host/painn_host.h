// Shared parts of the host engines built of PaiNN's layers: weights packed for the kernels, and
// work space.
#pragma once

#include "core/buffer.h"
#include "core/graph.h"
#include "kernels/host_kernels.h"
#include "models/painn/host/painn_engine_host.h"
#include "models/painn/host/painn_kernels.h"
#include "models/painn/painn_tensors.h"
#include "potential/potential.h"

#include <algorithm>
#include <memory>
#include <type_traits>

namespace mlff {

/// Weights in the layout of the kernels; owns them.
template <typename T> class PainnPacking {
 public:
  T *constant(std::size_t n)
  {
    constants.push_back(std::make_unique<Buffer<T>>());
    T *values = constants.back()->resize(n);
    std::fill_n(values, n, T(0));
    return values;
  }

  const T *vector(const std::vector<double> &values, Blocks blocks)
  {
    T *out = constant(blocks.total(int(values.size())));
    for (std::size_t i = 0; i < values.size(); i++) out[blocks.place(int(i))] = T(values[i]);
    return out;
  }

  /// Packs W [out][in] for products x W^T, or with `back` for x W.
  Packed<T> pack(const Tensor &W, Blocks out, Blocks in, bool back)
  {
    const int n_out = int(W.shape[0]), n_in = int(W.shape[1]);
    Packed<T> packed;
    packed.rows = back ? out.total(n_out) : in.total(n_in);
    packed.columns = back ? in.total(n_in) : out.total(n_out);
    T *values = constant(std::size_t((packed.columns + panel_width - 1) / panel_width) *
                         panel_width * packed.rows);
    for (int o = 0; o < n_out; o++)
      for (int k = 0; k < n_in; k++) {
        const int row = back ? out.place(o) : in.place(k),
                  column = back ? in.place(k) : out.place(o);
        values[(std::size_t(column / panel_width) * packed.rows + row) * panel_width +
               column % panel_width] = T(W.values[std::size_t(o) * n_in + k]);
      }
    packed.values = values;
    return packed;
  }

  /// Numbers that stay in double.
  const double *numbers(const std::vector<double> &values)
  {
    doubles.push_back(std::make_unique<std::vector<double>>(values));
    return doubles.back()->data();
  }

  /// Sizes and room for the layers of weights that are packed.
  std::vector<PainnLayer<T>> &begin_layers(const Potential &potential, bool spline,
                                           PainnWeights<T> &weights)
  {
    const auto &sizes = painn_sizes(potential);
    weights.F = padded(sizes.features);
    weights.L = sizes.layers;
    weights.K = sizes.radial;
    weights.norm_floor = sizes.norm_floor;
    weights.cutoff = potential.cutoff;
    weights.knots = spline ? spline_knots(sizes.radial) : 0;
    layers.resize(sizes.layers);
    for (int l = 0; l < sizes.layers; l++) load_filter(potential, l, weights, layers[l]);
    weights.layers = layers.data();
    return layers;
  }

 private:
  std::vector<PainnLayer<T>> layers;
  std::vector<std::unique_ptr<Buffer<T>>> constants;
  std::vector<std::unique_ptr<std::vector<double>>> doubles;

  /// The filter of one layer, as its weights or tabulated with the cutoff function in it.
  void load_filter(const Potential &potential, int l, const PainnWeights<T> &weights,
                   PainnLayer<T> &layer)
  {
    const int features = painn_sizes(potential).features;
    const Blocks F{features, weights.F};
    const int K = weights.K, n = 3 * weights.F, first = 3 * features * l;
    const auto &A = potential.tensors.at("filter.weight").values;
    const auto &a = potential.tensors.at("filter.bias").values;
    T *filter = constant(std::size_t(K) * n), *bias = constant(n);
    for (int f = 0; f < 3 * features; f++) {
      bias[F.place(f)] = T(a[first + f]);
      for (int k = 0; k < K; k++)
        filter[std::size_t(k) * n + F.place(f)] = T(A[std::size_t(first + f) * K + k]);
    }
    layer.filter = filter;
    layer.filter_bias = bias;
    layer.spline = nullptr;
    if (!weights.knots) return;

    const double spacing = weights.cutoff / weights.knots;
    T *spline = constant(std::size_t(weights.knots + 1) * 2 * n);
    for (int knot = 0; knot <= weights.knots; knot++) {
      T *value = spline + std::size_t(knot) * 2 * n, *slope = value + n;
      const auto W = painn_filter(potential, l, knot * spacing);
      for (int f = 0; f < 3 * features; f++) {
        value[F.place(f)] = T(W[f].value);
        slope[F.place(f)] = T(W[f].slope * spacing);
      }
    }
    layer.spline = spline;
  }
};

/// The walk (models/tensor_walk.h) that packs the weights of a potential for the kernels of
/// inference; the products of the backward pass only where they are asked for. Filters are packed
/// for each layer, by PainnPacking.
template <typename T> class PackingWalk {
 public:
  PackingWalk(const Potential &potential, PainnPacking<T> &packing, bool backward) :
      potential(potential), packing(packing), backward(backward)
  {
  }

  template <typename To, typename Place>
  void linear(To &to, const std::string &name, Extent out, Extent in, const Place &place)
  {
    matrix(to, name, out, in, place);
    const auto &values = tensor(name + ".bias").values;
    auto &bias = place.bias(to);
    if constexpr (std::is_same_v<decltype(bias), double &>)
      bias = values[0];
    else
      bias = packing.vector(values, out.places());
  }

  template <typename To, typename Place>
  void matrix(To &to, const std::string &name, Extent out, Extent in, const Place &place)
  {
    const Tensor &W = tensor(name + ".weight");
    auto &weight = place.weight(to);
    if constexpr (std::is_pointer_v<std::remove_reference_t<decltype(weight)>>)
      weight = packing.vector(W.values, in.places());    // one row
    else {
      weight = packing.pack(W, out.places(), in.places(), false);
      if (backward) place.back(to) = packing.pack(W, out.places(), in.places(), true);
    }
  }

  template <typename To, typename Place>
  void filter(To &, const std::string &, Extent, int, const Place &)
  {
  }

  template <typename To, typename Place>
  void rows(To &to, const std::string &name, const std::vector<std::int64_t> &, Extent width,
            const Place &place, TensorStart)
  {
    place.weight(to) = packing.vector(tensor(name).values, width.places());
  }

  template <typename To, typename Place>
  void constant(To &to, const std::string &name, const std::vector<std::int64_t> &,
                const Place &place)
  {
    place_constant(to, place, tensor(name).values, [this](const auto &values) {
      return packing.numbers(values);
    });
  }

 private:
  const Potential &potential;
  PainnPacking<T> &packing;
  bool backward;

  const Tensor &tensor(const std::string &name) const { return potential.tensors.at(name); }
};

/// Arrays for the evaluation of one graph; they only grow.
template <typename T> class PainnWorkspace {
 public:
  PainnWork<T> work{};

  /// Points the work space at this graph: arrays of sufficient size and, for a backward pass, edges
  /// sorted by neighbor.
  void prepare(const Graph &graph, const PainnWeights<T> &weights, int threads, bool backward)
  {
    const std::size_t n = graph.n_atoms(), edges = graph.n_edges(), F = weights.F, L = weights.L;
    work.n_atoms = graph.n_atoms();
    work.n_centres = graph.n_centres();
    work.n_edges = graph.n_edges();
    work.species = graph.species.data();
    work.first_edge = graph.first_edge.data();
    work.neighbor = graph.neighbor.data();
    work.r = graph.r.data();

    if (backward) sort_by_neighbor(graph);
    work.geometry = geometry.resize(edges);
    work.d = d.resize(edges);
    work.phi = weights.knots ? nullptr : phi.resize(edges * weights.K);
    work.phi_slope = weights.knots || !backward ? nullptr : phi_slope.resize(edges * weights.K);
    work.s = s.resize(n * F);
    work.v = v.resize((L + 1) * n * 3 * F);
    work.m0 = m0.resize(L * n * F);
    work.h = h.resize(L * n * 3 * F);
    work.pq = pq.resize(L * n * 6 * F);
    work.norm = norm.resize(L * n * F);
    work.t = t.resize(L * n * F);
    work.y = y.resize(L * n * 3 * F);
    work.scratch = scratch.resize(std::size_t(threads) * scratch_per_thread(weights));
    if (!backward) return;
    work.edge_bar = edge_bar.resize(4 * edges);
    work.z = z.resize(std::size_t(graph.n_centres()) * weights.H);
    work.bar = bar.resize(n * 4 * F);
    work.bar_next = bar_next.resize(n * 4 * F);
  }

 private:
  Buffer<int> centre, first_incoming, incoming;
  Buffer<EdgeGeometry<T>> geometry;
  Buffer<double> d, edge_bar;
  Buffer<T> phi, phi_slope, s, v, m0, h, pq, norm, t, y, z, bar, bar_next, scratch;

  void sort_by_neighbor(const Graph &graph)
  {
    const std::size_t n = graph.n_atoms(), edges = graph.n_edges();
    int *from = centre.resize(edges), *first = first_incoming.resize(n + 2),
        *sorted = incoming.resize(edges);
    std::fill_n(first, n + 2, 0);
    for (int i = 0; i < graph.n_centres(); i++)
      for (int e = graph.first_edge[i]; e < graph.first_edge[i + 1]; e++) {
        from[e] = i;
        first[graph.neighbor[e] + 2]++;
      }
    for (std::size_t j = 0; j < n; j++) first[j + 2] += first[j + 1];
    // first[j + 1] runs from the start of row j to its end, which is the start of row j + 1
    for (std::size_t e = 0; e < edges; e++) sorted[first[graph.neighbor[e] + 1]++] = int(e);
    work.centre = from;
    work.first_incoming = first;
    work.incoming = sorted;
  }
};

}    // namespace mlff
