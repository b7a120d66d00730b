// Changes of the phase of a cycle.
#include "kstep/kstep_schedule.h"

#include <algorithm>

namespace mlff {

void KstepSchedule::begin_anew()
{
  *this = {};
}

void KstepSchedule::correct_for(int steps)
{
  waiting.clear();
  phase = steps > 0 ? correct : at_jump;
  left = steps;
  attempt = 0;
}

void KstepSchedule::fall_back(const std::vector<char> &arrived, int steps)
{
  attempt = 0;
  phase = fallback;
  left = steps;
  waiting.clear();
  if (std::count(arrived.begin(), arrived.end(), 1) > 0) waiting = arrived;
}

double KstepSchedule::waiting_share() const
{
  if (waiting.empty()) return 0.0;
  return double(std::count(waiting.begin(), waiting.end(), 1)) / double(waiting.size());
}

}    // namespace mlff
