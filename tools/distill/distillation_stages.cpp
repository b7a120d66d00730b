// The stages of a round: sampling, labels, errors, training.
#include "core/progress.h"
#include "core/units.h"
#include "data/trajectory.h"
#include "distill/distillation.h"
#include "distill/round_report.h"
#include "distill/two_teachers/learning_curve.h"
#include "structure/lattice.h"
#include "structure/stress.h"
#include "training/pretrain/pretraining.h"
#include "training/trainer.h"
#include "workflow/lammps_run.h"

#include <spdlog/spdlog.h>

#include <cmath>

namespace mlff {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

Json &Distillation::entry(long r)
{
  Json &rounds = folder.manifest["rounds"];
  while (long(rounds.size()) <= r) rounds.push_back(Json::object());
  return rounds[r];
}

std::string Distillation::student(long r, int k) const
{
  if (r < 0) return first.student(k);
  return (place(r) / ("student-" + std::to_string(k + 1) + ".safetensors")).string();
}

std::vector<std::string> Distillation::students(long r) const
{
  std::vector<std::string> list;
  for (int k = 0; k < settings.students; k++) list.push_back(student(r, k));
  return list;
}

std::string Distillation::labelled(long r, std::size_t m) const
{
  return (place(r) / (systems[m].name + ".xyz")).string();
}

std::string Distillation::probe(long r, std::size_t m) const
{
  return (place(r) / (systems[m].name + "-probe.xyz")).string();
}

std::string Distillation::raw(long r, std::size_t m, std::size_t c) const
{
  return (place(r) / (systems[m].name + "-" + conditions[c].name() + ".xyz")).string();
}

std::vector<DataFile> Distillation::labelled_until(long r) const
{
  std::vector<DataFile> list = settings.start;
  for (std::size_t m = 0; m < systems.size() && settings.labels_copies(); m++)
    list.push_back({labelled(0, m)});
  for (long past = settings.begins_by_sampling() ? 0 : 1; past <= r; past++)
    for (std::size_t m = 0; m < systems.size(); m++)
      for (const auto &path : {labelled(past, m), probe(past, m)})
        if (fs::file_size(path) > 0) list.push_back({path});
  return list;
}

void Distillation::run_all(ProcessPool &pool, const std::string &title) const
{
  Progress progress(title);
  pool.run(jobs, [&](double share) {
    progress.update(share);
  });
}

void Distillation::label_start()
{
  if (!settings.labels_copies()) return;
  fs::create_directories(place(0));
  ProcessPool pool;
  for (std::size_t m = 0; m < systems.size(); m++)
    if (!fs::exists(labelled(0, m)))
      pool.add(labelling(0, m, [this, m] {
        CopyOptions copies = settings.copies;
        copies.seed = int(settings.seed + 7919 * m);
        label_copies(settings.teacher, copies, systems[m], labelled(0, m));
      }));
  run_all(pool, "round 0: labels");
}

ProcessPool::Work Distillation::labelling(long r, std::size_t m, std::function<void()> make)
{
  ProcessPool::Work work;
  const fs::path log = place(r) / (".label-" + systems[m].name + ".log");
  work.run = [make, log] {
    output_to(log);
    make();
    return 0;
  };
  work.finished = [this, r, m, log](int status) {
    if (status != 0)
      throw FileError("round " + std::to_string(r) + ", labels of " + systems[m].name + ": " +
                      last_error(log, status));
    fs::remove(log);
  };
  return work;
}

void Distillation::sample(long r)
{
  fs::create_directories(place(r));
  ProcessPool pool;
  for (std::size_t m = 0; m < systems.size(); m++)
    for (std::size_t c = 0; c < conditions.size(); c++)
      if (!fs::exists(raw(r, m, c)) && !fs::exists(labelled(r, m))) pool.add(sampling(r, m, c));
  run_all(pool, "round " + std::to_string(r) + ": sampling");
}

ProcessPool::Work Distillation::sampling(long r, std::size_t m, std::size_t c)
{
  const fs::path place_of_run =
      place(r) / (".sample-" + systems[m].name + "-" + conditions[c].name());
  fs::remove_all(place_of_run);
  fs::create_directories(place_of_run);
  auto counter = std::make_shared<FrameCounter>(place_of_run / "frames.xyz");
  ProcessPool::Work work;
  work.run = [this, r, m, c, place_of_run] {
    output_to(place_of_run / "log");
    const auto seed = unsigned(settings.seed + 1009 * r + 31 * long(m) + long(c));
    mlff::sample(settings, {systems[m], conditions[c], c, students(r - 1), r, seed}, lammps,
                 place_of_run);
    return 1;
  };
  work.progress = [this, counter] {
    return std::min(1.0, double(counter->count()) / double(settings.frames));
  };
  // a student that flies apart has told what it does not know: its frames count as far as they
  // go
  work.finished = [this, r, m, c, place_of_run](int status) {
    const std::string name = systems[m].name + " at " + conditions[c].text();
    if (status != 0)
      spdlog::warn("round {}: {}: {}", r, name, last_error(place_of_run / "log", status));
    keep_trajectory(r, m, c, place_of_run);
    fs::remove_all(place_of_run);
  };
  return work;
}

void Distillation::keep_trajectory(long r, std::size_t m, std::size_t c,
                                   const fs::path &place_of_run)
{
  const std::string file = raw(r, m, c), part = file + ".part";
  const auto end = keep_frames(settings, systems[m], place_of_run, part);
  if (!systems[m].molecule) write_json(file + ".json", record_of(conditions[c], end));
  if (end && end->stopped)
    spdlog::info("round {}: {} at {} was stopped at {} ps, where the students' forces were "
                 "more than {} eV/Å apart",
                 r, systems[m].name, conditions[c].text(), number(end->ps),
                 number(settings.stop_spread));
  fs::rename(part, file);
}

void Distillation::label(long r)
{
  const std::vector<long> probes(systems.size(), settings.probe),
      selected(systems.size(), settings.select);
  add_labels(entry(r), systems, label_part(r, RoundPart::both, probes, selected));
  folder.save();
  remove_trajectories(r);
}

std::vector<Json> Distillation::label_part(long r, RoundPart part, const std::vector<long> &probes,
                                           const std::vector<long> &selected)
{
  const auto done = [&](std::size_t m) {
    return part == RoundPart::probes ? probe(r, m) : labelled(r, m);
  };
  ProcessPool pool;
  for (std::size_t m = 0; m < systems.size(); m++)
    if (!fs::exists(done(m)))
      pool.add(labelling(r, m, [this, r, m, part, n = probes[m], n_selected = selected[m]] {
        label_system(r, m, part, n, n_selected);
      }));
  run_all(pool,
          "round " + std::to_string(r) + (part == RoundPart::probes ? ": probes" : ": labels"));
  std::vector<Json> summaries;
  for (std::size_t m = 0; m < systems.size(); m++)
    summaries.push_back(Json::parse(text_of(done(m) + ".json")));
  return summaries;
}

void Distillation::remove_trajectories(long r) const
{
  for (std::size_t m = 0; m < systems.size(); m++)
    for (std::size_t c = 0; c < conditions.size(); c++) {
      fs::remove(raw(r, m, c));
      fs::remove(raw(r, m, c) + ".json");
    }
}

void Distillation::label_system(long r, std::size_t m, RoundPart part, long probes,
                                long selected) const
{
  RoundOfSystem round{.system = systems[m],
                      .trajectories = {},
                      .students = students(r - 1),
                      .known = {},
                      .selected = labelled(r, m),
                      .probes = probe(r, m),
                      .seed = settings.seed + 17 * std::uint64_t(r) + m,
                      .n_probes = probes,
                      .n_selected = selected,
                      .part = part};
  for (std::size_t c = 0; c < conditions.size(); c++) round.trajectories.push_back(raw(r, m, c));
  if (of_structures()) round.known = labelled_until(r - 1);
  label_round(settings, round);
}

void Distillation::measure(long r)
{
  Json &e = entry(r);
  if (e.contains("probe")) return;
  const Potential before = Potential::read(student(r - 1, 0));
  const auto frames = read_probes(r, before);
  if (frames.empty())
    throw FileError("round " + std::to_string(r) +
                    ": the student's trajectories hold no frame that could be labelled; begin "
                    "with more frames (" +
                    (settings.labels_copies()            ? "'copies.frames'"
                         : settings.begins_by_sampling() ? "'first.frames'"
                                                         : "'data.start'") +
                    ")");
  e["probe"] = errors_of(before, frames, Precision::double_precision, 1).json();
  if (settings.measures_curve()) {
    // energies of the cheap teacher count from another zero
    const bool with_energies = r > 0 || !settings.begins_by_sampling();
    if (!with_energies) e["probe"].erase("energy_mae_meV_per_atom");
    e["probe"].update(
        probe_record(frame_errors(before, frames), with_energies, settings.seed + unsigned(r)));
  }
  folder.save();
}

std::vector<TrainingFrame> Distillation::read_probes(long r, const Potential &before) const
{
  std::vector<TrainingFrame> frames;
  for (std::size_t m = 0; m < systems.size(); m++) {
    if (fs::file_size(probe(r, m)) == 0) continue;
    const auto reader = open_trajectory(probe(r, m));
    for (Structure frame; reader->next(frame);) {
      frames.push_back({});
      frames.back().structure = frame;
      append_graph(frame, before.elements, before.cutoff, frames.back().graph);
      if (!frame.stress) continue;
      auto &gradient = frames.back().strain_gradient;
      gradient = six_components(*frame.stress);
      for (double &x : *gradient) x *= cell_volume(frame.cell);
    }
  }
  return frames;
}

void Distillation::train(long r)
{
  fs::create_directories(place(r));
  // a student whose cell shall have the right volume must know the stress, if its teacher does
  if (settings.weigh_stress_as_labelled && !settings.student.stress.used() &&
      have_stress(labelled_until(0)))
    settings.student.stress.weight = settings.student.stress.final_weight = 1.0;
  ProcessPool pool;
  for (int k = 0; k < settings.students; k++) {
    if (fs::exists(student(r, k))) continue;
    TrainSettings s = settings.student;
    s.seed = settings.student.seed + unsigned(k);
    s.train = labelled_until(r);
    s.valid = settings.valid;
    s.output = student(r, k);
    if (s.citation.empty()) s.citation = make_teacher(settings.teacher)->citation();
    // each round begins again at what the cheap teacher taught, which many rounds would wear off
    if (settings.first_teacher)
      s.pretrain = std::make_shared<TrainSettings>(first.training(k));
    else if (r > 0)
      s.init_from = student(r - 1, k);
    pool.add(training("round " + std::to_string(r) + ", student " + std::to_string(k + 1), s));
  }
  run_all(pool, "round " + std::to_string(r) + ": training");
  const auto report = Json::parse(Potential::read(student(r, 0)).training);
  for (const char *key : {"n_train", "train", "valid"}) entry(r)[key] = report[key];
  folder.save();
}

ProcessPool::Work Distillation::training(const std::string &name, const TrainSettings &s) const
{
  const fs::path log = fs::path(s.output).replace_extension(".log");
  ProcessPool::Work work;
  work.run = [this, s, log] {
    output_to(log);
    TrainSettings own = s;
    const std::string last_command = folder.manifest["commands"].back();
    if (!pretrain(own, last_command, false)) return 1;
    Trainer trainer(own, last_command);
    return trainer.run(false, false) ? 0 : 1;
  };
  const fs::path lines = fs::path(s.output).replace_extension(".training") / "log.jsonl";
  work.progress = [lines, steps = s.steps] {
    const std::string text = text_of(lines);
    const auto at = text.rfind("{\"step\":");
    return at == std::string::npos ? 0.0 : std::atof(text.c_str() + at + 8) / double(steps);
  };
  work.finished = [name, log](int status) {
    if (status != 0) throw FileError(name + ": " + last_error(log, status));
  };
  return work;
}

}    // namespace mlff
