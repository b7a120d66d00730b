// Errors of a jump network on held-out windows, compared with four baseline jumps.
#pragma once

#include "training/jump/jump_rollout.h"

#include <nlohmann/json.hpp>

#include <functional>
#include <memory>

namespace mlff {

/// Potential energy (eV) at positions [n][3] Å of the molecule of a trajectory.
using EnergyOf =
    std::function<double(const NveTrajectory &trajectory, std::span<const double> positions)>;

/// One kind of jump on one set of windows. Root mean squares over components scaled with √m; x and
/// v.
struct JumpErrors {
  /// zero, ballistic, verlet, linear, network; or dynamics: the end of the window itself.
  std::string method;
  double change[2] = {};     ///< relative to the change over the window
  double thermal[2] = {};    ///< relative to thermal motion: √(kT) T and √(kT)
  double skill[2] = {};      ///< 1 - error / error of the linear fit
  /// Network: difference of a jump in a turned frame, relative to the change.
  double rotation[2] = {};
  /// Change of the total energy, eV: mean and standard deviation over `energies` windows.
  double energy_mean = 0.0, energy_deviation = 0.0;
  long energies = 0;
};

struct JumpReport {
  std::string name;    ///< file or molecule
  /// K: of the thermostat where it is known, else of the kinetic energy.
  double temperature = 0.0;
  double stride = 0.0;    ///< fs
  long windows = 0;
  std::vector<JumpErrors> rows;

  nlohmann::ordered_json json() const;
};

struct JumpReportOptions {
  int every = 20;         ///< steps from window to window
  long energies = 200;    ///< windows with energies at most, spread over all; 0: none
  EngineOptions engine = {.threads = 1};
  EnergyOf energy;                     ///< null: none
  bool energies_of_controls = true;    ///< else of the network and the dynamics only
};

/// One report for each trajectory and stride. The angular momentum is put right before energies
/// (restore_angular_momentum).
std::vector<JumpReport> jump_report(const Potential &potential,
                                    const std::vector<NveTrajectory> &trajectories,
                                    const JumpReportOptions &options);

/// Mean square of the scaled errors of u_x and u_v over windows, for the choice of weights, and
/// errors relative to the change.
struct JumpScore {
  double loss[2] = {}, change[2] = {}, skill[2] = {};
};
JumpScore jump_score(const Potential &potential, const std::vector<Window> &windows,
                     Precision precision, int threads);

void print(const std::vector<JumpReport> &reports);

/// Energies by a teacher (teacher_forces); null where none is named.
EnergyOf teacher_energies(const TrajectoryTeacher &teacher);

}    // namespace mlff
