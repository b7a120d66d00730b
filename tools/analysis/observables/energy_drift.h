// Drift and fluctuation of the total energy in stretches of successive frames.
#pragma once

#include "analysis/quantity.h"
#include "analysis/statistics/scalar_series.h"

namespace mlff {

/// A line is fitted to the total energy of each stretch (NVE window) by least squares; the slopes
/// of all are averaged with the weights of the fits. The error of the slope is that of the scatter
/// of the windows where there are ten or more, else of the residuals with the autocorrelation time
/// of the total energy.
class EnergyDrift {
 public:
  explicit EnergyDrift(int n_atoms) : n_atoms(n_atoms) {}

  /// potential, kinetic: eV; time: ps.
  void add(double time, double potential, double kinetic, bool follows);
  void finish();

  /// meV per atom and ps; % of the kinetic energy in a ps; root mean square of the energy around
  /// the lines in meV per atom, and in % of the kinetic energy.
  std::vector<Quantity> quantities() const;

  long windows() const { return long(slopes.size()); }

 private:
  struct Window {
    long n = 0;
    double t = 0.0, e = 0.0, tt = 0.0, te = 0.0, ee = 0.0;    // means and central sums
  };
  int n_atoms;
  Window now;
  std::vector<double> slopes, weights;
  double residual = 0.0;    // sum of squares
  long frames = 0;
  ScalarSeries total, kinetic;

  void close();
};

}    // namespace mlff
