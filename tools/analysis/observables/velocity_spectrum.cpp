// Spectrum of velocities and its peaks.
#include "analysis/observables/velocity_spectrum.h"

#include "analysis/groups_of_elements.h"
#include "core/elements.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mlff {

namespace {

  constexpr double per_cm = 33.35640951981521;    // 1/cm of 1/ps

}    // namespace

double folded(double frequency, double nyquist)
{
  const double rest = std::fmod(frequency, 2.0 * nyquist);
  return rest > nyquist ? 2.0 * nyquist - rest : rest;
}

VelocitySpectrum::VelocitySpectrum(const std::vector<int> &numbers, int lags) :
    elements(elements_in(numbers)),
    correlation(Correlation::Kind::product, groups_of_elements(numbers), int(elements.size()), lags)
{
}

void VelocitySpectrum::add(const Frame &frame)
{
  const auto &v = frame.structure.velocities;
  std::vector<double> weighted(v.size());
  for (std::size_t k = 0; k < v.size(); k++)
    weighted[k] = std::sqrt(frame.structure.masses[k / 3]) * v[k];
  if (!frame.follows) correlation.cut();
  correlation.add(weighted.data());
}

void VelocitySpectrum::finish(double spacing)
{
  interval = spacing;
  correlation.finish();
  largest = 0.5 / interval * per_cm;
  // the transform of a Hann window up to T has the width 1/T
  resolved = per_cm / (double(std::max<std::size_t>(of_all().size(), 2) - 1) * interval);
}

std::vector<double> VelocitySpectrum::of_element(int z) const
{
  return correlation.of_group(
      int(std::lower_bound(elements.begin(), elements.end(), z) - elements.begin()));
}

std::vector<double> VelocitySpectrum::of_all() const
{
  std::vector<double> sum;
  for (std::size_t g = 0; g < elements.size(); g++) {
    const auto one = correlation.of_group(int(g));
    sum.resize(one.size(), 0.0);
    for (std::size_t k = 0; k < one.size(); k++) sum[k] += one[k];
  }
  return sum;
}

Curve VelocitySpectrum::spectrum(const std::string &name,
                                 const std::vector<double> &autocorrelation) const
{
  const int n = int(autocorrelation.size());
  int length = 16;
  while (length < 16 * n) length *= 2;
  Fourier fourier(length);
  std::fill_n(fourier.real(), length, 0.0);
  for (int lag = 0; lag < n; lag++) {
    const double window = 0.5 + 0.5 * std::cos(std::numbers::pi * lag / n);
    fourier.real()[lag] = autocorrelation[lag] * window;
    if (lag > 0) fourier.real()[length - lag] = autocorrelation[lag] * window;
  }
  fourier.forward();
  const double step = per_cm / (double(length) * interval);
  Curve curve{"vdos", name, {}, {}};
  double area = 0.0;
  for (int f = 0; f <= length / 2; f++) {
    curve.x.push_back(f * step);
    curve.y.push_back(fourier.spectrum()[f].real());
    area += curve.y.back() * step;
  }
  for (double &y : curve.y) y /= area;
  return curve;
}

std::vector<Curve> VelocitySpectrum::curves() const
{
  std::vector<Curve> list;
  const auto add = [&](const std::string &name, const std::vector<double> &values) {
    if (values.size() < 2 || !(values[0] > 0.0)) return;
    Curve curve{"vacf", name, {}, {}};
    for (std::size_t lag = 0; lag < values.size(); lag++) {
      curve.x.push_back(double(lag) * interval);
      curve.y.push_back(values[lag] / values[0]);
    }
    list.push_back(std::move(curve));
    list.push_back(spectrum(name, values));
  };
  add("all", of_all());
  if (elements.size() > 1)
    for (const int z : elements) add(element_symbol(z), of_element(z));
  return list;
}

std::vector<VelocitySpectrum::Peak> VelocitySpectrum::peaks() const
{
  const auto values = of_all();
  std::vector<Peak> list;
  if (values.size() < 4 || !(values[0] > 0.0)) return list;
  const Curve curve = spectrum("all", values);
  const auto &y = curve.y;
  const double highest = *std::max_element(y.begin(), y.end()), step = curve.x[1];
  // a point is a peak when nothing within the resolution is above it
  const int reach = std::max(1, int(resolved / step));
  for (int f = 0; f < int(y.size()); f++) {
    if (y[f] < 0.03 * highest) continue;
    bool top = true;
    for (int g = std::max(0, f - reach); g <= std::min(int(y.size()) - 1, f + reach) && top; g++)
      top = g == f || y[g] < y[f] || (y[g] == y[f] && g > f);
    if (!top) continue;
    double place = curve.x[f];
    if (f > 0 && f + 1 < int(y.size())) {
      const double bend = y[f - 1] - 2.0 * y[f] + y[f + 1];
      if (bend < 0.0) place += 0.5 * (y[f - 1] - y[f + 1]) / bend * step;
    }
    list.push_back({place, y[f] / highest});
  }
  if (list.size() > 24) {
    std::nth_element(list.begin(), list.begin() + 24, list.end(), [](const Peak &a, const Peak &b) {
      return a.height > b.height;
    });
    list.resize(24);
  }
  std::sort(list.begin(), list.end(), [](const Peak &a, const Peak &b) {
    return a.wavenumber < b.wavenumber;
  });
  return list;
}

}    // namespace mlff
