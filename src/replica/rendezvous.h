// Rendezvous: one evaluation for all replicas of a node. Processes with the same model lay their
// calls side by side in shared memory, and the last one to arrive evaluates them together.
#pragma once

#include "replica/batch_policy.h"
#include "replica/shared_arena.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace mlff {

/// Calls that replicas evaluate together: the call of this replica as bytes, and the evaluation of
/// several such calls. Bytes begin on a cache line, and hold the call and its result.
class Payload {
 public:
  virtual ~Payload() = default;

  // the call of this replica
  virtual std::size_t size() const = 0;               ///< bytes
  virtual void serialize(char *bytes) const = 0;      ///< writes the call
  virtual void deserialize(const char *bytes) = 0;    ///< reads its result
  virtual void evaluate_alone() = 0;                  ///< evaluates the call without the others

  // calls of several replicas
  virtual void evaluate(std::span<char *const> calls) = 0;
  /// Writes the results of these calls; called after evaluate().
  virtual void write_results(std::span<char *const> calls) = 0;

  virtual int cores() const = 0;    ///< cores that an evaluation keeps busy; 0: on another device
  virtual long n_splits() const = 0;    ///< evaluations in several pieces so far
};

/// Sums over all replicas of the group so far.
struct BatchStatistics {
  int replicas = 0;               ///< largest number at a time
  std::vector<long> histogram;    ///< [replicas + 1] evaluations by the number of calls in them
  long calls = 0;                 ///< calls made in batches
  /// calls outside of the batches, where single calls are faster or compared
  long single_calls = 0;
  long splits = 0;          ///< evaluations in several pieces, for lack of memory
  long retries = 0;         ///< evaluations repeated because a replica failed
  double together = 0.0;    ///< calls per second of all replicas in batches; 0: not compared
  double single = 0.0;      ///< calls per second of all replicas alone; 0: not compared
  int compared = 0;         ///< number of replicas in that comparison
  CallTimes times;          ///< sums over replicas
};

/// The meeting of this process with others. Any replica may come, stay away, leave or die at any
/// time, and none waits for another for ever. A waiting replica sleeps. Results do not depend on
/// the other calls in a batch.
class Rendezvous {
 public:
  /// `payload` must outlive this object. Throws EngineError if there is no shared memory.
  Rendezvous(Payload &payload, const BatchOptions &options);
  ~Rendezvous();

  /// Makes the others wait for this replica until leave(); evaluate() enters by itself.
  void enter();
  void leave();

  /// Evaluates the present call of the payload. Throws EngineError if this replica's own call
  /// fails.
  void evaluate();

  BatchStatistics statistics();
  int n_replicas();    ///< replicas registered now, this one included

  /// Test hook: called with the name of a stage ("gathered", "waiting", "evaluating", "evaluated",
  /// "locked") as it is reached.
  void (*at_stage)(const char *stage) = nullptr;

 private:
  struct Failure;

  Payload &payload;
  SharedArena arena;    // own call and its result
  Board board;
  BatchPolicy policy;
  int number;                        // slot of this replica
  CallTimes last_call;               // not yet on the board
  long single_calls = 0;             // not yet on the board
  ArenaView views[most_replicas];    // memory of the others, by slot

  // the batch, in the order of slots
  std::vector<int> members;
  std::vector<char *> calls;
  std::vector<Failure> failures;

  ReplicaSlot &slot() { return board->slots[number]; }
  void call_together();
  double meet(double gathered);
  void announce();
  bool answered();
  double evaluate_batch(bool late, Board::Lock &lock);
  void choose(bool late);
  bool run();
  Failure attempt(std::span<char *const> calls);
  std::vector<ReplicaSlot *> tell_members();
  void wake_one();
  void stage(const char *name) const
  {
    if (at_stage) at_stage(name);
  }
};

}    // namespace mlff
