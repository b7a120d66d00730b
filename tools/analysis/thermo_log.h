// Columns of the thermodynamic output in a log of LAMMPS.
#pragma once

#include <string>
#include <vector>

namespace mlff {

/// A column of the last run in a log that printed two rows or more, in the log's units. The log has
/// tables (thermo_style one or custom), not the styles multi and yaml. Throws FileError naming the
/// columns that are there.
std::vector<double> thermo_column(const std::string &path, const std::string &column);

}    // namespace mlff
