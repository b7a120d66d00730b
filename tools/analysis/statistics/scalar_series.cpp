// Mean, deviation and statistical inefficiency of a series.
#include "analysis/statistics/scalar_series.h"

#include "analysis/statistics/fourier.h"

#include <algorithm>
#include <cmath>

namespace mlff {

void ScalarSeries::add(double x)
{
  if (count % spacing == 0) {
    if (values.size() == capacity) {
      for (std::size_t k = 0; 2 * k < capacity; k++) values[k] = values[2 * k];
      values.resize(capacity / 2);
      spacing *= 2;
    }
    if (count % spacing == 0) values.push_back(x);
  }
  count++;
  const double d = x - average;
  average += d / double(count);
  squares += d * (x - average);
}

double ScalarSeries::deviation() const
{
  return count > 1 ? std::sqrt(squares / double(count - 1)) : 0.0;
}

double ScalarSeries::correlation_time() const
{
  const int n = int(values.size());
  double mean = 0.0;
  for (const double x : values) mean += x / n;
  if (n < 4 || squares <= 1e-24 * double(count) * (average * average + 1e-300))
    return 0.5 * double(spacing);
  int length = 2;
  while (length < 2 * n) length *= 2;
  Fourier fourier(length);
  std::fill_n(fourier.real(), length, 0.0);
  for (int t = 0; t < n; t++) fourier.real()[t] = values[t] - mean;
  fourier.forward();
  for (int f = 0; f <= length / 2; f++) fourier.spectrum()[f] = std::norm(fourier.spectrum()[f]);
  fourier.backward();
  const double *sum = fourier.real();
  double tau = 0.5;
  for (int lag = 1; lag < n && double(lag) < 5.0 * tau; lag++)
    tau += sum[lag] / sum[0] * double(n) / double(n - lag);
  return std::max(0.5, tau) * double(spacing);
}

double ScalarSeries::effective() const
{
  return std::max(1.0, double(count) / (2.0 * correlation_time()));
}

double ScalarSeries::error() const
{
  return deviation() / std::sqrt(effective());
}

std::vector<double> ScalarSeries::independent() const
{
  const auto step = std::max<std::size_t>(
      1, std::size_t(std::ceil(2.0 * correlation_time() / double(spacing) - 1e-9)));
  std::vector<double> list;
  for (std::size_t k = 0; k < values.size(); k += step) list.push_back(values[k]);
  return list;
}

}    // namespace mlff
