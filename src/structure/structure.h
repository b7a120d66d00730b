// Structure: a molecule or cell from a file, and its neighbor graph. LAMMPS styles do not use it,
// because they have neighbor lists.
#pragma once

#include "core/errors.h"
#include "core/graph.h"

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mlff {

struct XyzLayout;    // src/data/extended_xyz.h

/// One frame. Energies eV, lengths Å, velocities Å/ps, forces eV/Å. Empty vectors mean "not given".
struct Structure {
  std::vector<int> numbers;                                    ///< [n] atomic numbers
  std::vector<double> positions;                               ///< [n][3]
  std::array<double, 9> cell = {0, 0, 0, 0, 0, 0, 0, 0, 0};    ///< rows a, b, c
  std::array<bool, 3> periodic = {false, false, false};
  std::optional<double> energy;
  std::vector<double> forces;    ///< [n][3]
  /// [3][3] eV/Å^3, row-major, tension positive: dE/dstrain over the volume. Only of structures
  /// that are periodic in all directions.
  std::optional<std::array<double, 9>> stress;
  std::vector<double> velocities;        ///< [n][3]
  std::vector<double> masses;            ///< [n] g/mol
  std::optional<double> charge;          ///< e, of the whole structure
  std::optional<double> multiplicity;    ///< unpaired electrons + 1
  /// [n] eV/Å: root mean square deviation of an ensemble's forces from their mean.
  std::vector<double> spread;
  std::optional<double> energy_spread;    ///< eV, of the ensemble's energies
  long step = -1;                         ///< time step of a trajectory; -1: not given
  std::optional<double> time;             ///< ps
  /// Columns and keys of the file that look like labels, but were not read as labels.
  std::vector<std::string> unread;
  /// Keys of the file that may hold a stress, but were not read as one; with the reason, where that
  /// is not the name alone.
  std::vector<std::string> unread_stress;
  /// Names, order and further content of the file, for writing; null: not kept.
  std::shared_ptr<const XyzLayout> layout;

  int n_atoms() const { return int(numbers.size()); }
};

/// Appends the full neighbor graph of a structure: every ordered pair, periodic images included,
/// with |r| < cutoff, folded to the owner of the image. `elements` maps atomic numbers to species.
/// Works with linked cells, for any cell shape, also for cells smaller than the cutoff. Positions
/// are filled only for open structures. Throws StructureError for an element outside `elements`, a
/// periodic cell that is flat, not finite or lower than a twentieth of the cutoff, two atoms at the
/// same position, and a coordinate that is not finite or too far away.
void append_graph(const Structure &structure, const std::vector<int> &elements, double cutoff,
                  GraphStorage &graph);

}    // namespace mlff
