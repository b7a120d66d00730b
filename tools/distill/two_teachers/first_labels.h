// The cheap teacher's part of a distillation: its labels of frames that are wide apart, and the
// trainings on them alone.
#pragma once

#include "distill/distill.h"
#include "distill/distilled_system.h"
#include "teacher/teacher.h"
#include "workflow/process_pool.h"

#include <filesystem>
#include <string>
#include <vector>

namespace mlff {

/// Temperatures of the dynamics with a cheap teacher where the settings name none, K: of molecules,
/// if LAMMPS has its forces.
std::vector<double> standard_first_temperatures(const DistillSettings &settings,
                                                const std::vector<DistilledSystem> &systems,
                                                const Teacher &first);

/// Throws FileError where the cheap teacher has nothing to sample: neither frames nor temperatures,
/// structures that are not periodic in all directions, and temperatures without forces in LAMMPS.
void check_first_sampling(const DistillSettings &settings,
                          const std::vector<DistilledSystem> &systems, const Teacher &first);

/// Throws FileError for a labelled frame of the settings that contradicts all systems, of which the
/// cheap frames are: other elements, compositions or periodic directions.
void check_given_frames(const DistillSettings &settings,
                        const std::vector<DistilledSystem> &systems);

/// Files of one distillation, in the folder `first` of its own.
class FirstLabels {
 public:
  FirstLabels(const DistillSettings &settings, const std::vector<DistilledSystem> &systems,
              const std::filesystem::path &folder);

  /// Labels wide frames of all systems, and frames of dynamics of molecules; goes on where an
  /// interrupted run stopped. `run_all` runs work in processes of its own.
  void label(const std::string &command, const std::string &lammps, int jobs,
             const std::function<void(ProcessPool &pool, const std::string &title)> &run_all) const;

  /// The training of student k, from 0, on these labels alone; its potential is student(k).
  TrainSettings training(int k) const;
  std::string student(int k) const;

 private:
  const DistillSettings &settings;
  const std::vector<DistilledSystem> &systems;
  std::filesystem::path folder;

  std::vector<DataFile> files() const;
  std::string cell_file(const DistilledSystem &system) const;
};

/// Whether a frame of the files has a stress.
bool have_stress(const std::vector<DataFile> &files);

}    // namespace mlff
