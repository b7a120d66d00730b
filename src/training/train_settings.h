// Settings of mlff train.
#pragma once

#include "data/trajectory.h"
#include "models/long_range/long_range_sizes.h"
#include "models/painn/painn_kind.h"
#include "training/training_loop.h"

#include <nlohmann/json.hpp>

#include <string>
#include <vector>

namespace mlff {

/// A file name in a settings file is relative to the folder of that.
std::string beside(const std::string &settings, const std::string &file);

/// Files that a name with *, ? or [] stands for, in alphabetical order; other names as they are.
/// Throws FileError where there is none.
std::vector<std::string> matching_files(const std::string &name);

/// What a settings file trains, 'model.kind': a model of energies, or kstep. Throws FileError.
std::string training_kind(const std::string &path);

/// One term of the loss: weight times the mean of x^2 (mse), or of x^2 inside and 2 delta |x| -
/// delta^2 outside +-delta (huber). The weight runs linearly from `weight` to `final_weight` over
/// the training.
struct LossTerm {
  double weight = 0.0, final_weight = 0.0;
  bool huber = false;
  double delta = 0.0;
};

/// Frames from one file.
struct DataFile {
  std::string file;
  long frames = 0;          ///< this many, drawn at random; 0: all
  double weight = 1.0;      ///< factor on the loss of its frames
  bool teacher = false;     ///< energies and forces of the teachers instead of those in the file
  ReadOptions read = {};    ///< what the file does not say
};

struct TrainSettings : CourseSettings {
  // model
  const ModelKind *kind = &painn_kind;
  bool molecule = false;    ///< of one molecule: widths and permutations count, else what follows
  std::vector<int> widths = {64, 64};
  int permutations = 0;       ///< at most this many; 0: all
  bool long_range = false;    ///< with a long-range block: its sizes count, too
  LongRangeSizes block = {.layers = 1};
  bool block_given = false;    ///< some of its sizes are in the file
  int features = 32, layers = 2, radial = 20;
  double cutoff = 5.0;                  ///< Å
  double norm_floor = 1e-2;             ///< of PainnSizes; 0: that of `init_from`
  std::vector<std::string> elements;    ///< empty: those of the data
  std::string init_from;                ///< potential to start from; empty: random weights
  std::vector<std::string>
      freeze;    ///< names of tensors, or their first parts, that stay as they are

  // data
  std::vector<DataFile> train, valid;
  double valid_fraction =
      0.05;    ///< share of the training frames kept for validation where `valid` is empty
  double max_force = 0.0;    ///< frames with a larger force are left out, eV/Å; 0: none

  // teachers
  std::vector<std::string> teachers;    ///< potentials; labels are their mean
  double spread =
      /// eV/Å: force weights of atoms are 1 / (1 + (spread of the labels / this)^2); 0: all 1
      0.0;

  // loss; energies per square root of the number of atoms (eV), forces (eV/Å), atom energies (eV),
  // Jacobian rows (eV/Å^2)
  LossTerm energy, force, atom_energy, jacobian;

  long batch_atoms = 96, accumulate = 1;    ///< atoms of a batch, batches of a step

  std::string output, citation;

  /// Reads and checks a file; file names in it are relative to its folder. Throws FileError.
  static TrainSettings read_file(const std::string &path);

  /// The sections model, loss and training of a map; `path` is the file it is from.
  void read_student(YamlSection &top, const std::string &path);

  /// A list of data files under a key.
  static std::vector<DataFile> read_files(YamlSection &data, const std::string &key,
                                          const std::string &path, bool teachers);

  /// All that the result depends on.
  nlohmann::ordered_json description() const;
};

}    // namespace mlff
