// Windows of NVE dynamics, and mlff train with kind: kstep as a user runs it.
#include "core/units.h"
#include "data/trajectory.h"
#include "engine/make_engine.h"
#include "engine/make_gradient.h"
#include "models/jump/jump_record.h"
#include "models/painn/painn_sizes.h"
#include "models/random_model.h"
#include "support/program_fixture.h"
#include "training/jump/jump_linear_fit.h"
#include "training/jump/jump_report.h"
#include "training/jump/jump_windows.h"
#include "training/jump/structure_loss.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <csignal>
#include <fstream>
#include <map>
#include <numbers>
#include <random>
#include <sstream>

namespace {

using namespace mlff;
using Json = nlohmann::json;
constexpr double acceleration = eV_in_amu_square_angstrom_per_square_ps;

/// A molecule with a force field of its own, stepped by velocity Verlet here in the test.
struct Toy {
  std::vector<int> numbers;
  std::vector<double> mass, x, v, f;
  // springs without length between all pairs: exactly linear motion; else springs with lengths
  // and a quartic part
  bool linear = false;
  double energy = 0.0;

  Toy(std::vector<int> z, unsigned seed, bool linear) : numbers(std::move(z)), linear(linear)
  {
    Uniform uniform(seed);
    const std::map<int, double> masses = {{1, 1.008}, {6, 12.011}, {8, 15.999}};
    for (std::size_t i = 0; i < numbers.size(); i++) {
      mass.push_back(masses.at(numbers[i]));
      for (int a = 0; a < 3; a++) {
        x.push_back((a == int(i) % 3 ? 1.1 : 0.0) - (i >= 3 ? 1.0 : 0.0) + 0.08 * uniform());
        v.push_back(25.0 * uniform() / std::sqrt(mass.back()));
      }
    }
    forces();
  }
  void forces()
  {
    f.assign(x.size(), 0.0);
    energy = 0.0;
    for (std::size_t i = 0; i < numbers.size(); i++)
      for (std::size_t j = 0; j < i; j++) {
        double r[3], d = 0.0;
        for (int a = 0; a < 3; a++) {
          r[a] = x[3 * i + a] - x[3 * j + a];
          d += r[a] * r[a];
        }
        d = std::sqrt(d);
        // lengths by the places of the atoms, so that the molecule keeps its shape
        const double length = linear ? 0.0 : 1.2 + 0.2 * double((i + j) % 3), stretch = d - length,
                     k = 8.0, q = linear ? 0.0 : 10.0;
        energy += 0.5 * k * stretch * stretch + 0.25 * q * stretch * stretch * stretch * stretch;
        const double pull = (k * stretch + q * stretch * stretch * stretch) / d;
        for (int a = 0; a < 3; a++) {
          f[3 * i + a] -= pull * r[a];
          f[3 * j + a] += pull * r[a];
        }
      }
  }
  void step(double dt)
  {
    for (std::size_t k = 0; k < x.size(); k++) {
      v[k] += 0.5 * dt * acceleration * f[k] / mass[k / 3];
      x[k] += dt * v[k];
    }
    forces();
    for (std::size_t k = 0; k < x.size(); k++) v[k] += 0.5 * dt * acceleration * f[k] / mass[k / 3];
  }
  Structure frame(long step) const
  {
    Structure frame;
    frame.numbers = numbers;
    frame.positions = x;
    frame.velocities = v;
    frame.forces = f;
    frame.energy = energy;
    frame.step = step;
    return frame;
  }
};

class TrainJump : public mlff_test::ProgramTest {
 protected:
  static constexpr double dt = 0.5;    // fs

  /// Windows of a toy, each after a kick; 10 time steps are missing between them. `change` spoils
  /// frames before they are written; `mass` moves the atoms as isotopes.
  void trajectory(const std::string &name, const std::vector<int> &numbers, unsigned seed,
                  int windows, int frames, bool linear = false,
                  const std::function<void(Structure &, long frame)> &change = {},
                  const std::vector<double> &mass = {})
  {
    Toy toy(numbers, seed, linear);
    if (!mass.empty()) toy.mass = mass;
    Uniform uniform(seed + 1000);
    std::FILE *out = std::fopen(file(name).c_str(), "w");
    long step = 100, written = 0;
    for (int w = 0; w < windows; w++, step += 10) {
      for (std::size_t k = 0; k < toy.v.size(); k++)
        toy.v[k] += 8.0 * uniform() / std::sqrt(toy.mass[k / 3]);
      for (int k = 0; k < 40; k++) toy.step(1e-3 * dt);
      for (int f = 0; f < frames; f++, step++) {
        if (f > 0) toy.step(1e-3 * dt);
        Structure frame = toy.frame(step);
        if (change) change(frame, ++written);
        write_xyz(out, frame);
      }
    }
    std::fclose(out);
  }

  void write(const std::string &name, const std::string &text) const
  {
    std::ofstream(file(name)) << text;
  }

  /// A settings file of a small model; each of `changes` replaces or adds a line "section: {...}".
  void settings(const std::string &name, const std::map<std::string, std::string> &changes = {})
  {
    std::map<std::string, std::string> sections = {
        {"model", "{kind: kstep, features: 16, layers: 1, radial: 8, cutoff: 5.0, strides: [4.0]}"},
        {"data", "{train: {file: a*.xyz}, valid: {file: v.xyz}, test: {file: t.xyz}}"},
        {"training", "{steps: 60, windows: 16, validate_every: 20, warmup: 5, threads: 1}"},
        {"output", name + ".safetensors"}};
    for (const auto &[key, value] : changes) sections[key] = value;
    std::string text;
    for (const auto &[key, value] : sections) text += key + ": " + value + "\n";
    write(name + ".yaml", text);
  }

  void standard_data()
  {
    for (const char *name : {"a1.xyz", "a2.xyz", "a3.xyz", "v.xyz", "t.xyz"})
      trajectory(name, {8, 1, 1}, unsigned(name[0] + name[1]), 4, 81);
  }

  Json log(const std::string &name) const
  {
    Json lines = Json::array();
    std::istringstream text(content(name + ".training/log.jsonl"));
    for (std::string line; std::getline(text, line);) lines.push_back(Json::parse(line));
    return lines;
  }

  Json training(const std::string &name) const
  {
    return Json::parse(Potential::read(file(name + ".safetensors")).training);
  }

  void expect_settings_error(const std::map<std::string, std::string> &changes,
                             std::vector<std::string> words)
  {
    settings("wrong", changes);
    words.push_back("error");
    expect_error("train wrong.yaml", words);
    EXPECT_FALSE(std::filesystem::exists(file("wrong.safetensors")));
  }

  void expect_refused(const std::string &name, const std::vector<std::string> &words,
                      double timestep = dt)
  {
    try {
      read_nve(file(name), timestep);
      ADD_FAILURE() << name << " was accepted";
    } catch (const FileError &error) {
      for (const auto &word : words)
        EXPECT_NE(std::string(error.what()).find(word), std::string::npos) << error.what();
    }
  }
};

Potential potential_for(const std::vector<NveTrajectory> &trajectories,
                        const std::vector<double> &strides)
{
  Potential potential = random_jump({8, 1, 5}, {1, 6, 8}, strides, 5.0);
  for (const auto &trajectory : trajectories)
    EXPECT_EQ(trajectory.species.size(), trajectory.numbers.size());
  return potential;
}

double largest(const std::vector<double> &x)
{
  double m = 0.0;
  for (const double value : x) m = std::max(m, std::abs(value));
  return m;
}

}    // namespace

TEST_F(TrainJump, WindowsStayWithinTheirSegment)
{
  trajectory("a.xyz", {8, 1, 1}, 1, 5, 21);
  NveTrajectory read = read_nve(file("a.xyz"), dt);
  read.species = {2, 0, 0};
  ASSERT_EQ(read.segments.size(), 5u);
  for (const auto &segment : read.segments) {
    EXPECT_EQ(segment.frames, 21);
    EXPECT_EQ(segment.energy.size(), 21u);
  }
  const std::vector<NveTrajectory> all = {read};
  const WindowSource source(all, {8, 20}, true);
  EXPECT_EQ(source.size(0), 2 * 5 * 13);
  EXPECT_EQ(source.size(1), 2 * 5);
  EXPECT_EQ(source.molecule_name(0), "H2O");
  std::mt19937 generator(1);
  std::set<std::tuple<int, int, bool>> seen;
  for (int k = 0; k < 4000; k++) {
    const Window window = source.draw(0, k % 2, generator);
    EXPECT_GE(window.start, 0);
    EXPECT_LT(window.start + window.steps, 21);
    EXPECT_EQ(window.steps, k % 2 ? 20 : 8);
    if (k % 2 == 0) seen.insert({window.segment, window.start, window.reversed});
  }
  EXPECT_EQ(seen.size(), 130u);    // each of them, sooner or later
  for (const Window &window : windows_of(read, 20, 1, 1)) EXPECT_EQ(window.start, 0);
  try {
    const WindowSource none(all, {21}, true);
    ADD_FAILURE();
  } catch (const FileError &error) {
    EXPECT_NE(std::string(error.what()).find("H2O hold no window of 21 steps"), std::string::npos);
  }
}

TEST_F(TrainJump, AWindowHoldsWhatHappened)
{
  trajectory("a.xyz", {8, 1, 1}, 3, 2, 21);
  NveTrajectory read = read_nve(file("a.xyz"), dt);
  read.species = {2, 0, 0};
  const NveSegment &segment = read.segments[1];
  JumpBatch batch;
  append_window({&read, 1, 3, 8, 0, false}, 5.0, batch);
  append_window({&read, 1, 3, 8, 0, true}, 5.0, batch);
  ASSERT_EQ(batch.x.size(), 18u);
  for (int k = 0; k < 9; k++) {
    EXPECT_EQ(batch.x[k], segment.x[3 * 9 + k]);
    EXPECT_EQ(batch.force[k], segment.f[3 * 9 + k]);
    EXPECT_EQ(batch.x[k] + batch.reference.displacement[k],
              segment.x[3 * 9 + k] + (segment.x[11 * 9 + k] - segment.x[3 * 9 + k]));
    // backward in time: it starts at the end with velocities turned round, and arrives at the start
    EXPECT_EQ(batch.x[9 + k], segment.x[11 * 9 + k]);
    EXPECT_EQ(batch.velocity[9 + k], -segment.v[11 * 9 + k]);
    EXPECT_NEAR(batch.x[9 + k] + batch.reference.displacement[9 + k], segment.x[3 * 9 + k], 1e-14);
    EXPECT_NEAR(batch.velocity[9 + k] + batch.reference.velocity_change[9 + k],
                -segment.v[3 * 9 + k], 1e-12);
  }
  // the frame of the centre of mass
  for (const auto *list : {&segment.x, &segment.v})
    for (int f = 0; f < 21; f++)
      for (int a = 0; a < 3; a++) {
        double sum = 0.0;
        for (int i = 0; i < 3; i++) sum += read.mass[i] * (*list)[f * 9 + 3 * i + a];
        EXPECT_NEAR(sum, 0.0, 1e-11);
      }
}

TEST_F(TrainJump, AChainHoldsWhatHappened)
{
  trajectory("a.xyz", {8, 1, 1}, 3, 2, 31);
  NveTrajectory read = read_nve(file("a.xyz"), dt);
  read.species = {2, 0, 0};
  const NveSegment &segment = read.segments[1];
  for (const bool reversed : {false, true}) {
    JumpBatch batch;
    std::vector<JumpChain::Place> after;
    const double direction = reversed ? -1.0 : 1.0;
    for (int start : {2, 5}) append_chain({&read, 1, start, 8, 0, reversed}, 3, 5.0, batch, after);
    ASSERT_EQ(after.size(), 3u);
    for (int w = 0; w < 2; w++)
      for (int k = 0; k < 3; k++) {
        ASSERT_EQ(after[k].x.size(), 18u);
        const int start = w == 0 ? 2 : 5,
                  frame = reversed ? start + 24 - 8 * (k + 1) : start + 8 * (k + 1);
        for (int c = 0; c < 9; c++) {
          EXPECT_EQ(after[k].x[9 * w + c], segment.x[frame * 9 + c]);
          EXPECT_EQ(after[k].velocity[9 * w + c], direction * segment.v[frame * 9 + c]);
          EXPECT_EQ(after[k].force[9 * w + c], segment.f[frame * 9 + c]);
          // the first place is what a window alone knows
          if (k == 0) {
            EXPECT_NEAR(batch.x[9 * w + c] + batch.reference.displacement[9 * w + c],
                        after[0].x[9 * w + c], 1e-14);
          }
        }
      }
  }
  // turned at random, places and start turn together
  std::mt19937 generator(4);
  WindowNoise rotate;
  rotate.rotate = true;
  JumpBatch plain, turned;
  std::vector<JumpChain::Place> straight, around;
  append_chain({&read, 0, 1, 8, 0, false}, 2, 5.0, plain, straight);
  append_chain({&read, 0, 1, 8, 0, false}, 2, 5.0, turned, around, rotate, &generator);
  double before = 0.0, now = 0.0;
  for (int c = 0; c < 9; c++) {
    before += plain.velocity[c] * straight[1].x[c];
    now += turned.velocity[c] * around[1].x[c];
  }
  EXPECT_NEAR(before, now, 1e-10 * std::abs(before));
  EXPECT_NE(around[1].force, straight[1].force);
}

TEST_F(TrainJump, ConservationKeepsEnergyAndAngularMomentum)
{
  Toy toy({8, 1, 1}, 4, false), moved = toy;
  Uniform uniform(3);
  for (std::size_t k = 0; k < moved.x.size(); k++) {
    moved.x[k] += 0.03 * uniform();
    moved.v[k] *= 1.0 + 0.1 * uniform();
  }
  const auto momentum = [&](const Toy &t) {
    std::array<double, 6> sum = {};    // momentum, angular momentum about the centre of mass
    double centre[3] = {0, 0, 0}, total = 0.0;
    for (int i = 0; i < 3; i++) {
      total += t.mass[i];
      for (int a = 0; a < 3; a++) centre[a] += t.mass[i] * t.x[3 * i + a];
    }
    for (int i = 0; i < 3; i++)
      for (int a = 0; a < 3; a++) {
        const int b = (a + 1) % 3, c = (a + 2) % 3;
        sum[a] += t.mass[i] * t.v[3 * i + a];
        sum[3 + a] += t.mass[i] *
            ((t.x[3 * i + b] - centre[b] / total) * t.v[3 * i + c] -
             (t.x[3 * i + c] - centre[c] / total) * t.v[3 * i + b]);
      }
    return sum;
  };
  const auto start = momentum(toy), unchanged = momentum(moved);
  for (const double share : {1.0, 4.0}) {
    Toy end = moved;
    const double wanted = share * inner_kinetic(toy.mass, toy.v);
    rescale_to_energy(toy.mass, toy.x, toy.v, end.x, end.v, wanted);
    const auto after = momentum(end);
    for (int a = 0; a < 3; a++) EXPECT_NEAR(after[a], unchanged[a], 1e-9);
    if (share == 1.0) {
      EXPECT_NEAR(inner_kinetic(end.mass, end.v), wanted, 1e-9 * wanted);
    } else {
      // far from the energy wanted, the factor is 1.1
      Toy turned = moved;
      restore_angular_momentum(toy.mass, toy.x, toy.v, turned.x, turned.v);
      for (int a = 0; a < 3; a++)
        EXPECT_NEAR(momentum(turned)[3 + a], start[3 + a], 1e-9 * (1 + std::abs(start[3 + a])));
      EXPECT_NEAR(inner_kinetic(end.mass, end.v), 1.21 * inner_kinetic(end.mass, turned.v),
                  1e-9 * wanted);
    }
  }
}

namespace {

/// A jump that is the dynamics itself, or none.
class KnownJump : public JumpEngine {
 public:
  KnownJump(std::vector<int> numbers, int steps) : steps(steps), toy(std::move(numbers), 1, false)
  {
  }
  void evaluate(const Graph &graph, const JumpInput &input, JumpResult &result) override
  {
    toy.x.assign(toy.x.size(), 0.0);
    // all pairs of atoms are edges: the first row gives places relative to the first atom
    for (int e = graph.first_edge[0]; e < graph.first_edge[1]; e++)
      for (int a = 0; a < 3; a++) toy.x[3 * graph.neighbor[e] + a] = graph.r[3 * e + a];
    toy.v.assign(input.velocity.begin(), input.velocity.end());
    const auto x = toy.x, v = toy.v;
    toy.forces();
    for (int k = 0; k < steps; k++) toy.step(1e-3 * 0.5);
    result.displacement = toy.x;
    result.velocity_change = toy.v;
    for (std::size_t k = 0; k < x.size(); k++) {
      result.displacement[k] -= x[k];
      result.velocity_change[k] -= v[k];
    }
  }
  EngineInfo info() const override { return {}; }

 private:
  int steps;
  Toy toy;
};

ForceOf toy_force()
{
  return [](const NveTrajectory &trajectory, std::span<const double> x, std::span<double> force) {
    Toy toy(trajectory.numbers, 1, false);
    toy.x.assign(x.begin(), x.end());
    toy.forces();
    std::copy(toy.f.begin(), toy.f.end(), force.begin());
    return toy.energy;
  };
}

}    // namespace

TEST_F(TrainJump, RollOutsOfAPerfectJumpStayOnTheTrajectory)
{
  trajectory("a.xyz", {8, 1, 1}, 3, 3, 81);
  std::vector<NveTrajectory> all = {read_nve(file("a.xyz"), dt)};
  all[0].species = {2, 0, 0};
  const Potential potential = potential_for(all, {4.0});
  const auto chains = chains_of(all[0], 8, 0, 9, 6);
  ASSERT_EQ(chains.size(), 6u);
  for (const Window &chain : chains) {
    EXPECT_EQ(chain.steps, 8);
    EXPECT_LT(chain.start + 9 * chain.steps, 81);
  }
  KnownJump perfect({8, 1, 1}, 8), nothing({8, 1, 1}, 0);
  for (const bool own : {true, false}) {
    const RolloutErrors good =
        rollout_errors(perfect, potential, chains, 9, own ? toy_force() : ForceOf());
    EXPECT_EQ(good.chains, 6);
    EXPECT_EQ(good.failed, 0);
    ASSERT_EQ(good.after.size(), 9u);
    const RolloutErrors bad =
        rollout_errors(nothing, potential, chains, 9, own ? toy_force() : ForceOf());
    for (int k = 0; k < 9; k++) {
      // With its own forces the roll-out keeps the energy better than velocity Verlet does, so the
      // two differ.
      EXPECT_LT(good.after[k].thermal[0], own ? 0.1 : 2e-3);
      EXPECT_LT(good.after[k].thermal[1], own ? 0.1 : 2e-3);
      EXPECT_LT(good.after[k].energy, 0.1);
      EXPECT_GT(bad.after[k].thermal[1], 0.2);
    }
    EXPECT_GT(bad.after[8].thermal[0], bad.after[0].thermal[0]);
  }
  // a method that fails ends its chain, and only that
  int calls = 0;
  const ForceOf broken = [&](const NveTrajectory &trajectory, std::span<const double> x,
                             std::span<double> force) {
    if (++calls == 3) throw std::runtime_error("does not converge");
    return toy_force()(trajectory, x, force);
  };
  const RolloutErrors some = rollout_errors(perfect, potential, chains, 9, broken);
  EXPECT_EQ(some.failed, 1);
  EXPECT_EQ(some.chains, 5);
  EXPECT_LT(some.after[8].thermal[0], 0.1);
}

TEST_F(TrainJump, NoiseAndRotation)
{
  trajectory("a.xyz", {8, 1, 1}, 3, 1, 21);
  NveTrajectory read = read_nve(file("a.xyz"), dt);
  read.species = {2, 0, 0};
  std::mt19937 generator(4);
  JumpBatch plain, turned, noisy;
  WindowNoise rotate, noise;
  rotate.rotate = true;
  noise.position = 0.01;
  const Window window{&read, 0, 2, 8, 0, false};
  append_window(window, 5.0, plain);
  append_window(window, 5.0, turned, rotate, &generator);
  append_window(window, 5.0, noisy, noise, &generator);
  double moved = 0.0;
  const auto dot = [](const std::vector<double> &a, const std::vector<double> &b, int i) {
    return a[3 * i] * b[3 * i] + a[3 * i + 1] * b[3 * i + 1] + a[3 * i + 2] * b[3 * i + 2];
  };
  for (int i = 0; i < 3; i++) {
    EXPECT_NEAR(dot(turned.x, turned.velocity, i), dot(plain.x, plain.velocity, i), 1e-10);
    EXPECT_NEAR(dot(turned.force, turned.reference.displacement, i),
                dot(plain.force, plain.reference.displacement, i), 1e-10);
    for (int k = 3 * i; k < 3 * i + 3; k++) {
      moved = std::max(moved, std::abs(turned.x[k] - plain.x[k]));
      EXPECT_NE(noisy.x[k], plain.x[k]);
      EXPECT_LT(std::abs(noisy.x[k] - plain.x[k]), 0.06);
      EXPECT_EQ(noisy.velocity[k], plain.velocity[k]);
      EXPECT_EQ(noisy.reference.displacement[k], plain.reference.displacement[k]);
    }
  }
  EXPECT_GT(moved, 0.1);
}

TEST_F(TrainJump, RefusesWhatIsNoNewtonianDynamics)
{
  const auto spoil = [&](const std::string &name,
                         const std::function<void(Structure &, long)> &change) {
    trajectory(name, {8, 1, 1}, 1, 2, 11, false, change);
  };
  spoil("kicked.xyz", [](Structure &frame, long number) {
    if (number >= 5) frame.velocities[4] += 0.3;
  });
  expect_refused(
      "kicked.xyz",
      {"kicked.xyz', frame 5", "atom 2 is off a velocity-Verlet step of 0.5", "no thermostat"});
  trajectory("good.xyz", {8, 1, 1}, 1, 2, 11);
  expect_refused("good.xyz", {"frame 2", "off a velocity-Verlet step of 0.25"}, 0.25);
  spoil("still.xyz", [](Structure &frame, long number) {
    if (number == 4) frame.velocities.clear();
  });
  expect_refused("still.xyz", {"still.xyz'"});
  spoil("bare.xyz", [](Structure &frame, long) {
    frame.velocities.clear();
  });
  expect_refused("bare.xyz", {"frame 1", "no velocities"});
  spoil("timeless.xyz", [](Structure &frame, long) {
    frame.step = -1;
  });
  expect_refused("timeless.xyz", {"frame 1", "no Timestep"});
  write("empty.xyz", "");
  expect_refused("empty.xyz", {"empty.xyz'"});
  // the manifest beside the data has its say
  write(
      "manifest.json",
      R"({"settings": {"sampling": "langevin"}, "trajectories": {"good": {"temperature": 300}}})");
  expect_refused("good.xyz", {"sampled with 'langevin'"});
  write("manifest.json",
        R"({"settings": {"sampling": "nve", "timestep": 1.0},
 "trajectories": {"good": {"temperature": 300}}})");
  expect_refused("good.xyz", {"time step of 1.0"});
  write("manifest.json",
        R"({"settings": {"sampling": "nve", "timestep": 0.5, "method": "gfn2"},
 "trajectories": {"good": {"temperature": 310, "charge": 1}}})");
  const NveTrajectory good = read_nve(file("good.xyz"), dt);
  EXPECT_EQ(good.temperature, 310.0);
  ASSERT_TRUE(good.teacher.settings);
  EXPECT_EQ(good.teacher.settings->name(), "gfn2");
  EXPECT_EQ(good.teacher.charge, 1);
}

TEST_F(TrainJump, MassesAreThoseOfTheData)
{
  const std::vector<double> heavy = {15.999, 2.014, 2.014}, mixed = {15.999, 2.014, 1.008};
  const auto with = [](const std::vector<double> &mass) {
    return [mass](Structure &frame, long) {
      frame.masses = mass;
    };
  };
  unsigned seed = 1;
  for (const char *name : {"a1.xyz", "v.xyz", "t.xyz"})
    trajectory(name, {8, 1, 1}, seed++, 3, 41, false, with(heavy), heavy);
  EXPECT_EQ(read_nve(file("a1.xyz"), dt).mass, heavy);
  settings("heavy",
           {{"training", "{steps: 20, windows: 16, validate_every: 20, warmup: 5, threads: 1}"}});
  run("train --no-plots heavy.yaml");
  ASSERT_EQ(status, 0);
  const Potential with_deuterium = Potential::read(file("heavy.safetensors"));
  const auto &species = jump_record(with_deuterium).species;
  ASSERT_EQ(species.size(), 2u);
  EXPECT_EQ(species[0].mass, 2.014);
  EXPECT_EQ(species[1].mass, 15.999);
  // a network knows one mass of a species
  trajectory("a2.xyz", {8, 1, 1}, 9, 3, 41, false, with(mixed), mixed);
  settings("mixed");
  expect_error("train --no-plots mixed.yaml",
               {"a2.xyz': atom 3 is H of 1.008", "others of its species have 2.014",
                "one mass for each species"});
  // Data whose file does not name its masses are no dynamics of the elements with their standard
  // masses.
  trajectory("light.xyz", {8, 1, 1}, 1, 2, 11, false, {}, heavy);
  expect_refused(
      "light.xyz",
      {"off a velocity-Verlet step", "masses in the file where they are not the standard ones"});
  trajectory(
      "changing.xyz", {8, 1, 1}, 1, 2, 11, false,
      [&](Structure &frame, long number) {
        frame.masses = number == 5 ? mixed : heavy;
      },
      heavy);
  expect_refused("changing.xyz", {"frame 5: atom 3 has another mass than in the first frame"});
}

TEST_F(TrainJump, LinearDataAreFittedExactly)
{
  std::vector<NveTrajectory> all;
  for (const auto &[name, numbers] :
       {std::pair{"co.xyz", std::vector<int>{6, 8}}, std::pair{"h.xyz", std::vector<int>{1, 1}}}) {
    trajectory(name, numbers, 5, 3, 41, true);
    all.push_back(read_nve(file(name), dt));
    for (const int z : numbers) all.back().species.push_back(z == 1 ? 0 : z == 6 ? 1 : 2);
  }
  const std::vector<double> strides = {4.0, 8.0};
  Potential potential = potential_for(all, strides);
  const WindowSource source(all, {8, 16}, true);
  EXPECT_EQ(source.n_molecules(), 2);
  fit_linear(source, all, potential);
  potential.check("fitted");
  for (const double scale : potential.tensors["target_scale"].values) EXPECT_LT(scale, 1e-6);
  for (const auto &report : jump_report(potential, all, {}))
    for (const auto &row : report.rows) {
      if (row.method == "linear") {
        EXPECT_LT(row.change[0], 1e-7);
        EXPECT_LT(row.change[1], 1e-7);
      }
      if (row.method == "verlet") { EXPECT_GT(row.change[0], 1e-3); }
      if (row.method == "zero") {
        EXPECT_NEAR(row.change[0], 1.0, 1e-12);
        EXPECT_NEAR(row.change[1], 1.0, 1e-12);
      }
    }
  // ranges and scales are those of the windows
  double fastest = 0.0, square = 0.0;
  long count = 0;
  for (const auto &segment : all[1].segments)
    for (std::size_t k = 0; k < segment.v.size(); k += 3)
      fastest =
          std::max(fastest,
                   std::sqrt(segment.v[k] * segment.v[k] + segment.v[k + 1] * segment.v[k + 1] +
                             segment.v[k + 2] * segment.v[k + 2]));
  EXPECT_LE(jump_record(potential).species[0].velocity, fastest);
  EXPECT_GT(jump_record(potential).species[0].velocity, 0.9 * fastest);
  for (const auto &t : all)
    for (const auto &segment : t.segments)
      for (std::size_t k = 0; k < segment.v.size(); k++, count++)
        square += t.mass[(k / 3) % 2] * segment.v[k] * segment.v[k];
  EXPECT_NEAR(potential.tensors["input_scale"].values[0], std::sqrt(square / double(count)),
              0.1 * std::sqrt(square / double(count)));
}

TEST_F(TrainJump, ClassesFollowBonds)
{
  const auto reader = open_trajectory(MLFF_TEST_DATA "/ethanol_rmd17.xyz");
  Structure ethanol;
  ASSERT_TRUE(reader->next(ethanol));
  const auto environments =
      bond_environments(ethanol.numbers, bonds_of(ethanol.numbers, ethanol.positions));
  std::map<std::string, int> count;
  for (const auto &one : environments) count[one]++;
  ASSERT_EQ(count.size(), 6u);    // CH3, CH2, O, and the hydrogens on each
  std::multiset<int> sizes;
  for (const auto &[text, n] : count) sizes.insert(n);
  EXPECT_EQ(sizes, (std::multiset<int>{1, 1, 1, 1, 2, 3}));

  // a potential with classes finds its species again, whatever the order of the atoms
  Potential potential = random_jump({8, 1, 5}, {1, 1, 1, 6, 6, 8}, {8.0});
  std::map<int, int> number;
  int s = 0;
  for (const int z : {1, 6, 8})
    for (const auto &[text, n] : count)
      if (text.front() == (z == 1 ? 'H' : z == 6 ? 'C' : 'O')) {
        jump_record(potential).species[s].name = text.substr(0, 1) + std::to_string(++number[z]);
        jump_record(potential).species[s++].environment = text;
      }
  Structure backward = ethanol;
  for (int i = 0; i < 9; i++) {
    backward.numbers[i] = ethanol.numbers[8 - i];
    for (int a = 0; a < 3; a++) backward.positions[3 * i + a] = ethanol.positions[3 * (8 - i) + a];
  }
  const auto species = jump_species(potential, ethanol.numbers,
                                    bonds_of(ethanol.numbers, ethanol.positions)),
             again = jump_species(potential, backward.numbers,
                                  bonds_of(backward.numbers, backward.positions));
  for (int i = 0; i < 9; i++) EXPECT_EQ(again[i], species[8 - i]);
  EXPECT_THROW(jump_species(potential, {8, 1, 1}, {{0, 1}, {0, 2}}), FileError);
}

TEST(StructureLoss, CoordinatesOfEthanol)
{
  const auto reader = open_trajectory(MLFF_TEST_DATA "/ethanol_rmd17.xyz");
  Structure ethanol;
  ASSERT_TRUE(reader->next(ethanol));
  const InternalCoordinates coordinates(bonds_of(ethanol.numbers, ethanol.positions));
  EXPECT_EQ(coordinates.bonds.size(), 8u);
  EXPECT_EQ(coordinates.angles.size(), 13u);       // 6 at each carbon, 1 at the oxygen
  EXPECT_EQ(coordinates.dihedrals.size(), 12u);    // 9 about C-C, 3 about C-O

  // a dihedral of known sign: looking from j to k, l is turned clockwise against i by 90 degrees
  // (IUPAC: positive)
  const double i[] = {1, 0, 0}, j[] = {0, 0, 0}, k[] = {0, 0, 1}, l[] = {0, 1, 1},
               line[] = {0, 0, 3};
  double angle = 0.0;
  std::array<double, 12> of_dihedral;
  std::array<double, 9> of_angle;
  ASSERT_TRUE(dihedral(i, j, k, l, angle, of_dihedral));
  EXPECT_NEAR(angle, std::numbers::pi / 2, 1e-14);
  ASSERT_TRUE(bond_angle(i, j, k, angle, of_angle));
  EXPECT_NEAR(angle, std::numbers::pi / 2, 1e-14);
  EXPECT_FALSE(dihedral(i, j, k, line, angle, of_dihedral));
  EXPECT_FALSE(bond_angle(j, k, line, angle, of_angle));
}

TEST(StructureLoss, DerivativeIsThatOfDifferences)
{
  const auto reader = open_trajectory(MLFF_TEST_DATA "/ethanol_rmd17.xyz");
  Structure ethanol;
  ASSERT_TRUE(reader->next(ethanol));
  const InternalCoordinates coordinates(bonds_of(ethanol.numbers, ethanol.positions));
  std::mt19937 generator(5);
  std::normal_distribution<double> normal(0.0, 0.1);
  std::vector<double> known = ethanol.positions, x = known;
  for (double &y : x) y += normal(generator);
  std::vector<double> x_bar(x.size()), unused(x.size());
  for (const StructureLoss &loss : {StructureLoss{1.3, 0, 0}, StructureLoss{0, 0.7, 0},
                                    StructureLoss{0, 0, 2.1}, StructureLoss{1, 2, 3}}) {
    std::fill(x_bar.begin(), x_bar.end(), 0.0);
    EXPECT_GT(loss.add(coordinates, known, x, 0.2, 0.5, x_bar), 1e-3);
    EXPECT_EQ(loss.add(coordinates, known, known, 0.2, 1.0, unused), 0.0);
    for (std::size_t c = 0; c < x.size(); c++) {
      const double step = 1e-5, before = x[c];
      x[c] = before + step;
      const double up = loss.add(coordinates, known, x, 0.2, 0.0, unused);
      x[c] = before - step;
      const double down = loss.add(coordinates, known, x, 0.2, 0.0, unused);
      x[c] = before;
      EXPECT_NEAR(x_bar[c], 0.5 * (up - down) / (2 * step), 1e-7 * (1.0 + std::abs(x_bar[c])));
    }
  }
}

TEST_F(TrainJump, LearnsTheStructure)
{
  // a ring of three, all bonded
  for (const char *name : {"a1.xyz", "a2.xyz", "a3.xyz", "v.xyz", "t.xyz"})
    trajectory(name, {6, 8, 6}, unsigned(name[0] + name[1]), 4, 81);
  for (const char *structure : {"{}", "{structure: {bond: 1, angle: 1}}"}) {
    const std::string name = structure[1] == '}' ? "plain" : "structure";
    settings(name,
             {{"loss", structure},
              {"training",
               "{steps: 400, windows: 16, validate_every: 100, warmup: 20, threads: 1, "
               "learning_rate: 0.005}"}});
    run("train " + name + ".yaml");
    ASSERT_EQ(status, 0);
  }
  const auto lines = log("structure");
  EXPECT_GT(lines[3]["loss"]["structure"].get<double>(), 0.0);
  EXPECT_LT(lines[3]["loss"]["structure"].get<double>(),
            0.5 * lines[0]["loss"]["structure"].get<double>());
  EXPECT_NE(lines[3]["loss"]["x"], log("plain")[3]["loss"]["x"]);
  EXPECT_FALSE(log("plain")[3]["loss"].contains("structure"));
  EXPECT_EQ(training("structure")["settings"]["loss"]["structure"]["angle"], 1.0);
  settings("none", {{"loss", "{structure: {bond: 1, dihedral: 1}}"}});
  expect_error("train none.yaml", {"'loss.structure.dihedral'", "no molecule"});
}

TEST_F(TrainJump, ForceHeadTeachesAndIsDropped)
{
  standard_data();
  settings("head",
           {{"loss", "{force: 0.5}"},
            {"training",
             "{steps: 400, windows: 16, validate_every: 100, warmup: 20, threads: 1, "
             "learning_rate: 0.005}"}});
  run("train head.yaml");
  ASSERT_EQ(status, 0);
  const auto lines = log("head");
  EXPECT_LT(lines[3]["loss"]["force"].get<double>(), 0.5 * lines[0]["loss"]["force"].get<double>());
  const Potential potential = Potential::read(file("head.safetensors"));
  EXPECT_EQ(potential.tensors.at("readout.1.weight").shape[0], 2 * painn_sizes(potential).features);
  EXPECT_EQ(training("head")["settings"]["loss"]["force"], 0.5);
  // Training can go on from a network with a new head.
  settings("on",
           {{"model", "{kind: kstep, init_from: head.safetensors, strides: [4]}"},
            {"loss", "{force: 0.5}"},
            {"training", "{steps: 4, windows: 4, validate_every: 2, warmup: 2, threads: 1}"}});
  run("train on.yaml");
  EXPECT_EQ(status, 0);
}

TEST_F(TrainJump, LearnsAndSaysHowWell)
{
  standard_data();
  settings("j",
           {{"training",
             "{steps: 1500, windows: 16, validate_every: 500, warmup: 50, threads: 1, "
             "learning_rate: 0.005}"}});
  const std::string text = run("train j.yaml");
  ASSERT_EQ(status, 0);
  for (const char *word :
       {"3 training, 1 validation and 1 test trajectories of H2O", "species H O", "windows of 4 fs",
        "errors on test trajectories", "zero", "ballistic", "linear", "network", "skill"})
    EXPECT_NE(text.find(word), std::string::npos) << text;
  const Potential potential = Potential::read(file("j.safetensors"));
  EXPECT_EQ(potential.model(), "kstep-painn");
  EXPECT_EQ(jump_record(potential).strides, std::vector<double>{4.0});
  const auto t = training("j");
  EXPECT_EQ(t["reported"], "test");
  const auto jumps = t["report"][0]["jumps"];
  EXPECT_GT(jumps["network"]["skill"]["x"], 0.7);
  EXPECT_GT(jumps["network"]["skill"]["v"], 0.7);
  EXPECT_EQ(jumps["linear"]["skill"]["x"], 0.0);
  // The errors that the file claims are found again when its windows are evaluated.
  std::vector<NveTrajectory> held_out = {read_nve(file("t.xyz"), dt)};
  held_out[0].species = jump_species(potential, held_out[0].numbers, held_out[0].bonds);
  const auto again = jump_report(potential, held_out, {});
  for (const auto &row : again[0].rows)
    if (row.method == "network") {
      EXPECT_NEAR(row.change[0], jumps["network"]["error_of_change"]["x"].get<double>(), 1e-9);
    }
  EXPECT_NE(run("info j.safetensors").find("strides_fs"), std::string::npos);
  expect_error("train j.yaml", {"j.safetensors' exists already"});
}

TEST_F(TrainJump, SeveralMoleculesStridesAndClasses)
{
  for (const auto &[name, numbers] :
       {std::pair{"a1.xyz", std::vector<int>{8, 1, 1}}, std::pair{"a2.xyz", std::vector<int>{6, 8}},
        std::pair{"a3.xyz", std::vector<int>{8, 6, 8}}, std::pair{"v.xyz", std::vector<int>{6, 8}},
        std::pair{"t.xyz", std::vector<int>{8, 1, 1}}})
    trajectory(name, numbers, unsigned(name[1]), 3, 81);
  settings(
      "many",
      {{"model",
        "{kind: kstep, features: 16, layers: 1, radial: 8, strides: [4.0, 8.0], species: classes}"},
       {"training",
        "{steps: 300, windows: 12, validate_every: 100, warmup: 20, threads: 1, learning_rate: "
        "0.005}"}});
  const std::string text = run("train many.yaml");
  ASSERT_EQ(status, 0);
  EXPECT_NE(text.find("H2O CO CO2"), std::string::npos) << text;
  const Potential potential = Potential::read(file("many.safetensors"));
  EXPECT_EQ(jump_record(potential).strides, (std::vector<double>{4.0, 8.0}));
  EXPECT_GT(potential.n_species(), 3);
  EXPECT_EQ(training("many")["report"].size(), 2u);    // one for each stride

  // another stride and a molecule of known atoms, from these weights with some of them frozen
  settings("more",
           {{"model",
             "{kind: kstep, init_from: many.safetensors, freeze: [filter, message], strides: [4.0, "
             "6.0]}"},
            {"training", "{steps: 40, windows: 12, validate_every: 20, warmup: 5, threads: 1}"}});
  run("train more.yaml");
  ASSERT_EQ(status, 0);
  const Potential more = Potential::read(file("more.safetensors"));
  EXPECT_EQ(more.tensors.at("filter.weight").values, potential.tensors.at("filter.weight").values);
  EXPECT_EQ(more.tensors.at("message.0.1.bias").values,
            potential.tensors.at("message.0.1.bias").values);
  EXPECT_NE(more.tensors.at("update.0.0.weight").values,
            potential.tensors.at("update.0.0.weight").values);
  // the linear fit of a stride that both know stays
  const std::size_t n = 4 * std::size_t(potential.n_species());
  for (std::size_t k = 0; k < n; k++)
    EXPECT_EQ(more.tensors.at("linear").values[k], potential.tensors.at("linear").values[k]);
}

TEST_F(TrainJump, TorchAndHostTrainAlike)
{
#ifndef MLFF_TORCH
  GTEST_SKIP() << "this build has no LibTorch";
#endif
  standard_data();
  for (const char *engine : {"host", "torch"}) {
    settings(engine,
             {{"training",
               std::string("{steps: 20, windows: 8, validate_every: 20, precision: double, "
                           "threads: 1, device: cpu, engine: ") +
                   engine + "}"}});
    run(std::string("train ") + engine + ".yaml");
    ASSERT_EQ(status, 0);
  }
  const auto a = flat_weights(Potential::read(file("host.safetensors"))),
             b = flat_weights(Potential::read(file("torch.safetensors")));
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t k = 0; k < a.size(); k++) EXPECT_NEAR(a[k], b[k], 1e-6);
  EXPECT_GT(largest(a), 0.1);
}

TEST_F(TrainJump, VariantsLearnAndSayWhatRotationsDo)
{
#ifndef MLFF_TORCH
  GTEST_SKIP() << "this build has no LibTorch";
#endif
  standard_data();
  const std::string course = "{steps: 250, windows: 16, validate_every: 125, warmup: 20, threads: "
                             "1, learning_rate: 0.005}";
  for (const char *network : {"egnn", "transformer"})
    for (const char *form : {"corrected", "published"}) {
      const std::string name = std::string(network) + "-" + form;
      settings(name,
               {{"model",
                 std::string("{kind: kstep, network: ") + network + ", form: " + form +
                     ", features: 16, layers: 1, radial: 8, cutoff: 5.0, strides: [4.0]}"},
                {"training", course}});
      const std::string text = run("train " + name + ".yaml");
      ASSERT_EQ(status, 0);
      EXPECT_NE(text.find("torch engine"), std::string::npos);
      EXPECT_NE(text.find("rotation error of the network"), std::string::npos);
      const Potential potential = Potential::read(file(name + ".safetensors"));
      EXPECT_EQ(potential.model(), std::string("kstep-") + network);
      const auto jump = training(name)["report"][0]["jumps"]["network"];
      EXPECT_GT(jump["skill"]["x"], 0.1) << name;
      if (form == std::string("corrected")) {
        EXPECT_LT(jump["rotation_error"]["x"], 1e-5);
      } else {
        EXPECT_GT(jump["rotation_error"]["x"], 1e-3) << name;
      }
      EXPECT_NE(run("info " + name + ".safetensors").find(form), std::string::npos);
      EXPECT_NE(run("eval --model " + name + ".safetensors --data t.xyz --rollout 3")
                    .find("chains of jumps in a row"),
                std::string::npos);
    }
  expect_error("eval --model egnn-corrected.safetensors --data t.xyz --engine host",
               {"'kstep-egnn' is available with engine torch"});
  // Training goes on from these weights.
  settings(
      "more",
      {{"model", "{kind: kstep, init_from: transformer-corrected.safetensors, strides: [4.0]}"},
       {"training", "{steps: 10, windows: 8, validate_every: 10, threads: 1}"}});
  run("train more.yaml");
  ASSERT_EQ(status, 0);
  EXPECT_EQ(Potential::read(file("more.safetensors")).model(), "kstep-transformer");
  expect_settings_error({{"model", "{kind: kstep, init_from: transformer-corrected.safetensors}"},
                         {"training", "{engine: host}"}},
                        {"'training.engine' is 'host'",
                         "a model 'kstep-transformer', which is available with engine torch"});
}

TEST_F(TrainJump, RollOutsInTheLoss)
{
  standard_data();
#ifdef MLFF_TORCH
  settings("r",
           {{"loss", "{rollout: {jumps: 3, weight: 0.5}}"},
            {"training",
             "{steps: 200, windows: 16, validate_every: 50, warmup: 20, threads: 1, learning_rate: "
             "0.005, choose: rollout, choose_jumps: 4}"}});
  run("train r.yaml");
  ASSERT_EQ(status, 0);
  const auto lines = log("r");
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_LT(lines[3]["rollout_loss"]["x"].get<double>(),
            lines[0]["rollout_loss"]["x"].get<double>());
  EXPECT_GT(lines[3]["rollout_loss"]["x"].get<double>(), 0.0);
  ASSERT_EQ(lines[3]["valid_rollout"]["after"].size(), 4u);
  EXPECT_EQ(training("r")["settings"]["loss"]["rollout"]["jumps"], 3);
  EXPECT_GT(training("r")["report"][0]["jumps"]["network"]["skill"]["x"], 0.1);

  // the loss of a chain is that of a roll-out: places after two and three jumps
  const Potential potential = Potential::read(file("r.safetensors"));
  std::vector<NveTrajectory> all = {read_nve(file("t.xyz"), dt)};
  all[0].species = jump_species(potential, all[0].numbers, all[0].bonds);
  const auto chains = chains_of(all[0], 8, 0, 2, 5);
  JumpBatch batch;
  std::vector<JumpChain::Place> after;
  for (const Window &chain : chains) append_chain(chain, 2, potential.cutoff, batch, after);
  EngineOptions options;
  options.engine = "torch";
  options.precision = Precision::double_precision;
  std::vector<double> unused(flat_weights(potential).size(), 0.0);
  JumpChain chain;
  chain.species = batch.graph.species;
  chain.first_atom = batch.graph.first_atom;
  chain.x = batch.x;
  chain.start = batch.input();
  chain.after = after;
  const auto terms = make_jump_gradient(potential, options)->add_chain_gradient(chain, {}, unused);
  const auto errors =
      rollout_errors(*make_jump_engine(potential, options), potential, chains, 2, {});
  EXPECT_NEAR(terms[2], errors.after[1].scaled[0] * errors.after[1].scaled[0], 1e-7 * terms[2]);
#endif
  // the choice by roll-outs needs no derivative
  settings(
      "c",
      {{"training",
        "{steps: 60, windows: 8, validate_every: 20, warmup: 5, threads: 1, choose: rollout}"}});
  run("train c.yaml");
  ASSERT_EQ(status, 0);
  EXPECT_EQ(log("c")[0]["valid_rollout"]["after"].size(), 10u);
  // the step with the smallest error after the last jump was taken
  double least = 1e30;
  long best = 0;
  for (const auto &line : log("c")) {
    const double error = line["valid_rollout"]["loss"]["x"].get<double>() +
        line["valid_rollout"]["loss"]["v"].get<double>();
    if (error < least) {
      least = error;
      best = line["step"].get<long>();
    }
  }
  EXPECT_EQ(training("c")["best_step"], best);
}

TEST_F(TrainJump, KilledAndResumedIsTheSame)
{
  standard_data();
  const std::string course =
      "{steps: 700, windows: 16, validate_every: 25, threads: 1, checkpoint_seconds: 0.0";
  for (const char *name : {"whole", "parts"})
    settings(name,
             {{"training", course + "}"},
              {"data",
               "{train: {file: a*.xyz}, valid: {file: v.xyz}, test: {file: t.xyz}, noise: "
               "{position: 0.001}}"}});
  run("train whole.yaml");
  ASSERT_EQ(status, 0);
  int kills = 0;
  for (int signal : {SIGKILL, SIGKILL, SIGTERM}) {
    const long before = lines("parts.training/log.jsonl");
    const auto late_enough = [&] {
      return std::filesystem::exists(file("parts.training/checkpoint")) &&
          lines("parts.training/log.jsonl") >= before + 2;
    };
    kills += kill_when("train parts.yaml", late_enough, signal);
  }
  ASSERT_EQ(kills, 3);
  EXPECT_FALSE(std::filesystem::exists(file("parts.safetensors")))
      << "the training was too short to be killed";
  const std::string text = run("train parts.yaml");
  ASSERT_EQ(status, 0);
  EXPECT_NE(text.find("resumed at step"), std::string::npos);
  EXPECT_EQ(flat_weights(Potential::read(file("whole.safetensors"))),
            flat_weights(Potential::read(file("parts.safetensors"))));
  auto a = log("whole"), b = log("parts");
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t k = 0; k < a.size(); k++) {
    a[k].erase("windows_per_second");
    b[k].erase("windows_per_second");
    EXPECT_EQ(a[k], b[k]);
  }
  settings("parts",
           {{"training", "{steps: 700, windows: 24, validate_every: 25, threads: 1}"},
            {"data",
             "{train: {file: a*.xyz}, valid: {file: v.xyz}, test: {file: t.xyz}, noise: {position: "
             "0.001}}"}});
  expect_error("train --force parts.yaml", {"'training.windows' is 24", "has 16", "--restart"});
  // Files with the same names have other contents.
  settings("parts",
           {{"training", course + "}"},
            {"data",
             "{train: {file: a*.xyz}, valid: {file: v.xyz}, test: {file: t.xyz}, noise: {position: "
             "0.001}}"}});
  std::ofstream(file("v.xyz")) << content("t.xyz");
  expect_error("train --force parts.yaml",
               {"'v.xyz' (data.valid) are not those that checkpoint", "--restart"});
}

TEST_F(TrainJump, HoldsOutWholeTrajectoriesOrMolecules)
{
  standard_data();
  trajectory("b.xyz", {6, 8}, 3, 2, 41);
  settings("t", {{"data", "{train: {file: [a1.xyz, a2.xyz, a3.xyz]}, valid_fraction: 0.3}"}});
  EXPECT_NE(run("train t.yaml").find("2 training, 1 validation and 0 test trajectories of H2O"),
            std::string::npos);
  EXPECT_EQ(training("t")["reported"], "validation");
  // One of two molecules is held out, so oxygen and carbon or hydrogen are unknown.
  expect_settings_error(
      {{"data",
        "{train: {file: [a1.xyz, a2.xyz, b.xyz]}, valid_fraction: 0.5, hold_out: molecules}"}},
      {"in data held out, but not in 'data.train'"});
}

TEST_F(TrainJump, SettingsErrors)
{
  standard_data();
  const std::string model = "{kind: kstep, features: 16, layers: 1, radial: 8, ";
  expect_settings_error({{"model", "{kind: jump}"}},
                        {"'model.kind' is 'jump'", "painn, painn-fmm, molecule-mlp, kstep"});
  expect_settings_error({{"model", model + "strides: [4.1]}"}},
                        {"'model.strides' holds 4.1", "multiples of 'data.timestep', 0.5 fs"});
  expect_settings_error({{"model", model + "strides: [8.0, 4.0]}"}},
                        {"'model.strides' holds 4.0", "ascending"});
  expect_settings_error({{"model", model + "strides: [100.0]}"}}, {"hold no window of 200 steps"});
  expect_settings_error({{"model", model + "species: colours}"}},
                        {"'model.species' is 'colours'", "elements, classes"});
  expect_settings_error({{"model", model + "wings: 2}"}}, {"wings", "features"});
  expect_settings_error({{"model", model + "freeze: filter}"}},
                        {"'model.freeze' needs 'model.init_from'"});
  expect_settings_error({{"model", model + "network: mace}"}},
                        {"'model.network' is 'mace'", "painn, egnn, transformer"});
  expect_settings_error({{"model", model + "network: egnn, form: right}"}},
                        {"'model.form' is 'right'", "corrected, published"});
  expect_settings_error({{"model", model + "form: published}"}},
                        {"'model.form' is for 'model.network: egnn' and 'transformer'"});
  expect_settings_error({{"model", model + "network: egnn, bound: 0}"}}, {"'model.bound' is '0'"});
  expect_settings_error({{"model", model + "network: egnn, heads: 2}"}},
                        {"'model.heads' is for 'model.network: transformer'"});
  expect_settings_error({{"model", model + "network: transformer, heads: 5}"}},
                        {"'model.heads' is 5", "divisor of 'model.features', 16"});
  expect_settings_error(
      {{"model", model + "network: egnn}"}, {"training", "{engine: host}"}},
      {"'training.engine' is 'host'", "'model.network: egnn' is available with engine torch"});
  expect_settings_error({{"loss", "{rollout: {jumps: 2}}"}, {"training", "{engine: host}"}},
                        {"'training.engine' is 'host'", "'loss.rollout' needs"});
  expect_settings_error({{"loss", "{rollout: {jumps: 1}}"}}, {"'loss.rollout.jumps' is '1'"});
  expect_settings_error({{"loss", "{rollout: {leaps: 2}}"}}, {"leaps", "jumps"});
  expect_settings_error({{"loss", "{rollout: {jumps: 2, force: guess}}"}},
                        {"'loss.rollout.force' is 'guess'", "data, method"});
  expect_settings_error({{"loss", "{rollout: {jumps: 2, force: method}}"}},
                        {"no method is known", "accepted here: data"});
  expect_settings_error({{"loss", "{rollout: {jumps: 20}}"}}, {"hold no window of 160 steps"});
  expect_settings_error({{"loss", "{force: 1, rollout: {jumps: 2}}"}},
                        {"'loss.force'", "accepted: one of the two"});
  expect_settings_error({{"model", "{kind: kstep, network: egnn}"}, {"loss", "{force: 1}"}},
                        {"'loss.force'", "painn"});
  expect_settings_error({{"loss", "{structure: {torsion: 1}}"}},
                        {"loss.structure.torsion", "angle, bond, dihedral"});
  expect_settings_error({{"loss", "{structure: {bond: -1}}"}}, {"'loss.structure.bond' is '-1'"});
  expect_settings_error({{"loss", "{structure: {bond: 1}, rollout: {jumps: 2}}"}},
                        {"'loss.structure'", "accepted: one of the two"});
  expect_settings_error({{"training", "{choose: best}"}},
                        {"'training.choose' is 'best'", "error, rollout"});
  expect_settings_error({{"training", "{choose: rollout, choose_jumps: 30}"}},
                        {"no chain of 30 jumps in the validation trajectories"});
  expect_settings_error({{"data", "{valid: {file: v.xyz}}"}}, {"'data.train' is missing"});
  expect_settings_error({{"data", "{train: {file: none*.xyz}}"}},
                        {"no file is named like", "none*.xyz"});
  expect_settings_error({{"data", "{train: {file: a*.xyz}, valid: {file: a1.xyz}}"}},
                        {"a1.xyz' is named twice"});
  expect_settings_error({{"data", "{train: {file: a1.xyz}}"}}, {"one trajectory cannot be split"});
  expect_settings_error({{"data", "{train: {file: a*.xyz}, timestep: 0.25}"}},
                        {"a1.xyz', frame 2", "0.25"});
  expect_settings_error({{"training", "{windows: 0}"}}, {"'training.windows' is '0'"});
  expect_settings_error({{"training", "{precision: mixed}"}},
                        {"'training.precision' is 'mixed'", "single, double"});
  expect_settings_error({{"report", "{method: dft}"}}, {"'report.method' is 'dft'", "gfn2"});
  expect_settings_error({{"loss", "{position: 0, velocity: 0}"}}, {"'loss' has no weight above 0"});
  expect_settings_error({{"output", "x.pt"}}, {"'output'", ".safetensors"});
  random_potential().write(file("energy.safetensors"));
  expect_settings_error({{"model", "{kind: kstep, init_from: energy.safetensors}"}},
                        {"energy.safetensors", "a model 'painn'; accepted: kstep-painn"});
}

#ifdef MLFF_XTB
TEST_F(TrainJump, EnergiesOfLabelledDynamics)
{
  run("label --molecule O --sampling nve --rotation --temperature 300 --trajectories 3 --windows 2 "
      "--window 60 --between 20 --warmup 100 --jobs 1 -o water");
  ASSERT_EQ(status, 0);
  settings("w",
           {{"data",
             "{train: {file: [water/molecule_300K_1.xyz, water/molecule_300K_2.xyz]}, "
             "valid_fraction: 0, test: {file: water/molecule_300K_3.xyz}}"}});
  run("train w.yaml");
  ASSERT_EQ(status, 0);
  const Potential potential = Potential::read(file("w.safetensors"));
  EXPECT_EQ(jump_record(potential).temperatures, std::vector<double>{300.0});
  const auto report = training("w")["report"][0];
  EXPECT_EQ(training("w")["teacher"], "gfn2");
  EXPECT_EQ(report["temperature"], 300.0);
  // the dynamics keeps its energy, a jump without motion too, and a ballistic one does not
  EXPECT_LT(std::abs(report["jumps"]["dynamics"]["energy_kT"]["mean"].get<double>()), 0.1);
  EXPECT_LT(report["jumps"]["dynamics"]["energy_kT"]["deviation"], 0.3);
  EXPECT_LT(std::abs(report["jumps"]["zero"]["energy_kT"]["mean"].get<double>()), 0.01);
  EXPECT_GT(report["jumps"]["ballistic"]["energy_kT"]["deviation"], 0.5);
  EXPECT_GT(report["jumps"]["network"]["energy_kT"]["windows"], 2);
}
#endif
