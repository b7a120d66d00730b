// A distillation from its settings to its students: what is refused, the rounds, the result.
#include "distill/distill.h"

#include "data/input_record.h"
#include "distill/distillation.h"
#include "distill/round_report.h"
#include "teacher/teacher.h"
#include "workflow/lammps_run.h"

#include <spdlog/spdlog.h>

namespace mlff {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

  /// Settings of a teacher, with files by their names.
  Json description_of(const Json &provenance)
  {
    Json description = provenance["settings"];
    const Json &files = provenance["files"];
    const auto name_of = [](const Json &file) {
      return fs::path(file.get<std::string>()).filename().string();
    };
    if (!files.empty()) {
      for (auto &[key, value] : description.items())
        if (value == files)
          for (auto &file : value) file = name_of(file);
        else if (value == files.front())
          value = name_of(value);
    }
    return description;
  }

}    // namespace

Distillation::Distillation(const DistillSettings &settings, const std::string &command,
                           const std::string &lammps, int jobs, bool plots) :
    settings(settings),
    folder(settings.output, "mlff distill"), command(command), lammps(lammps_program(lammps)),
    jobs(processes_at_a_time(jobs)), plots(plots), conditions(conditions_of(settings)),
    systems(systems_of(settings)), first(this->settings, systems, folder.path())
{
  const auto teacher = make_teacher(settings.teacher);
  provenance_of_teacher = teacher->provenance();
  check_systems(*teacher, "the teacher");
  if (settings.first_teacher) prepare_first();
  prepare_budget();
  Json initial = {{"rounds", Json::array()}};
  if (settings.measures_curve()) initial["curve"] = Json::array();
  folder.begin(description(), inputs(), command, initial);
}

void Distillation::run()
{
  one_thread_each();
  if (settings.measures_curve())
    run_curve();
  else
    run_rounds();
}

void Distillation::run_rounds()
{
  print_report_head(of_structures());
  for (long r = 0; r <= settings.rounds; r++) {
    if (r > 0) {
      sample(r);
      label(r);
      measure(r);
    } else
      label_start();
    train(r);
    print_report_row(r, entry(r), of_structures());
    const bool learned = r > 1 && errors_stay(entry(r - 1), entry(r), settings.gain);
    if (learned && r < settings.rounds)
      spdlog::info("the error on the student's own trajectories fell by less than {} %: "
                   "round {} was the last",
                   100 * settings.gain, r);
    if (learned || r == settings.rounds) {
      finish(r);
      break;
    }
  }
}

void Distillation::check_systems(const Teacher &teacher, const std::string &name) const
{
  for (const auto &system : systems) try {
      teacher.check(system.start);
    } catch (const TeacherError &error) {
      throw FileError(system.source + " cannot be labelled by " + name + ": " + error.what());
    }
}

Json Distillation::description() const
{
  return settings.description(description_of(provenance_of_teacher),
                              settings.first_teacher ? description_of(provenance_of_first)
                                                     : Json());
}

InputRecord Distillation::inputs() const
{
  InputRecord record;
  Json list = Json::object();
  for (const auto &system : systems)
    if (system.molecule) list[system.name] = system.molecule->smiles;
  if (!of_structures()) record.add("molecules", list);
  for (const auto &file : settings.structures) record.add_file("structures", file);
  record.add_provenance(provenance_of_teacher,
                        "teacher." + teacher_kind(settings.teacher.kind).settings.front().key);
  if (settings.first_teacher)
    record.add_provenance(provenance_of_first,
                          "first_teacher." +
                              teacher_kind(settings.first_teacher->kind).settings.front().key);
  for (const auto &file : settings.start) record.add_file("data.start", file.file);
  for (const auto &file : settings.valid) record.add_file("data.valid", file.file);
  if (!settings.student.init_from.empty())
    record.add_file("student.model.init_from", settings.student.init_from);
  return record;
}

void Distillation::finish(long r)
{
  for (int k = 0; k < settings.students; k++) {
    Potential result = Potential::read(student(r, k));
    auto training = Json::parse(result.training);
    training["distillation"] = {{"settings", description()}, {"rounds", Json::array()}};
    for (const auto &round : folder.manifest["rounds"]) {
      Json line = round;
      line.erase("molecules");
      line.erase("structures");
      training["distillation"]["rounds"].push_back(line);
    }
    if (settings.measures_curve()) training["distillation"]["curve"] = folder.manifest["curve"];
    result.training = training.dump();
    const auto path = folder / ("student-" + std::to_string(k + 1) + ".safetensors");
    result.write(path.string(), true);
  }
  spdlog::info("wrote {} students to {}", settings.students, folder.name());
  judge_reach();
  folder.manifest["done"] = true;
  folder.save();
}

void distill(const DistillSettings &settings, const std::string &command, const std::string &lammps,
             int jobs, bool plots)
{
  Distillation(settings, command, lammps, jobs, plots).run();
}

}    // namespace mlff
