// The meeting of replicas: a call is announced on the board, awaited, evaluated by one of those
// that are ready, and its result taken.
#include "replica/rendezvous.h"

#include <algorithm>
#include <cstdio>
#include <utility>

namespace mlff {

/// Why an evaluation failed; no text where it did not.
struct Rendezvous::Failure {
  std::string text;
  ErrorKind kind = ErrorKind::engine;
};

Rendezvous::Rendezvous(Payload &payload, const BatchOptions &options) :
    payload(payload), board(options.job, options.model, payload.cores(), options.at_a_time),
    policy(board, options), number(board.take_slot(arena.file()))
{
}

Rendezvous::~Rendezvous()
{
  const Board::Lock lock(board);
  board->left_times += slot().times;
  board->left_times += last_call;
  board->left_calls += slot().calls;
  board->single_calls += single_calls;
  slot().state = ReplicaState::vacant;
  board.sweep();
  board.count_replicas();
  wake_one();
}

void Rendezvous::enter()
{
  const Board::Lock lock(board);
  board.enter(number);
}

void Rendezvous::leave()
{
  const Board::Lock lock(board);
  slot().in_run = false;
  slot().times += std::exchange(last_call, {});
  board->single_calls += std::exchange(single_calls, 0);
  policy.run_ended();
  board.count_replicas();
  wake_one();
}

/// The lock is held.
void Rendezvous::wake_one()
{
  if (ReplicaSlot *next = policy.next_evaluator()) ring(next->bell);
}

void Rendezvous::evaluate()
{
  if (!policy.single_call(number)) return call_together();
  single_calls++;
  payload.evaluate_alone();
}

void Rendezvous::call_together()
{
  const double begin = seconds_now();
  payload.serialize(arena.reserve(payload.size()));
  const double gathered = seconds_now();
  stage("gathered");
  policy.call_began(begin);
  const double in_model = meet(gathered);

  const bool good = slot().state == ReplicaState::done;
  const Failure failure = good ? Failure() : Failure{slot().error, slot().error_kind};
  slot().state = ReplicaState::away;
  const double waited = seconds_now();
  if (good) payload.deserialize(arena.memory());
  const double end = seconds_now();
  policy.call_ended(end);
  last_call = {gathered - begin, waited - gathered - in_model, in_model, end - waited};
  if (!good) throw_error(failure.kind, failure.text);
}

/// Takes a call in this replica's memory to its answer. Returns the seconds that this replica
/// itself spent evaluating.
double Rendezvous::meet(double gathered)
{
  Board::Lock lock(board);
  stage("locked");
  announce();
  const double deadline = gathered + policy.wait_limit();
  while (!answered()) {
    const bool is_ready = slot().state == ReplicaState::ready;
    const bool late = seconds_now() >= deadline;
    if (is_ready && policy.enough(late)) return evaluate_batch(late, lock);

    // short enough to notice that whoever is awaited, or evaluates this call, died
    constexpr double nap = 0.02;
    const double left = is_ready && !late ? std::max(deadline - seconds_now(), 1e-5) : nap;
    const std::uint32_t value = slot().bell.load();
    lock.unlock();
    stage("waiting");
    wait_for(slot().bell, value, std::min(left, nap));
    if (answered()) break;
    lock.lock();
    if (seconds_now() - std::max(board.last_sweep(), gathered) > 0.01) board.sweep();
  }
  return 0.0;
}

bool Rendezvous::answered()
{
  const ReplicaState state = slot().state;
  return state == ReplicaState::done || state == ReplicaState::failed;
}

/// The lock is held.
void Rendezvous::announce()
{
  slot().capacity = arena.capacity();
  slot().state = ReplicaState::ready;
  slot().missed = 0;
  if (!slot().in_run) board.enter(number);
  slot().calls++;
  slot().times += std::exchange(last_call, {});
}

/// Evaluates all calls that are ready, this replica's among them, and wakes their owners. The lock
/// is held before, and not after. Returns the seconds it took.
double Rendezvous::evaluate_batch(bool late, Board::Lock &lock)
{
  choose(late);
  lock.unlock();
  const double start = seconds_now();
  const long splits = payload.n_splits();
  const bool at_once = run();
  const double seconds = seconds_now() - start;
  lock.lock();
  policy.evaluation_took(seconds);
  auto to_wake = tell_members();
  board->histogram[members.size()]++;
  board->splits += payload.n_splits() - splits;
  if (!at_once) board->retries++;
  if (ReplicaSlot *next = policy.next_evaluator()) to_wake.push_back(next);
  // without the lock, for which they would wait next
  lock.unlock();
  for (ReplicaSlot *other : to_wake) ring(other->bell);
  return seconds;
}

/// Takes the calls that this replica evaluates now: its own, and all others that are ready. The
/// lock is held.
void Rendezvous::choose(bool late)
{
  members.clear();
  calls.clear();
  board->batches++;
  const auto slots = board.slots();
  for (int s = 0; s < int(slots.size()); s++) {
    ReplicaSlot &other = slots[s];
    if (other.state != ReplicaState::ready) continue;
    char *bytes = s == number ? arena.memory()
                              : views[s].map(other.process, other.file, other.capacity);
    if (!bytes) continue;    // its process has ended
    members.push_back(s);
    calls.push_back(bytes);
    other.state = ReplicaState::running;
    other.evaluator = number;
    other.batch = board->batches;
  }
  if (!late) return;
  for (ReplicaSlot &other : slots) {
    const ReplicaState state = other.state;
    if (state == ReplicaState::away || state == ReplicaState::done || state == ReplicaState::failed)
      other.missed += other.in_run;
  }
}

Rendezvous::Failure Rendezvous::attempt(std::span<char *const> some)
{
  try {
    stage("evaluating");
    payload.evaluate(some);
    stage("evaluated");
    payload.write_results(some);
  } catch (const std::exception &error) {
    return {error.what(), kind_of(error)};
  }
  return {};
}

/// The calls together, or, where that fails, one by one: a call that cannot be evaluated harms
/// nobody else. False in that case. The lock is not held.
bool Rendezvous::run()
{
  failures.assign(calls.size(), {});
  const Failure failure = attempt(calls);
  if (failure.text.empty()) return true;
  if (calls.size() == 1) {
    failures[0] = failure;
    return true;
  }
  for (std::size_t k = 0; k < calls.size(); k++)
    failures[k] = attempt(std::span(calls).subspan(k, 1));
  return false;
}

/// Marks the calls of the batch as done or failed; returns whom to wake. The lock is held.
std::vector<ReplicaSlot *> Rendezvous::tell_members()
{
  std::vector<ReplicaSlot *> to_wake;
  for (std::size_t k = 0; k < members.size(); k++) {
    ReplicaSlot &member = board->slots[members[k]];
    // The member may have died, or been freed, meanwhile.
    if (member.state != ReplicaState::running || member.evaluator != number) continue;
    std::snprintf(member.error, sizeof(member.error), "%s", failures[k].text.c_str());
    member.error_kind = failures[k].kind;
    member.state = failures[k].text.empty() ? ReplicaState::done : ReplicaState::failed;
    if (members[k] != number) to_wake.push_back(&member);
  }
  return to_wake;
}

BatchStatistics Rendezvous::statistics()
{
  const Board::Lock lock(board);
  BatchStatistics statistics;
  statistics.histogram.assign(board->histogram, board->histogram + most_replicas + 1);
  while (statistics.histogram.size() > 1 && statistics.histogram.back() == 0)
    statistics.histogram.pop_back();
  statistics.replicas = board->most_in_run;
  statistics.calls = board->left_calls;
  statistics.single_calls = board->single_calls + single_calls;
  statistics.splits = board->splits;
  statistics.retries = board->retries;
  statistics.together = board->comparison.together_rate;
  statistics.single = board->comparison.single_rate;
  statistics.compared = board->comparison.replicas;
  statistics.times = board->left_times;
  for (const ReplicaSlot &one : board.slots()) {
    if (one.state == ReplicaState::vacant) continue;
    statistics.times += one.times;
    statistics.calls += one.calls;
  }
  return statistics;
}

int Rendezvous::n_replicas()
{
  const Board::Lock lock(board);
  const auto slots = board.slots();
  return int(std::count_if(slots.begin(), slots.end(), [](const ReplicaSlot &one) {
    return one.state != ReplicaState::vacant;
  }));
}

}    // namespace mlff
