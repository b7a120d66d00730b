// Jump networks: symmetries, engines against each other, weight gradients, projections, potential
// files.
#include "engine/make_engine.h"
#include "models/jump/gradient/jump_gradient.h"
#include "models/jump/jump.h"

#include "core/units.h"
#include "engine/make_gradient.h"
#include "models/jump/jump_record.h"
#include "support/jump_states.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <mutex>

#include <unistd.h>

using namespace mlff;
using namespace mlff_test;

namespace {

struct Case {
  Precision precision;
  double tolerance;
};
const Case precisions[] = {{Precision::double_precision, 1e-10},
                           {Precision::single_precision, 1e-5}};

std::array<double, 3> angular_momentum(const std::vector<double> &mass,
                                       const std::vector<double> &x, const std::vector<double> &v)
{
  std::array<double, 3> centre = {}, L = {};
  double total = 0.0;
  for (std::size_t i = 0; i < mass.size(); i++) {
    total += mass[i];
    for (int a = 0; a < 3; a++) centre[a] += mass[i] * x[3 * i + a];
  }
  for (std::size_t i = 0; i < mass.size(); i++)
    for (int a = 0; a < 3; a++) {
      const int b = (a + 1) % 3, c = (a + 2) % 3;
      L[a] += mass[i] *
          ((x[3 * i + b] - centre[b] / total) * v[3 * i + c] -
           (x[3 * i + c] - centre[c] / total) * v[3 * i + b]);
    }
  return L;
}

}    // namespace

TEST(Jump, TurnsWithItsInput)
{
  const Potential potential = potential_of();
  const States all = states(5, 2);
  for (const auto &[precision, tolerance] : precisions)
    for (const bool mirror : {false, true}) {
      const Matrix R = rotation(0.7, -1.3, 2.1, mirror);
      States other = all;
      for (auto *list : {&other.x, &other.velocity, &other.force}) *list = turned(R, *list);
      const JumpResult expected = jump(potential, all, precision),
                       found = jump(potential, other, precision);
      expect_close(found, {turned(R, expected.displacement), turned(R, expected.velocity_change)},
                   tolerance, mirror ? "reflection" : "rotation");
    }
}

TEST(Jump, DependsOnEveryInput)
{
  const Potential potential = potential_of();
  const States all = states(2, 2);
  const JumpResult before = jump(potential, all);
  const auto differs = [&](const States &changed, double least) {
    const JumpResult after = jump(potential, changed);
    double difference = 0.0;
    for (int k = 0; k < 3 * all.sizes[0]; k++)
      difference = std::max(difference, std::abs(after.displacement[k] - before.displacement[k]));
    EXPECT_GT(difference, least);
  };
  for (auto list : {&States::x, &States::velocity, &States::force}) {
    States changed = all;
    (changed.*list)[4] += 0.1;
    differs(changed, 1e-6);
  }
  States changed = all;
  changed.stride[0] = 1;
  differs(changed, 1e-3);
}

TEST(Jump, DoesNotSeeTheFrame)
{
  const Potential potential = potential_of();
  const States all = states(5, 4);
  States other = all;
  for (std::size_t k = 0; k < other.x.size(); k++) {
    other.x[k] += 3.0 * double(k % 3) + 1.5;
    other.velocity[k] += 7.0 - double(k % 3);
  }
  for (const auto &[precision, tolerance] : precisions) {
    JumpResult expected = jump(potential, all, precision);
    int at = 0;
    for (std::size_t s = 0; s < all.sizes.size(); s++)
      for (int i = 0; i < 3 * all.sizes[s]; i++, at++)
        expected.displacement[at] += 1e-3 * strides[all.stride[s]] * (7.0 - double(at % 3));
    expect_close(jump(potential, other, precision), expected, tolerance, "frame");
  }
}

TEST(Jump, FollowsPermutations)
{
  const Potential potential = potential_of();
  const States all = states(1, 6);
  const int n = all.sizes[0];
  States other = all;
  for (int i = 0; i < n; i++) {
    const int from = (i * 4 + 3) % n;
    other.species[i] = all.species[from];
    other.mass[i] = all.mass[from];
    for (int a = 0; a < 3; a++) {
      other.x[3 * i + a] = all.x[3 * from + a];
      other.velocity[3 * i + a] = all.velocity[3 * from + a];
      other.force[3 * i + a] = all.force[3 * from + a];
    }
  }
  for (const auto &[precision, tolerance] : precisions) {
    const JumpResult straight = jump(potential, all, precision),
                     found = jump(potential, other, precision);
    JumpResult expected = straight;
    for (int i = 0; i < n; i++)
      for (int a = 0; a < 3; a++) {
        expected.displacement[3 * i + a] = straight.displacement[3 * ((i * 4 + 3) % n) + a];
        expected.velocity_change[3 * i + a] = straight.velocity_change[3 * ((i * 4 + 3) % n) + a];
      }
    expect_close(found, expected, tolerance, "permutation");
  }
}

TEST(Jump, BatchIsAsAlone)
{
  const Potential potential = potential_of();
  const States all = states(12, 8);
  for (const auto &[precision, tolerance] :
       {Case{Precision::double_precision, 1e-13}, Case{Precision::single_precision, 1e-6}}) {
    const JumpResult batch = jump(potential, all, precision);
    int at = 0;
    for (int s = 0; s < int(all.sizes.size()); s++) {
      const JumpResult alone = jump(potential, all.only(s), precision);
      for (int k = 0; k < 3 * all.sizes[s]; k++, at++) {
        ASSERT_NEAR(alone.displacement[k], batch.displacement[at],
                    tolerance * largest(batch.displacement));
        ASSERT_NEAR(alone.velocity_change[k], batch.velocity_change[at],
                    tolerance * largest(batch.velocity_change));
      }
    }
  }
}

TEST(Jump, SingleAndSplineAreNearDouble)
{
  for (const PainnSizes &sizes :
       {PainnSizes{8, 1, 6}, PainnSizes{20, 3, 7, 1e-2}, PainnSizes{32, 2, 20}}) {
    const Potential potential = potential_of(sizes);
    const States all = states(7, 9);
    const JumpResult exact = jump(potential, all);
    expect_close(jump(potential, all, Precision::single_precision, "host", Filter::exact), exact,
                 1e-5, "single");
    expect_close(jump(potential, all, Precision::single_precision), exact, 1e-5,
                 "single with spline");
    expect_close(jump(potential, all, Precision::double_precision, "host", Filter::spline), exact,
                 1e-6, "spline");
  }
}

TEST(Jump, ConservesMomentum)
{
  const States all = states(5, 10);
  const JumpResult result = jump(potential_of(), all);
  int at = 0;
  for (std::size_t s = 0; s < all.sizes.size(); s++) {
    for (int a = 0; a < 3; a++) {
      double before = 0.0, change = 0.0, moved = 0.0, scale = 0.0;
      for (int i = at; i < at + all.sizes[s]; i++) {
        before += all.mass[i] * all.velocity[3 * i + a];
        change += all.mass[i] * result.velocity_change[3 * i + a];
        moved += all.mass[i] * result.displacement[3 * i + a];
        scale += all.mass[i];
      }
      EXPECT_NEAR(change, 0.0, 1e-10 * scale);
      EXPECT_NEAR(moved, 1e-3 * strides[all.stride[s]] * before, 1e-12 * scale);
    }
    at += all.sizes[s];
  }
}

TEST(Jump, TargetsAreTheInverseOfFinish)
{
  const Potential potential = potential_of();
  const States all = states(5, 10);
  const GraphStorage graph = all.graph();
  const JumpResult known = jump(potential, all);
  const JumpVariables variables(potential);
  std::vector<double> u;
  JumpResult again;
  variables.targets(graph.view(), all.input(), known, u);
  variables.finish(graph.view(), all.input(), u, again);
  expect_close(again, known, 1e-12, "inverse");
}

TEST(Jump, Controls)
{
  const Potential potential = potential_of();
  const States all = states(5, 10);
  const GraphStorage graph = all.graph();
  JumpResult zero, ballistic, verlet, linear;
  control_jump(potential, JumpControl::zero, graph.view(), all.input(), zero);
  control_jump(potential, JumpControl::ballistic, graph.view(), all.input(), ballistic);
  control_jump(potential, JumpControl::verlet, graph.view(), all.input(), verlet);
  EXPECT_EQ(largest(zero.displacement), 0.0);
  EXPECT_EQ(largest(ballistic.velocity_change), 0.0);
  // the second structure has the longer stride
  const int k = 3 * all.sizes[0] + 1;
  const double T = 0.008,
               f = eV_in_amu_square_angstrom_per_square_ps * all.force[k] / all.mass[k / 3];
  EXPECT_NEAR(ballistic.displacement[k], T * all.velocity[k], 1e-15);
  EXPECT_NEAR(verlet.displacement[k], T * all.velocity[k] + 0.5 * T * T * f, 1e-12);
  EXPECT_NEAR(verlet.velocity_change[k], T * f, 1e-12);

  // the network whose readout is zero is the linear fit
  Potential silent = potential;
  for (const char *name : {"readout.1.weight", "readout.1.bias"})
    std::fill(silent.tensors[name].values.begin(), silent.tensors[name].values.end(), 0.0);
  control_jump(potential, JumpControl::linear, graph.view(), all.input(), linear);
  expect_close(jump(silent, all), linear, 1e-13, "linear");
  EXPECT_GT(largest(linear.displacement), 0.01);
}

TEST(Jump, AngularMomentum)
{
  const States all = states(4, 12);
  for (int s = 0; s < 4; s++) {
    const States one = all.only(s);
    const JumpResult result = jump(potential_of(), one);
    std::vector<double> x = one.x, v = one.velocity;
    for (std::size_t k = 0; k < x.size(); k++) {
      x[k] += result.displacement[k];
      v[k] += result.velocity_change[k];
    }
    const auto L = angular_momentum(one.mass, one.x, one.velocity),
               raw = angular_momentum(one.mass, x, v);
    const auto unprojected = v;
    restore_angular_momentum(one.mass, one.x, one.velocity, x, v);
    const auto after = angular_momentum(one.mass, x, v);
    for (int a = 0; a < 3 && one.sizes[0] > 2; a++) {
      EXPECT_GT(std::abs(raw[a] - L[a]), 1e-3);
      EXPECT_NEAR(after[a], L[a], 1e-9 * (1 + std::abs(L[a])));
    }
    EXPECT_TRUE(one.sizes[0] > 1 || v == unprojected);
    // the momentum stays
    for (int a = 0; a < 3; a++) {
      double change = 0.0;
      for (std::size_t i = 0; i < one.mass.size(); i++)
        change += one.mass[i] * (v[3 * i + a] - unprojected[3 * i + a]);
      EXPECT_NEAR(change, 0.0, 1e-9);
    }
  }
}

TEST(Jump, AngularMomentumOfLinearMolecules)
{
  // CO2 along an axis of no special direction: no moment of inertia about it, but a velocity that
  // seems to turn around it
  const double axis[3] = {0.48, 0.6, 0.64};
  const std::vector<double> mass = {12.0, 16.0, 16.0};
  std::vector<double> x, v = {0.3, -1.0, 0.2, 4.0, 2.0, -3.0, 1.0, 0.0, 5.0};
  for (const double place : {0.0, 1.16, -1.16})
    for (const double direction : axis) x.push_back(place * direction);
  const std::vector<double> x_start = x, v_start = {0.1, 0.2, -0.3, 0.0, 1.0, 0.0, -2.0, 0.0, 1.0};
  const auto L = angular_momentum(mass, x_start, v_start);
  restore_angular_momentum(mass, x_start, v_start, x, v);
  const auto after = angular_momentum(mass, x, v);
  for (int a = 0; a < 3; a++) {
    EXPECT_NEAR(after[a], L[a], 1e-9);
    EXPECT_LT(std::abs(v[a]), 10.0);
  }
}

TEST(Jump, Errors)
{
  const Potential potential = potential_of();
  const States all = states(2, 3);
  const auto message = [&](const Potential &p, const States &s,
                           const std::string &engine = "host") -> std::string {
    try {
      jump(p, s, Precision::double_precision, engine);
    } catch (const EngineError &error) {
      return error.what();
    }
    return "nothing";
  };
  States wrong = all;
  wrong.mass[2] *= 2.0;
  EXPECT_NE(message(potential, wrong).find("atom 3 has mass"), std::string::npos);
  wrong = all;
  wrong.stride[1] = 2;
  EXPECT_NE(
      message(potential, wrong).find("structure 2 asks for stride 2; this jump network has 2"),
      std::string::npos);
  wrong = all;
  wrong.velocity.pop_back();
  EXPECT_NE(message(potential, wrong).find("35 velocity components; expected 36"),
            std::string::npos);
  wrong = all;
  wrong.force[7] = std::nan("");
  EXPECT_NE(message(potential, wrong).find("not finite"), std::string::npos);
  wrong = all;
  for (int a = 0; a < 3; a++) wrong.x[3 + a] = wrong.x[a];
  EXPECT_NE(message(potential, wrong).find("atoms 1 and 2 are at the same position"),
            std::string::npos);
  EXPECT_NE(message(potential, all, "kokkos").find("'kokkos' is not in this build; it has: host"),
            std::string::npos);
  EXPECT_NE(message(random_potential(), all).find("is not a jump network"), std::string::npos);
  EXPECT_THROW(make_engine(potential), EngineError);
}

// ---- weight gradients

namespace {

/// L = sum of c u + b u^2 / 2 with numbers that depend on the component alone.
struct Loss {
  std::vector<double> c, b;
  const Graph graph;

  explicit Loss(const Graph &graph) : graph(graph)
  {
    Uniform uniform(7);
    for (int k = 0; k < 6 * graph.n_centres(); k++) {
      c.push_back(uniform());
      b.push_back(0.5 * uniform());
    }
  }
  double value(const std::vector<double> &u) const
  {
    double sum = 0.0;
    for (std::size_t k = 0; k < c.size(); k++) sum += c[k] * u[k] + 0.5 * b[k] * u[k] * u[k];
    return sum;
  }
  void operator()(int first, int last, const double *u, double *u_bar) const
  {
    for (int k = 6 * graph.first_atom[first]; k < 6 * graph.first_atom[last]; k++)
      u_bar[k] = c[k] + b[k] * u[k];
  }
};

std::vector<double> gradient_of(const Potential &potential, const States &all, Precision precision,
                                int threads, const std::string &engine = "host")
{
  EngineOptions options;
  options.engine = engine;
  options.precision = precision;
  options.threads = threads;
  options.device = "cpu";
  const GraphStorage storage = all.graph();
  std::vector<int> rows;
  std::vector<double> scaled, sum(flat_weights(potential).size(), 0.0);
  JumpVariables(potential).start(storage.view(), all.input(), rows, scaled);
  const Loss loss(storage.view());
  make_jump_gradient(potential, options)
      ->add_gradient(storage.view(), rows, scaled, std::cref(loss), sum);
  return sum;
}

const PainnSizes gradient_cases[] = {{8, 1, 5}, {16, 2, 6, 1e-2}, {20, 3, 7}, {32, 2, 20}};

}    // namespace

TEST(JumpGradient, MatchesDifferencesOfEveryTensor)
{
  const States all = states(6, 11);
  const GraphStorage storage = all.graph();
  const Potential potential = potential_of({8, 2, 5});
  const auto gradient = gradient_of(potential, all, Precision::double_precision, 1);
  const Loss loss(storage.view());
  // the engine gives changes; the targets of these, with momentum put back by nobody, are not the
  // network's own: so differences go through a gradient engine that only predicts
  const auto value = [&](const std::vector<double> &weights) {
    EngineOptions options;
    options.precision = Precision::double_precision;
    options.threads = 1;
    std::vector<int> rows;
    std::vector<double> scaled, unused(weights.size(), 0.0), u(6 * all.mass.size());
    JumpVariables(potential).start(storage.view(), all.input(), rows, scaled);
    const auto engine = make_jump_gradient(potential, options);
    engine->set_weights(weights);
    engine->add_gradient(
        storage.view(), rows, scaled,
        [&](int first, int last, const double *found, double *bar) {
          for (int k = 6 * storage.first_atom[first]; k < 6 * storage.first_atom[last]; k++) {
            u[k] = found[k];
            bar[k] = 0.0;
          }
        },
        unused);
    return loss.value(u);
  };
  const auto weights = flat_weights(potential);
  for (const auto &slice : weight_slices(potential))
    for (std::size_t i = slice.offset; i < slice.offset + slice.size; i += 1 + slice.size / 7) {
      auto up = weights, down = weights;
      const double step = 1e-4;
      up[i] += step;
      down[i] -= step;
      const double difference = (value(up) - value(down)) / (2 * step);
      EXPECT_NEAR(gradient[i], difference, 1e-6 * (1 + std::abs(difference)))
          << slice.name << " " << i - slice.offset;
    }
}

TEST(JumpGradient, ForceHeadMatchesDifferencesAndTorch)
{
  const States all = states(6, 11);
  const GraphStorage storage = all.graph();
  Potential potential = potential_of({8, 2, 5});
  jump_record(potential).force_head = true;
  Uniform uniform(3);
  std::vector<double> weights(weight_slices(potential).back().offset +
                              weight_slices(potential).back().size);
  for (double &w : weights) w = 0.2 * uniform();
  set_flat_weights(potential, weights);
  EXPECT_THROW(make_jump_engine(potential, {}), EngineError);

  std::vector<int> rows;
  std::vector<double> scaled;
  JumpVariables(potential).start(storage.view(), all.input(), rows, scaled);
  // L = sum of k-th powers of sines, different for every prediction
  const auto derivative = [&](const std::string &engine, std::vector<double> &gradient) {
    EngineOptions options;
    options.engine = engine;
    options.precision = Precision::double_precision;
    options.device = "cpu";
    options.threads = 2;
    double value = 0.0;
    std::mutex lock;
    const auto one = make_jump_gradient(potential, options);
    one->set_weights(weights);
    one->add_gradient(
        storage.view(), rows, scaled,
        [&](int first, int last, const double *u, double *bar) {
          const std::lock_guard guard(lock);
          for (int k = 9 * storage.first_atom[first]; k < 9 * storage.first_atom[last]; k++) {
            value += std::sin(u[k] + k);
            bar[k] = std::cos(u[k] + k);
          }
        },
        gradient);
    return value;
  };
  std::vector<double> gradient(weights.size(), 0.0);
  derivative("host", gradient);
  for (std::size_t i = 0; i < weights.size(); i += 13) {
    const double step = 1e-6, before = weights[i];
    std::vector<double> unused(weights.size(), 0.0);
    weights[i] = before + step;
    const double up = derivative("host", unused);
    weights[i] = before - step;
    const double down = derivative("host", unused);
    weights[i] = before;
    EXPECT_NEAR(gradient[i], (up - down) / (2 * step), 1e-5 * (1 + std::abs(gradient[i])));
  }
#ifdef MLFF_TORCH
  std::vector<double> torch(weights.size(), 0.0);
  derivative("torch", torch);
  for (std::size_t i = 0; i < weights.size(); i++)
    EXPECT_NEAR(gradient[i], torch[i], 1e-10 * largest(torch));
#endif
}

TEST(JumpGradient, PredictsWhatTheEngineDoes)
{
  const States all = states(6, 11);
  const GraphStorage storage = all.graph();
  const Potential potential = potential_of({16, 2, 6});
  std::vector<int> rows;
  std::vector<double> scaled, unused(flat_weights(potential).size(), 0.0), u(6 * all.mass.size());
  const JumpVariables variables(potential);
  variables.start(storage.view(), all.input(), rows, scaled);
  EngineOptions options;
  options.precision = Precision::double_precision;
  make_jump_gradient(potential, options)
      ->add_gradient(
          storage.view(), rows, scaled,
          [&](int first, int last, const double *found, double *bar) {
            for (int k = 6 * storage.first_atom[first]; k < 6 * storage.first_atom[last]; k++) {
              u[k] = found[k];
              bar[k] = 0.0;
            }
          },
          unused);
  JumpResult result;
  variables.finish(storage.view(), all.input(), u, result);
  expect_close(result, jump(potential, all), 1e-12, "gradient engine");
  EXPECT_EQ(largest(unused), 0.0);
}

TEST(JumpGradient, DoesNotDependOnThreads)
{
  const States all = states(23, 5);
  const Potential potential = potential_of({16, 2, 6});
  const auto one = gradient_of(potential, all, Precision::double_precision, 1),
             three = gradient_of(potential, all, Precision::double_precision, 3);
  for (std::size_t i = 0; i < one.size(); i++) EXPECT_NEAR(one[i], three[i], 1e-12 * largest(one));
  EXPECT_EQ(three, gradient_of(potential, all, Precision::double_precision, 3));
}

TEST(JumpGradient, SinglePrecision)
{
  const States all = states(12, 5);
  for (const auto &sizes : gradient_cases) {
    const Potential potential = potential_of(sizes);
    const auto full = gradient_of(potential, all, Precision::double_precision, 1),
               single = gradient_of(potential, all, Precision::single_precision, 1);
    for (std::size_t i = 0; i < full.size(); i++)
      ASSERT_NEAR(single[i], full[i], 2e-5 * largest(full));
  }
}

#ifdef MLFF_TORCH
TEST(Jump, HostIsTorch)
{
  for (const PainnSizes &sizes :
       {PainnSizes{8, 1, 6}, PainnSizes{20, 3, 7, 1e-2}, PainnSizes{32, 2, 20}}) {
    const Potential potential = potential_of(sizes);
    const States all = states(7, 9);
    expect_close(jump(potential, all), jump(potential, all, Precision::double_precision, "torch"),
                 1e-10, "torch");
    expect_close(jump(potential, all, Precision::single_precision),
                 jump(potential, all, Precision::single_precision, "torch"), 1e-4, "torch, single");
  }
}

TEST(JumpGradient, MatchesAutograd)
{
  const States all = states(12, 5);
  for (const auto &sizes : gradient_cases) {
    const Potential potential = potential_of(sizes);
    const auto host = gradient_of(potential, all, Precision::double_precision, 1);
    const auto torch = gradient_of(potential, all, Precision::double_precision, 1, "torch");
    for (std::size_t i = 0; i < host.size(); i++)
      ASSERT_NEAR(host[i], torch[i], 1e-10 * largest(torch)) << i << " F " << sizes.features;
  }
}

// ---- variants, and several jumps in a row: LibTorch only

namespace {

Potential variant(const std::string &network, bool published = false,
                  const PainnSizes &sizes = {8, 2, 6})
{
  return random_jump(sizes, {6, 8, 1}, strides, cutoff, 3, "kstep-" + network, published);
}
const std::string networks[] = {"egnn", "transformer"};

/// Scaled predictions u [n][2][3] themselves, before anything is taken out of them.
std::vector<double> predictions(const Potential &potential, const States &all)
{
  const GraphStorage storage = all.graph();
  std::vector<int> rows;
  std::vector<double> scaled, unused(flat_weights(potential).size(), 0.0), u(6 * all.mass.size());
  JumpVariables(potential).start(storage.view(), all.input(), rows, scaled);
  EngineOptions options;
  options.engine = "torch";
  options.precision = Precision::double_precision;
  options.threads = 1;
  make_jump_gradient(potential, options)
      ->add_gradient(
          storage.view(), rows, scaled,
          [&](int, int, const double *found, double *bar) {
            std::copy_n(found, u.size(), u.begin());
            std::fill_n(bar, u.size(), 0.0);
          },
          unused);
  return u;
}

/// Distance between the jump of the rotated input and the rotated jump, relative to its largest
/// change.
double rotation_error(const Potential &potential, bool mirror,
                      Precision precision = Precision::double_precision)
{
  const States all = states(5, 2);
  const Matrix R = rotation(0.7, -1.3, 2.1, mirror);
  States other = all;
  for (auto *list : {&other.x, &other.velocity, &other.force}) *list = turned(R, *list);
  const JumpResult straight = jump(potential, all, precision, "torch"),
                   found = jump(potential, other, precision, "torch");
  double error = 0.0;
  for (const auto &[a, b] :
       {std::pair{&found.displacement, turned(R, straight.displacement)},
        std::pair{&found.velocity_change, turned(R, straight.velocity_change)}})
    for (std::size_t k = 0; k < b.size(); k++)
      error = std::max(error, std::abs((*a)[k] - b[k]) / largest(b));
  return error;
}

}    // namespace

TEST(JumpVariants, CorrectedTurnWithTheirInputAndPublishedDoNot)
{
  for (const auto &network : networks)
    for (const bool mirror : {false, true}) {
      EXPECT_LT(rotation_error(variant(network), mirror), 1e-10) << network;
      EXPECT_LT(rotation_error(variant(network), mirror, Precision::single_precision), 1e-4)
          << network;
      EXPECT_GT(rotation_error(variant(network, true), mirror), 1e-3) << network;
      EXPECT_TRUE(jump_defects(variant(network)).empty());
      EXPECT_EQ(jump_defects(variant(network, true)), std::vector<std::string>{"rotation"});
    }
  EXPECT_TRUE(jump_defects(potential_of()).empty());
}

TEST(JumpVariants, EachDefectAloneBreaksRotations)
{
  for (const auto &network : networks) {
    // Cartesian features without effect: what is left is the bound of components, which grows with
    // the outputs
    Potential bound = variant(network, true);
    std::fill(bound.tensors["velocity.weight"].values.begin(),
              bound.tensors["velocity.weight"].values.end(), 0.0);
    for (double &x : bound.tensors["readout.1.weight"].values) x *= 100.0;
    EXPECT_GT(rotation_error(bound, false), 1e-3) << network;
    // a bound out of reach: what is left are the features
    Potential features = variant(network, true);
    jump_record(features).bound = 1e9;
    EXPECT_GT(rotation_error(features, false), 1e-3) << network;
    // without both nothing breaks
    jump_record(bound).bound = 1e9;
    EXPECT_LT(rotation_error(bound, false), 1e-8) << network;
  }
}

TEST(JumpVariants, HeadsAreBounded)
{
  const States all = states(5, 2);
  for (const auto &network : networks)
    for (const bool published : {false, true}) {
      Potential potential = variant(network, published);
      jump_record(potential).bound = 3.0;
      for (double &x : potential.tensors["readout.1.weight"].values) x *= 1000.0;
      const auto u = predictions(potential, all);
      double norm = 0.0, component = 0.0;
      for (std::size_t k = 0; k < u.size(); k += 3) {
        norm = std::max(norm, std::sqrt(u[k] * u[k] + u[k + 1] * u[k + 1] + u[k + 2] * u[k + 2]));
        for (int a = 0; a < 3; a++) component = std::max(component, std::abs(u[k + a]));
      }
      EXPECT_LE(component, 3.0 + 1e-12);
      EXPECT_GT(component, 2.5);
      if (published) {
        EXPECT_GT(norm, 3.5) << network;
      } else {
        EXPECT_LE(norm, 3.0 + 1e-12) << network;
      }
    }
}

TEST(JumpVariants, BatchFrameAndEveryInput)
{
  const States all = states(7, 8);
  for (const auto &network : networks)
    for (const bool published : {false, true}) {
      const Potential potential = variant(network, published, {12, 3, 7});
      const JumpResult batch = jump(potential, all, Precision::double_precision, "torch");
      int at = 0;
      for (int s = 0; s < int(all.sizes.size()); s++) {
        const JumpResult alone = jump(potential, all.only(s), Precision::double_precision, "torch");
        for (int k = 0; k < 3 * all.sizes[s]; k++, at++)
          ASSERT_NEAR(alone.velocity_change[k], batch.velocity_change[at],
                      1e-12 * largest(batch.velocity_change));
      }
      // a moving frame; velocities in it are relative to the centre of mass, in both forms
      States other = all;
      for (std::size_t k = 0; k < other.x.size(); k++) {
        other.x[k] += 3.0 * double(k % 3) + 1.5;
        other.velocity[k] += 7.0 - double(k % 3);
      }
      expect_close(jump(potential, other, Precision::double_precision, "torch").velocity_change,
                   batch.velocity_change, 1e-9, network + " frame");
      // an input of the first structure changes that of another atom of it
      for (auto list : {&States::x, &States::velocity, &States::force}) {
        States changed = all;
        (changed.*list)[4] += 0.3;
        const JumpResult after = jump(potential, changed, Precision::double_precision, "torch");
        EXPECT_GT(std::abs(after.velocity_change[3 * 5] - batch.velocity_change[3 * 5]), 1e-7)
            << network;
      }
    }
}

TEST(JumpVariants, GradientMatchesDifferences)
{
  const States all = states(3, 11);
  const GraphStorage storage = all.graph();
  const Loss loss(storage.view());
  for (const auto &network : networks)
    for (const bool published : {false, true}) {
      const Potential potential = variant(network, published);
      const auto gradient = gradient_of(potential, all, Precision::double_precision, 1, "torch");
      const auto weights = flat_weights(potential);
      for (const auto &slice : weight_slices(potential)) {
        double here = 0.0;
        for (std::size_t i = slice.offset; i < slice.offset + slice.size; i++)
          here = std::max(here, std::abs(gradient[i]));
        // a shift of all keys changes no attention
        if (slice.name.find("key.bias") == std::string::npos &&
            slice.name.find("distance.bias") == std::string::npos) {
          EXPECT_GT(here, 1e-9) << network << " does not use " << slice.name;
        }
        const std::size_t i = slice.offset + slice.size / 2;
        const double step = 1e-5;
        double side[2];
        for (const int k : {0, 1}) {
          auto moved = weights;
          moved[i] += k ? step : -step;
          Potential copy = potential;
          set_flat_weights(copy, moved);
          side[k] = loss.value(predictions(copy, all));
        }
        const double difference = (side[1] - side[0]) / (2 * step);
        EXPECT_NEAR(gradient[i], difference, 1e-6 * (1 + std::abs(difference)))
            << network << " " << slice.name;
      }
    }
}

TEST(JumpVariants, NeedTorch)
{
  for (const auto &network : networks) {
    EngineOptions options;
    options.engine = "host";
    for (const auto &make : {std::function<void()>([&] {
                               make_jump_engine(variant(network), options);
                             }),
                             std::function<void()>([&] {
                               make_jump_gradient(variant(network), options);
                             })})
      try {
        make();
        ADD_FAILURE() << "accepted";
      } catch (const EngineError &error) {
        EXPECT_NE(std::string(error.what())
                      .find("'kstep-" + network + "' is available with engine torch"),
                  std::string::npos)
            << error.what();
      }
    EXPECT_NE(make_jump_engine(variant(network))->description().find("torch"), std::string::npos);
  }
}

namespace {

/// Places that a chain of three jumps could lead to; the trajectory is a made-up one.
JumpChain chain_of(const States &all, const GraphStorage &storage, int jumps)
{
  JumpChain chain;
  chain.species = storage.species;
  chain.first_atom = storage.first_atom;
  chain.x = all.x;
  chain.start = all.input();
  Uniform uniform(5);
  for (int k = 1; k <= jumps; k++) {
    JumpChain::Place place{all.x, all.velocity, all.force};
    for (std::size_t c = 0; c < all.x.size(); c++) {
      place.x[c] += 0.1 * k * uniform();
      place.velocity[c] *= 1.0 + 0.05 * uniform();
      place.force[c] += 0.5 * uniform();
    }
    chain.after.push_back(place);
  }
  return chain;
}

}    // namespace

TEST(JumpChain, GradientMatchesDifferences)
{
  const States all = states(3, 11);
  const GraphStorage storage = all.graph();
  for (Potential potential : {potential_of({8, 1, 5}), variant("egnn", false, {8, 1, 5})})
    for (const int jumps : {2, 3}) {
      // small steps, so that atoms do not land on each other
      for (double &x : potential.tensors["linear"].values) x *= 0.3;
      JumpChain chain = chain_of(all, storage, jumps);
      const bool own_force = jumps == 3;
      if (own_force)
        chain.force_at = [&](int k, std::span<const double> x, std::span<double> force,
                             std::span<double> kinetic) {
          ASSERT_EQ(x.size(), all.x.size());
          for (std::size_t c = 0; c < force.size(); c++) force[c] = 0.7 * all.force[c] + 0.1 * k;
          std::fill(kinetic.begin(), kinetic.end(), 1e5);    // the factor is at its limit
        };
      JumpChainLoss loss;
      loss.weight[1] = 0.6;
      loss.later = 0.4;
      EngineOptions options;
      options.engine = "torch";
      options.precision = Precision::double_precision;
      options.threads = 1;
      const auto engine = make_jump_gradient(potential, options);
      std::vector<double> gradient(flat_weights(potential).size(), 0.0), unused = gradient;
      const auto value = [&](std::vector<double> &sum) {
        const auto terms = engine->add_chain_gradient(chain, loss, sum);
        return terms[0] + loss.later * terms[2] +
            loss.weight[1] * (terms[1] + loss.later * terms[3]);
      };
      value(gradient);
      const auto weights = flat_weights(potential);
      for (const auto &slice : weight_slices(potential))
        for (std::size_t i = slice.offset; i < slice.offset + slice.size; i += 1 + slice.size / 2) {
          double side[2];
          for (const int k : {0, 1}) {
            auto moved = weights;
            moved[i] += k ? 1e-5 : -1e-5;
            engine->set_weights(moved);
            side[k] = value(unused);
          }
          const double difference = (side[1] - side[0]) / 2e-5;
          EXPECT_NEAR(gradient[i], difference, 2e-6 * (1 + std::abs(difference)))
              << slice.name << " jumps " << jumps;
        }
    }
}

TEST(JumpChain, FirstJumpIsTheLossWithoutRollOuts)
{
  const States all = states(4, 11);
  const GraphStorage storage = all.graph();
  const Potential potential = potential_of();
  const JumpChain chain = chain_of(all, storage, 2);
  JumpResult known;
  for (std::size_t c = 0; c < all.x.size(); c++) {
    known.displacement.push_back(chain.after[0].x[c] - all.x[c]);
    known.velocity_change.push_back(chain.after[0].velocity[c] - all.velocity[c]);
  }
  std::vector<double> target;
  JumpVariables(potential).targets(storage.view(), all.input(), known, target);
  const auto u = predictions(potential, all);
  double expected[2] = {0, 0};
  for (std::size_t s = 0; s < all.sizes.size(); s++)
    for (int k = 6 * storage.first_atom[s]; k < 6 * storage.first_atom[s + 1]; k++)
      expected[(k / 3) % 2] +=
          (u[k] - target[k]) * (u[k] - target[k]) / (3.0 * all.sizes[s] * double(all.sizes.size()));
  EngineOptions options;
  options.engine = "torch";
  options.precision = Precision::double_precision;
  std::vector<double> gradient(flat_weights(potential).size(), 0.0);
  const auto terms =
      make_jump_gradient(potential, options)->add_chain_gradient(chain, {}, gradient);
  for (int q = 0; q < 2; q++) EXPECT_NEAR(terms[q], expected[q], 1e-10 * expected[q]);
  // weight 0 of the later jumps: the gradient is that of the first alone
  std::vector<int> rows;
  std::vector<double> scaled, plain(gradient.size(), 0.0);
  JumpVariables(potential).start(storage.view(), all.input(), rows, scaled);
  options.engine = "host";
  make_jump_gradient(potential, options)
      ->add_gradient(
          storage.view(), rows, scaled,
          [&](int first, int last, const double *found, double *bar) {
            for (int s = first; s < last; s++)
              for (int k = 6 * storage.first_atom[s]; k < 6 * storage.first_atom[s + 1]; k++)
                bar[k] =
                    2.0 * (found[k] - target[k]) / (3.0 * all.sizes[s] * double(all.sizes.size()));
          },
          plain);
  for (std::size_t i = 0; i < plain.size(); i++)
    ASSERT_NEAR(gradient[i], plain[i], 1e-9 * largest(plain));
}
#endif

TEST(JumpChain, Errors)
{
  const States all = states(2, 3);
  const GraphStorage storage = all.graph();
  const Potential potential = potential_of();
  std::vector<double> gradient(flat_weights(potential).size(), 0.0);
  const auto message = [&](const std::string &engine, int jumps) -> std::string {
    JumpChain chain;
    chain.species = storage.species;
    chain.first_atom = storage.first_atom;
    chain.x = all.x;
    chain.start = all.input();
    chain.after.assign(std::size_t(jumps), {all.x, all.velocity, all.force});
    EngineOptions options;
    options.engine = engine;
    try {
      make_jump_gradient(potential, options)->add_chain_gradient(chain, {}, gradient);
    } catch (const EngineError &error) {
      return error.what();
    }
    return "nothing";
  };
  EXPECT_NE(message("host", 2).find("needs the engine torch"), std::string::npos);
#ifdef MLFF_TORCH
  EXPECT_NE(message("torch", 1).find("two jumps or more; found 1"), std::string::npos);
#endif
}

#ifndef MLFF_TORCH
TEST(JumpVariants, NeedTorch)
{
  const Potential potential = random_jump({8, 2, 6}, {6, 8, 1}, strides, cutoff, 3, "kstep-egnn");
  for (const char *engine : {"auto", "host"}) {
    EngineOptions options;
    options.engine = engine;
    try {
      make_jump_engine(potential, options);
      ADD_FAILURE() << "accepted";
    } catch (const EngineError &error) {
      EXPECT_NE(std::string(error.what()).find("engine torch, which is not in this build"),
                std::string::npos)
          << error.what();
    }
  }
}
#endif

// ---- files

class JumpFile : public testing::Test {
 protected:
  std::filesystem::path folder =
      std::filesystem::temp_directory_path() / ("mlff-jump-" + std::to_string(getpid()));
  std::string path = (folder / "jump.safetensors").string();

  void SetUp() override { std::filesystem::create_directories(folder); }
  void TearDown() override { std::filesystem::remove_all(folder); }

  /// Reading a file that some change spoiled says all these words.
  void expect_refused(const std::function<void(Potential &)> &change,
                      const std::vector<std::string> &words)
  {
    Potential potential = potential_of();
    change(potential);
    try {
      potential.check("some.file");
      ADD_FAILURE() << "accepted";
    } catch (const PotentialError &error) {
      for (const auto &word : words)
        EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find("some.file"), std::string::npos);
    }
  }
};

TEST_F(JumpFile, ComesBackAsItWas)
{
  Potential potential = potential_of();
  jump_record(potential).temperatures = {300.0, 500.0};
  potential.elements = {6, 6, 1};
  jump_record(potential).species[0].name = "C1";
  jump_record(potential).species[0].environment = "C(HHH)";
  jump_record(potential).species[1] = jump_record(potential).species[0];
  jump_record(potential).species[1].name = "C2";
  potential.write(path);
  const Potential again = Potential::read(path);
  EXPECT_EQ(again.model(), "kstep-painn");
  EXPECT_EQ(jump_record(again).strides, jump_record(potential).strides);
  EXPECT_EQ(jump_record(again).temperatures, jump_record(potential).temperatures);
  EXPECT_EQ(again.element_names(), "C1 C2 H");
  ASSERT_EQ(jump_record(again).species.size(), 3u);
  EXPECT_EQ(jump_record(again).species[0].environment, "C(HHH)");
  EXPECT_EQ(jump_record(again).species[2].mass, 1.008);
  EXPECT_EQ(jump_record(again).species[2].velocity_change,
            jump_record(potential).species[2].velocity_change);
  for (const auto &[name, tensor] : potential.tensors)
    EXPECT_EQ(again.tensors.at(name).values, tensor.values) << name;
  EXPECT_EQ(std::int64_t(flat_weights(again).size()), again.n_parameters());
}

TEST_F(JumpFile, VariantsComeBackAsTheyWere)
{
  for (const char *model : {"kstep-egnn", "kstep-transformer"})
    for (const bool published : {false, true}) {
      Potential potential = random_jump({8, 2, 6}, {6, 8, 1}, strides, cutoff, 3, model, published);
      jump_record(potential).bound = 7.5;
      jump_record(potential).heads = 2;
      // The tensors determine the number of heads.
      if (model == std::string("kstep-transformer"))
        for (int l = 0; l < 2; l++)
          for (const auto &[name, width] :
               {std::pair{".distance.weight", 6}, std::pair{".distance.bias", 1}}) {
            Tensor &tensor = potential.tensors["attention." + std::to_string(l) + name];
            tensor.shape[0] = 2;
            tensor.values.resize(std::size_t(2 * width));
          }
      potential.write(path, true);
      const Potential again = Potential::read(path);
      EXPECT_EQ(again.model(), model);
      EXPECT_EQ(jump_record(again).published, published);
      EXPECT_EQ(jump_record(again).bound, 7.5);
      if (again.model() == "kstep-transformer") { EXPECT_EQ(jump_record(again).heads, 2); }
      EXPECT_EQ(jump_defects(again).size(), published ? 1u : 0u);
      EXPECT_EQ(flat_weights(again), flat_weights(potential));
    }
  Potential wrong = random_jump({8, 2, 6}, {6, 8, 1}, strides, cutoff, 3, "kstep-transformer");
  const auto message = [&](const std::string &from, const std::string &to) {
    wrong.write(path, true);
    std::ifstream in(path, std::ios::binary);
    std::string text{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
    std::ofstream(path, std::ios::binary) << text;
    try {
      Potential::read(path);
    } catch (const PotentialError &error) {
      return std::string(error.what());
    }
    return std::string("nothing");
  };
  EXPECT_NE(message(R"(\"form\":\"corrected\")", R"(\"form\":\"correctes\")")
                .find(R"('form' is "correctes"; expected "corrected" or "published")"),
            std::string::npos);
  EXPECT_NE(message(R"(\"heads\":4)", R"(\"heads\":3)")
                .find("'heads' is 3; expected a divisor of the 8 features"),
            std::string::npos);
  EXPECT_NE(message(R"(\"bound\":10.0)", R"(\"bound\":-1.0)")
                .find("'bound' is -1.0; expected a number above 0"),
            std::string::npos);
}

TEST_F(JumpFile, RefusesWhatMakesNoSense)
{
  using P = Potential;
  expect_refused(
      [](P &p) {
        jump_record(p).strides = {};
      },
      {"'strides' is empty"});
  expect_refused(
      [](P &p) {
        jump_record(p).strides = {8.0, 4.0};
      },
      {"'strides' is [8.0,4.0]", "ascending"});
  expect_refused(
      [](P &p) {
        jump_record(p).strides = {4.0, 8.2};
      },
      {"stride 8.2", "whole number of time steps of 0.5 fs"});
  expect_refused(
      [](P &p) {
        jump_record(p).timestep = 0.0;
      },
      {"'timestep' is 0.0", "above 0"});
  expect_refused(
      [](P &p) {
        jump_record(p).species.pop_back();
      },
      {"2 species", "3 entries"});
  expect_refused(
      [](P &p) {
        jump_record(p).species[1].name = "C";
      },
      {"species 'C' is listed twice"});
  expect_refused(
      [](P &p) {
        jump_record(p).species[1].name = "Ox";
      },
      {"species 'Ox' is of the element O"});
  expect_refused(
      [](P &p) {
        jump_record(p).species[1].mass = -16.0;
      },
      {"'mass' of O is -16.0"});
  expect_refused(
      [](P &p) {
        p.tensors["input_scale"].values[1] = 0.0;
      },
      {"'input_scale' holds 0.0"});
  expect_refused(
      [](P &p) {
        p.tensors.erase("vectors");
      },
      {"'vectors' is missing", "[6, 2, 8]"});
  expect_refused(
      [](P &p) {
        p.tensors["linear"].shape = {3, 2, 2};
      },
      {"'linear' has shape [3, 2, 2]", "[6, 2, 2]"});
}

TEST_F(JumpFile, RefusesDamagedMetadata)
{
  potential_of().write(path);
  std::ifstream in(path, std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  const auto with = [&](const std::string &from, const std::string &to) {
    std::string text = whole;
    const auto at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    EXPECT_EQ(from.size(), to.size());
    text.replace(at, from.size(), to);
    std::ofstream(path, std::ios::binary) << text;
    try {
      Potential::read(path);
    } catch (const PotentialError &error) {
      return std::string(error.what());
    }
    return std::string("nothing");
  };
  EXPECT_NE(
      with(R"(\"strides\")", R"(\"stridez\")").find("metadata 'jump' lacks the key 'strides'"),
      std::string::npos);
  EXPECT_NE(with(R"(\"strides\":[4.0,8.0])", R"(\"strides\":[4.0,[8]])")
                .find("'strides' is [4.0,[8]]; expected an array of numbers"),
            std::string::npos);
  EXPECT_NE(with(R"(\"timestep\":0.5)", R"(\"timestep\":[5])")
                .find("'timestep' is [5]; expected a number"),
            std::string::npos);
  EXPECT_NE(
      with(R"(\"mass\")", R"(\"mars\")").find("metadata 'jump' of species 1 lacks the key 'mass'"),
      std::string::npos);
}
