// Settings of mlff train.
#pragma once

#include "data/trajectory.h"
#include "models/long_range/long_range_sizes.h"
#include "models/painn/painn_kind.h"
#include "potential/repulsion/repulsive_core.h"
#include "teacher/teacher.h"
#include "training/named_file.h"
#include "training/training_loop_settings.h"

#include <nlohmann/json.hpp>

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace mlff {

/// The kind of training that a settings file asks for, 'model.kind': a model of energies, or kstep.
/// Throws FileError.
std::string training_kind(const std::string &path);

/// One term of the loss: weight times the mean of x^2 (mse), or of x^2 inside and 2 delta |x| -
/// delta^2 outside +-delta (huber). The weight runs linearly from `weight` to `final_weight` over
/// the training.
struct LossTerm {
  double weight = 0.0, final_weight = 0.0;
  bool huber = false;
  double delta = 0.0;

  bool used() const { return weight > 0.0 || final_weight > 0.0; }
};

/// Frames from one file.
struct DataFile {
  std::string file;
  long frames = 0;          ///< number of frames, drawn at random; 0: all
  double weight = 1.0;      ///< factor on the loss of its frames
  bool teacher = false;     ///< labels of the teachers instead of those in the file
  ReadOptions read = {};    ///< units and names, where the file does not tell them
};

/// The repulsive core that a training adds to the network.
struct CoreSettings {
  /// keep: that of the potential in `init_from`, else none
  enum Choice { keep, none, zbl } choice = keep;
  CoreRadii radii;    ///< of all pairs of elements; zeros: by the covalent radii of each pair
};

struct TrainSettings : TrainingLoopSettings {
  // model
  const ModelKind *kind = &painn_kind;
  bool molecule = false;    ///< model of one molecule: widths and permutations count, else sizes
  std::vector<int> widths = {64, 64};
  int permutations = 0;       ///< largest number; 0: all
  bool long_range = false;    ///< the model has a long-range block, whose sizes count, too
  LongRangeSizes block = {.layers = 1};
  bool block_given = false;    ///< some sizes of the long-range block are in the file
  int features = 32, layers = 2, radial = 20;
  double cutoff = 5.0;                  ///< Å
  double norm_floor = 1e-2;             ///< PainnSizes::norm_floor; 0: as in `init_from`
  std::vector<std::string> elements;    ///< empty: those of the data
  CoreSettings core;
  std::string init_from;    ///< potential to start from; empty: random weights
  /// Names of tensors, or their first parts, that stay as they are.
  std::vector<std::string> freeze;

  // data
  std::vector<DataFile> train, valid;
  /// Share of the training frames kept for validation where `valid` is empty.
  double valid_fraction = 0.05;
  double max_force = 0.0;    ///< frames with a larger force are left out, eV/Å; 0: none
  std::optional<TeacherSettings> minus;    ///< forces whose labels are taken away from all labels

  // teachers
  std::vector<std::string> teachers;    ///< potentials; labels are their mean
  /// Force weights of atoms are 1 / (1 + (spread of the labels / this)^2), eV/Å; 0: all 1.
  double spread = 0.0;

  // loss; energies per square root of the number of atoms (eV), forces (eV/Å), stresses times the
  // volume per atom (eV), atom energies (eV), Jacobian rows (eV/Å^2)
  LossTerm energy, force, stress, atom_energy, jacobian;

  long batch_atoms = 96, accumulate = 1;    ///< atoms of a batch, batches of a step

  /// The training before this one, on labels that cost less: all its settings. Its potential is the
  /// file `output` of these.
  std::shared_ptr<const TrainSettings> pretrain;
  bool other_compositions = false;    ///< of `data` may be others than those of `pretrain`
  /// Share of the atoms of a batch that are in frames of `pretrain`, with labels of their own.
  double replay = 0.0;
  std::string pretrain_key = "pretrain";    ///< name of that section in the settings file

  /// Reads and checks a file; file names in it are relative to its folder. Throws FileError.
  static TrainSettings read_file(const std::string &path);

  /// The sections model, loss and training of a map; `path` is the file it is from.
  void read_student(YamlSection &top, const std::string &path);

  /// Reads the keys of a training before this one, all but those of its data; what is missing is as
  /// in these settings. The caller adds data and output.
  std::shared_ptr<TrainSettings> read_first_training(YamlSection &section);

  /// These keys, as a reference page shows them.
  static std::vector<SettingText> first_training_text();

  /// A list of data files under a key.
  static std::vector<DataFile> read_files(YamlSection &data, const std::string &key,
                                          const std::string &path, bool teachers);

  /// Settings that the result depends on.
  nlohmann::ordered_json description() const;

  /// Folder of the log, of the checkpoint and of the data of plots: that of `output`, with the
  /// ending .training.
  std::string work_folder() const;

  /// All keys of a settings file of energies, as tables in Markdown.
  static std::string page();

 private:
  void read_model(YamlSection &top, const std::string &path);
  void read_sizes(YamlSection &model);
  void read_core(YamlSection &model);
  void read_widths(YamlSection &model);
  void read_loss(YamlSection &top);
  void read_training(YamlSection &top);
  void read_pretrain(YamlSection &top, const std::string &path);
  void choose_engine(const YamlSection &training);
  nlohmann::ordered_json model_description() const;
};

}    // namespace mlff
