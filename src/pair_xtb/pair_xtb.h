/* -*- c++ -*- ----------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#ifdef PAIR_CLASS
// clang-format off
PairStyle(xtb,PairXTB);
// clang-format on
#else

#ifndef LMP_PAIR_XTB_H
#define LMP_PAIR_XTB_H

#include "pair.h"

namespace LAMMPS_NS {

class PairXTB : public Pair {
 public:
  PairXTB(class LAMMPS *);
  ~PairXTB() override;

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
  struct XTBImpl *impl;    // options, calculators: keeps the library out of this header

  double escale;                     // eV to the energy unit of the input
  double calls, retries, seconds;    // sums over all calculators, for extract()
  int nan_on_failure, molecules_alone;

  void find_systems();
  void find_images();
  void unwrap(struct XTBSystem &);
  void add_to_atoms(const struct XTBSystem &, double);
  void prepare(struct XTBSystem &);
  int charge_of(const struct XTBSystem &);
  struct XTBRestart take_restart(const struct XTBSystem &, const std::vector<int> &);
  void write_references(FILE *);
  void read_references(FILE *);
  std::string name_of(const struct XTBSystem &) const;
  [[noreturn]] void fail(const struct XTBSystem &, const std::string &);
};

}    // namespace LAMMPS_NS

#endif
#endif
