// The mean of correlated numbers, which may carry weights: its standard error, and how many
// independent numbers it is worth.
#pragma once

#include <cmath>
#include <string>
#include <vector>

namespace mlff {

/// What a series says about its mean. All but n, mean and deviation are nan where `undefined` tells
/// why they are not known.
struct CorrelatedMean {
  long n = 0;
  double mean = std::nan(""), deviation = std::nan("");
  double error = std::nan("");           ///< standard error of the mean
  double batch_error = std::nan("");     ///< the same by 20 batches; nan below 40 numbers
  double inefficiency = std::nan("");    ///< g = n / effective
  double effective = std::nan("");       ///< independent numbers with a mean of the same error
  std::string undefined;                 ///< reason, or empty
};

/// Numbers in the order in which they were drawn. With the autocovariances gamma_t of the series,
/// the variance of the sum of n numbers is n (gamma_0 + 2 sum_t gamma_t), so that the statistical
/// inefficiency is g = 1 + 2 sum_t gamma_t / gamma_0, n / g numbers are independent, and the
/// standard error of the mean is sqrt(gamma_0 g / n) (J. D. Chodera et al., J. Chem. Theory Comput.
/// 3, 26 (2007)). The sum ends with the initial positive sequence: gamma_2m + gamma_2m+1 is added
/// from m = 0 on as long as it is positive, which it is for all m in a reversible Markov chain (C.
/// J. Geyer, Stat. Sci. 7, 473 (1992)). g may be below 1 where successive numbers are on opposite
/// sides of the mean, but not below 1 / log10(n) (as in Stan's reference manual).
///
/// With weights w the mean is the ratio mu = sum w x / sum w. Its variance is, to first order, that
/// of the sum of the centred series w (x - mu), over (sum w)^2 (W. G. Cochran, Sampling Techniques,
/// 3rd ed., Wiley 1977, chapter 6); the sum's is found as above. The deviation is that of the
/// weighted distribution, and effective = (deviation / error)^2. Up to 16 successive numbers whose
/// weights add up to 1, as those of a Metropolis move do, are taken together: their sums, and not
/// they, form a reversible chain. Where weights do not add up so, each number stands for itself.
///
/// The cross-check are batch means: the variance among the sums of 20 successive parts of the
/// series (B. Schmeiser, Oper. Res. 30, 556 (1982)); its error has itself an error of 16 %.
///
/// Of long series, sums over blocks of successive numbers are kept, which have the same variance of
/// the whole sum.
class CorrelatedSeries {
 public:
  /// capacity: largest number of blocks kept, even.
  explicit CorrelatedSeries(std::size_t capacity = 32768) : capacity(capacity) {}

  /// weight: 0 or above.
  void add(double x, double weight = 1.0);

  long n() const { return count; }
  double weight() const { return total; }    ///< sum of weights
  CorrelatedMean result() const;

 private:
  std::size_t capacity;
  // units are numbers, or moves of several; units in the block begun, and in a full one
  long count = 0, units = 0, filled = 0, size = 1;
  double move = 0.0;    // sum of weights of the move begun
  int in_move = 0;
  bool moves = true;
  double origin = 0.0, total = 0.0, average = 0.0, squares = 0.0;
  double sum = 0.0, sum_of_weights = 0.0;    // of the block begun
  bool weighted = false;
  // of full blocks: sums of w (x - origin), and of w where it is not 1 throughout
  std::vector<double> sums, weights;

  bool ends_unit(double weight);
  void close_block();
  std::vector<double> centred() const;
};

}    // namespace mlff
