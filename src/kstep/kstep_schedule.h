// Cycle of fix kstep/hybrid: a jump, the steps that take the place of a rejected jump, and the
// corrector.
#pragma once

#include <vector>

namespace mlff {

struct KstepSchedule {
  // values as restart files hold them
  enum Phase {
    at_jump,     ///< the next step is a jump
    fallback,    ///< steps of velocity Verlet in the place of a jump, of those that are not waiting
    correct      ///< steps of velocity Verlet of all molecules
  } phase = at_jump;
  int left = 0;       ///< steps left in this phase
  int attempt = 0;    ///< number of the attempt to jump; 0: the first
  /// molecules that have arrived, while others fall back; empty: none
  std::vector<char> waiting;

  /// Begins a new cycle with other atoms or other jumps.
  void begin_anew();

  /// Starts the corrector, or other steps without jumps.
  void correct_for(int steps);

  /// Starts `steps` steps for the molecules that did not arrive.
  void fall_back(const std::vector<char> &arrived, int steps);

  /// Share of the molecules that wait; 0 if none does.
  double waiting_share() const;

  /// Counts a step of velocity Verlet. Returns true for the last step of its phase.
  bool count_step() { return --left == 0; }
};

}    // namespace mlff
