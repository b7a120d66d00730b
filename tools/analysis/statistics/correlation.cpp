// The multiple-tau correlator of a signal.
#include "analysis/statistics/correlation.h"

#include <algorithm>

namespace mlff {

Correlation::Correlation(Kind kind, std::vector<int> group_of, int n_groups, int lags) :
    kind(kind), group(std::move(group_of)), n_groups(n_groups), n_lags(std::max(lags, 1)),
    width(int(group.size())), first(2 * n_lags), second(2 * n_lags),
    buffer(2 * std::size_t(n_lags) * group.size()),
    spectrum(n_groups, std::vector<std::complex<double>>(n_lags + 1)),
    squares(n_groups, std::vector<double>(n_lags, 0.0)), count(n_lags, 0.0)
{
}

void Correlation::add(const double *x)
{
  for (int c = 0; c < width; c++) buffer[2 * std::size_t(n_lags) * c + filled] = x[c];
  if (++filled == 2 * n_lags) {
    correlate(n_lags);
    keep_from(n_lags);
  }
}

void Correlation::cut()
{
  const int origins = std::min(filled, n_lags);
  correlate(origins);
  if (filled > n_lags) {
    keep_from(n_lags);
    correlate(filled);
  }
  filled = 0;
}

void Correlation::keep_from(int begin)
{
  for (int c = 0; c < width; c++) {
    double *row = &buffer[2 * std::size_t(n_lags) * c];
    std::copy(row + begin, row + filled, row);
  }
  filled -= begin;
}

/// The first frames of the buffer with all that come up to n_lags - 1 later.
void Correlation::correlate(int origins)
{
  const int m = filled;
  if (origins == 0) return;
  std::vector<std::vector<double>> square(kind == Kind::square_displacement ? n_groups : 0,
                                          std::vector<double>(m + 1, 0.0));
  for (int c = 0; c < width; c++) {
    const double *row = &buffer[2 * std::size_t(n_lags) * c];
    // displacements do not depend on the origin, rounding does
    const double shift = kind == Kind::square_displacement ? row[0] : 0.0;
    std::fill_n(first.real(), 2 * n_lags, 0.0);
    std::fill_n(second.real(), 2 * n_lags, 0.0);
    for (int t = 0; t < m; t++) second.real()[t] = row[t] - shift;
    std::copy_n(second.real(), origins, first.real());
    if (!square.empty())
      for (int t = 0; t < m; t++) square[group[c]][t + 1] += second.real()[t] * second.real()[t];
    first.forward();
    second.forward();
    auto &sum = spectrum[group[c]];
    for (int f = 0; f <= n_lags; f++)
      sum[f] += std::conj(first.spectrum()[f]) * second.spectrum()[f];
  }
  for (auto &one : square)
    for (int t = 0; t < m; t++) one[t + 1] += one[t];
  for (int lag = 0; lag < n_lags; lag++) {
    const int n = std::min(origins, m - lag);
    if (n <= 0) break;
    count[lag] += n;
    for (std::size_t g = 0; g < square.size(); g++)
      squares[g][lag] += square[g][n] + square[g][lag + n] - square[g][lag];
  }
}

void Correlation::finish()
{
  cut();
  buffer = std::vector<double>();
  result.assign(n_groups, {});
  for (int g = 0; g < n_groups; g++) {
    std::copy(spectrum[g].begin(), spectrum[g].end(), first.spectrum());
    first.backward();
    for (int lag = 0; lag < n_lags && count[lag] > 0.0; lag++) {
      const double product = first.real()[lag];
      const double value = kind == Kind::product ? product : squares[g][lag] - 2.0 * product;
      result[g].push_back((kind == Kind::product || lag > 0 ? value : 0.0) / count[lag]);
    }
  }
}

std::vector<double> Correlation::of_group(int g) const
{
  return result[g];
}

}    // namespace mlff
