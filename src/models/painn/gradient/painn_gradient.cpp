#include "models/painn/gradient/painn_gradient.h"

#include "core/errors.h"
#include "models/molecule_mlp/molecule_mlp.h"
#include "models/painn/gradient/painn_gradient_host.h"
#include "models/painn/host/painn_host.h"
#ifdef MLFF_TORCH
#include "models/molecule_mlp/torch/molecule_mlp_torch.h"
#include "models/painn/torch/painn_gradient_torch.h"
#endif

#include <omp.h>

#include <algorithm>

namespace mlff {

std::vector<WeightSlice> weight_slices(const Potential &potential)
{
  std::vector<WeightSlice> slices;
  std::size_t offset = 0;
  for (const auto &[name, shape] : tensors_of(potential)) {
    if (!is_trained(name)) continue;
    std::size_t size = 1;
    for (const auto extent : shape) size *= std::size_t(extent);
    slices.push_back({name, shape, offset, size});
    offset += size;
  }
  return slices;
}

std::vector<double> flat_weights(const Potential &potential)
{
  std::vector<double> weights;
  for (const auto &slice : weight_slices(potential)) {
    const auto &values = potential.tensors.at(slice.name).values;
    weights.insert(weights.end(), values.begin(), values.end());
  }
  return weights;
}

void set_flat_weights(Potential &potential, std::span<const double> weights)
{
  for (const auto &slice : weight_slices(potential)) {
    Tensor &tensor = potential.tensors[slice.name];
    tensor.shape = slice.shape;
    tensor.values.assign(weights.begin() + slice.offset,
                         weights.begin() + slice.offset + slice.size);
  }
}

namespace {

  template <typename T> class HostGradient : public PainnGradient {
   public:
    HostGradient(const Potential &potential, const EngineOptions &options) :
        sizes(potential.sizes), set(choose_instruction_set(options.instruction_set)),
        kernels(MLFF_KERNELS_FOR(set, painn_gradient_kernels)),
        threads(options.threads > 0 ? options.threads : omp_get_max_threads()),
        reference_energy(potential.tensors.at("reference_energy").values),
        names(weight_slices(potential)), packing(names), places(names),
        own(threads, places, [this](Own &mine) {
          take_sums(mine);
        })
    {
      auto &model = weights.model;
      set_layer_sizes(potential, layers, model);
      model.H = padded(sizes.features / 2);
      model.scale = potential.tensors.at("scale").values.at(0);
      model.reference_energy = reference_energy.data();
      packing.lay_out([this] {
        const Blocks F = feature_blocks(), H = hidden_blocks();
        auto &model = weights.model;
        model.embedding = packing.vector("embedding", F);
        packing.matrices("readout.0.weight", H, F, model.readout0, model.readout0_back);
        model.readout0_bias = packing.vector("readout.0.bias", H);
        model.readout1 = packing.vector("readout.1.weight", H);
        packing.vector("readout.1.bias", {1, 1});
        packing.painn_layers(F, sizes.radial, layers, weights.filter);
      });

      set_weights(flat_weights(potential));
    }

    void set_weights(std::span<const double> flat) override
    {
      packing.set(flat);
      weights.model.readout1_bias = flat[names("readout.1.bias").offset];
    }

    void add_gradient(const Graph &graph, const LossDerivative &loss,
                      std::span<double> gradient) override
    {
      if (graph.n_atoms() != graph.n_centres())
        throw EngineError("training takes whole systems: the graph has ghosts");
      atom_energy.resize(graph.n_centres());
      energy_bar.resize(graph.n_centres());
      force.resize(3 * std::size_t(graph.n_centres()));
      force_bar.resize(3 * std::size_t(graph.n_centres()));

      own.add_sums(graph, gradient, [&](int first, int last, Own &mine) {
        run(graph, first, last, loss, mine);
      });
    }

    EngineInfo info() const override { return host_info<T>(set, threads); }

   private:
    PainnSizes sizes;
    InstructionSet set;
    const GradientKernels &kernels;
    int threads;
    std::vector<double> reference_energy;
    WeightNames names;
    GradientPacking<T> packing;
    GradientPlaces<T> places;

    GradientWeights<T> weights;
    std::vector<PainnLayer<T>> layers;

    struct Own {    // of a thread
      Buffer<T> sum_values, values;
      Buffer<double> doubles;
      GradientSums<T> sums{};
      std::vector<GradientLayerSums<T>> layer_sums;
      std::vector<GradientLayerValues<T>> value, tangent;
      GroupGraph group;
    };
    GradientThreads<T, Own> own;
    std::vector<double> atom_energy, energy_bar, force, force_bar;

    Blocks feature_blocks() const { return {sizes.features, padded(sizes.features)}; }
    Blocks hidden_blocks() const { return {sizes.features / 2, padded(sizes.features / 2)}; }

    /// Points the sums of a thread at the array of the walk.
    void take_sums(Own &mine)
    {
      const Blocks F = feature_blocks(), H = hidden_blocks();
      GradientSums<T> &sums = mine.sums;
      mine.layer_sums.resize(sizes.layers);
      mine.value.resize(sizes.layers);
      mine.tangent.resize(sizes.layers);
      sums.embedding = places.vector("embedding", F);
      sums.readout0 = places.matrix("readout.0.weight", H, F);
      sums.readout0_bias = places.vector("readout.0.bias", H);
      sums.readout1 = places.vector("readout.1.weight", H);
      sums.readout1_bias = places.vector("readout.1.bias", {1, 1});
      sums.filter = places.painn_layers(F, sizes.radial, mine.layer_sums);
      sums.layers = mine.layer_sums.data();
    }

    /// Points the work space at one group of structures.
    std::size_t lay_out(Arena<T> &arena, GradientWork<T> &work, Own &mine) const
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
      for (auto *set : {&mine.value, &mine.tangent})
        for (auto &x : *set) take_layer_values(arena, n, F, x);
      work.value = mine.value.data();
      work.tangent = mine.tangent.data();
      work.s_end = arena.take(n * F);
      work.s_end_dot = arena.take(n * F);
      for (T **p : {&work.z, &work.z_bar, &work.z_dot, &work.z_bar_dot, &work.silu_z})
        *p = arena.take(n * H);
      work.scratch = arena.take(std::max(n * F, edges * K1));
      return arena.size();
    }

    void run(const Graph &graph, int first, int last, const LossDerivative &loss, Own &mine)
    {
      GroupGraph &group = mine.group;
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
      Arena<T> arena(mine.values.resize(lay_out(count, work, mine)));
      lay_out(arena, work, mine);
      double *doubles = mine.doubles.resize(11 * std::size_t(edges));
      work.d = doubles;
      work.edge_bar = doubles + edges;
      work.gradient = doubles + 5 * std::size_t(edges);
      double *direction = doubles + 8 * std::size_t(edges);
      work.atom_energy = atom_energy.data() + atom;
      if constexpr (sizeof(T) == sizeof(float))
        kernels.forces_single(weights, work);
      else
        kernels.forces_full(weights, work);

      double *f = force.data() + 3 * std::size_t(atom);
      std::fill_n(f, 3 * std::size_t(n), 0.0);
      for (int i = 0; i < n; i++)
        for (int e = group.first_edge[i]; e < group.first_edge[i + 1]; e++)
          for (int a = 0; a < 3; a++) {
            f[3 * i + a] += work.gradient[3 * e + a];
            f[3 * group.neighbor[e] + a] -= work.gradient[3 * e + a];
          }
      loss(first, last, atom_energy.data(), force.data(), energy_bar.data(), force_bar.data());

      // positions move along -dL/dF
      const double *bar = force_bar.data() + 3 * std::size_t(atom);
      for (int i = 0; i < n; i++)
        for (int e = group.first_edge[i]; e < group.first_edge[i + 1]; e++)
          for (int a = 0; a < 3; a++)
            direction[3 * e + a] = bar[3 * i + a] - bar[3 * group.neighbor[e] + a];
      work.direction = direction;
      work.energy_bar = energy_bar.data() + atom;
      if constexpr (sizeof(T) == sizeof(float))
        kernels.weights_single(weights, work, mine.sums);
      else
        kernels.weights_full(weights, work, mine.sums);
    }
  };

}    // namespace

void PainnGradient::add_jacobian_gradient(const Graph &, std::span<const int>,
                                          const JacobianDerivative &, std::span<double>)
{
  throw EngineError(
      "the host engine has no third derivatives: a loss of Jacobian rows needs the engine torch");
}

std::unique_ptr<PainnGradient> make_painn_gradient(const Potential &potential,
                                                   const EngineOptions &options, bool mixed)
{
  if (options.engine == "torch") {
#ifdef MLFF_TORCH
    if (potential.is_molecule() && mixed)
      throw EngineError("model molecule-mlp has no mixed precision");
    if (potential.is_molecule()) return make_molecule_torch_gradient(potential, options);
    if (potential.is_global() && mixed) throw EngineError("model painn-fmm has no mixed precision");
    return make_torch_gradient(potential, options, mixed);
#else
    throw EngineError("engine 'torch' is not in this build (MLFF_TORCH=OFF); accepted: auto, host");
#endif
  }
  if (options.engine != "host" && options.engine != "auto")
    throw EngineError("unknown engine '" + options.engine + "'; accepted: auto, host, torch");
  if (mixed) throw EngineError("mixed precision needs the engine torch");
  if (potential.is_global())
    throw EngineError("the host engine has no weight gradients of the long-range block of "
                      "painn-fmm: training it needs the engine torch");
  if (potential.is_molecule()) return make_molecule_gradient(potential, options);
  if (options.precision == Precision::single_precision)
    return std::make_unique<HostGradient<float>>(potential, options);
  return std::make_unique<HostGradient<double>>(potential, options);
}

}    // namespace mlff
