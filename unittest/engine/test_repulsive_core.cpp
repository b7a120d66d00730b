// The repulsive core of a potential: its formula, and engines and weight gradients with it against
// differences and against each other.
#include "engine/repulsion/core_pairs.h"

#include "engine/ensemble.h"
#include "engine/make_engine.h"
#include "engine/make_gradient.h"
#include "structure/stress.h"
#include "support/long_range_cases.h"
#include "support/random_potential.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace mlff;
using mlff_test::largest_difference;
using mlff_test::random_potential;
using mlff_test::random_structure;

namespace {

const std::vector<int> elements = {6, 8, 1};

Potential small_potential()
{
  return random_potential({8, 2, 6, 1e-2});
}

Potential with_default_core(Potential potential)
{
  potential.core = covalent_cores(potential.elements);
  return potential;
}

Potential without_core(Potential potential)
{
  potential.core.clear();
  return potential;
}

EngineOptions options(const std::string &engine)
{
  return {engine, Precision::double_precision, 1, "cpu", Filter::exact};
}

GraphStorage graph_of(const std::vector<Structure> &structures, double cutoff = 4.0)
{
  GraphStorage graph;
  for (const auto &structure : structures) append_graph(structure, elements, cutoff, graph);
  return graph;
}

Structure pair_of(int number, int other, double d)
{
  Structure structure;
  structure.numbers = {number, other};
  structure.positions = {0.1, -0.2, 0.3, 0.1 + d * 2 / 3, -0.2 + d / 3, 0.3 - d * 2 / 3};
  return structure;
}

/// A structure with more room between its atoms: no two are within a core.
Structure widened(Structure structure)
{
  for (double &x : structure.positions) x *= 1.2;
  for (double &x : structure.cell) x *= 1.2;
  return structure;
}

/// Structures, all but the second of them with atoms that are nearer than the outer radii, and some
/// also than the inner ones.
std::vector<Structure> close_structures()
{
  std::vector<Structure> list = {
      random_structure(9, 3), widened(random_structure(6, 5)),
      random_structure(7, 4, {5.6, 0.3, -0.2, 1.1, 5.3, 0.4, -0.7, 0.9, 5.9}, {true, true, true}),
      random_structure(5, 8)};
  const auto bring = [](Structure &structure, int i, int j, double d) {
    const double u[3] = {2.0 / 3, 1.0 / 3, -2.0 / 3};
    for (int a = 0; a < 3; a++)
      structure.positions[3 * j + a] = structure.positions[3 * i + a] + d * u[a];
  };
  bring(list[0], 0, 1, 0.5);
  bring(list[0], 4, 7, 0.8);
  bring(list[0], 2, 5, 0.38);
  bring(list[2], 1, 3, 0.7);
  bring(list[2], 0, 4, 0.85);
  bring(list[3], 0, 2, 0.6);
  return list;
}

double energy_of(Engine &engine, const Structure &structure)
{
  Result result;
  engine.evaluate(graph_of({structure}).view(), result);
  return result.energy[0];
}

double largest(const std::vector<double> &values)
{
  double most = 0.0;
  for (const double x : values) most = std::max(most, std::abs(x));
  return most;
}

}    // namespace

// Numbers of the formula, worked out with the constants of the book in units of LAMMPS.
TEST(RepulsiveCore, IsTheUniversalPotential)
{
  Potential potential = random_potential();
  potential.core.assign(9, {0.9, 1.0});
  const auto pairs = core_pairs(potential);
  for (const auto &[k, z1, z2] : {std::tuple{0, 6, 6}, {1, 6, 8}, {5, 8, 1}, {8, 1, 1}})
    for (const double d : {0.1, 0.3, 0.6}) {
      const double a = 0.46850 / (std::pow(z1, 0.23) + std::pow(z2, 0.23)), x = d / a,
                   phi = 0.18175 * std::exp(-3.19980 * x) + 0.50986 * std::exp(-0.94229 * x) +
          0.28022 * std::exp(-0.40290 * x) + 0.02817 * std::exp(-0.20162 * x);
      const double expected = 14.3996454 * z1 * z2 / d * phi;
      EXPECT_NEAR(screened_repulsion(pairs[k], d).value, expected, 1e-6 * expected)
          << k << " " << d;
      // below the inner radius the switching function is a constant
      EXPECT_DOUBLE_EQ(core_energy(pairs[k], d).slope, screened_repulsion(pairs[k], d).slope);
      EXPECT_NEAR(core_energy(pairs[k], d).value - screened_repulsion(pairs[k], d).value,
                  pairs[k].C, 1e-12 * expected);
    }
}

TEST(RepulsiveCore, HasDerivativesThatEndSmoothly)
{
  const auto pairs = core_pairs(with_default_core(small_potential()));
  ASSERT_EQ(pairs.size(), 9u);
  for (const auto &pair : pairs) {
    const double scale = core_energy(pair, pair.inner).value;
    for (double d = 0.5 * pair.inner; d < pair.outer; d += 0.0371 * pair.outer) {
      const double h = 1e-4 * d;
      const auto at = [&](double x) {
        return core_energy(pair, x);
      };
      if (std::abs(d - pair.inner) > 3 * h && d + 2 * h < pair.outer) {
        const auto slope = [&](auto member) {
          return (8 * (at(d + h).*member - at(d - h).*member) -
                  (at(d + 2 * h).*member - at(d - 2 * h).*member)) /
              (12 * h);
        };
        EXPECT_NEAR(at(d).slope, slope(&PairEnergy::value), 1e-8 * (scale + std::abs(at(d).slope)));
        EXPECT_NEAR(at(d).curvature, slope(&PairEnergy::slope),
                    1e-8 * (scale + std::abs(at(d).curvature)));
      }
      EXPECT_GT(at(d).value, 0.0) << d;
      EXPECT_LT(at(d).slope, 0.0) << d;
    }
    const double before = pair.inner * (1 - 1e-12), behind = pair.inner * (1 + 1e-12);
    EXPECT_NEAR(core_energy(pair, before).value, core_energy(pair, behind).value, 1e-9 * scale);
    EXPECT_NEAR(core_energy(pair, before).curvature, core_energy(pair, behind).curvature,
                1e-8 * std::abs(core_energy(pair, behind).curvature));
    const PairEnergy end = core_energy(pair, pair.outer);
    EXPECT_NEAR(end.value, 0.0, 1e-12 * screened_repulsion(pair, pair.outer).value);
    EXPECT_NEAR(end.slope, 0.0, 1e-12 * std::abs(screened_repulsion(pair, pair.outer).slope));
    EXPECT_NEAR(end.curvature, 0.0, 1e-11 * screened_repulsion(pair, pair.outer).curvature);
  }
}

TEST(RepulsiveCore, KeepsAtomsOfEveryPairApart)
{
  for (const auto &name : available_engines())
    for (const unsigned seed : {1u, 2u, 3u}) {
      const Potential potential =
          with_default_core(random_potential({8, 2, 6}, elements, 4.0, seed));
      const auto engine = make_engine(potential, options(name));
      for (const int one : elements)
        for (const int other : elements) {
          const double h = 1e-3,
                       slope = (energy_of(*engine, pair_of(one, other, 0.3 + h)) -
                                energy_of(*engine, pair_of(one, other, 0.3 - h))) /
              (2 * h);
          EXPECT_LT(slope, -20.0) << name << " " << one << "-" << other;
          // the energy has no step where the core begins
          const double outer = covalent_core(one, other).outer;
          EXPECT_NEAR(energy_of(*engine, pair_of(one, other, outer - 1e-7)),
                      energy_of(*engine, pair_of(one, other, outer + 1e-7)), 1e-5);
        }
    }
}

TEST(RepulsiveCore, IsAddedToTheNetworkByAllEngines)
{
  const Potential potential = with_default_core(small_potential());
  const GraphStorage storage = graph_of(close_structures());
  const Graph graph = storage.view();
  Result first;
  std::vector<double> first_forces;
  for (const auto &name : available_engines()) {
    Result whole, network, core;
    make_engine(potential, options(name))->evaluate(graph, whole);
    make_engine(without_core(potential), options(name))->evaluate(graph, network);
    begin_result(graph, core);
    std::fill(core.atom_energy.begin(), core.atom_energy.end(), 0.0);
    EXPECT_TRUE(CorePairs(potential).add(graph, core));
    sum_energies(graph, core);
    EXPECT_GT(core.energy[0], 10.0);
    EXPECT_EQ(core.energy[1], 0.0) << "no pair of this structure is near";
    for (std::size_t s = 0; s < whole.energy.size(); s++)
      EXPECT_NEAR(whole.energy[s], network.energy[s] + core.energy[s],
                  1e-10 * std::abs(whole.energy[s]));
    EXPECT_EQ(whole.energy[1], network.energy[1]) << "the core changed what it does not reach";
    for (std::size_t k = 0; k < whole.gradient.size(); k++)
      EXPECT_NEAR(whole.gradient[k], network.gradient[k] + core.gradient[k],
                  1e-10 * (1 + std::abs(core.gradient[k])));
    std::vector<double> forces;
    sum_forces(graph, whole, forces);
    if (first.energy.empty()) {
      first = whole;
      first_forces = forces;
    }
    EXPECT_LT(largest_difference(whole.energy, first.energy), 1e-10 * largest(first.energy))
        << name;
    EXPECT_LT(largest_difference(forces, first_forces), 1e-10 * largest(first_forces)) << name;
  }
}

TEST(RepulsiveCore, GivesForcesOfItsEnergy)
{
  const Potential potential = with_default_core(small_potential());
  for (const auto &name : available_engines()) {
    const auto engine = make_engine(potential, options(name));
    for (const auto &structure : close_structures()) {
      const GraphStorage storage = graph_of({structure});
      Result result;
      std::vector<double> forces;
      engine->evaluate(storage.view(), result);
      sum_forces(storage.view(), result, forces);
      for (std::size_t k = 0; k < forces.size(); k++) {
        const auto at = [&](double step) {
          Structure moved = structure;
          moved.positions[k] += step;
          return energy_of(*engine, moved);
        };
        const double h = 2e-4,
                     force = -(8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
        EXPECT_NEAR(forces[k], force, 1e-6 * std::max(1.0, largest(forces))) << name << " " << k;
      }
    }
  }
}

// The bits of a structure's result must not depend on what is evaluated with it.
TEST(RepulsiveCore, HasTheSameBitsInEveryBatch)
{
  const auto structures = close_structures();
  const auto engine = make_engine(with_default_core(small_potential()), options("host"));
  const GraphStorage together = graph_of(structures);
  Result all, one;
  engine->evaluate(together.view(), all);
  for (std::size_t s = 0; s < structures.size(); s++) {
    engine->evaluate(graph_of({structures[s]}).view(), one);
    EXPECT_EQ(all.energy[s], one.energy[0]) << s;
    const std::size_t edge =
        3 * std::size_t(together.first_edge[std::size_t(together.first_atom[s])]);
    for (std::size_t k = 0; k < one.gradient.size(); k++)
      ASSERT_EQ(all.gradient[edge + k], one.gradient[k]) << s << " " << k;
  }
}

TEST(RepulsiveCore, WorksInCommitteesAndWithALongRangeBlock)
{
  const auto structures = close_structures();
  const GraphStorage storage = graph_of({structures[0], structures[3]});
  // members with other orders of elements, of which one has no core
  const std::vector<Potential> members = {
      with_default_core(random_potential({8, 2, 6}, {6, 8, 1}, 4.0, 1)),
      with_default_core(random_potential({8, 1, 5}, {1, 7, 8, 6}, 3.5, 2)),
      random_potential({8, 2, 6}, {8, 6, 1}, 4.0, 3)};
  Ensemble committee(members, options("host"), {"a", "b", "c"});
  Result mean, bare;
  committee.evaluate(storage.view(), mean);
  Ensemble without({without_core(members[0]), without_core(members[1]), members[2]},
                   options("host"), {"a", "b", "c"});
  without.evaluate(storage.view(), bare);
  Result core;
  begin_result(storage.view(), core);
  std::fill(core.atom_energy.begin(), core.atom_energy.end(), 0.0);
  CorePairs(members[0]).add(storage.view(), core);
  sum_energies(storage.view(), core);
  for (int s = 0; s < 2; s++)
    EXPECT_NEAR(mean.energy[s] - bare.energy[s], 2.0 / 3.0 * core.energy[s], 1e-9 * core.energy[s]);

  const LongRangeSizes block = mlff_test::sizes_of(1);
  const Potential far = with_default_core(random_potential({8, 2, 6}, elements, 4.0, 1, &block));
  Result with, network;
  make_engine(far, options("host"))->evaluate(storage.view(), with);
  make_engine(without_core(far), options("host"))->evaluate(storage.view(), network);
  for (int s = 0; s < 2; s++)
    EXPECT_NEAR(with.energy[s] - network.energy[s], core.energy[s], 1e-9 * core.energy[s]);
  EXPECT_EQ(with.position_gradient, network.position_gradient);
}

namespace {

/// L = sum of c_i E_i + G_k F_k + H_k F_k^2 / 2 + s_k S_k + t_k S_k^2 / 2, with numbers that depend
/// on the place alone; S are derivatives by strain.
struct Loss {
  const Graph graph;
  std::vector<double> c, G, H, s, t;

  explicit Loss(const Graph &graph) : graph(graph)
  {
    Uniform uniform(7);
    for (int i = 0; i < graph.n_centres(); i++) c.push_back(uniform());
    for (int k = 0; k < 3 * graph.n_centres(); k++) {
      G.push_back(uniform());
      H.push_back(0.01 * uniform());
    }
    for (int k = 0; k < 6 * graph.n_structures(); k++) {
      const bool periodic = graph.cell_of(k / 6);
      s.push_back(periodic ? uniform() : 0.0);
      t.push_back(periodic ? 0.01 * uniform() : 0.0);
    }
  }
  double value(const Potential &potential) const
  {
    Result result;
    std::vector<double> forces;
    make_engine(potential, options("host"))->evaluate(graph, result);
    sum_forces(graph, result, forces);
    double sum = 0.0;
    for (std::size_t i = 0; i < c.size(); i++) sum += c[i] * result.atom_energy[i];
    for (std::size_t k = 0; k < G.size(); k++)
      sum += G[k] * forces[k] + 0.5 * H[k] * forces[k] * forces[k];
    for (int structure = 0; structure < graph.n_structures(); structure++) {
      if (!graph.cell_of(structure)) continue;
      std::array<double, 9> strain{};
      add_strain_gradient(graph, result, structure, 1.0, strain);
      const auto six = six_components(strain);
      for (int k = 0; k < 6; k++)
        sum += s[6 * structure + k] * six[k] + 0.5 * t[6 * structure + k] * six[k] * six[k];
    }
    return sum;
  }
  void operator()(int first, int last, const LossArrays &arrays) const
  {
    for (int i = graph.first_atom[first]; i < graph.first_atom[last]; i++) {
      arrays.energy_bar[i] = c[i];
      for (int k = 3 * i; k < 3 * i + 3; k++) arrays.force_bar[k] = G[k] + H[k] * arrays.force[k];
    }
    for (int k = 6 * first; k < 6 * last; k++)
      arrays.strain_bar[k] = s[k] + t[k] * arrays.strain_gradient[k];
  }
};

std::vector<double> gradient_of(const Potential &potential, const Graph &graph,
                                const std::string &engine, int threads = 1)
{
  EngineOptions choices = options(engine);
  choices.threads = threads;
  std::vector<double> sum(flat_weights(potential).size(), 0.0);
  const Loss loss(graph);
  make_weight_gradient(potential, choices)->add_gradient(graph, std::cref(loss), sum);
  return sum;
}

}    // namespace

TEST(RepulsiveCore, IsPartOfWhatALossSees)
{
  const Potential potential = with_default_core(small_potential());
  const GraphStorage storage = graph_of(close_structures());
  const Loss loss(storage.view());
  const auto gradient = gradient_of(potential, storage.view(), "host");
  const auto weights = flat_weights(potential);
  for (const auto &slice : weight_slices(potential))
    for (std::size_t i = slice.offset; i < slice.offset + slice.size; i += 1 + slice.size / 4) {
      const auto at = [&](double step) {
        auto moved = weights;
        moved[i] += step;
        Potential other = potential;
        set_flat_weights(other, moved);
        return loss.value(other);
      };
      const double h = 1e-4,
                   difference = (8 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12 * h);
      EXPECT_NEAR(gradient[i], difference, 1e-5 * (1 + std::abs(difference)))
          << slice.name << " " << i - slice.offset;
    }
  const auto bare = gradient_of(without_core(potential), storage.view(), "host");
  EXPECT_GT(largest_difference(gradient, bare), 1e-3 * largest(gradient))
      << "of little use: the core does not change this gradient";
  for (const auto &name : available_engines())
    EXPECT_LT(largest_difference(gradient_of(potential, storage.view(), name), gradient),
              1e-10 * largest(gradient))
        << name;
  EXPECT_LT(largest_difference(gradient_of(potential, storage.view(), "host", 3), gradient),
            1e-11 * largest(gradient));
}

// Structures without a near pair train with the bits of a potential without core.
TEST(RepulsiveCore, LeavesTheGradientOfOtherStructuresAlone)
{
  const Potential potential = with_default_core(small_potential());
  const GraphStorage storage = graph_of(
      {widened(random_structure(6, 5)),
       widened(random_structure(7, 4, {5.6, 0, 0, 0, 5.3, 0, 0, 0, 5.9}, {true, true, true}))});
  for (std::size_t e = 0; e < storage.neighbor.size(); e++)
    ASSERT_GT(std::hypot(storage.r[3 * e], storage.r[3 * e + 1], storage.r[3 * e + 2]), 1.07);
  for (const auto &name : available_engines())
    EXPECT_EQ(gradient_of(potential, storage.view(), name),
              gradient_of(without_core(potential), storage.view(), name))
        << name;
}

#ifdef MLFF_TORCH
TEST(RepulsiveCore, IsPartOfJacobianRows)
{
  const Potential potential = with_default_core(small_potential());
  const auto structures = close_structures();
  const std::vector<Structure> open = {structures[0], structures[3]};
  const GraphStorage storage = graph_of(open);
  const int component[2] = {3 * 1 + 2, 3 * (structures[0].n_atoms() + 2) + 0};
  std::vector<double> found, unused(flat_weights(potential).size(), 0.0);
  make_weight_gradient(potential, options("torch"))
      ->add_jacobian_gradient(
          storage.view(), component,
          [&](const double *row, double *row_bar) {
            found.assign(row, row + 3 * storage.view().n_centres());
            std::fill(row_bar, row_bar + found.size(), 0.0);
          },
          unused);
  const auto engine = make_engine(potential, options("host"));
  std::size_t offset = 0;
  for (int s = 0; s < 2; s++) {
    const auto force_at = [&](std::size_t k, double step) {
      Structure moved = open[s];
      moved.positions[k] += step;
      const GraphStorage graph = graph_of({moved});
      Result result;
      std::vector<double> forces;
      engine->evaluate(graph.view(), result);
      sum_forces(graph.view(), result, forces);
      return forces[std::size_t(component[s]) - offset];
    };
    for (std::size_t k = 0; k < open[s].positions.size(); k++) {
      const double h = 1e-4,
                   slope = (8 * (force_at(k, h) - force_at(k, -h)) -
                            (force_at(k, 2 * h) - force_at(k, -2 * h))) /
          (12 * h);
      EXPECT_NEAR(found[offset + k], slope, 1e-5 * std::max(1.0, largest(found))) << s << " " << k;
    }
    offset += open[s].positions.size();
  }
}
#endif
