// Selects the frames of a student's trajectories that are worth a label.
#pragma once

#include <vector>

namespace mlff {

/// A frame as a point: the nearer two are, the more alike are the frames.
using FrameShape = std::vector<double>;

/// Frames whose points are nearer than this are the same frame.
inline constexpr double same_frame = 1e-6;

/// Indices of at most n frames that teach most, in that order: each has the largest product of the
/// students' spread (eV/Å) and the distance to the nearest of the frames that are known or chosen
/// before it. A frame that is the same as one of these is never chosen.
std::vector<int> most_useful(const std::vector<FrameShape> &frames,
                             const std::vector<double> &spread, long n,
                             const std::vector<FrameShape> &known = {});

}    // namespace mlff
