// Langevin thermostat around the strides of fix kstep/hybrid, and its random numbers.
#pragma once

#include "kstep/kstep_molecules.h"

#include <cstdint>
#include <random>
#include <string>

namespace mlff {

/// Random numbers that are the same everywhere and whose state can be written and read back.
class KstepRandom {
 public:
  explicit KstepRandom(std::uint64_t seed) : engine(seed) {}

  double uniform();    ///< above 0, below 1
  void gaussian(
      /// normal deviates of mean 0 and variance 1, by G. Box and M. Muller, Ann. Math. Stat. 29,
      /// 610 (1958)
      std::span<double> values);

  std::string state() const;
  /// returns false, and changes nothing, for a text that is no state
  bool set_state(const std::string &state);

 private:
  std::mt19937_64 engine;
};

/// Velocities [n][3] of the Maxwell distribution at kT [n_molecules] (eV): normal deviates of
/// variance kT/m. Net momentum and angular momentum are not taken out.
void draw_velocities(const KstepMolecules &molecules, std::span<const double> kT,
                     KstepRandom &random, std::span<double> v);

/// The half step O of OBABO (G. Bussi, M. Parrinello, Phys. Rev. E 75, 056707 (2007)): v' = c v +
/// √(1 - c²) √(kT/m) R, c = exp(-γ t/2) for a stride of t ps.
class KstepThermostat {
 public:
  KstepThermostat(double temperature, double friction) :
      temperature(temperature), friction(friction)
  {
  }

  double temperature;    ///< K
  double friction;       ///< 1/ps

  /// Acts on the velocities [n][3] of all atoms for half a step; returns the kinetic energy they
  /// gained, eV.
  double half_step(const KstepMolecules &molecules, double stride, std::span<double> v,
                   KstepRandom &random);

 private:
  std::vector<double> noise;
};

}    // namespace mlff
