// Exact sampling by segments of a student, in fix kstep/hybrid.

#ifndef LMP_KSTEP_SAMPLING_H
#define LMP_KSTEP_SAMPLING_H

#include "fix_kstep/nested/kstep_proposals.h"
#include "kstep/kstep_accounting.h"
#include "kstep/kstep_decision.h"
#include "kstep/nested/chain_length.h"
#include "kstep/nested/kstep_chain.h"
#include "pointers.h"

#include <memory>
#include <string>
#include <vector>

namespace LAMMPS_NS {

class KstepAtoms;
class KstepSettings;

/* ----------------------------------------------------------------------
   A move of the nested Markov chain is one step of LAMMPS. The student's
   segments propose a place (mlff::KstepChain), the cycle moves molecules
   there and calls the force, and mlff::KstepDecision accepts by the change
   of V - V_s. This class chooses the number of segments, and keeps what is
   told about moves: weights, identities, proposals.

     prepare()    before a proposal
     finish()     after the decision, while energies before it are known

   Moves count as soon as the number of segments is chosen.
------------------------------------------------------------------------- */

class KstepSampling : protected Pointers {
 public:
  KstepSampling(class LAMMPS *, const KstepSettings &, mlff::KstepRandom &);

  bool on() const;
  std::unique_ptr<mlff::KstepJump> make_chain(const mlff::Potential &, int steps, double dt_ps,
                                              std::unique_ptr<mlff::Engine>);

  void setup();    // before a run
  void prepare(const KstepAtoms &, const mlff::KstepState &, double kT);
  const std::vector<double> &energy_change() const { return chain->energy_change(); }

  // where a decision is counted: `all`, or nowhere before the choice
  mlff::KstepCounters &tally(mlff::KstepCounters &all);
  void finish(const KstepAtoms &, const mlff::KstepDecision &, const mlff::KstepState &left,
              const mlff::KstepState &proposed, const std::vector<char> &accepted,
              double force_seconds);

  std::string report(const std::string &id, const mlff::KstepCounters &, int steps,
                     double dt_ps) const;

  void forget();    // copies of other atoms

  std::vector<double> pack() const;
  void unpack(const std::vector<double> &);

  struct Numbers {
    double moves = 0.0;
    mlff::BlockMean boltzmann;    // exp(-D/kT)
    mlff::KstepChain::Tally segments;
  };
  Numbers total, run;    // since the choice, and of these those of this run
  mlff::ChainLength length;
  mlff::TemperatureLadder ladder;
  double weight = 0.0;      // of the last proposal, mean over the parts of the decision
  double proposed = 0.0;    // energy of the last proposal, eV

  double exchanges() const;    // share of the exchanges that were accepted

 private:
  const KstepSettings &settings;
  mlff::KstepRandom &random;
  mlff::KstepChain *chain = nullptr;    // the jump of the cycle
  mlff::KstepCounters nowhere;
  KstepProposals proposals;

  double clock() const;
  void tell_correlation(const KstepAtoms &, const mlff::SlowCoordinates::Slowest &, int) const;
};

}    // namespace LAMMPS_NS

#endif
