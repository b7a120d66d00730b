// Chooses while fix kstep/hybrid runs, by measured times, the corrector that pays, and whether
// jumps pay at all.
#pragma once

#include "kstep/kstep_accounting.h"

#include <span>
#include <vector>

namespace mlff {

/// Compares corrector lengths in turn: each is used for a window of jumps, then the best stays for
/// many windows. If the best is not faster than velocity Verlet, jumps pause for a while, each time
/// longer, and are tried again.
class KstepTuner {
 public:
  static constexpr int window = 40;    ///< cycles with one corrector length before it is judged
  static constexpr int stay = 25;    ///< windows with the best length before all are compared again
  static constexpr int first_pause = 400;    ///< steps of velocity Verlet
  static constexpr int last_pause = 100000;

  struct Choice {
    int corrector;    ///< steps after each jump
    int pause;        ///< steps of velocity Verlet before the next jump; 0: none
  };

  KstepTuner() = default;

  /// Compares the lengths 0, the given one, and one step more and less; dt in ps.
  KstepTuner(int corrector, double dt);

  /// Called at the end of each cycle with the counters so far.
  Choice update(const KstepCounters &now);

  /// The present choice.
  int corrector() const { return lengths.empty() ? 0 : lengths[current]; }

  /// The whole state in numbers, and back. set_state returns false, and changes nothing, for
  /// numbers of another comparison.
  std::vector<double> state() const;
  bool set_state(std::span<const double> state);

  /// Last measured S of a corrector length in the comparison; 0: not yet measured.
  double speedup(int corrector) const;

 private:
  std::vector<int> lengths;
  std::vector<double> measured;
  double dt = 0.0;
  std::size_t current = 0;
  int left = 0, pause = first_pause;
  bool comparing = true, begun = false;
  KstepCounters before;

  Choice choice(int pause) const { return {lengths[current], pause}; }
};

}    // namespace mlff
