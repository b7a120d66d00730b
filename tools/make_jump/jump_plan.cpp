// Finds the number of labels that fit the time that a user gives.
#include "make_jump/jump_plan.h"

#include <algorithm>
#include <cmath>

namespace mlff {

using Json = nlohmann::ordered_json;

Json JumpPlan::json() const
{
  return {{"gradient_seconds", gradient_seconds},
          {"warmup", warmup},
          {"between", between},
          {"window", window},
          {"windows", windows},
          {"held_window", held_window}};
}

JumpPlan JumpPlan::of(const Json &json)
{
  return {json["gradient_seconds"], json["warmup"],  json["between"],
          json["window"],           json["windows"], json["held_window"]};
}

JumpPlan JumpPlan::fitting(double seconds, double gradient_seconds, int at_a_time, int stride_steps)
{
  constexpr double smallest = 2000.0, largest_windows = 15;
  const double gradients = 0.5 * seconds / gradient_seconds;
  const double scale = std::min(1.0, gradients / smallest / 2);
  const auto scaled = [&](int full, int least) {
    return std::max(least, int(std::lround(scale * full)));
  };
  JumpPlan plan;
  plan.gradient_seconds = gradient_seconds;
  plan.warmup = scaled(500, 50);
  plan.between = scaled(60, 10);
  plan.window = scaled(400, stride_steps + 20);
  plan.held_window = scaled(300, stride_steps + 20);
  // trajectories run side by side; energies of tests cost as much as gradients
  const double rest = gradients - 2.0 * double(plan.held_gradients()) - 4.0 * tested_windows;
  const double each = rest * std::min(at_a_time, 3) / 3.0 - plan.warmup;
  plan.windows = int(std::clamp(each / (plan.between + plan.window), 2.0, largest_windows));
  return plan;
}

}    // namespace mlff
