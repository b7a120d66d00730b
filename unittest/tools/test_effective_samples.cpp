// Effective samples and weights of mlff analyze: against processes whose inefficiency is known,
// against repeated frames, and against a Markov chain with known averages.
#include "analysis/analysis.h"
#include "analysis/statistics/correlated_series.h"
#include "analysis/thermo_log.h"
#include "core/elements.h"
#include "support/program_fixture.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <numbers>
#include <random>
#include <sstream>

namespace {

using namespace mlff;
using Json = nlohmann::ordered_json;

/// A first-order autoregressive process of variance 1 around a mean; g = (1 + phi) / (1 - phi).
class Autoregression {
 public:
  Autoregression(double phi, int seed) : phi(phi), generator(seed) { x = normal(generator); }

  double next()
  {
    x = phi * x + std::sqrt(1.0 - phi * phi) * normal(generator);
    return mean + x;
  }
  double inefficiency() const { return (1.0 + phi) / (1.0 - phi); }

  static constexpr double mean = -309.0;

 private:
  double phi, x;
  std::mt19937 generator;
  std::normal_distribution<double> normal;
};

TEST(CorrelatedSeries, InefficiencyOfAutoregressions)
{
  const int n = 200'000;
  for (const std::size_t capacity : {std::size_t(32768), std::size_t(262144)})
    for (const double phi : {-0.5, 0.0, 0.5, 0.9, 0.98}) {
      Autoregression process(phi, 3);
      CorrelatedSeries series(capacity);
      for (int t = 0; t < n; t++) series.add(process.next());
      const auto found = series.result();
      const double g = process.inefficiency();
      EXPECT_TRUE(found.undefined.empty());
      EXPECT_EQ(found.n, n);
      // the sequence ends after some five g at the latest; relative error of a sum up to there:
      // sqrt(2 (2 window + 1) / n) (Sokal)
      EXPECT_NEAR(found.inefficiency / g, 1.0, 4.0 * std::sqrt(2.0 * (10.0 * g + 1.0) / n) + 0.03)
          << phi << " " << capacity;
      EXPECT_NEAR(found.effective, n / found.inefficiency, 1e-6 * found.effective);
      EXPECT_NEAR(found.error, found.deviation / std::sqrt(found.effective), 1e-12);
      EXPECT_NEAR(found.mean, process.mean, 4.0 * std::sqrt(g / n));
      EXPECT_NEAR(found.deviation, 1.0, 4.0 * std::sqrt(0.5 * std::max(1.0, g) / n));
      // 20 batches: 16 %, four times
      EXPECT_NEAR(found.batch_error / found.error, 1.0, 0.7) << phi;
    }
}

/// Mean of the squares of (mean - true mean) / error over independent series, by both errors.
struct Calibration {
  double sequence = 0.0, batches = 0.0;
  int n = 0;

  void add(const CorrelatedMean &found, double truth)
  {
    const double d = found.mean - truth;
    sequence += d * d / (found.error * found.error);
    batches += d * d / (found.batch_error * found.batch_error);
    n++;
  }
};

TEST(CorrelatedSeries, StandardErrorsAreThoseOfManySeries)
{
  for (const double phi : {0.0, 0.8}) {
    Calibration calibration;
    const int series_of = 600, n = 2000;
    for (int k = 0; k < series_of; k++) {
      Autoregression process(phi, 100 + k);
      CorrelatedSeries series;
      for (int t = 0; t < n; t++) series.add(process.next());
      calibration.add(series.result(), process.mean);
    }
    // chi square of one degree of freedom: four standard errors sqrt(2/600), and 5 % for the
    // error's own error; with batches Student's distribution of 19 degrees of freedom, 19/17
    const double four = 4.0 * std::sqrt(2.0 / series_of);
    EXPECT_NEAR(calibration.sequence / series_of, 1.0, four + 0.05) << phi;
    EXPECT_NEAR(calibration.batches / series_of, 19.0 / 17.0, 1.3 * four + 0.05) << phi;
  }
}

TEST(CorrelatedSeries, SaysWhatItCannotKnow)
{
  CorrelatedSeries empty, constant, fifteen, weightless;
  EXPECT_EQ(empty.result().undefined, "no numbers");
  EXPECT_TRUE(std::isnan(empty.result().mean));
  for (int t = 0; t < 100; t++) constant.add(-309.77);
  EXPECT_EQ(constant.result().undefined, "constant");
  EXPECT_EQ(constant.result().mean, -309.77);
  EXPECT_EQ(constant.result().deviation, 0.0);
  EXPECT_TRUE(std::isnan(constant.result().inefficiency));
  for (int t = 0; t < 15; t++) fifteen.add(t % 2);
  EXPECT_EQ(fifteen.result().undefined, "fewer than 16 numbers");
  EXPECT_TRUE(std::isnan(fifteen.result().error));
  fifteen.add(0.0);
  EXPECT_TRUE(fifteen.result().undefined.empty());
  EXPECT_GT(fifteen.result().error, 0.0);
  EXPECT_TRUE(std::isnan(fifteen.result().batch_error)) << "20 batches of two need 40 numbers";
  for (int t = 0; t < 100; t++) weightless.add(t, 0.0);
  EXPECT_EQ(weightless.result().undefined, "no numbers");
}

TEST(CorrelatedSeries, WeightsAreRepetitions)
{
  std::mt19937 generator(4);
  std::uniform_int_distribution<int> repetitions(0, 3);
  Autoregression process(0.6, 5);
  CorrelatedSeries weighted, repeated, blocked(512);
  for (int t = 0; t < 20'000; t++) {
    const double x = process.next();
    const int w = repetitions(generator);
    weighted.add(x, w);
    blocked.add(x, w);
    for (int k = 0; k < w; k++) repeated.add(x);
  }
  const auto a = weighted.result(), b = repeated.result(), c = blocked.result();
  EXPECT_EQ(weighted.weight(), double(b.n));
  EXPECT_NEAR(a.mean, b.mean, 1e-10);
  EXPECT_NEAR(a.deviation, b.deviation, 1e-10);
  EXPECT_NEAR(c.mean, b.mean, 1e-10);
  // the same numbers, the sequence ends elsewhere
  EXPECT_NEAR(a.error / b.error, 1.0, 0.1);
  EXPECT_NEAR(c.error / b.error, 1.0, 0.1);
  EXPECT_NEAR(a.effective / b.effective, 1.0, 0.2);
}

/// A Metropolis chain of two states, 0 and 1, with probabilities 3/4 and 1/4. The other state is
/// proposed: from 0 it is accepted in a third of the cases, from 1 always, in half of all.
class TwoStates {
 public:
  explicit TwoStates(int seed) : generator(seed) {}

  void step(CorrelatedSeries &plain, CorrelatedSeries &recycled)
  {
    const int proposal = 1 - state;
    const double accept = state == 0 ? 1.0 / 3.0 : 1.0;
    recycled.add(proposal, accept);
    recycled.add(state, 1.0 - accept);
    steps++;
    if (uniform(generator) < accept) {
      state = proposal;
      accepted++;
    }
    plain.add(state);
  }
  double acceptance() const { return double(accepted) / double(steps); }

 private:
  int state = 0;
  long steps = 0, accepted = 0;
  std::mt19937 generator;
  std::uniform_real_distribution<double> uniform;
};

TEST(CorrelatedSeries, WasteRecyclingOfAMetropolisChain)
{
  // the second eigenvalue of the chain is -1/3: g = (1 - 1/3) / (1 + 1/3) = 1/2. Averages over
  // proposals are those of the expectation after a step, which keeps -1/3 of a deviation from the
  // mean, so that their error is a third.
  TwoStates chain(6);
  CorrelatedSeries plain, recycled;
  const int n = 40'000;
  for (int t = 0; t < n; t++) chain.step(plain, recycled);
  const auto p = plain.result(), r = recycled.result();
  EXPECT_NEAR(chain.acceptance(), 0.5, 0.02);
  EXPECT_NEAR(p.mean, 0.25, 4.0 * p.error);
  EXPECT_NEAR(r.mean, 0.25, 4.0 * r.error);
  EXPECT_NEAR(r.mean, p.mean, 4.0 * std::hypot(p.error, r.error));
  EXPECT_NEAR(p.inefficiency, 0.5, 0.05);
  EXPECT_NEAR(p.error, std::sqrt(0.25 * 0.75 * 0.5 / n), 0.05 * p.error);
  EXPECT_NEAR(r.error / p.error, 1.0 / 3.0, 0.05);
  EXPECT_NEAR(r.effective / p.effective, 9.0, 2.0);
  EXPECT_EQ(recycled.weight(), double(n));

  Calibration calibration;
  for (int k = 0; k < 400; k++) {
    TwoStates one(1000 + k);
    CorrelatedSeries a, b;
    for (int t = 0; t < 1000; t++) one.step(a, b);
    calibration.add(b.result(), 0.25);
  }
  // the chain starts in one state: a thousandth of a step's weight
  EXPECT_NEAR(calibration.sequence / 400, 1.0, 4.0 * std::sqrt(2.0 / 400) + 0.1);
  EXPECT_NEAR(calibration.batches / 400, 19.0 / 17.0, 6.0 * std::sqrt(2.0 / 400) + 0.1);
}

/// A bent ethanol, C C O H H H H H H.
const std::vector<int> ethanol = {6, 6, 8, 1, 1, 1, 1, 1, 1};
const std::vector<double> ethanol_x = {-0.88, 0.18,  0.02, 0.47,  -0.51, -0.03, 1.45,  0.33,  0.05,
                                       -1.43, -0.13, 0.91, -1.01, 1.24,  0.06,  -1.46, -0.08, -0.88,
                                       0.56,  -1.16, 0.86, 0.61,  -1.12, -0.93, 1.36,  0.95,  0.78};

/// Turns atoms about the axis from one atom to another.
void turn(std::vector<double> &x, int from, int to, const std::vector<int> &atoms, double angle)
{
  double axis[3], length = 0.0;
  for (int a = 0; a < 3; a++) {
    axis[a] = x[3 * to + a] - x[3 * from + a];
    length += axis[a] * axis[a];
  }
  for (double &component : axis) component /= std::sqrt(length);
  for (const int i : atoms) {
    double r[3], along = 0.0;
    for (int a = 0; a < 3; a++) {
      r[a] = x[3 * i + a] - x[3 * from + a];
      along += r[a] * axis[a];
    }
    for (int a = 0; a < 3; a++) {
      const int b = (a + 1) % 3, c = (a + 2) % 3;
      x[3 * i + a] = x[3 * from + a] + r[a] * std::cos(angle) +
          (axis[b] * r[c] - axis[c] * r[b]) * std::sin(angle) +
          axis[a] * along * (1.0 - std::cos(angle));
    }
  }
}

struct TestFrame {
  std::vector<double> x = ethanol_x;
  double energy = 0.0;
  int weight = 1;
};

/// The hydroxyl group turns from well to well and stays some frames in each; the methyl group turns
/// by thirds at random, and trembles; the energy is a slow process.
std::vector<TestFrame> frames_of(int n, int seed)
{
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform;
  Autoregression energy(0.5, seed);
  std::vector<TestFrame> frames(n);
  int well = 0;
  for (auto &frame : frames) {
    const double third = 2.0 / 3.0 * std::numbers::pi;
    if (uniform(generator) < 0.3) well = int(3.0 * uniform(generator));
    turn(frame.x, 1, 2, {8}, third * well + 0.1 * normal(generator));
    turn(frame.x, 1, 0, {3, 4, 5}, third * int(3.0 * uniform(generator)) + 0.1 * normal(generator));
    for (double &x : frame.x) x += 0.01 * normal(generator);
    frame.energy = energy.next();
    frame.weight = int(4.0 * uniform(generator));
  }
  return frames;
}

class Samples : public mlff_test::ProgramTest {
 protected:
  static std::string xyz(const TestFrame &frame, const std::string &keys)
  {
    std::ostringstream out;
    out.precision(17);
    out << ethanol.size() << "\nProperties=species:S:1:pos:R:3 energy=" << frame.energy << keys
        << "\n";
    for (std::size_t i = 0; i < ethanol.size(); i++)
      out << element_symbol(ethanol[i]) << ' ' << frame.x[3 * i] << ' ' << frame.x[3 * i + 1] << ' '
          << frame.x[3 * i + 2] << '\n';
    return out.str();
  }

  void write(const std::string &name, const std::string &text) const
  {
    std::ofstream(file(name)) << text;
  }

  void write_plain(const std::string &name, const std::vector<TestFrame> &frames) const
  {
    std::ofstream out(file(name));
    for (std::size_t t = 0; t < frames.size(); t++)
      out << xyz(frames[t], " Time=" + std::to_string(0.01 * double(t)));
  }

  Json samples_of(const std::string &arguments)
  {
    const std::string text = run("analyze --json " + arguments);
    EXPECT_EQ(status, 0) << arguments;
    EXPECT_EQ(text.find("null"), std::string::npos) << text;
    EXPECT_EQ(text.find("nan"), std::string::npos) << text;
    return Json::parse(text)["trajectories"][0]["effective_samples"];
  }
};

TEST_F(Samples, TorsionsThatMatterAndTheSlowest)
{
  const int n = 4000;
  write_plain("a.xyz", frames_of(n, 7));
  const Json found = samples_of("--traj a.xyz");
  // wells are drawn anew with probability 0.3 a frame: correlation 0.7 to the power of the lag,
  // g = 1.7 / 0.3 of what is not trembling, which is 2 % of the variance; error 17 %
  const Json &slowest = found["slowest_torsion"];
  EXPECT_NE(slowest["name"].get<std::string>().find("(C-C-O-H 1-2-3-9)"), std::string::npos)
      << slowest["name"];
  EXPECT_NEAR(slowest["inefficiency_frames"].get<double>(), 5.7, 2.5);
  EXPECT_NEAR(slowest["inefficiency_fs"].get<double>(),
              10.0 * slowest["inefficiency_frames"].get<double>(), 1e-3);
  EXPECT_NEAR(slowest["effective_samples"].get<double>(),
              n / slowest["inefficiency_frames"].get<double>(), 1e-6 * n);
  ASSERT_EQ(found["torsions"].size(), 4u);
  EXPECT_EQ(found["torsions"][0]["turns"], 3);
  EXPECT_EQ(found["torsions"][2]["turns"], 1);
  EXPECT_EQ(found["torsions"][2]["atoms"], Json({1, 2, 3, 9}));
  for (int k = 0; k < 2; k++) {
    EXPECT_NE(found["torsions"][k]["name"].get<std::string>().find("(3 H-C-C-O "),
              std::string::npos);
    // hydrogens of the methyl group exchange places at random: nobody's coordinate
    EXPECT_NEAR(found["torsions"][k]["inefficiency_frames"].get<double>(), 1.0, 0.3);
    EXPECT_LT(found["torsions"][k]["deviation"].get<double>(), 0.6);
  }
  EXPECT_NEAR(found["potential_energy"]["inefficiency_frames"].get<double>(), 3.0, 0.7);
  EXPECT_NEAR(found["potential_energy"]["mean"].get<double>(), Autoregression::mean,
              4.0 * std::sqrt(3.0 / n));

  const std::string table = run("analyze --traj a.xyz");
  for (const char *words : {"effective samples, trajectory", "potential energy (eV)",
                            "sin(3 H-C-C-O", "slowest torsion: ", "by batches"})
    EXPECT_NE(table.find(words), std::string::npos) << words;
}

TEST_F(Samples, ShortAndConstantSeriesAreSaidToBe)
{
  auto frames = frames_of(12, 8);
  write_plain("short.xyz", frames);
  Json found = samples_of("--traj short.xyz");
  EXPECT_EQ(found["potential_energy"]["not_known"], "fewer than 16 numbers");
  EXPECT_FALSE(found["potential_energy"].contains("inefficiency_frames"));
  EXPECT_FALSE(found.contains("slowest_torsion"));
  EXPECT_NE(run("analyze --traj short.xyz").find("not known: fewer than 16 numbers"),
            std::string::npos);
  frames = frames_of(50, 8);
  for (auto &frame : frames) {
    frame.energy = -300.125;
    frame.x = ethanol_x;
  }
  write_plain("constant.xyz", frames);
  found = samples_of("--traj constant.xyz");
  EXPECT_EQ(found["potential_energy"]["not_known"], "constant");
  EXPECT_EQ(found["potential_energy"]["mean"], -300.125);
  for (const auto &torsion : found["torsions"]) EXPECT_EQ(torsion["not_known"], "constant");
  EXPECT_FALSE(found.contains("slowest_torsion"));
  // without energies and torsions there is nothing to tell
  write("none.xyz", "1\n\nAr 0 0 0\n1\n\nAr 0 0 1\n");
  found = samples_of("--traj none.xyz");
  EXPECT_FALSE(found.contains("potential_energy"));
  EXPECT_EQ(found["torsions"].size(), 0u);
}

TEST_F(Samples, TorsionsAreLeftOutWhereMemoryIsShort)
{
  write_plain("a.xyz", frames_of(30, 13));
  AnalysisOptions options;
  options.memory = 0;
  const TrajectoryAnalysis found(file("a.xyz"), options);
  EXPECT_EQ(found.samples().slowest_torsion(), nullptr);
  ASSERT_NE(found.samples().energy(), nullptr);
  EXPECT_EQ(found.samples().energy()->of.n, 30);
  const auto &notes = found.notes();
  EXPECT_TRUE(std::any_of(notes.begin(), notes.end(), [](const std::string &note) {
    return note.find("series of 2 torsions do not fit into the memory allowed (--memory)") == 0;
  }));
}

TEST_F(Samples, WeightedFramesAreRepeatedFrames)
{
  const auto frames = frames_of(1500, 9);
  std::ofstream keyed(file("keyed.xyz")), repeated(file("repeated.xyz")), plain(file("plain.xyz")),
      numbers(file("weights.txt"));
  numbers << "# one a frame\n\n";
  for (const auto &frame : frames) {
    // all frames of a sampler may have the same time
    keyed << xyz(frame, " Time=1 p=\"" + std::to_string(frame.weight) + "\"");
    plain << xyz(frame, "");
    numbers << frame.weight << "\n";
    for (int k = 0; k < frame.weight; k++) repeated << xyz(frame, "");
  }
  for (auto *out : {&keyed, &repeated, &plain, &numbers}) out->close();
  AnalysisOptions options;
  const TrajectoryAnalysis truth(file("repeated.xyz"), options);
  for (const auto &[name, weights] : {std::pair<std::string, std::string>{"keyed.xyz", "p"},
                                      {"plain.xyz", file("weights.txt")}}) {
    options.frames.weights = weights;
    const TrajectoryAnalysis weighted(file(name), options);
    EXPECT_TRUE(weighted.has_weights());
    EXPECT_EQ(weighted.weight(), double(truth.frames()));
    int compared = 0;
    for (const auto &q : truth.quantities())
      for (const auto &other : weighted.quantities())
        if (q.section == other.section && q.name == other.name && q.section != "frames") {
          // the plain deviation of energies is that of a sample
          const double factor =
              q.name == "deviation" ? std::sqrt(1.0 - 1.0 / double(truth.frames())) : 1.0;
          EXPECT_NEAR(other.value, q.value * factor, 1e-9) << q.section << " " << q.name;
          compared++;
        }
    EXPECT_GT(compared, 10);
    const auto expected = truth.curves();
    int curves = 0;
    for (const auto &curve : weighted.curves())
      for (const auto &other : expected) {
        if (curve.section != other.section || curve.name != other.name ||
            curve.section == "potential_energy")
          continue;
        ASSERT_EQ(curve.y.size(), other.y.size()) << curve.section << " " << curve.name;
        for (std::size_t k = 0; k < curve.y.size(); k++)
          ASSERT_NEAR(curve.y[k], other.y[k], 1e-9) << curve.section << " " << curve.name;
        curves++;
      }
    EXPECT_GT(curves, 8);
  }
  // another trajectory beside it has no weights
  const auto report =
      Json::parse(run("analyze --json --traj keyed.xyz --weights p --reference repeated.xyz"));
  ASSERT_EQ(status, 0);
  EXPECT_EQ(report["trajectories"][0]["weights"]["sum"], double(truth.frames()));
  EXPECT_FALSE(report["trajectories"][1].contains("weights"));
  for (const char *kind : {"jensen_shannon_bond", "jensen_shannon_dihedral", "l1_distances"})
    for (const auto &[name, value] : report["against_reference"][kind].items())
      EXPECT_NEAR(value["value"].get<double>(), 0.0, 1e-6) << kind << " " << name;
  EXPECT_NEAR(report["against_reference"]["potential_energy"]["difference of means, meV"]["value"]
                  .get<double>(),
              0.0, 1e-6);
  EXPECT_NEAR(report["against_reference"]["potential_energy"]["Jensen-Shannon distance"]["value"]
                  .get<double>(),
              0.0, 0.02);
  EXPECT_GT(report["against_reference"]["potential_energy"]["Kolmogorov-Smirnov p"]["value"]
                .get<double>(),
            0.5);
  EXPECT_NE(run("analyze --traj keyed.xyz --weights p").find("sum of weights"), std::string::npos);
}

TEST_F(Samples, EnergiesOfALog)
{
  write_plain("a.xyz", frames_of(20, 10));
  Autoregression process(0.5, 11);
  std::ostringstream log;
  log.precision(12);
  log << "LAMMPS\nPer MPI rank memory allocation\n   Step   Temp   PotEng\n 0 300 1\n 10 300 2\n"
         "Loop time of 1 on 1 procs\n   Step          Temp          PotEng    \n";
  const int n = 3000;
  CorrelatedSeries truth;
  for (int t = 0; t < n; t++) {
    const double energy = process.next();
    log << "  " << t << "   300.0   " << energy << "\n";
    truth.add(energy);
    if (t == 7) log << "WARNING: something (../fix.cpp:1)\n";
  }
  log << "Loop time of 2 on 1 procs\n   Step   Temp   PotEng\n 0 300 1\nLoop time of 0 on 1 "
         "procs\n";
  write("log.run", log.str());
  const auto energies = thermo_column(file("log.run"), "PotEng");
  ASSERT_EQ(energies.size(), std::size_t(n));
  const Json found = samples_of("--traj a.xyz --log log.run")["potential_energy_of_log"];
  EXPECT_EQ(found["numbers"], n);
  EXPECT_NEAR(found["mean"].get<double>(), truth.result().mean, 1e-6);
  EXPECT_NEAR(found["inefficiency_frames"].get<double>(), truth.result().inefficiency, 1e-4);
  EXPECT_NE(run("analyze --traj a.xyz --log log.run").find("potential energy (eV), log.run"),
            std::string::npos);
  expect_error("analyze --traj a.xyz --log none", {"log 'none' cannot be opened"});
  write("log.short", "   Step   PotEng\n 0 1\nLoop time of 1\n");
  expect_error("analyze --traj a.xyz --log log.short",
               {"log 'log.short' has no table of two rows or more", "thermo_style one or custom"});
  write("log.other", "   Step   Temp\n 0 1\n 1 2\nLoop time of 1\n");
  expect_error("analyze --traj a.xyz --log log.other",
               {"log 'log.other' has no column PotEng", "it has: Step, Temp"});
  expect_error("analyze --traj a.xyz --log log.run --weights p", {"--log", "--weights"});
}

TEST_F(Samples, WeightsThatCannotBeRead)
{
  const auto frames = frames_of(100, 12);
  const auto with_keys = [&](const std::string &name, const std::function<std::string(int)> &key) {
    std::ofstream out(file(name));
    for (int t = 0; t < 100; t++) out << xyz(frames[t], key(t));
  };
  with_keys("none.xyz", [](int) {
    return "";
  });
  with_keys("late.xyz", [](int t) {
    return t == 80 ? "" : " weight=0.5";
  });
  with_keys("negative.xyz", [](int t) {
    return t == 3 ? " weight=-0.25" : " weight=1";
  });
  with_keys("word.xyz", [](int t) {
    return t == 2 ? " weight=much" : " weight=1";
  });
  with_keys("zero.xyz", [](int) {
    return " weight=0";
  });
  expect_error("analyze --traj none.xyz --weights weight",
               {"'none.xyz', frame 1: there is no key 'weight' for the weight, and no file of this "
                "name; the frame has the keys: Properties, energy"});
  expect_error("analyze --traj late.xyz --weights weight", {"'late.xyz', frame 81", "'weight'"});
  expect_error("analyze --traj negative.xyz --weights weight",
               {"'negative.xyz', frame 4: the weight is -0.25", "accepted: 0 or a number above 0"});
  expect_error("analyze --traj word.xyz --weights weight",
               {"'word.xyz', frame 3: found 'much' for weight; expected a number"});
  expect_error("analyze --traj zero.xyz --weights weight",
               {"'zero.xyz': the weights of all frames are 0 ('weight')"});
  std::string lines;
  for (int t = 0; t < 99; t++) lines += "1\n";
  write("few", lines);
  write("many", lines + "1\n1\n");
  write("bad", "1\nx\n");
  expect_error("analyze --traj none.xyz --weights few",
               {"file of weights 'few' holds 99 numbers", "'none.xyz' more frames"});
  expect_error("analyze --traj none.xyz --weights many",
               {"file of weights 'many', line 101", "'none.xyz' has 100 frames"});
  expect_error("analyze --traj none.xyz --weights bad",
               {"file of weights 'bad', line 2: found 'x'; expected a number"});
  write("a.dump",
        "ITEM: TIMESTEP\n0\nITEM: NUMBER OF ATOMS\n1\nITEM: BOX BOUNDS ss ss ss\n-1 1\n-1 1\n-1 "
        "1\nITEM: ATOMS id x y z\n1 0 0 0\n");
  expect_error(
      "analyze --traj a.dump --elements Ar --weights weight",
      {"'a.dump', frame 1: there is no weight 'weight'", "a file with one number a frame"});
}

}    // namespace
