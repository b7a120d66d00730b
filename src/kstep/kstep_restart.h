// State that fix kstep/hybrid writes to restart files, so that a run goes on as if it had not been
// interrupted.
#pragma once

#include "kstep/kstep_accounting.h"

#include <span>
#include <string>
#include <vector>

namespace mlff {

struct KstepRestart {
  struct Bond {
    double i, j;    ///< atom IDs
    double length;
  };

  struct Atom {
    double tag, molecule, type;
    double mass;
    double x, y, z;    ///< Angstrom
  };

  bool student = false;
  int k = 0;                 ///< steps of a jump
  double stride_ps = 0.0;    ///< length of a jump
  double limit_temperature = 0.0;
  int phase = 0, left = 0, attempt = 0;    ///< KstepSchedule
  std::vector<char> waiting;               ///< each molecule; empty: none waits
  KstepCounters counters;
  std::vector<Bond> bonds;
  std::vector<double> tuner;       ///< KstepTuner::state(); empty without
  std::vector<Atom> atoms;         ///< state at the end of the last step
  int seed = 0;                    ///< first seed of the random numbers; 0: not known
  std::string random;              ///< KstepRandom::state()
  std::vector<double> segments;    ///< sampling by segments; empty without

  std::vector<char> pack() const;

  /// The inverse. Reads what earlier versions wrote, too: version 1 has neither `waiting` nor
  /// `tuner`, version 2 neither `atoms` nor `seed`, version 3 no `segments`. Returns the version, 0
  /// for data that are none of these, of which nothing is read then.
  int unpack(const char *data);
};

}    // namespace mlff
