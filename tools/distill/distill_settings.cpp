// The settings file of mlff distill.
#include "data/settings_table.h"
#include "distill/distill.h"
#include "training/teacher_section.h"
#include "workflow/lammps_run.h"

#include <cmath>
#include <filesystem>
#include <initializer_list>

namespace mlff {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

namespace {

  using S = DistillSettings;

  const SettingsTable<CopyOptions> copies_table = {
      {"frames", &CopyOptions::copies, at_least(1), "copies of each structure"},
      {"rattle", &CopyOptions::rattle, at_least(0.0), "standard deviation of each coordinate, Å"},
      {"strain", &CopyOptions::strain, between(0.0, largest_strain),
       "largest component of a strain along periodic directions"},
  };

  const SettingsTable<S> sampling_table = {
      {"frames", &S::frames, at_least(1),
       "frames in a round of each system at each temperature and pressure"},
      {"every", &S::every, at_least(1), "steps from frame to frame"},
      {"warmup", &S::warmup, at_least(0), "steps before the first frame"},
      {"timestep", &S::timestep, at_least(1e-3), "fs"},
  };

  const SettingsTable<S> structure_sampling_table = {
      {"ensemble", &S::npt, one_of({"nvt", "npt"}), "constant volume, or constant pressure"},
      {"coupling", &S::coupling, one_of({"iso", "aniso", "tri"}),
       "what constant pressure changes: the size of the cell, also the ratios of its edges, or "
       "also its angles"},
      {"stop_spread", &S::stop_spread, at_least(1e-6),
       "a trajectory ends where the students' forces on an atom are apart by more than this, eV/Å"},
  };

  const SettingsTable<S> select_table = {
      {"frames", &S::select, at_least(1),
       "labels of a round for each system: frames with the largest spread that are also new"},
      {"probe", &S::probe, at_least(1),
       "frames drawn at random and labelled, which measure the student before it learns from them"},
  };

  const SettingsTable<S> molecule_table = {
      {"reach",
       &S::reach,
       {},
       "of molecules: compare the last students with the teacher along torsions and bonds",
       Recorded::no},
  };

  const SettingsTable<S> loop_table = {
      {"rounds", &S::rounds, at_least(1), "rounds at most; beside `labels` any number",
       Recorded::no},
      {"gain", &S::gain, between(-1.0, 1.0),
       "the loop ends where the errors on the probes fell by less than this share; not beside "
       "`labels` or `target`, if it is missing"},
      {"students", &S::students, at_least(2),
       "students with different seeds; their spread is the uncertainty"},
      {"seed", &S::seed, at_least(0), "of sampling, choice and weights"},
  };

  /// Refuses keys that have no meaning for what the settings distil.
  void refuse(YamlSection &section, std::initializer_list<const char *> keys, const char *why)
  {
    for (const char *key : keys)
      if (section.has(key)) section.fail(key, why);
  }

  constexpr const char *of_structures =
      "is of use for 'structures', but the settings name 'molecules'; accepted: one of the two";

  std::string file_name(const std::string &path)
  {
    return fs::path(path).filename().string();
  }

}    // namespace

void DistillSettings::read_systems(YamlSection &top, const std::string &path)
{
  molecules = top.word("molecules", "");
  const auto names = top.words("structures");
  if (molecules.empty() == names.empty())
    top.fail("molecules",
             std::string(names.empty() ? "is missing" : "stands beside 'structures'") +
                 "; accepted: either a SMILES or a file with a SMILES and a name in each line, or "
                 "'structures' with files of structures");
  if (names.empty()) {
    if (fs::is_regular_file(beside(path, molecules))) molecules = beside(path, molecules);
    refuse(top, {"repeat", "copies"}, of_structures);
    return;
  }
  for (const auto &name : names)
    for (const auto &file : matching_files(beside(path, name))) {
      if (!fs::exists(file)) top.fail("structures", "names '" + name + "', which is not there");
      structures.push_back(file);
    }
  if (!top.has("repeat")) return;
  const auto repeat = top.numbers("repeat");
  bool whole = repeat.size() == 3;
  for (const double times : repeat)
    whole = whole && times >= 1 && times <= 1000 && times == std::floor(times);
  if (!whole)
    top.fail("repeat", "is no list of three whole numbers from 1 to 1000; accepted: [2, 2, 2]");
  for (int a = 0; a < 3; a++) copies.repeat[a] = int(repeat[a]);
}

void DistillSettings::read_start(YamlSection &top, const std::string &path)
{
  YamlSection data = top.section("data");
  start = TrainSettings::read_files(data, "start", path, false);
  valid = TrainSettings::read_files(data, "valid", path, false);
  data.finish();
  if (structures.empty()) {
    if (start.empty() && !top.has("first_teacher"))
      data.fail("start",
                "is missing; accepted: a list of maps with the key 'file' (mlff label makes such "
                "files), or a 'first_teacher', whose students find the first frames");
    return;
  }
  if (!start.empty() && top.has("copies"))
    top.fail("copies", "stands beside 'data.start'; accepted: one of the two");
  copies_given = top.has("copies");
  YamlSection section = top.section("copies");
  copies_table.read(section, copies);
  if (section.has("volume")) {
    const auto range = section.numbers("volume");
    if (range.size() != 2 || !(range[0] >= 0.1 && range[0] <= range[1] && range[1] <= 10.0))
      section.fail("volume",
                   "is no list of two numbers from 0.1 to 10, the smaller one first; accepted: "
                   "[0.9, 1.1]");
    copies.volume = {range[0], range[1]};
  }
  section.finish();
  if (start.empty() && copies.copies > 1 && !copies.vary())
    section.fail("frames",
                 "asks for copies that are all the same; accepted beside a 'rattle', a "
                 "'strain' or a 'volume'");
}

void DistillSettings::read_sampling(YamlSection &top)
{
  YamlSection sampling = top.section("sampling");
  if (sampling.has("temperatures")) temperatures = sampling.numbers("temperatures");
  for (const double temperature : temperatures)
    if (temperature <= 0)
      sampling.fail("temperatures", "holds " + number(temperature) + "; accepted: numbers > 0 (K)");
  sampling_table.read(sampling, *this);
  if (structures.empty())
    refuse(sampling, {"ensemble", "coupling", "stop_spread", "pressures"}, of_structures);
  else
    structure_sampling_table.read(sampling, *this);
  if (!npt)
    refuse(sampling, {"pressures", "coupling"},
           "is of use at constant pressure; accepted beside 'ensemble: npt'");
  if (sampling.has("pressures")) pressures = sampling.numbers("pressures");
  sampling.finish();
  if (temperatures.empty())
    sampling.fail("temperatures", "is an empty list; accepted: numbers > 0 (K)");
  if (pressures.empty()) sampling.fail("pressures", "is an empty list; accepted: numbers (bar)");
}

void DistillSettings::read_selection(YamlSection &top)
{
  YamlSection selection = top.section("select");
  select_table.read(selection, *this);
  selection.finish();
  const long candidates = frames * long(temperatures.size()) * (npt ? long(pressures.size()) : 1);
  if (select + probe > candidates)
    selection.fail("frames",
                   "and 'select.probe' ask for " + std::to_string(select + probe) + " of the " +
                       std::to_string(candidates) + " frames that 'sampling' makes of a " +
                       (structures.empty() ? "molecule" : "structure"));
}

DistillSettings DistillSettings::read(const std::string &path)
{
  DistillSettings s;
  s.file = path;
  YamlSection top = YamlSection::file(path);
  s.read_systems(top, path);

  YamlSection teacher = top.section("teacher");
  s.teacher = read_teacher(teacher, path, teacher_keys_of_systems);
  s.teacher.threads = 1;
  teacher.finish();

  s.read_start(top, path);
  s.read_sampling(top);
  s.read_selection(top);
  loop_table.read(top, s);
  s.read_ends(top);
  if (!s.structures.empty())
    refuse(top, {"reach"},
           "is of use for 'molecules', but the settings name 'structures'; mlff eval --reach "
           "compares with any molecule");
  molecule_table.read(top, s);
  YamlSection student = top.section("student");
  s.student.read_student(student, path);
  if (s.student.molecule)
    top.fail("student.model.kind",
             std::string("is '") + s.student.kind->name +
                 "', which mlff train alone makes (from labels of mlff label); accepted: painn");
  s.weigh_stress_as_labelled = !s.structures.empty() && !student.section("loss").has("stress");
  student.finish();
  s.read_first(top, path);
  s.output = beside(path, top.word("output", ""));
  if (top.word("output", "").empty()) top.fail("output", "is missing; accepted: a folder");
  top.finish();
  return s;
}

Json DistillSettings::description(const Json &teacher_description,
                                  const Json &first_description) const
{
  Json json;
  TrainSettings full = student;
  full.train = start;
  full.valid = valid;
  const Json inner = full.description();
  if (structures.empty())
    json["molecules"] = fs::is_regular_file(molecules) ? file_name(molecules) : molecules;
  else {
    for (const auto &path : structures) json["structures"].push_back(file_name(path));
    json["repeat"] = copies.repeat;
  }
  json["teacher"] = teacher_description;
  json.update(describe_first(first_description));
  json["sampling"] = {{"temperatures", temperatures}};
  json["sampling"].update(sampling_table.record(*this));
  if (!structures.empty()) {
    json["sampling"].update(structure_sampling_table.record(*this));
    if (npt)
      json["sampling"]["pressures"] = pressures;
    else
      json["sampling"].erase("coupling");
  }
  json["select"] = select_table.record(*this);
  json.update(loop_table.record(*this));
  if (!ends_by_gain) json.erase("gain");
  if (labels_copies()) {
    json["copies"] = copies_table.record(copies);
    if (copies.volume) json["copies"]["volume"] = *copies.volume;
  }
  json["start"] = inner["data"]["train"];
  json["valid"] = inner["data"]["valid"];
  for (const char *key : {"model", "loss", "training"}) json["student"][key] = inner[key];
  return json;
}

std::string DistillSettings::page()
{
  const std::vector<SettingText> top = {
      {"molecules", "none", "a SMILES, or a file",
       "one molecule, or a file with a SMILES and a name in each line"},
      {"structures", "none", "a file or a list of files",
       "instead of `molecules`: frames at which trajectories begin, open or periodic"},
      {"repeat", "1, 1, 1", "three whole numbers from 1 to 1000",
       "times that cells of `structures` are repeated along their three vectors"},
      {"output", "needed", "a folder", "manifest, frames and students"}};
  const std::vector<SettingText> data = {
      {"start", "needed for molecules without `first_teacher`", "a map or a list of maps",
       "labelled frames to begin with, as `data: train` of mlff train; for structures the copies "
       "below, if it is missing"},
      {"valid", "none", "a map or a list of maps", "frames that choose the weights"}};
  const std::vector<SettingText> volume = {
      {"volume", "none", "two numbers from 0.1 to 10",
       "smallest and largest volume, shares of that of the structure"}};
  const std::vector<SettingText> temperatures = {
      {"temperatures", "300, 500", "numbers > 0", "K, of the Langevin thermostat"}};
  const std::vector<SettingText> pressures = {
      {"pressures", "1", "numbers", "bar, with `ensemble: npt`"}};
  const std::vector<SettingText> student = {
      {"model", "", "a map", "as in settings of mlff train"},
      {"loss", "", "a map",
       "as in settings of mlff train; the weight of the stress of structures is 1, if it is "
       "missing and the first labels have stresses"},
      {"training", "", "a map", "as in settings of mlff train; `steps` are those of a round"}};
  const DistillSettings standard;
  const std::vector<SettingText> ends = {
      {"labels", "any number", accepted_whole(1, std::nullopt),
       "labels of `teacher` in all that the command asks for; they are never exceeded"},
      {"target", "none", "a number above 0",
       "root mean square error of forces on the probes at which the loop ends, meV/Å"}};
  return settings_markdown("## keys without a section",
                           {top, loop_table.text(standard), ends, molecule_table.text(standard)}) +
      settings_markdown("## teacher", {teacher_text(teacher_keys_of_systems)}) + page_of_first() +
      settings_markdown("## data", {data}) +
      settings_markdown("## copies of structures, in the section `copies`",
                        {copies_table.text(standard.copies), volume}) +
      settings_markdown("## sampling", {temperatures, sampling_table.text(standard)}) +
      settings_markdown("## sampling of structures, in the section `sampling`",
                        {structure_sampling_table.text(standard), pressures}) +
      settings_markdown("## select", {select_table.text(standard)}) +
      settings_markdown("## student", {student});
}

}    // namespace mlff
