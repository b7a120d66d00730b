// The board where the replicas of a node meet: shared memory with a slot for each of them, a lock,
// and bells that wake sleeping replicas.
#pragma once

#include "core/errors.h"
#include "replica/process_identity.h"

#include <pthread.h>
#include <sched.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace mlff {

inline constexpr int most_replicas = 256;

/// Times of one call, or sums over calls, s.
struct CallTimes {
  double gather = 0.0, wait = 0.0, model = 0.0, scatter = 0.0;

  CallTimes &operator+=(const CallTimes &other)
  {
    gather += other.gather;
    wait += other.wait;
    model += other.model;
    scatter += other.scatter;
    return *this;
  }
};

enum class ReplicaState : int {
  vacant,     ///< the slot belongs to nobody
  away,       ///< busy with its own work
  ready,      ///< its memory holds a call
  running,    ///< another replica, or this one, evaluates its call
  done,       ///< its memory holds the result
  failed      ///< its call has no result, `error` says why
};

/// State of a replica that the others see. Only its owner turns `done` and `failed` into `away`;
/// everything else changes under the lock.
struct ReplicaSlot {
  /// rung when another replica changed the state, or wants this one to go on
  std::atomic<std::uint32_t> bell = 0;
  std::atomic<ReplicaState> state = ReplicaState::vacant;
  ProcessIdentity process;
  int file = -1;    ///< descriptor of its memory in that process
  std::size_t capacity = 0;
  int evaluator = -1;     ///< slot of the replica that evaluates this one
  long batch = 0;         ///< number of the batch that the replica is in
  int missed = 0;         ///< batches in a row that were evaluated without this replica
  bool in_run = false;    ///< the others wait for it
  cpu_set_t cores;        ///< cores that it may use
  char error[400] = "";
  ErrorKind error_kind = ErrorKind::engine;
  CallTimes times;
  long calls = 0;
};

/// Comparison of batches with single calls, see BatchPolicy: windows of calls in turn, of which the
/// first of each kind is a warm-up.
struct SharedComparison {
  static constexpr int most_windows = 8;

  std::atomic<bool> single = false;     ///< whether calls are made alone now
  std::atomic<int> replicas = 0;        ///< number in the last finished comparison; 0: none
  std::atomic<int> single_up_to = 0;    ///< largest number of replicas found faster alone
  std::atomic<int> together_from = 4 * most_replicas;    ///< smallest number found faster together
  std::atomic<int> window = -1;          ///< number of the present window; -1: no comparison
  std::atomic<long> window_calls = 0;    ///< calls made in the window
  std::atomic<long> window_ends = 0;     ///< number of calls that ends the window
  int window_replicas = 0;
  double window_began = 0.0;
  double rate[most_windows] = {};    ///< calls per second
  double together_rate = 0.0, single_rate = 0.0;
};

/// Contents of the shared memory.
struct BoardData {
  std::atomic<std::uint64_t> version = 0;    ///< set after all other members
  pthread_mutex_t mutex;
  int n_slots = 0;                     ///< all slots in use have smaller numbers
  std::atomic<int> in_run = 0;         ///< replicas that the others wait for
  int most_in_run = 0;                 ///< largest number so far
  std::atomic<int> evaluations = 0;    ///< number that may run at a time
  long batches = 0, retries = 0, splits = 0;
  long histogram[most_replicas + 1] = {};
  CallTimes left_times;    ///< sums over replicas that left
  long left_calls = 0, single_calls = 0;
  SharedComparison comparison;
  ReplicaSlot slots[most_replicas];
};

/// The board of the replicas with one job and model. It is anonymous memory, which others find and
/// open through /proc (Linux), and which ends with the last of them.
class Board {
 public:
  /// Joins the board, or makes it. cores: cores that one evaluation keeps busy, 0 if it runs on
  /// another device; at_a_time: number of evaluations, 0: as many as the replicas have cores for.
  /// Throws EngineError if there is no shared memory.
  Board(const std::string &job, const std::string &model, int cores, int at_a_time);
  ~Board();
  Board(const Board &) = delete;
  Board &operator=(const Board &) = delete;

  /// The lock of the board. A replica that dies with the lock leaves a state that is valid in every
  /// field, so the next one goes on. Throws EngineError if the lock is broken.
  class Lock {
   public:
    explicit Lock(Board &board) : board(board) { lock(); }
    ~Lock()
    {
      if (held) unlock();
    }
    Lock(const Lock &) = delete;
    Lock &operator=(const Lock &) = delete;
    void lock();
    void unlock();

   private:
    Board &board;
    bool held = false;
  };

  BoardData *operator->() { return data; }
  const BoardData *operator->() const { return data; }
  std::span<ReplicaSlot> slots() { return {data->slots, std::size_t(data->n_slots)}; }
  std::span<const ReplicaSlot> slots() const { return {data->slots, std::size_t(data->n_slots)}; }

  /// Takes the lock, and a slot for this process, whose memory is `file`. Throws EngineError if
  /// there are most_replicas already.
  int take_slot(int file);

  // the caller holds the lock of these functions:

  /// Makes the others wait for this replica from now on.
  void enter(int slot);

  /// Counts the replicas that the others wait for, and the evaluations that they have cores for.
  void count_replicas();

  /// Frees the slots of replicas whose process has ended. Calls that these replicas were evaluating
  /// become ready again.
  void sweep();
  double last_sweep() const { return swept; }    ///< by the clock below, s

 private:
  int cores, at_a_time;
  int file = -1;
  BoardData *data = nullptr;
  double swept = 0.0;

  bool join(const std::string &name);
  void make(const std::string &name);
  void map();
  void unmap();
};

/// Time of a clock that never goes back, s.
double seconds_now();

/// Sleeps until the bell rings, or for the given time at most. Does not sleep if the bell no longer
/// has this value.
void wait_for(std::atomic<std::uint32_t> &bell, std::uint32_t value, double seconds);

/// Wakes the replica that waits for the bell.
void ring(std::atomic<std::uint32_t> &bell);

}    // namespace mlff
