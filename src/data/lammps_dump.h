// Frames from text dumps of LAMMPS' styles atom and custom.
#pragma once

#include "data/trajectory.h"

namespace mlff {

/// Opens a dump whose atoms have the columns id and x y z, xu yu zu, xs ys zs or xsu ysu zsu. The
/// columns vx vy vz, fx fy fz, mass and element are read if the dump has them. Atoms come in the
/// order of their ids. Times are those of `dump_modify time yes` (ps). Units are those of
/// `dump_modify units yes`, else those of the options, else metal. The options' elements are those
/// of the atom types or, if there is no column type, of each atom; a dump with a column element
/// needs none. With ReadOptions::keep further columns go into the layout, with underscores in the
/// place of brackets in their names.
std::unique_ptr<TrajectoryReader> open_lammps_dump(const std::string &path,
                                                   const ReadOptions &options);

}    // namespace mlff
