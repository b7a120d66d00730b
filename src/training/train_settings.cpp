#include "training/train_settings.h"

#include "potential/find_potential.h"
#include "structure/bonded_molecule.h"

#include <glob.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>

namespace mlff {

std::string beside(const std::string &settings, const std::string &file)
{
  const auto path = std::filesystem::path(file);
  return path.is_absolute()
      ? file
      : (std::filesystem::path(settings).parent_path() / path).lexically_normal().string();
}

std::vector<std::string> matching_files(const std::string &name)
{
  glob_t found;
  if (name.find_first_of("*?[{") == std::string::npos) return {name};
  const int status = glob(name.c_str(), GLOB_BRACE, nullptr, &found);
  std::vector<std::string> files;
  for (std::size_t k = 0; status == 0 && k < found.gl_pathc; k++)
    files.emplace_back(found.gl_pathv[k]);
  globfree(&found);
  if (files.empty()) throw FileError("no file is named like '" + name + "'");
  return files;
}

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

  LossTerm loss_term(YamlSection &loss, const std::string &name, double weight, double delta)
  {
    LossTerm term;
    YamlSection section = loss.section(name);
    term.weight = section.number("weight", weight, 0.0);
    term.final_weight = section.number("final_weight", term.weight, 0.0);
    term.huber = section.word("kind", "mse", {"mse", "huber"}) == "huber";
    term.delta = section.number("delta", delta, 1e-12);
    section.finish();
    return term;
  }

  nlohmann::ordered_json describe(const LossTerm &term)
  {
    nlohmann::ordered_json json = {{"weight", term.weight},
                                   {"final_weight", term.final_weight},
                                   {"kind", term.huber ? "huber" : "mse"}};
    if (term.huber) json["delta"] = term.delta;
    return json;
  }

  nlohmann::ordered_json describe(const std::vector<DataFile> &files)
  {
    auto list = nlohmann::ordered_json::array();
    for (const auto &file : files) {
      list.push_back({{"file", std::filesystem::path(file.file).filename().string()},
                      {"frames", file.frames},
                      {"weight", file.weight},
                      {"labels", file.teacher ? "teacher" : "file"}});
      if (!file.read.units.empty()) list.back()["units"] = file.read.units;
      if (!file.read.keys.empty()) list.back()["keys"] = file.read.keys;
      if (!file.read.elements.empty()) list.back()["elements"] = file.read.elements;
    }
    return list;
  }

  /// units, keys and elements of a section, or those of `standard`.
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

void TrainSettings::read_student(YamlSection &top, const std::string &path)
{
  YamlSection model = top.section("model");
  kind = &model_kind(model.word("kind", painn_kind.name, trained_kinds()));
  molecule = kind->one_molecule;
  long_range = kind->needs_positions;
  std::vector<const char *> sizes;
  if (molecule) {
    sizes = {"widths", "permutations"};
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
    if (word != "all" && word != "none" &&
        (*end != '\0' || number < 1 || number > max_permutations))
      model.fail("permutations",
                 "is '" + word + "'; accepted: all, none, or a number from 1 to " +
                     std::to_string(max_permutations));
    permutations = word == "all" ? 0 : word == "none" ? 1 : int(number);
  } else {
    sizes = {"features", "layers", "radial", "cutoff"};
    features = int(model.whole("features", features, 2));
    layers = int(model.whole("layers", layers, 1));
    radial = int(model.whole("radial", radial, 2));
    cutoff = model.number("cutoff", cutoff, 0.5);
    elements = model.words("elements");
  }
  if (long_range) {
    for (const auto &[key, place, lowest] : {std::tuple{"fmm_layers", &block.layers, 1},
                                             {"fmm_directions", &block.directions, 0},
                                             {"fmm_kappa_count", &block.kappa_count, 1},
                                             {"fmm_heads", &block.heads, 1},
                                             {"fmm_key_width", &block.key_width, 1},
                                             {"fmm_value_width", &block.value_width, 0}}) {
      block_given = block_given || model.has(key);
      *place = int(model.whole(key, *place, lowest));
    }
    for (const auto &[key, place] :
         {std::pair{"fmm_kappa_min", &block.kappa_min}, {"fmm_kappa_max", &block.kappa_max}}) {
      block_given = block_given || model.has(key);
      *place = model.number(key, *place, 0.0);
    }
    block_given = block_given || model.has("fmm_precision");
    block.precision = model.word("fmm_precision", block.precision, {"engine", "double"});
  }
  init_from = model.word("init_from", "");
  if (!molecule)
    norm_floor = model.number("norm_floor", init_from.empty() ? norm_floor : 0.0, 1e-12);
  if (!init_from.empty()) {
    init_from = find_potential(init_from, std::filesystem::path(path).parent_path());
    for (const char *key : sizes)
      if (model.has(key))
        model.fail(key, "is given by the potential in 'model.init_from'; accepted: one of the two");
  }
  freeze = model.words("freeze");
  model.finish();
  if (features % 2)
    model.fail("features", "is " + std::to_string(features) + "; accepted: an even number");

  YamlSection loss = top.section("loss");
  energy = loss_term(loss, "energy", 0.1, 0.01);
  force = loss_term(loss, "force", 1.0, 0.02);
  atom_energy = loss_term(loss, "atom_energy", 0.0, 0.01);
  jacobian = loss_term(loss, "jacobian", 0.0, 1.0);
  loss.finish();

  YamlSection training = top.section("training");
  read(training, {"single", "double", "mixed"});
  batch_atoms = training.whole("batch_atoms", batch_atoms, 1);
  accumulate = training.whole("accumulate", accumulate, 1);
  training.finish();
  const std::string name = kind->name;
  const bool third = jacobian.weight > 0 || jacobian.final_weight > 0,
             on_host = has_back_end(kind->gradients, "host");
  if (!kind->atom_energies && (atom_energy.weight > 0 || atom_energy.final_weight > 0))
    loss.fail("atom_energy", "is of use for models with energies of atoms; " + name + " has none");
  if (!kind->third_derivatives && third)
    loss.fail("jacobian",
              "needs third derivatives, which " + name + " does not have; accepted: a weight of 0");
  if (!kind->mixed_precision && precision == "mixed")
    training.fail("precision", "is 'mixed'; accepted for " + name + ": single, double");
  if (!on_host && engine == "host")
    training.fail("engine",
                  std::string("is 'host', which has no weight gradients") +
                      (long_range ? " of the long-range block" : "") + "; accepted for " + name +
                      ": auto, torch");
  if (engine == "auto")
    engine = third || !on_host || precision == "mixed" || options().wants_gpu() ? "torch" : "host";
  if (engine == "host" && third)
    training.fail(
        "engine",
        "is 'host', which has no third derivatives for 'loss.jacobian'; accepted: auto, torch");
  if (engine == "host" && precision == "mixed")
    training.fail("precision", "is 'mixed', which needs 'training.engine: torch'");
  if (engine == "host" && options().wants_gpu())
    training.fail("device", "is '" + device + "', which needs 'training.engine: torch'");
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
    file.frames = entry.whole("frames", 0);
    file.weight = entry.number("weight", 1.0, 0.0);
    file.teacher = entry.word("labels", "file", {"file", "teacher"}) == "teacher";
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
    s.teachers.push_back(find_potential(file, std::filesystem::path(path).parent_path()));
  s.spread = teacher.number("spread", 0.0, 0.0);
  teacher.finish();
  for (const LossTerm *term : {&s.atom_energy, &s.jacobian})
    if ((term->weight > 0 || term->final_weight > 0) && s.teachers.empty())
      top.fail(term == &s.jacobian ? "loss.jacobian" : "loss.atom_energy",
               "needs teachers: name potentials in 'teacher.models'");

  YamlSection data = top.section("data");
  s.train = read_files(data, "train", path, !s.teachers.empty());
  s.valid = read_files(data, "valid", path, !s.teachers.empty());
  s.valid_fraction = data.number("valid_fraction", s.valid_fraction, 0.0, 0.9);
  s.max_force = data.number("max_force", 0.0, 0.0);
  data.finish();
  if (s.train.empty())
    data.fail("train", "is missing; accepted: a list of maps with the key 'file'");

  s.output = beside(path, top.word("output", ""));
  if (!s.output.ends_with(".safetensors"))
    top.fail("output", "is '" + s.output + "'; accepted: a file name that ends in .safetensors");
  s.citation = top.word("citation", "");
  top.finish();
  return s;
}

nlohmann::ordered_json TrainSettings::description() const
{
  nlohmann::ordered_json json;
  if (molecule) {
    json["model"] = {{"kind", kind->name}, {"widths", widths}};
    if (permutations == 0)
      json["model"]["permutations"] = "all";
    else
      json["model"]["permutations"] = permutations;
  } else
    json["model"] = {{"kind", kind->name}, {"features", features}, {"layers", layers},
                     {"radial", radial},   {"cutoff", cutoff},     {"norm_floor", norm_floor}};
  if (long_range) {
    json["model"]["fmm"] = {{"layers", block.layers},           {"directions", block.directions},
                            {"kappa_min", block.kappa_min},     {"kappa_max", block.kappa_max},
                            {"kappa_count", block.kappa_count}, {"heads", block.heads},
                            {"key_width", block.key_width},     {"value_width", block.value_width},
                            {"precision", block.precision}};
  }
  if (!elements.empty()) json["model"]["elements"] = elements;
  if (!init_from.empty())
    json["model"]["init_from"] = std::filesystem::path(init_from).filename().string();
  if (!freeze.empty()) json["model"]["freeze"] = freeze;
  json["data"] = {{"train", describe(train)}, {"valid", describe(valid)}};
  if (valid.empty()) json["data"]["valid_fraction"] = valid_fraction;
  if (max_force > 0) json["data"]["max_force"] = max_force;
  if (!teachers.empty()) {
    auto names = nlohmann::ordered_json::array();
    for (const auto &file : teachers)
      names.push_back(std::filesystem::path(file).filename().string());
    json["teacher"] = {{"models", names}, {"spread", spread}};
  }
  json["loss"] = {{"energy", describe(energy)}, {"force", describe(force)}};
  if (atom_energy.weight > 0 || atom_energy.final_weight > 0)
    json["loss"]["atom_energy"] = describe(atom_energy);
  if (jacobian.weight > 0 || jacobian.final_weight > 0)
    json["loss"]["jacobian"] = describe(jacobian);
  json["training"] = CourseSettings::description();
  json["training"]["batch_atoms"] = batch_atoms;
  json["training"]["accumulate"] = accumulate;
  return json;
}

}    // namespace mlff
