// Decides which molecules keep a jump: verdicts on the way and at the landing, for each molecule,
// or for all together where only the energy of all together is known.
#pragma once

#include "kstep/kstep_accounting.h"
#include "kstep/kstep_guard.h"
#include "kstep/kstep_molecules.h"
#include "kstep/kstep_thermostat.h"

#include <span>
#include <vector>

namespace mlff {

class KstepDecision {
 public:
  bool metropolis = false;    ///< landings are accepted by their energies
  bool together = false;      ///< one rejected molecule takes all others back

  /// energies before the jump, eV: of each molecule, or of all together
  std::vector<double> potential;
  std::vector<double> landed;    ///< energies after the jump, eV
  std::vector<char> moved;       ///< [n_molecules] whether the molecule makes this jump

  /// [n_molecules] change of the student's energy, eV, where the jump was a chain that samples it.
  /// The change of V - V_s decides then, without kinetic energies. Empty: total energies decide.
  std::vector<double> student_change;
  /// [n_parts] by Metropolis: change of the energy that decides, kT; not finite for a part that did
  /// not move
  std::vector<double> change;

  /// Remembers kinetic energies before a jump.
  void start(const KstepMolecules &molecules, std::span<const double> v);

  /// Gives verdicts on the way to the proposed state, over `stride` ps, and finds the molecules
  /// that move there. proposed: false if the model has no answer. Returns the number of molecules
  /// that pass.
  int check_way(const KstepGuard &guard, const KstepMolecules &molecules, const KstepState &start,
                const KstepState &end, double stride, bool proposed);

  /// Gives verdicts on landings, by their forces and energies. kT in eV. With Metropolis each part
  /// takes one random number.
  void check_landing(const KstepGuard &guard, const KstepMolecules &molecules,
                     const KstepState &end, double kT, KstepRandom &random,
                     KstepCounters &counters);

  /// Counts the verdicts: one for each molecule, or one for all if they go back together. Returns
  /// which molecules are accepted [n_molecules].
  std::vector<char> judge(KstepCounters &counters) const;

  /// Keeps a landing of the molecules that were accepted together. With `rescale` their total
  /// energy is kept by rescaling the velocities v; energy that is not kept is counted. Returns the
  /// change of their potential energy, eV.
  double keep(int part, const KstepMolecules &molecules, std::span<const double> x,
              std::span<double> v, bool rescale, KstepCounters &counters);

  /// Parts are the molecules, or all of them together.
  int n_parts() const { return int(potential.size()); }
  int part_size() const { return int(moved.size()) / n_parts(); }

 private:
  std::vector<KstepVerdict> verdicts;
  std::vector<double> kinetic;    // eV, of each molecule at the start of the jump

  KstepVerdict check_part(int part, const KstepGuard &guard, const KstepMolecules &molecules,
                          const KstepState &end, double kT, double chance, KstepCounters &counters);
};

}    // namespace mlff
