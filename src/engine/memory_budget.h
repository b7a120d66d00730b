// Structures in as many pieces as memory asks for, whatever evaluates them.
#pragma once

#include "core/graph.h"

#include <cstddef>
#include <functional>

namespace mlff {

/// Bytes that evaluations may take. The estimate of an evaluation on the processor is checked
/// against what the process really took (a probe at each evaluation that is larger than those
/// before), and where memory runs out nevertheless the piece is halved and tried again.
class MemoryBudget {
 public:
  /// Estimated bytes of an evaluation of so many atoms and edges.
  using Estimate = std::function<std::size_t(int atoms, int edges)>;

  /// Evaluates the structures first .. last-1 of a graph; may be called again for the same ones.
  using Evaluate = std::function<void(int first, int last)>;

  /// limit: bytes of one evaluation; 0: a quarter of what the machine has, or of what the limits of
  /// this process leave (ulimit -v, control group). on_host: evaluations run on the processor; what
  /// they take on another device is not seen in this process.
  explicit MemoryBudget(Estimate estimate, std::size_t limit = 0, bool on_host = true);

  /// Has all structures of a graph evaluated, in order; a graph with ghosts, or of one structure,
  /// whole. Throws EngineError where a single structure needs more than there is.
  void evaluate(const Graph &graph, const Evaluate &evaluate);

  /// The estimate, as corrected by the probe.
  std::size_t bytes(int atoms, int edges) const
  {
    return std::size_t(factor * double(estimate(atoms, edges)));
  }

  std::size_t limit() const { return most; }
  long n_splits() const { return splits; }    ///< evaluations that took more than one piece

 private:
  Estimate estimate;
  std::size_t most;
  bool on_host;
  double factor = 1.0;        // bytes taken by bytes estimated
  std::size_t largest = 0;    // estimate of the largest evaluation so far
  long splits = 0;

  void probe(const Graph &graph, int first, int last, const Evaluate &evaluate);
  void evaluate_pieces(const Graph &graph, const Evaluate &evaluate);
};

}    // namespace mlff
