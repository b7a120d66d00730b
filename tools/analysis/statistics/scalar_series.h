// One number a frame: mean, deviation, and how many of the frames are independent.
#pragma once

#include <vector>

namespace mlff {

/// Mean and deviation are those of all numbers; at most 32768 of them, evenly spaced, are kept for
/// the rest.
class ScalarSeries {
 public:
  void add(double x);

  long n() const { return count; }
  double mean() const { return average; }
  double deviation() const;

  /// Integrated autocorrelation time in frames, 0.5 for independent numbers: 1/2 + sum of the
  /// normalised autocorrelation up to the first window of five such times (A. Sokal, in: Functional
  /// Integration, NATO ASI B 361 (1997) 131). At least half of the spacing of the kept numbers.
  double correlation_time() const;

  /// Standard error of the mean: deviation * sqrt(2 correlation_time / n).
  double error() const;

  /// Independent numbers: n / (2 correlation_time).
  double effective() const;

  const std::vector<double> &kept() const { return values; }
  long stride() const { return spacing; }

  /// Kept numbers that are two correlation times apart.
  std::vector<double> independent() const;

 private:
  static constexpr std::size_t capacity = 32768;
  long count = 0, spacing = 1;
  double average = 0.0, squares = 0.0;
  std::vector<double> values;
};

}    // namespace mlff
