// Frames from text dumps of LAMMPS' styles atom and custom.
#pragma once

#include "data/trajectory.h"

namespace mlff {

/// Opens a dump whose atoms have the columns id and x y z, xu yu zu, xs ys zs or xsu ysu zsu; vx vy
/// vz, fx fy fz, mass and element are read where they are there. Atoms come in the order of their
/// ids. Time is that of `dump_modify time yes` (ps), units those of `dump_modify units yes`, else
/// those of the options, else metal. The options' elements are those of the atom types, or where
/// there is no column type, of each atom; not needed with a column element. With ReadOptions::keep
/// further columns come along in the layout, brackets of their names as underscores.
std::unique_ptr<TrajectoryReader> open_lammps_dump(const std::string &path,
                                                   const ReadOptions &options);

}    // namespace mlff
