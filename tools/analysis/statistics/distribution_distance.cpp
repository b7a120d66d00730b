// Distances between two histograms or samples.
#include "analysis/statistics/distribution_distance.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace mlff {

double jensen_shannon(const std::vector<double> &a, const std::vector<double> &b)
{
  const double sum_a = std::accumulate(a.begin(), a.end(), 0.0),
               sum_b = std::accumulate(b.begin(), b.end(), 0.0);
  if (sum_a <= 0.0 || sum_b <= 0.0) return std::nan("");
  double divergence = 0.0;
  for (std::size_t k = 0; k < std::max(a.size(), b.size()); k++) {
    const double p = k < a.size() ? a[k] / sum_a : 0.0, q = k < b.size() ? b[k] / sum_b : 0.0,
                 m = 0.5 * (p + q);
    if (p > 0.0) divergence += 0.5 * p * std::log2(p / m);
    if (q > 0.0) divergence += 0.5 * q * std::log2(q / m);
  }
  return std::sqrt(std::max(0.0, divergence));
}

double jensen_shannon_of_samples(const std::vector<double> &a, const std::vector<double> &b)
{
  if (a.empty() || b.empty()) return std::nan("");
  const auto [low_a, high_a] = std::minmax_element(a.begin(), a.end());
  const auto [low_b, high_b] = std::minmax_element(b.begin(), b.end());
  const double low = std::min(*low_a, *low_b), high = std::max(*high_a, *high_b);
  const int bins = std::max(2, int(2.0 * std::cbrt(double(std::min(a.size(), b.size())))));
  const auto histogram = [&](const std::vector<double> &samples) {
    std::vector<double> counts(bins, 0.0);
    for (const double x : samples)
      counts[high > low ? std::clamp(int((x - low) / (high - low) * bins), 0, bins - 1) : 0]++;
    return counts;
  };
  return jensen_shannon(histogram(a), histogram(b));
}

KolmogorovSmirnov kolmogorov_smirnov(std::vector<double> a, std::vector<double> b)
{
  if (a.empty() || b.empty()) return {std::nan(""), std::nan("")};
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  const double na = double(a.size()), nb = double(b.size());
  double statistic = 0.0;
  for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
    const double x = std::min(a[i], b[j]);
    while (i < a.size() && a[i] <= x) i++;
    while (j < b.size() && b[j] <= x) j++;
    statistic = std::max(statistic, std::abs(double(i) / na - double(j) / nb));
  }
  const double root = std::sqrt(na * nb / (na + nb)),
               lambda = (root + 0.12 + 0.11 / root) * statistic;
  if (lambda < 0.2)
    return {statistic,
            1.0};    // differs from 1 by less than 1e-11, and the series converges slowly
  double p = 0.0;
  for (int j = 1; j <= 100; j++)
    p += (j % 2 ? 2.0 : -2.0) * std::exp(-2.0 * j * j * lambda * lambda);
  return {statistic, std::clamp(p, 0.0, 1.0)};
}

}    // namespace mlff
