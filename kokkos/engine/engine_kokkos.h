/* -*- c++ -*- ----------------------------------------------------------
   LAMMPS - Large-scale Atomic/Molecular Massively Parallel Simulator
   https://www.lammps.org/, Sandia National Laboratories
   LAMMPS development team: developers@lammps.org

   This software is distributed under the GNU General Public License.

   See the README file in the top-level LAMMPS directory.
------------------------------------------------------------------------- */

#ifndef LMP_ENGINE_KOKKOS_H
#define LMP_ENGINE_KOKKOS_H

#include "engine/engine.h"

namespace LAMMPS_NS {

/* ----------------------------------------------------------------------
   PaiNN, with or without a long-range block, on the device of LAMMPS' Kokkos
   as an engine: graph in, results out, both on the host. For graphs that come
   from elsewhere, as those of other partitions. Of the options, precision,
   filter and fmm count. `host` is for the styles /kk/host of a build with a
   device. Throws EngineError for models of other kinds, and where Kokkos is
   not running (no -k on).
------------------------------------------------------------------------- */

std::unique_ptr<mlff::Engine> make_kokkos_engine(const mlff::Potential &potential,
                                                 const mlff::EngineOptions &options = {},
                                                 bool host = false);

// how a long-range block is summed, for the end of a line in a log; nothing for a model without one
std::string long_range_form(const mlff::Potential &potential, mlff::FmmForm form);

}    // namespace LAMMPS_NS

#endif
