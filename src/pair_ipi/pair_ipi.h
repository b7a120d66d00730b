/* -*- c++ -*- ----------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#ifdef PAIR_CLASS
// clang-format off
PairStyle(ipi,PairIPI);
// clang-format on
#else

#ifndef LMP_PAIR_IPI_H
#define LMP_PAIR_IPI_H

#include "pair.h"

namespace LAMMPS_NS {

class PairIPI : public Pair {
 public:
  PairIPI(class LAMMPS *);
  ~PairIPI() override;

  void compute(int, int) override;
  void settings(int, char **) override;
  void coeff(int, char **) override;
  void init_style() override;
  double init_one(int, int) override;
  void write_restart(FILE *) override;
  void read_restart(FILE *) override;
  void write_restart_settings(FILE *) override;
  void read_restart_settings(FILE *) override;
  void finish() override;
  void *extract(const char *, int &) override;
  double memory_usage() override;

 protected:
  struct IPIImpl *impl;    // settings, client: keeps the library out of this header

  double escale;            // eV to the energy unit of the input
  double calls, seconds;    // for extract(): evaluations, and time spent in waiting for them
  int nan_on_failure, molecules_alone;

  void set_keyword(const std::string &, const char *, int);
  void refuse_atom_stress();
  void gather_atoms();
  void scatter_forces();
  void evaluate();
  void ask_client(struct IPIOutcome &, std::string &);
  void start_client(const std::vector<int> &);
  void share(struct IPIOutcome &, std::string &);
  void tally(const struct IPIOutcome &);
  void check_virial();
};

}    // namespace LAMMPS_NS

#endif
#endif
