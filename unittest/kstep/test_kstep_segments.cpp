// Segments of a student without LAMMPS: statistics of series, slow coordinates, the number of
// segments, the chain.
#include "core/errors.h"
#include "kstep/nested/chain_length.h"
#include "kstep/nested/kstep_chain.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>

using namespace mlff;

namespace {

/// Gaussian numbers of variance 1 with the correlation rho from one to the next.
std::vector<double> correlated(int n, double rho, std::uint64_t seed)
{
  KstepRandom random(seed);
  std::vector<double> series(n);
  random.gaussian(series);
  for (int k = 1; k < n; k++)
    series[k] = rho * series[k - 1] + std::sqrt(1 - rho * rho) * series[k];
  return series;
}

TEST(KstepSegments, InefficiencyOfASeries)
{
  for (const double rho : {0.0, 0.5, 0.9}) {
    const double right = (1.0 + rho) / (1.0 - rho);
    EXPECT_NEAR(statistical_inefficiency(correlated(100000, rho, 5)), right, 0.1 * right) << rho;
  }
  EXPECT_EQ(statistical_inefficiency(std::vector(1000, 3.5)), 1.0) << "nothing changes";
  EXPECT_EQ(statistical_inefficiency({}), 1.0);
  // numbers that alternate are worth more than independent ones, which is not believed
  std::vector<double> alternating;
  for (int k = 0; k < 1000; k++) alternating.push_back(k % 2);
  EXPECT_EQ(statistical_inefficiency(alternating), 1.0);
}

TEST(KstepSegments, BlocksGrowWithTheSeries)
{
  BlockMean mean;
  EXPECT_EQ(mean.mean(), 0.0);
  EXPECT_TRUE(std::isinf(mean.error()));
  const double rho = 0.8;
  const auto series = correlated(100000, rho, 7);
  double sum = 0.0;
  for (const double value : series) {
    mean.add(value);
    sum += value;
  }
  EXPECT_EQ(mean.count(), 100000.0);
  EXPECT_NEAR(mean.mean(), sum / 100000.0, 1e-12);
  const double right = std::sqrt((1.0 + rho) / (1.0 - rho) / 100000.0);
  EXPECT_NEAR(mean.error(), right, 0.3 * right) << "correlation counts";

  // a state in the middle of a block goes on as if nothing had been
  std::vector<double> list = {1.5};
  mean.append_to(list);
  list.push_back(2.5);
  std::size_t at = 1;
  BlockMean again;
  again.read_from(list, at);
  EXPECT_EQ(at + 1, list.size());
  for (auto *one : {&mean, &again})
    for (int k = 0; k < 5000; k++) one->add(std::sin(k));
  EXPECT_EQ(again.mean(), mean.mean());
  EXPECT_EQ(again.error(), mean.error());
}

/// HO-CH2-CH3, and the bonds of it.
KstepMolecules ethanol()
{
  KstepMolecules molecules;
  molecules.numbers = {6, 6, 8, 1, 1, 1, 1, 1, 1};
  for (const int z : molecules.numbers)
    molecules.mass.push_back(z == 6 ? 12.011 : z == 8 ? 15.999 : 1.008);
  for (const auto &[i, j] : std::vector<std::pair<int, int>>{
           {0, 1}, {0, 2}, {0, 3}, {0, 4}, {1, 5}, {1, 6}, {1, 7}, {2, 8}})
    molecules.bonds.push_back({i, j, 1.0});
  molecules.first_atom = {0, 9};
  molecules.first_bond = {0, 8};
  return molecules;
}

TEST(KstepSegments, EquivalentAtoms)
{
  const auto classes = equivalent_atoms(ethanol());
  EXPECT_EQ(classes[3], classes[4]);
  EXPECT_EQ(classes[5], classes[6]);
  EXPECT_EQ(classes[5], classes[7]);
  EXPECT_NE(classes[3], classes[5]);
  EXPECT_NE(classes[3], classes[8]);
  EXPECT_NE(classes[0], classes[1]);
}

TEST(KstepSegments, ATurnOfAMethylGroupOntoItselfIsNoMotion)
{
  // atoms at ideal places, turned about one bond: about C-C by thirds of a circle, which exchanges
  // hydrogens, or about C-O by any angle
  const auto molecules = ethanol();
  const auto place = [](double methyl, double hydroxyl) {
    std::vector<double> x(27, 0.0);
    const auto put = [&](int i, double a, double b, double c) {
      x[3 * i] = a;
      x[3 * i + 1] = b;
      x[3 * i + 2] = c;
    };
    put(1, 0, 0, -1.5);
    put(2, 1.3, 0, 0.5);
    put(3, -0.5, 0.9, 0.4);
    put(4, -0.5, -0.9, 0.4);
    for (int k = 0; k < 3; k++) {
      const double angle = methyl + 2.0 * std::numbers::pi * k / 3;
      put(5 + k, std::cos(angle), std::sin(angle), -1.9);
    }
    // about the axis along C-O, x and z of which are (1.3, 0.5) / 1.39
    const double along[2] = {1.3 / 1.393, 0.5 / 1.393};
    const double u = 0.9 * std::cos(hydroxyl), w = 0.9 * std::sin(hydroxyl);
    put(8, 1.3 + 0.3 * along[0] - u * along[1], w, 0.5 + 0.3 * along[1] + u * along[0]);
    return x;
  };
  const auto hops = [&](bool of_methyl) {
    SlowCoordinates coordinates(molecules);
    KstepRandom random(3);
    int third = 0;
    for (int k = 0; k < 4000; k++) {
      if (random.uniform() < 0.02) third++;
      const double hop = 2.0 * std::numbers::pi * third / 3, noise = 0.1 * random.uniform();
      coordinates.add(molecules,
                      of_methyl ? place(hop + noise, 0.4 * random.uniform())
                                : place(noise, hop + noise),
                      std::vector{random.uniform()});
    }
    return coordinates.slowest();
  };
  EXPECT_LT(hops(true).inefficiency, 3.0);
  const auto slow = hops(false);
  EXPECT_GT(slow.inefficiency, 20.0);
  EXPECT_EQ(slow.name, "a torsion");
  EXPECT_EQ(std::minmax(slow.i, slow.j), std::minmax(0, 2));
}

TEST(KstepSegments, BestNumber)
{
  // three correlation times where the student is free: rho = 0.9, -3 / ln(0.9) = 28.5
  EXPECT_EQ(best_segments(19.0, 1.0, 0.0, 0.0), 29);
  EXPECT_EQ(best_segments(19.0, 0.5, 1e-9, 1.0), 29);
  EXPECT_EQ(best_segments(1.0, 1.0, 1.0, 1.0), 1) << "nothing is remembered";
  // of (1 - rho^n) / (1 + rho^n) / (t_f + n t_s) the largest, by hand for t_f = 4 t_s
  int best = 0;
  double gain = 0.0;
  for (int n = 1; n < 29; n++) {
    const double r = std::pow(0.9, n), here = (1 - r) / (1 + r) / (4.0 + n);
    if (here > gain) best = n;
    gain = std::max(gain, here);
  }
  EXPECT_EQ(best_segments(19.0, 1.0, 1.0, 4.0), best);
  EXPECT_LT(best, 29);
  EXPECT_GT(best, 1);
}

TEST(KstepSegments, ChoiceByTrials)
{
  EXPECT_TRUE(ChainLength(7).chosen());
  EXPECT_EQ(ChainLength(7).segments(), 7);
  ChainLength length(0);
  EXPECT_TRUE(length.wants_correlation());
  EXPECT_FALSE(length.chosen());
  length.set_correlation(19.0, 1.0);
  EXPECT_FALSE(length.wants_correlation());
  EXPECT_EQ(length.segments(), 29);
  ChainLength again(0), given(7);
  for (int k = 0; k < ChainLength::trials; k++) {
    if (k == 4) {
      std::vector<double> list;
      length.append_to(list);
      std::size_t at = 0;
      again.read_from(list, at);
      EXPECT_EQ(at, list.size());
      at = 0;
      given.read_from(list, at);
      EXPECT_EQ(given.segments(), 7) << "a number that is given stays";
    }
    EXPECT_EQ(length.count_trial(1.0, 4.0), k == ChainLength::trials - 1);
    if (k >= 4) again.count_trial(1.0, 4.0);
  }
  EXPECT_TRUE(length.chosen());
  EXPECT_EQ(length.segments(), best_segments(19.0, 1.0, 1.0, 4.0));
  EXPECT_EQ(again.segments(), length.segments());
  EXPECT_FALSE(length.count_trial(0.0, 100.0)) << "the choice stays";
}

/// Energy of pairs by their distance; no answer beyond a distance.
class PairEngine : public Engine {
 public:
  double spring = 4.0, distance = 1.4, reach = 10.0;

  void evaluate(const Graph &graph, Result &result, GhostExchange *) override
  {
    begin_result(graph, result);
    std::fill(result.atom_energy.begin(), result.atom_energy.end(), 0.0);
    for (int i = 0; i < graph.n_centres(); i++)
      for (int e = graph.first_edge[i]; e < graph.first_edge[i + 1]; e++) {
        const double *r = &graph.r[3 * e];
        const double length = std::sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]);
        if (length > reach) throw StateError("too long");
        result.atom_energy[i] += 0.25 * spring * std::pow(length - distance, 2);
        for (int a = 0; a < 3; a++)
          result.gradient[3 * e + a] = 0.5 * spring * (length - distance) * r[a] / length;
      }
    sum_energies(graph, result);
  }
  bool supports_domain_decomposition() const override { return false; }
  std::size_t bytes(int, int) const override { return 0; }
  EngineInfo info() const override { return {}; }
};

/// Two molecules of two atoms of 12 g/mol.
class Chain : public testing::Test {
 protected:
  static constexpr double kT = 0.025;
  KstepMolecules molecules;
  KstepState start, end;
  KstepRandom random{11};
  KstepChain::Tally tally;
  TemperatureLadder ladder;

  Chain()
  {
    molecules.numbers.assign(4, 6);
    molecules.species.assign(4, 0);
    molecules.mass.assign(4, 12.0);
    molecules.first_atom = {0, 2, 4};
    molecules.first_bond = {0, 0, 0};
    start.x = {0, 0, 0, 1.4, 0, 0, 20, 0, 0, 21.4, 0, 0};
    start.v.assign(12, 0.5);
    start.f.assign(12, 0.0);
    end = start;
  }

  std::unique_ptr<KstepChain> chain(double dt, const PairEngine &engine = {})
  {
    Potential potential;
    potential.cutoff = 6.0;
    auto made = std::make_unique<KstepChain>(potential, 8, dt, std::make_unique<PairEngine>(engine),
                                             random, ladder);
    made->kT = kT;
    made->total = &tally;
    made->check(molecules, start);
    return made;
  }

  static double length(const std::vector<double> &x, int m)
  {
    const double *a = &x[6 * m];
    return std::hypot(a[0] - a[3], a[1] - a[4], a[2] - a[5]);
  }
};

TEST_F(Chain, SamplesTheStudentWhateverItsSteps)
{
  // steps so long that one segment in a few is rejected: <r>, <r^2> with the weight r^2 of space
  double right[2] = {0.0, 0.0}, norm = 0.0;
  for (double r = 0.6; r < 2.4; r += 1e-4) {
    const double p = r * r * std::exp(-2.0 * std::pow(r - 1.4, 2) / kT);
    norm += p;
    right[0] += p * r;
    right[1] += p * r * r;
  }
  const auto sampler = chain(0.016);
  sampler->segments = 3;
  BlockMean found[2];
  for (int k = 0; k < 20000; k++) {
    sampler->propose(molecules, start, end);
    EXPECT_EQ(end.v, start.v);
    for (int m = 0; m < 2; m++) {
      const double now = 2.0 * std::pow(length(end.x, m) - 1.4, 2),
                   before = 2.0 * std::pow(length(start.x, m) - 1.4, 2);
      ASSERT_NEAR(sampler->energy_change()[m], now - before, 1e-9);
      found[0].add(length(end.x, m));
      found[1].add(std::pow(length(end.x, m), 2));
    }
    start.x = end.x;
  }
  for (int n = 0; n < 2; n++)
    EXPECT_NEAR(found[n].mean(), right[n] / norm, 2.0 * found[n].error()) << n;
  EXPECT_LT(tally.acceptance(), 0.95);
  EXPECT_GT(tally.acceptance(), 0.3);
  EXPECT_EQ(tally.segments, 2.0 * 3 * 20000);
  EXPECT_NEAR(tally.boltzmann.mean(), 1.0, 2.0 * tally.boltzmann.error());
}

TEST_F(Chain, LadderKeepsTheDistributionOfEachCopy)
{
  ladder = TemperatureLadder(3, 4.0);
  const auto sampler = chain(0.012);
  sampler->segments = 3;
  BlockMean square[3];
  int changed = 0;
  for (int k = 0; k < 20000; k++) {
    sampler->propose(molecules, start, end);
    // some are rejected by whoever knows better, for a reason that has nothing to do with places
    const std::vector<char> accepted = {char(k % 3 > 0), 1};
    const auto before = ladder.positions;
    sampler->settle(molecules, accepted);
    for (int copy = 0; copy < 2; copy++) {
      const double *was = &before[12 * copy], *is = &ladder.positions[12 * copy];
      if (!accepted[0]) { ASSERT_TRUE(std::equal(was, was + 6, is)); }
      changed += !std::equal(was + 6, was + 12, is + 6);
    }
    for (int m = 0; m < 2; m++) {
      if (accepted[m]) std::copy_n(&end.x[6 * m], 6, &start.x[6 * m]);
      square[0].add(std::pow(length(start.x, m) - 1.4, 2));
      for (int copy = 1; copy < 3; copy++)
        square[copy].add(std::pow(
            length({ladder.positions.begin() + 12 * (copy - 1), ladder.positions.end()}, m) - 1.4,
            2));
    }
  }
  for (int copy = 0; copy < 3; copy++) {
    const double hot = kT * std::pow(2.0, copy);
    double right = 0.0, norm = 0.0;
    for (double r = 0.3; r < 2.7; r += 1e-4) {
      const double p = r * r * std::exp(-2.0 * std::pow(r - 1.4, 2) / hot);
      norm += p;
      right += p * std::pow(r - 1.4, 2);
    }
    EXPECT_NEAR(square[copy].mean(), right / norm, 2.5 * square[copy].error()) << copy;
  }
  EXPECT_GT(changed, 30000);
  for (int pair = 0; pair < 2; pair++) {
    EXPECT_GT(ladder.accepted[pair], 0.3 * ladder.tried[pair]);
    EXPECT_LT(ladder.accepted[pair], 0.95 * ladder.tried[pair]);
  }

  std::vector<double> list = {7.0};
  ladder.append_to(list);
  TemperatureLadder again(3, 4.0), other(2, 4.0);
  std::size_t at = 1, past = 1;
  again.read_from(list, at);
  other.read_from(list, past);
  EXPECT_EQ(at, list.size());
  EXPECT_EQ(past, list.size());
  EXPECT_EQ(again.positions, ladder.positions);
  EXPECT_EQ(again.accepted, ladder.accepted);
  EXPECT_TRUE(other.positions.empty()) << "other copies";
}

TEST_F(Chain, ExchangesLeaveCentresOfMassWhereTheyAre)
{
  ladder = TemperatureLadder(2, 2.0);
  const auto all = ladder.multiply(molecules);
  ASSERT_EQ(all.n_molecules(), 4);
  ASSERT_EQ(all.n_atoms(), 8);
  std::vector<double> x = start.x;
  for (const double value : {5.0, 5.0, 5.0, 6.6, 5.0, 5.0, 40.0, 0.0, 0.0, 40.0, 1.2, 0.0})
    x.push_back(value);
  const auto before = x;
  std::vector<double> f(24), energy = {1.0, 1.0, 0.5, 0.5};
  for (int k = 0; k < 24; k++) f[k] = k;
  // the hot ones are lower: each exchange that is tried is accepted
  while (ladder.accepted[0] < 1.0)
    ladder.exchange(all, ladder.temperatures(2, kT), random, x, f, energy);
  EXPECT_EQ(energy, (std::vector{0.5, 0.5, 1.0, 1.0}));
  for (int k = 0; k < 24; k++) EXPECT_EQ(f[k], (k + 12) % 24);
  for (int m = 0; m < 4; m++) {
    EXPECT_NEAR(length(x, m), length(before, (m + 2) % 4), 1e-12);
    for (int a = 0; a < 3; a++)
      EXPECT_NEAR(x[6 * m + a] + x[6 * m + 3 + a], before[6 * m + a] + before[6 * m + 3 + a],
                  1e-12);
  }
}

TEST_F(Chain, AWayWithoutAnAnswerIsTakenBack)
{
  PairEngine engine;
  engine.reach = 1.5;
  const auto sampler = chain(0.004, engine);
  for (int k = 0; k < 3000; k++) {
    sampler->propose(molecules, start, end);
    for (int m = 0; m < 2; m++) ASSERT_LE(length(end.x, m), 1.5);
    start.x = end.x;
  }
  EXPECT_LT(tally.acceptance(), 0.9);
  EXPECT_GT(tally.acceptance(), 0.1);

  // no place to start from
  start.x = {0, 0, 0, 1.6, 0, 0, 20, 0, 0, 21.4, 0, 0};
  try {
    chain(0.004, engine);
    ADD_FAILURE() << "a start without energy";
  } catch (const StateError &) {
    ADD_FAILURE() << "waiting does not help";
  } catch (const EngineError &error) {
    EXPECT_STREQ(error.what(), "it has no energy for their places: too long");
  }
}

TEST_F(Chain, CorrelationOfTheStudent)
{
  const auto sampler = chain(0.004);
  const auto before = start.x;
  int n = 0;
  const auto slowest = sampler->correlation(molecules, start, n);
  EXPECT_GE(n, 200);
  EXPECT_GE(slowest.inefficiency, 1.0);
  EXPECT_LT(slowest.inefficiency, 30.0);
  EXPECT_EQ(start.x, before);
  sampler->propose(molecules, start, end);
  // the next proposal starts where it is told to, and not where the student got to
  EXPECT_LT(std::abs(end.x[0] - start.x[0]), 1.5);
}

}    // namespace
