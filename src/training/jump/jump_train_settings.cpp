// Settings of mlff train for jump networks: reading, description for checkpoints, reference page.
#include "training/jump/jump_train_settings.h"

#include "potential/model_kind.h"
#include "teacher/xtb_method.h"
#include "training/named_file.h"
#include "training/train_settings.h"

#include <cmath>
#include <filesystem>

namespace mlff {

namespace {

  using S = JumpTrainSettings;

  const auto size_table = network_size_table<S>(1, "features of an atom, F");

  const SettingsTable<S> species_table = {
      {"species", &S::classes, one_of({"elements", "classes"}),
       "classes: atoms of an element with different neighbors up to three bonds away are "
       "different species"},
  };

  const SettingsTable<S> form_table = {
      {"form", &S::published, one_of({"corrected", "published"}),
       "egnn and transformer: equivariant, or as published"},
      {"bound", &S::bound, at_least(1e-3),
       "egnn and transformer: bound of scaled predictions, root mean squares of the targets"},
  };

  const SettingsTable<S> heads_table = {
      {"heads", &S::heads, at_least(1), "transformer: heads, a divisor of `features`"},
  };

  const SettingsTable<S> data_table = {
      {"timestep", &S::timestep, at_least(1e-3), "time step of the trajectories, fs"},
      {"valid_fraction", &S::valid_fraction, between(0, 0.9),
       "share of the training trajectories held out for validation where `valid` is missing"},
      {"hold_out", &S::hold_out_molecules, one_of({"trajectories", "molecules"}),
       "whole trajectories, or all trajectories of some molecules"},
      {"reversed", &S::reversed, {}, "windows also backward in time"},
  };

  const SettingsTable<WindowNoise> rotation_table = {
      {"rotate", &WindowNoise::rotate, {}, "turns every window at random"},
  };

  const SettingsTable<WindowNoise> noise_table = {
      {"position", &WindowNoise::position, at_least(0),
       "standard deviation of what is added to the start of windows, Å for hydrogen, less for "
       "others by 1/√m"},
      {"velocity", &WindowNoise::velocity, at_least(0), "likewise for velocities, Å/ps"},
  };

  const SettingsTable<S> loss_table = {
      {"position", &S::position_weight, at_least(0), "weight of the mean square of u_x"},
      {"velocity", &S::velocity_weight, at_least(0), "weight of the mean square of u_v"},
      {"force", &S::force_weight, at_least(0),
       "weight of the force after the jump, which the network predicts while it learns"},
  };

  const SettingsTable<S> rollout_table = {
      {"jumps", &S::rollout_jumps, at_least(2), "jumps in a row"},
      {"weight", &S::rollout_weight, at_least(0), "weight of the jumps behind the first"},
      {"force", &S::rollout_method_forces, one_of({"data", "method"}),
       "force between jumps: of the data, or by the method of the report at the place reached"},
  };
  constexpr int standard_rollout_jumps = 2;

  const SettingsTable<StructureLoss> structure_table = {
      {"bond", &StructureLoss::bond, at_least(0), "weight of bond lengths after the jump"},
      {"angle", &StructureLoss::angle, at_least(0), "weight of angles"},
      {"dihedral", &StructureLoss::dihedral, at_least(0), "weight of dihedrals"},
  };

  const SettingsTable<S> window_table = {
      {"windows", &S::windows, at_least(1),
       "windows of a step, the same number for every molecule"},
  };

  const SettingsTable<S> choice_table = {
      {"choose_jumps", &S::choose_jumps, at_least(2), "jumps of `choose: rollout`"},
  };
  constexpr int standard_choose_jumps = 10;

  const SettingsTable<S> report_table = {
      {"every", &S::every, at_least(1), "steps from window to window"},
      {"energies", &S::energies, at_least(0), "windows with energies, at most; 0: none"},
  };

  const std::vector<std::string> precisions = {"single", "double"};

  std::vector<std::string> report_methods()
  {
    std::vector<std::string> methods = {"data", "none"};
    for (const auto &word : words_in(xtb_method_words)) methods.push_back(word);
    return methods;
  }

  nlohmann::ordered_json names_of(const std::vector<std::string> &files)
  {
    auto list = nlohmann::ordered_json::array();
    for (const auto &file : files) list.push_back(std::filesystem::path(file).filename().string());
    return list;
  }

  std::vector<std::string> read_files(YamlSection &data, const std::string &key,
                                      const std::string &path)
  {
    std::vector<std::string> list;
    for (YamlSection &entry : data.sections(key)) {
      const auto names = entry.words("file");
      if (names.empty())
        entry.fail("file",
                   "is missing; accepted: names of .xyz files of mlff label --sampling nve");
      entry.finish();
      for (const auto &name : names)
        for (const auto &found : matching_files(beside(path, name))) list.push_back(found);
    }
    return list;
  }

}    // namespace

void JumpTrainSettings::read_network(YamlSection &model)
{
  kind = &jump_kind(model.word("network", jump_network(*kind), jump_networks()));
  if (jump_has_forms(*kind))
    form_table.read(model, *this);
  else
    for (const char *key : {"form", "bound"})
      if (model.has(key))
        model.fail(
            key,
            "is for 'model.network: egnn' and 'transformer'; painn has one form, without a bound");
  if (jump_has_heads(*kind))
    heads_table.read(model, *this);
  else if (model.has("heads"))
    model.fail("heads", "is for 'model.network: transformer'");
  size_table.read(model, *this);
}

void JumpTrainSettings::read_model(YamlSection &top, const std::string &path)
{
  YamlSection model = top.section("model");
  model.word("kind", "kstep", {"kstep"});
  read_network(model);
  if (model.has("strides")) strides = model.numbers("strides");
  species_table.read(model, *this);
  init_from = model.word("init_from", "");
  if (!init_from.empty()) {
    init_from =
        existing_file(model, "init_from", init_from, std::filesystem::path(path).parent_path());
    for (const char *key :
         {"network", "form", "bound", "heads", "features", "layers", "radial", "cutoff", "species"})
      if (model.has(key))
        model.fail(key, "is given by the potential in 'model.init_from'; accepted: one of the two");
  }
  if (features % heads != 0 && jump_has_heads(*kind))
    model.fail("heads",
               "is " + std::to_string(heads) + "; accepted: a divisor of 'model.features', " +
                   std::to_string(features));
  freeze = model.words("freeze");
  if (init_from.empty() && !freeze.empty())
    model.fail("freeze", "needs 'model.init_from': random weights would stay random");
  model.finish();
}

void JumpTrainSettings::read_data(YamlSection &top, const std::string &path)
{
  YamlSection data = top.section("data");
  data_table.read(data, *this);
  train = read_files(data, "train", path);
  valid = read_files(data, "valid", path);
  test = read_files(data, "test", path);
  rotation_table.read(data, noise);
  YamlSection noise_section = data.section("noise");
  noise_table.read(noise_section, noise);
  noise_section.finish();
  data.finish();
  if (train.empty()) data.fail("train", "is missing; accepted: a list of maps with the key 'file'");
}

void JumpTrainSettings::check_strides(const YamlSection &top) const
{
  if (strides.empty()) top.fail("model.strides", "is empty; accepted: one or more times in fs");
  for (std::size_t k = 0; k < strides.size(); k++) {
    const double steps = strides[k] / timestep;
    if (!(steps > 0.5) || std::abs(steps - std::round(steps)) > 1e-6 ||
        (k > 0 && strides[k] <= strides[k - 1]))
      top.fail("model.strides",
               "holds " + nlohmann::json(strides[k]).dump() +
                   "; accepted: ascending multiples of 'data.timestep', " +
                   nlohmann::json(timestep).dump() + " fs");
  }
}

void JumpTrainSettings::read_loss(YamlSection &top)
{
  YamlSection loss = top.section("loss");
  loss_table.read(loss, *this);
  if (force_weight > 0 && loss.has("rollout"))
    loss.fail("force", "and 'loss.rollout' do not go together; accepted: one of the two");
  if (force_weight > 0 && !jump_predicts_force(*kind))
    loss.fail("force", "is for 'model.network: painn'");
  if (loss.has("rollout")) {
    YamlSection rollout = loss.section("rollout");
    rollout_jumps = standard_rollout_jumps;
    rollout_table.read(rollout, *this);
    rollout.finish();
  }
  YamlSection structure_section = loss.section("structure");
  structure_table.read(structure_section, structure);
  structure_section.finish();
  if (structure.any() && rollout_jumps > 0)
    loss.fail("structure", "and 'loss.rollout' do not go together; accepted: one of the two");
  loss.finish();
  if (position_weight + velocity_weight == 0.0) top.fail("loss", "has no weight above 0");
}

void JumpTrainSettings::read_training(YamlSection &top)
{
  YamlSection training = top.section("training");
  read(training, precisions);
  window_table.read(training, *this);
  if (training.word("choose", "error", {"error", "rollout"}) == "rollout") {
    choose_jumps = standard_choose_jumps;
    choice_table.read(training, *this);
  }
  training.finish();
  choose_engine(training);
}

/// Decides what `auto` stands for; with `init_from` the kind of its file decides later. Throws
/// FileError where the engine lacks what is asked for.
void JumpTrainSettings::choose_engine(const YamlSection &training)
{
  const bool needs_torch_for_weights = !has_back_end(kind->jump_gradients, "host");
  const bool needs_torch = needs_torch_for_weights || rollout_jumps > 0;
  if (engine == "auto" && (needs_torch || options().wants_gpu())) engine = "torch";
  if (engine == "auto" && init_from.empty()) engine = "host";
  if (engine == "host" && needs_torch)
    training.fail("engine",
                  needs_torch_for_weights
                      ? "is 'host', but 'model.network: " + jump_network(*kind) +
                          "' is available with engine torch"
                      : "is 'host', but 'loss.rollout' needs the derivative through several "
                        "jumps, which is available with engine torch");
  if (engine == "host" && options().wants_gpu())
    training.fail("device", "is '" + device + "', which needs 'training.engine: torch'");
}

void JumpTrainSettings::read_report(YamlSection &top)
{
  YamlSection report = top.section("report");
  report_table.read(report, *this);
  const std::string method = report.word("method", "data", report_methods());
  energy_of_data = method == "data";
  const double accuracy = report.number("accuracy", XtbOptions().accuracy, least_xtb_accuracy);
  if (method != "data" && method != "none" && has_teacher("xtb"))
    energy.settings = {"xtb", {{"method", method}, {"accuracy", accuracy}}};
  energy.charge = int(report.whole("charge", 0, -100));
  energy.unpaired_electrons = int(report.whole("uhf", 0));
  report.finish();
}

JumpTrainSettings JumpTrainSettings::read_file(const std::string &path)
{
  JumpTrainSettings s;
  YamlSection top = YamlSection::file(path);
  s.read_model(top, path);
  s.read_data(top, path);
  s.check_strides(top);
  s.read_loss(top);
  s.read_training(top);
  s.read_report(top);
  s.read_rest(top, path);
  top.finish();
  return s;
}

nlohmann::ordered_json JumpTrainSettings::model_description() const
{
  nlohmann::ordered_json json = {{"kind", "kstep"}};
  json.update(size_table.record(*this));
  json["strides"] = strides;
  json.update(species_table.record(*this));
  if (jump_has_forms(*kind)) {
    json["network"] = jump_network(*kind);
    json.update(form_table.record(*this));
    if (jump_has_heads(*kind)) json.update(heads_table.record(*this));
  }
  if (!init_from.empty()) json["init_from"] = std::filesystem::path(init_from).filename().string();
  if (!freeze.empty()) json["freeze"] = freeze;
  return json;
}

nlohmann::ordered_json JumpTrainSettings::data_description() const
{
  const auto record = data_table.record(*this);
  nlohmann::ordered_json json = {{"timestep", record["timestep"]},
                                 {"train", names_of(train)},
                                 {"valid", names_of(valid)},
                                 {"test", names_of(test)},
                                 {"reversed", record["reversed"]}};
  if (valid.empty())
    for (const char *key : {"valid_fraction", "hold_out"}) json[key] = record[key];
  if (noise.rotate) json.update(rotation_table.record(noise));
  if (noise.position > 0 || noise.velocity > 0) json["noise"] = noise_table.record(noise);
  return json;
}

nlohmann::ordered_json JumpTrainSettings::loss_description() const
{
  auto json = loss_table.record(*this);
  if (force_weight == 0.0) json.erase("force");
  if (rollout_jumps > 0) json["rollout"] = rollout_table.record(*this);
  if (structure.any()) json["structure"] = structure_table.record(structure);
  return json;
}

nlohmann::ordered_json JumpTrainSettings::description() const
{
  nlohmann::ordered_json json;
  json["model"] = model_description();
  json["data"] = data_description();
  json["loss"] = loss_description();
  json["training"] = TrainingLoopSettings::description();
  json["training"].update(window_table.record(*this));
  if (choose_jumps > 0) {
    json["training"]["choose"] = "rollout";
    json["training"].update(choice_table.record(*this));
  }
  return json;
}

std::string JumpTrainSettings::page()
{
  JumpTrainSettings standard;
  standard.rollout_jumps = standard_rollout_jumps;
  standard.choose_jumps = standard_choose_jumps;
  const char *const words = "a word or a list of words", *const maps = "a map or a list of maps";
  const std::vector<SettingText> network = {
      {"kind", "needed", "kstep", "a jump network"},
      {"network", jump_network(*standard.kind), accepted_words(jump_networks()), "its layers"}};
  const std::vector<SettingText> start = {
      {"strides", "8", "ascending multiples of `data.timestep`", "strides of the jumps, fs"},
      {"init_from", "none", "a potential",
       "weights to start from; network, sizes, cutoff and species are those of the file"},
      {"freeze", "none", words,
       "with `init_from`: tensors, or what their names begin with, that stay as they are"}};
  const std::vector<SettingText> lists = {
      {"train", "needed", maps, "trajectories to learn from: `file`, a name or a list of names"},
      {"valid", "none", maps, "trajectories that choose the weights"},
      {"test", "none", maps, "trajectories of the final report"}};
  const std::vector<SettingText> choice = {
      {"choose", "error", "error, rollout",
       "weights by the error of one jump on validation windows, or of some in a row"}};
  const std::vector<SettingText> method = {
      {"method", "data", accepted_words(report_methods()),
       "method of energies; data: the one in the manifest of the data"},
      {"accuracy", nlohmann::json(XtbOptions().accuracy).dump(),
       accepted_number(least_xtb_accuracy, HUGE_VAL), "accuracy of xTB"},
      {"charge", "0", accepted_whole(-100, std::nullopt), "charge of the molecule"},
      {"uhf", "0", accepted_whole(0, std::nullopt), "unpaired electrons"}};
  return settings_markdown("### model",
                           {network, size_table.text(standard), species_table.text(standard),
                            form_table.text(standard), heads_table.text(standard), start}) +
      settings_markdown("### data",
                        {lists, data_table.text(standard), rotation_table.text(),
                         noise_table.text({}, "noise.")}) +
      settings_markdown("### loss",
                        {loss_table.text(standard), structure_table.text({}, "structure."),
                         rollout_table.text(standard, "rollout.")}) +
      settings_markdown("### training",
                        {window_table.text(standard), choice, choice_table.text(standard),
                         table(precisions).text(standard)}) +
      settings_markdown("### report", {report_table.text(standard), method}) +
      settings_markdown("### keys without a section", {rest_text()});
}

}    // namespace mlff
