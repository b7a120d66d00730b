/* -*- c++ -*- ----------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#ifdef PAIR_CLASS
// clang-format off
PairStyle(mlff/kk,PairMLFFKokkos<LMPDeviceType>);
PairStyle(mlff/kk/device,PairMLFFKokkos<LMPDeviceType>);
PairStyle(mlff/kk/host,PairMLFFKokkos<LMPHostType>);
// clang-format on
#else

#ifndef LMP_PAIR_MLFF_KOKKOS_H
#define LMP_PAIR_MLFF_KOKKOS_H

#include "pair_mlff.h"

#include "kokkos_base.h"
#include "kokkos_type.h"

namespace LAMMPS_NS {

template <class DeviceType> struct RowTally;

template <class DeviceType> class PairMLFFKokkos : public PairMLFF {
 public:
  typedef DeviceType device_type;
  typedef ArrayTypes<DeviceType> AT;

  PairMLFFKokkos(class LAMMPS *);
  ~PairMLFFKokkos() override;

  void compute(int, int) override;
  void settings(int, char **) override;
  void coeff(int, char **) override;
  void init_style() override;
  double memory_usage() override;

  // public because device lambdas may not be made in protected functions
  void rebuild();
  Kokkos::View<int *, DeviceType> number_rows_of_atoms();
  void count_edges(const Kokkos::View<int *, DeviceType> &row);
  void list_edges(const Kokkos::View<int *, DeviceType> &row);
  bool types_changed();
  void place_atoms();
  void run();
  void tally_energy(const Kokkos::View<double *, Kokkos::LayoutRight, DeviceType> &atom_energy);
  void tally_virial(const RowTally<DeviceType> &rows);
  void add_to_atoms();
  void watch();

 protected:
  struct OnDevice;    // the model, and what it sees and says
  OnDevice *device;

  DAT::ttransform_kkacc_1d k_eatom;
  DAT::ttransform_kkacc_1d_6 k_vatom;
  DAT::ttransform_kkacc_1d_9 k_cvatom;

  bool batched;    // batched with other partitions: the graph is made on the host

  void make_engine(bool) override;
  void destroy_tallies();
};

}    // namespace LAMMPS_NS

#endif
#endif
