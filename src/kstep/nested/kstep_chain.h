// The chain of a student between two calls of the true force: segments of hybrid Monte Carlo.
#pragma once

#include "kstep/kstep_jump.h"
#include "kstep/kstep_thermostat.h"
#include "kstep/nested/block_mean.h"
#include "kstep/nested/slow_coordinates.h"
#include "kstep/nested/student_forces.h"
#include "kstep/nested/temperature_ladder.h"

#include <memory>
#include <string>
#include <vector>

namespace mlff {

/// Proposals of a nested Markov chain (L. D. Gelb, J. Chem. Phys. 118, 7747 (2003); R. Iftimie et
/// al., J. Chem. Phys. 113, 4852 (2000)). A proposal is a number of segments. In each, velocities
/// are drawn from the Maxwell distribution, all 3N of them; steps of velocity Verlet with the
/// student's energy V_s follow; each molecule takes the end with probability
/// min(1, exp(-change(V_s + K) / kT)), and else stays where it was (S. Duane et al., Phys. Lett. B
/// 195, 216 (1987)). Each segment is reversible for exp(-V_s / kT), and so is their product. A
/// segment whose way leads to a state without an answer is taken back by all molecules; this is
/// reversible, too, as the way back leads there as well.
///
/// With a ladder the chain is of copies at several temperatures, of which the first is at kT. All
/// make their segments in one evaluation, and exchange between them. Segments and exchanges in
/// turn, from a segment to a segment, are reversible for the product of the distributions of all
/// copies. Only the first copy is proposed; settle() is called with what became of it.
class KstepChain : public KstepJump {
 public:
  /// steps of dt ps make a segment. Random numbers and ladder must live as long as the chain.
  KstepChain(const Potential &potential, int steps, double dt, std::unique_ptr<Engine> engine,
             KstepRandom &random, TemperatureLadder &ladder);

  int segments = 1;    ///< of the next proposal
  double kT = 0.0;     ///< eV

  /// The place after all segments; velocities stay those of the start, for they have no meaning.
  /// Throws EngineError where the student has no energy for the start.
  void propose(const KstepMolecules &molecules, const KstepState &start, KstepState &end) override;

  /// [n_molecules] change of V_s over the last proposal, eV.
  const std::vector<double> &energy_change() const { return change; }

  /// After a proposal: copies of molecules that were not accepted go back.
  void settle(const KstepMolecules &molecules, const std::vector<char> &accepted);

  /// Correlation of the student from this start, in segments: segments are made until there are
  /// fifty times as many as the slowest coordinate takes to forget, or 12,800. `n` becomes their
  /// number.
  SlowCoordinates::Slowest correlation(const KstepMolecules &molecules, const KstepState &start,
                                       int &n);

  void check(const KstepMolecules &molecules, const KstepState &start) override;
  std::string description() const override { return forces.description(); }

  /// What became of segments; each molecule counts.
  struct Tally {
    double segments = 0.0, accepted = 0.0;
    BlockMean boltzmann;    ///< exp(-change(V_s + K) / kT), of which the mean is 1

    double acceptance() const { return segments > 0.0 ? accepted / segments : 0.0; }
    void count(double change_in_kT, bool accepted);
  };

  /// Where segments are counted; null: nowhere.
  Tally *total = nullptr, *run = nullptr;

 private:
  struct Place {
    std::vector<double> x, f, energy;
  };
  StudentForces forces;
  int steps;
  double dt;
  KstepRandom &random;
  TemperatureLadder &ladder;
  Place place;                        // of the chain, of all copies
  KstepMolecules all;                 // of all copies
  std::vector<double> temperature;    // eV, of each of them
  std::vector<double> x, v, kinetic, change;

  void start_at(const KstepMolecules &molecules, const KstepState &start);
  bool walk();
  void segment();
  void exchange();
};

/// exp(-change), 0 for a change that is not finite.
double boltzmann_factor(double change_in_kT);

}    // namespace mlff
