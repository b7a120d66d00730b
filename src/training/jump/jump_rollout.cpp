// Several jumps in a row on held-out trajectories, as a simulation makes them.
#include "training/jump/jump_rollout.h"

#include "core/units.h"
#include "models/jump/jump_record.h"
#include "structure/bonds.h"
#include "teacher/teacher.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <tuple>

namespace mlff {

double inner_kinetic(std::span<const double> mass, std::span<const double> velocity)
{
  double total = 0.0, sum = 0.0, drift[3] = {0, 0, 0};
  for (std::size_t k = 0; k < velocity.size(); k++) {
    sum += 0.5 * mass[k / 3] * velocity[k] * velocity[k];
    drift[k % 3] += mass[k / 3] * velocity[k];
  }
  for (const double m : mass) total += m;
  for (const double p : drift) sum -= 0.5 * p * p / total;
  return sum;
}

void rescale_to_energy(std::span<const double> mass, std::span<const double> x_start,
                       std::span<const double> v_start, std::span<const double> x_end,
                       std::span<double> v_end, double kinetic)
{
  restore_angular_momentum(mass, x_start, v_start, x_end, v_end);
  double total = 0.0, drift[3] = {0, 0, 0};
  for (const double m : mass) total += m;
  for (std::size_t k = 0; k < v_end.size(); k++) drift[k % 3] += mass[k / 3] * v_end[k] / total;
  const double factor = std::clamp(
      std::sqrt(std::max(0.0, kinetic) / (inner_kinetic(mass, v_end) + 1e-12)), 0.9, 1.1);
  for (std::size_t k = 0; k < v_end.size(); k++)
    v_end[k] = drift[k % 3] + factor * (v_end[k] - drift[k % 3]);
}

std::vector<Window> chains_of(const NveTrajectory &trajectory, int steps, int stride, int jumps,
                              int most)
{
  // Takes only as many starts in a segment as needed, evenly spread.
  long places = 0;
  for (const auto &segment : trajectory.segments)
    places += std::max(0, segment.frames - steps * jumps);
  const int every = int(std::max(1L, places / std::max(1, most)));
  std::vector<Window> list = windows_of(trajectory, steps * jumps, stride, every);
  for (Window &window : list) window.steps = steps;
  if (int(list.size()) > most) {
    std::vector<Window> some;
    some.reserve(most);
    for (int k = 0; k < most; k++)
      some.push_back(list[std::size_t(k) * list.size() / std::size_t(most)]);
    list = some;
  }
  return list;
}

RolloutErrors rollout_errors(JumpEngine &engine, const Potential &potential,
                             const std::vector<Window> &chains, int jumps, const ForceOf &force)
{
  constexpr double c = eV_in_amu_square_angstrom_per_square_ps;
  const auto &scale = potential.tensors.at("target_scale").values;
  RolloutErrors errors;
  errors.after.resize(std::size_t(jumps));
  std::vector<std::array<double, 7>> sums(std::size_t(jumps), {0, 0, 0, 0, 0, 0, 0});
  JumpBatch batch;
  std::vector<JumpChain::Place> after;
  GraphStorage graph;
  JumpResult result;
  for (const Window &chain : chains) {
    const NveTrajectory &trajectory = *chain.trajectory;
    batch.clear();
    after.clear();
    append_chain(chain, std::max(jumps, 2), potential.cutoff, batch, after);
    std::vector<double> x = batch.x, v = batch.velocity, f = batch.force;
    const std::span<const double> mass(trajectory.mass);
    const double kT = trajectory.temperature > 0 ? boltzmann * trajectory.temperature * c
                                                 : 2.0 * inner_kinetic(mass, v) / double(x.size());
    const double stride_ps = 1e-3 * jump_record(potential).strides[chain.stride];
    double total = inner_kinetic(mass, v);
    try {
      if (force) total += c * force(trajectory, x, f);
      for (int k = 0; k < jumps; k++) {
        graph.clear();
        append_pairs(trajectory.species, x, potential.cutoff, graph);
        engine.evaluate(graph.view(), {trajectory.mass, v, f, batch.stride}, result);
        std::vector<double> x_end = x, v_end = v;
        for (std::size_t i = 0; i < x.size(); i++) {
          x_end[i] += result.displacement[i];
          v_end[i] += result.velocity_change[i];
        }
        const JumpChain::Place &reference = after[k];
        double kinetic, energy_error = 0.0;
        if (force) {
          kinetic = total - c * force(trajectory, x_end, f);
          std::vector<double> turned = v_end;
          restore_angular_momentum(mass, x, v, x_end, turned);
          energy_error = (inner_kinetic(mass, turned) - kinetic) / kT;
        } else {
          kinetic = inner_kinetic(mass, reference.velocity);
          f = reference.force;
        }
        rescale_to_energy(mass, x, v, x_end, v_end, kinetic);
        x = x_end;
        v = v_end;
        auto &sum = sums[k];
        for (std::size_t i = 0; i < x.size(); i++) {
          const double m = mass[i / 3], dx = x[i] - reference.x[i],
                       dv = v[i] - reference.velocity[i];
          sum[0] += m * dx * dx / (scale[2 * chain.stride] * scale[2 * chain.stride]);
          sum[1] += m * dv * dv / (scale[2 * chain.stride + 1] * scale[2 * chain.stride + 1]);
          sum[2] += m * dx * dx / (kT * stride_ps * stride_ps);
          sum[3] += m * dv * dv / kT;
          sum[4] += 1.0;
        }
        sum[5] += energy_error * energy_error;
        sum[6] += 1.0;
      }
      errors.chains++;
    } catch (const std::runtime_error &) {
      errors.failed++;
    }
  }
  for (std::size_t k = 0; k < sums.size(); k++) {
    const auto &sum = sums[k];
    auto &one = errors.after[k];
    const double n = std::max(1.0, sum[4]);
    for (int q = 0; q < 2; q++) {
      one.scaled[q] = std::sqrt(sum[q] / n);
      one.thermal[q] = std::sqrt(sum[2 + q] / n);
    }
    one.energy = std::sqrt(sum[5] / std::max(1.0, sum[6]));
  }
  return errors;
}

void print(const RolloutErrors &errors, double stride, bool own_force)
{
  std::printf("\n%ld chains of jumps in a row, forces %s%s\n%8s %9s %9s %12s\n%8s %9s %9s %12s\n",
              errors.chains + errors.failed,
              own_force ? "at the places reached" : "of the trajectory",
              errors.failed ? (", " + std::to_string(errors.failed) + " broke off").c_str() : "",
              "time, fs", "x", "v", "energy, kT", "", "/thermal", "/thermal", "rms a jump");
  for (std::size_t k = 0; k < errors.after.size(); k++) {
    std::printf("%8g %9.4f %9.4f", double(k + 1) * stride, errors.after[k].thermal[0],
                errors.after[k].thermal[1]);
    if (own_force)
      std::printf(" %12.3f\n", errors.after[k].energy);
    else
      std::printf(" %12s\n", "-");
  }
}

nlohmann::ordered_json json_of(const RolloutErrors &errors)
{
  nlohmann::ordered_json json = {{"chains", errors.chains + errors.failed},
                                 {"broke_off", errors.failed},
                                 {"after", nlohmann::ordered_json::array()}};
  for (const auto &one : errors.after)
    json["after"].push_back({{"error_of_thermal", {{"x", one.thermal[0]}, {"v", one.thermal[1]}}},
                             {"energy_rms_kT", one.energy}});
  return json;
}

ForceOf teacher_forces(const TrajectoryTeacher &asked)
{
  if (!asked.settings || !has_teacher(asked.settings->kind)) return {};
  // a teacher for the elements, state and bonds that a trajectory starts with
  using Key = std::tuple<std::vector<int>, int, int, std::vector<std::pair<int, int>>>;
  auto teachers = std::make_shared<std::map<Key, std::unique_ptr<Teacher>>>();
  const bool bonds_count = make_teacher(*asked.settings)->depends_on_reference();
  return
      [asked, teachers, bonds_count](const NveTrajectory &trajectory,
                                     std::span<const double> positions, std::span<double> force) {
        const bool same = trajectory.teacher.settings &&
            trajectory.teacher.settings->name() == asked.settings->name();
        const TrajectoryTeacher &chosen = same ? trajectory.teacher : asked;
        Structure structure;
        structure.numbers = trajectory.numbers;
        structure.charge = chosen.charge;
        structure.multiplicity = chosen.unpaired_electrons + 1;
        const auto start = std::span(trajectory.segments.front().x).first(positions.size());
        structure.positions.assign(start.begin(), start.end());
        std::vector<std::pair<int, int>> bonds;
        if (bonds_count) {
          bonds = bonds_of(structure.numbers, structure.positions);
          std::sort(bonds.begin(), bonds.end());
        }
        auto &teacher =
            (*teachers)[{trajectory.numbers, chosen.charge, chosen.unpaired_electrons, bonds}];
        if (!teacher) {
          teacher = make_teacher(*chosen.settings);
          teacher->set_reference(structure);
        }
        structure.positions.assign(positions.begin(), positions.end());
        const Labels labels = teacher->label(structure);
        std::copy(labels.forces.begin(), labels.forces.end(), force.begin());
        return labels.energy;
      };
}

}    // namespace mlff
