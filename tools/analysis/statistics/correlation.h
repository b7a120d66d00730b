// Time correlation of signals of any length in memory of a fixed size.
#pragma once

#include "analysis/statistics/fourier.h"

#include <vector>

namespace mlff {

/// Correlates a signal x of several components with itself, exactly over all pairs of frames up to
/// a longest lag, in blocks by FFT (the Wiener-Khinchin theorem with zero padding). Components
/// belong to groups, of which sums are kept.
class Correlation {
 public:
  enum class Kind {
    product,               ///< <x(t) x(t + lag)>, as of velocities
    square_displacement    ///< <(x(t + lag) - x(t))^2>, as of positions
  };

  /// group: [n_components] 0 .. n_groups-1; lags: 0 .. lags-1 frames.
  Correlation(Kind kind, std::vector<int> group, int n_groups, int lags);

  /// Next frame: x [n_components].
  void add(const double *x);

  /// The next frame does not follow the one before.
  void cut();

  /// Call once after the last frame.
  void finish();

  int lags() const { return n_lags; }

  /// Pairs of frames of a lag; beyond the last lag that has any there are none.
  double pairs(int lag) const { return count[lag]; }

  /// [lags with pairs] sum over the components of a group of the mean over all pairs. After
  /// finish().
  std::vector<double> of_group(int group) const;

  /// Bytes that a signal needs.
  static std::size_t bytes(int n_components, int lags)
  {
    return 16 * std::size_t(n_components) * std::size_t(lags);
  }

 private:
  Kind kind;
  std::vector<int> group;
  int n_groups, n_lags, width, filled = 0;
  Fourier first, second;                                      // transforms of length 2 lags
  std::vector<double> buffer;                                 // [component][2 lags]
  std::vector<std::vector<std::complex<double>>> spectrum;    // [group]
  std::vector<std::vector<double>> squares, result;           // [group][lag]
  std::vector<double> count;

  void correlate(int origins);
  void keep_from(int begin);
};

}    // namespace mlff
