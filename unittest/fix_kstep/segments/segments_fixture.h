// Sampling by segments of fix kstep/hybrid: two atoms with any energy of their distance as the true
// force, students that err by a given function, and distributions to compare with.
#pragma once

#include "fix_kstep/kstep_fixture.h"

#include <algorithm>
#include <functional>
#include <numbers>

namespace mlff_test {

using Energy = std::function<double(double)>;    // eV of a distance in Å

inline constexpr double kT = boltzmann * 300.0;

/// Standard deviation 0.08 Å at 300 K.
inline double harmonic(double r)
{
  return 0.5 * kT * std::pow((r - 1.4) / 0.08, 2);
}

/// Minima 0.44 Å apart, the barrier between them 3 kT.
inline double double_well(double r)
{
  return 3.0 * kT * std::pow(std::pow((r - 1.45) / 0.22, 2) - 1.0, 2);
}

/// The same with a barrier of 12 kT, which takes long to cross.
inline double deep_well(double r)
{
  return 4.0 * double_well(r);
}

/// An error of about 0.5 kT rms with a slope, so that a student prefers other distances.
inline double error_of_student(double r)
{
  return kT * (0.7 * std::sin((r - 1.4) * 2.0 * std::numbers::pi / 0.5));
}

/// A molecule-mlp of C2 with this energy: one layer of fixed functions of 1/r, and the readout that
/// fits best by least squares where the energy is thermal.
inline Potential network_of(const Energy &energy)
{
  constexpr int width = 32;
  Potential potential = random_molecule({6, 6}, {0, 0, 0, 0, 0, 1.45}, {width}, 1, 3);
  auto &tensors = potential.tensors;
  const double mean = tensors.at("input_mean").values[0];
  const double scale = tensors.at("input_scale").values[0];
  tensors.at("scale").values = {1.0};
  for (double &e : tensors.at("reference_energy").values) e = 0.0;
  auto &slope = tensors.at("layer.0.weight").values;
  auto &shift = tensors.at("layer.0.bias").values;
  for (int k = 0; k < width; k++) {
    slope[k] = k % 2 == 0 ? 2.0 : -2.0;
    shift[k] = float(-slope[k] * (-4.0 + 9.0 * k / (width - 1)));
  }
  const auto functions = [&](double r) {
    std::vector<double> values(width + 1, 1.0);
    for (int k = 0; k < width; k++) {
      const double y = slope[k] * (1.0 / r - mean) / scale + shift[k];
      values[k] = y / (1.0 + std::exp(-y));
    }
    return values;
  };
  constexpr int n = width + 1;
  std::vector<double> matrix(n * (n + 1), 0.0);    // with the right-hand side
  for (double r = 0.95; r < 2.05; r += 0.002) {
    const double weight = std::exp(-energy(r) / (4.0 * kT)) + 1e-5;
    const auto phi = functions(r);
    for (int i = 0; i < n; i++) {
      for (int j = 0; j < n; j++) matrix[i * (n + 1) + j] += weight * phi[i] * phi[j];
      matrix[i * (n + 1) + n] += weight * phi[i] * energy(r);
    }
  }
  for (int i = 0; i < n; i++) matrix[i * (n + 1) + i] += 1e-7;
  for (int i = 0; i < n; i++)
    for (int j = 0; j < n; j++) {
      if (j == i) continue;
      const double factor = matrix[j * (n + 1) + i] / matrix[i * (n + 1) + i];
      for (int k = i; k <= n; k++) matrix[j * (n + 1) + k] -= factor * matrix[i * (n + 1) + k];
    }
  for (int i = 0; i < n; i++) {
    const double value = matrix[i * (n + 1) + n] / matrix[i * (n + 1) + i];
    (i < width ? tensors.at("readout.weight").values[i] : tensors.at("readout.bias").values[0]) =
        float(value);
  }
  return potential;
}

/// The distribution of the distance of two atoms with this energy, r^2 exp(-V/kT).
class Distribution {
 public:
  explicit Distribution(const Energy &energy)
  {
    double sum = 0.0;
    for (int k = 0; k < n; k++) {
      const double r = place(k + 0.5);
      sum += r * r * std::exp(-energy(r) / kT);
      cumulative.push_back(sum);
    }
    for (double &value : cumulative) value /= sum;
  }

  double below(double r) const
  {
    const int k = std::clamp(int((r - low) / (high - low) * n), 0, n - 1);
    const double before = k > 0 ? cumulative[k - 1] : 0.0;
    return before +
        (cumulative[k] - before) * std::clamp((r - place(k)) / (place(1) - low), 0., 1.);
  }

  double mean(const Energy &value) const
  {
    double sum = 0.0;
    for (int k = 0; k < n; k++)
      sum += (cumulative[k] - (k > 0 ? cumulative[k - 1] : 0.0)) * value(place(k + 0.5));
    return sum;
  }

  /// Kolmogorov's largest distance of independent samples times the root of their number: above
  /// 1.63 in one of a hundred cases.
  double kolmogorov(std::vector<double> samples) const
  {
    std::sort(samples.begin(), samples.end());
    const double count = double(samples.size());
    double largest = 0.0;
    for (std::size_t k = 0; k < samples.size(); k++) {
      const double p = below(samples[k]);
      largest = std::max({largest, p - double(k) / count, double(k + 1) / count - p});
    }
    return largest * std::sqrt(count);
  }

 private:
  static constexpr double low = 0.9, high = 2.1;
  static constexpr int n = 24000;
  std::vector<double> cumulative;

  static double place(double k) { return low + (high - low) * k / n; }
};

class FixKstepSegments : public FixKstep {
 protected:
  /// Two carbon atoms in open space, whose energy is that of their distance.
  void diatomic(const Energy &energy, double distance)
  {
    std::string table = "PAIR\nN 3000 R 0.3 3.0\n\n";
    for (int k = 0; k < 3000; k++) {
      const double r = 0.3 + 2.7 * k / 2999, h = 1e-5;
      char line[160];
      std::snprintf(line, sizeof line, "%d %.15g %.15g %.15g\n", k + 1, r, energy(r),
                    (energy(r - h) - energy(r + h)) / (2.0 * h));
      table += line;
    }
    put("pair.table", table);
    two_atoms(distance);
    commands("pair_style table spline 3000\npair_coeff * * " + file("pair.table") + " PAIR");
  }

  /// Two carbon atoms whose true energy is that of a potential.
  void diatomic(const std::string &potential, double distance)
  {
    two_atoms(distance);
    commands("pair_style mlff engine host threads 1 precision double\npair_coeff * * " + potential +
             " C");
  }

  void two_atoms(double distance)
  {
    commands("clear\nunits metal\natom_style atomic\natom_modify map array sort 0 0.0\n"
             "boundary s s s\nregion box block -5 5 -5 5 -5 5\ncreate_box 1 box\n"
             "mass 1 12.011");
    char text[160];
    std::snprintf(
        text, sizeof text,
        "create_atoms 1 single 0 0 0 units box\ncreate_atoms 1 single 0 0 %.16g units box",
        distance);
    commands(text);
    commands("timestep 0.003\nneighbor 2.0 nsq\ncomm_modify cutoff 3.0\nthermo 1000000\n"
             "compute_modify thermo_temp extra/dof 0");
    command("variable r equal sqrt((x[1]-x[2])^2+(y[1]-y[2])^2+(z[1]-z[2])^2)");
  }

  void sample_with(const std::string &file, const std::string &words, int seed = 4711)
  {
    command("fix hyb all kstep/hybrid " + file +
            " C threads 1 precision double jump student 8 0.003 langevin 300 0.1 " +
            std::to_string(seed) + " " + words);
  }

  /// Distances after each `every` of these moves.
  std::vector<double> distances(int moves, int every)
  {
    command("fix series all vector " + std::to_string(every) + " v_r");
    command("run " + std::to_string(moves) + " post no");
    auto *series = lmp->modify->get_fix_by_id("series");
    std::vector<double> list;
    // the first one is that of the start
    for (int k = 1; k < series->size_vector; k++) list.push_back(series->compute_vector(k));
    command("unfix series");
    return list;
  }
};

}    // namespace mlff_test
