/* -*- c++ -*- ----------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#ifdef PAIR_CLASS
// clang-format off
PairStyle(mlff,PairMLFF);
// clang-format on
#else

#ifndef LMP_PAIR_MLFF_H
#define LMP_PAIR_MLFF_H

#include "pair.h"

#include <vector>

namespace LAMMPS_NS {

class PairMLFF : public Pair {
 public:
  PairMLFF(class LAMMPS *);
  ~PairMLFF() override;

  void compute(int, int) override;
  void settings(int, char **) override;
  void coeff(int, char **) override;
  void init_style() override;
  double init_one(int, int) override;
  void *extract(const char *, int &) override;
  int pack_forward_comm(int, int *, double *, int, int *) override;
  void unpack_forward_comm(int, int, double *) override;
  void finish() override;
  double memory_usage() override;

  // read by compute mlff/uncertainty
  int n_potentials() const;
  const std::vector<double> *spread(bigint);

 protected:
  struct MLFFImpl
      *impl;    // model, engine, graph, exchange: keeps the engine library out of this header

  double reach;     // length of the longest edges that the engine sees
  double cutoff;    // largest cutoff of the models, in the distance unit of the input
  double scale;     // eV to the energy unit of the input
  int nan_on_failure, molecules_add_up;

  virtual void make_engine(bool);
  void join_replicas(const std::string &);
  void read_potentials(const std::vector<std::string> &);
  void map_elements(int, char **, int);
  void check_box();
  void warn_of_charge();
  bool needs_positions() const;
  bool any_rank(bool) const;
  void number_rows(int, const int *, const std::vector<char> &);
  bool centres_by_id() const;
  void evaluate();
  void add_edges();
  void add_long_range();
  void add_to_atoms();
  void keep_spread();
  bool must_observe() const;
  void make_store();
  class Fix *store() const;
  void check_atoms();
};

}    // namespace LAMMPS_NS

#endif
#endif
