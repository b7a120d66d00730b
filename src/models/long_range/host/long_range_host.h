// The long-range block in the host engine: weights packed for its kernels, the form of each
// structure, work space.
#pragma once

#include "core/buffer.h"
#include "core/engine.h"
#include "models/long_range/host/long_range_kernels.h"
#include "models/long_range/host/long_range_structures.h"
#include "models/long_range/long_range.h"
#include "models/long_range/long_range_tensors.h"
#include "models/painn/host/painn_host.h"
#include "potential/potential.h"

#include <cmath>

namespace mlff {

/// Between the local layers and the readout of an engine with features of type T. prepare() by one
/// thread, then forward() and backward() on all threads of a parallel region.
template <typename T> class LongRangeBlock {
 public:
  virtual ~LongRangeBlock() = default;

  /// x_bar [n_centres][3]: where dE/dx goes; strain [n_centres][6]: dE/dstrain, null where the
  /// graph has no cells. Throws EngineError where positions are missing, the linear form does not
  /// reach, or a cell is too small or too large.
  virtual void prepare(const Graph &graph, GhostExchange *exchange, int threads, double *x_bar,
                       double *strain) = 0;
  virtual void forward(T *s, T *v) = 0;
  virtual void backward(T *bar) = 0;

  virtual std::size_t bytes(int atoms) const = 0;
  virtual double flops(const Graph &graph) const = 0;    ///< about, at most

  /// spline: radial functions of the direct form by cubic polynomials, which single precision does
  /// not see.
  static std::unique_ptr<LongRangeBlock<T>> make(const Potential &potential, LongRangeForm form,
                                                 bool spline, InstructionSet set);
};

template <typename T, typename B> class LongRangeBlockOf : public LongRangeBlock<T> {
 public:
  LongRangeBlockOf(const Potential &potential, LongRangeForm form, bool spline,
                   InstructionSet set) :
      block(long_range_sizes(potential)),
      features(painn_sizes(potential).features), form(form), spline(spline),
      kernels(select_kernels(set, long_range_kernels)), plan(potential, form)
  {
    load(potential);
  }

  void prepare(const Graph &graph, GhostExchange *exchange, int threads, double *x_bar,
               double *strain) override
  {
    check_positions(graph);
    plan.begin(exchange, true);
    structure_of.clear();
    work.n_rows = 0;
    for (int s = 0; s < graph.n_structures(); s++) {
      const int first = graph.first_atom[s], n = graph.first_atom[s + 1] - first;
      plan.add(first, n, graph.cell_of(s), long_range_ends(graph, s));
      add_rows(plan.structures.back(), s, exchange);
    }
    const long moments = plan.n_moments();
    const bool any_direct = plan.direct_diameter >= 0.0;
    const bool use_spline =
        any_direct && spline && tabulate(plan.direct_diameter + (exchange ? spare_reach : 0.0));
    for (std::size_t l = 0; l < layers.size(); l++)
      layers[l].spline = use_spline ? splines[l].get() : nullptr;

    const std::size_t R = work.n_rows, HC = weights.HC(), Hd = weights.Hd(), L = weights.L;
    work.n_structures = graph.n_structures();
    work.n_centres = graph.n_centres();
    work.threads = threads;
    work.structures = plan.structures.data();
    work.structure_of = structure_of.data();
    work.waves = plan.wave_sets.data();
    work.position = graph.position.data();
    work.x_bar = x_bar;
    work.strain = strain;
    work.row_bars = strain ? 9 : 3;
    work.wave_rows = strain ? 8 : 3;
    work.x = x.resize(3 * R);
    std::fill_n(work.x, 3 * R, 0.0);
    for (const auto &structure : plan.structures)
      for (int i = 0; i < structure.n_atoms; i++)
        for (int a = 0; a < 3; a++)
          work.x[a * R + structure.own_row + i] =
              graph.position[3 * std::size_t(structure.first_atom + i) + a] - structure.centre[a];
    if (exchange && any_direct) gather_positions();
    work.q = q.resize(L * Hd * R);
    work.k = k.resize(L * Hd * R);
    const std::size_t linear_rows = moments > 0 ? R : 0,
                      record = any_direct ? R * weights.record_channels() : 0;
    work.V0 = V0.resize(L * HC * linear_rows);
    work.V1 = V1.resize(3 * L * HC * linear_rows);
    work.sums = sums.resize(threads * 8 * HC * linear_rows);
    work.out_bars = out_bars.resize(8 * HC * linear_rows);
    work.values = values.resize(L * 4 * record);
    work.bars = bars.resize(8 * record);
    work.record_sums = record_sums.resize(threads * 8 * record);
    if (!any_direct) work.record_sums = nullptr;
    work.key_bars = key_bars.resize(threads * 2 * Hd * R);
    work.row_bar = row_bar.resize(threads * work.row_bars * R);
    work.n_moments = moments;
    work.moments = moment_values.resize(L * moments);
    work.moment_bars = moment_bars.resize(moments);
    work.waves_of_rows = waves_of_rows.resize(moments > 0 ? threads * work.wave_rows * R : 0);
    work.scratch = scratch.resize(threads * long_range_scratch(weights));
    work.exchange = exchange ? this : nullptr;
    work.rank = exchange && any_direct ? exchange->rank() : 0;
    work.n_ranks = exchange && any_direct ? exchange->n_ranks() : 1;
    work.sum_doubles = [](void *block, double *values, long n) {
      static_cast<LongRangeBlockOf *>(block)->plan.sum(values, n);
    };
    work.sum = [](void *block, B *values, long n) {
      static_cast<LongRangeBlockOf *>(block)->plan.sum(values, n);
    };
  }

  void forward(T *s, T *v) override
  {
    LongRangeWork<T, B> call = work;
    call.s = s;
    call.v = v;
    functions().forward(weights, call);
  }

  void backward(T *bar) override
  {
    LongRangeWork<T, B> call = work;
    call.bar = bar;
    functions().backward(weights, call);
  }

  std::size_t bytes(int atoms) const override
  {
    const int channels = form == LongRangeForm::linear ? weights.HC() : weights.record_channels();
    return std::size_t(atoms) *
        (sizeof(B) *
             (weights.L * (2 * weights.Hd() + 4 * channels) + 16 * channels + 2 * weights.Hd()) +
         9 * sizeof(double));
  }

  double flops(const Graph &graph) const override
  {
    double pairs = 0.0;
    for (int s = 0; s < graph.n_structures(); s++)
      pairs += 0.5 * std::pow(double(graph.first_atom[s + 1] - graph.first_atom[s]), 2);
    return pairs * weights.L * weights.HC() * (16.0 * weights.T + 120.0);
  }

 private:
  LongRangeSizes block;
  int features;
  LongRangeForm form;
  bool spline;
  const LongRangeKernels &kernels;
  LongRangeWeights<B> weights;
  std::vector<LongRangeLayerWeights<B>> layers;
  std::vector<std::vector<double>> radial;    // [layers] each [T][4][HC]
  std::vector<Buffer<B>> splines;
  double spline_reach = 0.0;
  std::vector<double> kappa;
  PainnPacking<B> packing;

  LongRangeWork<T, B> work{};
  LongRangeStructures<B> plan;
  std::vector<int> structure_of, empty_rows;
  Buffer<double> x, row_bar;
  Buffer<B> q, k, V0, V1, sums, values, bars, record_sums, key_bars, out_bars, moment_values,
      moment_bars, waves_of_rows, scratch;

  static constexpr bool single = sizeof(B) == sizeof(float);

  /// Rows of a structure's atoms; in the direct form on several ranks those of all ranks, one
  /// rank's after the other's, each at whole blocks.
  void add_rows(LongRangeStructure &structure, int s, GhostExchange *exchange)
  {
    const auto whole = [](int n) {
      return (n + row_block - 1) / row_block * row_block;
    };
    structure.first_row = structure.own_row = work.n_rows;
    structure.last_row = structure.first_row + structure.n_atoms;
    int rows = whole(structure.n_atoms);
    if (exchange && structure.direct) {
      std::vector<double> atoms(exchange->n_ranks(), 0.0);
      atoms[exchange->rank()] = structure.n_atoms;
      exchange->sum(atoms.data(), int(atoms.size()));
      rows = 0;
      empty_rows.clear();
      for (int rank = 0; rank < exchange->n_ranks(); rank++) {
        if (rank == exchange->rank()) structure.own_row += rows;
        const int n = int(atoms[rank]), end = rows + whole(n);
        for (int row = rows + n; row < end; row++) empty_rows.push_back(structure.first_row + row);
        rows = end;
      }
      structure.last_row = structure.first_row + rows;
    }
    structure_of.insert(structure_of.end(), rows / row_block, s);
    work.n_rows += rows;
  }

  /// Positions of all ranks. Rows without an atom, which send and receive zeros, must have places
  /// of their own, for distances that are not zero.
  void gather_positions()
  {
    plan.sum(work.x, 3L * work.n_rows);
    for (std::size_t k = 0; k < empty_rows.size(); k++)
      work.x[empty_rows[k]] = 0.5 * plan.direct_diameter + 1.0 + 1e-3 * double(k);
  }
  static constexpr double spare_reach = 20.0;    // covers the empty rows of up to 1000 ranks

  LongRangeFunctions<T, B> functions() const
  {
    if constexpr (sizeof(T) == sizeof(double))
      return kernels.full;
    else if constexpr (single)
      return kernels.single;
    else
      return kernels.mixed;
  }

  /// Number of the vector of channels in a record that holds a channel.
  int vector_of(int c) const
  {
    return c / weights.C * weights.vectors() + c % weights.C / channel_block;
  }

  /// LongRangeRadial of the radial functions in the order of the kernels' RadialPart.
  static constexpr int kept_parts[4] = {scalar_from_scalar, scalar_from_vector, vector_from_scalar,
                                        vector_from_vector};

  static constexpr double most_spline_values = 1 << 24;

  /// Splines of all layers' radial functions for distances up to a diameter, by their values and
  /// slopes at the knots. False where the table would be too large: atoms are lost, or on the way.
  bool tabulate(double diameter)
  {
    if (diameter < spline_reach) return true;
    const double reach = 1.25 * diameter + 1.0;    // room, so that this is seldom done again
    weights.knots_per_length = knots_per_wave * block.kappa_max;
    const double knots = std::ceil(reach * weights.knots_per_length);
    if (!(knots * weights.record_channels() * 16 <= most_spline_values)) return false;
    weights.knots = int(knots);
    spline_reach = reach;
    const double spacing = 1.0 / weights.knots_per_length;
    const int HC = weights.HC();
    splines.resize(weights.L);
    std::vector<double> K(8 * std::size_t(HC)), next(K);
    for (int l = 0; l < weights.L; l++) {
      const int functions = l + 1 < weights.L ? 4 : 2;
      const std::size_t size =
          std::size_t(weights.record_channels()) * weights.knots * 4 * functions;
      B *table = splines[l].resize(size);
      std::fill_n(table, size, B(0));
      long_range_radial_functions(block, radial[l], HC, 0.0, next.data(), next.data() + 4 * HC);
      for (int knot = 0; knot < weights.knots; knot++) {
        std::swap(K, next);
        long_range_radial_functions(block, radial[l], HC, (knot + 1) * spacing, next.data(),
                                    next.data() + 4 * HC);
        for (int f = 0; f < functions; f++)
          for (int c = 0; c < HC; c++) {
            const std::size_t at = std::size_t(kept_parts[f]) * HC + c,
                              slope = at + 4 * std::size_t(HC);
            const double v0 = K[at], v1 = next[at], s0 = spacing * K[slope],
                         s1 = spacing * next[slope];
            const double powers[4] = {v0, s0, 3.0 * (v1 - v0) - 2.0 * s0 - s1,
                                      2.0 * (v0 - v1) + s0 + s1};
            for (int k = 0; k < 4; k++)
              table[(((std::size_t(vector_of(c)) * weights.knots + knot) * 4 + k) * functions + f) *
                        channel_block +
                    c % weights.C % channel_block] = B(powers[k]);
          }
      }
    }
    return true;
  }

  void load(const Potential &potential)
  {
    const int H = block.heads, d = block.key_width, HC = block.channels(features);
    weights.F = padded(features);
    weights.L = block.layers;
    weights.H = H;
    weights.d = d;
    weights.C = HC / H;
    weights.T = block.kappa_count;
    weights.first_key = padded(H * d);
    weights.first_value = 2 * padded(H * d);
    weights.scalar_columns = weights.first_value + padded(HC);
    weights.vector_columns = weights.first_odd = padded(HC);
    weights.out_rows = 2 * padded(HC);
    for (int t = 0; t < block.kappa_count; t++) kappa.push_back(block.kappa(t));
    weights.kappa = kappa.data();

    const Blocks F{features, padded(features)};
    const auto whole = [](int n) {
      return Blocks{n, n};
    };
    const auto all = long_range_tensors(potential);
    for (int l = 0; l < block.layers; l++) {
      const LongRangeTensors &tensors = all[std::size_t(l)];
      LongRangeLayerWeights<B> layer;
      // queries, keys and values in one product, each from a column of its own on
      Tensor scalars;
      scalars.shape = {weights.scalar_columns, features};
      scalars.values.assign(std::size_t(weights.scalar_columns) * features, 0.0);
      const auto put = [&](const Tensor &from, int first) {
        std::copy(from.values.begin(), from.values.end(),
                  scalars.values.begin() + long(first) * features);
      };
      put(*tensors.query, 0);
      put(*tensors.key, weights.first_key);
      put(*tensors.value, weights.first_value);
      const auto both = [&](const Tensor &W, Blocks out, Blocks in, Packed<B> &there,
                            Packed<B> &back) {
        there = packing.pack(W, out, in, false);
        back = packing.pack(W, out, in, true);
      };
      both(scalars, whole(weights.scalar_columns), F, layer.from_scalars, layer.from_scalars_back);
      const Blocks channels{HC, padded(HC)};
      both(*tensors.vector_value, channels, F, layer.from_vectors, layer.from_vectors_back);
      both(*tensors.scalar_out, F, channels, layer.scalar_out, layer.scalar_out_back);
      both(*tensors.vector_out, F, channels, layer.vector_out, layer.vector_out_back);
      layer.scalar_gate = packing.vector(tensors.scalar_gate->values, F);
      layer.vector_gate = packing.vector(tensors.vector_gate->values, F);
      radial.push_back(tensors.radial->values);
      layer.radial = packing.vector(radial.back(), whole(int(radial.back().size())));
      B *records = packing.constant(4 * std::size_t(block.kappa_count) * weights.record_channels());
      for (int t = 0; t < block.kappa_count; t++)
        for (int f = 0; f < 4; f++)
          for (int c = 0; c < HC; c++)
            records[((std::size_t(vector_of(c)) * block.kappa_count + t) * 4 + f) * channel_block +
                    c % weights.C % channel_block] =
                B(radial.back()[(4 * std::size_t(t) + kept_parts[f]) * HC + c]);
      layer.record_radial = records;
      layer.spline = nullptr;
      layers.push_back(layer);
    }
    weights.layers = layers.data();
  }
};

template <typename T>
std::unique_ptr<LongRangeBlock<T>> LongRangeBlock<T>::make(const Potential &potential,
                                                           LongRangeForm form, bool spline,
                                                           InstructionSet set)
{
  if (!has_long_range(potential)) return nullptr;
  if (long_range_sizes(potential).precision == "double")
    return std::make_unique<LongRangeBlockOf<T, double>>(potential, form, false, set);
  return std::make_unique<LongRangeBlockOf<T, T>>(potential, form, spline, set);
}

}    // namespace mlff
