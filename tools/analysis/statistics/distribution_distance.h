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

struct KolmogorovSmirnov {
  double statistic;    ///< largest difference of the cumulative distributions
  double p;            ///< probability of a statistic at least as large, if both were the same
};

/// Test of two sets of independent samples. p: Kolmogorov's asymptotic distribution with the
/// correction of M. A. Stephens, J. R. Stat. Soc. B 32 (1970) 115.
KolmogorovSmirnov kolmogorov_smirnov(std::vector<double> a, std::vector<double> b);

}    // namespace mlff
