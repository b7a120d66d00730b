// Several jumps in a row on held-out trajectories, as a simulation makes them: jump, conservation,
// force at the new place.
#pragma once

#include "training/jump/jump_windows.h"

#include <nlohmann/json.hpp>

#include <functional>

namespace mlff {

/// Potential energy (eV) and force [n][3] (eV/Å) at positions [n][3] Å of the molecule of a
/// trajectory. Throws where the method fails.
using ForceOf = std::function<double(const NveTrajectory &trajectory,
                                     std::span<const double> positions, std::span<double> force)>;

/// Forces by a teacher, set up for each molecule; null where none is named or this build has not
/// the one that is. A trajectory whose own teacher is the same keeps its settings and state.
ForceOf teacher_forces(const TrajectoryTeacher &teacher);

/// Chains of `jumps` windows of `steps` steps, spread over the segments of a trajectory, at most
/// `most` of them.
std::vector<Window> chains_of(const NveTrajectory &trajectory, int steps, int stride, int jumps,
                              int most);

/// Errors after 1, 2, ... jumps, over all chains that got so far: root mean squares over components
/// scaled with √m.
struct RolloutErrors {
  struct After {
    double scaled[2] = {};     ///< divided by target_scale, as in the loss; x and v
    double thermal[2] = {};    ///< relative to thermal motion: √(kT) T and √(kT)
    /// Root mean square of the change of the total energy by this jump before conservation, kT; 0
    /// with forces of the data.
    double energy = 0.0;
  };
  std::vector<After> after;
  long chains = 0;
  /// chains with atoms at the same position, or a force that the method could not give
  long failed = 0;
};

/// Runs the chains with the engine of a potential. Conservation as in JumpChain; `force` null:
/// force and kinetic energy are those of the trajectory at its own place, an approximation that
/// flatters long chains.
RolloutErrors rollout_errors(JumpEngine &engine, const Potential &potential,
                             const std::vector<Window> &chains, int jumps, const ForceOf &force);

void print(const RolloutErrors &errors, double stride, bool own_force);
nlohmann::ordered_json json_of(const RolloutErrors &errors);

/// The kinetic energy, (g/mol) Å²/ps², of velocities [n][3] Å/ps relative to the centre of mass.
double inner_kinetic(std::span<const double> mass, std::span<const double> velocity);

/// Conservation after a jump: angular momentum, then a factor within 0.9 .. 1.1 on the velocities
/// relative to the centre of mass that gives them the kinetic energy wanted, (g/mol) Å²/ps².
void rescale_to_energy(std::span<const double> mass, std::span<const double> x_start,
                       std::span<const double> v_start, std::span<const double> x_end,
                       std::span<double> v_end, double kinetic);

}    // namespace mlff
