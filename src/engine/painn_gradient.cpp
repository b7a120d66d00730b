#include "painn_gradient.h"

#include "buffer.h"
#include "painn_gradient_kernels.h"
#ifdef MLFF_TORCH
#include "painn_gradient_torch.h"
#endif

#include <omp.h>

#include <algorithm>
#include <cmath>

namespace mlff {

std::vector<WeightSlice> painn_weight_slices(const PainnSizes &sizes, int n_species)
{
  std::vector<WeightSlice> slices;
  std::size_t offset = 0;
  for (const auto &[name, shape] : painn_tensors(sizes, n_species)) {
    if (name == "reference_energy" || name == "scale") continue;
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
  for (const auto &slice : painn_weight_slices(potential.sizes, potential.n_species())) {
    const auto &values = potential.tensors.at(slice.name).values;
    weights.insert(weights.end(), values.begin(), values.end());
  }
  return weights;
}

void set_flat_weights(Potential &potential, std::span<const double> weights)
{
  for (const auto &slice : painn_weight_slices(potential.sizes, potential.n_species())) {
    Tensor &tensor = potential.tensors[slice.name];
    tensor.shape = slice.shape;
    tensor.values.assign(weights.begin() + slice.offset, weights.begin() + slice.offset + slice.size);
  }
}

namespace {

  const GradientKernels &best_kernels()
  {
#ifdef MLFF_X86_KERNELS
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq")) return gradient_kernels_avx512;
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return gradient_kernels_avx2;
#endif
    return gradient_kernels_generic;
  }

  /// Hands out pieces of one array: a first walk counts, the second gives addresses.
  template <typename T> class Arena {
   public:
    explicit Arena(T *base) : base(base) {}
    T *take(std::size_t n)
    {
      T *at = base ? base + used : nullptr;
      used += (n + 15) / 16 * 16;
      return at;
    }
    std::size_t size() const { return used; }

   private:
    T *base;
    std::size_t used = 0;
  };

  template <typename T> class HostGradient : public PainnGradient {
   public:
    HostGradient(const Potential &potential, const EngineOptions &options) :
        sizes(potential.sizes), kernels(best_kernels()), threads(options.threads > 0 ? options.threads : omp_get_max_threads()),
        reference_energy(potential.tensors.at("reference_energy").values), slices(painn_weight_slices(sizes, potential.n_species()))
    {
      const int F = padded(sizes.features), H = padded(sizes.features / 2);
      auto &model = weights.model;
      model.F = F;
      model.L = sizes.layers;
      model.K = sizes.radial;
      model.H = H;
      model.cutoff = potential.cutoff;
      model.scale = potential.tensors.at("scale").values.at(0);
      model.reference_energy = reference_energy.data();
      layers.resize(sizes.layers);
      model.layers = layers.data();

      // the walks must be the same: take_weights fills addresses and places of all weights
      Arena<T> count(nullptr);
      take_weights(count);
      constants.assign(count.size() + 16, T(0));
      T *aligned = constants.data();
      while (reinterpret_cast<std::uintptr_t>(aligned) % 64) aligned++;
      Arena<T> weights_arena(aligned);
      take_weights(weights_arena);
      packed = aligned;

      n_sums = take_sums(nullptr, nullptr);
      own.resize(threads);
      for (auto &mine : own) {
        mine.layer_sums.resize(sizes.layers);
        mine.value.resize(sizes.layers);
        mine.tangent.resize(sizes.layers);
        mine.sum_values.resize(n_sums);
        take_sums(mine.sum_values.resize(n_sums), &mine);
      }
      set_weights(flat_weights(potential));
    }

    void set_weights(std::span<const double> flat) override
    {
      for (std::size_t i = 0; i < flat.size(); i++) {
        packed[place_forward[i]] = T(flat[i]);
        if (place_back[i] >= 0) packed[place_back[i]] = T(flat[i]);
      }
      weights.model.readout1_bias = flat[slice("readout.1.bias").offset];
    }

    void add_gradient(const Graph &graph, const LossDerivative &loss, std::span<double> gradient) override
    {
      if (graph.n_atoms() != graph.n_centres()) throw EngineError("training takes whole systems: the graph has ghosts");
      atom_energy.resize(graph.n_centres());
      energy_bar.resize(graph.n_centres());
      force.resize(3 * std::size_t(graph.n_centres()));
      force_bar.resize(3 * std::size_t(graph.n_centres()));

      // groups of whole structures that fit in the cache
      first_structure.assign(1, 0);
      for (int s = 0; s < graph.n_structures(); s++)
        if (graph.first_atom[s + 1] - graph.first_atom[first_structure.back()] >= atoms_per_group || s + 1 == graph.n_structures())
          first_structure.push_back(s + 1);
      const int n_groups = int(first_structure.size()) - 1, used = std::clamp(n_groups, 1, threads);
#pragma omp parallel num_threads(used)
      {
        Own &mine = own[omp_get_thread_num()];
        T *sums = mine.sum_values.resize(n_sums);
        std::fill_n(sums, n_sums, T(0));
#pragma omp for schedule(static)
        for (int g = 0; g < n_groups; g++) run(graph, first_structure[g], first_structure[g + 1], loss, mine);
#pragma omp for schedule(static)
        for (std::size_t i = 0; i < gradient.size(); i++) {
          double sum = 0.0;
          for (int t = 0; t < used; t++) sum += double(own[t].sum_values.resize(n_sums)[place_sum[i]]);
          gradient[i] += sum;
        }
      }
    }

    std::string description() const override
    {
      return std::string("host engine (") + (kernels.name + sizeof("gradient_kernels_") - 1) + "), " + (sizeof(T) == sizeof(float) ? "single" : "double") +
          " precision, at most " + std::to_string(threads) + (threads == 1 ? " thread" : " threads");
    }

   private:
    static constexpr int atoms_per_group = 32;

    PainnSizes sizes;
    const GradientKernels &kernels;
    int threads;
    std::vector<double> reference_energy;
    std::vector<WeightSlice> slices;

    GradientWeights<T> weights;
    std::vector<PainnLayer<T>> layers;
    std::vector<T> constants;
    T *packed = nullptr;
    std::vector<long> place_forward, place_back, place_sum;    // of each weight in `packed` and in the sums
    std::size_t n_sums = 0;

    struct Own {    // of a thread
      Buffer<T> sum_values, values;
      Buffer<double> doubles;
      GradientSums<T> sums{};
      std::vector<GradientLayerSums<T>> layer_sums;
      std::vector<GradientLayerValues<T>> value, tangent;
      std::vector<int> first_edge, neighbor;
    };
    std::vector<Own> own;
    std::vector<int> first_structure;
    std::vector<double> atom_energy, energy_bar, force, force_bar;

    const WeightSlice &slice(const std::string &name) const
    {
      return *std::find_if(slices.begin(), slices.end(), [&](const WeightSlice &s) {
        return s.name == name;
      });
    }

    Blocks feature_blocks() const
    {
      return {sizes.features, padded(sizes.features)};
    }
    Blocks hidden_blocks() const
    {
      return {sizes.features / 2, padded(sizes.features / 2)};
    }

    /// Takes the room of one packed matrix.
    Packed<T> take_packed(Arena<T> &arena, int rows, int columns)
    {
      return {arena.take(std::size_t((columns + panel_width - 1) / panel_width) * panel_width * rows), rows, columns};
    }

    static long in_panel(const Packed<T> &matrix, int row, int column)
    {
      return (long(column / panel_width) * matrix.rows + row) * panel_width + column % panel_width;
    }

    /// Lays the packed weights out and notes where each weight lands: the addresses count from the second walk on.
    void take_weights(Arena<T> &arena)
    {
      const Blocks F = feature_blocks(), H = hidden_blocks();
      auto &model = weights.model;
      std::size_t total = slices.back().offset + slices.back().size;
      place_forward.assign(total, 0);
      place_back.assign(total, -1);
      T *base = arena.size() == 0 ? arena.take(0) : nullptr;
      const auto address = [&](const T *p) {
        return base ? p - base : 0;
      };
      const auto vector = [&](const std::string &name, Blocks blocks) {
        const WeightSlice &s = slice(name);
        T *values = arena.take(blocks.total(int(s.size)));
        for (std::size_t i = 0; i < s.size; i++) place_forward[s.offset + i] = address(values) + blocks.place(int(i));
        return values;
      };
      const auto matrices = [&](const std::string &name, Blocks out, Blocks in, Packed<T> &forward, Packed<T> &back) {
        const WeightSlice &s = slice(name);
        const int n_out = int(s.shape[0]), n_in = int(s.shape[1]);
        forward = take_packed(arena, in.total(n_in), out.total(n_out));
        back = take_packed(arena, out.total(n_out), in.total(n_in));
        for (int o = 0; o < n_out; o++)
          for (int k = 0; k < n_in; k++) {
            const std::size_t i = s.offset + std::size_t(o) * n_in + k;
            place_forward[i] = address(forward.values) + in_panel(forward, in.place(k), out.place(o));
            place_back[i] = address(back.values) + in_panel(back, out.place(o), in.place(k));
          }
      };
      model.embedding = vector("embedding", F);
      matrices("readout.0.weight", H, F, model.readout0, model.readout0_back);
      model.readout0_bias = vector("readout.0.bias", H);
      model.readout1 = vector("readout.1.weight", H);
      vector("readout.1.bias", {1, 1});
      for (int l = 0; l < sizes.layers; l++) {
        PainnLayer<T> &layer = layers[l];
        const std::string message = "message." + std::to_string(l), update = "update." + std::to_string(l);
        matrices(message + ".0.weight", F, F, layer.message0, layer.message0_back);
        matrices(message + ".1.weight", F, F, layer.message1, layer.message1_back);
        matrices(update + ".mix.weight", F, F, layer.mix, layer.mix_back);
        matrices(update + ".0.weight", F, F, layer.update0, layer.update0_back);
        matrices(update + ".1.weight", F, F, layer.update1, layer.update1_back);
        layer.message0_bias = vector(message + ".0.bias", F);
        layer.message1_bias = vector(message + ".1.bias", F);
        layer.update0_bias = vector(update + ".0.bias", F);
        layer.update1_bias = vector(update + ".1.bias", F);
      }
      // the bias is the last row of the filter
      const WeightSlice &filter = slice("filter.weight"), &bias = slice("filter.bias");
      const int K = sizes.radial, n = int(filter.shape[0]);
      weights.filter = take_packed(arena, K + 1, F.total(n));
      for (int f = 0; f < n; f++) {
        for (int k = 0; k < K; k++)
          place_forward[filter.offset + std::size_t(f) * K + k] = address(weights.filter.values) + in_panel(weights.filter, k, F.place(f));
        place_forward[bias.offset + f] = address(weights.filter.values) + in_panel(weights.filter, K, F.place(f));
      }
    }

    /// Lays the sums of a thread out; without a thread notes the place of each weight. Returns their number.
    std::size_t take_sums(T *base, Own *mine)
    {
      const Blocks F = feature_blocks(), H = hidden_blocks();
      Arena<T> arena(base);
      if (!mine) place_sum.assign(slices.back().offset + slices.back().size, 0);
      const auto vector = [&](const std::string &name, Blocks blocks) {
        const WeightSlice &s = slice(name);
        const std::size_t start = arena.size();
        if (!mine)
          for (std::size_t i = 0; i < s.size; i++) place_sum[s.offset + i] = long(start) + blocks.place(int(i));
        return arena.take(blocks.total(int(s.size)));
      };
      const auto matrix = [&](const std::string &name, Blocks out, Blocks in) {
        const WeightSlice &s = slice(name);
        const int n_out = int(s.shape[0]), n_in = int(s.shape[1]), columns = out.total(n_out);
        const std::size_t start = arena.size();
        if (!mine)
          for (int o = 0; o < n_out; o++)
            for (int k = 0; k < n_in; k++) place_sum[s.offset + std::size_t(o) * n_in + k] = long(start) + long(in.place(k)) * columns + out.place(o);
        return arena.take(std::size_t(in.total(n_in)) * columns);
      };
      GradientSums<T> sums;
      sums.embedding = vector("embedding", F);
      sums.readout0 = matrix("readout.0.weight", H, F);
      sums.readout0_bias = vector("readout.0.bias", H);
      sums.readout1 = vector("readout.1.weight", H);
      sums.readout1_bias = vector("readout.1.bias", {1, 1});
      for (int l = 0; l < sizes.layers; l++) {
        const std::string message = "message." + std::to_string(l), update = "update." + std::to_string(l);
        GradientLayerSums<T> layer;
        layer.message0 = matrix(message + ".0.weight", F, F);
        layer.message0_bias = vector(message + ".0.bias", F);
        layer.message1 = matrix(message + ".1.weight", F, F);
        layer.message1_bias = vector(message + ".1.bias", F);
        layer.mix = matrix(update + ".mix.weight", F, F);
        layer.update0 = matrix(update + ".0.weight", F, F);
        layer.update0_bias = vector(update + ".0.bias", F);
        layer.update1 = matrix(update + ".1.weight", F, F);
        layer.update1_bias = vector(update + ".1.bias", F);
        if (mine) mine->layer_sums[l] = layer;
      }
      const WeightSlice &filter = slice("filter.weight"), &bias = slice("filter.bias");
      const int K = sizes.radial, n = int(filter.shape[0]), columns = F.total(n);
      const std::size_t start = arena.size();
      if (!mine)
        for (int f = 0; f < n; f++) {
          for (int k = 0; k < K; k++) place_sum[filter.offset + std::size_t(f) * K + k] = long(start) + long(k) * columns + F.place(f);
          place_sum[bias.offset + f] = long(start) + long(K) * columns + F.place(f);
        }
      sums.filter = arena.take(std::size_t(K + 1) * columns);
      if (mine) {
        sums.layers = mine->layer_sums.data();
        mine->sums = sums;
      }
      return arena.size();
    }

    /// Points the work space at one group of structures.
    std::size_t lay_out(Arena<T> &arena, GradientWork<T> &work, Own &mine) const
    {
      const std::size_t n = work.n_atoms, edges = work.n_edges, F = weights.model.F, H = weights.model.H, K1 = weights.model.K + 1;
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
        for (auto &x : *set) {
          x.s = arena.take(n * F);
          x.m0 = arena.take(n * F);
          x.g0 = arena.take(n * F);
          x.h = arena.take(n * 3 * F);
          x.v = arena.take(n * 3 * F);
          x.v_mid = arena.take(n * 3 * F);
          x.pq = arena.take(n * 6 * F);
          x.in = arena.take(n * 2 * F);
          x.t = arena.take(n * F);
          x.gt = arena.take(n * F);
          x.y = arena.take(n * 3 * F);
          x.dot = arena.take(n * F);
          x.s_bar = arena.take(n * F);
          x.v_bar = arena.take(n * 3 * F);
          x.y_bar = arena.take(n * 3 * F);
          x.gt_bar = arena.take(n * F);
          x.t_bar = arena.take(n * F);
          x.in_bar = arena.take(n * 2 * F);
          x.pq_bar = arena.take(n * 6 * F);
          x.s_bar_mid = arena.take(n * F);
          x.v_bar_mid = arena.take(n * 3 * F);
          x.h_bar = arena.take(n * 3 * F);
          x.g0_bar = arena.take(n * F);
          x.m0_bar = arena.take(n * F);
        }
      work.value = mine.value.data();
      work.tangent = mine.tangent.data();
      work.s_end = arena.take(n * F);
      work.s_end_dot = arena.take(n * F);
      for (T **p : {&work.z, &work.z_bar, &work.z_dot, &work.z_bar_dot, &work.silu_z}) *p = arena.take(n * H);
      work.scratch = arena.take(std::max(n * F, edges * K1));
      return arena.size();
    }

    void run(const Graph &graph, int first, int last, const LossDerivative &loss, Own &mine)
    {
      const int atom = graph.first_atom[first], n = graph.first_atom[last] - atom;
      if (n == 0) return;
      const int edge = graph.first_edge[atom], edges = graph.first_edge[atom + n] - edge;
      GradientWork<T> work{};
      work.n_atoms = n;
      work.n_edges = edges;
      work.species = graph.species.data() + atom;
      mine.first_edge.resize(n + 1);
      mine.neighbor.resize(edges);
      for (int i = 0; i <= n; i++) mine.first_edge[i] = graph.first_edge[atom + i] - edge;
      for (int e = 0; e < edges; e++) mine.neighbor[e] = graph.neighbor[edge + e] - atom;
      work.first_edge = mine.first_edge.data();
      work.neighbor = mine.neighbor.data();
      work.r = graph.r.data() + 3 * std::size_t(edge);

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
        for (int e = mine.first_edge[i]; e < mine.first_edge[i + 1]; e++)
          for (int a = 0; a < 3; a++) {
            f[3 * i + a] += work.gradient[3 * e + a];
            f[3 * mine.neighbor[e] + a] -= work.gradient[3 * e + a];
          }
      loss(first, last, atom_energy.data(), force.data(), energy_bar.data(), force_bar.data());

      // positions move along -dL/dF
      const double *bar = force_bar.data() + 3 * std::size_t(atom);
      for (int i = 0; i < n; i++)
        for (int e = mine.first_edge[i]; e < mine.first_edge[i + 1]; e++)
          for (int a = 0; a < 3; a++) direction[3 * e + a] = bar[3 * i + a] - bar[3 * mine.neighbor[e] + a];
      work.direction = direction;
      work.energy_bar = energy_bar.data() + atom;
      if constexpr (sizeof(T) == sizeof(float))
        kernels.weights_single(weights, work, mine.sums);
      else
        kernels.weights_full(weights, work, mine.sums);
    }
  };

}    // namespace

void PainnGradient::add_jacobian_gradient(const Graph &, std::span<const int>, const JacobianDerivative &, std::span<double>)
{
  throw EngineError("the host engine has no third derivatives: a loss of Jacobian rows needs the engine torch");
}

std::unique_ptr<PainnGradient> make_painn_gradient(const Potential &potential, const EngineOptions &options, bool mixed)
{
  if (options.engine == "torch") {
#ifdef MLFF_TORCH
    return make_torch_gradient(potential, options, mixed);
#else
    throw EngineError("engine 'torch' is not in this build (MLFF_TORCH=OFF); accepted: auto, host");
#endif
  }
  if (options.engine != "host" && options.engine != "auto") throw EngineError("unknown engine '" + options.engine + "'; accepted: auto, host, torch");
  if (mixed) throw EngineError("mixed precision needs the engine torch");
  if (options.precision == Precision::single_precision) return std::make_unique<HostGradient<float>>(potential, options);
  return std::make_unique<HostGradient<double>>(potential, options);
}

}    // namespace mlff
