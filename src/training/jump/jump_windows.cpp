// Reads, checks and cuts trajectories of NVE dynamics; draws windows and lays them side by side.
#include "training/jump/jump_windows.h"

#include "core/elements.h"
#include "core/units.h"
#include "data/trajectory.h"
#include "models/jump/jump_record.h"
#include "structure/rotation.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>

namespace mlff {

namespace {

  namespace fs = std::filesystem;

  [[noreturn]] void fail(const std::string &file, long frame, const std::string &what)
  {
    throw FileError("data file '" + file + "', frame " + std::to_string(frame) + ": " + what);
  }

  void centre(const std::vector<double> &mass, double *x)
  {
    double total = 0.0, sum[3] = {0, 0, 0};
    for (std::size_t i = 0; i < mass.size(); i++) {
      total += mass[i];
      for (int a = 0; a < 3; a++) sum[a] += mass[i] * x[3 * i + a];
    }
    for (std::size_t k = 0; k < 3 * mass.size(); k++) x[k] -= sum[k % 3] / total;
  }

  /// The teacher whose first setting is among those of a manifest.
  std::optional<TeacherSettings> teacher_of(const nlohmann::json &settings)
  {
    for (const auto *kind : teacher_kinds()) {
      if (!settings.contains(kind->settings.front().key)) continue;
      TeacherSettings teacher{kind->name};
      for (const auto &setting : kind->settings)
        if (settings.contains(setting.key)) teacher.values[setting.key] = settings[setting.key];
      return teacher;
    }
    return std::nullopt;
  }

  /// Temperature and teacher of a trajectory, from the manifest that mlff label writes beside it.
  void read_manifest(NveTrajectory &trajectory, double timestep)
  {
    const fs::path file = trajectory.file, path = file.parent_path() / "manifest.json";
    std::ifstream in(path);
    if (!in) return;
    const auto manifest = nlohmann::json::parse(in, nullptr, false);
    if (!manifest.is_object() || !manifest.contains("settings") ||
        !manifest.contains("trajectories"))
      return;
    const auto &settings = manifest["settings"], &entries = manifest["trajectories"];
    const auto entry = entries.find(file.stem().string());
    if (entry == entries.end()) return;
    if (settings.value("sampling", "nve") != "nve")
      throw FileError("data file '" + trajectory.file + "' was sampled with '" +
                      settings.value("sampling", "") +
                      "'; jump networks learn from --sampling nve");
    if (const double found = settings.value("timestep", timestep); found != timestep)
      throw FileError("data file '" + trajectory.file + "' has a time step of " +
                      std::to_string(found) + " fs, but 'data.timestep' is " +
                      std::to_string(timestep));
    trajectory.temperature = entry->value("temperature", 0.0);
    trajectory.teacher = {teacher_of(settings), entry->value("charge", 0), entry->value("uhf", 0)};
  }

  /// [n][n] Å, over every tenth frame: hot frames stretch bonds, and their mean does not.
  std::vector<std::vector<double>> mean_distances(const NveTrajectory &trajectory)
  {
    const std::size_t n = trajectory.numbers.size();
    std::vector<std::vector<double>> mean(n, std::vector<double>(n, 0.0));
    double frames = 0.0;
    for (const auto &segment : trajectory.segments)
      for (int frame = 0; frame < segment.frames; frame += 10, frames++) {
        const double *x = &segment.x[std::size_t(frame) * 3 * n];
        for (std::size_t i = 0; i < n; i++)
          for (std::size_t j = 0; j < i; j++)
            mean[i][j] += std::hypot(x[3 * i] - x[3 * j], x[3 * i + 1] - x[3 * j + 1],
                                     x[3 * i + 2] - x[3 * j + 2]);
      }
    for (std::size_t i = 0; i < n; i++)
      for (std::size_t j = 0; j < i; j++) mean[j][i] = mean[i][j] /= frames;
    return mean;
  }

}    // namespace

NveTrajectory read_nve(const std::string &file, double timestep)
{
  NveTrajectory trajectory;
  trajectory.file = file;
  read_manifest(trajectory, timestep);
  // LAMMPS ran in metal units
  const auto reader = open_trajectory(file, {.units = "metal"});
  const double dt = 1e-3 * timestep;
  Structure frame, before;
  for (long number = 1; reader->next(frame); number++) {
    const std::size_t n3 = 3 * std::size_t(frame.n_atoms());
    if (frame.velocities.size() != n3)
      fail(file, number, "no velocities; accepted: trajectories of mlff label --sampling nve");
    if (frame.forces.size() != n3)
      fail(file, number, "no forces; accepted: trajectories of mlff label --sampling nve");
    if (frame.step < 0) fail(file, number, "no Timestep, so that windows cannot be told apart");
    if (frame.periodic[0] || frame.periodic[1] || frame.periodic[2])
      fail(file, number, "is periodic; accepted: isolated molecules");
    if (number == 1) {
      trajectory.numbers = frame.numbers;
      trajectory.mass = frame.masses;
      if (frame.masses.empty())
        for (const int z : frame.numbers) trajectory.mass.push_back(atomic_mass(z));
    } else if (frame.numbers != trajectory.numbers)
      fail(file, number, "holds other atoms than the first frame");
    for (std::size_t i = 0; i < frame.masses.size(); i++)
      if (std::abs(frame.masses[i] - trajectory.mass[i]) > 1e-6 * trajectory.mass[i])
        fail(file, number,
             "atom " + std::to_string(i + 1) + " has another mass than in the first frame");
    for (const auto *list : {&frame.positions, &frame.velocities, &frame.forces})
      for (std::size_t k = 0; k < n3; k++)
        if (!std::isfinite((*list)[k]))
          fail(file, number, "a number of atom " + std::to_string(k / 3 + 1) + " is not finite");

    const bool follows = number > 1 && frame.step == before.step + 1;
    for (std::size_t k = 0; k < n3 && follows; k++) {
      const double a = eV_in_amu_square_angstrom_per_square_ps / trajectory.mass[k / 3];
      const double x =
          before.positions[k] + dt * before.velocities[k] + 0.5 * dt * dt * a * before.forces[k];
      const double v = before.velocities[k] + 0.5 * dt * a * (before.forces[k] + frame.forces[k]);
      if (std::abs(frame.positions[k] - x) > 2e-5 || std::abs(frame.velocities[k] - v) > 1e-2)
        fail(file, number,
             "atom " + std::to_string(k / 3 + 1) + " is off a velocity-Verlet step of " +
                 std::to_string(timestep) + " fs by " +
                 std::to_string(std::abs(frame.positions[k] - x)) + " Å and " +
                 std::to_string(std::abs(frame.velocities[k] - v)) +
                 " Å/ps; accepted: NVE windows with every step (no thermostat, no constraint, "
                 "masses in the file where they are not the standard ones, "
                 "'data.timestep' as it was)");
    }
    if (!follows) trajectory.segments.emplace_back();
    NveSegment &segment = trajectory.segments.back();
    segment.frames++;
    before = frame;
    centre(trajectory.mass, frame.positions.data());
    centre(trajectory.mass, frame.velocities.data());
    segment.x.insert(segment.x.end(), frame.positions.begin(), frame.positions.end());
    segment.v.insert(segment.v.end(), frame.velocities.begin(), frame.velocities.end());
    segment.f.insert(segment.f.end(), frame.forces.begin(), frame.forces.end());
    if (frame.energy) segment.energy.push_back(*frame.energy);
  }
  if (trajectory.segments.empty()) throw FileError("data file '" + file + "' holds no frame");
  for (auto &segment : trajectory.segments)
    if (int(segment.energy.size()) != segment.frames) segment.energy.clear();
  trajectory.bonds = bonds_of(trajectory.numbers, mean_distances(trajectory));
  return trajectory;
}

std::vector<int> jump_species(const Potential &potential, const std::vector<int> &numbers,
                              const std::vector<std::pair<int, int>> &bonds)
{
  const bool classes = std::any_of(jump_record(potential).species.begin(),
                                   jump_record(potential).species.end(), [](const auto &s) {
                                     return !s.environment.empty();
                                   });
  const auto environments = classes ? bond_environments(numbers, bonds)
                                    : std::vector<std::string>(numbers.size());
  std::vector<int> species(numbers.size(), -1);
  for (std::size_t i = 0; i < numbers.size(); i++) {
    for (int s = 0; s < potential.n_species(); s++)
      if (potential.elements[s] == numbers[i] &&
          jump_record(potential).species[s].environment == environments[i])
        species[i] = s;
    if (species[i] < 0)
      throw FileError("atom " + std::to_string(i + 1) + " is " + element_symbol(numbers[i]) +
                      (classes ? " bonded as " + environments[i] : "") +
                      ", but the model knows only " + potential.element_names());
  }
  return species;
}

void JumpBatch::clear()
{
  graph.clear();
  for (auto *list : {&x, &mass, &velocity, &force, &force_after, &reference.displacement,
                     &reference.velocity_change})
    list->clear();
  stride.clear();
}

void append_window(const Window &window, double cutoff, JumpBatch &batch, const WindowNoise &noise,
                   std::mt19937 *generator)
{
  std::vector<JumpChain::Place> after;
  append_chain(window, 1, cutoff, batch, after, noise, generator);
}

void append_chain(const Window &window, int jumps, double cutoff, JumpBatch &batch,
                  std::vector<JumpChain::Place> &after, const WindowNoise &noise,
                  std::mt19937 *generator)
{
  const NveTrajectory &trajectory = *window.trajectory;
  const NveSegment &segment = trajectory.segments[window.segment];
  const int n = trajectory.n_atoms(), step = window.reversed ? -window.steps : window.steps;
  const std::size_t n3 = 3 * std::size_t(n), first = batch.x.size();
  const std::size_t begin = std::size_t(window.reversed ? window.start + jumps * window.steps
                                                        : window.start),
                    end = begin + std::size_t(long(step));
  const double *x0 = &segment.x[begin * n3], *x1 = &segment.x[end * n3],
               *v0 = &segment.v[begin * n3], *v1 = &segment.v[end * n3],
               *f0 = &segment.f[begin * n3];
  const double direction = window.reversed ? -1.0 : 1.0;
  batch.mass.insert(batch.mass.end(), trajectory.mass.begin(), trajectory.mass.end());
  batch.x.insert(batch.x.end(), x0, x0 + n3);
  batch.force.insert(batch.force.end(), f0, f0 + n3);
  batch.force_after.insert(batch.force_after.end(), &segment.f[end * n3],
                           &segment.f[end * n3] + n3);
  for (std::size_t k = 0; k < n3; k++) {
    batch.velocity.push_back(direction * v0[k]);
    batch.reference.displacement.push_back(x1[k] - x0[k]);
    batch.reference.velocity_change.push_back(direction * (v1[k] - v0[k]));
  }
  // one jump alone needs no places
  after.resize(jumps > 1 ? std::size_t(jumps) : 0);
  for (std::size_t k = 0; k < after.size(); k++) {
    const std::size_t frame = std::size_t(long(begin) + long(k + 1) * step) * n3;
    after[k].x.insert(after[k].x.end(), &segment.x[frame], &segment.x[frame] + n3);
    after[k].force.insert(after[k].force.end(), &segment.f[frame], &segment.f[frame] + n3);
    for (std::size_t c = 0; c < n3; c++)
      after[k].velocity.push_back(direction * segment.v[frame + c]);
  }
  if (noise.rotate) {
    const auto R = random_rotation(*generator);
    std::vector<std::vector<double> *> lists = {&batch.x,
                                                &batch.force,
                                                &batch.force_after,
                                                &batch.velocity,
                                                &batch.reference.displacement,
                                                &batch.reference.velocity_change};
    for (auto &place : after) lists.insert(lists.end(), {&place.x, &place.velocity, &place.force});
    for (auto *list : lists)
      for (int i = 0; i < n; i++) {
        double *p = list->data() + first + 3 * i;
        const double y[3] = {p[0], p[1], p[2]};
        for (int a = 0; a < 3; a++)
          p[a] = R[3 * a] * y[0] + R[3 * a + 1] * y[1] + R[3 * a + 2] * y[2];
      }
  }
  if (noise.position > 0.0 || noise.velocity > 0.0) {
    std::normal_distribution<double> normal;
    for (std::size_t k = 0; k < n3; k++) {
      const double width = std::sqrt(1.008 / trajectory.mass[k / 3]);
      batch.x[first + k] += noise.position * width * normal(*generator);
      batch.velocity[first + k] += noise.velocity * width * normal(*generator);
    }
  }
  append_pairs(trajectory.species, {batch.x.data() + first, n3}, cutoff, batch.graph);
  batch.stride.push_back(window.stride);
}

WindowSource::WindowSource(const std::vector<NveTrajectory> &given, const std::vector<int> &steps,
                           bool reversed) :
    steps(steps),
    reversed(reversed)
{
  std::vector<std::vector<int>> seen;
  for (const auto &trajectory : given) {
    trajectories.push_back(&trajectory);
    const auto found = std::find(seen.begin(), seen.end(), trajectory.numbers);
    const std::size_t m = std::size_t(found - seen.begin());
    if (found == seen.end()) {
      seen.push_back(trajectory.numbers);
      std::map<int, int> count;
      for (const int z : trajectory.numbers) count[z]++;
      std::string name;
      for (const auto &[z, times] : count)
        name += element_symbol(z) + (times > 1 ? std::to_string(times) : "");
      molecules.push_back({name, std::vector<std::vector<Piece>>(steps.size()),
                           std::vector<long>(steps.size(), 0)});
    }
    for (std::size_t k = 0; k < steps.size(); k++)
      for (std::size_t s = 0; s < trajectory.segments.size(); s++) {
        const long windows = trajectory.segments[s].frames - steps[k];
        if (windows < 1) continue;
        molecules[m].pieces[k].push_back({&trajectory, int(s), molecules[m].windows[k]});
        molecules[m].windows[k] += windows;
      }
  }
  for (const auto &molecule : molecules)
    for (std::size_t k = 0; k < steps.size(); k++)
      if (molecule.windows[k] == 0)
        throw FileError("the trajectories of " + molecule.name + " hold no window of " +
                        std::to_string(steps[k]) + " steps; their NVE windows are shorter");
}

long WindowSource::size(int stride) const
{
  long n = 0;
  for (const auto &molecule : molecules) n += molecule.windows[stride];
  return reversed ? 2 * n : n;
}

Window WindowSource::draw(int m, int stride, std::mt19937 &generator) const
{
  const Molecule &molecule = molecules[m];
  const long number = long(((std::uint64_t(generator()) << 32) | generator()) %
                           std::uint64_t(molecule.windows[stride]));
  const auto &pieces = molecule.pieces[stride];
  const auto after =
      std::upper_bound(pieces.begin(), pieces.end(), number, [](long value, const Piece &piece) {
        return value < piece.first;
      });
  const Piece &piece = *(after - 1);
  return {piece.trajectory, piece.segment, int(number - piece.first),
          steps[stride],    stride,        reversed && generator() % 2 == 1};
}

std::vector<Window> windows_of(const NveTrajectory &trajectory, int steps, int stride, int every)
{
  std::vector<Window> list;
  for (std::size_t s = 0; s < trajectory.segments.size(); s++)
    for (int start = 0; start + steps < trajectory.segments[s].frames; start += every)
      list.push_back({&trajectory, int(s), start, steps, stride, false});
  return list;
}

std::vector<Window> WindowSource::all(int stride, int every) const
{
  std::vector<Window> list;
  for (const auto *trajectory : trajectories)
    for (const Window &window : windows_of(*trajectory, steps[stride], stride, every))
      list.push_back(window);
  return list;
}

}    // namespace mlff
