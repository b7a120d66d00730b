// SplitEngine: any number of structures in one call, in as many pieces as the memory requires.
#pragma once

#include "core/engine.h"
#include "engine/memory_budget.h"

namespace mlff {

/// Evaluates the structures of a graph with another engine, in pieces of a memory budget.
class SplitEngine : public Engine {
 public:
  /// memory: bytes of one evaluation, see MemoryBudget.
  explicit SplitEngine(std::unique_ptr<Engine> engine, std::size_t memory = 0);

  /// Throws EngineError if a single structure needs more memory than there is. A graph with ghosts
  /// is evaluated whole.
  void evaluate(const Graph &graph, Result &result, GhostExchange *exchange = nullptr) override;

  bool supports_domain_decomposition() const override
  {
    return engine->supports_domain_decomposition();
  }
  EngineInfo info() const override { return engine->info(); }

  /// Memory by the estimate that a probe gave.
  std::size_t bytes(int atoms, int edges) const override { return budget.bytes(atoms, edges); }

  /// Bytes that one evaluation may take.
  std::size_t memory() const { return budget.limit(); }

  long n_splits() const { return budget.n_splits(); }    ///< evaluations in more than one piece

 private:
  std::unique_ptr<Engine> engine;
  MemoryBudget budget;
  GraphStorage piece;
  Result part;

  void evaluate_piece(const Graph &graph, int first, int last, Result &result);
};

}    // namespace mlff
