// What `lmp -h` says of a LAMMPS.
#pragma once

#include <string>
#include <vector>

namespace mlff {

struct LammpsHelp {
  std::string version;                  ///< "4 Jul 2026"; empty: this is no help of LAMMPS
  std::string mpi;                      ///< the line about MPI
  std::string kokkos;                   ///< back ends of Kokkos, "OpenMP Serial"; empty: none
  std::vector<std::string> packages;    ///< installed ones

  /// Whether it has the package PLUGIN.
  bool loads_plugins() const;

  static LammpsHelp parse(const std::string &text);
};

/// Those of `styles` that a text does not list, as `lmp -h` or the command `info styles` prints it.
std::vector<std::string> missing_styles(const std::string &text,
                                        const std::vector<std::string> &styles);

}    // namespace mlff
