// BatchPolicy decides when replicas evaluate together: how long one waits for the others, which one
// evaluates, and whether batches are faster than single calls at all.
#pragma once

#include "replica/board.h"

#include <cstddef>
#include <string>

namespace mlff {

struct BatchOptions {
  std::string job;    ///< name of the launch on one node; only replicas with the same name meet
  /// hash of weights, engine and precision; only replicas with the same hash meet
  std::string model;
  /// s that a replica waits for the others; 0: by the time that they took so far
  double wait = 0.0;
  std::size_t memory = 0;    ///< bytes of one evaluation; 0: a quarter of the machine's memory
  /// number of evaluations; 0: as many as the replicas have cores for, one on a device
  int at_a_time = 0;
  enum class Choice {
    together,    ///< every call waits for the others
    compared,    ///< the first calls also measure single calls, for the report
    faster       ///< the first calls choose batches or single calls
  } choice = Choice::together;
};

/// The decisions of one replica. If replicas have more cores than one evaluation uses, they form as
/// many batches: while one batch is evaluated, the members of the other go on with their own work.
class BatchPolicy {
 public:
  BatchPolicy(Board &board, const BatchOptions &options) :
      board(board), choice(options.choice), wait(options.wait)
  {
  }

  /// Whether this replica makes its call alone. The call counts in the present comparison, and
  /// begins a new one if replicas came or went since the last. Takes the lock where it must.
  bool single_call(int slot);

  // times by this replica's clock, s
  void call_began(double time);
  void call_ended(double time) { last_end = time; }
  void run_ended() { last_end = 0.0; }
  void evaluation_took(double seconds);

  // the caller holds the lock of these functions:

  /// Time that a call waits for the others, s.
  double wait_limit() const;

  /// Whether a ready replica should evaluate now: if a share of the replicas is ready and a core is
  /// free, or if nobody is worth waiting for. late: the wait is over.
  bool enough(bool late) const;

  /// A replica that may evaluate now, or null.
  ReplicaSlot *next_evaluator();

 private:
  Board &board;
  BatchOptions::Choice choice;
  double wait;
  double away = 0.0;             // mean time between the calls of this replica
  double last_end = 0.0;         // end of its last call; 0: none in this run
  double model_seconds = 0.0;    // mean time of an evaluation

  void compare(int slot);
  bool choose_by_comparison();
  void begin_window(int window);
  void end_window();
  void end_comparison(double together_rate, double single_rate);
};

}    // namespace mlff
