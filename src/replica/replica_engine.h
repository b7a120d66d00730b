// ReplicaEngine: energies of several replicas in one evaluation. The engine of this process joins
// the calls of other processes.
#pragma once

#include "engine/split_engine.h"
#include "replica/rendezvous.h"

#include <memory>

namespace mlff {

/// Calls of an Engine as bytes, for Rendezvous.
class EnginePayload : public Payload {
 public:
  EnginePayload(std::unique_ptr<Engine> engine, std::size_t memory);

  /// Sets the next call; graph and result must live until the result is there.
  void set_call(const Graph &graph, Result &result);

  std::size_t size() const override;
  void serialize(char *bytes) const override;
  void deserialize(const char *bytes) override;
  void evaluate_alone() override;
  void evaluate(std::span<char *const> calls) override;
  void write_results(std::span<char *const> calls) override;
  int cores() const override { return engine.cores(); }
  long n_splits() const override { return engine.n_splits(); }

  SplitEngine engine;

 private:
  const Graph *own_graph = nullptr;
  Result *own_result = nullptr;
  GraphStorage graph;    // all calls of a batch
  Result result;
};

class ReplicaEngine : public Engine {
 public:
  /// Throws EngineError if there is no shared memory.
  ReplicaEngine(std::unique_ptr<Engine> engine, const BatchOptions &options);

  /// Throws EngineError for a graph with ghosts, and if the evaluation of this replica's own graph
  /// fails.
  void evaluate(const Graph &graph, Result &result, GhostExchange *exchange = nullptr) override;

  bool supports_domain_decomposition() const override { return false; }
  std::size_t bytes(int atoms, int edges) const override;
  EngineInfo info() const override;

  Rendezvous &meeting() { return rendezvous; }

 private:
  EnginePayload payload;
  Rendezvous rendezvous;
};

}    // namespace mlff
