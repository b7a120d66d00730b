// Shared parts of the host gradients of models built of PaiNN's layers: the place of each weight
// among the packed weights and among the sums.
#pragma once

#include "core/buffer.h"
#include "core/errors.h"
#include "models/painn/gradient/painn_gradient.h"
#include "models/painn/gradient/painn_gradient_kernels.h"
#include "models/painn/painn_sizes.h"
#include "models/painn/painn_tensors.h"
#include "potential/flat_weights.h"
#include "potential/potential.h"

#include <omp.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <type_traits>

namespace mlff {

/// Hands out pieces of one array: a first walk, without the array, counts; the second gives
/// addresses.
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

/// Base of walks (models/tensor_walk.h) over trained tensors. A Walk has vector(name, blocks),
/// which hands out the place of a tensor whose blocks lie side by side.
template <typename Walk> class TrainedWalk {
 public:
  template <typename To, typename Place>
  void rows(To &to, const std::string &name, const std::vector<std::int64_t> &, Extent width,
            const Place &place, TensorStart)
  {
    place.weight(to) = static_cast<Walk *>(this)->vector(name, width.places());
  }

  template <typename To, typename Place>
  void constant(To &, const std::string &, const std::vector<std::int64_t> &, const Place &)
  {
  }

 protected:
  explicit TrainedWalk(const WeightNames &names) : slice(names) {}

  const WeightNames &slice;
};

/// The walk that packs weights for products forward and back. Flat weights are copied to their
/// places as often as they change.
template <typename T> class GradientPacking : public TrainedWalk<GradientPacking<T>> {
 public:
  explicit GradientPacking(const WeightNames &names) :
      TrainedWalk<GradientPacking<T>>(names), forward_place(names.total(), 0),
      back_place(names.total(), -1)
  {
  }

  /// Runs `list`, which walks over the tensors of a model, twice: to count, and to hand out
  /// addresses.
  template <typename List> void lay_out(const List &list)
  {
    list();
    constants.assign(arena.size() + 16, T(0));
    base = constants.data();
    while (reinterpret_cast<std::uintptr_t>(base) % 64) base++;
    arena = Arena<T>(base);
    list();
  }

  /// Copies weights to where the walk put them.
  void set(std::span<const double> flat)
  {
    for (std::size_t i = 0; i < flat.size(); i++) {
      base[forward_place[i]] = T(flat[i]);
      if (back_place[i] >= 0) base[back_place[i]] = T(flat[i]);
    }
  }

  template <typename To, typename Place>
  void linear(To &to, const std::string &name, Extent out, Extent in, const Place &place)
  {
    matrix(to, name, out, in, place);
    T *values = vector(name + ".bias", out.places());
    // a bias of one number in double is for the owner to set
    if constexpr (!std::is_same_v<decltype(place.bias(to)), double &>) place.bias(to) = values;
  }

  template <typename To, typename Place>
  void matrix(To &to, const std::string &name, Extent out, Extent in, const Place &place)
  {
    auto &weight = place.weight(to);
    if constexpr (std::is_pointer_v<std::remove_reference_t<decltype(weight)>>)
      weight = vector(name + ".weight", in.places());    // one row
    else
      matrices(name + ".weight", out.places(), in.places(), weight, place.back(to));
  }

  /// One matrix for all edges of a layer, whose last row is the bias.
  template <typename To, typename Place>
  void filter(To &to, const std::string &name, Extent out, int in, const Place &place)
  {
    const WeightSlice &weight = this->slice(name + ".weight"), &bias = this->slice(name + ".bias");
    const Blocks F = out.places();
    const int n = int(out.count());
    auto &filter = place.weight(to);
    filter = take_packed(in + 1, F.total(n));
    for (int f = 0; f < n; f++) {
      for (int k = 0; k < in; k++)
        forward_place[weight.offset + std::size_t(f) * in + k] =
            address(filter.values) + in_panel(filter, k, F.place(f));
      forward_place[bias.offset + f] = address(filter.values) + in_panel(filter, in, F.place(f));
    }
  }

 private:
  friend TrainedWalk<GradientPacking<T>>;

  std::vector<long> forward_place, back_place;    // [weights] places; back: -1 where there is none
  std::vector<T> constants;
  T *base = nullptr;
  Arena<T> arena{nullptr};

  long address(const T *p) const { return base ? p - base : 0; }

  T *vector(const std::string &name, Blocks blocks)
  {
    const WeightSlice &s = this->slice(name);
    T *values = arena.take(blocks.total(int(s.size)));
    for (std::size_t i = 0; i < s.size; i++)
      forward_place[s.offset + i] = address(values) + blocks.place(int(i));
    return values;
  }

  void matrices(const std::string &name, Blocks out, Blocks in, Packed<T> &forward, Packed<T> &back)
  {
    const WeightSlice &s = this->slice(name);
    const int n_out = int(s.shape[0]), n_in = int(s.shape[1]);
    forward = take_packed(in.total(n_in), out.total(n_out));
    back = take_packed(out.total(n_out), in.total(n_in));
    for (int o = 0; o < n_out; o++)
      for (int k = 0; k < n_in; k++) {
        const std::size_t i = s.offset + std::size_t(o) * n_in + k;
        forward_place[i] = address(forward.values) + in_panel(forward, in.place(k), out.place(o));
        back_place[i] = address(back.values) + in_panel(back, out.place(o), in.place(k));
      }
  }

  Packed<T> take_packed(int rows, int columns)
  {
    return {arena.take(std::size_t((columns + panel_width - 1) / panel_width) * panel_width * rows),
            rows, columns};
  }

  static long in_panel(const Packed<T> &matrix, int row, int column)
  {
    return (long(column / panel_width) * matrix.rows + row) * panel_width + column % panel_width;
  }
};

/// The walk that finds places for the sums of a gradient, as [in][out]; one walk an array of sums.
template <typename T> class GradientPlaces : public TrainedWalk<GradientPlaces<T>> {
 public:
  explicit GradientPlaces(const WeightNames &names) :
      TrainedWalk<GradientPlaces<T>>(names), place(names.total(), 0)
  {
  }

  std::vector<long> place;    ///< [weights] places

  /// Starts a walk over an array, or one that only counts.
  void begin(T *base) { arena = Arena<T>(base); }
  std::size_t size() const { return arena.size(); }

  template <typename To, typename Place>
  void linear(To &to, const std::string &name, Extent out, Extent in, const Place &place)
  {
    matrix(to, name, out, in, place);
    place.bias(to) = vector(name + ".bias", out.places());
  }

  template <typename To, typename Place>
  void matrix(To &to, const std::string &name, Extent out, Extent in, const Place &place)
  {
    place.weight(to) = array(this->slice(name + ".weight"), out, int(in.count()), in.places(), 0);
  }

  /// The bias is the last row.
  template <typename To, typename Place>
  void filter(To &to, const std::string &name, Extent out, int in, const Place &place)
  {
    const WeightSlice &bias = this->slice(name + ".bias");
    const Blocks F = out.places();
    const int columns = F.total(int(out.count()));
    for (int f = 0; f < int(out.count()); f++)
      this->place[bias.offset + f] = long(arena.size()) + long(in) * columns + F.place(f);
    place.weight(to) = array(this->slice(name + ".weight"), out, in, {1, 1}, 1);
  }

 private:
  friend TrainedWalk<GradientPlaces<T>>;

  Arena<T> arena{nullptr};

  T *vector(const std::string &name, Blocks blocks)
  {
    const WeightSlice &s = this->slice(name);
    for (std::size_t i = 0; i < s.size; i++)
      place[s.offset + i] = long(arena.size()) + blocks.place(int(i));
    return arena.take(blocks.total(int(s.size)));
  }

  /// W [out][in] as [in][out], with `more` rows behind it.
  T *array(const WeightSlice &s, Extent out, int n_in, Blocks in, int more)
  {
    const Blocks blocks = out.places();
    const int n_out = int(out.count()), columns = blocks.total(n_out);
    for (int o = 0; o < n_out; o++)
      for (int k = 0; k < n_in; k++)
        place[s.offset + std::size_t(o) * n_in + k] =
            long(arena.size()) + long(in.place(k)) * columns + blocks.place(o);
    return arena.take(std::size_t(in.total(n_in) + more) * columns);
  }
};

/// Sizes of PaiNN's layers as their kernels see them; makes room for `layers`.
template <typename T>
void set_layer_sizes(const Potential &potential, std::vector<PainnLayer<T>> &layers,
                     PainnWeights<T> &model)
{
  model.F = padded(painn_sizes(potential).features);
  model.L = painn_sizes(potential).layers;
  model.K = painn_sizes(potential).radial;
  model.norm_floor = painn_sizes(potential).norm_floor;
  model.cutoff = potential.cutoff;
  layers.resize(painn_sizes(potential).layers);
  model.layers = layers.data();
}

/// Room for the intermediate values of a layer, for n atoms.
template <typename T>
void take_layer_values(Arena<T> &arena, std::size_t n, std::size_t F, GradientLayerValues<T> &x)
{
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

/// Groups of whole structures of about `atoms` atoms, small enough for the cache of a core: first
/// structure of each, and the end.
inline void group_structures(const Graph &graph, int atoms, std::vector<int> &first_structure)
{
  first_structure.assign(1, 0);
  for (int s = 0; s < graph.n_structures(); s++)
    if (graph.first_atom[s + 1] - graph.first_atom[first_structure.back()] >= atoms ||
        s + 1 == graph.n_structures())
      first_structure.push_back(s + 1);
}

/// The part of a graph with one group of structures, numbered from zero.
struct GroupGraph {
  std::vector<int> first_edge, neighbor;
  int atom = 0, n_atoms = 0, edge = 0, n_edges = 0;    ///< first of the whole graph, and how many

  void choose(const Graph &graph, int first, int last)
  {
    atom = graph.first_atom[first];
    n_atoms = graph.first_atom[last] - atom;
    edge = graph.first_edge[atom];
    n_edges = graph.first_edge[atom + n_atoms] - edge;
    first_edge.resize(n_atoms + 1);
    neighbor.resize(n_edges);
    for (int i = 0; i <= n_atoms; i++) first_edge[i] = graph.first_edge[atom + i] - edge;
    for (int e = 0; e < n_edges; e++) neighbor[e] = graph.neighbor[edge + e] - atom;
  }
};

/// Weights that are trained: their names, their places in the kernels' layout, and those of their
/// derivatives.
template <typename T> struct TrainedWeights {
  explicit TrainedWeights(const Potential &potential) :
      names(weight_slices(potential)), packing(names), places(names)
  {
  }

  WeightNames names;
  GradientPacking<T> packing;
  GradientPlaces<T> places;
};

/// Memory of one thread: sums of derivatives, and the values of one group of structures.
template <typename T, typename Sums> struct GradientThread {
  Buffer<T> sum_values, values;
  Buffer<double> doubles;
  Sums sums{};    ///< places in sum_values
  std::vector<GradientLayerSums<T>> layer_sums;
  std::vector<GradientLayerValues<T>> value, tangent;
  GroupGraph group;
};

/// The memory of all threads; ThreadMemory is a GradientThread.
template <typename T, typename ThreadMemory> class GradientThreads {
 public:
  /// take(memory) walks over the places of a thread's sums.
  template <typename Take>
  GradientThreads(int threads, GradientPlaces<T> &places, const Take &take) :
      places(places), memories(threads)
  {
    for (auto &memory : memories) {
      places.begin(nullptr);
      take(memory);
      n_sums = places.size();
      places.begin(memory.sum_values.resize(n_sums));
      take(memory);
    }
  }

  /// Adds to `gradient`, weight by weight, the sums that run(first structure, last structure,
  /// memory) leaves for groups of structures. Throws what it throws.
  template <typename Run>
  void add_sums(const Graph &graph, std::span<double> gradient, const Run &run)
  {
    group_structures(graph, atoms_per_group, first_structure);
    const int n_groups = int(first_structure.size()) - 1,
              used = std::clamp(n_groups, 1, int(memories.size()));
    ThreadError errors;
#pragma omp parallel num_threads(used)
    {
      ThreadMemory &memory = memories[omp_get_thread_num()];
      errors.run([&] {
        T *sums = memory.sum_values.resize(n_sums);
        std::fill_n(sums, n_sums, T(0));
      });
#pragma omp barrier
#pragma omp for schedule(static)
      for (int g = 0; g < n_groups; g++)
        errors.run([&] {
          run(first_structure[g], first_structure[g + 1], memory);
        });
#pragma omp for schedule(static)
      for (std::size_t i = 0; i < gradient.size(); i++)
        errors.run([&] {
          double sum = 0.0;
          for (int t = 0; t < used; t++)
            sum += double(memories[t].sum_values.resize(n_sums)[places.place[i]]);
          gradient[i] += sum;
        });
    }
    errors.rethrow();
  }

 private:
  // Enough atoms for products of good size, few enough for all values of a group to stay in the
  // cache of a core.
  static constexpr int atoms_per_group = 32;

  GradientPlaces<T> &places;
  std::vector<ThreadMemory> memories;
  std::size_t n_sums = 0;
  std::vector<int> first_structure;
};

}    // namespace mlff
