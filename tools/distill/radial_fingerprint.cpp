// A structure's surroundings of atoms as a list of numbers, which tells how new a frame is.
#include "distill/radial_fingerprint.h"

#include <cmath>
#include <numbers>

namespace mlff {

namespace {

  /// Adds what a neighbor at this distance contributes to the sums of all shells.
  void add_neighbor(double distance, double cutoff, double *sums)
  {
    const double width = cutoff / radial_shells,
                 smooth = 0.5 * (1.0 + std::cos(std::numbers::pi * distance / cutoff));
    for (int k = 0; k < radial_shells; k++) {
      const double x = (distance - (k + 1) * width) / width;
      sums[k] += std::exp(-0.5 * x * x) * smooth;
    }
  }

}    // namespace

std::vector<double> radial_fingerprint(const Structure &structure, const std::vector<int> &elements,
                                       double cutoff)
{
  GraphStorage graph;
  append_graph(structure, elements, cutoff, graph);
  const std::size_t n_elements = elements.size(), width = n_elements * radial_shells,
                    n = graph.species.size();
  std::vector<double> sums(n * width, 0.0);    // [n][elements of j][radial_shells]
  for (std::size_t i = 0; i < n; i++)
    for (int e = graph.first_edge[i]; e < graph.first_edge[i + 1]; e++) {
      const double *r = &graph.r[3 * std::size_t(e)];
      add_neighbor(
          std::hypot(r[0], r[1], r[2]), cutoff,
          &sums[i * width + std::size_t(graph.species[graph.neighbor[e]]) * radial_shells]);
    }

  std::vector<double> atoms(n_elements, 0.0), fingerprint(2 * n_elements * width, 0.0);
  for (const int s : graph.species) atoms[s]++;
  const auto value = [&](std::size_t i, std::size_t k) -> double & {
    return fingerprint[2 * (std::size_t(graph.species[i]) * width + k)];
  };
  for (std::size_t i = 0; i < n; i++)
    for (std::size_t k = 0; k < width; k++)
      value(i, k) += sums[i * width + k] / atoms[graph.species[i]];
  for (std::size_t i = 0; i < n; i++)
    for (std::size_t k = 0; k < width; k++) {
      const double deviation = sums[i * width + k] - value(i, k);
      (&value(i, k))[1] += deviation * deviation / atoms[graph.species[i]];
    }
  for (std::size_t k = 1; k < fingerprint.size(); k += 2)
    fingerprint[k] = std::sqrt(fingerprint[k]);
  return fingerprint;
}

}    // namespace mlff
