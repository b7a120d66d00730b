// The chain that a sampler runs: proposals by the student's own chain, each corrected by one energy
// of the true force.
#pragma once

#include "make_sampler/chain/energy_function.h"
#include "make_sampler/chain/student_chain.h"

#include <random>
#include <vector>

namespace mlff {

/// A proposal: `segments` segments of the student's chain, then one energy V of the true force. The
/// end is accepted with probability min(1, exp(-D)), where D is the change of (V - V_s)/kT. Such a
/// chain samples exp(-V/kT), whatever the student (R. Iftimie et al., J. Chem. Phys. 113, 4852
/// (2000); L. D. Gelb, J. Chem. Phys. 118, 7747 (2003)).
class ExactChain {
 public:
  /// `student` has been started; it must live as long as this. Throws StateError if the true force
  /// has no energy there. `temperature`: that of the student, K.
  ExactChain(StudentChain &student, EnergyFunction energy, double temperature, int segments,
             unsigned seed);

  struct Proposal {
    double difference;    ///< D; infinity where the true force has no energy
    bool accepted;
  };
  Proposal propose();

  /// Of the place where the chain is, eV.
  double energy_of_place() const { return now; }

 private:
  StudentChain &student;
  EnergyFunction energy;
  double kT;
  int segments;
  std::mt19937_64 generator;
  double now;
  std::vector<double> forces;
};

}    // namespace mlff
