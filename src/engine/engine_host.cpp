#include "engine_host.h"

#include "buffer.h"
#include "painn_kernels.h"

#include <omp.h>

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace mlff {

namespace {

  const PainnKernels &best_kernels()
  {
#ifdef MLFF_X86_KERNELS
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) return painn_kernels_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return painn_kernels_avx2;
#endif
    return painn_kernels_generic;
  }

  template <typename T> class HostEngine : public Engine {
   public:
    HostEngine(const Potential &potential, const EngineOptions &options) : features(potential.sizes.features), kernels(best_kernels())
    {
      threads = options.threads > 0 ? options.threads : omp_get_max_threads();
      const bool spline = options.filter == Filter::spline || (options.filter == Filter::automatic && sizeof(T) == sizeof(float));
      load(potential, spline);
    }

    void evaluate(const Graph &graph, Result &result, GhostExchange *exchange) override
    {
      if (graph.n_atoms() != graph.n_centres() && !exchange) throw EngineError("the graph has ghosts, but no exchange with the ranks that own them");
      result.atom_energy.resize(graph.n_centres());
      result.gradient.resize(3 * std::size_t(graph.n_edges()));
      prepare(graph);
      work.atom_energy = result.atom_energy.data();
      work.gradient = result.gradient.data();
      struct Context {
        GhostExchange *exchange;
        int F;
        int n_atoms;
      } context{exchange, weights.F, graph.n_atoms()};
      work.exchange = exchange ? &context : nullptr;
      work.exchange_forward = [](void *p, T *s, T *v) {
        const auto &c = *static_cast<Context *>(p);
        c.exchange->forward(s, c.F);
        c.exchange->forward(v, 3 * c.F);
      };
      work.exchange_reverse = [](void *p, T *bar) {
        const auto &c = *static_cast<Context *>(p);
        c.exchange->reverse(bar, 4 * c.F);
      };
      if constexpr (sizeof(T) == sizeof(float))
        kernels.single(weights, work, useful_threads(graph));
      else
        kernels.full(weights, work, useful_threads(graph));
      sum_energies(graph, result);
    }

    bool exchanges() const override { return true; }

    std::size_t bytes(int atoms, int edges) const override
    {
      const std::size_t F = weights.F, L = weights.L;
      const std::size_t per_atom = sizeof(T) * (F + 3 * F * (L + 1) + 15 * F * L + weights.H + 8 * F);
      const std::size_t per_edge = sizeof(EdgeGeometry<T>) + 5 * sizeof(double) + 2 * sizeof(int) + (weights.knots ? 0 : 2 * weights.K * sizeof(T));
      return per_atom * std::size_t(atoms) + per_edge * std::size_t(edges);
    }

    int cores() const override { return threads; }

    std::string description() const override
    {
      return std::string("host engine (") + (kernels.name + sizeof("painn_kernels_") - 1) + "), " + (sizeof(T) == sizeof(float) ? "single" : "double") +
          " precision, " + (weights.knots ? "spline filter" : "exact filter") + ", at most " + std::to_string(threads) +
          (threads == 1 ? " thread" : " threads");
    }

   private:
    int features;    // before padding
    const PainnKernels &kernels;
    int threads;
    PainnWeights<T> weights;
    std::vector<PainnLayer<T>> layers;
    std::vector<double> reference_energy;
    std::vector<std::unique_ptr<Buffer<T>>> constants;

    PainnWork<T> work{};
    Buffer<int> centre, first_incoming, incoming;
    Buffer<EdgeGeometry<T>> geometry;
    Buffer<double> d, edge_bar;
    Buffer<T> phi, phi_slope, s, v, m0, h, pq, norm, t, y, z, bar, bar_next, scratch;

    /// Work per thread below which another thread does not pay: about half a millisecond. Threads wait for each other several
    /// times a layer, which costs most where other programs use the cores, too (doc/benchmarks.md).
    static constexpr double flops_per_thread = 2e7;

    int useful_threads(const Graph &graph) const
    {
      const double F = weights.F, L = weights.L;
      const double flops = graph.n_atoms() * 60.0 * F * F * L + graph.n_edges() * 160.0 * F * L;
      return int(std::clamp(flops / flops_per_thread, 1.0, double(threads)));
    }

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
      T *values = constant(std::size_t((packed.columns + panel_width - 1) / panel_width) * panel_width * packed.rows);
      for (int o = 0; o < n_out; o++)
        for (int k = 0; k < n_in; k++) {
          const int row = back ? out.place(o) : in.place(k), column = back ? in.place(k) : out.place(o);
          values[(std::size_t(column / panel_width) * packed.rows + row) * panel_width + column % panel_width] = T(W.values[std::size_t(o) * n_in + k]);
        }
      packed.values = values;
      return packed;
    }

    void load(const Potential &potential, bool spline)
    {
      const auto &sizes = potential.sizes;
      const auto tensor = [&](const std::string &name) -> const Tensor & {
        return potential.tensors.at(name);
      };
      const Blocks F{sizes.features, padded(sizes.features)}, H{sizes.features / 2, padded(sizes.features / 2)};
      weights.F = F.padded_width;
      weights.H = H.padded_width;
      weights.L = sizes.layers;
      weights.K = sizes.radial;
      weights.cutoff = potential.cutoff;
      weights.scale = tensor("scale").values[0];
      weights.knots = spline ? spline_knots(sizes.radial) : 0;
      weights.embedding = vector(tensor("embedding").values, F);
      reference_energy = tensor("reference_energy").values;
      weights.reference_energy = reference_energy.data();
      weights.readout0 = pack(tensor("readout.0.weight"), H, F, false);
      weights.readout0_back = pack(tensor("readout.0.weight"), H, F, true);
      weights.readout0_bias = vector(tensor("readout.0.bias").values, H);
      weights.readout1 = vector(tensor("readout.1.weight").values, H);
      weights.readout1_bias = tensor("readout.1.bias").values[0];
      for (int l = 0; l < sizes.layers; l++) {
        PainnLayer<T> layer;
        const auto both = [&](const std::string &name, Packed<T> &forward, Packed<T> &back) {
          forward = pack(tensor(name + ".weight"), F, F, false);
          back = pack(tensor(name + ".weight"), F, F, true);
        };
        const std::string message = "message." + std::to_string(l), update = "update." + std::to_string(l);
        both(message + ".0", layer.message0, layer.message0_back);
        both(message + ".1", layer.message1, layer.message1_back);
        both(update + ".mix", layer.mix, layer.mix_back);
        both(update + ".0", layer.update0, layer.update0_back);
        both(update + ".1", layer.update1, layer.update1_back);
        layer.message0_bias = vector(tensor(message + ".0.bias").values, F);
        layer.message1_bias = vector(tensor(message + ".1.bias").values, F);
        layer.update0_bias = vector(tensor(update + ".0.bias").values, F);
        layer.update1_bias = vector(tensor(update + ".1.bias").values, F);
        load_filter(potential, l, layer);
        layers.push_back(layer);
      }
      weights.layers = layers.data();
    }

    /// The filter of one layer, as its weights or tabulated with the cutoff function in it.
    void load_filter(const Potential &potential, int l, PainnLayer<T> &layer)
    {
      const Blocks F{features, weights.F};
      const int K = weights.K, n = 3 * weights.F, first = 3 * features * l;
      const auto &A = potential.tensors.at("filter.weight").values;
      const auto &a = potential.tensors.at("filter.bias").values;
      T *filter = constant(std::size_t(K) * n), *bias = constant(n);
      for (int f = 0; f < 3 * features; f++) {
        bias[F.place(f)] = T(a[first + f]);
        for (int k = 0; k < K; k++) filter[std::size_t(k) * n + F.place(f)] = T(A[std::size_t(first + f) * K + k]);
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

    /// Points the work space at this graph: arrays of sufficient size, centre of each edge, edges sorted by neighbor.
    void prepare(const Graph &graph)
    {
      const std::size_t n = graph.n_atoms(), edges = graph.n_edges(), F = weights.F, L = weights.L;
      work.n_atoms = graph.n_atoms();
      work.n_centres = graph.n_centres();
      work.n_edges = graph.n_edges();
      work.species = graph.species.data();
      work.first_edge = graph.first_edge.data();
      work.neighbor = graph.neighbor.data();
      work.r = graph.r.data();

      int *from = centre.resize(edges), *first = first_incoming.resize(n + 2), *sorted = incoming.resize(edges);
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

      work.geometry = geometry.resize(edges);
      work.d = d.resize(edges);
      work.edge_bar = edge_bar.resize(4 * edges);
      work.phi = weights.knots ? nullptr : phi.resize(edges * weights.K);
      work.phi_slope = weights.knots ? nullptr : phi_slope.resize(edges * weights.K);
      work.s = s.resize(n * F);
      work.v = v.resize((L + 1) * n * 3 * F);
      work.m0 = m0.resize(L * n * F);
      work.h = h.resize(L * n * 3 * F);
      work.pq = pq.resize(L * n * 6 * F);
      work.norm = norm.resize(L * n * F);
      work.t = t.resize(L * n * F);
      work.y = y.resize(L * n * 3 * F);
      work.z = z.resize(std::size_t(graph.n_centres()) * weights.H);
      work.bar = bar.resize(n * 4 * F);
      work.bar_next = bar_next.resize(n * 4 * F);
      work.scratch = scratch.resize(std::size_t(threads) * scratch_per_thread(weights));
    }
  };

}    // namespace

std::vector<Radial> painn_filter(const Potential &potential, int layer, double d)
{
  const int n = 3 * potential.sizes.features, K = potential.sizes.radial;
  const double *A = potential.tensors.at("filter.weight").values.data() + std::size_t(layer) * n * K;
  const double *a = potential.tensors.at("filter.bias").values.data() + std::size_t(layer) * n;
  const Radial fc = cutoff_function(d, potential.cutoff);
  std::vector<Radial> phi;
  for (int k = 0; k < K; k++) phi.push_back(radial_function(k, d, potential.cutoff / (K - 1)));
  std::vector<Radial> W;
  for (int f = 0; f < n; f++) {
    double value = a[f], slope = 0.0;
    for (int k = 0; k < K; k++) {
      value += A[std::size_t(f) * K + k] * phi[k].value;
      slope += A[std::size_t(f) * K + k] * phi[k].slope;
    }
    W.push_back({value * fc.value, slope * fc.value + value * fc.slope});
  }
  return W;
}

std::unique_ptr<Engine> make_host_engine(const Potential &potential, const EngineOptions &options)
{
  if (options.precision == Precision::single_precision) return std::make_unique<HostEngine<float>>(potential, options);
  return std::make_unique<HostEngine<double>>(potential, options);
}

}    // namespace mlff
