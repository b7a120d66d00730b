// Trajectories of a student, by LAMMPS.
#include "distill/student_sampling.h"

#include "core/errors.h"
#include "data/output_file.h"
#include "data/trajectory.h"
#include "recipes.h"
#include "workflow/lammps_run.h"
#include "workflow/run_folder.h"

#include <algorithm>
#include <cstdlib>

namespace mlff {

namespace fs = std::filesystem;

namespace {

  /// Steps between looks at the spread of the students.
  constexpr long check_every = 10;

  constexpr const char *frames_file = "frames.xyz", *end_file = "end";

  [[noreturn]] void sample_molecule(const DistillSettings &settings,
                                    const StudentTrajectory &trajectory, const std::string &lammps,
                                    const fs::path &folder)
  {
    // a conformer of its own for each round
    const std::size_t t = trajectory.number;
    const std::string &smiles = trajectory.system.molecule->smiles;
    Molecule start = make_molecule(smiles, int(t + 1), int(settings.seed + 101 * trajectory.round));
    start.conformers = {start.conformers[t]};
    {
      OutputFile data((folder / "start.data").string(), true);
      write_data(data, start, 1, 8.0, true, 1);
      data.finish();
    }
    replace_by_lammps(lammps, folder, recipe_sample,
                      {{"data", "start.data"},
                       {"elements", elements_of_types(*trajectory.system.molecule)},
                       {"potential", fs::absolute(trajectory.students.front()).string()},
                       {"temperature", number(trajectory.conditions.temperature)},
                       {"seed", number(double(trajectory.seed))},
                       {"dt", number(settings.timestep)},
                       {"warmup", number(double(settings.warmup))},
                       {"frames", number(double(settings.frames))},
                       {"every", number(double(settings.every))},
                       {"output", frames_file}});
  }

  long steps_of(const DistillSettings &settings)
  {
    return settings.warmup + settings.frames * settings.every;
  }

  [[noreturn]] void sample_structure(const DistillSettings &settings,
                                     const StudentTrajectory &trajectory, const std::string &lammps,
                                     const fs::path &folder)
  {
    const LammpsStart start =
        write_start((folder / "start.data").string(), trajectory.system.start);
    // links have names without blanks
    std::string students;
    for (const auto &path : trajectory.students) {
      const std::string name = fs::path(path).filename().string();
      fs::create_symlink(fs::absolute(path), folder / name);
      students += (students.empty() ? "" : " ") + name;
    }
    const auto &[temperature, pressure] = trajectory.conditions;
    replace_by_lammps(lammps, folder, recipe_explore,
                      {{"data", "start.data"},
                       {"elements", start.elements},
                       {"students", students},
                       {"edges", start.edges},
                       {"neighbors", trajectory.system.is_periodic() ? "bin" : "nsq"},
                       {"temperature", number(temperature)},
                       {"ensemble", pressure ? "npt" : "nvt"},
                       {"pressure", number(pressure.value_or(0.0))},
                       {"coupling", settings.coupling},
                       {"spread", number(settings.stop_spread)},
                       {"check", number(double(check_every))},
                       {"seed", number(double(trajectory.seed))},
                       {"dt", number(settings.timestep)},
                       {"steps", number(double(steps_of(settings)))},
                       {"every", number(double(settings.every))},
                       {"output", frames_file},
                       {"end", end_file}});
  }

}    // namespace

std::string SamplingConditions::name() const
{
  return number(temperature) + "K" + (pressure ? "-" + number(*pressure) + "bar" : "");
}

std::string SamplingConditions::text() const
{
  return number(temperature) + " K" + (pressure ? " and " + number(*pressure) + " bar" : "");
}

std::vector<SamplingConditions> conditions_of(const DistillSettings &settings)
{
  std::vector<SamplingConditions> list;
  for (const double temperature : settings.temperatures) {
    if (!settings.npt) list.push_back({temperature, std::nullopt});
    for (const double pressure : settings.npt ? settings.pressures : std::vector<double>())
      list.push_back({temperature, pressure});
  }
  return list;
}

void sample(const DistillSettings &settings, const StudentTrajectory &trajectory,
            const std::string &lammps, const fs::path &folder)
{
  if (trajectory.system.molecule) sample_molecule(settings, trajectory, lammps, folder);
  sample_structure(settings, trajectory, lammps, folder);
}

std::optional<TrajectoryEnd> keep_frames(const DistillSettings &settings,
                                         const DistilledSystem &system, const fs::path &folder,
                                         const std::string &to)
{
  std::vector<Structure> frames;
  if (fs::exists(folder / frames_file)) {
    const auto reader = open_trajectory((folder / frames_file).string());
    Structure frame;
    try {
      while (reader->next(frame)) {
        frame.energy.reset();
        frame.forces.clear();
        frame.stress.reset();
        frames.push_back(frame);
      }
    } catch (const FileError &) {
      // the run ended within this frame
    }
  }
  std::optional<TrajectoryEnd> end;
  if (!system.molecule) {
    // the first frame is the start itself, the same in every round
    const bool warm = !frames.empty() && frames.back().step > settings.warmup;
    const long skipped = warm ? settings.warmup : 0;
    std::erase_if(frames, [&](const Structure &frame) {
      return frame.step <= skipped;
    });
    if (const std::string text = text_of(folder / end_file); !text.empty()) {
      const long step = std::atol(text.c_str());
      end = {double(step) * settings.timestep / 1000.0, step < steps_of(settings)};
    }
  }
  OutputFile file(to, true);
  for (const auto &frame : frames) write_xyz(file, frame);
  file.finish();
  return end;
}

}    // namespace mlff
