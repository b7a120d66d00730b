/* -*- c++ -*- ----------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#ifdef FIX_CLASS
// clang-format off
FixStyle(kstep/hybrid/kk,FixKstepHybridKokkos<LMPDeviceType>);
FixStyle(kstep/hybrid/kk/device,FixKstepHybridKokkos<LMPDeviceType>);
FixStyle(kstep/hybrid/kk/host,FixKstepHybridKokkos<LMPHostType>);
FixStyle(nvt/kstep/hybrid/kk,FixKstepHybridKokkos<LMPDeviceType>);
FixStyle(nvt/kstep/hybrid/kk/device,FixKstepHybridKokkos<LMPDeviceType>);
FixStyle(nvt/kstep/hybrid/kk/host,FixKstepHybridKokkos<LMPHostType>);
// clang-format on
#else

#ifndef LMP_FIX_KSTEP_HYBRID_KOKKOS_H
#define LMP_FIX_KSTEP_HYBRID_KOKKOS_H

#include "fix_kstep_hybrid.h"

#include "kokkos_type.h"

namespace LAMMPS_NS {

template <class DeviceType> class FixKstepHybridKokkos : public FixKstepHybrid {
 public:
  typedef DeviceType device_type;
  typedef ArrayTypes<DeviceType> AT;

  FixKstepHybridKokkos(class LAMMPS *, int, char **);

  void setup(int) override;
  void initial_integrate(int) override;
  void final_integrate() override;

  // public because device lambdas may not be made in protected functions
  void first_half(const std::vector<int> &) override;
  void second_half(const std::vector<int> &) override;

 protected:
  bool on_device;                             // whether this half step moved atoms on the device
  Kokkos::View<int *, DeviceType> d_atoms;    // indices of the atoms of velocity Verlet
  // velocity change per force, of the same atoms
  Kokkos::View<double *, DeviceType> d_step_by_mass;

  std::unique_ptr<mlff::JumpEngine> make_network_engine() override;
  int list_atoms(const std::vector<int> &);
};

}    // namespace LAMMPS_NS

#endif
#endif
