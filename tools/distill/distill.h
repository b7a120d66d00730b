// On-policy distillation: a student learns its teacher's labels of the frames that the student
// itself visits.
#pragma once

#include "label/structure_copies.h"
#include "teacher/teacher.h"
#include "training/train_settings.h"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace mlff {

/// Keys of teachers that a distillation does not read: its systems have their charge and unpaired
/// electrons from their SMILES or files.
inline const std::set<std::string> teacher_keys_of_systems = {"charge", "uhf", "lammps_processes"};

/// What a cheap teacher labels, and the training on that.
struct FirstSettings {
  long frames = 2000;    ///< of each system, drawn by `mlff label --sampling wide`
  /// K, of dynamics with the forces of the cheap teacher, for molecules; none given: a standard
  std::optional<std::vector<double>> temperatures;
  long dynamics = 400;    ///< frames of dynamics of each system at each temperature
  /// all settings of that training but its data and its output
  std::shared_ptr<TrainSettings> training;
  /// The settings do not weigh the stress of structures: its weight is 1, if the labels have it.
  bool weigh_stress_as_labelled = false;
};

/// Settings of mlff distill.
struct DistillSettings {
  std::string file;    ///< of these settings, for messages

  // the systems: one of the two is given
  std::string molecules;                  ///< a SMILES file, or one SMILES
  std::vector<std::string> structures;    ///< files of frames, open or periodic

  TeacherSettings teacher;
  std::optional<TeacherSettings> first_teacher;    ///< a cheaper one that teaches before
  FirstSettings first;

  /// labelled frames to begin with, and to choose checkpoints by
  std::vector<DataFile> start, valid;

  /// The repetition of the structures, and the copies of each that are labelled where `start` is
  /// empty.
  CopyOptions copies = {.copies = 50, .rattle = 0.1, .strain = 0.03, .volume = {}};
  bool copies_given = false;    ///< whether the settings have a section `copies`

  // sampling by the student, for each system, temperature and pressure
  std::vector<double> temperatures = {300.0, 500.0};    ///< K
  long frames = 200, every = 20, warmup = 1000;
  double timestep = 0.5;    ///< fs

  // sampling of structures
  bool npt = false;                       ///< at constant pressure
  std::vector<double> pressures = {1};    ///< bar
  std::string coupling = "aniso";         ///< edges of the cell: LAMMPS' iso, aniso or tri
  double stop_spread = 0.5;               ///< spread of the students' forces that ends a run, eV/Å

  // labels of a round, for each system
  long select = 40;    ///< frames with the largest spread that are also new
  long probe = 10;     ///< frames at random, which measure the student before it learns from them

  long labels = 0;    ///< labels of the teacher in all, those of given files aside; 0: any
  double target =
      0.0;    ///< root mean square force error on probes that ends the loop, eV/Å; 0: none

  long rounds = 6;
  bool ends_by_gain = true;    ///< false: with a budget or a target, where no gain is given
  double gain = 0.05;          ///< stop where the error on the probes fell by less than this share
  bool reach = true;           ///< of molecules: scans of torsions and bonds by the last students
  int students = 2;            ///< students with different seeds; their spread is the uncertainty
  TrainSettings student;
  /// The settings do not weigh the stress of structures: its weight is 1, if the first labels have
  /// it.
  bool weigh_stress_as_labelled = false;
  unsigned seed = 1;
  std::string output;    ///< folder

  /// File names are relative to the folder of the settings file. Throws FileError.
  static DistillSettings read(const std::string &path);

  /// All keys as a reference page in Markdown.
  static std::string page();

  /// Whether a learning curve is measured, the last students included: with a budget, with a target
  /// and with a cheap teacher.
  bool measures_curve() const { return first_teacher || labels > 0 || target > 0.0; }

  /// Whether copies of the structures are the first frames to be labelled.
  bool labels_copies() const
  {
    return !structures.empty() && start.empty() && (!first_teacher || copies_given);
  }

  /// Whether the first frames to be labelled are those that students of the cheap teacher meet.
  bool begins_by_sampling() const { return start.empty() && !labels_copies(); }

  /// All settings that the result depends on. `teacher_description`: the part of the teacher;
  /// `first_description`: that of the cheap one.
  nlohmann::ordered_json description(const nlohmann::ordered_json &teacher_description,
                                     const nlohmann::ordered_json &first_description) const;

  /// Throws FileError for a key of the settings file.
  [[noreturn]] void fail(const std::string &key, const std::string &what) const;

 private:
  void read_systems(YamlSection &top, const std::string &path);
  void read_start(YamlSection &top, const std::string &path);
  void read_sampling(YamlSection &top);
  void read_selection(YamlSection &top);
  void read_first(YamlSection &top, const std::string &path);
  void read_ends(YamlSection &top);
  nlohmann::ordered_json describe_first(const nlohmann::ordered_json &teacher) const;
  static std::string page_of_first();
};

/// Runs the loop in the folder of the settings and writes its manifest after every stage; goes on
/// where it was stopped. Throws FileError. `lammps`: the program, empty: lmp beside this one;
/// `jobs`: processes at a time, 0: one a core; `plots`: a learning curve is also drawn.
void distill(const DistillSettings &settings, const std::string &command, const std::string &lammps,
             int jobs, bool plots);

}    // namespace mlff
