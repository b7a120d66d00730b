// Pieces of a graph given to an engine, and their results put together.
#include "engine/split_engine.h"

#include <algorithm>
#include <utility>

namespace mlff {

SplitEngine::SplitEngine(std::unique_ptr<Engine> given, std::size_t memory) :
    engine(std::move(given)), budget(
                                  [inner = engine.get()](int atoms, int edges) {
                                    return inner->bytes(atoms, edges);
                                  },
                                  memory, engine->info().on_host())
{
}

void SplitEngine::evaluate(const Graph &graph, Result &result, GhostExchange *exchange)
{
  budget.evaluate(graph, [&](int first, int last) {
    if (first == 0 && last == graph.n_structures())
      engine->evaluate(graph, result, exchange);
    else
      evaluate_piece(graph, first, last, result);
  });
}

void SplitEngine::evaluate_piece(const Graph &graph, int first, int last, Result &result)
{
  if (first == 0) {
    result.energy.resize(graph.n_structures());
    result.atom_energy.resize(graph.n_centres());
    result.gradient.resize(3 * std::size_t(graph.n_edges()));
    result.position_gradient.clear();
    result.strain_gradient.clear();
  }
  piece.clear();
  piece.append(graph, first, last);
  engine->evaluate(piece.view(), part);

  const int atom = graph.first_atom[first], edge = graph.first_edge[atom];
  std::copy(part.energy.begin(), part.energy.end(), result.energy.begin() + first);
  std::copy(part.atom_energy.begin(), part.atom_energy.end(), result.atom_energy.begin() + atom);
  std::copy(part.gradient.begin(), part.gradient.end(), result.gradient.begin() + 3 * long(edge));
  if (!part.strain_gradient.empty()) {
    result.strain_gradient.resize(6 * std::size_t(graph.n_centres()), 0.0);
    std::copy(part.strain_gradient.begin(), part.strain_gradient.end(),
              result.strain_gradient.begin() + 6 * long(atom));
  }
  result.position_gradient.insert(result.position_gradient.end(), part.position_gradient.begin(),
                                  part.position_gradient.end());
}

}    // namespace mlff
