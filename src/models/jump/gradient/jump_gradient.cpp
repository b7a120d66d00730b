// Gradient of a loss of jumps with respect to the weights of kstep-painn, by hand-written kernels.
#include "models/jump/gradient/jump_gradient.h"

#include "core/errors.h"
#include "models/jump/host/jump_host.h"
#include "models/jump/host/jump_kernels.h"
#include "models/jump/jump_tensors.h"
#include "models/painn/gradient/painn_gradient_host.h"
#include "models/painn/host/painn_host.h"

#include <algorithm>

namespace mlff {

namespace {

  template <typename T> class HostJumpGradient : public JumpGradient {
   public:
    HostJumpGradient(const Potential &potential, const EngineOptions &options) :
        sizes(painn_sizes(potential)), predictions(jump_record(potential).predictions()),
        host(options, jump_kernels), trained(potential),
        threads(host.threads, trained.places, [&](ThreadMemory &memory) {
          take_sums(potential, memory);
        })
    {
      set_layer_sizes(potential, layers, weights.layers.model);
      trained.packing.lay_out([&] {
        walk_jump(potential, trained.packing,
                  PainnPlaces{weights.layers.model, weights.layers, layers, weights.ends});
      });
      set_weights(flat_weights(potential));
    }

    void set_weights(std::span<const double> flat) override { trained.packing.set(flat); }

    void add_gradient(const Graph &graph, std::span<const int> rows, std::span<const double> scaled,
                      const JumpLossDerivative &loss, std::span<double> gradient) override
    {
      require_whole_systems(graph, "training takes whole systems: the graph has ghosts");
      output.resize(3 * std::size_t(predictions) * graph.n_centres());
      output_bar.resize(output.size());
      threads.add_sums(graph, gradient, [&](int first, int last, ThreadMemory &memory) {
        run(graph, first, last, rows, scaled, loss, memory);
      });
    }

    EngineInfo info() const override { return host.info(); }

   private:
    PainnSizes sizes;
    int predictions;
    HostKernels<T, JumpFunctions> host;
    TrainedWeights<T> trained;
    JumpGradientWeights<T> weights;
    std::vector<PainnLayer<T>> layers;

    using ThreadMemory = GradientThread<T, JumpSums<T>>;
    GradientThreads<T, ThreadMemory> threads;
    std::vector<double> output, output_bar;

    /// Points the sums of a thread at the array of the walk.
    void take_sums(const Potential &potential, ThreadMemory &memory)
    {
      JumpSums<T> &sums = memory.sums;
      memory.layer_sums.resize(sizes.layers);
      memory.value.resize(sizes.layers);
      walk_jump(potential, trained.places, PainnPlaces{sums, sums, memory.layer_sums, sums});
      sums.layers = memory.layer_sums.data();
    }

    /// Points the work space at one group of structures.
    std::size_t lay_out(Arena<T> &arena, JumpGradientWork<T> &work, ThreadMemory &memory) const
    {
      GradientWork<T> &painn = work.painn;
      const std::size_t n = painn.n_atoms, edges = painn.n_edges, F = weights.layers.model.F,
                        width = weights.layers.filter.columns;
      painn.u = arena.take(3 * edges);
      painn.phi = arena.take(edges * (sizes.radial + 1));
      painn.W = arena.take(edges * width);
      painn.W_bar = arena.take(edges * width);
      for (auto &x : memory.value) take_layer_values(arena, n, F, x);
      painn.value = memory.value.data();
      painn.s_end = arena.take(n * F);
      painn.v_end = arena.take(n * 3 * F);
      painn.s_start_bar = arena.take(n * F);
      painn.v_start_bar = arena.take(n * 3 * F);
      for (T **p : {&work.z, &work.silu_z, &work.z_bar}) *p = arena.take(n * F);
      for (T **p : {&work.gate, &work.gate_bar}) *p = arena.take(n * predictions * F);
      return arena.size();
    }

    void run(const Graph &graph, int first, int last, std::span<const int> rows,
             std::span<const double> scaled, const JumpLossDerivative &loss, ThreadMemory &memory)
    {
      GroupGraph &group = memory.group;
      group.choose(graph, first, last);
      if (group.n_atoms == 0) return;
      JumpGradientWork<T> work{};
      work.painn.n_atoms = group.n_atoms;
      work.painn.n_edges = group.n_edges;
      work.painn.species = rows.data() + group.atom;
      work.painn.first_edge = group.first_edge.data();
      work.painn.neighbor = group.neighbor.data();
      work.painn.r = graph.r.data() + 3 * std::size_t(group.edge);
      work.painn.d = memory.doubles.resize(group.n_edges);
      work.input = scaled.data() + 6 * std::size_t(group.atom);
      work.predictions = predictions;
      work.output = output.data() + 3 * std::size_t(predictions) * group.atom;
      work.output_bar = output_bar.data() + 3 * std::size_t(predictions) * group.atom;
      Arena<T> count(nullptr);
      Arena<T> arena(memory.values.resize(lay_out(count, work, memory)));
      lay_out(arena, work, memory);
      host.call.gradient.forward(weights, work);
      loss(first, last, output.data(), output_bar.data());
      host.call.gradient.backward(weights, work, memory.sums);
    }
  };

}    // namespace

std::array<double, 4> JumpGradient::add_chain_gradient(const JumpChain &, const JumpChainLoss &,
                                                       std::span<double>)
{
  throw EngineError("the host engine has no derivative through several jumps: a loss of roll-outs "
                    "needs the engine torch");
}

std::unique_ptr<JumpGradient> make_host_jump_gradient(const Potential &potential,
                                                      const EngineOptions &options)
{
  return make_in_precision<JumpGradient, HostJumpGradient>(potential, options);
}

}    // namespace mlff
