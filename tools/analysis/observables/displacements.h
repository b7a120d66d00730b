// Mean square displacement of atoms.
#pragma once

#include "analysis/quantity.h"
#include "analysis/statistics/correlation.h"
#include "analysis/trajectory_frames.h"

namespace mlff {

/// Means over the atoms of each element and all pairs of frames. Positions have no jumps at the
/// borders of the box; no drift is subtracted.
class Displacements {
 public:
  Displacements(const std::vector<int> &numbers, int lags);

  void add(const Frame &frame);
  void finish(double interval);

  std::vector<Quantity> quantities() const;    ///< Å^2 after 0.5 ps
  std::vector<Curve> curves() const;

 private:
  std::vector<int> elements;
  std::vector<double> count;
  Correlation correlation;
  double interval = 0.0;
};

}    // namespace mlff
