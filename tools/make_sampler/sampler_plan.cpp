// Shares the time that a user gives among the rounds of a sampler.
#include "make_sampler/sampler_plan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

namespace mlff {

using Json = nlohmann::ordered_json;

namespace {

  constexpr std::array<double, most_rounds> shares = {0.08, 0.15, 0.27, 0.5};

  /// Of a round without a student, and of the others.
  constexpr double first_share_of_labels = 0.5, share_of_labels = 0.35;

  // labels of a round: fewer teach nothing, more are not learned in the time of the round
  constexpr long least_labels = 60, most_labels = 3000;

  /// Frames that measure a student: the error of their standard deviation is 7 %.
  constexpr long probes = 100;

  /// Of the frames of a student, share at the temperature of the sampler.
  constexpr double share_at_temperature = 0.6;

  /// Seconds for the probes of the last student.
  double closing_seconds(const RoundSituation &s)
  {
    return double(probes) * (s.label_seconds + s.frame_seconds);
  }

  /// Labels that leave the training its share of the time, or enough passes over all of them.
  double labels_of_seconds(const RoundSituation &s, double seconds)
  {
    const double label = s.label_seconds + s.frame_seconds,
                 labels = share_of_labels * seconds / label;
    if (!(s.frames_per_second > 0.0)) return labels;
    const double pass = most_passes / s.frames_per_second;    // s, for a label
    return std::max(labels, (seconds - pass * double(s.labels_before)) / (label + pass));
  }

}    // namespace

Json SamplerRound::json() const
{
  return {{"closing", closing}, {"frames", frames}, {"above", above}, {"seconds", seconds}};
}

SamplerRound SamplerRound::of(const Json &json)
{
  return {json["closing"], json["frames"], json["above"], json["seconds"]};
}

SamplerRound plan_sampler_round(const RoundSituation &s)
{
  SamplerRound round;
  const bool limited = s.labels_left >= 0;
  // of a budget, what measures the last student
  const long kept = limited ? std::min(probes, std::max(10L, s.labels_left / 10)) : 0;
  const double left = s.seconds_left - closing_seconds(s);
  round.closing = s.round >= most_rounds ||
      (s.round > 0 && (left < 0.05 * s.seconds || (limited && s.labels_left <= 2 * kept)));
  if (round.closing) {
    round.frames = limited ? std::min(probes, s.labels_left) : probes;
    return round;
  }
  const double share =
      shares[s.round] / std::accumulate(shares.begin() + s.round, shares.end(), 0.0);
  round.seconds = std::max(0.0, left) * share;
  long labels =
      std::clamp(std::lround(labels_of_seconds(s, round.seconds)), least_labels, most_labels);
  if (limited)
    labels = std::min(labels, std::max(10L, std::lround(share * double(s.labels_left - kept))));
  round.frames = s.has_student ? std::max(1L, std::lround(share_at_temperature * double(labels)))
                               : 0;
  round.above = labels - round.frames;
  return round;
}

}    // namespace mlff
