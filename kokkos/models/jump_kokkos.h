/* -*- c++ -*- ----------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#ifndef LMP_JUMP_KOKKOS_H
#define LMP_JUMP_KOKKOS_H

#include "kokkos/models/painn_kokkos.h"

namespace LAMMPS_NS {

/* ----------------------------------------------------------------------
   the jump network kstep-painn (src/models/jump/jump.h) on a Kokkos device: the
   layers of PaiNN between two linear maps of vectors, forward only

     set_weights()   once
     resize_atoms(), resize_edges(), and all of species (the row of species
     and stride), first_edge, centre, neighbor, r and input filled
     evaluate()      output from these
------------------------------------------------------------------------- */

template <class DeviceType, typename T> class JumpKokkos : public PainnKokkos<DeviceType, T> {
 public:
  using Base = PainnKokkos<DeviceType, T>;
  template <typename U> using Array = typename Base::template Array<U>;

  Array<double> input;     // [atoms][2][3] scaled velocities and forces
  Array<double> output;    // [atoms][2][3] scaled u_x and u_v

  void set_weights(const mlff::Potential &potential, bool spline);
  void resize_atoms(int n);
  void evaluate();

  // public because device lambdas may not be made in private functions
  void start_vectors();
  void read_out();

 protected:
  using Base::F, Base::L, Base::n_atoms, Base::s, Base::v_of;

 private:
  Array<T> vectors, gate0, gate0_bias, gate1, gate1_bias, gate;
};

}    // namespace LAMMPS_NS

#endif
