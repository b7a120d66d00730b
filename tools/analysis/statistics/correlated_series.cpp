// Initial positive sequence and batch means of a series.
#include "analysis/statistics/correlated_series.h"

#include "analysis/statistics/fourier.h"

#include <algorithm>

namespace mlff {

namespace {

  constexpr long fewest = 16;
  constexpr int longest_move = 16;
  constexpr int batches = 20;

  /// gamma_0 + 2 sum_t gamma_t by the initial positive sequence; autocovariances with 1/n.
  double long_run_variance(const std::vector<double> &e)
  {
    const int n = int(e.size());
    double mean = 0.0;
    for (const double x : e) mean += x / n;
    int length = 2;
    while (length < 2 * n) length *= 2;
    Fourier fourier(length);
    std::fill_n(fourier.real(), length, 0.0);
    for (int t = 0; t < n; t++) fourier.real()[t] = e[t] - mean;
    fourier.forward();
    for (int f = 0; f <= length / 2; f++) fourier.spectrum()[f] = std::norm(fourier.spectrum()[f]);
    fourier.backward();
    const double *gamma = fourier.real();
    double variance = -gamma[0];
    for (int lag = 0; lag + 1 < n; lag += 2) {
      const double pair = gamma[lag] + gamma[lag + 1];
      if (!(pair > 0.0)) break;
      variance += 2.0 * pair;
    }
    return std::max(variance, gamma[0] / std::log10(double(n))) / n;
  }

  /// The same from sums over batches; nan where these would hold fewer than two numbers.
  double variance_by_batches(const std::vector<double> &e)
  {
    const std::size_t length = e.size() / batches;
    if (length < 2) return std::nan("");
    std::vector<double> sums(batches, 0.0);
    double mean = 0.0, squares = 0.0;
    for (std::size_t k = 0; k < length * batches; k++) sums[k / length] += e[k];
    for (const double s : sums) mean += s / batches;
    for (const double s : sums) squares += (s - mean) * (s - mean);
    return squares / (batches - 1) / double(length);
  }

}    // namespace

void CorrelatedSeries::add(double x, double weight)
{
  if (count++ == 0) origin = x;
  if (weight != 1.0 && !weighted) {
    weighted = true;
    weights.assign(sums.size(), double(size));
  }
  sum += weight * (x - origin);
  sum_of_weights += weight;
  if (ends_unit(weight)) {
    units++;
    if (++filled == size) close_block();
  }
  if (!(weight > 0.0)) return;
  total += weight;
  const double d = x - average;
  average += weight * d / total;
  squares += weight * d * (x - average);
}

/// Whether a move ends with a number of this weight. Numbers of files have nine digits or so.
bool CorrelatedSeries::ends_unit(double weight)
{
  if (!moves) return true;
  move += weight;
  in_move++;
  const bool full = std::abs(move - 1.0) < 1e-6;
  if (!full && (move > 1.0 || in_move == longest_move)) moves = false;
  if (moves && !full) return false;
  move = 0.0;
  in_move = 0;
  return true;
}

void CorrelatedSeries::close_block()
{
  sums.push_back(sum);
  if (weighted) weights.push_back(sum_of_weights);
  sum = sum_of_weights = 0.0;
  filled = 0;
  if (sums.size() < capacity) return;
  for (auto *list : {&sums, &weights}) {
    for (std::size_t k = 0; 2 * k < list->size(); k++)
      (*list)[k] = (*list)[2 * k] + (*list)[2 * k + 1];
    list->resize(list->size() / 2);
  }
  size *= 2;
}

/// Sums of w (x - mean) over the full blocks.
std::vector<double> CorrelatedSeries::centred() const
{
  std::vector<double> e = sums;
  for (std::size_t b = 0; b < e.size(); b++)
    e[b] -= (average - origin) * (weighted ? weights[b] : double(size));
  return e;
}

CorrelatedMean CorrelatedSeries::result() const
{
  CorrelatedMean r;
  r.n = count;
  if (!(total > 0.0)) {
    r.undefined = "no numbers";
    return r;
  }
  r.mean = average;
  r.deviation = std::sqrt(squares / total);
  if (squares <= 1e-24 * total * average * average) {
    r.deviation = 0.0;
    r.undefined = "constant";
    return r;
  }
  if (units < fewest) {
    r.undefined = "fewer than " + std::to_string(fewest) + " numbers";
    return r;
  }
  const auto e = centred();
  const double n_over_size = double(units) / double(size);
  r.error = std::sqrt(n_over_size * long_run_variance(e)) / total;
  r.batch_error = std::sqrt(n_over_size * variance_by_batches(e)) / total;
  r.effective = r.deviation * r.deviation / (r.error * r.error);
  r.inefficiency = double(count) / r.effective;
  return r;
}

}    // namespace mlff
