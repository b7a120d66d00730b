// Operations on results: sums of energies, forces, and the check of positions.
#include "core/result.h"

#include "core/errors.h"

#include <cmath>
#include <cstddef>
#include <string>

namespace mlff {

void begin_result(const Graph &graph, Result &result)
{
  result.atom_energy.resize(graph.n_centres());
  result.gradient.assign(3 * std::size_t(graph.n_edges()), 0.0);
  result.position_gradient.clear();
  result.strain_gradient.clear();
}

void sum_energies(const Graph &graph, Result &result)
{
  result.energy.assign(graph.n_structures(), 0.0);
  for (int s = 0; s < graph.n_structures(); s++) {
    for (int i = graph.first_atom[s]; i < graph.first_atom[s + 1]; i++)
      result.energy[s] += result.atom_energy[i];
    if (!std::isfinite(result.energy[s]))
      throw StateError("the energy of structure " + std::to_string(s + 1) +
                       " is not finite: atoms at the same position, or far outside what the model "
                       "was trained on");
  }
}

void check_positions(const Graph &graph)
{
  if (!has_positions(graph))
    throw EngineError("model 'painn-fmm' has a long-range block, which needs positions of all "
                      "atoms in a system open or periodic in all directions; this one is "
                      "periodic in some, or its atoms have none");
  if (!graph.cell.empty() && graph.cell.size() != 9 * std::size_t(graph.n_structures()))
    throw EngineError("the graph has " + std::to_string(graph.cell.size() / 9) + " cells for " +
                      std::to_string(graph.n_structures()) + " structures");
}

void add_strain_gradient(const Graph &graph, const Result &result, int structure, double factor,
                         std::array<double, 9> &sum)
{
  const int first = graph.first_atom[structure], last = graph.first_atom[structure + 1];
  for (std::size_t k = 3 * std::size_t(graph.first_edge[first]);
       k < 3 * std::size_t(graph.first_edge[last]); k += 3)
    for (int a = 0; a < 3; a++)
      for (int b = 0; b < 3; b++)
        sum[3 * a + b] += 0.5 * factor *
            (graph.r[k + a] * result.gradient[k + b] + graph.r[k + b] * result.gradient[k + a]);
  if (result.strain_gradient.empty()) return;
  constexpr int place[9] = {0, 3, 4, 3, 1, 5, 4, 5, 2};    // index into xx, yy, zz, xy, xz, yz
  for (std::size_t k = 6 * std::size_t(first); k < 6 * std::size_t(last); k += 6)
    for (int c = 0; c < 9; c++) sum[c] += factor * result.strain_gradient[k + place[c]];
}

void sum_forces(const Graph &graph, const Result &result, std::vector<double> &forces)
{
  forces.assign(3 * std::size_t(graph.n_centres()), 0.0);
  for (std::size_t k = 0; k < result.position_gradient.size(); k++)
    forces[k] -= result.position_gradient[k];
  for (int i = 0; i < graph.n_centres(); i++)
    for (int e = graph.first_edge[i]; e < graph.first_edge[i + 1]; e++)
      for (int a = 0; a < 3; a++) {
        forces[3 * i + a] += result.gradient[3 * e + a];
        forces[3 * graph.neighbor[e] + a] -= result.gradient[3 * e + a];
      }
}

}    // namespace mlff
