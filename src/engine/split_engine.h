// Any number of structures in one call, in as many pieces as memory asks for.
#pragma once

#include "core/engine.h"
#include "engine/memory_budget.h"

namespace mlff {

/// An engine that evaluates the structures of a graph in pieces of a memory budget.
class SplitEngine : public Engine {
 public:
  /// memory: bytes of one evaluation, as MemoryBudget has it.
  explicit SplitEngine(std::unique_ptr<Engine> engine, std::size_t memory = 0);

  /// Throws EngineError where a single structure needs more than there is. A graph with ghosts is
  /// evaluated whole.
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
