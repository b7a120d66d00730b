// On-policy distillation: a student learns its teacher's labels of the frames that the student
// itself visits.
#pragma once

#include "teacher/teacher.h"
#include "training/train_settings.h"

#include <string>
#include <vector>

namespace mlff {

/// Settings of mlff distill.
struct DistillSettings {
  std::string molecules;    ///< a SMILES file, or one SMILES

  TeacherSettings teacher;

  /// labelled frames to begin with, and to choose checkpoints by
  std::vector<DataFile> start, valid;

  // sampling by the student, for each molecule and temperature
  std::vector<double> temperatures = {300.0, 500.0};    ///< K
  long frames = 200, every = 20, warmup = 1000;
  double timestep = 0.5;    ///< fs

  // labels of a round, for each molecule
  long select = 40;    ///< frames with the largest spread that are also new
  long probe = 10;     ///< frames at random, which measure the student before it learns from them

  long rounds = 6;
  double gain = 0.05;    ///< stop where the error on the probes fell by less than this share
  int students = 2;      ///< students with different seeds; their spread is the uncertainty
  TrainSettings student;
  unsigned seed = 1;
  std::string output;    ///< folder

  /// File names are relative to the folder of the settings file. Throws FileError.
  static DistillSettings read(const std::string &path);

  /// All keys as a reference page in Markdown.
  static std::string page();

  /// All settings that the result depends on. `teacher_description`: the part of the teacher.
  nlohmann::ordered_json description(const nlohmann::ordered_json &teacher_description) const;
};

/// Runs the loop in the folder of the settings and writes its manifest after every stage; goes on
/// where it was stopped. Throws FileError. `lammps`: the program, empty: lmp beside this one;
/// `jobs`: processes at a time, 0: one a core.
void distill(const DistillSettings &settings, const std::string &command, const std::string &lammps,
             int jobs);

}    // namespace mlff
