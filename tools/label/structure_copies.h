// Copies of structures: repeated, strained, displaced at random.
#pragma once

#include "data/trajectory.h"

#include <array>
#include <memory>
#include <optional>
#include <string>

namespace mlff {

/// What is made of each structure before it is labelled.
struct CopyOptions {
  std::array<int, 3> repeat = {1, 1, 1};    ///< along the cell vectors
  int copies = 1;                           ///< of each structure
  double rattle = 0.0;                      ///< standard deviation of each coordinate, Å
  double strain = 0.0;                      ///< largest component of the symmetric strain
  /// smallest and largest volume, shares of that of the structure
  std::optional<std::array<double, 2>> volume;
  bool wide = false;    ///< copies are drawn far from the structure, by draw_wide_cell()
  int seed = 1;

  /// Whether copies differ from the structure by more than its repetition.
  bool vary() const { return wide || rattle > 0.0 || strain > 0.0 || volume; }

  /// Whether anything is made of a structure.
  bool make() const { return vary() || repeat != std::array{1, 1, 1}; }
};

/// A structure beside images of itself along its cell vectors, with all that its file says of
/// atoms. The charge and the unpaired electrons are those of all. Throws StructureError for more
/// than one along a direction that is not periodic.
Structure repeated(const Structure &structure, const std::array<int, 3> &repeat);

/// Largest strain that is accepted: no draw of a larger one turns a cell inside out.
inline constexpr double largest_strain = 0.3;

/// A copy: strained with its cell along its periodic directions, each of the components drawn
/// uniformly from -strain to strain; with `volume` brought to a volume (of a layer its area, of a
/// rod its length) drawn uniformly; then displaced. `number` is that of the copy among all: the
/// same number and seed give the same copy. Wide copies are those of wide_sampling.h. Throws
/// StructureError for a strain or a volume without a periodic direction.
Structure varied(const Structure &structure, const CopyOptions &options, long number);

/// Of each frame of the file `path`, the copies one after the other. Throws FileError.
std::unique_ptr<TrajectoryReader> open_copies(const std::string &path, const ReadOptions &read,
                                              const CopyOptions &options);

}    // namespace mlff
