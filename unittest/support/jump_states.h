// Molecules with velocities and forces, jumps of them, and rotations: what the tests of jump
// networks share.
#pragma once

#include "engine/make_engine.h"
#include "models/jump/jump.h"
#include "models/jump/jump_record.h"
#include "support/random_potential.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace mlff_test {

using mlff::EngineOptions, mlff::Filter, mlff::GraphStorage, mlff::JumpInput, mlff::JumpResult,
    mlff::PainnSizes, mlff::Potential, mlff::Precision, mlff::Structure;

inline constexpr double cutoff = 4.0;

/// Molecules side by side in one graph, with masses, velocities, forces and strides.
struct States {
  std::vector<int> species, sizes, stride;
  std::vector<double> x, mass, velocity, force;

  GraphStorage graph(double rc = cutoff) const
  {
    GraphStorage storage;
    int at = 0;
    for (const int n : sizes) {
      mlff::append_pairs({species.data() + at, std::size_t(n)},
                         {x.data() + 3 * at, 3 * std::size_t(n)}, rc, storage);
      at += n;
    }
    return storage;
  }
  JumpInput input() const { return {mass, velocity, force, stride}; }

  States only(int s) const
  {
    int begin = 0;
    for (int k = 0; k < s; k++) begin += sizes[k];
    const int n = sizes[s];
    const auto part = [&](const auto &list, int width) {
      return std::decay_t<decltype(list)>(list.begin() + width * begin,
                                          list.begin() + width * (begin + n));
    };
    return {part(species, 1),  {n},           {stride[s]}, part(x, 3), part(mass, 1),
            part(velocity, 3), part(force, 3)};
  }
};

inline const std::vector<double> strides = {4.0, 8.0};

inline Potential potential_of(const PainnSizes &sizes = {8, 2, 6})
{
  return mlff::random_jump(sizes, {6, 8, 1}, strides, cutoff, 3);
}

inline States states(int n_structures, unsigned seed)
{
  States all;
  Uniform uniform(seed);
  const Potential potential = potential_of();
  const int atoms[] = {9, 3, 1, 14, 2};
  for (int s = 0; s < n_structures; s++) {
    const Structure structure = random_structure(atoms[s % 5], seed + unsigned(s));
    all.sizes.push_back(structure.n_atoms());
    all.stride.push_back(s % 2);
    for (int i = 0; i < structure.n_atoms(); i++) {
      const int species = structure.numbers[i] == 6 ? 0 : structure.numbers[i] == 8 ? 1 : 2;
      all.species.push_back(species);
      all.mass.push_back(mlff::jump_record(potential).species[species].mass);
      for (int a = 0; a < 3; a++) {
        all.x.push_back(structure.positions[3 * i + a]);
        all.velocity.push_back(20.0 * uniform() + 3.0);
        all.force.push_back(3.0 * uniform());
      }
    }
  }
  return all;
}

inline JumpResult jump(const Potential &potential, const States &all,
                       Precision precision = Precision::double_precision,
                       const std::string &engine = "host", Filter filter = Filter::automatic)
{
  EngineOptions options;
  options.engine = engine;
  options.precision = precision;
  options.threads = 1;
  options.device = "cpu";
  options.filter = filter;
  JumpResult result;
  const GraphStorage graph = all.graph();
  mlff::make_jump_engine(potential, options)->evaluate(graph.view(), all.input(), result);
  return result;
}

inline double largest(const std::vector<double> &x)
{
  double m = 0.0;
  for (const double value : x) m = std::max(m, std::abs(value));
  return m;
}

inline void expect_close(const std::vector<double> &a, const std::vector<double> &b,
                         double tolerance, const std::string &what)
{
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t k = 0; k < a.size(); k++)
    ASSERT_NEAR(a[k], b[k], tolerance * largest(b)) << what << " " << k;
}

inline void expect_close(const JumpResult &a, const JumpResult &b, double tolerance,
                         const std::string &what)
{
  expect_close(a.displacement, b.displacement, tolerance, what + " displacement");
  expect_close(a.velocity_change, b.velocity_change, tolerance, what + " velocity");
}

using Matrix = std::array<double, 9>;

inline std::vector<double> turned(const Matrix &R, const std::vector<double> &x)
{
  std::vector<double> y(x.size(), 0.0);
  for (std::size_t i = 0; i < x.size() / 3; i++)
    for (int a = 0; a < 3; a++)
      for (int b = 0; b < 3; b++) y[3 * i + a] += R[3 * a + b] * x[3 * i + b];
  return y;
}

/// A rotation by three angles, mirrored where asked for.
inline Matrix rotation(double p, double q, double r, bool mirror)
{
  const auto axis = [](int k, double angle) {
    Matrix R = {1, 0, 0, 0, 1, 0, 0, 0, 1};
    const int a = (k + 1) % 3, b = (k + 2) % 3;
    R[4 * a] = R[4 * b] = std::cos(angle);
    R[3 * a + b] = -std::sin(angle);
    R[3 * b + a] = std::sin(angle);
    return R;
  };
  const auto times = [](const Matrix &A, const Matrix &B) {
    Matrix C = {};
    for (int i = 0; i < 3; i++)
      for (int j = 0; j < 3; j++)
        for (int k = 0; k < 3; k++) C[3 * i + j] += A[3 * i + k] * B[3 * k + j];
    return C;
  };
  Matrix R = times(axis(0, p), times(axis(1, q), axis(2, r)));
  if (mirror)
    for (int k = 0; k < 3; k++) R[k] = -R[k];
  return R;
}

}    // namespace mlff_test
