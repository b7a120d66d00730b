// Comparison of corrector lengths, and pauses of jumps that do not pay.
#include "kstep/kstep_tuner.h"

#include <algorithm>
#include <set>

namespace mlff {

KstepTuner::KstepTuner(int corrector, double dt) : dt(dt)
{
  const std::set<int> set = {0, std::max(0, corrector - 1), corrector, corrector + 1};
  // the given one first
  lengths.push_back(corrector);
  for (const int c : set)
    if (c != corrector) lengths.push_back(c);
  measured.assign(lengths.size(), 0.0);
}

double KstepTuner::speedup(int corrector) const
{
  const auto found = std::find(lengths.begin(), lengths.end(), corrector);
  return found == lengths.end() ? 0.0 : measured[found - lengths.begin()];
}

std::vector<double> KstepTuner::state() const
{
  std::vector<double> list;
  for (const int c : lengths) list.push_back(c);
  list.insert(list.end(), measured.begin(), measured.end());
  list.insert(list.end(),
              {dt, double(current), double(left), double(pause), double(comparing), double(begun)});
  list.insert(list.end(), before.value.begin(), before.value.end());
  return list;
}

bool KstepTuner::set_state(std::span<const double> state)
{
  const std::size_t n = lengths.size();
  if (n == 0 || state.size() != 2 * n + 6 + before.value.size() || state[2 * n] != dt) return false;
  if (!std::equal(lengths.begin(), lengths.end(), state.begin())) return false;
  std::copy_n(state.begin() + n, n, measured.begin());
  const auto rest = state.subspan(2 * n + 1);
  current = std::min(std::size_t(rest[0]), n - 1);
  left = int(rest[1]);
  pause = int(rest[2]);
  comparing = rest[3] != 0.0;
  begun = rest[4] != 0.0;
  std::copy_n(rest.begin() + 5, before.value.size(), before.value.begin());
  return true;
}

KstepTuner::Choice KstepTuner::update(const KstepCounters &now)
{
  if (!begun) {
    begun = true;
    before = now;
  }
  const auto here = now.since(before);
  if (here[KstepCounters::proposals] < window) return choice(0);
  measured[current] = here.speedup(dt);
  before = now;

  if (comparing && current + 1 < lengths.size()) {
    current++;
    return choice(0);
  }
  if (!comparing && --left > 0 && measured[current] >= 1.0) return choice(0);
  if (!comparing && measured[current] >= 1.0) {
    // times change: compare again
    comparing = true;
    current = 0;
    return choice(0);
  }
  current = std::max_element(measured.begin(), measured.end()) - measured.begin();
  comparing = false;
  left = stay;
  if (measured[current] >= 1.0) {
    pause = first_pause;
    return choice(0);
  }
  comparing = true;
  current = 0;
  begun = false;    // the steps of the pause do not count
  const int now_paused = pause;
  pause = std::min(2 * pause, last_pause);
  return choice(now_paused);
}

}    // namespace mlff
