// What host engines built of PaiNN's layers share: weights packed for the kernels, and work space.
#pragma once

#include "core/buffer.h"
#include "core/graph.h"
#include "kernels/instruction_set.h"
#include "models/painn/host/painn_engine_host.h"
#include "models/painn/host/painn_kernels.h"
#include "potential/potential.h"

#include <algorithm>
#include <memory>

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

  /// Embedding (rows of F), layers and filters; the products of the backward pass only where they
  /// are asked for.
  void load_layers(const Potential &potential, bool spline, bool backward, PainnWeights<T> &weights)
  {
    const auto &sizes = potential.sizes;
    const auto tensor = [&](const std::string &name) -> const Tensor & {
      return potential.tensors.at(name);
    };
    const Blocks F{sizes.features, padded(sizes.features)};
    weights.F = F.padded_width;
    weights.L = sizes.layers;
    weights.K = sizes.radial;
    weights.norm_floor = sizes.norm_floor;
    weights.cutoff = potential.cutoff;
    weights.knots = spline ? spline_knots(sizes.radial) : 0;
    weights.embedding = vector(tensor("embedding").values, F);
    for (int l = 0; l < sizes.layers; l++) {
      PainnLayer<T> layer;
      const auto both = [&](const std::string &name, Packed<T> &forward, Packed<T> &back) {
        forward = pack(tensor(name + ".weight"), F, F, false);
        if (backward) back = pack(tensor(name + ".weight"), F, F, true);
      };
      const std::string message = "message." + std::to_string(l),
                        update = "update." + std::to_string(l);
      both(message + ".0", layer.message0, layer.message0_back);
      both(message + ".1", layer.message1, layer.message1_back);
      both(update + ".mix", layer.mix, layer.mix_back);
      both(update + ".0", layer.update0, layer.update0_back);
      both(update + ".1", layer.update1, layer.update1_back);
      layer.message0_bias = vector(tensor(message + ".0.bias").values, F);
      layer.message1_bias = vector(tensor(message + ".1.bias").values, F);
      layer.update0_bias = vector(tensor(update + ".0.bias").values, F);
      layer.update1_bias = vector(tensor(update + ".1.bias").values, F);
      load_filter(potential, l, weights, layer);
      layers.push_back(layer);
    }
    weights.layers = layers.data();
  }

 private:
  std::vector<PainnLayer<T>> layers;
  std::vector<std::unique_ptr<Buffer<T>>> constants;

  /// The filter of one layer, as its weights or tabulated with the cutoff function in it.
  void load_filter(const Potential &potential, int l, const PainnWeights<T> &weights,
                   PainnLayer<T> &layer)
  {
    const int features = potential.sizes.features;
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
