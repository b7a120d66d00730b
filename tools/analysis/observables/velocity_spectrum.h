// Velocity autocorrelation and the vibrational density of states, with its peaks.
#pragma once

#include "analysis/quantity.h"
#include "analysis/statistics/correlation.h"
#include "analysis/trajectory_frames.h"

namespace mlff {

/// The density of states is the cosine transform of the mass-weighted velocity autocorrelation,
/// with a Hann window up to the longest lag, normalised to integral 1 over wave numbers (1/cm).
/// Frequencies above half of the sampling rate are folded back.
class VelocitySpectrum {
 public:
  VelocitySpectrum(const std::vector<int> &numbers, int lags);

  void add(const Frame &frame);
  void finish(double interval);

  /// Normalised autocorrelations (1 at time 0) of each element and of all atoms; densities of
  /// states.
  std::vector<Curve> curves() const;

  struct Peak {
    double wavenumber;    ///< 1/cm
    double height;        ///< share of the highest
  };
  /// Maxima of the density of states of all atoms above 3 % of the highest, ascending, at most the
  /// 24 highest; places are those of parabolas through three points.
  std::vector<Peak> peaks() const;

  double nyquist() const { return largest; }    ///< 1/cm, half of the sampling rate
  /// 1/cm, width at half height of a line that does not decay
  double resolution() const { return resolved; }

  /// Sum of m v(0) v(lag) of an element (amu Å^2/ps^2), mean over all pairs of frames.
  std::vector<double> of_element(int z) const;

 private:
  std::vector<int> elements;
  Correlation correlation;
  double interval = 0.0, largest = 0.0, resolved = 0.0;

  Curve spectrum(const std::string &name, const std::vector<double> &autocorrelation) const;
  std::vector<double> of_all() const;
};

/// Frequency at which a signal appears that is sampled too rarely: folded into 0 .. nyquist.
double folded(double frequency, double nyquist);

}    // namespace mlff
