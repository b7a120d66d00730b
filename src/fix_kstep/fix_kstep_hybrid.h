/* -*- c++ -*- ----------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#ifdef FIX_CLASS
// clang-format off
FixStyle(kstep/hybrid,FixKstepHybrid);
// clang-format on
#else

#ifndef LMP_FIX_KSTEP_HYBRID_H
#define LMP_FIX_KSTEP_HYBRID_H

#include "fix.h"

#include <vector>

namespace LAMMPS_NS {

class FixKstepHybrid : public Fix {
 public:
  FixKstepHybrid(class LAMMPS *, int, char **);
  ~FixKstepHybrid() override;

  int setmask() override;
  void init() override;
  void setup(int) override;
  void initial_integrate(int) override;
  void final_integrate() override;
  void post_run() override;
  void write_restart(FILE *) override;
  void restart(char *) override;
  void reset_target(double) override;
  double compute_scalar() override;
  double compute_vector(int) override;
  void *extract(const char *, int &) override;
  double memory_usage() override;

 protected:
  struct KstepImpl *impl;    // settings, model, state: keeps the engine library out of this header

  double dt_ps;    // time step, ps
  int *
      nan_on_failure;    // of the pair style: whether it may give numbers that are not finite instead of an error
  class Compute *pe, *pe_atom;
  char *id_pe_atom;

  void init_units();
  void init_stride();
  void make_jump();
  void check_input();
  void check_jump();
  void warn_about_settings();
  void warn_about_neighbors();

  bool start_jump();
  void give_up_jump();
  void finish_jump();
  void end_cycle(bool);
  double clock() const;
  void thermostat(double);
  void kick(double);
  void find_potential(std::vector<double> &);
  void save_energies();
  void restore_energies(double);
  void summarize();
};

}    // namespace LAMMPS_NS

#endif
#endif
