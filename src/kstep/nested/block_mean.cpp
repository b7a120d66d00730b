// Blocks of a series, and sums of its autocorrelation function.
#include "kstep/nested/block_mean.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace mlff {

void BlockMean::add(double value)
{
  sum += value;
  if (++inside < length) return;
  blocks.push_back(sum);
  sum = inside = 0.0;
  if (blocks.size() < most) return;
  for (std::size_t k = 0; k < most / 2; k++) blocks[k] = blocks[2 * k] + blocks[2 * k + 1];
  blocks.resize(most / 2);
  length *= 2.0;
}

double BlockMean::mean() const
{
  double total = sum;
  for (const double block : blocks) total += block;
  return count() > 0.0 ? total / count() : 0.0;
}

double BlockMean::error() const
{
  const double n = double(blocks.size());
  if (n < 8.0) return std::numeric_limits<double>::infinity();
  double average = 0.0, square = 0.0;
  for (const double block : blocks) average += block / length / n;
  for (const double block : blocks)
    square += (block / length - average) * (block / length - average) / n;
  return std::sqrt(square / (n - 1.0));
}

void BlockMean::append_to(std::vector<double> &list) const
{
  list.insert(list.end(), {length, inside, sum, double(blocks.size())});
  list.insert(list.end(), blocks.begin(), blocks.end());
}

void BlockMean::read_from(std::span<const double> list, std::size_t &at)
{
  *this = {};
  if (at + 4 > list.size()) return;
  const auto n = std::size_t(list[at + 3]);
  if (at + 4 + n > list.size()) return;
  length = list[at];
  inside = list[at + 1];
  sum = list[at + 2];
  blocks.assign(list.begin() + at + 4, list.begin() + at + 4 + n);
  at += 4 + n;
}

double statistical_inefficiency(std::span<const double> series)
{
  const std::size_t n = series.size();
  double mean = 0.0;
  for (const double value : series) mean += value / double(n);
  const auto covariance = [&](std::size_t lag) {
    double sum = 0.0;
    for (std::size_t k = 0; k + lag < n; k++) sum += (series[k] - mean) * (series[k + lag] - mean);
    return sum / double(n);
  };
  const double variance = covariance(0);
  if (!(variance > 1e-24 * (1.0 + mean * mean))) return 1.0;
  double sum = -variance;
  for (std::size_t lag = 0; lag + 1 < n / 2; lag += 2) {
    const double pair = covariance(lag) + covariance(lag + 1);
    if (!(pair > 0.0)) break;
    sum += 2.0 * pair;
  }
  return std::max(1.0, sum / variance);
}

}    // namespace mlff
