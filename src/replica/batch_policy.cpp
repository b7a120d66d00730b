// Decisions about batches, and the comparison of batches with single calls.
#include "replica/batch_policy.h"

#include <algorithm>

namespace mlff {

namespace {

  /// Mean over about the last five values; the first one begins it.
  void average(double &mean, double value)
  {
    mean = mean > 0.0 ? 0.8 * mean + 0.2 * value : value;
  }

}    // namespace

void BatchPolicy::call_began(double time)
{
  if (last_end > 0.0) average(away, time - last_end);
}

void BatchPolicy::evaluation_took(double seconds)
{
  average(model_seconds, seconds);
}

double BatchPolicy::wait_limit() const
{
  if (wait > 0.0) return wait;
  // every other replica may need a core for as long as this one was away, and cores are given in
  // slices of some milliseconds
  return std::clamp(2.0 * board->in_run * away + 2.0 * model_seconds, 5e-3, 0.05);
}

bool BatchPolicy::enough(bool late) const
{
  const auto slots = board.slots();
  int n_ready = 0, n_running = 0, awaited = 0;
  for (int s = 0; s < int(slots.size()); s++) {
    const ReplicaSlot &slot = slots[s];
    const ReplicaState state = slot.state;
    if (state == ReplicaState::ready)
      n_ready++;
    else if (state == ReplicaState::running)
      n_running += slot.evaluator == s;
    else if (state != ReplicaState::vacant && slot.in_run && slot.missed < 2)
      awaited++;
  }
  const int evaluations = board->evaluations;
  if (n_ready == 0 || n_running >= evaluations) return false;
  const int share = (board->in_run + evaluations - 1) / evaluations;
  return late || awaited == 0 || (n_ready >= share && evaluations > 1) ||
      board->comparison.single.load();
}

ReplicaSlot *BatchPolicy::next_evaluator()
{
  if (!enough(false)) return nullptr;
  for (ReplicaSlot &slot : board.slots())
    if (slot.state == ReplicaState::ready) return &slot;
  return nullptr;
}

bool BatchPolicy::single_call(int slot)
{
  if (choice == BatchOptions::Choice::together) return false;
  // nobody needs to share where there is a core for each
  if (choice == BatchOptions::Choice::faster && board->in_run.load() <= board->evaluations.load())
    return true;
  compare(slot);
  return board->comparison.single.load();
}

/// Applies earlier comparisons to the present number of replicas. The more replicas the more a
/// batch saves, so that a number tells of larger or of smaller ones. False where they tell nothing.
bool BatchPolicy::choose_by_comparison()
{
  SharedComparison &found = board->comparison;
  const int n = board->in_run.load();
  if (choice == BatchOptions::Choice::compared && found.replicas.load() > 0) return true;
  const bool single = n > 0 && n <= found.single_up_to.load();
  if (!single && 4 * n < 3 * found.together_from.load()) return false;
  // only where it changes: a write would be seen by every core
  if (found.single.load() != single) found.single = single;
  return true;
}

void BatchPolicy::compare(int slot)
{
  SharedComparison &comparison = board->comparison;
  if (comparison.window.load() < 0) {
    if (choose_by_comparison()) return;
    const Board::Lock lock(board);
    if (!board->slots[slot].in_run) board.enter(slot);
    if (comparison.window.load() < 0) begin_window(0);
  }
  if (comparison.window_calls.fetch_add(1) + 1 < comparison.window_ends.load()) return;
  const Board::Lock lock(board);
  end_window();
}

/// The lock is held.
void BatchPolicy::begin_window(int window)
{
  SharedComparison &comparison = board->comparison;
  comparison.window_replicas = board->in_run;
  comparison.window_began = seconds_now();
  comparison.window_calls = 0;
  comparison.window_ends = 16 * board->in_run;
  comparison.single = window % 2 == 1;
  comparison.window = window;
  if (window % 2 == 0) return;
  // whoever waits for a batch need not any longer
  for (ReplicaSlot &slot : board.slots())
    if (slot.state == ReplicaState::ready) ring(slot.bell);
}

/// The lock is held.
void BatchPolicy::end_window()
{
  SharedComparison &comparison = board->comparison;
  const int window = comparison.window.load();
  const double seconds = seconds_now() - comparison.window_began;
  // another replica may have ended it first
  if (window < 0 || comparison.window_calls.load() < comparison.window_ends.load()) return;
  if (seconds < 5e-3) {
    comparison.window_ends += 4 * board->in_run;
    return;
  }
  if (board->in_run != comparison.window_replicas) {
    comparison.window = -1;    // the next call sees what to do for so many
    return;
  }
  comparison.rate[window] = double(comparison.window_calls.load()) / seconds;
  if (window % 2 == 0 || window < 3) return begin_window(window + 1);

  // A small difference between the rates needs more windows to be seen.
  double rates[2] = {0.0, 0.0};
  const int pairs = window / 2;    // pairs of windows, one window of each kind
  for (int w = 2; w <= window; w++) rates[w % 2] += comparison.rate[w] / pairs;
  const double ratio = std::max(rates[0], rates[1]) / std::min(rates[0], rates[1]);
  if (window + 1 < SharedComparison::most_windows && ratio < (window == 3 ? 1.4 : 1.2))
    return begin_window(window + 1);
  end_comparison(rates[0], rates[1]);
}

/// The lock is held.
void BatchPolicy::end_comparison(double together_rate, double single_rate)
{
  SharedComparison &comparison = board->comparison;
  comparison.together_rate = together_rate;
  comparison.single_rate = single_rate;
  comparison.replicas = board->in_run.load();
  const bool single = choice == BatchOptions::Choice::faster && single_rate > together_rate;
  comparison.single = single;
  (single ? comparison.single_up_to : comparison.together_from) = comparison.replicas.load();
  comparison.window = -1;
}

}    // namespace mlff
