/* -*- c++ -*- ----------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#ifndef LMP_JUMP_ENGINE_KOKKOS_H
#define LMP_JUMP_ENGINE_KOKKOS_H

#include "models/jump/jump.h"

namespace LAMMPS_NS {

/* ----------------------------------------------------------------------
   A jump network on the device of LAMMPS' Kokkos as an engine: states in,
   changes out, both on the host. Of the options, precision and filter
   count. Throws EngineError for a potential that is no kstep-painn, and
   where Kokkos is not running (no -k on).
------------------------------------------------------------------------- */

std::unique_ptr<mlff::JumpEngine> make_kokkos_jump(const mlff::Potential &potential,
                                                   const mlff::EngineOptions &options = {});

}    // namespace LAMMPS_NS

#endif
