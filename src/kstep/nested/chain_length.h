// Chooses how many segments the student makes between two calls of the force.
#pragma once

#include <span>
#include <vector>

namespace mlff {

/// Number of segments that gives most independent samples in a second, at most three correlation
/// times. With the statistical inefficiency g of the slowest coordinate in segments, and the share
/// A of moves that are accepted, moves of n segments have the correlation r = 1 - A + A rho^n,
/// where rho = (g - 1) / (g + 1), and (1 - r) / (1 + r) of each is independent. Times in s; if a
/// segment takes none, three correlation times.
int best_segments(double inefficiency, double acceptance, double segment_seconds,
                  double force_seconds);

/// The choice in the order of a run: the correlation of the student, some trial moves with the true
/// force, and then a number that stays.
class ChainLength {
 public:
  static constexpr int trials = 10;

  ChainLength() = default;

  /// A given number, or 0 to choose it.
  explicit ChainLength(int segments) : given(segments), now(segments) {}

  bool chosen() const { return given > 0 || n_trials >= trials; }
  bool wants_correlation() const { return now == 0; }
  int segments() const { return now; }

  /// inefficiency in segments; seconds of one segment, 0 without times.
  void set_correlation(double inefficiency, double seconds);

  /// Counts a trial move: the share of molecules accepted, and the time of the force. Returns true
  /// where this was the last one and the choice is made.
  bool count_trial(double accepted, double seconds);

  double inefficiency = 1.0;       ///< segments
  double segment_seconds = 0.0;    ///< s of a segment
  double force_seconds() const { return n_trials > 0 ? force / n_trials : 0.0; }
  double acceptance() const { return n_trials > 0 ? accepted / n_trials : 0.0; }

  void append_to(std::vector<double> &list) const;

  /// Reads a state back, and moves `at` behind it. A number that is given stays.
  void read_from(std::span<const double> list, std::size_t &at);

 private:
  int given = 1, now = 1, n_trials = 0;
  double accepted = 0.0, force = 0.0;
};

}    // namespace mlff
