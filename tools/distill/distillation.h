// The state and the stages of one run of mlff distill.
#pragma once

#include "distill/distill.h"
#include "distill/distilled_system.h"
#include "distill/label_round.h"
#include "distill/student_sampling.h"
#include "distill/two_teachers/first_labels.h"
#include "distill/two_teachers/label_budget.h"
#include "training/training_data.h"
#include "workflow/process_pool.h"
#include "workflow/run_folder.h"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace mlff {

class Distillation {
 public:
  /// Refuses what cannot be done, before anything is written, then begins or goes on with the
  /// folder. Throws FileError.
  Distillation(const DistillSettings &settings, const std::string &command,
               const std::string &lammps, int jobs, bool plots);

  void run();

 private:
  DistillSettings settings;
  RunFolder folder;
  std::string command, lammps;
  int jobs;
  bool plots;
  nlohmann::ordered_json provenance_of_teacher, provenance_of_first;
  std::vector<SamplingConditions> conditions;
  std::vector<DistilledSystem> systems;
  FirstLabels first;
  LabelBudget budget;

  bool of_structures() const { return !settings.structures.empty(); }
  /// A system that the teacher cannot label is an error now, not after hours.
  void check_systems(const Teacher &teacher, const std::string &name) const;
  nlohmann::ordered_json description() const;
  /// Contents of what the settings name.
  InputRecord inputs() const;

  /// Rounds until the error on the student's own trajectories stays.
  void run_rounds();
  void finish(long r);

  // along torsions and bonds (distillation_reach.cpp)
  /// Compares the students with a teacher along torsions and bonds of each molecule. What cannot be
  /// compared is a warning: the students are there.
  void judge_reach();
  /// The cheaper teacher, which no budget limits; null: nothing is compared.
  const TeacherSettings *teacher_of_reach() const;
  ProcessPool::Work scanning(std::size_t m, const TeacherSettings &asked);

  // files and entries of rounds (distillation_stages.cpp)
  nlohmann::ordered_json &entry(long r);
  /// Students before round 0 are those of the cheap teacher.
  std::string student(long r, int k) const;
  std::vector<std::string> students(long r) const;
  /// A file of system m in a round; the first round's are labelled copies where there are any.
  std::string labelled(long r, std::size_t m) const;
  std::string probe(long r, std::size_t m) const;
  std::string raw(long r, std::size_t m, std::size_t c) const;
  /// Labelled frames to begin with, and those of the rounds up to this one.
  std::vector<DataFile> labelled_until(long r) const;
  std::filesystem::path place(long r) const { return folder / ("round-" + std::to_string(r)); }

  // stages (distillation_stages.cpp)
  void run_all(ProcessPool &pool, const std::string &title) const;
  /// Labelled copies of the structures, where no other frames are given to begin with.
  void label_start();
  /// Labels of one system in a process of its own.
  ProcessPool::Work labelling(long r, std::size_t m, std::function<void()> make);
  /// Trajectories of the first student of the round before.
  void sample(long r);
  /// A trajectory of one system at one temperature and pressure.
  ProcessPool::Work sampling(long r, std::size_t m, std::size_t c);
  /// Keeps the frames of a trajectory, and of a structure also how it ended.
  void keep_trajectory(long r, std::size_t m, std::size_t c,
                       const std::filesystem::path &place_of_run);
  /// Chooses and labels frames of every system, each in a process of its own.
  void label(long r);
  /// Labels one part of a round of each system, where that is missing; returns the summaries.
  std::vector<nlohmann::ordered_json> label_part(long r, RoundPart part,
                                                 const std::vector<long> &probes,
                                                 const std::vector<long> &selected);
  void remove_trajectories(long r) const;
  void label_system(long r, std::size_t m, RoundPart part, long probes, long selected) const;
  /// Error of the student before this round on frames of its own trajectories.
  void measure(long r);
  std::vector<TrainingFrame> read_probes(long r, const Potential &before) const;
  void train(long r);
  /// A training in a process of its own; `name` of it for messages.
  ProcessPool::Work training(const std::string &name, const TrainSettings &s) const;

  // two teachers, a budget, a target (two_teachers/distillation_curve.cpp)
  /// Rounds each of which begins with fresh probes, so that the students of the last one are
  /// measured, too, and a round whose students are good enough costs no other labels.
  void run_curve();
  /// Why the loop ends with the probes of a round; empty: it goes on.
  std::string end_of(long r, const RoundPlan &plan);
  /// What the cheap teacher can label, and what it cannot be told.
  void prepare_first();
  void prepare_budget();
  /// Labels of the cheap teacher, and the students that know these alone.
  void teach_first();
  /// Number of frames that label_start() labelled.
  long copies_labelled() const;
  /// Samples, labels the probes alone, and measures the students on them.
  void measure_on_fresh_probes(long r, const RoundPlan &plan);
  /// Labels the frames where the students disagree; those of the probes are there already.
  void label_selected(long r, const RoundPlan &plan);
  /// The entry of a round in the manifest is the place of all that is known of it.
  void add_point(long r, long labels);
  void draw_curve() const;
};

}    // namespace mlff
