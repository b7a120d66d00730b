// Gradient of a loss with respect to the weights of PaiNN, by hand-written kernels.
#include "models/painn/gradient/painn_gradient.h"

#include "core/errors.h"
#include "models/painn/gradient/painn_gradient_host.h"
#include "models/painn/host/painn_host.h"

#include <algorithm>

namespace mlff {

namespace {

  template <typename T> class HostGradient : public WeightGradient {
   public:
    HostGradient(const Potential &potential, const EngineOptions &options) :
        sizes(painn_sizes(potential)), host(options, painn_gradient_kernels),
        reference_energy(potential.tensors.at("reference_energy").values), trained(potential),
        threads(host.threads, trained.places, [this](ThreadMemory &memory) {
          take_sums(memory);
        })
    {
      auto &model = weights.model;
      set_layer_sizes(potential, layers, model);
      model.H = padded(sizes.features / 2);
      model.scale = potential.tensors.at("scale").values.at(0);
      model.reference_energy = reference_energy.data();
      trained.packing.lay_out([&] {
        walk_painn(sizes, potential.n_species(), trained.packing,
                   PainnPlaces{weights.model, weights, layers, weights.model});
      });

      set_weights(flat_weights(potential));
    }

    void set_weights(std::span<const double> flat) override
    {
      trained.packing.set(flat);
      weights.model.readout1_bias = flat[trained.names("readout.1.bias").offset];
    }

    void add_gradient(const Graph &graph, const LossDerivative &loss,
                      std::span<double> gradient) override
    {
      require_whole_systems(graph, "training takes whole systems: the graph has ghosts");
      atom_energy.resize(graph.n_centres());
      energy_bar.resize(graph.n_centres());
      force.resize(3 * std::size_t(graph.n_centres()));
      force_bar.resize(3 * std::size_t(graph.n_centres()));
      if (!graph.cell.empty()) {
        strain_gradient.assign(6 * std::size_t(graph.n_structures()), 0.0);
        strain_bar.assign(6 * std::size_t(graph.n_structures()), 0.0);
      }

      threads.add_sums(graph, gradient, [&](int first, int last, ThreadMemory &memory) {
        run(graph, first, last, loss, memory);
      });
    }

    EngineInfo info() const override { return host.info(); }

   private:
    PainnSizes sizes;
    HostKernels<T, GradientFunctions> host;
    std::vector<double> reference_energy;
    TrainedWeights<T> trained;
    GradientWeights<T> weights;
    std::vector<PainnLayer<T>> layers;

    using ThreadMemory = GradientThread<T, GradientSums<T>>;
    GradientThreads<T, ThreadMemory> threads;
    std::vector<double> atom_energy, energy_bar, force, force_bar, strain_gradient, strain_bar;

    /// Points the sums of a thread at the array of the walk.
    void take_sums(ThreadMemory &memory)
    {
      GradientSums<T> &sums = memory.sums;
      memory.layer_sums.resize(sizes.layers);
      memory.value.resize(sizes.layers);
      memory.tangent.resize(sizes.layers);
      walk_painn(sizes, int(reference_energy.size()), trained.places,
                 PainnPlaces{sums, sums, memory.layer_sums, sums});
      sums.layers = memory.layer_sums.data();
    }

    /// Points the work space at one group of structures.
    std::size_t lay_out(Arena<T> &arena, GradientWork<T> &work, ThreadMemory &memory) const
    {
      const std::size_t n = work.n_atoms, edges = work.n_edges, F = weights.model.F,
                        H = weights.model.H, K1 = weights.model.K + 1;
      const std::size_t width = weights.filter.columns;
      work.u = arena.take(3 * edges);
      work.u_dot = arena.take(3 * edges);
      work.d_dot = arena.take(edges);
      work.phi = arena.take(edges * K1);
      work.phi_slope = arena.take(edges * K1);
      work.W = arena.take(edges * width);
      work.W_slope = arena.take(edges * width);
      work.W_bar = arena.take(edges * width);
      work.W_bar_dot = arena.take(edges * width);
      for (auto *set : {&memory.value, &memory.tangent})
        for (auto &x : *set) take_layer_values(arena, n, F, x);
      work.value = memory.value.data();
      work.tangent = memory.tangent.data();
      work.s_end = arena.take(n * F);
      work.s_end_dot = arena.take(n * F);
      for (T **p : {&work.z, &work.z_bar, &work.z_dot, &work.z_bar_dot, &work.silu_z})
        *p = arena.take(n * H);
      work.scratch = arena.take(std::max(n * F, edges * K1));
      return arena.size();
    }

    void run(const Graph &graph, int first, int last, const LossDerivative &loss,
             ThreadMemory &memory)
    {
      GroupGraph &group = memory.group;
      group.choose(graph, first, last);
      const int atom = group.atom, n = group.n_atoms, edges = group.n_edges;
      if (n == 0) return;
      GradientWork<T> work{};
      work.n_atoms = n;
      work.n_edges = edges;
      work.species = graph.species.data() + atom;
      work.first_edge = group.first_edge.data();
      work.neighbor = group.neighbor.data();
      work.r = graph.r.data() + 3 * std::size_t(group.edge);

      Arena<T> count(nullptr);
      Arena<T> arena(memory.values.resize(lay_out(count, work, memory)));
      lay_out(arena, work, memory);
      double *doubles = memory.doubles.resize(11 * std::size_t(edges));
      work.d = doubles;
      work.edge_bar = doubles + edges;
      work.gradient = doubles + 5 * std::size_t(edges);
      double *direction = doubles + 8 * std::size_t(edges);
      work.atom_energy = atom_energy.data() + atom;
      host.call.forward(weights, work);

      double *f = force.data() + 3 * std::size_t(atom);
      std::fill_n(f, 3 * std::size_t(n), 0.0);
      for (int i = 0; i < n; i++)
        for (int e = group.first_edge[i]; e < group.first_edge[i + 1]; e++)
          for (int a = 0; a < 3; a++) {
            f[3 * i + a] += work.gradient[3 * e + a];
            f[3 * group.neighbor[e] + a] -= work.gradient[3 * e + a];
          }
      const bool cells = !graph.cell.empty();
      if (cells) set_strain_gradient(graph, first, last, group, work.gradient);
      loss(first, last,
           {atom_energy.data(), force.data(), cells ? strain_gradient.data() : nullptr,
            energy_bar.data(), force_bar.data(), cells ? strain_bar.data() : nullptr});

      // positions move along -dL/dF
      const double *bar = force_bar.data() + 3 * std::size_t(atom);
      for (int i = 0; i < n; i++)
        for (int e = group.first_edge[i]; e < group.first_edge[i + 1]; e++)
          for (int a = 0; a < 3; a++)
            direction[3 * e + a] = bar[3 * i + a] - bar[3 * group.neighbor[e] + a];
      if (cells) add_strain(graph, first, last, group, direction);
      work.direction = direction;
      work.energy_bar = energy_bar.data() + atom;
      host.call.backward(weights, work, memory.sums);
    }

    /// Calls body(place of the structure's six components, r, place of the edge's vector in the
    /// group) for all edges of periodic structures.
    template <typename Body>
    static void for_each_periodic_edge(const Graph &graph, int first, int last,
                                       const GroupGraph &group, const Body &body)
    {
      for (int s = first; s < last; s++) {
        if (!graph.cell_of(s)) continue;
        for (int e = graph.first_edge[graph.first_atom[s]];
             e < graph.first_edge[graph.first_atom[s + 1]]; e++)
          body(6 * std::size_t(s), graph.r.data() + 3 * std::size_t(e),
               3 * std::size_t(e - group.edge));
      }
    }

    /// dE/dstrain of periodic structures, from the gradient of the edges of a group.
    void set_strain_gradient(const Graph &graph, int first, int last, const GroupGraph &group,
                             const double *gradient)
    {
      for_each_periodic_edge(graph, first, last, group,
                             [&](std::size_t s, const double *r, std::size_t e) {
                               const double *g = gradient + e;
                               double *sum = strain_gradient.data() + s;
                               for (int a = 0; a < 3; a++) sum[a] += r[a] * g[a];
                               sum[3] += 0.5 * (r[0] * g[1] + r[1] * g[0]);
                               sum[4] += 0.5 * (r[0] * g[2] + r[2] * g[0]);
                               sum[5] += 0.5 * (r[1] * g[2] + r[2] * g[1]);
                             });
    }

    /// Strains the edges of periodic structures by dL/d(dE/dstrain), a symmetric matrix whose pairs
    /// of off-diagonals share a derivative.
    void add_strain(const Graph &graph, int first, int last, const GroupGraph &group,
                    double *direction) const
    {
      for_each_periodic_edge(
          graph, first, last, group, [&](std::size_t s, const double *r, std::size_t e) {
            const double *bar = strain_bar.data() + s;
            direction[e] += bar[0] * r[0] + 0.5 * (bar[3] * r[1] + bar[4] * r[2]);
            direction[e + 1] += bar[1] * r[1] + 0.5 * (bar[3] * r[0] + bar[5] * r[2]);
            direction[e + 2] += bar[2] * r[2] + 0.5 * (bar[4] * r[0] + bar[5] * r[1]);
          });
    }
  };

}    // namespace

std::unique_ptr<WeightGradient> make_host_gradient(const Potential &potential,
                                                   const EngineOptions &options, bool)
{
  return make_in_precision<WeightGradient, HostGradient>(potential, options);
}

}    // namespace mlff
