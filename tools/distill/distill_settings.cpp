// The settings file of mlff distill.
#include "distill/distill.h"
#include "training/teacher_section.h"
#include "workflow/lammps_run.h"

#include <filesystem>
#include <limits>

namespace mlff {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

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
  s.teacher = read_teacher(teacher, path, {"charge", "uhf"});
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
  s.frames = sampling.whole("frames", s.frames, 1);
  s.every = sampling.whole("every", s.every, 1);
  s.warmup = sampling.whole("warmup", s.warmup);
  s.timestep = sampling.number("timestep", s.timestep, 1e-3);
  sampling.finish();

  YamlSection select = top.section("select");
  s.select = select.whole("frames", s.select, 1);
  s.probe = select.whole("probe", s.probe, 1);
  select.finish();
  const long candidates = s.frames * long(s.temperatures.size());
  if (s.select + s.probe > candidates)
    select.fail("frames",
                "and 'select.probe' ask for " + std::to_string(s.select + s.probe) + " of the " +
                    std::to_string(candidates) + " frames that 'sampling' makes of a molecule");

  s.rounds = top.whole("rounds", s.rounds, 1);
  s.gain = top.number("gain", s.gain, -1.0, 1.0);
  s.students = int(top.whole("students", s.students, 2));
  s.seed = unsigned(top.whole("seed", s.seed, 0, std::numeric_limits<unsigned>::max()));
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
  json["sampling"] = {{"temperatures", temperatures},
                      {"frames", frames},
                      {"every", every},
                      {"warmup", warmup},
                      {"timestep", timestep}};
  json["select"] = {{"frames", select}, {"probe", probe}};
  json["gain"] = gain;
  json["students"] = students;
  json["seed"] = seed;
  json["start"] = inner["data"]["train"];
  json["valid"] = inner["data"]["valid"];
  for (const char *key : {"model", "loss", "training"}) json["student"][key] = inner[key];
  return json;
}

}    // namespace mlff
