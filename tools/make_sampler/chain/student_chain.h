// A student alone with one molecule: the Markov chain of fix kstep/hybrid that samples exp(-V_s/kT)
// exactly, and dynamics in a heat bath.
#pragma once

#include "kstep/kstep_thermostat.h"
#include "kstep/nested/kstep_chain.h"
#include "kstep/nested/student_forces.h"

#include <vector>

namespace mlff {

/// Atoms, temperature and time step of a chain or of dynamics.
struct ChainConditions {
  std::vector<int> numbers;         ///< [n] atomic numbers
  std::vector<double> masses;       ///< [n] g/mol
  std::vector<double> positions;    ///< [n][3] Å, whose distances tell the bonds
  double temperature = 300.0;       ///< K
  double timestep = 0.0005;         ///< ps, of velocity Verlet
};

/// Segments of hybrid Monte Carlo (KstepChain).
class StudentChain {
 public:
  /// `steps`: of a segment. Throws EngineError for an element that the potential does not know.
  StudentChain(const Potential &potential, const ChainConditions &conditions, int steps,
               unsigned seed);
  StudentChain(const StudentChain &) = delete;
  StudentChain &operator=(const StudentChain &) = delete;

  struct Place {
    std::vector<double> x;    ///< [n][3] Å
    double energy = 0.0;      ///< V_s, eV, from that of the start
  };

  /// Throws EngineError for positions [n][3] without an energy.
  void start(const std::vector<double> &positions);

  const Place &place() const { return now; }
  void go_to(const Place &place) { now = place; }

  void move(int segments);

  /// Of all segments.
  const KstepChain::Tally &tally() const { return total; }

  /// The molecule as coordinates need it.
  const KstepMolecules &molecules() const { return molecule; }

 private:
  KstepMolecules molecule;
  KstepRandom random;
  TemperatureLadder ladder;
  KstepChain chain;
  KstepChain::Tally total;
  Place now;
};

/// Velocity Verlet with a Langevin thermostat, which acts by halves before and behind each step (G.
/// Bussi, M. Parrinello, Phys. Rev. E 75, 056707 (2007)).
class StudentDynamics {
 public:
  /// `damping`: time in which velocities are forgotten, ps. Begins at the positions of the
  /// conditions, with velocities of the Maxwell distribution. Throws EngineError.
  StudentDynamics(const Potential &potential, const ChainConditions &conditions, double damping,
                  unsigned seed);

  const std::vector<double> &x() const { return positions; }
  double energy() const { return forces.energy()[0]; }    ///< V_s, eV
  const KstepMolecules &molecules() const { return molecule; }

  /// Throws StateError where a step leads to a place without an energy.
  void run(int steps);

 private:
  KstepMolecules molecule;
  KstepRandom random;
  StudentForces forces;
  KstepThermostat thermostat;
  double timestep;
  std::vector<double> positions, v;
};

}    // namespace mlff
