// Finds the number of labels that fit the time that a user gives.
#pragma once

#include <nlohmann/json.hpp>

namespace mlff {

/// Windows with energies in a test of a network.
inline constexpr int tested_windows = 100;

/// Lengths of the trajectories of labels, in time steps.
struct JumpPlan {
  double gradient_seconds = 0.0;
  /// number in each of three training trajectories
  int warmup = 0, between = 0, window = 0, windows = 0;
  int held_window = 0;    ///< two windows of each of two trajectories held out

  nlohmann::ordered_json json() const;
  static JumpPlan of(const nlohmann::ordered_json &json);

  /// Gradients of a trajectory held out, and of a training trajectory.
  long held_gradients() const { return warmup + 2L * (between + held_window); }
  long training_gradients() const { return warmup + long(windows) * (between + window); }

  /// The largest plan whose labels take at most half of `seconds`; at full size a trajectory held
  /// out has 1120 gradients and a training trajectory 7400. `at_a_time`: trajectories.
  static JumpPlan fitting(double seconds, double gradient_seconds, int at_a_time, int stride_steps);
};

}    // namespace mlff
