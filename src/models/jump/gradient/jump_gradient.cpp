#include "models/jump/gradient/jump_gradient.h"

#include "core/errors.h"
#include "models/jump/host/jump_host.h"
#include "models/jump/host/jump_kernels.h"
#include "models/painn/gradient/painn_gradient_host.h"
#include "models/painn/host/painn_host.h"
#ifdef MLFF_TORCH
#include "models/jump/torch/jump_torch.h"
#endif

#include <omp.h>

#include <algorithm>

namespace mlff {

namespace {

  template <typename T> class HostJumpGradient : public JumpGradient {
   public:
    HostJumpGradient(const Potential &potential, const EngineOptions &options) :
        sizes(potential.sizes), predictions(potential.jump.predictions()),
        set(choose_instruction_set(options.instruction_set)),
        kernels(MLFF_KERNELS_FOR(set, jump_kernels)),
        threads(options.threads > 0 ? options.threads : omp_get_max_threads()),
        names(weight_slices(potential)), packing(names), places(names),
        own(threads, places, [this](Own &mine) {
          take_sums(mine);
        })
    {
      set_layer_sizes(potential, layers, weights.layers.model);
      const Blocks F{sizes.features, padded(sizes.features)};
      packing.lay_out([this, F] {
        JumpWeights<T> &ends = weights.ends;
        weights.layers.model.embedding = packing.vector("embedding", F);
        ends.vectors = packing.vector("vectors", F);
        packing.matrices("readout.0.weight", F, F, ends.readout0, ends.readout0_back);
        ends.readout0_bias = packing.vector("readout.0.bias", F);
        packing.matrices("readout.1.weight", F, F, ends.readout1, ends.readout1_back);
        ends.readout1_bias = packing.vector("readout.1.bias", F);
        packing.painn_layers(F, sizes.radial, layers, weights.layers.filter);
      });
      set_weights(flat_weights(potential));
    }

    void set_weights(std::span<const double> flat) override { packing.set(flat); }

    void add_gradient(const Graph &graph, std::span<const int> rows, std::span<const double> scaled,
                      const JumpLossDerivative &loss, std::span<double> gradient) override
    {
      if (graph.n_atoms() != graph.n_centres())
        throw EngineError("training takes whole systems: the graph has ghosts");
      output.resize(3 * std::size_t(predictions) * graph.n_centres());
      output_bar.resize(output.size());
      own.add_sums(graph, gradient, [&](int first, int last, Own &mine) {
        run(graph, first, last, rows, scaled, loss, mine);
      });
    }

    EngineInfo info() const override { return host_info<T>(set, threads); }

   private:
    PainnSizes sizes;
    int predictions;
    InstructionSet set;
    const JumpKernels &kernels;
    int threads;
    WeightNames names;
    GradientPacking<T> packing;
    GradientPlaces<T> places;
    JumpGradientWeights<T> weights;
    std::vector<PainnLayer<T>> layers;

    struct Own {    // of a thread
      Buffer<T> sum_values, values;
      Buffer<double> d;
      JumpSums<T> sums{};
      std::vector<GradientLayerSums<T>> layer_sums;
      std::vector<GradientLayerValues<T>> value;
      GroupGraph group;
    };
    GradientThreads<T, Own> own;
    std::vector<double> output, output_bar;

    /// Points the sums of a thread at the array of the walk.
    void take_sums(Own &mine)
    {
      const Blocks F{sizes.features, padded(sizes.features)};
      JumpSums<T> &sums = mine.sums;
      mine.layer_sums.resize(sizes.layers);
      mine.value.resize(sizes.layers);
      sums.embedding = places.vector("embedding", F);
      sums.vectors = places.vector("vectors", F);
      sums.readout0 = places.matrix("readout.0.weight", F, F);
      sums.readout0_bias = places.vector("readout.0.bias", F);
      sums.readout1 = places.matrix("readout.1.weight", F, F);
      sums.readout1_bias = places.vector("readout.1.bias", F);
      sums.filter = places.painn_layers(F, sizes.radial, mine.layer_sums);
      sums.layers = mine.layer_sums.data();
    }

    /// Points the work space at one group of structures.
    std::size_t lay_out(Arena<T> &arena, JumpGradientWork<T> &work, Own &mine) const
    {
      GradientWork<T> &painn = work.painn;
      const std::size_t n = painn.n_atoms, edges = painn.n_edges, F = weights.layers.model.F,
                        width = weights.layers.filter.columns;
      painn.u = arena.take(3 * edges);
      painn.phi = arena.take(edges * (sizes.radial + 1));
      painn.W = arena.take(edges * width);
      painn.W_bar = arena.take(edges * width);
      for (auto &x : mine.value) take_layer_values(arena, n, F, x);
      painn.value = mine.value.data();
      painn.s_end = arena.take(n * F);
      painn.v_end = arena.take(n * 3 * F);
      painn.s_start_bar = arena.take(n * F);
      painn.v_start_bar = arena.take(n * 3 * F);
      for (T **p : {&work.z, &work.silu_z, &work.z_bar}) *p = arena.take(n * F);
      for (T **p : {&work.gate, &work.gate_bar}) *p = arena.take(n * predictions * F);
      return arena.size();
    }

    void run(const Graph &graph, int first, int last, std::span<const int> rows,
             std::span<const double> scaled, const JumpLossDerivative &loss, Own &mine)
    {
      GroupGraph &group = mine.group;
      group.choose(graph, first, last);
      if (group.n_atoms == 0) return;
      JumpGradientWork<T> work{};
      work.painn.n_atoms = group.n_atoms;
      work.painn.n_edges = group.n_edges;
      work.painn.species = rows.data() + group.atom;
      work.painn.first_edge = group.first_edge.data();
      work.painn.neighbor = group.neighbor.data();
      work.painn.r = graph.r.data() + 3 * std::size_t(group.edge);
      work.painn.d = mine.d.resize(group.n_edges);
      work.input = scaled.data() + 6 * std::size_t(group.atom);
      work.predictions = predictions;
      work.output = output.data() + 3 * std::size_t(predictions) * group.atom;
      work.output_bar = output_bar.data() + 3 * std::size_t(predictions) * group.atom;
      Arena<T> count(nullptr);
      Arena<T> arena(mine.values.resize(lay_out(count, work, mine)));
      lay_out(arena, work, mine);
      if constexpr (sizeof(T) == sizeof(float))
        kernels.forward_single(weights, work);
      else
        kernels.forward_full(weights, work);
      loss(first, last, output.data(), output_bar.data());
      if constexpr (sizeof(T) == sizeof(float))
        kernels.backward_single(weights, work, mine.sums);
      else
        kernels.backward_full(weights, work, mine.sums);
    }
  };

}    // namespace

std::array<double, 4> JumpGradient::add_chain_gradient(const JumpChain &, const JumpChainLoss &,
                                                       std::span<double>)
{
  throw EngineError("the host engine has no derivative through several jumps: a loss of roll-outs "
                    "needs the engine torch");
}

std::unique_ptr<JumpGradient> make_jump_gradient(const Potential &potential,
                                                 const EngineOptions &options)
{
  if (!potential.is_jump())
    throw EngineError("model '" + potential.model + "' is no jump network; expected kstep-painn");
  const std::string name = options.engine != "auto" ? options.engine
      : potential.is_jump_variant()                 ? "torch"
                                                    : "host";
  if (name == "torch") {
#ifdef MLFF_TORCH
    return make_torch_jump_gradient(potential, options);
#else
    require_host_model(potential);
    throw EngineError("engine 'torch' is not in this build (MLFF_TORCH=OFF); accepted: auto, host");
#endif
  }
  if (name != "host")
    throw EngineError("unknown engine '" + options.engine + "'; accepted: auto, host, torch");
  require_host_model(potential);
  if (options.precision == Precision::single_precision)
    return std::make_unique<HostJumpGradient<float>>(potential, options);
  return std::make_unique<HostJumpGradient<double>>(potential, options);
}

}    // namespace mlff
