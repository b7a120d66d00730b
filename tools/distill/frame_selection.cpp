// Selects the frames of a student's trajectories that are worth a label.
#include "distill/frame_selection.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mlff {

namespace {

  double distance(const FrameShape &a, const FrameShape &b)
  {
    double square = 0.0;
    for (std::size_t k = 0; k < a.size(); k++) square += (a[k] - b[k]) * (a[k] - b[k]);
    return std::sqrt(square);
  }

}    // namespace

std::vector<int> most_useful(const std::vector<FrameShape> &frames,
                             const std::vector<double> &spread, long n,
                             const std::vector<FrameShape> &known)
{
  constexpr double nothing_near = std::numeric_limits<double>::infinity();
  std::vector<double> away(frames.size(), nothing_near);
  for (std::size_t k = 0; k < frames.size(); k++)
    for (const auto &other : known) away[k] = std::min(away[k], distance(frames[k], other));
  // the first frame of all is the one with the largest spread
  const auto worth = [&](std::size_t k) {
    return spread[k] * (away[k] < nothing_near ? away[k] : 1.0);
  };
  std::vector<int> chosen;
  for (long c = 0; c < n; c++) {
    int best = -1;
    for (std::size_t k = 0; k < frames.size(); k++)
      if (away[k] > same_frame && (best < 0 || worth(k) > worth(best))) best = int(k);
    if (best < 0) break;
    chosen.push_back(best);
    for (std::size_t k = 0; k < frames.size(); k++)
      away[k] = std::min(away[k], distance(frames[k], frames[best]));
  }
  return chosen;
}

}    // namespace mlff
