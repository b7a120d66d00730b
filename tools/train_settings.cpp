#include "train_settings.h"

#include "yaml_section.h"

#include <filesystem>

namespace mlff {

namespace {

  std::string beside(const std::string &settings, const std::string &file)
  {
    const auto path = std::filesystem::path(file);
    return path.is_absolute() ? file : (std::filesystem::path(settings).parent_path() / path).lexically_normal().string();
  }

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
    nlohmann::ordered_json json = {{"weight", term.weight}, {"final_weight", term.final_weight}, {"kind", term.huber ? "huber" : "mse"}};
    if (term.huber) json["delta"] = term.delta;
    return json;
  }

  nlohmann::ordered_json describe(const std::vector<DataFile> &files)
  {
    auto list = nlohmann::ordered_json::array();
    for (const auto &file : files)
      list.push_back({{"file", std::filesystem::path(file.file).filename().string()},
                      {"frames", file.frames},
                      {"weight", file.weight},
                      {"labels", file.teacher ? "teacher" : "file"}});
    return list;
  }

}    // namespace

TrainSettings TrainSettings::read(const std::string &path)
{
  TrainSettings s;
  YamlSection top = YamlSection::file(path);

  YamlSection model = top.section("model");
  model.word("kind", "painn", {"painn"});
  s.features = int(model.whole("features", s.features, 2));
  s.layers = int(model.whole("layers", s.layers, 1));
  s.radial = int(model.whole("radial", s.radial, 2));
  s.cutoff = model.number("cutoff", s.cutoff, 0.5);
  s.elements = model.words("elements");
  s.init_from = model.word("init_from", "");
  if (!s.init_from.empty()) {
    s.init_from = beside(path, s.init_from);
    for (const char *key : {"features", "layers", "radial", "cutoff"})
      if (model.has(key)) model.fail(key, "is given by the potential in 'model.init_from'; accepted: one of the two");
  }
  s.freeze = model.words("freeze");
  model.finish();
  if (s.features % 2) model.fail("features", "is " + std::to_string(s.features) + "; accepted: an even number");

  YamlSection teacher = top.section("teacher");
  for (const auto &file : teacher.words("models")) s.teachers.push_back(beside(path, file));
  s.spread = teacher.number("spread", 0.0, 0.0);
  teacher.finish();

  YamlSection data = top.section("data");
  const auto files = [&](const std::string &key) {
    std::vector<DataFile> list;
    for (YamlSection &entry : data.sections(key)) {
      const auto names = entry.words("file");
      if (names.empty()) entry.fail("file", "is missing; accepted: names of .xyz or .npz files");
      DataFile file;
      file.frames = entry.whole("frames", 0);
      file.weight = entry.number("weight", 1.0, 0.0);
      file.teacher = entry.word("labels", "file", {"file", "teacher"}) == "teacher";
      if (file.teacher && s.teachers.empty()) entry.fail("labels", "is 'teacher', but 'teacher.models' names no potential");
      entry.finish();
      for (const auto &name : names) {
        file.file = beside(path, name);
        list.push_back(file);
      }
    }
    return list;
  };
  s.train = files("train");
  s.valid = files("valid");
  s.valid_fraction = data.number("valid_fraction", s.valid_fraction, 0.0, 0.9);
  s.max_force = data.number("max_force", 0.0, 0.0);
  data.finish();
  if (s.train.empty()) data.fail("train", "is missing; accepted: a list of maps with the key 'file'");

  YamlSection loss = top.section("loss");
  s.energy = loss_term(loss, "energy", 0.1, 0.01);
  s.force = loss_term(loss, "force", 1.0, 0.02);
  s.atom_energy = loss_term(loss, "atom_energy", 0.0, 0.01);
  s.jacobian = loss_term(loss, "jacobian", 0.0, 1.0);
  loss.finish();

  YamlSection training = top.section("training");
  s.steps = training.whole("steps", s.steps, 1);
  s.batch_atoms = training.whole("batch_atoms", s.batch_atoms, 1);
  s.accumulate = training.whole("accumulate", s.accumulate, 1);
  s.learning_rate = training.number("learning_rate", s.learning_rate, 0.0);
  s.final_learning_rate = training.number("final_learning_rate", std::min(s.final_learning_rate, s.learning_rate), 0.0);
  s.warmup = training.whole("warmup", s.warmup);
  s.weight_decay = training.number("weight_decay", s.weight_decay, 0.0);
  s.clip = training.number("clip", s.clip, 0.0);
  s.ema = training.number("ema", s.ema, 0.0, 0.999999);
  s.validate_every = training.whole("validate_every", s.validate_every, 1);
  s.patience = training.whole("patience", s.patience);
  s.precision = training.word("precision", s.precision, {"single", "double", "mixed"});
  s.engine = training.word("engine", s.engine, {"auto", "host", "torch"});
  s.device = training.word("device", s.device, {"auto", "cpu", "cuda"});
  s.threads = int(training.whole("threads", s.threads, 1));
  s.seed = unsigned(training.whole("seed", s.seed));
  s.checkpoint_seconds = training.number("checkpoint_seconds", s.checkpoint_seconds, 0.0);
  training.finish();
  if (s.engine == "auto") s.engine = s.jacobian.weight > 0 || s.jacobian.final_weight > 0 || s.precision == "mixed" || s.device == "cuda" ? "torch" : "host";
  if (s.engine == "host" && (s.jacobian.weight > 0 || s.jacobian.final_weight > 0))
    training.fail("engine", "is 'host', which has no third derivatives for 'loss.jacobian'; accepted: auto, torch");
  if (s.engine == "host" && s.precision == "mixed") training.fail("precision", "is 'mixed', which needs 'training.engine: torch'");
  if (s.engine == "host" && s.device == "cuda") training.fail("device", "is 'cuda', which needs 'training.engine: torch'");

  s.output = beside(path, top.word("output", ""));
  if (!s.output.ends_with(".safetensors")) top.fail("output", "is '" + s.output + "'; accepted: a file name that ends in .safetensors");
  s.citation = top.word("citation", "");
  top.finish();

  for (const LossTerm *term : {&s.atom_energy, &s.jacobian})
    if ((term->weight > 0 || term->final_weight > 0) && s.teachers.empty())
      loss.fail(term == &s.jacobian ? "jacobian" : "atom_energy", "needs teachers: name potentials in 'teacher.models'");
  return s;
}

nlohmann::ordered_json TrainSettings::description() const
{
  nlohmann::ordered_json json;
  json["model"] = {{"kind", "painn"}, {"features", features}, {"layers", layers}, {"radial", radial}, {"cutoff", cutoff}};
  if (!elements.empty()) json["model"]["elements"] = elements;
  if (!init_from.empty()) json["model"]["init_from"] = std::filesystem::path(init_from).filename().string();
  if (!freeze.empty()) json["model"]["freeze"] = freeze;
  json["data"] = {{"train", describe(train)}, {"valid", describe(valid)}};
  if (valid.empty()) json["data"]["valid_fraction"] = valid_fraction;
  if (max_force > 0) json["data"]["max_force"] = max_force;
  if (!teachers.empty()) {
    auto names = nlohmann::ordered_json::array();
    for (const auto &file : teachers) names.push_back(std::filesystem::path(file).filename().string());
    json["teacher"] = {{"models", names}, {"spread", spread}};
  }
  json["loss"] = {{"energy", describe(energy)}, {"force", describe(force)}};
  if (atom_energy.weight > 0 || atom_energy.final_weight > 0) json["loss"]["atom_energy"] = describe(atom_energy);
  if (jacobian.weight > 0 || jacobian.final_weight > 0) json["loss"]["jacobian"] = describe(jacobian);
  json["training"] = {{"steps", steps},
                      {"batch_atoms", batch_atoms},
                      {"accumulate", accumulate},
                      {"learning_rate", learning_rate},
                      {"final_learning_rate", final_learning_rate},
                      {"warmup", warmup},
                      {"weight_decay", weight_decay},
                      {"clip", clip},
                      {"ema", ema},
                      {"validate_every", validate_every},
                      {"patience", patience},
                      {"precision", precision},
                      {"engine", engine},
                      {"threads", threads},
                      {"seed", seed}};
  return json;
}

}    // namespace mlff
