// Any number of structures in one call, in as many pieces as memory asks for.
#pragma once

#include "core/engine.h"

namespace mlff {

/// An engine that evaluates the structures of a graph in pieces of a memory budget. The estimate of
/// an engine on the processor is checked against what the process really took (a probe at each
/// evaluation that is larger than those before), and where memory runs out nevertheless the piece
/// is halved and tried again.
class SplitEngine : public Engine {
 public:
  /// memory: bytes of one evaluation; 0: a quarter of what the machine has, or of what the limits
  /// of this process leave (ulimit -v, control group).
  explicit SplitEngine(std::unique_ptr<Engine> engine, std::size_t memory = 0);

  /// Throws EngineError where a single structure needs more than there is. A graph with ghosts is
  /// evaluated whole.
  void evaluate(const Graph &graph, Result &result, GhostExchange *exchange = nullptr) override;

  bool exchanges() const override { return engine->exchanges(); }
  EngineInfo info() const override { return engine->info(); }

  /// As found by the probe.
  std::size_t bytes(int atoms, int edges) const override
  {
    return std::size_t(factor * double(engine->bytes(atoms, edges)));
  }

  /// Bytes that one evaluation may take.
  std::size_t memory() const { return budget; }

  long n_splits() const { return splits; }    ///< evaluations that took more than one piece

 private:
  std::unique_ptr<Engine> engine;
  bool on_host;
  std::size_t budget;
  double factor = 1.0;        // bytes taken by bytes estimated
  std::size_t largest = 0;    // estimate of the largest evaluation so far
  long splits = 0;
  GraphStorage piece;
  Result part;

  void probe(const Graph &graph, Result &result, GhostExchange *exchange);
};

}    // namespace mlff
