// One evaluation for all replicas of a node: processes with the same model lay their graphs side by
// side in shared memory, and the last one to arrive evaluates them together.
#pragma once

#include "engine/split_engine.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace mlff {

struct BatchOptions {
  std::string job;    ///< only replicas with the same one meet: those of one launch on one node
  std::string
      model;    ///< likewise: hash of weights, engine and precision, on which results depend
  double wait =
      0.0;    ///< s, how long a replica waits for the others; 0: by the time they took so far
  std::size_t memory = 0;    ///< bytes of one evaluation; 0: a quarter of what the machine has
  int at_a_time =
      /// evaluations; 0: as many as the replicas have cores for, one where the engine uses none
      0;
  enum class Choice {
    together,    ///< every call waits for the others
    compared,    ///< the same, but the first calls also find out what single calls would cost
    /// the first calls find out whether batches or single calls are faster, for the replicas there
    /// are then
    faster
  } choice = Choice::together;
};

/// What happened so far, over all replicas of the group.
struct BatchStatistics {
  int replicas = 0;               ///< most of them at a time
  std::vector<long> histogram;    ///< [replicas + 1] evaluations with so many of them together
  long calls = 0;                 ///< of evaluate() in batches
  long single_calls = 0;          ///< and outside of them, where those are faster or compared
  long splits = 0;                ///< evaluations in several pieces, for lack of memory
  long retries = 0;               ///< evaluations repeated because a replica failed
  double together = 0.0,
         single =
             0.0;      ///< calls per second of all replicas in a batch and alone; 0: not compared
  int compared = 0;    ///< replicas of that comparison
  double gather = 0.0, wait = 0.0, model = 0.0, scatter = 0.0;    ///< s, sums over replicas
};

/// An engine of this process that joins those of other processes. Rules: any replica may come, stay
/// away, leave or die at any time, and none waits for another for ever; who waits sleeps; results
/// do not depend on who else is in a batch. Linux: the board where replicas meet, and their graphs,
/// lie in anonymous memory that others find and open through /proc. Nothing has a name that could
/// outlive the last replica.
///
/// Where replicas have more cores than one evaluation uses, they gather in as many batches: while
/// one is evaluated the members of the other get on with their own work.
class ReplicaBatch : public Engine {
 public:
  /// Throws EngineError where shared memory cannot be had.
  ReplicaBatch(std::unique_ptr<Engine> engine, const BatchOptions &options);
  ~ReplicaBatch() override;

  /// From enter() to leave() the others wait for this replica; evaluate() enters by itself.
  void enter();
  void leave();

  /// Throws EngineError for a graph with ghosts, and where the evaluation of this replica's own
  /// graph fails.
  void evaluate(const Graph &graph, Result &result, GhostExchange *exchange = nullptr) override;

  bool exchanges() const override { return false; }
  std::size_t bytes(int atoms, int edges) const override;
  EngineInfo info() const override;

  BatchStatistics statistics() const;
  int n_replicas() const;    ///< registered now, this one included

  static constexpr int most_replicas = 256;

  /// Test hook: called with the name of a stage ("gathered", "waiting", "evaluating", "evaluated",
  /// "locked") as it is reached.
  void (*at_stage)(const char *stage) = nullptr;

 private:
  struct Board;
  struct Slot;
  struct View;
  struct Member;
  struct Failure;
  class Guard;

  SplitEngine engine;
  BatchOptions options;
  int board_file = -1;
  Board *board = nullptr;
  int own = -1;    // slot of this replica
  int memory_file = -1;
  std::size_t capacity = 0;
  char *memory = nullptr;    // own graph and results
  double away = 0.0, last_left = 0.0, model_seconds = 0.0, last_sweep = 0.0;
  double times[4] = {0, 0, 0, 0};    // gather, wait, model, scatter of the last call
  long single_calls = 0;             // not yet on the board

  std::vector<std::unique_ptr<View>> views;    // of the memory of others, by slot
  GraphStorage graph;
  Result together;

  void open_board();
  void map_board();
  void take_slot();
  void close_board();
  void put(const Graph &graph);
  void take(Result &result);
  char *memory_of(int slot);
  std::span<Slot> slots() const;
  void count_replicas();
  bool enough(bool late) const;
  Slot *next_evaluator() const;
  void wake_one();
  void sweep();
  std::vector<Member> choose(bool late);
  void compare();
  void begin_window(int window);
  void end_window();
  void run(std::span<const Member> batch);
  bool run_singly(std::span<const Member> batch, std::vector<Failure> &errors);
  void stage(const char *name) const
  {
    if (at_stage) at_stage(name);
  }
};

/// Names the launch that this process belongs to, without talking to anyone: the launcher's job
/// number where it tells it (PMIx, Slurm), else the parent process and when that began.
std::string launch_of_this_process();

}    // namespace mlff
