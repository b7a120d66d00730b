// The rounds of a sampler: frames of the student, their labels, its errors, its training.
#include "core/units.h"
#include "data/output_file.h"
#include "data/trajectory.h"
#include "label/wide_sampling.h"
#include "make_sampler/chain/acceptance.h"
#include "make_sampler/chain/energy_function.h"
#include "make_sampler/sampler_maker.h"
#include "make_sampler/sound_frame.h"
#include "make_sampler/stopwatch.h"
#include "molecule/positions.h"
#include "potential/model_kind.h"
#include "training/trainer.h"
#include "workflow/lammps_run.h"
#include "workflow/work_process.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace mlff {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

  // sampling: segments of 40 fs, those before the first frame, and chains of a round
  constexpr int segment_steps = 80, first_segments = 10, chains = 8;

  /// A student whose energy falls this far below that of a conformer, eV, has found a hole that the
  /// teacher does not have.
  constexpr double hole = -0.5;
  constexpr double sampling_timestep = 0.5;    // fs

  /// Frames with larger forces are not learned, eV/Å; at the entrance of a hole they are 30 to 90.
  constexpr double most_force = 150.0;

  /// A student that finds fewer of the frames asked for needs frames that are drawn.
  constexpr double least_found = 0.5;

  /// Frames of a batch of the training.
  constexpr long batch_frames = 64;

  constexpr const char *frames_file = "frames.xyz", *above_file = "above.xyz",
                       *labels_file = "labels.xyz", *above_labels = "above-labels.xyz";

}    // namespace

Json &SamplerMaker::entry(int r)
{
  Json &rounds = folder.manifest["rounds"];
  while (int(rounds.size()) <= r) rounds.push_back(Json::object());
  return rounds[r];
}

void SamplerMaker::run_rounds()
{
  int r = 0;
  for (const Part &part : parts) r = run_part(part, r);
}

int SamplerMaker::run_part(const Part &part, int first)
{
  folder.stage(part.key, "time of a label", [&] {
    time_label(part);
  });
  for (int r = first;; r++) {
    const std::string number = std::to_string(r), title = "round " + number + ": ";
    folder.stage("plan-" + number, title + "plan", [&] {
      plan(part, r, first);
    });
    folder.stage("frames-" + number, title + "frames", [&] {
      make_frames(r);
    });
    folder.stage("labels-" + number, title + "labels", [&] {
      label(part, r);
    });
    if (before(r) >= 0) {
      folder.stage("measure-" + number, title + "errors of the student", [&] {
        measure(r);
      });
      if (is_end(r)) return r + 1;
    }
    folder.stage("length-" + number, title + "length of the training", [&] {
      plan_training(part, r, first);
    });
    folder.stage("training-" + number, title + "training", [&] {
      train(part, r, first);
    });
  }
}

/// The median of some labels near the first conformer: other work of the machine must not count.
void SamplerMaker::time_label(const Part &part)
{
  constexpr int most = 15;
  const double limit = 0.02 * 60.0 * options.minutes;    // s
  const Json time = in_a_process(folder, "timing", [&] {
    const auto teacher = make_teacher(part.teacher);
    Structure frame = start;
    std::mt19937 generator(static_cast<unsigned>(options.seed));
    std::normal_distribution<double> normal(0.0, 0.02);
    std::vector<double> times;
    const Stopwatch watch;
    // the first label also sets the teacher up
    while (times.size() < 2 || (times.size() < most && watch.seconds() < limit)) {
      for (double &x : frame.positions) x += normal(generator);
      const Stopwatch one;
      teacher->label(frame);
      times.push_back(one.seconds());
      frame.positions = start.positions;
    }
    times.erase(times.begin());
    std::nth_element(times.begin(), times.begin() + long(times.size() / 2), times.end());
    return Json(times[times.size() / 2]);
  });
  folder.manifest[part.key] = time;
}

double SamplerMaker::left_of(const Part &part) const
{
  // the first part has its share from the beginning, the last one what is left before the check
  double until = 0.0;
  for (const Part &one : parts) {
    until += one.share;
    if (&one == &part) break;
  }
  return until * 60.0 * options.minutes - folder.seconds_of_stages();
}

long SamplerMaker::labels_of(int first, int r) const
{
  long sum = 0;
  for (int k = first; k < r; k++) sum += entry(k).value("labels", 0L);
  return sum;
}

int SamplerMaker::before(int r) const
{
  return entry(r)["plan"]["before"];
}

void SamplerMaker::plan(const Part &part, int r, int first)
{
  RoundSituation s;
  s.round = r - first;
  s.seconds = part.share * 60.0 * options.minutes;
  s.seconds_left = left_of(part);
  s.label_seconds = folder.manifest[part.key];
  s.labels_before = labels_of(first, r);
  if (part.labels > 0) s.labels_left = std::max(0L, part.labels - s.labels_before);
  s.frames_per_second = folder.manifest.value("frames_per_second", 0.0);
  // the round that ended another part has no training
  int student_before = r - 1;
  while (student_before >= 0 && !fs::exists(student(student_before))) student_before--;
  int every = 0;
  if (student_before >= 0) {
    s.has_student = true;
    StudentChain chain(Potential::read(student(student_before)),
                       conditions(options.temperature, sampling_timestep), segment_steps, 1);
    chain.start(molecule.conformers.front());
    constexpr int timed = 5;
    const Stopwatch watch;
    chain.move(timed);
    const double segment = watch.seconds() / timed;
    // frames that are too alike are not worth their labels
    every = int(std::clamp(std::lround(s.label_seconds / segment), 2L, 10L));
    s.frame_seconds = every * segment;
  }
  Json plan = plan_sampler_round(s).json();
  plan["before"] = student_before;
  plan["every"] = every;
  plan["first"] = first;
  entry(r)["plan"] = plan;
}

void SamplerMaker::make_frames(int r)
{
  const SamplerRound round = SamplerRound::of(entry(r)["plan"]);
  fs::create_directories(place(r));
  const double T = options.temperature;
  if (before(r) < 0) {
    draw_frames(r, round.above);
    return;
  }
  sample_frames(r, {T}, round.frames, frames_file);
  if (entry(r)["found"].get<double>() < least_found)
    draw_frames(r, round.above);
  else
    sample_frames(r, {1.5 * T, 2.0 * T}, round.above, above_file);
}

/// Geometries near conformers and far from them, for the first student of all, and where students
/// do not move.
void SamplerMaker::draw_frames(int r, long n)
{
  const WideMolecule wide(molecule);
  std::mt19937 generator(static_cast<unsigned>(options.seed + r));
  OutputFile file((place(r) / above_file).string(), true);
  long found = 0;
  for (long tries = 0; found < n && tries < 50 * n; tries++) {
    const Structure frame = wide.draw(generator, found % 2 ? WideRange{} : near_conformers);
    if (!is_sound(molecule, frame.positions, kind->one_molecule)) continue;
    write_xyz(file, frame);
    found++;
  }
  file.finish();
}

/// Frames of the student's own chain, of several conformers and of these temperatures in turn.
void SamplerMaker::sample_frames(int r, const std::vector<double> &temperatures, long n,
                                 const std::string &name)
{
  if (n == 0) return;
  const Potential potential = Potential::read(student(before(r)));
  const int every = entry(r)["plan"]["every"];
  OutputFile file((place(r) / name).string(), true);
  long failed = 0, all_good = 0;
  double segments = 0.0, accepted = 0.0;
  for (int c = 0; c < chains; c++) {
    const auto seed = unsigned(options.seed + 1009 * r + 101 * int(temperatures.size()) + c);
    StudentChain chain(potential,
                       conditions(temperatures[c % temperatures.size()], sampling_timestep),
                       segment_steps, seed);
    std::size_t next = std::size_t(chains * r + c);
    const auto begin = [&] {
      chain.start(molecule.conformers[next++ % molecule.conformers.size()]);
      for (int k = 0; k < first_segments && chain.place().energy > hole; k++) chain.move(1);
    };
    begin();
    const long wanted = n / chains + (c < n % chains ? 1 : 0),
               most_failed = failed + wanted / 3 + 10;
    long found = 0;
    std::vector<double> last;
    while (found < wanted && failed < most_failed) {
      for (int k = 0; k < every && chain.place().energy > hole; k++) chain.move(1);
      const bool sound = is_sound(molecule, chain.place().x, kind->one_molecule),
                 moved = chain.place().x != last;
      last = chain.place().x;
      if (sound && moved) {
        Structure frame = molecule.frame(chain.place().x);
        centre(frame.positions, molecule.masses);
        write_xyz(file, frame);
        found++;
        all_good += chain.place().energy > hole;
      }
      // the entrance of a hole is worth a label, what lies in it is not
      if (!sound || !moved || chain.place().energy <= hole) {
        failed++;
        begin();
      }
    }
    segments += chain.tally().segments;
    accepted += chain.tally().accepted;
  }
  file.finish();
  if (name == frames_file) {
    entry(r)["segment_acceptance"] = accepted / segments;
    entry(r)["found"] = double(all_good) / double(n);
  }
  if (failed > 0)
    spdlog::info("round {}: the student fell into a hole, broke a bond or did not move {} times", r,
                 failed);
}

void SamplerMaker::label(const Part &part, int r)
{
  long labels = 0;
  for (const auto &[from, to] :
       {std::pair{frames_file, labels_file}, std::pair{above_file, above_labels}}) {
    const fs::path frames = place(r) / from, labelled = place(r) / to;
    if (!fs::exists(frames) || fs::file_size(frames) == 0) continue;
    if (!fs::exists(labelled)) {
      LabelOptions label;
      label.command = options.command;
      label.structures = frames.string();
      label.output = labelled.string();
      label.teacher = part.teacher;
      label.skip_failed = true;
      label_structures(label);
    }
    const auto reader = open_trajectory(labelled.string());
    for (Structure frame; reader->next(frame);) labels++;
  }
  entry(r)["labels"] = labels;
  entry(r)["teacher"] = part.teacher.name();
}

void SamplerMaker::measure(int r)
{
  const auto energy = energy_of_potential(Potential::read(student(before(r))), molecule.numbers);
  const double kT = boltzmann * options.temperature;
  std::vector<double> differences, forces;
  const auto reader = open_trajectory((place(r) / labels_file).string());
  for (Structure frame; reader->next(frame);)
    differences.push_back((*frame.energy - energy(frame.positions, forces)) / kT);
  if (differences.size() < 2)
    throw FileError("round " + std::to_string(r) +
                    ": fewer than two frames of the student could be labelled");
  const ExpectedAcceptance expected = expected_acceptance(differences);
  // numbers of a picture, from the mean
  double mean = 0.0;
  for (const double d : differences) mean += d / double(differences.size());
  Json shown = Json::array();
  for (std::size_t k = 0; k < differences.size() && k < 400; k++)
    shown.push_back(std::round(1e4 * (differences[k] - mean)) / 1e4);
  entry(r)["measure"] = {{"frames", differences.size()},
                         {"energy_deviation_meV", expected.deviation * kT / meV},
                         {"deviation_kT", expected.deviation},
                         {"acceptance", expected.gaussian},
                         {"acceptance_of_pairs", expected.direct},
                         {"differences_kT", shown}};
  spdlog::info("round {}: energies of the student within {:.1f} meV, {:.2f} kT; expected "
               "acceptance {:.2f}",
               r, expected.deviation * kT / meV, expected.deviation, expected.gaussian);
}

bool SamplerMaker::moves(int r) const
{
  return entry(r)["segment_acceptance"].get<double>() >= 0.5;
}

bool SamplerMaker::is_end(int r) const
{
  return entry(r)["plan"]["closing"].get<bool>() ||
      (moves(r) && entry(r)["measure"]["acceptance"].get<double>() >= options.acceptance);
}

void SamplerMaker::plan_training(const Part &part, int r, int first)
{
  const Json &seconds = folder.manifest["seconds"];
  const double round = entry(r)["plan"]["seconds"];
  double used = 0.0;
  for (const char *stage : {"plan-", "frames-", "labels-", "measure-"})
    used += seconds.value(stage + std::to_string(r), 0.0);
  const double speed = frames_per_second(part, r, first),
               left = std::max(0.5 * round, round - used);
  const double frames = std::min(std::min(left, std::max(0.0, left_of(part))) * speed,
                                 most_passes * double(labels_of(first, r + 1)));
  entry(r)["steps"] = std::max(200L, std::lround(frames / (100.0 * batch_frames)) * 100);
}

/// Of the training before, or of a short one.
double SamplerMaker::frames_per_second(const Part &part, int r, int first)
{
  if (folder.manifest.contains("frames_per_second"))
    return folder.manifest["frames_per_second"].get<double>();
  const fs::path pilot = folder / ".pilot";
  fs::remove_all(pilot);
  fs::create_directories(pilot);
  const Json line = in_a_process(folder, "pilot", [&]() -> Json {
    TrainSettings s = training_settings(part, r, first, 100);
    s.validate_every = s.steps;
    s.output = (pilot / "student.safetensors").string();
    if (!Trainer(s, options.command).run(true, true)) return {};
    return Json::parse(text_of(pilot / "student.training" / "log.jsonl"));
  });
  fs::remove_all(pilot);
  folder.manifest["frames_per_second"] = line["frames_per_second"];
  return line["frames_per_second"];
}

TrainSettings SamplerMaker::training_settings(const Part &part, int r, int first, long steps) const
{
  TrainSettings s;
  s.kind = kind;
  s.molecule = kind->one_molecule;
  s.long_range = kind->needs_positions;
  s.features = 64;
  s.widths = {64, 64};
  // few dear labels: each round begins again at what the cheap teacher taught
  const int from = &part != &parts.front() ? int(entry(first)["plan"]["before"]) : before(r);
  if (from >= 0) s.init_from = student(from);
  for (int k = first; k <= r; k++)
    for (const char *name : {labels_file, above_labels})
      if (fs::exists(place(k) / name)) s.train.push_back({(place(k) / name).string()});
  // fresh frames measure the student, so that none need be held out
  s.valid_fraction = 0.0;
  s.max_force = most_force;
  // the entrances of holes must not outweigh the frames that count
  s.energy = {.weight = 5.0, .final_weight = 100.0, .huber = true, .delta = 0.05};
  s.force = {.weight = 1.0, .final_weight = 1.0, .huber = true, .delta = 0.3};
  s.batch_atoms = batch_frames * molecule.n_atoms();
  s.steps = steps;
  s.learning_rate = from < 0 ? 3e-3 : 2e-3;
  s.final_learning_rate = 1e-6;
  s.warmup = std::min(500L, steps / 10);
  s.ema = std::min(0.999, 1.0 - 20.0 / double(steps));
  s.validate_every = std::max(1L, steps / 10);
  s.precision = "single";
  s.engine = "host";
  s.seed = unsigned(options.seed);
  s.checkpoint_seconds = 2.0;
  s.citation = make_teacher(part.teacher)->citation();
  s.output = student(r);
  return s;
}

void SamplerMaker::train(const Part &part, int r, int first)
{
  if (fs::exists(student(r))) return;
  const long steps = entry(r)["steps"];
  const fs::path lines = place(r) / "student.training" / "log.jsonl";
  in_a_process(
      folder, "training",
      [&]() -> Json {
        if (!Trainer(training_settings(part, r, first, steps), options.command).run(false, false))
          return {};
        return Json(steps);
      },
      [&] {
        return step_of_log(lines) / double(steps);
      });
}

}    // namespace mlff
