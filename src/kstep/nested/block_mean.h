// Mean of a correlated series with its standard error, and its statistical inefficiency.
#pragma once

#include <span>
#include <vector>

namespace mlff {

/// Mean of numbers that come one by one, with a standard error from 32 to 63 blocks of equal
/// length, which doubles as the series grows (H. Flyvbjerg, H. G. Petersen, J. Chem. Phys. 91, 461
/// (1989)).
class BlockMean {
 public:
  void add(double value);

  double count() const { return double(blocks.size()) * length + inside; }
  double mean() const;     ///< 0 of nothing
  double error() const;    ///< infinite with less than eight blocks

  /// Appends the state to a list; reads it back, and moves `at` behind it.
  void append_to(std::vector<double> &list) const;
  void read_from(std::span<const double> list, std::size_t &at);

 private:
  static constexpr std::size_t most = 64;
  std::vector<double> blocks;    // sums
  double length = 1.0, inside = 0.0, sum = 0.0;
};

/// How many successive numbers of a stationary series are worth one independent number, 1 or more:
/// 1 + 2 sum of the autocorrelation function over its initial positive sequence (C. J. Geyer, Stat.
/// Sci. 7, 473 (1992)).
double statistical_inefficiency(std::span<const double> series);

}    // namespace mlff
