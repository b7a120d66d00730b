// Histograms of pair distances.
#include "analysis/observables/pair_distances.h"

#include "core/elements.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace mlff {

PairDistances::PairDistances(const std::vector<int> &numbers, double r_max, int bins) :
    elements(numbers), r_max(r_max), width(r_max / bins), bins(bins)
{
  std::sort(elements.begin(), elements.end());
  elements.erase(std::unique(elements.begin(), elements.end()), elements.end());
  for (const int z : elements)
    count_of_element.push_back(double(std::count(numbers.begin(), numbers.end(), z)));
  counts.assign(elements.size() * (elements.size() + 1) / 2, std::vector<double>(bins, 0.0));
}

std::size_t PairDistances::pair(int a, int b) const
{
  const auto [low, high] = std::minmax(a, b);
  return std::size_t(high * (high + 1) / 2 + low);
}

void PairDistances::add(const Structure &s, double weight)
{
  if (!(weight > 0.0)) return;
  const auto &h = s.cell;
  const double volume =
      std::abs(h[0] * (h[4] * h[8] - h[5] * h[7]) - h[1] * (h[3] * h[8] - h[5] * h[6]) +
               h[2] * (h[3] * h[7] - h[4] * h[6]));
  if (s.periodic == std::array{true, true, true})
    density += weight / volume;
  else
    periodic = false;
  const auto put = [&](int a, int b, double r, double pairs) {
    if (const int bin = int(r / width); bin < bins) counts[pair(a, b)][bin] += weight * pairs;
  };
  if (s.periodic == std::array{false, false, false} && s.n_atoms() <= 200) {
    std::vector<int> species;
    for (const int z : s.numbers)
      species.push_back(
          int(std::lower_bound(elements.begin(), elements.end(), z) - elements.begin()));
    for (int i = 0; i < s.n_atoms(); i++)
      for (int j = 0; j < i; j++) {
        const double *a = &s.positions[3 * std::size_t(i)], *b = &s.positions[3 * std::size_t(j)];
        put(species[i], species[j],
            std::sqrt((a[0] - b[0]) * (a[0] - b[0]) + (a[1] - b[1]) * (a[1] - b[1]) +
                      (a[2] - b[2]) * (a[2] - b[2])),
            2.0);
      }
    return;
  }
  graph.clear();
  append_graph(s, elements, r_max, graph);
  for (int i = 0; i < s.n_atoms(); i++)
    for (int e = graph.first_edge[i]; e < graph.first_edge[i + 1]; e++) {
      const double *r = &graph.r[3 * std::size_t(e)];
      put(graph.species[i], graph.species[graph.neighbor[e]],
          std::sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]), 1.0);
    }
}

std::vector<Curve> PairDistances::curves() const
{
  std::vector<Curve> list;
  for (int b = 0; b < int(elements.size()); b++)
    for (int a = 0; a <= b; a++) {
      Curve curve{periodic ? "rdf" : "distances",
                  element_symbol(elements[a]) + "-" + element_symbol(elements[b]),
                  {},
                  {}};
      const auto &histogram = counts[pair(a, b)];
      double sum = 0.0;
      for (const double c : histogram) sum += c;
      if (sum == 0.0) continue;
      // ordered pairs of two elements were counted both ways
      const double pairs = a == b ? count_of_element[a] * (count_of_element[a] - 1.0)
                                  : 2.0 * count_of_element[a] * count_of_element[b];
      for (int k = 0; k < bins; k++) {
        const double low = k * width, high = low + width;
        curve.x.push_back(low + 0.5 * width);
        curve.y.push_back(periodic ? histogram[k] /
                                  (pairs * density * 4.0 / 3.0 * std::numbers::pi *
                                   (high * high * high - low * low * low))
                                   : histogram[k] / sum / width);
      }
      list.push_back(std::move(curve));
    }
  return list;
}

std::vector<Quantity> PairDistances::compare(const PairDistances &other) const
{
  std::vector<Quantity> list;
  if (periodic != other.periodic || r_max != other.r_max || bins != other.bins ||
      elements != other.elements)
    return list;
  const auto other_curves = other.curves();
  for (const auto &a : curves())
    for (const auto &b : other_curves) {
      if (a.name != b.name) continue;
      double sum = 0.0;
      for (int k = 0; k < bins; k++) sum += std::abs(a.y[k] - b.y[k]) * width;
      list.push_back({periodic ? "l1_rdf" : "l1_distances", a.name, periodic ? sum / r_max : sum});
    }
  return list;
}

}    // namespace mlff
