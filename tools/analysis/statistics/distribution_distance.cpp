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

double weighted_jensen_shannon(const WeightedSamples &a, const WeightedSamples &b)
{
  if (a.x.empty() || b.x.empty()) return std::nan("");
  const auto [low_a, high_a] = std::minmax_element(a.x.begin(), a.x.end());
  const auto [low_b, high_b] = std::minmax_element(b.x.begin(), b.x.end());
  const double low = std::min(*low_a, *low_b), high = std::max(*high_a, *high_b);
  const int bins = std::max(2, int(2.0 * std::cbrt(double(std::min(a.x.size(), b.x.size())))));
  const auto histogram = [&](const WeightedSamples &samples) {
    std::vector<double> counts(bins, 0.0);
    for (std::size_t k = 0; k < samples.x.size(); k++) {
      const double place = high > low ? (samples.x[k] - low) / (high - low) * bins : 0.0;
      counts[std::clamp(int(place), 0, bins - 1)] += samples.weight(k);
    }
    return counts;
  };
  return jensen_shannon(histogram(a), histogram(b));
}

double jensen_shannon_of_samples(const std::vector<double> &a, const std::vector<double> &b)
{
  return weighted_jensen_shannon({a, {}}, {b, {}});
}

namespace {

  /// Samples in ascending order, each with its weight.
  std::vector<std::pair<double, double>> sorted(const WeightedSamples &samples, double &total)
  {
    std::vector<std::pair<double, double>> list;
    total = 0.0;
    for (std::size_t k = 0; k < samples.x.size(); k++) {
      list.emplace_back(samples.x[k], samples.weight(k));
      total += samples.weight(k);
    }
    std::sort(list.begin(), list.end());
    return list;
  }

}    // namespace

KolmogorovSmirnov kolmogorov_smirnov(std::vector<double> a, std::vector<double> b)
{
  const double na = double(a.size()), nb = double(b.size());
  return weighted_kolmogorov_smirnov({std::move(a), {}, na}, {std::move(b), {}, nb});
}

KolmogorovSmirnov weighted_kolmogorov_smirnov(const WeightedSamples &a, const WeightedSamples &b)
{
  double total_a, total_b;
  const auto here = sorted(a, total_a), there = sorted(b, total_b);
  const double na = a.effective, nb = b.effective;
  if (!(total_a > 0.0) || !(total_b > 0.0)) return {std::nan(""), std::nan("")};
  double statistic = 0.0, below_a = 0.0, below_b = 0.0;
  for (std::size_t i = 0, j = 0; i < here.size() && j < there.size();) {
    const double x = std::min(here[i].first, there[j].first);
    while (i < here.size() && here[i].first <= x) below_a += here[i++].second;
    while (j < there.size() && there[j].first <= x) below_b += there[j++].second;
    statistic = std::max(statistic, std::abs(below_a / total_a - below_b / total_b));
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
