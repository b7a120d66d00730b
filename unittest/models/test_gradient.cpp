// Derivatives of a loss of energies, forces and stresses with respect to weights: the host's
// kernels against differences and against autograd.
#include "engine/make_gradient.h"

#include "engine/make_engine.h"
#include "models/random_model.h"
#include "structure/lattice.h"
#include "structure/stress.h"
#include "structure/structure.h"
#include "support/random_potential.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace mlff;

namespace {

constexpr double cutoff = 4.0;

/// Clusters of 1 to 14 atoms, one of them too far from each other to see anything.
GraphStorage clusters(int n_structures, unsigned seed)
{
  Uniform uniform(seed);
  GraphStorage graph;
  const int numbers[] = {6, 8, 1};
  for (int s = 0; s < n_structures; s++) {
    Structure structure;
    const int n = 1 + (s * 5) % 14;
    for (int i = 0; i < n; i++) {
      structure.numbers.push_back(numbers[(i + s) % 3]);
      const double spacing = s == 3 ? 6.0 : 1.5;
      structure.positions.push_back(spacing * (i % 3) + 0.3 * uniform());
      structure.positions.push_back(spacing * (i / 3 % 3) + 0.3 * uniform());
      structure.positions.push_back(spacing * (i / 9) + 0.3 * uniform());
    }
    append_graph(structure, {6, 8, 1}, cutoff, graph);
  }
  return graph;
}

/// A cell whose three off-diagonals differ, with some atoms.
Structure sheared_crystal(int n, unsigned seed)
{
  return mlff_test::random_structure(n, seed, {4.6, 0.3, -0.2, 1.1, 4.3, 0.4, -0.7, 0.9, 4.9},
                                     {true, true, true});
}

/// Crystals, one of them an atom that sees its own images alone, beside an open cluster.
GraphStorage crystals()
{
  std::vector<Structure> structures = {sheared_crystal(7, 3), sheared_crystal(1, 4),
                                       mlff_test::random_structure(5, 6), sheared_crystal(9, 5)};
  structures[1].cell = {2.6, 0.2, 0.1, 0.5, 2.7, -0.3, 0.4, 0.6, 2.9};
  GraphStorage graph;
  for (const auto &structure : structures) append_graph(structure, {6, 8, 1}, cutoff, graph);
  return graph;
}

/// Strain of a structure that is I + a matrix times `size`.
Structure strained(const Structure &structure, int a, int b, double size)
{
  Structure out = structure;
  const auto strain = [&](const double *from, double *to) {
    to[a] += 0.5 * size * from[b];
    to[b] += 0.5 * size * from[a];
  };
  for (int k = 0; k < 9; k += 3) strain(&structure.cell[k], &out.cell[k]);
  for (std::size_t k = 0; k < structure.positions.size(); k += 3)
    strain(&structure.positions[k], &out.positions[k]);
  return out;
}

/// Components in the order of LossArrays::strain_gradient.
constexpr int first_axis[6] = {0, 1, 2, 0, 0, 1}, second_axis[6] = {0, 1, 2, 1, 2, 2};

/// L = sum of c_i E_i + b_i E_i^2 / 2 + G_k F_k + H_k F_k^2 / 2 with numbers that depend on the
/// atom alone, and of periodic structures s_k S_k + t_k S_k^2 / 2 of the derivatives S by strain.
struct Loss {
  std::vector<double> c, b, G, H, s, t;
  const Graph graph;

  explicit Loss(const Graph &graph) : graph(graph)
  {
    Uniform uniform(7);
    for (int i = 0; i < graph.n_centres(); i++) {
      c.push_back(uniform());
      b.push_back(0.2 * uniform());
      for (int a = 0; a < 3; a++) {
        G.push_back(uniform());
        H.push_back(0.5 * uniform());
      }
    }
    for (std::size_t k = 0; k < graph.cell.size() / 9 * 6; k++) {
      const bool periodic = graph.cell_of(int(k / 6));
      s.push_back(periodic ? uniform() : 0.0);
      t.push_back(periodic ? 0.3 * uniform() : 0.0);
    }
  }
  double value(const double *energy, const double *force, const double *strain = nullptr) const
  {
    double sum = 0.0;
    for (std::size_t k = 0; k < s.size(); k++)
      sum += s[k] * strain[k] + 0.5 * t[k] * strain[k] * strain[k];
    for (std::size_t i = 0; i < c.size(); i++)
      sum += c[i] * energy[i] + 0.5 * b[i] * energy[i] * energy[i];
    for (std::size_t k = 0; k < G.size(); k++)
      sum += G[k] * force[k] + 0.5 * H[k] * force[k] * force[k];
    return sum;
  }
  void operator()(int first, int last, const LossArrays &arrays) const
  {
    for (int i = graph.first_atom[first]; i < graph.first_atom[last]; i++) {
      arrays.energy_bar[i] = c[i] + b[i] * arrays.atom_energy[i];
      for (int k = 3 * i; k < 3 * i + 3; k++) arrays.force_bar[k] = G[k] + H[k] * arrays.force[k];
    }
    ASSERT_EQ(arrays.strain_gradient != nullptr, !s.empty());
    ASSERT_EQ(arrays.strain_bar != nullptr, !s.empty());
    for (int k = 6 * first; k < 6 * last && !s.empty(); k++)
      arrays.strain_bar[k] = s[k] + t[k] * arrays.strain_gradient[k];
  }
};

Potential potential_of(const PainnSizes &sizes)
{
  Potential potential = random_potential(sizes, {6, 8, 1}, cutoff, 3);
  for (double &e : potential.tensors["reference_energy"].values) e = -1.0;
  return potential;
}

std::vector<double> gradient_of(const Potential &potential, const Graph &graph, Precision precision,
                                int threads, const std::string &engine = "host", bool mixed = false)
{
  EngineOptions options;
  options.engine = engine;
  options.precision = precision;
  options.threads = threads;
  const auto gradient = make_weight_gradient(potential, options, mixed);
  std::vector<double> sum(flat_weights(potential).size(), 0.0);
  const Loss loss(graph);
  gradient->add_gradient(graph, std::cref(loss), sum);
  return sum;
}

double largest(const std::vector<double> &x)
{
  double m = 0.0;
  for (const double value : x) m = std::max(m, std::abs(value));
  return m;
}

/// L of the engine `host` at other weights.
double value_at(const Potential &potential, const std::vector<double> &weights, const Loss &loss)
{
  Potential moved = potential;
  set_flat_weights(moved, weights);
  Result result;
  std::vector<double> forces, strain;
  make_engine(moved, {"host", Precision::double_precision})->evaluate(loss.graph, result);
  sum_forces(loss.graph, result, forces);
  for (int s = 0; s < int(loss.s.size()) / 6; s++) {
    std::array<double, 9> sum{};
    add_strain_gradient(loss.graph, result, s, 1.0, sum);
    const auto components = six_components(sum);
    strain.insert(strain.end(), components.begin(), components.end());
  }
  return loss.value(result.atom_energy.data(), forces.data(), strain.data());
}

/// Compares a gradient with differences of some weights of every tensor.
void expect_differences(const Potential &potential, const Graph &graph)
{
  const auto gradient = gradient_of(potential, graph, Precision::double_precision, 1);
  const Loss loss(graph);
  const auto weights = flat_weights(potential);
  for (const auto &slice : weight_slices(potential))
    for (std::size_t i = slice.offset; i < slice.offset + slice.size; i += 1 + slice.size / 7) {
      const auto at = [&](double step) {
        auto moved = weights;
        moved[i] += step;
        return value_at(potential, moved, loss);
      };
      const double h = 1e-4,
                   difference = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
      EXPECT_NEAR(gradient[i], difference, 1e-6 * (1 + std::abs(difference)))
          << slice.name << " " << i - slice.offset;
    }
}

const PainnSizes cases[] = {{8, 1, 5}, {16, 2, 6, 1e-2}, {20, 3, 7}, {32, 2, 20}};

}    // namespace

TEST(Gradient, SlicesCoverAllWeights)
{
  const Potential potential = potential_of({20, 3, 7});
  const auto slices = weight_slices(potential);
  const auto weights = flat_weights(potential);
  EXPECT_EQ(slices.back().offset + slices.back().size, weights.size());
  EXPECT_EQ(std::int64_t(weights.size()), potential.n_parameters());
  Potential copy = potential_of({20, 3, 7});
  for (auto &[name, tensor] : copy.tensors)
    if (name != "scale" && name != "reference_energy")
      std::fill(tensor.values.begin(), tensor.values.end(), 0.0);
  set_flat_weights(copy, weights);
  for (const auto &[name, tensor] : potential.tensors)
    EXPECT_EQ(copy.tensors.at(name).values, tensor.values) << name;
}

TEST(Gradient, MatchesDifferencesOfEveryTensor)
{
  const GraphStorage storage = clusters(6, 11);
  expect_differences(potential_of({8, 2, 5}), storage.view());
}

// The derivative by the weights of a loss of stresses: the same pass at strained edges.
TEST(Gradient, OfStressesMatchesDifferencesOfEveryTensor)
{
  const GraphStorage storage = crystals();
  expect_differences(potential_of({8, 2, 5}), storage.view());
}

// The derivatives by strain that a loss gets are those of the energy of a strained crystal.
TEST(Gradient, GivesDerivativesByStrain)
{
  const Potential potential = potential_of({16, 2, 6});
  const Structure crystal = sheared_crystal(8, 3);
  const auto engine = make_engine(potential, {"host", Precision::double_precision});
  const auto energy = [&](const Structure &structure) {
    GraphStorage graph;
    append_graph(structure, potential.elements, cutoff, graph);
    Result result;
    engine->evaluate(graph.view(), result);
    return result.energy[0];
  };
  GraphStorage storage;
  append_graph(mlff_test::random_structure(4, 2), potential.elements, cutoff, storage);
  append_graph(crystal, potential.elements, cutoff, storage);
  for (const auto &name : available_engines()) {
    std::vector<double> strain(12, 1.0), unused(flat_weights(potential).size());
    const auto look = [&](int first, int last, const LossArrays &arrays) {
      const int begin = storage.first_atom[first], end = storage.first_atom[last];
      std::copy(arrays.strain_gradient + 6 * first, arrays.strain_gradient + 6 * last,
                strain.begin() + 6 * first);
      std::fill(arrays.energy_bar + begin, arrays.energy_bar + end, 0.0);
      std::fill(arrays.force_bar + 3 * begin, arrays.force_bar + 3 * end, 0.0);
      std::fill(arrays.strain_bar + 6 * first, arrays.strain_bar + 6 * last, 0.0);
    };
    make_weight_gradient(potential, {name, Precision::double_precision, 1, "cpu"})
        ->add_gradient(storage.view(), look, unused);
    for (int k = 0; k < 6; k++) {
      EXPECT_EQ(strain[k], 0.0) << name << ": an open structure";
      const auto at = [&](double size) {
        return energy(strained(crystal, first_axis[k], second_axis[k], size));
      };
      const double h = 1e-3, slope = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
      EXPECT_NEAR(strain[6 + k], slope, 1e-6 * std::max(1.0, std::abs(slope))) << name << " " << k;
    }
    EXPECT_GT(std::abs(strain[9] - strain[10]), 0.1) << "of little use: shear stresses are alike";
    EXPECT_GT(std::abs(strain[10] - strain[11]), 0.1) << "of little use: shear stresses are alike";
    EXPECT_EQ(largest(unused), 0.0) << name << ": the derivatives were zero";
  }
}

TEST(Gradient, DoesNotDependOnThreads)
{
  GraphStorage storage = clusters(23, 5);
  storage.append(crystals().view());
  const Potential potential = potential_of({16, 2, 6});
  const auto one = gradient_of(potential, storage.view(), Precision::double_precision, 1);
  const auto three = gradient_of(potential, storage.view(), Precision::double_precision, 3);
  for (std::size_t i = 0; i < one.size(); i++) EXPECT_NEAR(one[i], three[i], 1e-12 * largest(one));
  EXPECT_EQ(three, gradient_of(potential, storage.view(), Precision::double_precision, 3));
}

TEST(Gradient, SinglePrecision)
{
  GraphStorage storage = clusters(12, 5);
  storage.append(crystals().view());
  for (const auto &sizes : cases) {
    const Potential potential = potential_of(sizes);
    const auto full = gradient_of(potential, storage.view(), Precision::double_precision, 1);
    const auto single = gradient_of(potential, storage.view(), Precision::single_precision, 1);
    for (std::size_t i = 0; i < full.size(); i++)
      ASSERT_NEAR(single[i], full[i], 2e-5 * largest(full));
  }
}

TEST(Gradient, AddsAndTakesNewWeights)
{
  const GraphStorage storage = clusters(5, 5);
  const Graph graph = storage.view();
  const Potential potential = potential_of({16, 2, 6}),
                  other = random_potential({16, 2, 6}, {6, 8, 1}, cutoff, 9);
  EngineOptions options;
  options.precision = Precision::double_precision;
  const auto gradient = make_weight_gradient(other, options);
  const Loss loss(graph);
  std::vector<double> sum(flat_weights(potential).size(), 0.0);
  gradient->add_gradient(graph, std::cref(loss), sum);
  const auto before = sum;
  gradient->set_weights(flat_weights(potential));
  gradient->add_gradient(graph, std::cref(loss), sum);
  // scale and reference energies stay those of `other`
  Potential mixed = potential;
  for (const char *name : {"scale", "reference_energy"})
    mixed.tensors[name] = other.tensors.at(name);
  const auto expected = gradient_of(mixed, graph, Precision::double_precision, 1);
  for (std::size_t i = 0; i < sum.size(); i++)
    EXPECT_NEAR(sum[i] - before[i], expected[i], 1e-11 * (largest(expected) + largest(before)));
}

#ifdef MLFF_TORCH
TEST(Gradient, MatchesAutograd)
{
  GraphStorage storage = clusters(12, 5);
  storage.append(crystals().view());
  for (const auto &sizes : cases) {
    const Potential potential = potential_of(sizes);
    const auto host = gradient_of(potential, storage.view(), Precision::double_precision, 1);
    const auto torch =
        gradient_of(potential, storage.view(), Precision::double_precision, 1, "torch");
    for (std::size_t i = 0; i < host.size(); i++)
      ASSERT_NEAR(host[i], torch[i], 1e-10 * largest(torch)) << i << " F " << sizes.features;
  }
}

TEST(Gradient, MixedPrecisionPointsTheSameWay)
{
  const GraphStorage storage = clusters(12, 5);
  const Potential potential = potential_of({32, 2, 20});
  const auto full = gradient_of(potential, storage.view(), Precision::double_precision, 1);
  const auto mixed =
      gradient_of(potential, storage.view(), Precision::single_precision, 1, "torch", true);
  double product = 0.0, a = 0.0, b = 0.0, difference = 0.0;
  for (std::size_t i = 0; i < full.size(); i++) {
    product += full[i] * mixed[i];
    a += full[i] * full[i];
    b += mixed[i] * mixed[i];
    difference += std::abs(full[i] - mixed[i]);
  }
  EXPECT_GT(product / std::sqrt(a * b), 0.99);
  EXPECT_GT(difference, 1e-4 * std::sqrt(a));    // bfloat16 was used
}

TEST(Gradient, JacobianRows)
{
  const GraphStorage storage = clusters(5, 5);
  const Graph graph = storage.view();
  const Potential potential = potential_of({8, 2, 5});
  std::vector<int> component;
  for (int s = 0; s < graph.n_structures(); s++)
    component.push_back(3 * graph.first_atom[s] + s % 3);
  const std::size_t n = 3 * std::size_t(graph.n_centres());
  std::vector<double> target;
  Uniform uniform(4);
  for (std::size_t k = 0; k < n; k++) target.push_back(uniform());

  EngineOptions options;
  options.engine = "torch";
  options.precision = Precision::double_precision;
  std::vector<double> rows;
  const auto loss = [&](const double *row, double *bar) {
    rows.assign(row, row + n);
    for (std::size_t k = 0; k < n; k++) bar[k] = row[k] - target[k];
  };
  const auto weights = flat_weights(potential);
  std::vector<double> gradient(weights.size(), 0.0), unused(weights.size());
  const auto engine = make_weight_gradient(potential, options);
  engine->add_jacobian_gradient(graph, component, loss, gradient);

  // rows against differences of the forces of the host engine: dF_k/dx_j = dF_j/dx_k
  const auto host = make_engine(potential, {"host", Precision::double_precision});
  const auto forces = [&](double step) {
    GraphStorage moved = storage;
    for (int i = 0; i < graph.n_centres(); i++)
      for (int e = graph.first_edge[i]; e < graph.first_edge[i + 1]; e++)
        for (const int k : component) {
          if (k / 3 == graph.neighbor[e]) moved.r[3 * e + k % 3] += step;
          if (k / 3 == i) moved.r[3 * e + k % 3] -= step;
        }
    Result result;
    std::vector<double> f;
    host->evaluate(moved.view(), result);
    sum_forces(moved.view(), result, f);
    return f;
  };
  const auto up = forces(1e-4), down = forces(-1e-4);
  const auto at_start = rows;
  for (std::size_t k = 0; k < n; k++)
    EXPECT_NEAR(rows[k], (up[k] - down[k]) / 2e-4, 1e-5 * (1 + std::abs(rows[k])));

  // derivative of the loss against its differences
  const auto value = [&](const std::vector<double> &w) {
    engine->set_weights(w);
    engine->add_jacobian_gradient(graph, component, loss, unused);
    double sum = 0.0;
    for (std::size_t k = 0; k < n; k++) sum += 0.5 * (rows[k] - target[k]) * (rows[k] - target[k]);
    return sum;
  };
  for (std::size_t i = 0; i < weights.size(); i += 1 + weights.size() / 40) {
    auto more = weights, less = weights;
    more[i] += 1e-5;
    less[i] -= 1e-5;
    const double difference = (value(more) - value(less)) / 2e-5;
    EXPECT_NEAR(gradient[i], difference, 1e-5 * (1 + std::abs(difference))) << i;
  }
  const auto on_host = make_weight_gradient(potential, {"host"});
  EXPECT_THROW(on_host->add_jacobian_gradient(graph, component, loss, unused), EngineError);
}
#endif

TEST(Gradient, Errors)
{
  const Potential potential = potential_of({8, 1, 5});
  EXPECT_THROW(make_weight_gradient(potential, {"kokkos"}), EngineError);
  EXPECT_THROW(make_weight_gradient(potential, {"host"}, true), EngineError);
}
