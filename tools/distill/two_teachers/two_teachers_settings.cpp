// The settings of mlff distill that two teachers, a budget and a target need.
#include "data/settings_table.h"
#include "distill/distill.h"
#include "training/teacher_section.h"
#include "workflow/lammps_run.h"

#include <limits>

namespace mlff {

using Json = nlohmann::ordered_json;

namespace {

  const SettingsTable<FirstSettings> first_table = {
      {"frames", &FirstSettings::frames, at_least(0),
       "frames of each system that are far from each other, drawn without dynamics as `mlff label "
       "--sampling wide` does"},
      {"dynamics", &FirstSettings::dynamics, at_least(1),
       "frames of dynamics of each molecule at each of `temperatures`, by `every`, `warmup` and "
       "`timestep` of `sampling`"},
  };

  constexpr long no_limit = std::numeric_limits<int>::max();

}    // namespace

void DistillSettings::fail(const std::string &key, const std::string &what) const
{
  throw FileError("settings file '" + file + "': '" + key + "' " + what);
}

void DistillSettings::read_ends(YamlSection &top)
{
  labels = top.whole("labels", 0, 1);
  const double meV_target = top.number("target", 0.0);
  if (top.has("target") && !(meV_target > 0.0))
    top.fail("target", "is " + number(meV_target) + "; accepted: a number above 0 (meV/Å)");
  target = 1e-3 * meV_target;
  if (labels > 0 && !top.has("rounds")) rounds = no_limit;
  ends_by_gain = top.has("gain") || (labels == 0 && target == 0.0);
}

void DistillSettings::read_first(YamlSection &top, const std::string &path)
{
  if (!top.has("first_teacher")) {
    if (top.has("first")) top.fail("first", "is of use beside 'first_teacher', which is missing");
    return;
  }
  YamlSection cheap = top.section("first_teacher");
  first_teacher = read_teacher(cheap, path, teacher_keys_of_systems, "first_teacher");
  first_teacher->threads = 1;
  cheap.finish();

  YamlSection section = top.section("first");
  first_table.read(section, first);
  if (section.has("temperatures")) {
    if (!structures.empty())
      section.fail("temperatures",
                   "is of use for 'molecules', but the settings name 'structures'; accepted: "
                   "one of the two");
    first.temperatures = section.numbers("temperatures");
    for (const double temperature : *first.temperatures)
      if (temperature <= 0)
        section.fail("temperatures",
                     "holds " + number(temperature) + "; accepted: numbers > 0 (K)");
  }
  student.pretrain_key = "first";
  first.training = student.read_first_training(section);
  first.weigh_stress_as_labelled =
      weigh_stress_as_labelled && !section.section("loss").has("stress");
  section.finish();
}

Json DistillSettings::describe_first(const Json &teacher) const
{
  Json json = Json::object();
  if (first_teacher) {
    json["first_teacher"] = teacher;
    json["first"] = first_table.record(first);
    if (structures.empty())
      json["first"]["temperatures"] = first.temperatures.value_or(std::vector<double>());
    else
      json["first"].erase("dynamics");
    const Json training = first.training->description();
    json["first"]["valid_fraction"] = first.training->valid_fraction;
    json["first"]["max_force"] = first.training->max_force;
    json["first"]["other_compositions"] = student.other_compositions;
    for (const char *key : {"loss", "training"}) json["first"][key] = training[key];
  }
  if (labels > 0) json["labels"] = labels;
  if (target > 0.0) json["target"] = target / 1e-3;
  // a round that closed the loop is none that others can follow
  if (measures_curve() && rounds < no_limit) json["rounds"] = rounds;
  return json;
}

std::string DistillSettings::page_of_first()
{
  const std::vector<SettingText> temperatures = {
      {"temperatures", "600, 1000 for molecules, if LAMMPS has the forces", "numbers > 0",
       "K, of dynamics of molecules with the forces of `first_teacher`"}};
  auto training = TrainSettings::first_training_text();
  for (auto &row : training)
    if (row.key == "other_compositions")
      row.help = "whether frames of `data` may have compositions that no system has";
    else if (row.key == "valid_fraction")
      row.help = "share of these frames that chooses the weights of the first training";
  return settings_markdown(
      "## first, beside a first_teacher\n\n`first_teacher` has the keys of `teacher`: a cheaper "
      "one that teaches before.",
      {first_table.text(FirstSettings()), temperatures, training});
}

}    // namespace mlff
