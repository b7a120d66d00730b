// The number of segments by correlation, acceptance and times.
#include "kstep/nested/chain_length.h"

#include <algorithm>
#include <cmath>

namespace mlff {

// of three correlation times, whatever was measured
static constexpr double most_segments = 10000.0;

int best_segments(double inefficiency, double acceptance, double segment_seconds,
                  double force_seconds)
{
  const double rho = std::max(0.0, (inefficiency - 1.0) / (inefficiency + 1.0));
  const double times = rho > 0.0 ? -3.0 / std::log(rho) : 1.0;
  const int most = int(std::ceil(std::clamp(times, 1.0, most_segments)));
  if (!(segment_seconds > 0.0)) return most;
  int best = 1;
  double gain = 0.0, power = 1.0;
  for (int n = 1; n <= most; n++) {
    power *= rho;
    const double r = 1.0 - acceptance * (1.0 - power);
    const double here = (1.0 - r) / (1.0 + r) / (force_seconds + n * segment_seconds);
    if (!(here > gain)) continue;
    gain = here;
    best = n;
  }
  return best;
}

void ChainLength::set_correlation(double of_student, double seconds)
{
  inefficiency = of_student;
  segment_seconds = seconds;
  now = best_segments(inefficiency, 1.0, 0.0, 0.0);
}

bool ChainLength::count_trial(double share, double seconds)
{
  if (chosen()) return false;
  accepted += share;
  force += seconds;
  if (++n_trials < trials) return false;
  // a few trials cannot tell that nothing is ever accepted
  now = best_segments(inefficiency, std::max(acceptance(), 0.5 / trials), segment_seconds,
                      force_seconds());
  return true;
}

void ChainLength::append_to(std::vector<double> &list) const
{
  // a number that was given is no choice to go on with
  list.insert(list.end(),
              {given > 0 ? 0.0 : double(now), double(n_trials), accepted, force, inefficiency,
               segment_seconds});
}

void ChainLength::read_from(std::span<const double> list, std::size_t &at)
{
  if (at + 6 > list.size()) return;
  const auto part = list.subspan(at, 6);
  at += 6;
  if (given > 0) return;
  now = int(part[0]);
  n_trials = int(part[1]);
  accepted = part[2];
  force = part[3];
  inefficiency = part[4];
  segment_seconds = part[5];
}

}    // namespace mlff
