// Words of the command fix kstep/hybrid.

#ifndef LMP_KSTEP_SETTINGS_H
#define LMP_KSTEP_SETTINGS_H

#include "core/engine_options.h"
#include "kstep/kstep_guard.h"
#include "lammps_common/replica_group.h"
#include "models/jump/jump.h"
#include "pointers.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace LAMMPS_NS {

/* ----------------------------------------------------------------------
   Words of the command fix kstep/hybrid behind its style: model, species of
   the atom types, keywords. Times, energies and temperatures as in the input.
------------------------------------------------------------------------- */

class KstepSettings : protected Pointers {
 public:
  KstepSettings(class LAMMPS *, int, char **);

  std::string file;
  mlff::Potential potential;
  std::vector<std::string> words;    // species of each type, [ntypes + 1]; empty for NULL

  bool student = false;
  int k = 0;          // steps of a jump, 0: the only stride of the network
  double dt = 0.0;    // 0: that of the input
  std::optional<mlff::JumpControl> control;
  bool only_corrector = false;    // control corrector: no jumps at all

  int corrector = -1;    // steps, -1: default
  double fraction = -1.0;

  int segments = 0;         // of a move that samples; 0: no such moves, -1: auto
  std::string proposals;    // file of proposals; empty: none
  int copies = 1;           // of a ladder of temperatures
  double top = 0.0;         // K, of its last copy

  mlff::KstepLimits limits = mlff::KstepLimits::thermal();
  bool limits_given = false;
  bool rescale_to_energy = true;    // after a jump
  bool metropolis = false;
  bool metropolis_given = false;
  bool fallback = true;
  int attempts = 1;
  double scale = 0.8;
  bool tune = false;
  bool timing = true;

  double temperature = 0.0;    // K of the thermostat, 0: none
  double damp = 0.0;
  int seed = 0;
  double limit_temperature = 0.0;    // K of the limits, 0: that of the thermostat, or of the start

  mlff::EngineOptions options;
  std::unique_ptr<ReplicaGroup> replicas;

 private:
  void read_potential(const char *);
  void read_species(char **);
  void read_keywords(int, char **, int);
  void check();
  void check_segments();
};

}    // namespace LAMMPS_NS

#endif
