// When replicas evaluate together: how long one waits for the others, who evaluates, and whether
// batches are faster than single calls at all.
#pragma once

#include "replica/board.h"

#include <cstddef>
#include <string>

namespace mlff {

struct BatchOptions {
  std::string job;      ///< only replicas with the same one meet: those of one launch on one node
  std::string model;    ///< hash of weights, engine and precision; only equal ones meet
  double wait = 0.0;    ///< s that a replica waits for the others; 0: by the time they took so far
  std::size_t memory = 0;    ///< bytes of one evaluation; 0: a quarter of what the machine has
  int at_a_time = 0;    ///< evaluations; 0: as many as the replicas have cores for, one on a device
  enum class Choice {
    together,    ///< every call waits for the others
    compared,    ///< the first calls also measure single calls, for the report
    faster       ///< the first calls choose batches or single calls
  } choice = Choice::together;
};

/// The decisions of one replica. Where replicas have more cores than one evaluation uses, they
/// gather in as many batches: while one is evaluated the members of the other get on with their own
/// work.
class BatchPolicy {
 public:
  BatchPolicy(Board &board, const BatchOptions &options) :
      board(board), choice(options.choice), wait(options.wait)
  {
  }

  /// Whether this replica makes its call alone. The call counts in the comparison under way, and
  /// begins one where replicas came or went since the last. Takes the lock where it must.
  bool single_call(int slot);

  // times of this replica's clock, s
  void call_began(double time);
  void call_ended(double time) { last_end = time; }
  void run_ended() { last_end = 0.0; }
  void evaluation_took(double seconds);

  // the lock is held:

  /// s that a call waits for the others.
  double wait_limit() const;

  /// Whether one that is ready should evaluate now: a share of the replicas is ready and a core
  /// free, or there is nobody worth waiting for. late: the wait is over.
  bool enough(bool late) const;

  /// A replica that may evaluate now, null where there is none.
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
