// ReplicaJumpEngine: jumps of several replicas in one evaluation. The jump network of this process
// joins the calls of other processes.
#pragma once

#include "core/jump_engine.h"
#include "engine/memory_budget.h"
#include "models/painn/painn_sizes.h"
#include "potential/potential.h"
#include "replica/rendezvous.h"

#include <memory>
#include <vector>

namespace mlff {

/// Calls of a JumpEngine as bytes, for Rendezvous.
class JumpPayload : public Payload {
 public:
  /// sizes: sizes of the network.
  JumpPayload(std::unique_ptr<JumpEngine> engine, const PainnSizes &sizes, std::size_t memory);

  /// Sets the next call; input and result must live until the result is there.
  void set_call(const Graph &graph, const JumpInput &input, JumpResult &result);

  std::size_t size() const override;
  void serialize(char *bytes) const override;
  void deserialize(const char *bytes) override;
  void evaluate_alone() override;
  void evaluate(std::span<char *const> calls) override;
  void write_results(std::span<char *const> calls) override;
  int cores() const override { return engine->info().cores(); }
  long n_splits() const override { return budget.n_splits(); }

  std::unique_ptr<JumpEngine> engine;

 private:
  /// Arrays of JumpInput.
  struct Arrays {
    std::vector<double> mass, velocity, force;
    std::vector<int> stride;

    void clear();
    void append(const JumpInput &input, const Graph &graph, int first, int last);
    JumpInput view() const { return {mass, velocity, force, stride}; }
  };

  MemoryBudget budget;
  const Graph *own_graph = nullptr;
  const JumpInput *own_input = nullptr;
  JumpResult *own_result = nullptr;
  GraphStorage graph, piece;    // all calls of a batch, and a part of them
  Arrays input, piece_input;
  JumpResult result, piece_result;

  void evaluate_within_budget(const Graph &all, const JumpInput &input, JumpResult &result);
};

class ReplicaJumpEngine : public JumpEngine {
 public:
  /// sizes: sizes of the network. Throws EngineError if there is no shared memory.
  ReplicaJumpEngine(std::unique_ptr<JumpEngine> engine, const PainnSizes &sizes,
                    const BatchOptions &options);

  /// Throws EngineError for a graph with ghosts, and if the evaluation of this replica's own call
  /// fails.
  void evaluate(const Graph &graph, const JumpInput &input, JumpResult &result) override;

  EngineInfo info() const override;

  Rendezvous &meeting() { return rendezvous; }

 private:
  JumpPayload payload;
  Rendezvous rendezvous;
};

}    // namespace mlff
