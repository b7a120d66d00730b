// Cycles of fix kstep/hybrid: jumps and the steps between them.

#ifndef LMP_KSTEP_CYCLE_H
#define LMP_KSTEP_CYCLE_H

#include "fix_kstep/atoms/kstep_atoms.h"
#include "fix_kstep/kstep_energy.h"
#include "fix_kstep/kstep_settings.h"
#include "fix_kstep/nested/kstep_sampling.h"
#include "kstep/kstep_accounting.h"
#include "kstep/kstep_decision.h"
#include "kstep/kstep_jump.h"
#include "kstep/kstep_restart.h"
#include "kstep/kstep_schedule.h"
#include "kstep/kstep_thermostat.h"
#include "kstep/kstep_tuner.h"

#include <memory>
#include <string>
#include <vector>

namespace LAMMPS_NS {

/* ----------------------------------------------------------------------
   Cycles of fix kstep/hybrid: jumps, their checks and rejections, the steps
   of velocity Verlet between them. A step of LAMMPS is

     begin()    before anything moves: thermostat; a jump moves molecules
                here, steps of velocity Verlet are the fix's to make, with
                the atoms movers()
     finish()   forces are known: a jump is accepted, or what was before
                restored; thermostat. Returns the time that passed.

   A molecule whose jump failed makes k steps of velocity Verlet, alone:
   others, which have arrived, wait for it. Where energies are known only of
   all molecules together, there is one decision for all.
------------------------------------------------------------------------- */

class KstepCycle : protected Pointers {
 public:
  KstepCycle(class LAMMPS *, class Fix *, int narg, char **arg);

  KstepSettings settings;
  KstepAtoms atoms;
  KstepEnergy energy;
  mlff::KstepThermostat thermostat;
  std::unique_ptr<mlff::KstepJump> jump;    // null: none are made
  KstepSampling sampling;                   // jumps are moves of a nested Markov chain

  int k = 0;                         // steps of a jump
  double stride_ps = 0.0;            // length of a jump
  double dt_ps = 0.0;                // length of a step of velocity Verlet
  double dt = 0.0;                   // timestep in the input's unit, when the run began
  int corrector = 1;                 // steps after a jump
  double limit_temperature = 0.0;    // K, of the limits
  mlff::KstepDecision decision;

  mlff::KstepCounters counters;
  mlff::KstepTemperatures temperatures;
  mlff::KstepState state;    // state at the end of the last step

  void choose_corrector();    // chooses by the settings, or by the tuner of a restart file
  void only_correct();        // no jumps at all
  void setup();
  void set_temperature(double);    // K, of the thermostat, and of limits that follow it
  // lets molecules jump or stay together, by the energy of all
  void decide_together(const std::string &why);
  bool molecules_alone() const;    // the pair styles say that molecules do not see each other
  KstepFixes::Kind kind() const;

  enum Step { VERLET, JUMP, NOTHING };
  Step begin();
  const std::vector<int> &movers();       // indices of atoms that make the step of velocity Verlet
  double finish(double force_seconds);    // ps

  std::vector<char> pack() const;
  void unpack(const char *);    // data of a restart file
  double clock() const;         // s; without timing all times are 0
  double memory_usage() const;

 private:
  class Fix *fix;
  mlff::KstepRandom random;
  mlff::KstepGuard guard;
  mlff::KstepTuner tuner;
  bool tuning = false;    // the corrector is the tuner's, not that of the input
  std::vector<double> tuner_state;
  std::vector<int *> nan_on_failure;    // flags of pair styles: NaN instead of an error
  bool fresh = true;                    // no step since setup()
  // texts in the log: the molecules, and the reason to decide together
  std::string described, told;

  mlff::KstepSchedule schedule;    // the next step
  Step step = VERLET;              // the present step
  std::vector<int> moving;         // atoms of molecules that do not wait

  mlff::KstepState landing;

  void begin_anew(const std::string &change);
  void check_jump();
  void check_step();
  void check_places();
  void refuse_change(const std::string &);
  void follow_temperature();
  void half_thermostat(double);
  void renew_velocities();
  bool propose();
  bool start_jump();
  double finish_jump(double force_seconds);
  double go_back(const std::vector<char> &);
  double run_temperature();
  void describe();
  void give_up_jump(const std::vector<char> &);
  void end_cycle(bool);
};

}    // namespace LAMMPS_NS

#endif
