// The host engine of PaiNN, with or without a long-range block.
#include "models/painn/host/painn_engine_host.h"

#include "models/long_range/host/long_range_host.h"
#include "models/painn/host/painn_host.h"

#include <algorithm>

namespace mlff {

namespace {

  template <typename T> class HostEngine : public Engine {
   public:
    HostEngine(const Potential &potential, const EngineOptions &options) :
        host(options, painn_kernels), form(options.long_range)
    {
      const bool spline = filter_for(options.filter, precision_of_type<T>) == Filter::spline;
      block = LongRangeBlock<T>::make(potential, options.long_range, spline, host.set);
      load(potential, spline);
    }

    void evaluate(const Graph &graph, Result &result, GhostExchange *exchange) override
    {
      if (graph.n_atoms() != graph.n_centres() && !exchange)
        throw EngineError("the graph has ghosts, but no exchange with the ranks that own them");
      result.atom_energy.resize(graph.n_centres());
      result.gradient.resize(3 * std::size_t(graph.n_edges()));
      result.position_gradient.resize(block ? 3 * std::size_t(graph.n_centres()) : 0);
      const bool periodic = block && !graph.cell.empty();
      result.strain_gradient.resize(periodic ? 6 * std::size_t(graph.n_centres()) : 0);
      const int used = useful_threads(graph);
      if (block)
        block->prepare(graph, exchange, used, result.position_gradient.data(),
                       periodic ? result.strain_gradient.data() : nullptr);
      space.prepare(graph, weights, host.threads, true);
      PainnWork<T> &work = space.work;
      work.block = block.get();
      work.block_forward = [](void *p, T *s, T *v) {
        static_cast<LongRangeBlock<T> *>(p)->forward(s, v);
      };
      work.block_backward = [](void *p, T *bar) {
        static_cast<LongRangeBlock<T> *>(p)->backward(bar);
      };
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
      host.call.evaluate(weights, work, used);
      sum_energies(graph, result);
    }

    bool supports_domain_decomposition() const override { return true; }

    std::size_t bytes(int atoms, int edges) const override
    {
      const std::size_t F = weights.F, L = weights.L;
      const std::size_t per_atom =
          sizeof(T) * (F + 3 * F * (L + 1) + 15 * F * L + weights.H + 8 * F);
      const std::size_t per_edge = sizeof(EdgeGeometry<T>) + 5 * sizeof(double) + 2 * sizeof(int) +
          (weights.knots ? 0 : 2 * weights.K * sizeof(T));
      return per_atom * std::size_t(atoms) + per_edge * std::size_t(edges) +
          (block ? block->bytes(atoms) : 0);
    }

    EngineInfo info() const override
    {
      EngineInfo info = host.info();
      info.filter = weights.knots ? Filter::spline : Filter::exact;
      if (block) info.long_range = form;
      return info;
    }

   private:
    HostKernels<T, PainnFunctions> host;
    PainnWeights<T> weights;
    PainnPacking<T> packing;
    PainnWorkspace<T> space;
    LongRangeForm form;
    std::unique_ptr<LongRangeBlock<T>> block;

    /// Work per thread below which another thread does not pay: about half a millisecond. Threads
    /// wait for each other several times a layer, which costs most where other programs use the
    /// cores, too (doc/studies/benchmarks.md).
    static constexpr double flops_per_thread = 2e7;

    int useful_threads(const Graph &graph) const
    {
      const double F = weights.F, L = weights.L;
      const double flops = graph.n_atoms() * 60.0 * F * F * L + graph.n_edges() * 160.0 * F * L +
          (block ? block->flops(graph) : 0.0);
      return int(std::clamp(flops / flops_per_thread, 1.0, double(host.threads)));
    }

    void load(const Potential &potential, bool spline)
    {
      const PainnSizes &sizes = painn_sizes(potential);
      auto &layers = packing.begin_layers(potential, spline, weights);
      weights.H = padded(sizes.features / 2);
      PackingWalk<T> walk(potential, packing, true);
      walk_painn(sizes, potential.n_species(), walk,
                 PainnPlaces{weights, weights, layers, weights});
    }
  };

}    // namespace

std::vector<Radial> painn_filter(const Potential &potential, int layer, double d)
{
  const int n = 3 * painn_sizes(potential).features, K = painn_sizes(potential).radial;
  const double *A =
      potential.tensors.at("filter.weight").values.data() + std::size_t(layer) * n * K;
  const double *a = potential.tensors.at("filter.bias").values.data() + std::size_t(layer) * n;
  const Radial fc = cutoff_function(d, potential.cutoff);
  std::vector<Radial> phi;
  phi.reserve(K);
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
  return make_in_precision<Engine, HostEngine>(potential, options);
}

}    // namespace mlff
