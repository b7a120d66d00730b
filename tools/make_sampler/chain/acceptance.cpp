// How many proposals of a student the true force will accept.
#include "make_sampler/chain/acceptance.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace mlff {

double gaussian_acceptance(double deviation)
{
  return std::erfc(0.5 * deviation);
}

double deviation_for(double acceptance)
{
  double low = 0.0, high = 100.0;
  for (int k = 0; k < 100; k++) {
    const double middle = 0.5 * (low + high);
    (gaussian_acceptance(middle) > acceptance ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

ExpectedAcceptance expected_acceptance(std::vector<double> differences)
{
  const auto n = double(differences.size());
  const double mean = std::accumulate(differences.begin(), differences.end(), 0.0) / n;
  ExpectedAcceptance expected;
  double square = 0.0;
  for (const double d : differences) square += (d - mean) * (d - mean);
  expected.deviation = std::sqrt(square / (n - 1.0));
  expected.gaussian = gaussian_acceptance(expected.deviation);

  // by ascending weights: frame k has the smaller weight in its pairs with those behind it
  std::sort(differences.begin(), differences.end(), std::greater<>());
  const double lowest = differences.back();
  double pairs = 0.0, weights = 0.0;
  for (std::size_t k = 0; k < differences.size(); k++) {
    const double weight = std::exp(lowest - differences[k]);
    weights += weight;
    pairs += 2.0 * weight * (n - 1.0 - double(k));
  }
  expected.direct = pairs / ((n - 1.0) * weights);
  return expected;
}

}    // namespace mlff
