// Distances between two distributions.
#pragma once

#include <vector>

namespace mlff {

/// Jensen-Shannon distance of two histograms with the same bins, normalised here: square root of
/// the divergence with logarithms to base 2, so 0 (equal) to 1 (nothing in common). J. Lin, IEEE
/// Trans. Inf. Theory 37 (1991) 145.
double jensen_shannon(const std::vector<double> &a, const std::vector<double> &b);

/// Jensen-Shannon distance of samples in bins of equal width over their common range. There are
/// twice as many bins as the cube root of the number of samples (Rice's rule).
double jensen_shannon_of_samples(const std::vector<double> &a, const std::vector<double> &b);

/// Numbers of one distribution with their weights.
struct WeightedSamples {
  std::vector<double> x, weights;    ///< weights empty: all are 1
  double effective = 0.0;            ///< independent numbers that they are worth

  double weight(std::size_t k) const { return weights.empty() ? 1.0 : weights[k]; }
};

/// The same with weights; the number of bins follows from the numbers of samples.
double weighted_jensen_shannon(const WeightedSamples &a, const WeightedSamples &b);

struct KolmogorovSmirnov {
  double statistic;    ///< largest difference of the cumulative distributions
  double p;            ///< probability of a statistic at least as large, if both were the same
};

/// Test of two sets of independent samples. p: Kolmogorov's asymptotic distribution with the
/// correction of M. A. Stephens, J. R. Stat. Soc. B 32 (1970) 115.
KolmogorovSmirnov kolmogorov_smirnov(std::vector<double> a, std::vector<double> b);

/// The same with weights, which are the steps of the cumulative distributions; p is that of the
/// effective numbers.
KolmogorovSmirnov weighted_kolmogorov_smirnov(const WeightedSamples &a, const WeightedSamples &b);

}    // namespace mlff
