// mlff analyze: each quantity against systems whose answer is known, against sums done the plain
// way, and against LAMMPS' own computes.
#include "analysis/analysis.h"
#include "analysis/statistics/distribution_distance.h"
#include "core/elements.h"
#include "core/units.h"
#include "support/program_fixture.h"

#include <nlohmann/json.hpp>

#include <cmath>
#include <map>
#include <numbers>
#include <random>
#include <sstream>

#include <sys/resource.h>
#include <sys/wait.h>

namespace {

using namespace mlff;
using Json = nlohmann::ordered_json;

constexpr double per_cm = 33.35640951981521;    // 1/cm of 1/ps

double quantity(const std::vector<Quantity> &list, const std::string &section,
                const std::string &name)
{
  for (const auto &q : list)
    if (q.section == section && q.name == name) return q.value;
  ADD_FAILURE() << "no " << section << ", " << name;
  return std::nan("");
}

const Curve &curve(const std::vector<Curve> &list, const std::string &section,
                   const std::string &name)
{
  for (const auto &c : list)
    if (c.section == section && c.name == name) return c;
  ADD_FAILURE() << "no curve " << section << ", " << name;
  static const Curve none;
  return none;
}

/// A frame in memory.
Frame frame_of(const std::vector<int> &numbers, const std::vector<double> &masses,
               const std::vector<double> &x, const std::vector<double> &v, double time,
               bool follows)
{
  Frame frame;
  frame.structure.numbers = numbers;
  frame.structure.masses = masses;
  frame.structure.positions = frame.x = x;
  frame.structure.velocities = v;
  frame.time = time;
  frame.follows = follows;
  return frame;
}

/// A bent ethanol, C C O H H H H H H.
const std::vector<int> ethanol = {6, 6, 8, 1, 1, 1, 1, 1, 1};
const std::vector<double> ethanol_x = {-0.88, 0.18,  0.02, 0.47,  -0.51, -0.03, 1.45,  0.33,  0.05,
                                       -1.43, -0.13, 0.91, -1.01, 1.24,  0.06,  -1.46, -0.08, -0.88,
                                       0.56,  -1.16, 0.86, 0.61,  -1.12, -0.93, 1.36,  0.95,  0.78};
const std::vector<double> ethanol_m = {12.011, 12.011, 15.999, 1.008, 1.008,
                                       1.008,  1.008,  1.008,  1.008};

TEST(Correlation, IsThePlainSum)
{
  std::mt19937 generator(1);
  std::normal_distribution<double> normal;
  const std::vector<int> group = {0, 1, 1};
  for (const int lags : {1, 2, 7, 16})
    for (const auto &lengths :
         std::vector<std::vector<int>>{{1}, {5}, {40}, {32, 33}, {3, 100, 15, 16, 17, 1}}) {
      Correlation product(Correlation::Kind::product, group, 2, lags),
          square(Correlation::Kind::square_displacement, group, 2, lags);
      std::vector<std::vector<double>> sum(2, std::vector<double>(lags, 0.0)), squares = sum;
      std::vector<double> pairs(lags, 0.0);
      for (const int n : lengths) {
        std::vector<std::array<double, 3>> x(n);
        for (auto &one : x)
          for (double &c : one) c = 1000.0 + normal(generator);
        product.cut();
        square.cut();
        for (const auto &one : x) {
          product.add(one.data());
          square.add(one.data());
        }
        for (int lag = 0; lag < lags; lag++)
          for (int t = 0; t + lag < n; t++) {
            pairs[lag]++;
            for (int c = 0; c < 3; c++) {
              sum[group[c]][lag] += x[t][c] * x[t + lag][c];
              squares[group[c]][lag] += std::pow(x[t + lag][c] - x[t][c], 2);
            }
          }
      }
      product.finish();
      square.finish();
      for (int g = 0; g < 2; g++) {
        const auto a = product.of_group(g), b = square.of_group(g);
        const auto expected = std::size_t(std::count_if(pairs.begin(), pairs.end(), [](double n) {
          return n > 0.0;
        }));
        ASSERT_EQ(a.size(), expected);
        ASSERT_EQ(b.size(), expected);
        for (std::size_t lag = 0; lag < expected; lag++) {
          EXPECT_EQ(product.pairs(int(lag)), pairs[lag]);
          EXPECT_NEAR(a[lag] / (sum[g][lag] / pairs[lag]), 1.0, 1e-12);
          EXPECT_NEAR(b[lag], squares[g][lag] / pairs[lag], 1e-11);
        }
      }
    }
}

TEST(ScalarSeries, KnowsWhatIsIndependent)
{
  // a first-order autoregressive process: the sum of its autocorrelation is rho / (1 - rho)
  std::mt19937 generator(2);
  std::normal_distribution<double> normal;
  for (const double rho : {0.0, 0.8, 0.99}) {
    ScalarSeries series;
    const int n = rho > 0.9 ? 400'000 : 30'000;
    double x = 0.0, sum = 0.0, square = 0.0;
    for (int t = 0; t < n; t++) {
      x = rho * x + std::sqrt(1.0 - rho * rho) * normal(generator);
      series.add(5.0 + x);
      sum += 5.0 + x;
      square += x * x;
    }
    const double tau = 0.5 + rho / (1.0 - rho);
    EXPECT_EQ(series.n(), n);
    EXPECT_NEAR(series.mean(), sum / n, 1e-12);
    EXPECT_NEAR(series.deviation() / std::sqrt(square / n), 1.0, 0.01);
    // Sokal: relative error sqrt(2 (2 window + 1) / n), window five times tau; the spacing of kept
    // numbers makes it longer by at most one
    const double error = std::sqrt(2.0 * (10.0 * tau + 1.0) / n);
    EXPECT_NEAR(series.correlation_time() / tau, 1.0,
                4.0 * error + 0.02 + 0.5 * double(series.stride() - 1) / tau)
        << rho;
    EXPECT_NEAR(series.error(), std::sqrt(2.0 * tau / n), 0.25 * std::sqrt(2.0 * tau / n));
    EXPECT_LE(series.kept().size(), 32768u);
    EXPECT_NEAR(double(series.independent().size()), series.effective(), 0.5 * series.effective());
  }
  ScalarSeries constant;
  for (int t = 0; t < 100; t++) constant.add(3.0);
  EXPECT_EQ(constant.error(), 0.0);
  EXPECT_EQ(constant.independent().size(), 100u);
}

TEST(Distances, OfDistributions)
{
  EXPECT_EQ(jensen_shannon({1, 2, 3}, {2, 4, 6}), 0.0);
  EXPECT_EQ(jensen_shannon({1, 0}, {0, 5}), 1.0);
  // 0.5 (log2(4/3)) + 0.5 (0.5 log2(2/3) + 0.5 log2(2))
  EXPECT_NEAR(jensen_shannon({1, 0}, {1, 1}),
              std::sqrt(0.5 * std::log2(4.0 / 3.0) + 0.25 * std::log2(2.0 / 3.0) + 0.25), 1e-12);
  EXPECT_TRUE(std::isnan(jensen_shannon({0, 0}, {1, 1})));

  const auto exact = kolmogorov_smirnov({1, 2, 3, 4}, {3.5, 5, 6, 7});
  EXPECT_DOUBLE_EQ(exact.statistic, 0.75);
  // p of equal distributions is uniform: mean of 400 within four standard errors, share below 0.05
  // too
  std::mt19937 generator(3);
  std::normal_distribution<double> normal;
  double mean = 0.0, rare = 0.0;
  const int tests = 400;
  for (int k = 0; k < tests; k++) {
    std::vector<double> a(150), b(200);
    for (double &x : a) x = normal(generator);
    for (double &x : b) x = normal(generator);
    const double p = kolmogorov_smirnov(a, b).p;
    mean += p / tests;
    rare += double(p < 0.05) / tests;
  }
  EXPECT_NEAR(mean, 0.5, 4.0 / std::sqrt(12.0 * tests));
  EXPECT_NEAR(rare, 0.05, 4.0 * std::sqrt(0.05 * 0.95 / tests));
  std::vector<double> a(500), b(500);
  for (double &x : a) x = normal(generator);
  for (double &x : b) x = 0.5 + normal(generator);
  EXPECT_LT(kolmogorov_smirnov(a, b).p, 1e-6);
  EXPECT_GT(jensen_shannon_of_samples(a, b), 0.15);
}

/// Independent oscillators of one or several frequencies (rad/ps), from the canonical ensemble,
/// followed exactly.
struct Oscillators {
  std::vector<int> numbers;
  std::vector<double> masses, omega, centre, amplitude_x, amplitude_v;
  double kT = boltzmann * 300.0 * eV_in_amu_square_angstrom_per_square_ps;

  Oscillators(int n, const std::vector<int> &kinds, const std::vector<double> &frequencies,
              int seed)
  {
    std::mt19937 generator(seed);
    std::normal_distribution<double> normal;
    for (int i = 0; i < n; i++) {
      const std::size_t kind = std::size_t(i) % kinds.size();
      numbers.push_back(kinds[kind]);
      masses.push_back(kinds[kind] == 2 ? 4.0 : 20.0);
      omega.push_back(frequencies[kind]);
      for (int a = 0; a < 3; a++) {
        centre.push_back(a == 0 ? 3.0 * i : 0.0);
        amplitude_x.push_back(std::sqrt(kT / masses[i]) / omega[i] * normal(generator));
        amplitude_v.push_back(std::sqrt(kT / masses[i]) * normal(generator));
      }
    }
  }

  Frame at(double time, bool follows) const
  {
    std::vector<double> x(centre.size()), v(x.size());
    for (std::size_t k = 0; k < x.size(); k++) {
      const double w = omega[k / 3], c = std::cos(w * time), s = std::sin(w * time);
      x[k] = centre[k] + amplitude_x[k] * c + amplitude_v[k] / w * s;
      v[k] = amplitude_v[k] * c - amplitude_x[k] * w * s;
    }
    return frame_of(numbers, masses, x, v, time, follows);
  }
};

TEST(Physics, HarmonicOscillatorsHaveTheirFrequenciesAndShareTheEnergy)
{
  const double dt = 0.002, low = 500.0, high = 3000.0;    // ps, 1/cm
  const auto omega = [](double wavenumber) {
    return 2.0 * std::numbers::pi * wavenumber / per_cm;
  };
  const int n = 1200, frames = 3000;
  const Oscillators crystal(n, {2, 10}, {omega(low), omega(high)}, 5);
  VelocitySpectrum spectrum(crystal.numbers, 1001);
  Displacements displacements(crystal.numbers, 1001);
  Structure first = crystal.at(0.0, false).structure;
  const Topology topology = find_topology(first, false);
  Temperatures temperatures(topology, crystal.numbers, false, false);
  for (int t = 0; t < frames; t++) {
    const Frame frame = crystal.at(t * dt, t > 0);
    spectrum.add(frame);
    displacements.add(frame);
    temperatures.add(frame);
  }
  spectrum.finish(dt);
  displacements.finish(dt);

  // lines that do not decay: the maximum of the window's transform, found to a hundredth of its
  // width
  const auto peaks = spectrum.peaks();
  ASSERT_EQ(peaks.size(), 2u);
  EXPECT_NEAR(peaks[0].wavenumber, low, 0.01 * spectrum.resolution());
  EXPECT_NEAR(peaks[1].wavenumber, high, 0.01 * spectrum.resolution());
  EXPECT_NEAR(spectrum.resolution(), per_cm / 2.0, 1e-9);
  EXPECT_NEAR(spectrum.nyquist(), per_cm / (2.0 * dt), 1e-9);
  double area = 0.0;
  const auto curves = spectrum.curves();
  const auto &vdos = curve(curves, "vdos", "all");
  for (std::size_t k = 0; k < vdos.x.size(); k++) area += vdos.y[k] * vdos.x[1];
  EXPECT_NEAR(area, 1.0, 1e-9);

  // The mean over 3000 frames, which hold whole periods but for a part below 1 %, of twice the
  // kinetic energy of one degree of freedom is half of an exponential variable's: its relative
  // deviation is 1, so that of n/2 atoms sqrt(2/(3n)), and four of it bound the temperatures of
  // each of the two elements.
  const double sigma = std::sqrt(2.0 / (3.0 * n));
  for (const char *element : {"He", "Ne"})
    EXPECT_NEAR(quantity(temperatures.quantities(), "temperature_K", element), 300.0,
                300.0 * (4.0 * sigma + 0.01))
        << element;
  // velocities: cos(w t); displacements: 6 kT/(m w^2) (1 - cos(w t)), with the same statistics
  for (const auto &[z, wavenumber, mass, element] :
       {std::tuple(2, low, 4.0, "He"), std::tuple(10, high, 20.0, "Ne")}) {
    const double w = omega(wavenumber);
    const auto vacf = spectrum.of_element(z);
    const auto curves_msd = displacements.curves();
    const auto &msd = curve(curves_msd, "msd", element);
    const double plateau = 6.0 * crystal.kT / (mass * w * w);
    double mean = 0.0;
    for (int lag = 0; lag <= 1000; lag++) {
      EXPECT_NEAR(vacf[lag] / vacf[0], std::cos(w * lag * dt), 0.01);
      EXPECT_NEAR(msd.y[lag], plateau * (1.0 - std::cos(w * lag * dt)),
                  plateau * (8.0 * sigma + 0.01));
      mean += msd.y[lag] / 1001.0;
    }
    EXPECT_NEAR(mean, plateau, plateau * (4.0 * sigma + 0.02)) << "Einstein crystal";
  }
}

TEST(Physics, FrequenciesAboveTheSamplingAreFolded)
{
  EXPECT_EQ(folded(500.0, 2000.0), 500.0);
  EXPECT_EQ(folded(3000.0, 2000.0), 1000.0);
  EXPECT_EQ(folded(4500.0, 2000.0), 500.0);
  const double dt = 0.0085, wavenumber = 3000.0;
  const Oscillators one(3, {2}, {2.0 * std::numbers::pi * wavenumber / per_cm}, 6);
  VelocitySpectrum spectrum(one.numbers, 400);
  for (int t = 0; t < 4000; t++) spectrum.add(one.at(t * dt, t > 0));
  spectrum.finish(dt);
  ASSERT_EQ(spectrum.peaks().size(), 1u);
  EXPECT_NEAR(spectrum.peaks()[0].wavenumber, folded(wavenumber, spectrum.nyquist()),
              0.01 * spectrum.resolution());
}

class Analyze : public mlff_test::ProgramTest {
 protected:
  static std::string xyz(const Frame &frame, bool energy = false, double box = 0.0)
  {
    std::ostringstream out;
    out.precision(17);
    const auto &s = frame.structure;
    out << s.n_atoms() << "\nTime=" << frame.time;
    if (box > 0.0)
      out << " Lattice=\"" << box << " 0 0 0 " << box << " 0 0 0 " << box << "\" pbc=\"T T T\"";
    if (energy) out << " energy=" << s.energy.value_or(0.0);
    out << " Properties=species:S:1:pos:R:3:vel:R:3:mass:R:1\n";
    for (int i = 0; i < s.n_atoms(); i++) {
      out << element_symbol(s.numbers[i]);
      for (const auto *list : {&s.positions, &s.velocities})
        for (int a = 0; a < 3; a++) out << ' ' << (*list)[3 * i + a];
      out << ' ' << s.masses[i] << '\n';
    }
    return out.str();
  }

  /// Ethanol at 300 K around its geometry, each atom by itself: distributions are known.
  void write_ethanol(const std::string &name, int frames, int seed, double T = 300.0,
                     double wide = 0.02, int first = 0) const
  {
    std::mt19937 generator(seed);
    std::normal_distribution<double> normal;
    std::ofstream out(file(name));
    const double kT = boltzmann * T * eV_in_amu_square_angstrom_per_square_ps;
    for (int t = 0; t < frames; t++) {
      std::vector<double> x = ethanol_x, v(x.size());
      double energy = -300.0;
      for (std::size_t k = 0; k < x.size(); k++) {
        const double g = normal(generator);
        x[k] += wide * g;
        energy += 0.5 * boltzmann * T * g * g;
        v[k] = std::sqrt(kT / ethanol_m[k / 3]) * normal(generator);
      }
      Frame frame = frame_of(ethanol, ethanol_m, x, v, 0.01 * (t + first), true);
      frame.structure.energy = energy;
      out << xyz(frame, true);
    }
  }
};

TEST_F(Analyze, IdealGas)
{
  // straight lines in a periodic box, written wrapped: ballistic displacements in spite of it, g(r)
  // = 1, Maxwell's temperature
  const int n = 600, frames = 60;
  const double box = 30.0, dt = 0.05, mass = 4.0,
               kT = boltzmann * 300.0 * eV_in_amu_square_angstrom_per_square_ps;
  std::mt19937 generator(7);
  std::normal_distribution<double> normal;
  std::uniform_real_distribution<double> uniform(0.0, box);
  std::vector<double> x(3 * n), v(3 * n);
  for (double &c : x) c = uniform(generator);
  double square = 0.0;
  for (double &c : v) {
    c = std::sqrt(kT / mass) * normal(generator);
    square += c * c / n;
  }
  std::ofstream out(file("gas.xyz"));
  for (int t = 0; t < frames; t++) {
    auto wrapped = x;
    for (double &c : wrapped) c -= box * std::floor(c / box);
    out << xyz(frame_of(std::vector<int>(n, 2), std::vector<double>(n, mass), wrapped, v,
                        10.0 + t * dt, true),
               false, box);
    for (int k = 0; k < 3 * n; k++) x[k] += v[k] * dt;
  }
  out.close();
  AnalysisOptions options;
  options.bonds = false;
  options.r_max = 9.0;
  const TrajectoryAnalysis gas(file("gas.xyz"), options);
  EXPECT_EQ(gas.frames(), frames);
  EXPECT_EQ(gas.windows(), 1);
  EXPECT_NEAR(gas.spacing(), dt, 1e-9);
  const auto curves = gas.curves();
  const auto &msd = curve(curves, "msd", "He");
  ASSERT_EQ(msd.x.size(), 41u);    // 2 ps
  for (std::size_t lag = 1; lag < msd.x.size(); lag++)
    EXPECT_NEAR(msd.y[lag] / (square * msd.x[lag] * msd.x[lag]), 1.0, 1e-8);
  const auto &vacf = curve(curves, "vacf", "all");
  for (const double value : vacf.y) EXPECT_NEAR(value, 1.0, 1e-9);
  const double T = quantity(gas.quantities(), "temperature_K", "all");
  EXPECT_NEAR(T, mass * square / 3.0 / (boltzmann * eV_in_amu_square_angstrom_per_square_ps),
              1e-6 * T);
  EXPECT_NEAR(T, 300.0, 4.0 * 300.0 * std::sqrt(2.0 / (3.0 * n)));
  EXPECT_NEAR(quantity(gas.quantities(), "temperature_K", "translation"), T, 1e-6 * T);
  // pairs of a bin are Poisson within a frame, and frames are dependent: bounds are those of one
  // frame
  const auto &rdf = curve(curves, "rdf", "He-He");
  double mean = 0.0, volume = 0.0;
  for (std::size_t k = 0; k < rdf.x.size(); k++) {
    const double shell = 4.0 * std::numbers::pi * rdf.x[k] * rdf.x[k] * rdf.x[1],
                 pairs = 0.5 * n * (n - 1.0) * (rdf.x[1] - rdf.x[0]) / rdf.x[1] * shell /
        std::pow(box, 3);
    if (pairs > 5.0) { EXPECT_NEAR(rdf.y[k], 1.0, 5.0 / std::sqrt(pairs)) << rdf.x[k]; }
    mean += rdf.y[k] * shell;
    volume += shell;
  }
  // all pairs within 9 Angstrom: 4 standard deviations of one frame
  EXPECT_NEAR(mean / volume, 1.0,
              4.0 /
                  std::sqrt(0.5 * n * n * 4.0 / 3.0 * std::numbers::pi * 729.0 / std::pow(box, 3)));
}

TEST(Physics, RigidRotationTranslationAndVibrationAreToldApart)
{
  Structure s = frame_of(ethanol, ethanol_m, ethanol_x, {}, 0.0, false).structure;
  const Topology topology = find_topology(s, true);
  const auto kinetic = [&](const std::vector<double> &v) {
    double sum = 0.0;
    for (std::size_t k = 0; k < v.size(); k++) sum += 0.5 * ethanol_m[k / 3] * v[k] * v[k];
    return sum / eV_in_amu_square_angstrom_per_square_ps;
  };
  std::vector<double> turning, moving;
  for (int i = 0; i < 9; i++) {
    const double *r = &ethanol_x[3 * i], w[3] = {1.0, -2.0, 0.5};
    for (int a = 0; a < 3; a++) {
      turning.push_back(w[(a + 1) % 3] * r[(a + 2) % 3] - w[(a + 2) % 3] * r[(a + 1) % 3]);
      moving.push_back(a + 1.0);
    }
  }
  // about the centre of mass
  double mass = 0.0, drift[3] = {0, 0, 0};
  for (int k = 0; k < 27; k++) drift[k % 3] += ethanol_m[k / 3] * turning[k];
  for (const double m : ethanol_m) mass += m;
  for (int k = 0; k < 27; k++) turning[k] -= drift[k % 3] / mass;
  for (const auto &[name, v, freedom] :
       {std::tuple("rotation", turning, 3.0), std::tuple("translation", moving, 3.0)}) {
    Temperatures temperatures(topology, ethanol, false, false);
    temperatures.add(frame_of(ethanol, ethanol_m, ethanol_x, v, 0.0, false));
    const auto found = temperatures.quantities();
    for (const char *kind : {"translation", "rotation", "vibration"})
      EXPECT_NEAR(quantity(found, "temperature_K", kind),
                  kind == std::string(name) ? 2.0 * kinetic(v) / (freedom * boltzmann) : 0.0, 1e-9)
          << name << " " << kind;
    // bonds keep their lengths
    for (const char *kind : {"C-C", "C-O", "C-H", "O-H"})
      EXPECT_NEAR(quantity(found, "temperature_K", kind), 0.0, 1e-9);
  }
}

TEST(Physics, TemperaturesWithoutMomentumAreUnbiased)
{
  // Maxwell's velocities with momentum and angular momentum taken out; every part still has 300 K.
  // A temperature with f degrees of freedom scatters by sqrt(2/f) in a frame; bounds are four
  // standard errors of 20,000 independent frames.
  Structure s = frame_of(ethanol, ethanol_m, ethanol_x, {}, 0.0, false).structure;
  const Topology topology = find_topology(s, true);
  std::mt19937 generator(8);
  std::normal_distribution<double> normal;
  std::vector<int> all(9);
  std::iota(all.begin(), all.end(), 0);
  const int frames = 20000;
  for (const bool without : {false, true}) {
    Temperatures temperatures(topology, ethanol, without, without);
    for (int t = 0; t < frames; t++) {
      std::vector<double> v(27);
      for (int k = 0; k < 27; k++)
        v[k] = std::sqrt(boltzmann * 300.0 * eV_in_amu_square_angstrom_per_square_ps /
                         ethanol_m[k / 3]) *
            normal(generator);
      if (without) {
        const Momenta p = momenta_of(all, ethanol_m, ethanol_x, v);
        for (int i = 0; i < 9; i++) {
          double w[3] = {0, 0, 0}, r[3];
          for (int a = 0; a < 3; a++) {
            r[a] = ethanol_x[3 * i + a] - p.centre[a];
            for (int b = 0; b < 3; b++) w[a] += p.inverse_inertia[3 * a + b] * p.angular[b];
          }
          for (int a = 0; a < 3; a++)
            v[3 * i + a] -= p.linear[a] / p.mass + w[(a + 1) % 3] * r[(a + 2) % 3] -
                w[(a + 2) % 3] * r[(a + 1) % 3];
        }
        const Momenta left = momenta_of(all, ethanol_m, ethanol_x, v);
        ASSERT_LT(left.linear_energy + left.angular_energy, 1e-20);
      }
      temperatures.add(frame_of(ethanol, ethanol_m, ethanol_x, v, 0.0, false));
    }
    const auto found = temperatures.quantities();
    const auto expect = [&](const char *name, double freedom) {
      EXPECT_NEAR(quantity(found, "temperature_K", name), 300.0,
                  4.0 * 300.0 * std::sqrt(2.0 / freedom / frames))
          << name << (without ? " without momenta" : "");
    };
    expect("all", without ? 21.0 : 27.0);
    expect("H", 12.0);
    expect("C", 3.0);
    expect("O", 1.5);
    expect("H(O)", 2.0);
    expect("H(C)", 10.0);
    expect("vibration", 21.0);
    expect("C-H", 4.0);
    expect("O-H", 0.9);
    expect("C-C", 0.9);
    const bool has_translation = std::any_of(found.begin(), found.end(), [](const Quantity &q) {
      return q.name == "translation" || q.name == "rotation";
    });
    EXPECT_EQ(has_translation, !without);
    if (!without) expect("rotation", 3.0);
  }
}

TEST(Physics, TopologyOfEthanol)
{
  const Topology t =
      find_topology(frame_of(ethanol, ethanol_m, ethanol_x, {}, 0.0, false).structure, true);
  const auto count = [](const auto &kinds, const std::string &name) {
    const auto at = std::find(kinds.names.begin(), kinds.names.end(), name);
    return at == kinds.names.end()
        ? 0
        : int(std::count(kinds.kind.begin(), kinds.kind.end(), int(at - kinds.names.begin())));
  };
  EXPECT_EQ(count(t.bonds, "C-C"), 1);
  EXPECT_EQ(count(t.bonds, "C-O"), 1);
  EXPECT_EQ(count(t.bonds, "C-H"), 5);
  EXPECT_EQ(count(t.bonds, "O-H"), 1);
  EXPECT_EQ(t.angles.kind.size(), 13u);
  EXPECT_EQ(t.dihedrals.kind.size(), 12u);
  EXPECT_EQ(t.torsions.names, (std::vector<std::string>{"H-C-C-O", "C-C-O-H"}));
  EXPECT_EQ(t.fold, (std::vector<int>{3, 3}));
  EXPECT_EQ(t.members.size(), 1u);
  EXPECT_EQ(t.hydrogen[8], "H(O)");
  EXPECT_EQ(t.hydrogen[3], "H(C)");
  EXPECT_EQ(find_topology(frame_of(ethanol, ethanol_m, ethanol_x, {}, 0.0, false).structure, false)
                .members.size(),
            9u);
}

TEST(Physics, TorsionsFlipFromWellToWellOnly)
{
  // hydrogen peroxide with a carbon's name on one oxygen would have three wells; here the four
  // atoms are placed by hand
  Topology topology;
  topology.torsions = {{{0, 1, 2, 3}}, {0}, {"H-C-O-H"}};
  topology.fold = {3};
  const auto frame_at = [&](double degrees, bool follows) {
    const double a = degrees * std::numbers::pi / 180.0;
    return frame_of({1, 6, 8, 1}, {1, 12, 16, 1},
                    {1, 0, 0, 0, 0, 0, 0, 0, 1.4, std::cos(a), std::sin(a), 1.4}, {}, 0.0, follows);
  };
  const Frame start = frame_at(30.0, false);
  EXPECT_NEAR(std::abs(dihedral_angle(&start.x[0], &start.x[3], &start.x[6], &start.x[9])),
              30.0 * std::numbers::pi / 180.0, 1e-12);
  std::mt19937 generator(9);
  std::normal_distribution<double> normal;
  TorsionMotion motion(topology, 100);
  long n = 0;
  const auto stay = [&](double where, int frames) {
    for (int t = 0; t < frames; t++) motion.add(frame_at(where + 5.0 * normal(generator), n++ > 0));
  };
  // wells at 60, 180 and 300; trembling on a barrier is no flip, nor is going back
  stay(60.0, 2000);
  stay(120.0, 500);
  stay(60.0, 500);
  stay(120.0, 300);
  stay(180.0, 2000);
  stay(240.0, 100);
  stay(300.0, 2000);
  for (int turn = 0; turn < 12; turn++) stay(300.0 + 10.0 * turn, 1);    // across 0 to 60
  stay(60.0, 2000);
  motion.finish(0.01);
  EXPECT_NEAR(quantity(motion.quantities(), "torsion_flips_per_ps", "H-C-O-H") * 0.01 *
                  double(n - 1),
              3.0, 1e-9);

  // a rotor that turns steadily: (w t)^2, unwrapped over many turns
  TorsionMotion rotor(topology, 100);
  for (int t = 0; t < 1000; t++) rotor.add(frame_at(12.0 * t, t > 0));
  rotor.finish(0.01);
  const double w = 12.0 * std::numbers::pi / 180.0;
  const auto curves = rotor.curves();
  for (std::size_t lag = 0; lag < 100; lag++)
    EXPECT_NEAR(curves[0].y[lag], w * w * double(lag * lag),
                1e-6 * (1.0 + w * w * double(lag * lag)));
  EXPECT_NEAR(quantity(rotor.quantities(), "torsion_msd_at_0.5_ps_rad2", "H-C-O-H"), w * w * 2500.0,
              1e-3);
}

TEST(Physics, DriftOfTheEnergy)
{
  // three windows, each with the slope and a vibration of whole periods, which a line feels by less
  // than 1 % of its amplitude over the window
  EnergyDrift drift(9);
  const double slope = 0.002, amplitude = 1e-4;
  for (int window = 0; window < 3; window++)
    for (int t = 0; t < 1000; t++) {
      const double time = 10.0 * window + 0.01 * t;
      drift.add(time,
                -5.0 + window + slope * time +
                    amplitude * std::sin(2.0 * std::numbers::pi * t / 20.0) - 1.0,
                1.0, t > 0);
    }
  drift.finish();
  EXPECT_EQ(drift.windows(), 3);
  const auto found = drift.quantities();
  EXPECT_NEAR(quantity(found, "energy_drift", "meV per atom and ps"), 1000.0 * slope / 9.0, 0.01);
  EXPECT_NEAR(quantity(found, "energy_drift", "% of the kinetic energy in a ps"), 100.0 * slope,
              0.01);
  EXPECT_NEAR(quantity(found, "energy_drift", "fluctuation, meV per atom"),
              1000.0 * amplitude / std::sqrt(2.0) / 9.0, 1e-4);
}

TEST_F(Analyze, AgreesWithLammps)
{
  // a mixture that moves through a periodic box; computes of LAMMPS on the frames that the dump has
  std::ofstream(file("in.melt")) << R"(
units metal
lattice fcc 5.3
region box block 0 4 0 4 0 4
create_box 2 box
create_atoms 1 box
set group all type/fraction 2 0.3 77
mass 1 39.948
mass 2 83.798
pair_style lj/cut 8.0
pair_coeff * * 0.0103 3.4
pair_coeff 2 2 0.0140 3.65
velocity all create 900.0 4711
fix move all nve
timestep 0.002
run 300
reset_timestep 0
group A type 1
group B type 2
compute rdf all rdf 160 1 1 1 2 2 2
fix rdf all ave/time 100 40 4000 c_rdf[*] mode vector file rdf.txt
compute msdA A msd
compute msdB B msd
compute vacfA A vacf
compute vacfB B vacf
compute TA A temp
compute TB B temp
compute_modify TA extra/dof 0
compute_modify TB extra/dof 0
variable nA equal count(A)
variable nB equal count(B)
thermo_style custom step temp c_TA c_TB c_msdA[4] c_msdB[4] c_vacfA[4] c_vacfB[4] &
 pe etotal v_nA v_nB
thermo_modify format float %.15g norm no
thermo 100
dump frames all extxyz 100 melt.xyz
dump_modify frames element Ar Kr sort id vel yes forces no mass yes time yes first yes &
 format line "%s %.14g %.14g %.14g %.14g %.14g %.14g %.14g"
run 4000
)";
  const std::string command =
      "cd '" + folder.string() + "' && '" LAMMPS "' -in in.melt -log log.melt -screen none";
  ASSERT_EQ(std::system(command.c_str()), 0);

  std::vector<std::vector<double>> thermo;
  {
    std::istringstream text(content("log.melt"));
    bool table = false;
    for (std::string line; std::getline(text, line);) {
      if (line.find("c_vacfB[4]") != std::string::npos && line.find("Step") != std::string::npos) {
        table = true;
        continue;
      }
      if (line.rfind("Loop time", 0) == 0) table = false;
      if (!table) continue;
      std::istringstream words(line);
      std::vector<double> row;
      for (double x; words >> x;) row.push_back(x);
      if (row.size() == 12) thermo.push_back(row);
    }
  }
  ASSERT_EQ(thermo.size(), 41u);
  const double n_of[2] = {thermo[0][10], thermo[0][11]}, mass_of[2] = {39.948, 83.798},
               total_mass = n_of[0] * mass_of[0] + n_of[1] * mass_of[1];

  AnalysisOptions options;
  options.bonds = false;
  options.r_max = 8.0;
  TrajectoryFrames frames(file("melt.xyz"), options.frames);
  EXPECT_NEAR(frames.interval(), 0.2, 1e-9);
  std::vector<Frame> list;
  for (Frame frame; frames.next(frame);) {
    EXPECT_NEAR(*frame.structure.energy, thermo[list.size()][8], 1e-9);
    list.push_back(frame);
  }
  ASSERT_EQ(list.size(), 41u);
  const auto &numbers = list[0].structure.numbers;
  const Topology topology = find_topology(list[0].structure, false);

  // temperatures of each frame; LAMMPS' own, of a group, does not know that the momentum is zero
  for (std::size_t t = 0; t < list.size(); t += 8) {
    Temperatures temperatures(topology, numbers, true, false);
    temperatures.add(list[t]);
    const auto found = temperatures.quantities();
    EXPECT_NEAR(quantity(found, "temperature_K", "all"), thermo[t][1], 1e-5 * thermo[t][1]);
    for (int e = 0; e < 2; e++)
      EXPECT_NEAR(quantity(found, "temperature_K", e ? "Kr" : "Ar"),
                  thermo[t][2 + e] / (1.0 - mass_of[e] / total_mass), 1e-5 * thermo[t][2 + e]);
  }

  // LAMMPS has one time origin: the longest lag of the first k + 1 frames has the same one
  for (const int k : {1, 7, 40}) {
    Displacements displacements(numbers, k + 1);
    VelocitySpectrum spectrum(numbers, k + 1);
    for (int t = 0; t <= k; t++) {
      Frame frame = list[t];
      displacements.add(frame);
      spectrum.add(frame);
    }
    displacements.finish(0.2);
    spectrum.finish(0.2);
    const auto curves = displacements.curves();
    for (int e = 0; e < 2; e++) {
      EXPECT_NEAR(curve(curves, "msd", e ? "Kr" : "Ar").y[k] / thermo[k][4 + e], 1.0, 1e-8);
      EXPECT_NEAR(spectrum.of_element(e ? 36 : 18)[k] / (mass_of[e] * n_of[e]), thermo[k][6 + e],
                  1e-8 * thermo[0][6 + e]);
    }
    if (k == 40) {
      EXPECT_GT(thermo[k][4], 10.0)
          << "atoms must have left their places for a test of periodic borders";
    }
  }

  // g(r) of the same bins, without the first frame
  PairDistances distances(numbers, 8.0, 160);
  for (std::size_t t = 1; t < list.size(); t++) distances.add(list[t].structure);
  const auto curves = distances.curves();
  std::istringstream text(content("rdf.txt"));
  int rows = 0;
  for (std::string line; std::getline(text, line);) {
    std::istringstream words(line);
    std::vector<double> row;
    for (double x; words >> x;) row.push_back(x);
    if (row.size() != 8) continue;
    const auto k = std::size_t(row[0] - 1);
    rows++;
    EXPECT_NEAR(curve(curves, "rdf", "Ar-Ar").x[k], row[1], 1e-6);
    // a pair at the border of two bins may be counted in the other one
    EXPECT_NEAR(curve(curves, "rdf", "Ar-Ar").y[k], row[2], 2e-3);
    EXPECT_NEAR(curve(curves, "rdf", "Ar-Kr").y[k], row[4], 2e-3);
    EXPECT_NEAR(curve(curves, "rdf", "Kr-Kr").y[k], row[6], 2e-3);
  }
  EXPECT_EQ(rows, 160);

  // The drift is that of the energy which LAMMPS conserves.
  const auto found = TrajectoryAnalysis(file("melt.xyz"), options).quantities();
  EXPECT_NEAR(quantity(found, "energy_drift", "% of the kinetic energy in a ps"), 0.0, 0.5);
  EXPECT_NEAR(
      quantity(found, "temperature_K", "all"),
      [&] {
        double mean = 0.0;
        for (const auto &row : thermo) mean += row[1] / double(thermo.size());
        return mean;
      }(),
      0.01);
}

TEST_F(Analyze, ComparisonStandsBesideItsNoise)
{
  write_ethanol("a.xyz", 1500, 1);
  write_ethanol("b.xyz", 1500, 2);
  write_ethanol("c.xyz", 1500, 3);
  write_ethanol("hot.xyz", 1500, 4, 390.0, 0.03);
  const auto same =
      Json::parse(run("analyze --json --traj a.xyz --reference b.xyz --second-seed c.xyz"));
  ASSERT_EQ(status, 0);
  ASSERT_EQ(same["trajectories"].size(), 3u);
  EXPECT_EQ(same["trajectories"][0]["frames"], 1500);
  EXPECT_NEAR(same["trajectories"][0]["interval_fs"].get<double>(), 10.0, 1e-6);
  const auto hot = Json::parse(
      run("analyze --json --traj hot.xyz --reference b.xyz --second-seed c.xyz --plots pictures"));
  ASSERT_EQ(status, 0);
  const auto value = [](const Json &report, const char *where, const char *section,
                        const char *name) {
    return report[where][section][name]["value"].get<double>();
  };
  // equal distributions: within twice the noise of another seed, and not improbable; 390 K is
  // neither
  for (const char *kind : {"C-C", "C-O", "C-H", "O-H"}) {
    const double noise = value(same, "noise_floor", "jensen_shannon_bond", kind);
    EXPECT_LT(value(same, "against_reference", "jensen_shannon_bond", kind), 2.0 * noise) << kind;
    EXPECT_GT(value(hot, "against_reference", "jensen_shannon_bond", kind), 2.0 * noise) << kind;
  }
  EXPECT_GT(value(same, "against_reference", "potential_energy", "Kolmogorov-Smirnov p"), 1e-3);
  EXPECT_LT(value(hot, "against_reference", "potential_energy", "Kolmogorov-Smirnov p"), 1e-6);
  EXPECT_GT(value(hot, "against_reference", "rmse_A", "bond widths"),
            5.0 * value(hot, "noise_floor", "rmse_A", "bond widths"));
  EXPECT_NEAR(value(hot, "against_reference", "temperature_difference_K", "H"), 90.0, 15.0);
  // an atom's scatter of 0.02 A in each direction makes bonds of that times sqrt(2), within 5 % of
  // the standard deviation's own error of 1.8 % and curvature
  EXPECT_NEAR(same["trajectories"][0]["quantities"]["bond_width_A"]["C-C"]["value"].get<double>(),
              0.02 * std::sqrt(2.0), 0.002);
  EXPECT_GT(std::filesystem::file_size(folder / "pictures/analysis.png"), 20000u);
  EXPECT_LT(std::filesystem::file_size(folder / "pictures/analysis.png"), 300000u);

  const std::string table = run("analyze --traj a.xyz --reference b.xyz --second-seed c.xyz");
  for (const char *words : {"temperature (K)", "noise (second seed)", "Kolmogorov-Smirnov p",
                            "bonds, width", "peaks of the density of states"})
    EXPECT_NE(table.find(words), std::string::npos) << words;
}

TEST_F(Analyze, WindowsAndTimes)
{
  // two windows of 20 frames with a gap
  write_ethanol("one.xyz", 20, 1);
  write_ethanol("two.xyz", 20, 2, 300.0, 0.02, 50);
  std::ofstream(file("gap.xyz")) << content("one.xyz") << content("two.xyz");
  auto report = Json::parse(run("analyze --json --traj gap.xyz"));
  EXPECT_EQ(report["trajectories"][0]["windows"], 2);
  EXPECT_NEAR(report["trajectories"][0]["duration_ps"].get<double>(), 0.38, 1e-6);
  report = Json::parse(run("analyze --json --traj gap.xyz --skip 0.1"));
  EXPECT_EQ(report["trajectories"][0]["frames"], 30);
  report = Json::parse(run("analyze --json --traj gap.xyz --every 20"));
  EXPECT_EQ(report["trajectories"][0]["frames"], 20);
  EXPECT_NEAR(report["trajectories"][0]["interval_fs"].get<double>(), 20.0, 1e-6);
  EXPECT_EQ(report["trajectories"][0]["windows"], 2);
  report = Json::parse(run("analyze --json --traj gap.xyz --interval 2"));
  EXPECT_EQ(report["trajectories"][0]["windows"], 1);
  EXPECT_NEAR(report["trajectories"][0]["duration_ps"].get<double>(), 0.078, 1e-6);
  // a file that does not tell
  std::string text = content("one.xyz");
  for (std::size_t at; (at = text.find("Time=")) != std::string::npos;)
    text.replace(at, 5, "When=");
  std::ofstream(file("none.xyz")) << text;
  EXPECT_NE(run("analyze --traj none.xyz").find("no times in the file"), std::string::npos);
  EXPECT_EQ(status, 0);
  expect_error("analyze --traj none.xyz --skip 1", {"'none.xyz'", "--interval"});
}

TEST_F(Analyze, LammpsDumps)
{
  // Three files hold the same frames.
  write_ethanol("a.xyz", 40, 1);
  TrajectoryFrames frames(file("a.xyz"), {});
  std::ofstream plain(file("plain.dump")), full(file("full.lammpstrj"));
  plain.precision(15);
  full.precision(15);
  int t = 0;
  for (Frame frame; frames.next(frame); t++) {
    const auto &s = frame.structure;
    plain << "ITEM: TIMESTEP\n"
          << t << "\nITEM: TIME\n"
          << 0.01 * t
          << "\nITEM: NUMBER OF ATOMS\n9\nITEM: BOX BOUNDS ss ss ss\n-10 10\n-10 10\n-10 10\nITEM: "
             "ATOMS id x y z\n";
    full << "ITEM: UNITS\nreal\nITEM: TIME\n"
         << 10.0 * t << "\nITEM: TIMESTEP\n"
         << t
         << "\nITEM: NUMBER OF ATOMS\n9\nITEM: BOX BOUNDS xy xz yz pp pp pp\n-20 26 3\n-20 23 "
            "-2\n-20 20 1\nITEM: ATOMS id type mass xs ys zs vx vy vz \n";
    const double low[3] = {-18.0, -20.0, -20.0}, a = 41.0, xy = 3.0, b = 42.0, xz = -2.0, yz = 1.0,
                 c = 40.0;
    for (int k = 8; k >= 0; k--) {
      const double *x = &s.positions[3 * k], *v = &s.velocities[3 * k];
      plain << k + 1 << ' ' << x[0] << ' ' << x[1] << ' ' << x[2] << '\n';
      const double w = (x[2] - low[2]) / c, q = (x[1] - low[1] - w * yz) / b,
                   p = (x[0] - low[0] - q * xy - w * xz) / a;
      full << k + 1 << ' '
           << (s.numbers[k] == 6       ? 1
                   : s.numbers[k] == 8 ? 2
                                       : 3)
           << ' ' << s.masses[k] << ' ' << p << ' ' << q << ' ' << w << ' ' << 1e-3 * v[0] << ' '
           << 1e-3 * v[1] << ' ' << 1e-3 * v[2] << '\n';
    }
  }
  plain.close();
  full.close();
  const auto of = [&](const std::string &words) {
    const auto report = Json::parse(run("analyze --json --traj " + words));
    EXPECT_EQ(status, 0);
    return report["trajectories"][0];
  };
  const auto xyz = of("a.xyz"), first = of("plain.dump --elements C C O H H H H H H"),
             second = of("full.lammpstrj --elements C O H");
  for (const auto *dump : {&first, &second}) {
    EXPECT_EQ((*dump)["frames"], 40);
    EXPECT_NEAR((*dump)["duration_ps"].get<double>(), 0.39, 1e-6);
    for (const char *kind : {"C-C", "C-O", "C-H", "O-H"})
      EXPECT_NEAR((*dump)["quantities"]["bond_mean_A"][kind]["value"].get<double>(),
                  xyz["quantities"]["bond_mean_A"][kind]["value"].get<double>(), 1e-9);
  }
  for (const char *kind : {"C", "O", "H", "vibration"})
    EXPECT_NEAR(second["quantities"]["temperature_K"][kind]["value"].get<double>(),
                xyz["quantities"]["temperature_K"][kind]["value"].get<double>(), 1e-6);

  expect_error("analyze --traj plain.dump", {"'plain.dump'", "0 elements are given for 9 atoms"});
  expect_error("analyze --traj full.lammpstrj --elements C O",
               {"'full.lammpstrj', frame 1", "type 3 has no element: 2 are given"});
  expect_error("analyze --traj plain.dump --elements C C O H H H H H Hh",
               {"'Hh' is not an element"});
  const auto broken = [&](const std::string &from, const std::string &to,
                          const std::vector<std::string> &words) {
    std::string text = content("plain.dump");
    text.replace(text.find(from), from.size(), to);
    std::ofstream(file("broken.dump")) << text;
    expect_error("analyze --traj broken.dump --elements C C O H H H H H H", words);
  };
  broken("id x y z", "id x y q",
         {"'broken.dump', frame 1, line 11", "ITEM: ATOMS id x y q", "id and x y z"});
  broken("ITEM: TIME\n", "ITEM: TIDE\n", {"unknown 'ITEM: TIDE'", "accepted: UNITS, TIME"});
  broken("ATOMS\n9", "ATOMS\nnine", {"found 'nine'", "number of atoms"});
  broken("-10 10\nITEM: ATOMS", "-10\nITEM: ATOMS", {"found '-10'", "bounds"});
  broken("\n3 ", "\n4 ", {"the id 4 appears twice"});
  std::ofstream(file("short.dump")) << content("plain.dump").substr(0, 300);
  expect_error("analyze --traj short.dump --elements C C O H H H H H H", {"'short.dump'", "line"});
}

TEST_F(Analyze, Refusals)
{
  write_ethanol("a.xyz", 10, 1);
  expect_error("analyze", {"--traj is required"});
  expect_error("analyze --traj none.xyz", {"'none.xyz'", "cannot be opened"});
  expect_error("analyze --traj a.xyz --second-seed a.xyz", {"--reference"});
  expect_error("analyze --traj a.xyz --reference none.xyz", {"'none.xyz'", "cannot be opened"});
  expect_error("analyze --traj a.txt", {"unknown ending", ".xyz, .extxyz, .dump, .lammpstrj"});
  expect_error("analyze --traj a.xyz --units lj", {"lj"});
  std::ofstream(file("empty.xyz")) << "";
  expect_error("analyze --traj empty.xyz", {"'empty.xyz' holds no frame"});
  expect_error("analyze --traj a.xyz --skip 5", {"'a.xyz' holds no frame after the 5"});
  std::ofstream(file("other.xyz"))
      << "2\nTime=0\nH 0 0 0\nH 0 0 0.7\n2\nTime=1\nH 0 0 0\nH 0 0 0.7\n";
  expect_error("analyze --traj a.xyz --reference other.xyz",
               {"'a.xyz' holds H6C2O", "'other.xyz' H2"});
  std::ofstream(file("more.xyz"))
      << "2\nTime=0\nH 0 0 0\nH 0 0 0.7\n3\nTime=1\nH 0 0 0\nH 0 0 0.7\nH 3 3 3\n";
  expect_error("analyze --traj more.xyz",
               {"'more.xyz', frame 2: it has 3 atoms, the first frame has 2"});
  std::ofstream(file("order.xyz"))
      << "2\nTime=0\nO 0 0 0\nH 0 0 0.9\n2\nTime=1\nH 0 0 0\nO 0 0 0.9\n";
  expect_error("analyze --traj order.xyz",
               {"'order.xyz', frame 2: atom 1 is H, in the first frame O", "sort id"});
  std::ofstream(file("mass.xyz"))
      << "1\nTime=0 Properties=species:S:1:pos:R:3:mass:R:1\nH 0 0 0 -1\n";
  expect_error("analyze --traj mass.xyz", {"'mass.xyz', frame 1", "found '-1' for mass"});
}

TEST_F(Analyze, MemoryDoesNotGrowWithTheFile)
{
#ifdef __SANITIZE_ADDRESS__
  GTEST_SKIP() << "the sanitizer's memory hides that of the program";
#endif
  // Frames are written twenty times as often, in a process of its own each. Positions and
  // velocities of the 57,000 further frames take 31 MiB; only some 25 series of numbers may grow,
  // until each has its 32768 numbers (0.25 MiB).
  write_ethanol("short.xyz", 3000, 1);
  {
    std::ofstream out(file("long.xyz"));
    const std::string text = content("short.xyz");
    for (int k = 0; k < 20; k++) out << text;
  }
  EXPECT_GT(std::filesystem::file_size(folder / "long.xyz"), std::uintmax_t(60) << 20);
  const long with_long = peak_memory("analyze --traj long.xyz");
  ASSERT_EQ(status, 0);
  EXPECT_LT(with_long, peak_memory("analyze --traj short.xyz") + 12 * 1024);
  EXPECT_EQ(status, 0);
}

}    // namespace
