// Trajectories of a student, by LAMMPS.
#pragma once

#include "distill/distilled_system.h"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace mlff {

/// The conditions of a trajectory.
struct SamplingConditions {
  double temperature = 0.0;          ///< K
  std::optional<double> pressure;    ///< bar; none: constant volume

  std::string name() const;    ///< "300K" or "300K-1bar"
  std::string text() const;    ///< "300 K" or "300 K and 1 bar"
};

/// Conditions at which each system is sampled in a round.
std::vector<SamplingConditions> conditions_of(const DistillSettings &settings);

/// One trajectory. Its process works in a folder of its own.
struct StudentTrajectory {
  const DistilledSystem &system;
  SamplingConditions conditions;
  std::size_t number;                   ///< of the conditions, from 0
  std::vector<std::string> students;    ///< potentials, of which the first one drives
  long round;
  unsigned seed;    ///< of velocities and thermostat
};

/// Replaces this process by LAMMPS, which samples in the folder.
[[noreturn]] void sample(const DistillSettings &settings, const StudentTrajectory &trajectory,
                         const std::string &lammps, const std::filesystem::path &folder);

/// How the trajectory of a structure ended.
struct TrajectoryEnd {
  double ps = 0.0;         ///< length of all that was sampled, warm-up included
  bool stopped = false;    ///< the spread of the students ended it
};

/// Moves the frames that a process has written completely into a file. Those of the warm-up are
/// left out, except if a structure came no further. Returns how the trajectory of a structure
/// ended; nothing if LAMMPS stopped with an error, and for a molecule.
std::optional<TrajectoryEnd> keep_frames(const DistillSettings &settings,
                                         const DistilledSystem &system,
                                         const std::filesystem::path &folder,
                                         const std::string &to);

}    // namespace mlff
