// Motion of molecules about single bonds: mean square displacement of torsions, and flips between
// their wells.
#pragma once

#include "analysis/quantity.h"
#include "analysis/statistics/correlation.h"
#include "analysis/topology.h"
#include "analysis/trajectory_frames.h"

#include <optional>

namespace mlff {

/// A torsion of `fold` wells has them a turn / fold apart, where its first 4096 angles put them: at
/// the phase of the mean of exp(i fold angle). A flip is counted when the angle comes within the
/// half width of the core of another well than the last one whose core it was in; between the cores
/// nothing is counted (hysteresis).
class TorsionMotion {
 public:
  /// core: half width of the core of a well, as share of half of the distance of two wells, 0 to 1.
  TorsionMotion(const Topology &topology, int lags, double core = 0.5);

  void add(const Frame &frame);
  void finish(double interval);

  /// Flips per ps of one torsion of a kind; mean square displacement (rad^2) after 0.5 ps.
  std::vector<Quantity> quantities() const;
  std::vector<Curve> curves() const;

 private:
  const Topology &topology;
  double core, interval = 0.0;
  Correlation displacement;
  std::vector<double> unwrapped;             // [torsions] in the last frame
  std::vector<std::vector<double>> first;    // [frame][torsion] until wells are known
  std::vector<double> phase;                 // [torsions] phase of the first well
  std::vector<int> well;                     // [torsion] -1: none yet
  std::vector<double> flips;                 // [kind]
  long n_frames = 0, cuts = 0;
  std::vector<long> cut_at;    // frames of `first` that do not follow

  void find_wells();
  void follow(const std::vector<double> &angles, bool follows);
};

/// Value at x of a curve, linear between its points; nan beyond them.
double value_at(const std::vector<double> &x, const std::vector<double> &y, double at);

}    // namespace mlff
