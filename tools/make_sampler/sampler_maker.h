// The state and the stages of one run of mlff make-sampler.
#pragma once

#include "label/label.h"
#include "make_sampler/chain/student_chain.h"
#include "make_sampler/make_sampler.h"
#include "make_sampler/sampler_plan.h"
#include "molecule/molecule.h"
#include "training/train_settings.h"
#include "workflow/run_folder.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace mlff {

class SamplerMaker {
 public:
  /// Refuses what cannot be done before anything is written. Throws FileError, MoleculeError.
  explicit SamplerMaker(const MakeSamplerOptions &options);

  void run();

 private:
  MakeSamplerOptions options;
  RunFolder folder;
  Molecule molecule;
  Structure start;    // lowest conformer, with the state of the molecule
  const ModelKind *kind = nullptr;

  /// A teacher and the share of the time that its rounds have.
  struct Part {
    TeacherSettings teacher;
    std::string key;    // of its time of a label in the manifest
    double share;
    long labels;    // at most; 0: any number
  };
  std::vector<Part> parts;    // cheap teacher first

  nlohmann::ordered_json settings() const;
  void make_start();
  void check_teachers();
  const ModelKind &student_kind() const;

  // rounds (sampler_rounds.cpp)
  void run_rounds();
  /// Rounds of a part, which begin with round `r`; returns the number of the round behind them.
  int run_part(const Part &part, int r);
  nlohmann::ordered_json &entry(int r);
  const nlohmann::ordered_json &entry(int r) const { return folder.manifest["rounds"][r]; }
  std::filesystem::path place(int r) const { return folder / ("round-" + std::to_string(r)); }
  std::string student(int r) const { return (place(r) / "student.safetensors").string(); }
  /// The round whose training made the student that round r samples with and measures; -1: none.
  int before(int r) const;
  void time_label(const Part &part);
  void plan(const Part &part, int r, int first);
  double left_of(const Part &part) const;
  long labels_of(int first, int r) const;
  void draw_frames(int r, long n);
  void sample_frames(int r, const std::vector<double> &temperatures, long n,
                     const std::string &name);
  void make_frames(int r);
  void label(const Part &part, int r);
  void measure(int r);
  /// Whether the student that round r samples with accepts most segments: frames of a chain that
  /// does not move tell nothing of it.
  bool moves(int r) const;
  /// Whether the rounds of a part end with the measurement of round r.
  bool is_end(int r) const;
  void plan_training(const Part &part, int r, int first);
  TrainSettings training_settings(const Part &part, int r, int first, long steps) const;
  double frames_per_second(const Part &part, int r, int first);
  void train(const Part &part, int r, int first);

  // result (sampler_result.cpp)
  /// The round whose student had the best measured acceptance of those of the teacher.
  int best_round() const;
  std::string best_student() const { return student(before(best_round())); }
  double best_acceptance() const;
  ChainConditions conditions(double temperature, double timestep_fs) const;
  Structure lowest_frame() const;
  void choose_lengths();
  double choose_timestep(const Potential &potential);
  void compare_with_verlet(const Potential &potential);
  long proposals_of_check() const;
  void check();
  void write_input() const;
  void write_result();
  std::string report() const;
  std::string report_of_rounds() const;
  std::string report_of_check() const;
  std::string report_of_samples() const;
  void tell() const;
};

}    // namespace mlff
