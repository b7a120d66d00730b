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
FixStyle(nvt/kstep/hybrid,FixKstepHybrid);
// clang-format on
#else

#ifndef LMP_FIX_KSTEP_HYBRID_H
#define LMP_FIX_KSTEP_HYBRID_H

#include "fix.h"

#include <memory>
#include <vector>

namespace mlff {
class Engine;
class JumpEngine;
}    // namespace mlff

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
  struct KstepImpl *impl;    // cycles: keeps the engine library out of this header

  void init_units();
  void init_stride();
  void make_jump();
  std::unique_ptr<mlff::Engine> join_student();
  std::unique_ptr<mlff::JumpEngine> join_network();
  void check_input();
  void check_temperature();
  void warn_about_settings();
  void warn_about_neighbors();
  void warn_about_temperatures();

  // run elsewhere with Kokkos: a jump network, and halves of a step of velocity Verlet of some
  // atoms
  virtual std::unique_ptr<mlff::JumpEngine> make_network_engine();
  virtual void first_half(const std::vector<int> &);
  virtual void second_half(const std::vector<int> &);
};

}    // namespace LAMMPS_NS

#endif
#endif
