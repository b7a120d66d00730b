// The settings file of mlff distill.
#include "data/settings_table.h"
#include "distill/distill.h"
#include "training/teacher_section.h"
#include "workflow/lammps_run.h"

#include <filesystem>

namespace mlff {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

  using S = DistillSettings;

  const SettingsTable<S> sampling_table = {
      {"frames", &S::frames, at_least(1), "frames of each molecule and temperature in a round"},
      {"every", &S::every, at_least(1), "steps from frame to frame"},
      {"warmup", &S::warmup, at_least(0), "steps before the first frame"},
      {"timestep", &S::timestep, at_least(1e-3), "fs"},
  };

  const SettingsTable<S> select_table = {
      {"frames", &S::select, at_least(1),
       "labels of a round for each molecule: frames with the largest spread that are also new"},
      {"probe", &S::probe, at_least(1),
       "frames drawn at random and labelled, which measure the student before it learns from them"},
  };

  const SettingsTable<S> loop_table = {
      {"rounds", &S::rounds, at_least(1), "rounds at most", Recorded::no},
      {"gain", &S::gain, between(-1.0, 1.0),
       "the loop ends where the error on the probes fell by less than this share"},
      {"students", &S::students, at_least(2),
       "students with different seeds; their spread is the uncertainty"},
      {"seed", &S::seed, at_least(0), "of sampling, choice and weights"},
  };

}    // namespace

DistillSettings DistillSettings::read(const std::string &path)
{
  DistillSettings s;
  YamlSection top = YamlSection::file(path);
  s.molecules = top.word("molecules", "");
  if (s.molecules.empty())
    top.fail("molecules",
             "is missing; accepted: a SMILES, or a file with a SMILES and a name in each line");
  if (fs::is_regular_file(beside(path, s.molecules))) s.molecules = beside(path, s.molecules);

  YamlSection teacher = top.section("teacher");
  // molecules have their charge and unpaired electrons from their SMILES
  s.teacher = read_teacher(teacher, path, {"charge", "uhf", "lammps_processes"});
  s.teacher.threads = 1;
  teacher.finish();

  YamlSection data = top.section("data");
  s.start = TrainSettings::read_files(data, "start", path, false);
  s.valid = TrainSettings::read_files(data, "valid", path, false);
  data.finish();
  if (s.start.empty())
    data.fail(
        "start",
        "is missing; accepted: a list of maps with the key 'file' (mlff label makes such files)");

  YamlSection sampling = top.section("sampling");
  if (sampling.has("temperatures")) s.temperatures = sampling.numbers("temperatures");
  for (const double temperature : s.temperatures)
    if (temperature <= 0)
      sampling.fail("temperatures", "holds " + number(temperature) + "; accepted: numbers > 0 (K)");
  sampling_table.read(sampling, s);
  sampling.finish();

  YamlSection select = top.section("select");
  select_table.read(select, s);
  select.finish();
  const long candidates = s.frames * long(s.temperatures.size());
  if (s.select + s.probe > candidates)
    select.fail("frames",
                "and 'select.probe' ask for " + std::to_string(s.select + s.probe) + " of the " +
                    std::to_string(candidates) + " frames that 'sampling' makes of a molecule");

  loop_table.read(top, s);
  YamlSection student = top.section("student");
  s.student.read_student(student, path);
  if (s.student.molecule)
    top.fail("student.model.kind",
             std::string("is '") + s.student.kind->name +
                 "', which mlff train alone makes (from labels of mlff label); accepted: painn");
  student.finish();
  s.output = beside(path, top.word("output", ""));
  if (top.word("output", "").empty()) top.fail("output", "is missing; accepted: a folder");
  top.finish();
  return s;
}

Json DistillSettings::description(const Json &teacher_description) const
{
  Json json;
  TrainSettings full = student;
  full.train = start;
  full.valid = valid;
  const Json inner = full.description();
  json["molecules"] = fs::is_regular_file(molecules) ? fs::path(molecules).filename().string()
                                                     : molecules;
  json["teacher"] = teacher_description;
  json["sampling"] = {{"temperatures", temperatures}};
  json["sampling"].update(sampling_table.record(*this));
  json["select"] = select_table.record(*this);
  json.update(loop_table.record(*this));
  json["start"] = inner["data"]["train"];
  json["valid"] = inner["data"]["valid"];
  for (const char *key : {"model", "loss", "training"}) json["student"][key] = inner[key];
  return json;
}

std::string DistillSettings::page()
{
  const std::vector<SettingText> top = {
      {"molecules", "needed", "a SMILES, or a file",
       "one molecule, or a file with a SMILES and a name in each line"},
      {"output", "needed", "a folder", "manifest, frames and students"}};
  const std::vector<SettingText> data = {
      {"start", "needed", "a map or a list of maps",
       "labelled frames to begin with, as `data: train` of mlff train"},
      {"valid", "none", "a map or a list of maps", "frames that choose the weights"}};
  const std::vector<SettingText> temperatures = {
      {"temperatures", "300, 500", "numbers > 0", "K, of the Langevin thermostat"}};
  const std::vector<SettingText> student = {
      {"model", "", "a map", "as in settings of mlff train"},
      {"loss", "", "a map", "as in settings of mlff train"},
      {"training", "", "a map", "as in settings of mlff train; `steps` are those of a round"}};
  const DistillSettings standard;
  return settings_markdown("## keys without a section", {top, loop_table.text(standard)}) +
      settings_markdown("## teacher", {teacher_text({"charge", "uhf", "lammps_processes"})}) +
      settings_markdown("## data", {data}) +
      settings_markdown("## sampling", {temperatures, sampling_table.text(standard)}) +
      settings_markdown("## select", {select_table.text(standard)}) +
      settings_markdown("## student", {student});
}

}    // namespace mlff
