// MemoryBudget: splits the structures of a graph into as many pieces as the memory requires, for
// any kind of evaluation.
#pragma once

#include "core/graph.h"

#include <cstddef>
#include <functional>

namespace mlff {

/// Bytes that evaluations may take. The estimate of an evaluation on the processor is checked
/// against the memory that the process really took (a probe at each evaluation that is larger than
/// those before). If memory still runs out, the piece is halved and tried again.
class MemoryBudget {
 public:
  /// Estimated bytes of an evaluation of so many atoms and edges.
  using Estimate = std::function<std::size_t(int atoms, int edges)>;

  /// Evaluates the structures first .. last-1 of a graph. It may be called again for the same
  /// structures.
  using Evaluate = std::function<void(int first, int last)>;

  /// limit: bytes of one evaluation; 0: a quarter of the machine's memory, or of the memory that
  /// the limits of this process leave (ulimit -v, control group). on_host: evaluations run on the
  /// processor; the memory that they take on another device is not seen in this process.
  explicit MemoryBudget(Estimate estimate, std::size_t limit = 0, bool on_host = true);

  /// Has all structures of a graph evaluated, in order. A graph with ghosts, or of one structure,
  /// is evaluated whole. Throws EngineError if a single structure needs more memory than there is.
  void evaluate(const Graph &graph, const Evaluate &evaluate);

  /// The estimate of an evaluation, corrected by the probe.
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
