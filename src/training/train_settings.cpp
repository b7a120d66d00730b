// Settings of mlff train for energies: reading, description for checkpoints, reference page.
#include "training/train_settings.h"

#include "structure/bonded_molecule.h"
#include "training/named_file.h"
#include "training/teacher_section.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>

namespace mlff {

namespace {

  /// Names of the models of energies that can be trained.
  std::vector<std::string> trained_kinds()
  {
    std::vector<std::string> names;
    for (const ModelKind *kind : model_kinds())
      if (!kind->gradients.empty()) names.emplace_back(kind->name);
    return names;
  }

}    // namespace

std::string training_kind(const std::string &path)
{
  YamlSection top = YamlSection::file(path);
  auto kinds = trained_kinds();
  kinds.emplace_back("kstep");
  return top.section("model").word("kind", painn_kind.name, kinds);
}

namespace {

  using S = TrainSettings;

  const auto size_table = network_size_table<S>(2, "features of an atom, F; an even number");

  const SettingsTable<S> norm_table = {
      {"norm_floor", &S::norm_floor, at_least(1e-12),
       "e of the norm sqrt(v.v + e) of vectors; with 1e-8 energies have a kink where a vector "
       "vanishes by symmetry"},
  };

  /// Keys are those of the file behind "fmm_".
  const SettingsTable<LongRangeSizes> long_range_table = {
      {"layers", &LongRangeSizes::layers, at_least(1), "layers of the block"},
      {"directions", &LongRangeSizes::directions, at_least(0),
       "plane waves of the highest frequency in the linear form; 0: by the size of the system"},
      {"kappa_min", &LongRangeSizes::kappa_min, at_least(0),
       "first of the radial frequencies, which are evenly spaced, 1/Å"},
      {"kappa_max", &LongRangeSizes::kappa_max, at_least(0), "last of the radial frequencies, 1/Å"},
      {"kappa_count", &LongRangeSizes::kappa_count, at_least(1), "number of radial frequencies, T"},
      {"heads", &LongRangeSizes::heads, at_least(1), "heads, H"},
      {"key_width", &LongRangeSizes::key_width, at_least(1), "width of queries and keys of a head"},
      {"value_width", &LongRangeSizes::value_width, at_least(0),
       "width of the values of a head, which decides the cost; 0: features / heads"},
      {"precision", &LongRangeSizes::precision, one_of({"engine", "double"}),
       "precision of the block: that of the engine, or double"},
  };
  constexpr const char *long_range_prefix = "fmm_";

  const SettingsTable<LossTerm> loss_table = {
      {"weight", &LossTerm::weight, at_least(0), "weight at the start"},
      {"final_weight", &LossTerm::final_weight, at_least(0),
       "weight at the end, reached linearly; where it is missing that of the start"},
      {"kind", &LossTerm::huber, one_of({"mse", "huber"}),
       "squares of errors, or squares up to `delta` and linear beyond"},
      {"delta", &LossTerm::delta, at_least(1e-12), "limit of huber, in the unit of the term"},
  };

  struct NamedTerm {
    const char *name;
    LossTerm TrainSettings::*term;
    LossTerm standard;
    const char *help;
  };
  constexpr NamedTerm loss_terms[] = {
      {"energy",
       &S::energy,
       {.weight = 0.1, .delta = 0.01},
       "energies divided by the square root of the number of atoms, eV"},
      {"force", &S::force, {.weight = 1.0, .delta = 0.02}, "components of forces, eV/Å"},
      {"stress",
       &S::stress,
       {.delta = 0.01},
       "six components of the stress times the volume per atom, of frames that have one, eV"},
      {"atom_energy",
       &S::atom_energy,
       {.delta = 0.01},
       "energies of atoms, which teachers give, eV"},
      {"jacobian",
       &S::jacobian,
       {.delta = 1.0},
       "one random row of dF/dx a structure, by teachers, eV/Å^2; LibTorch only"}};

  const SettingsTable<S> batch_table = {
      {"batch_atoms", &S::batch_atoms, at_least(1), "atoms of a batch, whole frames"},
      {"accumulate", &S::accumulate, at_least(1), "batches of a step"},
  };

  const SettingsTable<S> data_table = {
      {"valid_fraction", &S::valid_fraction, between(0, 0.9),
       "share of the training frames kept for validation where `valid` is missing"},
      {"max_force", &S::max_force, at_least(0),
       "frames with a larger force are left out, eV/Å; 0: none"},
  };

  const SettingsTable<DataFile> file_table = {
      {"frames", &DataFile::frames, at_least(0), "number of frames, drawn at random; 0: all"},
      {"weight", &DataFile::weight, at_least(0), "factor on the loss of these frames"},
      {"labels", &DataFile::teacher, one_of({"file", "teacher"}),
       "energies, forces and stresses of the file, or of the teachers"},
  };

  const SettingsTable<S> teacher_table = {
      {"spread", &S::spread, at_least(0),
       "eV/Å; forces count 1 / (1 + (spread of the labels / this)^2), also those of files with a "
       "column `spread`; 0: all 1"},
  };

  const SettingsTable<S> pretrain_table = {
      {"other_compositions",
       &S::other_compositions,
       {},
       "whether frames of `data` may have compositions that no frame of `pretrain` has"},
      {"replay", &S::replay, between(0, 0.9),
       "share of the atoms of each batch of the second training that are in frames of the first, "
       "with embeddings and reference energies of their own; painn and painn-fmm"},
  };

  /// Keys that choose a force, of this build.
  std::string force_keys()
  {
    std::vector<std::string> keys;
    for (const auto *kind : teacher_kinds()) keys.push_back(kind->settings.front().key);
    return accepted_words(keys);
  }

  const std::vector<std::string> precisions = {"single", "double", "mixed"};

  LossTerm read_term(YamlSection &loss, const std::string &name, LossTerm term)
  {
    YamlSection section = loss.section(name);
    loss_table.read(section, term);
    if (!section.has("final_weight")) term.final_weight = term.weight;
    section.finish();
    return term;
  }

  nlohmann::ordered_json describe(const LossTerm &term)
  {
    auto json = loss_table.record(term);
    if (!term.huber) json.erase("delta");
    return json;
  }

  nlohmann::ordered_json describe(const std::vector<DataFile> &files)
  {
    auto list = nlohmann::ordered_json::array();
    for (const auto &file : files) {
      nlohmann::ordered_json json = {
          {"file", std::filesystem::path(file.file).filename().string()}};
      json.update(file_table.record(file));
      if (!file.read.units.empty()) json["units"] = file.read.units;
      if (!file.read.keys.empty()) json["keys"] = file.read.keys;
      if (!file.read.elements.empty()) json["elements"] = file.read.elements;
      list.push_back(json);
    }
    return list;
  }

  /// Units, keys and elements of a section; where they are missing those of `standard`.
  ReadOptions read_options(YamlSection &section, const ReadOptions &standard)
  {
    ReadOptions read = standard;
    if (section.has("units")) read.units = section.word("units", "", {"metal", "real", "gpumd"});
    YamlSection keys = section.section("keys");
    for (const auto &quantity : named_quantities())
      if (keys.has(quantity)) read.keys[quantity] = keys.word(quantity, "");
    keys.finish();
    if (section.has("elements")) read.elements = section.words("elements");
    return read;
  }

}    // namespace

void TrainSettings::read_widths(YamlSection &model)
{
  if (model.has("widths")) widths.clear();
  for (const double width : model.numbers("widths")) {
    if (width != std::floor(width) || width < 1 || width > 4096)
      model.fail("widths",
                 "holds " + nlohmann::json(width).dump() +
                     "; accepted: whole numbers from 1 to 4096");
    widths.push_back(int(width));
  }
  if (widths.empty() || widths.size() > 8)
    model.fail("widths", "has " + std::to_string(widths.size()) + " entries; accepted: 1 to 8");
  const std::string word = model.word("permutations", "all");
  char *end = nullptr;
  const long number = std::strtol(word.c_str(), &end, 10);
  if (word != "all" && word != "none" && (*end != '\0' || number < 1 || number > max_permutations))
    model.fail("permutations",
               "is '" + word + "'; accepted: all, none, or a number from 1 to " +
                   std::to_string(max_permutations));
  permutations = word == "all" ? 0 : word == "none" ? 1 : int(number);
}

/// `core: none`, `core: zbl`, or `core: {zbl: {inner: ..., outer: ...}}`.
void TrainSettings::read_core(YamlSection &model)
{
  core = {};
  if (!model.has("core")) return;
  if (!model.is_map("core")) {
    const bool zbl = model.word("core", "", {"none", "zbl"}) == "zbl";
    core.choice = zbl ? CoreSettings::zbl : CoreSettings::none;
    return;
  }
  YamlSection map = model.section("core");
  const bool found = map.has("zbl");
  YamlSection zbl = map.section("zbl");
  map.finish();
  if (!found) model.fail("core", "is an empty map; accepted: none, zbl, or a map with the key zbl");
  core.choice = CoreSettings::zbl;
  const bool inner = zbl.has("inner"), outer = zbl.has("outer");
  core.radii = {zbl.number("inner", 0.0, 1e-3), zbl.number("outer", 0.0, 1e-3)};
  zbl.finish();
  if (inner != outer)
    zbl.fail(inner ? "outer" : "inner", "is missing; accepted: both radii, or none of them");
  if (inner && core.radii.inner >= core.radii.outer)
    zbl.fail("inner",
             "is " + nlohmann::json(core.radii.inner).dump() + "; accepted: less than 'outer', " +
                 nlohmann::json(core.radii.outer).dump());
  if (core.radii.outer > cutoff && init_from.empty())
    zbl.fail("outer",
             "is " + nlohmann::json(core.radii.outer).dump() + "; accepted: up to the cutoff, " +
                 nlohmann::json(cutoff).dump());
}

void TrainSettings::read_sizes(YamlSection &model)
{
  size_table.read(model, *this);
  norm_table.read(model, *this);
  read_core(model);
  if (!init_from.empty() && !model.has("norm_floor")) norm_floor = 0.0;
  elements = model.words("elements");
  if (!long_range) return;
  block_given = long_range_table.any_in(model, long_range_prefix);
  long_range_table.read(model, block, long_range_prefix);
}

void TrainSettings::read_model(YamlSection &top, const std::string &path)
{
  YamlSection model = top.section("model");
  kind = &model_kind(model.word("kind", painn_kind.name, trained_kinds()));
  molecule = kind->one_molecule;
  long_range = kind->needs_positions;
  init_from = model.word("init_from", "");
  if (molecule)
    read_widths(model);
  else
    read_sizes(model);
  if (!init_from.empty()) {
    init_from =
        existing_file(model, "init_from", init_from, std::filesystem::path(path).parent_path());
    const std::vector<const char *> sizes = molecule
        ? std::vector{"widths", "permutations"}
        : std::vector{"features", "layers", "radial", "cutoff"};
    for (const char *key : sizes)
      if (model.has(key))
        model.fail(key, "is given by the potential in 'model.init_from'; accepted: one of the two");
  }
  freeze = model.words("freeze");
  model.finish();
  if (features % 2)
    model.fail("features", "is " + std::to_string(features) + "; accepted: an even number");
}

void TrainSettings::read_loss(YamlSection &top)
{
  YamlSection loss = top.section("loss");
  for (const auto &[name, term, standard, help] : loss_terms)
    this->*term = read_term(loss, name, standard);
  loss.finish();
  const std::string name = kind->name;
  if (kind->one_molecule && stress.used())
    loss.fail("stress",
              "is for periodic systems, but " + name +
                  " learns from isolated molecules; accepted: a weight of 0");
  if (!kind->atom_energies && atom_energy.used())
    loss.fail("atom_energy", "is of use for models with energies of atoms; " + name + " has none");
  if (!kind->third_derivatives && jacobian.used())
    loss.fail("jacobian",
              "needs third derivatives, which " + name + " does not have; accepted: a weight of 0");
}

void TrainSettings::read_training(YamlSection &top)
{
  YamlSection training = top.section("training");
  read(training, precisions);
  batch_table.read(training, *this);
  training.finish();
  choose_engine(training);
}

/// Decides what `auto` stands for. Throws FileError where the engine lacks what is asked for.
void TrainSettings::choose_engine(const YamlSection &training)
{
  const std::string name = kind->name;
  const bool on_host = has_back_end(kind->gradients, "host");
  if (!kind->mixed_precision && precision == "mixed")
    training.fail("precision", "is 'mixed'; accepted for " + name + ": single, double");
  if (!on_host && engine == "host")
    training.fail("engine",
                  std::string("is 'host', which has no weight gradients") +
                      (long_range ? " of the long-range block" : "") + "; accepted for " + name +
                      ": auto, torch");
  if (engine == "auto")
    engine = jacobian.used() || !on_host || precision == "mixed" || options().wants_gpu() ? "torch"
                                                                                          : "host";
  if (engine == "host" && jacobian.used())
    training.fail(
        "engine",
        "is 'host', which has no third derivatives for 'loss.jacobian'; accepted: auto, torch");
  if (engine == "host" && precision == "mixed")
    training.fail("precision", "is 'mixed', which needs 'training.engine: torch'");
  if (engine == "host" && options().wants_gpu())
    training.fail("device", "is '" + device + "', which needs 'training.engine: torch'");
}

std::shared_ptr<TrainSettings> TrainSettings::read_first_training(YamlSection &section)
{
  auto first = std::make_shared<TrainSettings>(*this);
  first->train.clear();
  first->valid.clear();
  first->replay = 0.0;
  first->minus.reset();
  first->teachers.clear();
  first->freeze.clear();
  first->spread = 0.0;
  first->max_force = 0.0;
  first->valid_fraction = TrainSettings().valid_fraction;
  data_table.read(section, *first);
  pretrain_table.read(section, *this);
  if (replay > 0.0 && molecule)
    section.fail("replay",
                 "is " + std::to_string(replay) +
                     "; accepted with 'model.kind: " + std::string(kind->name) + "': 0");

  YamlSection loss = section.section("loss");
  for (const auto &[name, term, standard, help] : loss_terms)
    if (loss.has(name)) first.get()->*term = read_term(loss, name, standard);
  loss.finish();
  // only teachers give these labels
  first->atom_energy = first->jacobian = {};
  YamlSection training = section.section("training");
  first->read(training, precisions);
  batch_table.read(training, *first);
  training.finish();
  first->choose_engine(training);
  return first;
}

/// The section `pretrain`: data, and what differs from these settings.
void TrainSettings::read_pretrain(YamlSection &top, const std::string &path)
{
  if (!top.has("pretrain")) return;
  YamlSection section = top.section("pretrain");
  const auto files = read_files(section, "train", path, false),
             valid_files = read_files(section, "valid", path, false);
  auto first = read_first_training(section);
  first->train = files;
  first->valid = valid_files;
  if (first->train.empty())
    section.fail("train", "is missing; accepted: a list of maps with the key 'file'");
  section.finish();
  first->output = work_folder() + "/pretrain.safetensors";
  pretrain = std::move(first);
}

std::string TrainSettings::work_folder() const
{
  return output.substr(0, output.size() - std::string_view(".safetensors").size()) + ".training";
}

void TrainSettings::read_student(YamlSection &top, const std::string &path)
{
  read_model(top, path);
  read_loss(top);
  read_training(top);
}

std::vector<DataFile> TrainSettings::read_files(YamlSection &data, const std::string &key,
                                                const std::string &path, bool teachers)
{
  std::vector<DataFile> list;
  const ReadOptions standard = read_options(data, {});
  for (YamlSection &entry : data.sections(key)) {
    const auto names = entry.words("file");
    if (names.empty()) entry.fail("file", "is missing; accepted: names of .xyz or .npz files");
    DataFile file;
    file_table.read(entry, file);
    if (file.teacher && !teachers)
      entry.fail("labels", "is 'teacher', but 'teacher.models' names no potential");
    file.read = read_options(entry, standard);
    entry.finish();
    for (const auto &name : names)
      for (const auto &found : matching_files(beside(path, name))) {
        file.file = found;
        list.push_back(file);
      }
  }
  return list;
}

TrainSettings TrainSettings::read_file(const std::string &path)
{
  TrainSettings s;
  YamlSection top = YamlSection::file(path);
  s.read_student(top, path);

  YamlSection teacher = top.section("teacher");
  for (const auto &file : teacher.words("models"))
    s.teachers.push_back(
        existing_file(teacher, "models", file, std::filesystem::path(path).parent_path()));
  teacher_table.read(teacher, s);
  teacher.finish();
  for (const LossTerm *term : {&s.atom_energy, &s.jacobian})
    if (term->used() && s.teachers.empty())
      top.fail(term == &s.jacobian ? "loss.jacobian" : "loss.atom_energy",
               "needs teachers: name potentials in 'teacher.models'");

  YamlSection data = top.section("data");
  s.train = read_files(data, "train", path, !s.teachers.empty());
  s.valid = read_files(data, "valid", path, !s.teachers.empty());
  data_table.read(data, s);
  if (data.has("minus")) {
    YamlSection minus = data.section("minus");
    s.minus = read_teacher(minus, path);
    minus.finish();
    if (s.minus->values.empty())
      data.fail("minus", "names no force; accepted: a map with one of the keys " + force_keys());
  }
  data.finish();
  if (s.train.empty())
    data.fail("train", "is missing; accepted: a list of maps with the key 'file'");

  s.read_rest(top, path);
  s.read_pretrain(top, path);
  top.finish();
  return s;
}

nlohmann::ordered_json TrainSettings::model_description() const
{
  nlohmann::ordered_json json = {{"kind", kind->name}};
  if (molecule) {
    json["widths"] = widths;
    if (permutations == 0)
      json["permutations"] = "all";
    else
      json["permutations"] = permutations;
  } else {
    json.update(size_table.record(*this));
    json.update(norm_table.record(*this));
  }
  if (long_range) json["fmm"] = long_range_table.record(block);
  if (!elements.empty()) json["elements"] = elements;
  if (core.choice == CoreSettings::zbl) {
    if (core.radii.outer > 0.0)
      json["core"]["zbl"] = {{"inner", core.radii.inner}, {"outer", core.radii.outer}};
    else
      json["core"] = "zbl";
  } else if (core.choice == CoreSettings::none)
    json["core"] = "none";
  if (!init_from.empty()) json["init_from"] = std::filesystem::path(init_from).filename().string();
  if (!freeze.empty()) json["freeze"] = freeze;
  return json;
}

nlohmann::ordered_json TrainSettings::description() const
{
  nlohmann::ordered_json json;
  json["model"] = model_description();
  json["data"] = {{"train", describe(train)}, {"valid", describe(valid)}};
  if (valid.empty()) json["data"]["valid_fraction"] = valid_fraction;
  if (max_force > 0) json["data"]["max_force"] = max_force;
  if (minus) json["data"]["minus"] = describe_teacher(*minus);
  if (!teachers.empty()) {
    auto names = nlohmann::ordered_json::array();
    for (const auto &file : teachers)
      names.push_back(std::filesystem::path(file).filename().string());
    json["teacher"] = {{"models", names}, {"spread", spread}};
  }
  json["loss"] = {{"energy", describe(energy)}, {"force", describe(force)}};
  if (stress.used()) json["loss"]["stress"] = describe(stress);
  if (atom_energy.used()) json["loss"]["atom_energy"] = describe(atom_energy);
  if (jacobian.used()) json["loss"]["jacobian"] = describe(jacobian);
  json["training"] = TrainingLoopSettings::description();
  json["training"].update(batch_table.record(*this));
  if (pretrain) {
    json["pretrain"] = pretrain->description();
    json["pretrain"]["training"].erase("threads");
    json["pretrain"].update(pretrain_table.record(*this));
  }
  return json;
}

std::vector<SettingText> TrainSettings::first_training_text()
{
  const TrainSettings standard;
  std::vector<SettingText> rows = {
      {"loss", "as the section `loss`", "a map with its keys", "loss of the first training"},
      {"training", "as the section `training`", "a map with its keys",
       "length, step size and what else differs from the second training"}};
  for (const auto &table : {data_table.text(standard), pretrain_table.text(standard)})
    rows.insert(rows.end(), table.begin(), table.end());
  return rows;
}

std::string TrainSettings::page()
{
  const TrainSettings standard;
  std::vector<SettingText> loss;
  for (const auto &[name, member, term_standard, help] : loss_terms) {
    LossTerm term = term_standard;
    term.final_weight = term.weight;
    auto rows = loss_table.text(term, name + std::string("."));
    rows.front().help += ": " + std::string(help);
    loss.insert(loss.end(), rows.begin(), rows.end());
  }
  const char *const words = "a word or a list of words";
  const std::vector<SettingText> options = {
      {"units", "metal", "metal, real, gpumd", "units of the files"},
      {"keys", "none", "a map",
       "columns and keys of the files by quantity: " + accepted_words(named_quantities())},
      {"elements", "none", words, "elements of the atom types of files without symbols"}};
  const std::vector<SettingText> kind = {
      {"kind", painn_kind.name, accepted_words(trained_kinds()), "model"},
      {"init_from", "none", "a potential", "weights to start from; sizes are those of the file"},
      {"freeze", "none", words, "tensors, or what their names begin with, that stay as they are"}};
  const std::vector<SettingText> elements = {
      {"elements", "those of the data", words, "chemical symbols"},
      {"core", "none, or that of `init_from`", "none, zbl, or a map with the key zbl",
       "repulsion of Ziegler, Biersack and Littmark that is added to the network"},
      {"core.zbl.inner", "0.4 covalent radii", "a number >= 0.001",
       "the repulsion is whole below, and switched off from here to `outer`, Å; for all pairs of "
       "elements, otherwise 0.4 times the sum of the covalent radii of each"},
      {"core.zbl.outer", "0.7 covalent radii", "a number >= 0.001",
       "the repulsion is zero from here on, Å; for all pairs of elements, otherwise 0.7 times the "
       "sum of the covalent radii of each"}};
  const std::vector<SettingText> molecule = {
      {"widths", "64, 64", "1 to 8 whole numbers from 1 to 4096", "hidden layers"},
      {"permutations", "all",
       "all, none, or a number from 1 to " + std::to_string(max_permutations),
       "permutations of equivalent atoms that are averaged over, at most"}};
  const std::vector<SettingText> lists = {
      {"train", "needed", "a map or a list of maps", "frames to learn from"},
      {"valid", "none", "a map or a list of maps", "frames that choose the weights"},
      {"minus", "none", "a map with keys of a teacher",
       "a force whose labels are taken away from those of all frames (teachers.md)"}};
  const std::vector<SettingText> file = {
      {"file", "needed", words,
       "extended XYZ or .npz files, or folders of DeePMD-kit; names may have * ? [] {}"}};
  const std::vector<SettingText> first = {
      {"train", "needed", "a map or a list of maps", "frames of the cheaper force"},
      {"valid", "none", "a map or a list of maps", "frames that choose the weights"}};
  const std::vector<SettingText> teacher = {
      {"models", "none", words, "potentials whose mean gives the labels"}};
  return settings_markdown("### model", {kind}) +
      settings_markdown("### model: painn and painn-fmm",
                        {size_table.text(standard), norm_table.text(standard), elements}) +
      settings_markdown("### model: painn-fmm besides",
                        {long_range_table.text(standard.block, long_range_prefix)}) +
      settings_markdown("### model: molecule-mlp", {molecule}) +
      settings_markdown("### data", {lists, data_table.text(standard), options}) +
      settings_markdown("### data: a map of train or valid", {file, file_table.text(), options}) +
      settings_markdown("### pretrain: a training before this one",
                        {first, first_training_text(), options}) +
      settings_markdown("### teacher", {teacher, teacher_table.text(standard)}) +
      settings_markdown("### loss", {loss}) +
      settings_markdown("### training",
                        {batch_table.text(standard), table(precisions).text(standard)}) +
      settings_markdown("### keys without a section", {rest_text()});
}

}    // namespace mlff
