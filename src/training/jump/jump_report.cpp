// Errors of a jump network on held-out windows, compared with four baseline jumps.
#include "training/jump/jump_report.h"

#include "core/units.h"
#include "engine/make_engine.h"
#include "models/jump/jump_record.h"
#include "structure/rotation.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

namespace mlff {

namespace {

  constexpr double kinetic_in_eV = 1.0 / eV_in_amu_square_angstrom_per_square_ps;
  constexpr int batch_windows = 64, rotation_windows = 256;

  double square_of(const JumpBatch &batch, const std::vector<double> &x, std::size_t i,
                   const std::vector<double> *y = nullptr)
  {
    double sum = 0.0;
    for (std::size_t k = 3 * i; k < 3 * i + 3; k++) {
      const double d = x[k] - (y ? (*y)[k] : 0.0);
      sum += batch.mass[i] * d * d;
    }
    return sum;
  }

  double kinetic(const double *mass, const double *v, int n)
  {
    double sum = 0.0;
    for (int k = 0; k < 3 * n; k++) sum += 0.5 * mass[k / 3] * v[k] * v[k];
    return sum * kinetic_in_eV;
  }

  const std::pair<const char *, JumpControl> controls[] = {{"zero", JumpControl::zero},
                                                           {"ballistic", JumpControl::ballistic},
                                                           {"verlet", JumpControl::verlet},
                                                           {"linear", JumpControl::linear}};

  std::vector<double> turned(const std::array<double, 9> &R, const std::vector<double> &x)
  {
    std::vector<double> y(x.size(), 0.0);
    for (std::size_t k = 0; k < x.size(); k++)
      for (std::size_t a = 0; a < 3; a++) y[k] += R[3 * (k % 3) + a] * x[k - k % 3 + a];
    return y;
  }

  /// Adds the squared differences between the turned jump of a batch and the jump of the turned
  /// batch.
  void add_rotation_error(JumpEngine &engine, JumpBatch batch, std::mt19937 &generator,
                          double sums[2])
  {
    JumpResult straight, found;
    engine.evaluate(batch.graph.view(), batch.input(), straight);
    const auto R = random_rotation(generator);
    for (auto *list : {&batch.graph.r, &batch.velocity, &batch.force}) *list = turned(R, *list);
    engine.evaluate(batch.graph.view(), batch.input(), found);
    const auto x = turned(R, straight.displacement), v = turned(R, straight.velocity_change);
    for (std::size_t i = 0; i < batch.mass.size(); i++) {
      sums[0] += square_of(batch, found.displacement, i, &x);
      sums[1] += square_of(batch, found.velocity_change, i, &v);
    }
  }

  struct Sums {
    double error[2] = {0, 0}, energy = 0.0, energy_square = 0.0;
    long energies = 0;
  };

  using NamedJumps = std::vector<std::pair<std::string, JumpResult>>;

  /// The report on the windows of one trajectory and stride.
  class WindowReport {
   public:
    WindowReport(const Potential &potential, JumpEngine &engine, const NveTrajectory &trajectory,
                 std::size_t k, const JumpReportOptions &options) :
        potential(potential),
        engine(engine), trajectory(trajectory), options(options),
        stride(jump_record(potential).strides[k])
    {
      const int steps = int(std::lround(stride / jump_record(potential).timestep));
      windows = windows_of(trajectory, steps, int(k), options.every);
      if (windows.empty())
        throw FileError("data file '" + trajectory.file + "' holds no window of " +
                        std::to_string(steps) + " steps");
      for (std::size_t first = 0; first < windows.size(); first += batch_windows)
        add_batch(first, std::min(windows.size(), first + batch_windows));
    }

    JumpReport report() const
    {
      JumpReport report;
      report.name = std::filesystem::path(trajectory.file).filename().string();
      report.stride = stride;
      report.windows = long(windows.size());
      const double kT = trajectory.temperature > 0
          ? boltzmann * trajectory.temperature / kinetic_in_eV
          : heat / double(components);
      report.temperature = kT * kinetic_in_eV / boltzmann;
      const double thermal[2] = {std::sqrt(kT) * (1e-3 * stride), std::sqrt(kT)};
      for (const auto &name : order) report.rows.push_back(row(name, thermal));
      return report;
    }

   private:
    const Potential &potential;
    JumpEngine &engine;
    const NveTrajectory &trajectory;
    const JumpReportOptions &options;
    double stride;    // fs
    std::vector<Window> windows;

    // sums over all windows
    std::map<std::string, Sums> sums;
    std::vector<std::string> order;    // names of the jumps, as they come
    double change[2] = {0, 0}, heat = 0.0, rotation[2] = {0, 0};
    long components = 0, rotated = 0;
    std::mt19937 generator{1};
    JumpBatch batch;

    void add_batch(std::size_t first, std::size_t last)
    {
      batch.clear();
      for (std::size_t w = first; w < last; w++) append_window(windows[w], potential.cutoff, batch);
      const NamedJumps jumps = jumps_of_batch();
      if (rotated < 3 * trajectory.n_atoms() * rotation_windows) {
        add_rotation_error(engine, batch, generator, rotation);
        rotated += 3 * long(batch.mass.size());
      }
      for (std::size_t i = 0; i < batch.mass.size(); i++) {
        change[0] += square_of(batch, batch.reference.displacement, i);
        change[1] += square_of(batch, batch.reference.velocity_change, i);
        heat += square_of(batch, batch.velocity, i);
        components += 3;
      }
      for (const auto &[name, result] : jumps) {
        if (!sums.contains(name)) order.push_back(name);
        Sums &sum = sums[name];
        for (std::size_t i = 0; i < batch.mass.size(); i++) {
          sum.error[0] += square_of(batch, result.displacement, i, &batch.reference.displacement);
          sum.error[1] +=
              square_of(batch, result.velocity_change, i, &batch.reference.velocity_change);
        }
        if (!options.energy || options.energies == 0) continue;
        if (!options.energies_of_controls && name != "network" && name != "dynamics") continue;
        for (std::size_t w = first; w < last; w++)
          if (has_energy(w)) add_energy(w, w - first, name == "network", result, sum);
      }
    }

    NamedJumps jumps_of_batch()
    {
      const Graph graph = batch.graph.view();
      NamedJumps jumps;
      for (const auto &[name, control] : controls) {
        jumps.emplace_back(name, JumpResult());
        control_jump(potential, control, graph, batch.input(), jumps.back().second);
      }
      jumps.emplace_back("network", JumpResult());
      engine.evaluate(graph, batch.input(), jumps.back().second);
      jumps.emplace_back("dynamics", batch.reference);
      return jumps;
    }

    /// Windows with energies are spread evenly over all.
    bool has_energy(std::size_t w) const
    {
      const long n = long(windows.size());
      const bool chosen = n <= options.energies ||
          long(w) * options.energies / n != (long(w) + 1) * options.energies / n;
      return chosen && !trajectory.segments[windows[w].segment].energy.empty();
    }

    /// Adds the change of the total energy by a jump; `place` is the window's in the batch.
    void add_energy(std::size_t w, std::size_t place, bool conserves_angular_momentum,
                    const JumpResult &result, Sums &sum) const
    {
      const int n = trajectory.n_atoms();
      const std::size_t n3 = 3 * std::size_t(n), at = place * n3;
      std::vector<double> x(n3), v(n3);
      for (std::size_t c = 0; c < n3; c++) {
        x[c] = batch.x[at + c] + result.displacement[at + c];
        v[c] = batch.velocity[at + c] + result.velocity_change[at + c];
      }
      if (conserves_angular_momentum)
        restore_angular_momentum(trajectory.mass, {&batch.x[at], n3}, {&batch.velocity[at], n3}, x,
                                 v);
      double error;
      try {
        error = options.energy(trajectory, x) + kinetic(trajectory.mass.data(), v.data(), n) -
            trajectory.segments[windows[w].segment].energy[windows[w].start] -
            kinetic(trajectory.mass.data(), &batch.velocity[at], n);
      } catch (const std::exception &) {
        return;    // a baseline jump went to where the method does not converge
      }
      sum.energy += error;
      sum.energy_square += error * error;
      sum.energies++;
    }

    JumpErrors row(const std::string &name, const double thermal[2]) const
    {
      const Sums &sum = sums.at(name), &linear = sums.at("linear");
      JumpErrors row;
      row.method = name;
      for (int q = 0; q < 2; q++) {
        const double error = std::sqrt(sum.error[q] / double(components));
        row.change[q] = error / std::sqrt(change[q] / double(components));
        row.thermal[q] = error / thermal[q];
        row.skill[q] = 1.0 - std::sqrt(sum.error[q] / linear.error[q]);
      }
      for (int q = 0; q < 2 && name == "network"; q++)
        row.rotation[q] =
            std::sqrt(rotation[q] / double(rotated)) / std::sqrt(change[q] / double(components));
      row.energies = sum.energies;
      if (sum.energies > 0) {
        row.energy_mean = sum.energy / double(sum.energies);
        row.energy_deviation = std::sqrt(std::max(
            0.0, sum.energy_square / double(sum.energies) - row.energy_mean * row.energy_mean));
      }
      return row;
    }
  };

}    // namespace

std::vector<JumpReport> jump_report(const Potential &potential,
                                    const std::vector<NveTrajectory> &trajectories,
                                    const JumpReportOptions &options)
{
  std::vector<JumpReport> reports;
  const auto engine = make_jump_engine(potential, options.engine);
  for (const auto &trajectory : trajectories)
    for (std::size_t k = 0; k < jump_record(potential).strides.size(); k++)
      reports.push_back(WindowReport(potential, *engine, trajectory, k, options).report());
  return reports;
}

JumpScore jump_score(const Potential &potential, const std::vector<Window> &windows,
                     Precision precision, int threads)
{
  const auto engine = make_jump_engine(potential, {.precision = precision, .threads = threads});
  const JumpVariables variables(potential);
  JumpScore score;
  double change[2] = {0, 0}, error[2] = {0, 0}, linear_error[2] = {0, 0};
  long count = 0;
  JumpBatch batch;
  JumpResult result, linear;
  std::vector<double> u, predicted;
  for (std::size_t first = 0; first < windows.size(); first += batch_windows) {
    batch.clear();
    for (std::size_t w = first; w < std::min(windows.size(), first + batch_windows); w++)
      append_window(windows[w], potential.cutoff, batch);
    const Graph graph = batch.graph.view();
    engine->evaluate(graph, batch.input(), result);
    control_jump(potential, JumpControl::linear, graph, batch.input(), linear);
    variables.targets(graph, batch.input(), batch.reference, u);
    variables.targets(graph, batch.input(), result, predicted);
    for (std::size_t c = 0; c < u.size(); c++)
      score.loss[(c / 3) % 2] += (u[c] - predicted[c]) * (u[c] - predicted[c]);
    count += long(u.size()) / 2;
    for (std::size_t i = 0; i < batch.mass.size(); i++) {
      change[0] += square_of(batch, batch.reference.displacement, i);
      change[1] += square_of(batch, batch.reference.velocity_change, i);
      error[0] += square_of(batch, result.displacement, i, &batch.reference.displacement);
      error[1] += square_of(batch, result.velocity_change, i, &batch.reference.velocity_change);
      linear_error[0] += square_of(batch, linear.displacement, i, &batch.reference.displacement);
      linear_error[1] +=
          square_of(batch, linear.velocity_change, i, &batch.reference.velocity_change);
    }
  }
  for (int q = 0; q < 2; q++) {
    score.loss[q] /= double(std::max(1L, count));
    score.change[q] = std::sqrt(error[q] / change[q]);
    score.skill[q] = 1.0 - std::sqrt(error[q] / linear_error[q]);
  }
  return score;
}

nlohmann::ordered_json JumpReport::json() const
{
  nlohmann::ordered_json json = {
      {"name", name}, {"temperature", temperature}, {"stride", stride}, {"windows", windows}};
  for (const auto &row : rows) {
    nlohmann::ordered_json entry = {
        {"error_of_change", {{"x", row.change[0]}, {"v", row.change[1]}}},
        {"error_of_thermal", {{"x", row.thermal[0]}, {"v", row.thermal[1]}}},
        {"skill", {{"x", row.skill[0]}, {"v", row.skill[1]}}}};
    if (row.method == "network")
      entry["rotation_error"] = {{"x", row.rotation[0]}, {"v", row.rotation[1]}};
    if (row.energies > 0)
      entry["energy_kT"] = {{"mean", row.energy_mean / (boltzmann * temperature)},
                            {"deviation", row.energy_deviation / (boltzmann * temperature)},
                            {"windows", row.energies}};
    json["jumps"][row.method] = entry;
  }
  return json;
}

void print(const std::vector<JumpReport> &reports)
{
  for (const auto &report : reports) {
    std::printf("\n%s: %g fs, %.0f K, %ld windows\n%-10s %9s %9s %9s %9s %8s %8s %12s %12s\n%-10s "
                "%9s %9s %9s %9s %8s %8s %12s %12s\n",
                report.name.c_str(), report.stride, report.temperature, report.windows, "jump", "x",
                "v", "x", "v", "x", "v", "energy, kT", "", "", "/change", "/change", "/thermal",
                "/thermal", "skill", "skill", "mean", "deviation");
    for (const auto &row : report.rows) {
      std::printf("%-10s %8.2f%% %8.2f%% %9.4f %9.4f %8.3f %8.3f", row.method.c_str(),
                  100 * row.change[0], 100 * row.change[1], row.thermal[0], row.thermal[1],
                  row.skill[0], row.skill[1]);
      const double kT = boltzmann * report.temperature;
      if (row.energies > 0)
        std::printf(" %12.3f %12.3f\n", row.energy_mean / kT, row.energy_deviation / kT);
      else
        std::printf(" %12s %12s\n", "-", "-");
    }
    for (const auto &row : report.rows)
      if (row.method == "network")
        std::printf("rotation error of the network: x %.2g, v %.2g of the change\n",
                    row.rotation[0], row.rotation[1]);
  }
}

EnergyOf teacher_energies(const TrajectoryTeacher &teacher)
{
  const ForceOf forces = teacher_forces(teacher);
  if (!forces) return {};
  return [forces, unused = std::vector<double>()](const NveTrajectory &trajectory,
                                                  std::span<const double> positions) mutable {
    unused.resize(positions.size());
    return forces(trajectory, positions, unused);
  };
}

}    // namespace mlff
