// Engines against an independent evaluation, finite differences and the symmetries of nature; one
// list for every engine of the build.
#include "engine/make_engine.h"
#include "support/painn_reference.h"
#include "support/random_potential.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>
#include <numeric>

// every allocation of this program and of the libraries it loads
static std::atomic<long> allocations = 0;
static void *counted(std::size_t n, std::size_t alignment)
{
  allocations++;
  void *p = alignment ? std::aligned_alloc(alignment, (n + alignment - 1) / alignment * alignment)
                      : std::malloc(n ? n : 1);
  if (!p) throw std::bad_alloc();
  return p;
}
void *operator new(std::size_t n)
{
  return counted(n, 0);
}
void *operator new(std::size_t n, std::align_val_t alignment)
{
  return counted(n, std::size_t(alignment));
}
void operator delete(void *p) noexcept
{
  std::free(p);
}
void operator delete(void *p, std::size_t) noexcept
{
  std::free(p);
}
void operator delete(void *p, std::align_val_t) noexcept
{
  std::free(p);
}
void operator delete(void *p, std::size_t, std::align_val_t) noexcept
{
  std::free(p);
}

using namespace mlff;
using mlff_test::random_potential;
using mlff_test::random_structure;

namespace {

struct Evaluated {
  double energy;
  std::vector<double> atom_energy, forces;
  std::array<double, 9> virial;    // -sum r g
};

Evaluated evaluate(Engine &engine, const Potential &potential, const Structure &structure)
{
  GraphStorage graph;
  append_graph(structure, potential.elements, potential.cutoff, graph);
  Result result;
  engine.evaluate(graph.view(), result);
  Evaluated out{result.energy[0], result.atom_energy, {}, {}};
  sum_forces(graph.view(), result, out.forces);
  for (std::size_t e = 0; e < graph.neighbor.size(); e++)
    for (int a = 0; a < 3; a++)
      for (int b = 0; b < 3; b++)
        out.virial[3 * a + b] -= graph.r[3 * e + a] * result.gradient[3 * e + b];
  return out;
}

double largest(const std::vector<double> &values)
{
  double m = 0.0;
  for (const double x : values) m = std::max(m, std::abs(x));
  return m;
}

double largest_difference(const std::vector<double> &a, const std::vector<double> &b)
{
  EXPECT_EQ(a.size(), b.size());
  double m = 0.0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); i++)
    m = std::max(m, std::abs(a[i] - b[i]));
  return m;
}

const std::array<double, 9> triclinic = {6.1, 0, 0, 1.3, 5.7, 0, -0.9, 1.1, 6.6};

class EngineTest : public testing::TestWithParam<std::tuple<std::string, Precision>> {
 protected:
  Potential potential = random_potential();
  std::unique_ptr<Engine> engine = make(potential);
  bool single() const { return std::get<1>(GetParam()) == Precision::single_precision; }
  /// tolerance on a quantity of the size given
  double tolerance(double size = 1.0) const
  {
    return std::max(1.0, size) * (single() ? 1e-5 : 1e-10);
  }

  static std::unique_ptr<Engine> make(const Potential &potential)
  {
    return make_engine(potential, {std::get<0>(GetParam()), std::get<1>(GetParam()), 1, "cpu"});
  }
};

TEST_P(EngineTest, EqualsIndependentEvaluation)
{
  for (const PainnSizes sizes : {PainnSizes{8, 1, 5}, PainnSizes{8, 2, 6},
                                 PainnSizes{12, 3, 9, 1e-2}, PainnSizes{32, 2, 20}}) {
    const Potential other = random_potential(sizes, {6, 8, 1}, 4.0, 7);
    const auto any = make(other);
    GraphStorage graph;
    append_graph(random_structure(11, 3, triclinic, {true, true, true}), other.elements,
                 other.cutoff, graph);
    append_graph(random_structure(7, 4), other.elements, other.cutoff, graph);
    Result result;
    any->evaluate(graph.view(), result);
    const auto expected = mlff_test::reference_energies(other, graph.view());
    EXPECT_LT(largest_difference(result.atom_energy, expected), single() ? 2e-4 : 1e-9)
        << "F" << sizes.features << " L" << sizes.layers;
  }
}

TEST_P(EngineTest, GradientEqualsFiniteDifferences)
{
  if (single())
    // differences of single-precision energies prove nothing; agreement with double is tested below
    return;
  const double h = 1e-4;
  for (const bool periodic : {false, true}) {
    Structure structure = random_structure(8, 11, periodic ? triclinic : std::array<double, 9>{},
                                           {periodic, periodic, periodic});
    const auto base = evaluate(*engine, potential, structure);
    ASSERT_GT(largest(base.forces), 1e-2);
    for (std::size_t k = 0; k < structure.positions.size(); k++) {
      // fourth-order central difference
      const double x = structure.positions[k];
      double slope = 0.0;
      for (const auto &[step, factor] : {std::pair{1, 8.0}, {-1, -8.0}, {2, -1.0}, {-2, 1.0}}) {
        structure.positions[k] = x + step * h;
        slope += factor * evaluate(*engine, potential, structure).energy / (12.0 * h);
      }
      structure.positions[k] = x;
      EXPECT_NEAR(-slope, base.forces[k], 1e-7 * std::max(1.0, largest(base.forces)))
          << (periodic ? "periodic" : "open") << " coordinate " << k;
    }
  }
}

TEST_P(EngineTest, VirialEqualsStrainDerivative)
{
  if (single()) return;
  const double h = 1e-4;
  const Structure structure = random_structure(9, 21, triclinic, {true, true, true});
  const auto base = evaluate(*engine, potential, structure);
  for (int a = 0; a < 3; a++)
    for (int b = 0; b < 3; b++) {
      double slope = 0.0;
      for (const auto &[step, factor] : {std::pair{1, 8.0}, {-1, -8.0}, {2, -1.0}, {-2, 1.0}}) {
        Structure strained = structure;
        for (int i = 0; i < strained.n_atoms(); i++)
          strained.positions[3 * i + a] += step * h * structure.positions[3 * i + b];
        for (int row = 0; row < 3; row++)
          strained.cell[3 * row + a] += step * h * structure.cell[3 * row + b];
        slope += factor * evaluate(*engine, potential, strained).energy / (12.0 * h);
      }
      EXPECT_NEAR(-slope, base.virial[3 * b + a], 1e-8 * std::max(1.0, std::abs(slope) * 10))
          << a << b;
    }
}

TEST_P(EngineTest, RotationTranslationPermutation)
{
  const Structure structure = random_structure(13, 5);
  const auto base = evaluate(*engine, potential, structure);
  const int n = structure.n_atoms();

  // an improper rotation, a shift and another order
  const double c1 = std::cos(0.7), s1 = std::sin(0.7), c2 = std::cos(2.1), s2 = std::sin(2.1);
  const double R[3][3] = {{c1, -s1 * c2, s1 * s2}, {s1, c1 * c2, -c1 * s2}, {0, -s2, -c2}};
  std::vector<int> order(n);
  std::iota(order.begin(), order.end(), 0);
  std::reverse(order.begin() + 1, order.end());
  Structure moved = structure;
  std::vector<double> expected(3 * n, 0.0), energies(n);
  for (int i = 0; i < n; i++) {
    moved.numbers[i] = structure.numbers[order[i]];
    energies[i] = base.atom_energy[order[i]];
    for (int a = 0; a < 3; a++) {
      moved.positions[3 * i + a] = 3.5 - a;
      for (int b = 0; b < 3; b++) {
        moved.positions[3 * i + a] += R[a][b] * structure.positions[3 * order[i] + b];
        expected[3 * i + a] += R[a][b] * base.forces[3 * order[i] + b];
      }
    }
  }
  const auto other = evaluate(*engine, potential, moved);
  EXPECT_LT(largest_difference(other.atom_energy, energies), tolerance(largest(energies)));
  EXPECT_LT(largest_difference(other.forces, expected), tolerance(largest(expected)));

  // no net force, no net torque
  for (int a = 0; a < 3; a++) {
    double force = 0.0, torque = 0.0;
    for (int i = 0; i < n; i++) {
      force += base.forces[3 * i + a];
      const int b = (a + 1) % 3, c = (a + 2) % 3;
      torque += structure.positions[3 * i + b] * base.forces[3 * i + c] -
          structure.positions[3 * i + c] * base.forces[3 * i + b];
    }
    EXPECT_NEAR(force, 0.0, tolerance(10.0 * largest(base.forces)));
    EXPECT_NEAR(torque, 0.0, tolerance(100.0 * largest(base.forces)));
  }
}

TEST_P(EngineTest, ContinuousAtTheCutoff)
{
  // two atoms pass the cutoff: energy and force of the pair go to zero without a step
  Structure pair;
  pair.numbers = {6, 8};
  const auto at = [&](double d) {
    pair.positions = {0, 0, 0, d * 0.6, d * 0.8, 0};
    return evaluate(*engine, potential, pair);
  };
  const auto outside = at(potential.cutoff + 1e-6), far = at(50.0),
             inside = at(potential.cutoff - 1e-6);
  EXPECT_EQ(outside.energy, far.energy);
  EXPECT_NEAR(inside.energy, outside.energy, single() ? 1e-5 : 1e-10);
  EXPECT_LT(largest(inside.forces), 1e-5);
  EXPECT_EQ(largest(outside.forces), 0.0);
  EXPECT_GT(largest(at(0.7 * potential.cutoff).forces), 1e-3);
  EXPECT_NEAR(at(potential.cutoff - 0.02).energy, outside.energy, 1e-3);
}

TEST_P(EngineTest, IsolatedAtomGivesReferenceAndReadout)
{
  Structure atom;
  atom.numbers = {8};
  atom.positions = {1, 2, 3};
  const auto out = evaluate(*engine, potential, atom);
  GraphStorage graph;
  append_graph(atom, potential.elements, potential.cutoff, graph);
  EXPECT_NEAR(out.energy, mlff_test::reference_energies(potential, graph.view())[0],
              single() ? 1e-5 : 1e-12);
  EXPECT_EQ(out.forces, std::vector<double>(3, 0.0));
}

TEST_P(EngineTest, BatchEqualsSingle)
{
  GraphStorage graph;
  std::vector<Evaluated> alone;
  std::vector<int> sizes = {1, 9, 2, 40, 3, 9};
  for (std::size_t s = 0; s < sizes.size(); s++) {
    const Structure structure = s == 3
        ? random_structure(sizes[s], 30, {8, 0, 0, 0, 8, 0, 0, 0, 8}, {true, true, false})
        : random_structure(sizes[s], 30 + unsigned(s));
    alone.push_back(evaluate(*engine, potential, structure));
    // one by one into a graph of its own first: append must shift every index
    GraphStorage one;
    append_graph(structure, potential.elements, potential.cutoff, one);
    graph.append(one.view());
  }
  Result result;
  engine->evaluate(graph.view(), result);
  std::vector<double> forces;
  sum_forces(graph.view(), result, forces);
  ASSERT_EQ(result.energy.size(), sizes.size());
  for (std::size_t s = 0; s < sizes.size(); s++) {
    EXPECT_NEAR(result.energy[s], alone[s].energy, tolerance(std::abs(alone[s].energy)));
    const std::vector<double> part(forces.begin() + 3 * graph.first_atom[s],
                                   forces.begin() + 3 * graph.first_atom[s + 1]);
    EXPECT_LT(largest_difference(part, alone[s].forces), tolerance(largest(part)));
    // the host engine's sums do not depend on the partners at all
    if (std::get<0>(GetParam()) == "host") {
      EXPECT_EQ(result.energy[s], alone[s].energy);
      EXPECT_EQ(part, alone[s].forces);
    }
  }
}

TEST_P(EngineTest, EmptyGraphs)
{
  Result result;
  GraphStorage graph;
  engine->evaluate(graph.view(), result);    // no structure
  EXPECT_TRUE(result.energy.empty());
  graph.first_atom.push_back(0);
  engine->evaluate(graph.view(), result);    // one structure without atoms
  EXPECT_EQ(result.energy, std::vector<double>{0.0});
  EXPECT_TRUE(result.gradient.empty());
}

TEST_P(EngineTest, SingleAgreesWithDouble)
{
  const Structure structure = random_structure(20, 8, triclinic, {true, true, true});
  const auto exact =
      make_engine(potential, {std::get<0>(GetParam()), Precision::double_precision, 1, "cpu"});
  const auto a = evaluate(*engine, potential, structure),
             b = evaluate(*exact, potential, structure);
  EXPECT_NEAR(a.energy, b.energy, single() ? 1e-4 : 0.0);
  EXPECT_LT(largest_difference(a.forces, b.forces), single() ? 1e-4 * largest(b.forces) : 1e-300);
  if (single()) {
    EXPECT_NE(a.energy, b.energy);    // otherwise the word precision does nothing
  }
}

TEST_P(EngineTest, ThreadsDoNotChangeTheResult)
{
  const Structure structure = random_structure(120, 9);
  const auto several =
      make_engine(potential, {std::get<0>(GetParam()), std::get<1>(GetParam()), 3, "cpu"});
  const auto a = evaluate(*engine, potential, structure),
             b = evaluate(*several, potential, structure);
  EXPECT_LT(largest_difference(a.forces, b.forces), tolerance(largest(a.forces)));
  if (std::get<0>(GetParam()) == "host") {
    EXPECT_EQ(a.forces, b.forces);
    EXPECT_EQ(a.atom_energy, b.atom_energy);
  }
}

TEST_P(EngineTest, AllocatesNothingOnceWarm)
{
  if (std::get<0>(GetParam()) != "host") return;
  GraphStorage large, small;
  append_graph(random_structure(40, 5), potential.elements, potential.cutoff, large);
  append_graph(random_structure(12, 6), potential.elements, potential.cutoff, small);
  Result result;
  engine->evaluate(large.view(), result);
  const long before = allocations;
  for (int k = 0; k < 5; k++) {
    engine->evaluate(small.view(), result);
    engine->evaluate(large.view(), result);
  }
  EXPECT_EQ(allocations, before);
  const auto fresh = make(potential);
  EXPECT_GT(allocations, before);    // otherwise nothing is counted
}

TEST_P(EngineTest, SplineFilterErrorIsAsDocumented)
{
  if (std::get<0>(GetParam()) != "host" || single()) return;
  const Potential other = random_potential({32, 2, 20}, {6, 8, 1}, 5.0, 3);
  const Structure structure = random_structure(30, 8, triclinic, {true, true, true});
  const auto spline =
      make_engine(other, {"host", Precision::double_precision, 1, "cpu", Filter::spline});
  const auto exact =
      make_engine(other, {"host", Precision::double_precision, 1, "cpu", Filter::automatic});
  EXPECT_NE(spline->description().find("spline filter"), std::string::npos);
  EXPECT_NE(exact->description().find("exact filter"), std::string::npos);
  const auto a = evaluate(*spline, other, structure), b = evaluate(*exact, other, structure);
  const double difference = largest_difference(a.forces, b.forces);
  EXPECT_LT(difference, 1e-6 * largest(b.forces));
  EXPECT_GT(difference, 0.0);
  std::printf("spline filter: largest relative force error %.1e\n", difference / largest(b.forces));
}

TEST_P(EngineTest, RefusesEnergiesThatAreNotFinite)
{
  Structure far_out;
  far_out.numbers = {6, 6};
  far_out.positions = {0, 0, 0, 1, 0, 0};
  GraphStorage graph;
  append_graph(random_structure(4, 2), potential.elements, potential.cutoff, graph);
  append_graph(far_out, potential.elements, potential.cutoff, graph);
  std::fill(graph.r.end() - 6, graph.r.end(), 0.0);    // two atoms at the same position
  Result result;
  try {
    engine->evaluate(graph.view(), result);
    FAIL() << "no error";
  } catch (const EngineError &error) {
    EXPECT_NE(std::string(error.what()).find("structure 2 is not finite"), std::string::npos)
        << error.what();
  }
}

TEST_P(EngineTest, RefusesGhostsWithoutExchange)
{
  GraphStorage graph;
  append_graph(random_structure(4, 2), potential.elements, potential.cutoff, graph);
  graph.species.push_back(0);
  Result result;
  EXPECT_THROW(engine->evaluate(graph.view(), result), EngineError);
}

std::vector<std::tuple<std::string, Precision>> every_engine()
{
  std::vector<std::tuple<std::string, Precision>> list;
  for (const auto &name : available_engines())
    for (const auto precision : {Precision::single_precision, Precision::double_precision})
      list.emplace_back(name, precision);
  return list;
}

INSTANTIATE_TEST_SUITE_P(Engines, EngineTest, testing::ValuesIn(every_engine()),
                         [](const auto &info) {
                           return std::get<0>(info.param) +
                               (std::get<1>(info.param) == Precision::single_precision ? "_single"
                                                                                       : "_double");
                         });

TEST(MakeEngine, NamesWhatIsMissing)
{
  const Potential potential = random_potential();
  for (const auto &[options, words] :
       {std::pair{EngineOptions{"tensorflow", Precision::single_precision, 0, "auto"},
                  "engine 'tensorflow' is not in this build; it has: "},
#ifdef MLFF_TORCH
        {EngineOptions{"torch", Precision::single_precision, 0, "tpu"},
         "unknown device 'tpu'; accepted: auto, cpu, cuda"},
#endif
        {EngineOptions{"", Precision::single_precision, 0, "auto"},
         "engine '' is not in this build"}}) {
    try {
      make_engine(potential, options);
      FAIL() << "no error for engine '" << options.engine << "'";
    } catch (const EngineError &error) {
      EXPECT_NE(std::string(error.what()).find(words), std::string::npos) << error.what();
    }
  }
  EXPECT_THROW(precision_of("half"), EngineError);
  EXPECT_THROW(filter_of("linear"), EngineError);
}

}    // namespace
