// The linear fit of jumps, which networks correct, and the scales of inputs and targets.
#pragma once

#include "potential/potential.h"
#include "training/jump/jump_windows.h"

#include <vector>

namespace mlff {

/// Fills linear, input_scale and target_scale of a jump potential and the ranges of its species
/// from windows: least squares for every species and stride, root mean squares. Rows of species
/// without windows become those of velocity Verlet. Rows of linear that are named in
/// `keep`, and with `keep_scales` the scales, stay as they are.
void fit_linear(const WindowSource &source, const std::vector<NveTrajectory> &trajectories,
                Potential &potential, const std::vector<bool> &keep = {}, bool keep_scales = false);

}    // namespace mlff
