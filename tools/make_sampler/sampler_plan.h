// Shares the time that a user gives among the rounds of a sampler.
#pragma once

#include <nlohmann/json.hpp>

namespace mlff {

/// Rounds with a training that one teacher has at most; one more measures the last student.
inline constexpr int most_rounds = 4;

/// Share of the whole time that is kept for what follows the rounds.
inline constexpr double share_of_check = 0.1;

/// What is known when a round is planned.
struct RoundSituation {
  int round = 0;                     ///< rounds of this teacher before
  bool has_student = false;          ///< whether there is one to sample with
  double seconds = 0.0;              ///< of the rounds of this teacher in all
  double seconds_left = 0.0;         ///< of these
  double label_seconds = 0.0;        ///< of one label
  double frame_seconds = 0.0;        ///< of one frame of the student's chain
  long labels_left = -1;             ///< -1: any number
  long labels_before = 0;            ///< of this teacher
  double frames_per_second = 0.0;    ///< of a training; 0: not known yet
};

/// A round: frames of the student at the temperature of the sampler and above are labelled, and the
/// student is measured on the former before it learns from all.
struct SamplerRound {
  bool closing = false;          ///< the student is measured and learns no more
  long frames = 0, above = 0;    ///< frames at the temperature, and at higher ones
  double seconds = 0.0;          ///< time of the round

  nlohmann::ordered_json json() const;
  static SamplerRound of(const nlohmann::ordered_json &json);
};

/// Passes over its labels after which a student learns no more from them.
inline constexpr double most_passes = 5000.0;

/// Later rounds are longer: their students know where the student goes. A third to a half of a
/// round is for labels, as far as these are of use, and more where the training has enough passes
/// over them in less than the other part, as with labels that take seconds. Without a student all
/// frames are drawn, far apart, and count as `above`. The frames that measure the last student are
/// kept back from the labels.
SamplerRound plan_sampler_round(const RoundSituation &situation);

}    // namespace mlff
