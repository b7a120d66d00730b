// Engines and weight gradients of potentials with a repulsive core.
#include "engine/repulsion/core_engine.h"

#include "engine/repulsion/core_pairs.h"

#include <algorithm>
#include <utility>

namespace mlff {

namespace {

  class CoreEngine : public Engine {
   public:
    CoreEngine(const Potential &potential, std::unique_ptr<Engine> given) :
        network(std::move(given)), core(potential)
    {
    }

    void evaluate(const Graph &graph, Result &result, GhostExchange *exchange) override
    {
      network->evaluate(graph, result, exchange);
      if (core.add(graph, result)) sum_energies(graph, result);
    }

    bool supports_domain_decomposition() const override
    {
      return network->supports_domain_decomposition();
    }
    std::size_t bytes(int atoms, int edges) const override { return network->bytes(atoms, edges); }
    EngineInfo info() const override { return network->info(); }

   private:
    std::unique_ptr<Engine> network;
    CorePairs core;
  };

  class CoreGradient : public WeightGradient {
   public:
    CoreGradient(const Potential &potential, std::unique_ptr<WeightGradient> given) :
        network(std::move(given)), core(potential)
    {
    }

    void set_weights(std::span<const double> weights) override { network->set_weights(weights); }

    void add_gradient(const Graph &graph, const LossDerivative &loss,
                      std::span<double> gradient) override
    {
      require_whole_systems(graph, "training takes whole systems: the graph has ghosts");
      begin_result(graph, parts);
      std::fill(parts.atom_energy.begin(), parts.atom_energy.end(), 0.0);
      if (!core.add(graph, parts)) return network->add_gradient(graph, loss, gradient);
      sum_forces(graph, parts, core_force);
      find_core_strain(graph);
      energy.resize(parts.atom_energy.size());
      force.resize(core_force.size());
      strain.resize(core_strain.size());
      network->add_gradient(
          graph,
          [&](int first, int last, const LossArrays &arrays) {
            loss(first, last, add_to(graph, first, last, arrays));
          },
          gradient);
    }

    void add_jacobian_gradient(const Graph &graph, std::span<const int> component,
                               const JacobianDerivative &loss, std::span<double> gradient) override
    {
      const std::size_t n = 3 * std::size_t(graph.n_centres());
      network->add_jacobian_gradient(
          graph, component,
          [&](const double *row, double *row_bar) {
            std::vector<double> sum(row, row + n);
            core.add_jacobian_rows(graph, component, sum.data());
            loss(sum.data(), row_bar);
          },
          gradient);
    }

    EngineInfo info() const override { return network->info(); }

   private:
    std::unique_ptr<WeightGradient> network;
    CorePairs core;
    Result parts;                                   // of the cores alone
    std::vector<double> core_force, core_strain;    // [n_centres][3], [n_structures][6]
    std::vector<double> energy, force, strain;      // of network and cores

    /// dE/dstrain of the cores of periodic structures, xx, yy, zz, xy, xz, yz.
    void find_core_strain(const Graph &graph)
    {
      core_strain.assign(graph.cell.empty() ? 0 : 6 * std::size_t(graph.n_structures()), 0.0);
      for (int s = 0; s < graph.n_structures() && !core_strain.empty(); s++) {
        if (!graph.cell_of(s)) continue;
        std::array<double, 9> m{};
        add_strain_gradient(graph, parts, s, 1.0, m);
        const double six[6] = {m[0], m[4], m[8], m[1], m[2], m[5]};
        std::copy_n(six, 6, core_strain.begin() + 6 * std::ptrdiff_t(s));
      }
    }

    /// Predictions of structures first .. last-1 with their cores. Called from several threads, for
    /// other structures each.
    LossArrays add_to(const Graph &graph, int first, int last, const LossArrays &network_arrays)
    {
      LossArrays arrays = network_arrays;
      const auto add = [](std::vector<double> &sum, const double *network,
                          const std::vector<double> &cores, std::size_t begin, std::size_t end) {
        for (std::size_t k = begin; k < end; k++) sum[k] = network[k] + cores[k];
        return sum.data();
      };
      const std::size_t begin = graph.first_atom[first], end = graph.first_atom[last];
      arrays.atom_energy = add(energy, arrays.atom_energy, parts.atom_energy, begin, end);
      arrays.force = add(force, arrays.force, core_force, 3 * begin, 3 * end);
      if (arrays.strain_gradient)
        arrays.strain_gradient = add(strain, arrays.strain_gradient, core_strain,
                                     6 * std::size_t(first), 6 * std::size_t(last));
      return arrays;
    }
  };

}    // namespace

std::unique_ptr<Engine> with_core(const Potential &potential, std::unique_ptr<Engine> network)
{
  if (potential.core.empty()) return network;
  return std::make_unique<CoreEngine>(potential, std::move(network));
}

std::unique_ptr<WeightGradient> with_core(const Potential &potential,
                                          std::unique_ptr<WeightGradient> network)
{
  if (potential.core.empty()) return network;
  return std::make_unique<CoreGradient>(potential, std::move(network));
}

}    // namespace mlff
