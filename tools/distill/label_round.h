// The labels of one system: of the copies of a structure, and of the frames of a round.
#pragma once

#include "distill/distilled_system.h"

#include <cstdint>
#include <string>
#include <vector>

namespace mlff {

/// Frames of a round to label: the probes alone, the selected ones once the probes are labelled, or
/// both in one go.
enum class RoundPart { probes, selected, both };

struct RoundOfSystem {
  const DistilledSystem &system;
  std::vector<std::string> trajectories;    ///< files of frames that a student went through
  std::vector<std::string> students;        ///< potentials whose spread chooses frames
  /// labelled frames that a structure's new ones shall differ from
  std::vector<DataFile> known;
  std::string selected, probes;    ///< files to write
  std::uint64_t seed;              ///< seed for the choice of probes
  long n_probes, n_selected;       ///< frames of either kind, at most
  RoundPart part = RoundPart::both;
};

/// Labels frames drawn at random (probes), and those of the others that teach most. The file
/// `selected`, of probes alone the file `probes`, appears last, behind a summary of the same name
/// with .json added: it says that the system is done.
void label_round(const DistillSettings &settings, const RoundOfSystem &round);

/// Makes copies of the start of a structure and writes them with their labels to `path`; goes on
/// where an interrupted run stopped. `copies.repeat` does not count: the start is repeated already.
/// Copies whose calculation fails are left out.
void label_copies(const TeacherSettings &teacher, CopyOptions copies, const DistilledSystem &system,
                  const std::string &path);

}    // namespace mlff
