#include "training/jump/jump_trainer.h"

#include "core/elements.h"
#include "core/progress.h"
#include "core/units.h"
#include "data/output_file.h"
#include "engine/make_engine.h"
#include "engine/make_gradient.h"
#include "models/jump/jump_record.h"
#include "models/painn/painn_sizes.h"
#include "models/random_model.h"
#include "potential/find_potential.h"
#include "potential/model_kind.h"
#include "teacher/xtb_method.h"
#include "training/train_settings.h"
#include "training/training_data.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

namespace mlff {

namespace {

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

JumpTrainSettings JumpTrainSettings::read_file(const std::string &path)
{
  JumpTrainSettings s;
  YamlSection top = YamlSection::file(path);

  YamlSection model = top.section("model");
  model.word("kind", "kstep", {"kstep"});
  s.kind = &jump_kind(model.word("network", jump_network(*s.kind), jump_networks()));
  const bool needs_torch_for_weights = !has_back_end(s.kind->jump_gradients, "host");
  if (jump_has_forms(*s.kind)) {
    s.published = model.word("form", "corrected", {"corrected", "published"}) == "published";
    s.bound = model.number("bound", s.bound, 1e-3);
  } else
    for (const char *key : {"form", "bound"})
      if (model.has(key))
        model.fail(
            key,
            "is for 'model.network: egnn' and 'transformer'; painn has one form, without a bound");
  if (jump_has_heads(*s.kind))
    s.heads = int(model.whole("heads", s.heads, 1));
  else if (model.has("heads"))
    model.fail("heads", "is for 'model.network: transformer'");
  s.features = int(model.whole("features", s.features, 1));
  s.layers = int(model.whole("layers", s.layers, 1));
  s.radial = int(model.whole("radial", s.radial, 2));
  s.cutoff = model.number("cutoff", s.cutoff, 0.5);
  if (model.has("strides")) s.strides = model.numbers("strides");
  s.classes = model.word("species", "elements", {"elements", "classes"}) == "classes";
  s.init_from = model.word("init_from", "");
  if (!s.init_from.empty()) {
    s.init_from = find_potential(s.init_from, std::filesystem::path(path).parent_path());
    for (const char *key :
         {"network", "form", "bound", "heads", "features", "layers", "radial", "cutoff", "species"})
      if (model.has(key))
        model.fail(key, "is given by the potential in 'model.init_from'; accepted: one of the two");
  }
  if (s.features % s.heads != 0 && jump_has_heads(*s.kind))
    model.fail("heads",
               "is " + std::to_string(s.heads) + "; accepted: a divisor of 'model.features', " +
                   std::to_string(s.features));
  s.freeze = model.words("freeze");
  if (s.init_from.empty() && !s.freeze.empty())
    model.fail("freeze", "needs 'model.init_from': random weights would stay random");
  model.finish();

  YamlSection data = top.section("data");
  s.timestep = data.number("timestep", s.timestep, 1e-3);
  s.train = read_files(data, "train", path);
  s.valid = read_files(data, "valid", path);
  s.test = read_files(data, "test", path);
  s.valid_fraction = data.number("valid_fraction", s.valid_fraction, 0.0, 0.9);
  s.hold_out_molecules =
      data.word("hold_out", "trajectories", {"trajectories", "molecules"}) == "molecules";
  s.reversed = data.yes("reversed", s.reversed);
  s.noise.rotate = data.yes("rotate", false);
  YamlSection noise = data.section("noise");
  s.noise.position = noise.number("position", 0.0, 0.0);
  s.noise.velocity = noise.number("velocity", 0.0, 0.0);
  noise.finish();
  data.finish();
  if (s.train.empty())
    data.fail("train", "is missing; accepted: a list of maps with the key 'file'");
  if (s.strides.empty()) model.fail("strides", "is empty; accepted: one or more times in fs");
  for (std::size_t k = 0; k < s.strides.size(); k++) {
    const double steps = s.strides[k] / s.timestep;
    if (!(steps > 0.5) || std::abs(steps - std::round(steps)) > 1e-6 ||
        (k > 0 && s.strides[k] <= s.strides[k - 1]))
      model.fail("strides",
                 "holds " + nlohmann::json(s.strides[k]).dump() +
                     "; accepted: ascending multiples of 'data.timestep', " +
                     nlohmann::json(s.timestep).dump() + " fs");
  }

  YamlSection loss = top.section("loss");
  s.position_weight = loss.number("position", s.position_weight, 0.0);
  s.velocity_weight = loss.number("velocity", s.velocity_weight, 0.0);
  s.force_weight = loss.number("force", 0.0, 0.0);
  if (s.force_weight > 0 && loss.has("rollout"))
    loss.fail("force", "and 'loss.rollout' do not go together; accepted: one of the two");
  if (s.force_weight > 0 && !jump_predicts_force(*s.kind))
    loss.fail("force", "is for 'model.network: painn'");
  if (loss.has("rollout")) {
    YamlSection rollout = loss.section("rollout");
    s.rollout_jumps = int(rollout.whole("jumps", 2, 2));
    s.rollout_weight = rollout.number("weight", s.rollout_weight, 0.0);
    s.rollout_method_forces = rollout.word("force", "data", {"data", "method"}) == "method";
    rollout.finish();
  }
  YamlSection structure = loss.section("structure");
  s.structure.bond = structure.number("bond", 0.0, 0.0);
  s.structure.angle = structure.number("angle", 0.0, 0.0);
  s.structure.dihedral = structure.number("dihedral", 0.0, 0.0);
  structure.finish();
  if (s.structure.any() && s.rollout_jumps > 0)
    loss.fail("structure", "and 'loss.rollout' do not go together; accepted: one of the two");
  loss.finish();
  if (s.position_weight + s.velocity_weight == 0.0) top.fail("loss", "has no weight above 0");

  YamlSection training = top.section("training");
  s.read(training, {"single", "double"});
  s.windows = training.whole("windows", s.windows, 1);
  if (training.word("choose", "error", {"error", "rollout"}) == "rollout")
    s.choose_jumps = int(training.whole("choose_jumps", 10, 2));
  training.finish();
  const bool needs_torch = needs_torch_for_weights || s.rollout_jumps > 0;
  // with init_from the file decides
  if (s.engine == "auto" && (needs_torch || s.options().wants_gpu())) s.engine = "torch";
  if (s.engine == "auto" && s.init_from.empty()) s.engine = "host";
  if (s.engine == "host" && needs_torch)
    training.fail("engine",
                  needs_torch_for_weights
                      ? "is 'host', but 'model.network: " + jump_network(*s.kind) +
                          "' is available with engine torch"
                      : "is 'host', but 'loss.rollout' needs the derivative through several "
                        "jumps, which is available with engine torch");
  if (s.engine == "host" && s.options().wants_gpu())
    training.fail("device", "is '" + s.device + "', which needs 'training.engine: torch'");

  YamlSection report = top.section("report");
  s.every = int(report.whole("every", s.every, 1));
  s.energies = report.whole("energies", s.energies);
  std::vector<std::string> methods = {"data", "none"};
  for (const auto &word : words_in(xtb_method_words)) methods.push_back(word);
  const std::string method = report.word("method", "data", methods);
  s.energy_of_data = method == "data";
  const double accuracy = report.number("accuracy", XtbOptions().accuracy, least_xtb_accuracy);
  if (method != "data" && method != "none" && has_teacher("xtb"))
    s.energy.settings = {"xtb", {{"method", method}, {"accuracy", accuracy}}};
  s.energy.charge = int(report.whole("charge", 0, -100));
  s.energy.unpaired_electrons = int(report.whole("uhf", 0));
  report.finish();

  s.output = beside(path, top.word("output", ""));
  if (!s.output.ends_with(".safetensors"))
    top.fail("output", "is '" + s.output + "'; accepted: a file name that ends in .safetensors");
  s.citation = top.word("citation", "");
  top.finish();
  return s;
}

nlohmann::ordered_json JumpTrainSettings::description() const
{
  nlohmann::ordered_json json;
  json["model"] = {{"kind", "kstep"},
                   {"features", features},
                   {"layers", layers},
                   {"radial", radial},
                   {"cutoff", cutoff},
                   {"strides", strides},
                   {"species", classes ? "classes" : "elements"}};
  if (jump_has_forms(*kind)) {
    json["model"]["network"] = jump_network(*kind);
    json["model"]["form"] = published ? "published" : "corrected";
    json["model"]["bound"] = bound;
    if (jump_has_heads(*kind)) json["model"]["heads"] = heads;
  }
  if (!init_from.empty())
    json["model"]["init_from"] = std::filesystem::path(init_from).filename().string();
  if (!freeze.empty()) json["model"]["freeze"] = freeze;
  json["data"] = {{"timestep", timestep},
                  {"train", names_of(train)},
                  {"valid", names_of(valid)},
                  {"test", names_of(test)},
                  {"reversed", reversed}};
  if (valid.empty()) {
    json["data"]["valid_fraction"] = valid_fraction;
    json["data"]["hold_out"] = hold_out_molecules ? "molecules" : "trajectories";
  }
  if (noise.rotate) json["data"]["rotate"] = true;
  if (noise.position > 0 || noise.velocity > 0)
    json["data"]["noise"] = {{"position", noise.position}, {"velocity", noise.velocity}};
  json["loss"] = {{"position", position_weight}, {"velocity", velocity_weight}};
  if (force_weight > 0) json["loss"]["force"] = force_weight;
  if (rollout_jumps > 0)
    json["loss"]["rollout"] = {{"jumps", rollout_jumps},
                               {"weight", rollout_weight},
                               {"force", rollout_method_forces ? "method" : "data"}};
  if (structure.any())
    json["loss"]["structure"] = {
        {"bond", structure.bond}, {"angle", structure.angle}, {"dihedral", structure.dihedral}};
  json["training"] = CourseSettings::description();
  json["training"]["windows"] = windows;
  if (choose_jumps > 0) {
    json["training"]["choose"] = "rollout";
    json["training"]["choose_jumps"] = choose_jumps;
  }
  return json;
}

JumpTrainer::JumpTrainer(const JumpTrainSettings &given, const std::string &command) :
    settings(given), command(command)
{
  folder = settings.output.substr(0, settings.output.size() - std::string(".safetensors").size()) +
      ".training";
  record_inputs();
  read_data();
  prepare_model();
  course = std::make_unique<Course>(settings, folder, flat_weights(potential));
  course->freeze(settings.freeze, weight_slices(potential), "model.freeze");
  engine = make_jump_gradient(potential, settings.options());
  variables = std::make_unique<JumpVariables>(potential);
}

std::vector<int> JumpTrainer::steps() const
{
  std::vector<int> list;
  for (const double stride : settings.strides)
    list.push_back(int(std::lround(stride / settings.timestep)));
  return list;
}

void JumpTrainer::record_inputs()
{
  for (const auto &file : settings.train) inputs.add_file("data.train", file);
  for (const auto &file : settings.valid) inputs.add_file("data.valid", file);
  for (const auto &file : settings.test) inputs.add_file("data.test", file);
  if (!settings.init_from.empty()) inputs.add_file("model.init_from", settings.init_from);
}

void JumpTrainer::read_data()
{
  std::set<std::string> seen;
  Progress progress("reading");
  const double total = double(settings.train.size() + settings.valid.size() + settings.test.size());
  for (const auto &[files, list] :
       {std::pair{&settings.train, &train}, std::pair{&settings.valid, &valid},
        std::pair{&settings.test, &test}})
    for (const auto &file : *files) {
      if (!seen.insert(std::filesystem::weakly_canonical(file).string()).second)
        throw FileError("data file '" + file +
                        "' is named twice: what is held out must not be learned from");
      list->push_back(read_nve(file, settings.timestep));
      progress.update(double(seen.size()) / total, file);
    }
  if (valid.empty() && settings.valid_fraction > 0) {
    // whole trajectories, or all of a molecule
    std::vector<std::vector<int>> molecules;
    for (const auto &trajectory : train)
      if (std::find(molecules.begin(), molecules.end(), trajectory.numbers) == molecules.end())
        molecules.push_back(trajectory.numbers);
    const int n = int(settings.hold_out_molecules ? molecules.size() : train.size());
    if (n < 2)
      throw FileError(
          std::string("one ") + (settings.hold_out_molecules ? "molecule" : "trajectory") +
          " cannot be split; name files in 'data.valid' or set 'data.valid_fraction: 0'");
    auto order = shuffled(n, settings.seed);
    order.resize(std::clamp(int(std::lround(settings.valid_fraction * n)), 1, n - 1));
    std::vector<NveTrajectory> rest;
    for (int k = 0; k < int(train.size()); k++) {
      const int group = settings.hold_out_molecules
          ? int(std::find(molecules.begin(), molecules.end(), train[k].numbers) - molecules.begin())
          : k;
      (std::find(order.begin(), order.end(), group) != order.end() ? valid : rest)
          .push_back(std::move(train[k]));
    }
    train = std::move(rest);
  }
}

void JumpTrainer::prepare_model()
{
  Potential start;
  if (!settings.init_from.empty()) {
    start = Potential::read(settings.init_from);
    if (!start.kind().gives_jumps)
      throw FileError("'model.init_from' names '" + settings.init_from + "', a model '" +
                      start.model() + "'; accepted: kstep-painn");
    settings.kind = &start.kind();
    const bool on_host = has_back_end(settings.kind->jump_gradients, "host");
    settings.published = jump_record(start).published;
    settings.bound = jump_record(start).bound;
    settings.heads = jump_record(start).heads;
    if (!on_host && settings.engine == "host")
      throw FileError("'training.engine' is 'host', but '" + settings.init_from + "' is a model '" +
                      start.model() + "', which is available with engine torch");
    if (settings.engine == "auto") settings.engine = on_host ? "host" : "torch";
    settings.features = painn_sizes(start).features;
    settings.layers = painn_sizes(start).layers;
    settings.radial = painn_sizes(start).radial;
    settings.cutoff = start.cutoff;
    settings.classes = std::any_of(jump_record(start).species.begin(),
                                   jump_record(start).species.end(), [](const auto &s) {
                                     return !s.environment.empty();
                                   });
  }
  if (settings.force_weight > 0 && !jump_predicts_force(*settings.kind))
    throw FileError("'loss.force' needs a network painn, but '" + settings.init_from +
                    "' is a model '" + start.model() + "'");
  potential.set_kind(*settings.kind);
  jump_record(potential).published = settings.published;
  jump_record(potential).force_head = settings.force_weight > 0;
  jump_record(potential).bound = settings.bound;
  jump_record(potential).heads = settings.heads;
  painn_sizes(potential) = {settings.features, settings.layers, settings.radial,
                            painn_sizes(start).norm_floor};
  potential.cutoff = settings.cutoff;
  potential.citation = settings.citation;
  jump_record(potential).timestep = settings.timestep;
  jump_record(potential).strides = settings.strides;

  // species: elements, or classes of them, in ascending order; named in that order
  std::map<std::pair<int, std::string>, double> species;    // and their masses
  std::set<double> temperatures;
  for (const auto *list : {&train, &valid, &test})
    for (const auto &trajectory : *list) {
      const auto environments = settings.classes
          ? bond_environments(trajectory.numbers, trajectory.bonds)
          : std::vector<std::string>(trajectory.numbers.size());
      for (int i = 0; i < trajectory.n_atoms(); i++) {
        const auto [known, is_new] =
            species.insert({{trajectory.numbers[i], environments[i]}, trajectory.mass[i]});
        if (std::abs(known->second - trajectory.mass[i]) > 1e-3 * known->second)
          throw FileError("data file '" + trajectory.file + "': atom " + std::to_string(i + 1) +
                          " is " + element_symbol(trajectory.numbers[i]) + " of " +
                          std::to_string(trajectory.mass[i]) +
                          " g/mol, others of its species have " + std::to_string(known->second) +
                          "; accepted: one mass for each species of a jump network");
      }
      if (list == &train && trajectory.temperature > 0) temperatures.insert(trajectory.temperature);
      if (settings.energy_of_data && !settings.energy.settings)
        settings.energy = trajectory.teacher;
    }
  jump_record(potential).temperatures.assign(temperatures.begin(), temperatures.end());
  std::map<int, int> number;
  for (const auto &[key, mass] : species) {
    const auto &[z, environment] = key;
    potential.elements.push_back(z);
    JumpRecord::Species one;
    one.name = element_symbol(z) + (settings.classes ? std::to_string(++number[z]) : "");
    one.environment = environment;
    one.mass = mass;
    jump_record(potential).species.push_back(one);
  }
  for (auto *list : {&train, &valid, &test})
    for (auto &trajectory : *list)
      trajectory.species = jump_species(potential, trajectory.numbers, trajectory.bonds);

  source = std::make_unique<WindowSource>(train, steps(), settings.reversed);
  if (settings.structure.any())
    for (const auto &trajectory : train)
      coordinates.emplace(&trajectory, InternalCoordinates(trajectory.bonds));
  const auto require = [this](const char *name, double weight, auto list) {
    if (weight > 0 && std::all_of(coordinates.begin(), coordinates.end(), [&](const auto &one) {
          return (one.second.*list).empty();
        }))
      throw FileError(std::string("'loss.structure.") + name +
                      "' is above 0, but no molecule of 'data.train' has one");
  };
  require("bond", settings.structure.bond, &InternalCoordinates::bonds);
  require("angle", settings.structure.angle, &InternalCoordinates::angles);
  require("dihedral", settings.structure.dihedral, &InternalCoordinates::dihedrals);
  for (const auto &trajectory : valid)
    for (std::size_t k = 0; k < settings.strides.size(); k++)
      for (const Window &window : windows_of(trajectory, steps()[k], int(k), settings.every))
        valid_windows.push_back(window);
  const int jumps = settings.rollout_jumps, chosen = settings.choose_jumps;
  if (jumps > 0) {
    auto long_steps = steps();
    for (int &n : long_steps) n *= jumps;
    chain_source = std::make_unique<WindowSource>(train, long_steps, settings.reversed);
  }
  for (const auto &trajectory : valid)
    for (std::size_t k = 0; k < settings.strides.size() && chosen > 0; k++)
      for (const Window &window : chains_of(trajectory, steps()[k], int(k), chosen, 32))
        valid_chains.push_back(window);
  if (chosen > 0 && valid_chains.empty())
    throw FileError("'training.choose: rollout' finds no chain of " + std::to_string(chosen) +
                    " jumps in the validation trajectories; their NVE windows are shorter");
  if ((jumps > 0 && settings.rollout_method_forces) || chosen > 0)
    force = teacher_forces(settings.energy);
  if (jumps > 0 && settings.rollout_method_forces && !force)
    throw FileError("'loss.rollout.force' is 'method', but no method is known: the data name none "
                    "and 'report.method' neither, or this build has no libxtb; "
                    "accepted here: data");
  start_weights(potential, settings.seed);
  // the vectors start small, so that the network starts as the linear fit
  Uniform uniform(settings.seed + 1);
  for (const auto &[name, width] :
       {std::pair{"vectors", std::sqrt(1.5)}, std::pair{"readout.1.bias", 0.1 * std::sqrt(3.0)}})
    if (potential.tensors.contains(name))
      for (double &x : potential.tensors[name].values) x = width * uniform();
  // vectors grow from layer to layer, times scalars that grow themselves: small factors keep the
  // start tame
  for (auto &[name, tensor] : potential.tensors)
    if (name.ends_with(".1.weight"))
      for (double &x : tensor.values) x *= name == "readout.1.weight" ? 0.1 : 0.3;
  if (settings.init_from.empty())
    fit_linear(*source, train, potential);
  else
    take_over(start);
  for (const auto &range : jump_record(potential).species)
    if (!(range.velocity > 0))
      throw FileError("species " + range.name + " is in data held out, but not in 'data.train'");
}

void JumpTrainer::take_over(const Potential &start)
{
  for (const auto &slice : weight_slices(potential))
    if (slice.name != "embedding" && slice.name != "vectors") {
      // a force head keeps its random start
      const auto &values = start.tensors.at(slice.name).values;
      std::copy(values.begin(), values.end(), potential.tensors[slice.name].values.begin());
    }
  // rows of species and strides that both know
  const int n = potential.n_species(), F = settings.features;
  std::vector<bool> keep(settings.strides.size() * std::size_t(n), false);
  for (std::size_t k = 0; k < settings.strides.size(); k++)
    for (std::size_t from = 0; from < jump_record(start).strides.size(); from++) {
      // a new stride starts from the weights of the last one that is not longer
      const bool same = jump_record(start).strides[from] == settings.strides[k];
      if (!same && !(jump_record(start).strides[from] <= settings.strides[k] || from == 0))
        continue;
      for (int s = 0; s < n; s++)
        for (int t = 0; t < start.n_species(); t++) {
          if (start.elements[t] != potential.elements[s] ||
              jump_record(start).species[t].environment !=
                  jump_record(potential).species[s].environment)
            continue;
          const std::size_t to_row = k * std::size_t(n) + std::size_t(s),
                            from_row = from * std::size_t(start.n_species()) + std::size_t(t);
          for (const auto &[name, width] :
               {std::pair{"embedding", F}, std::pair{"vectors", 2 * F}, std::pair{"linear", 4}}) {
            if (!start.tensors.contains(name)) continue;
            auto &to = potential.tensors[name].values;
            if (to.empty()) to.resize(keep.size() * std::size_t(width));
            const auto &values = start.tensors.at(name).values;
            std::copy_n(values.begin() + long(from_row) * width, width,
                        to.begin() + long(to_row) * width);
          }
          keep[to_row] = same;
        }
    }
  const bool same_strides = jump_record(start).strides == settings.strides;
  if (same_strides)
    for (const char *name : {"input_scale", "target_scale"})
      potential.tensors[name] = start.tensors.at(name);
  fit_linear(*source, train, potential, keep, same_strides);
}

JumpChain JumpTrainer::chain() const
{
  JumpChain chain;
  chain.species = batch.graph.species;
  chain.first_atom = batch.graph.first_atom;
  chain.x = batch.x;
  chain.start = batch.input();
  chain.after = after;
  if (!settings.rollout_method_forces) return chain;
  chain.force_at = [this](int jumps, std::span<const double> x, std::span<double> f,
                          std::span<double> kinetic) {
    constexpr double c = eV_in_amu_square_angstrom_per_square_ps;
    for (std::size_t s = 0; s < drawn.size(); s++) {
      const NveTrajectory &trajectory = *drawn[s].trajectory;
      const std::size_t at = 3 * std::size_t(batch.graph.first_atom[s]),
                        n3 = 3 * std::size_t(trajectory.n_atoms());
      const std::span<const double> v_start(batch.velocity.data() + at, n3),
          v_known(after[jumps - 1].velocity.data() + at, n3);
      try {
        // the energy that the chain started with
        const double total = inner_kinetic(trajectory.mass, v_start) +
            c * force(trajectory, std::span(batch.x).subspan(at, n3), f.subspan(at, n3));
        kinetic[s] = total - c * force(trajectory, x.subspan(at, n3), f.subspan(at, n3));
      } catch (const std::runtime_error &) {
        // where the method fails, what acts on the trajectory
        kinetic[s] = inner_kinetic(trajectory.mass, v_known);
        std::copy_n(after[jumps - 1].force.begin() + long(at), n3, f.begin() + long(at));
      }
    }
  };
  return chain;
}

void JumpTrainer::add_rollout(std::span<double> gradient)
{
  JumpChainLoss loss;
  loss.weight[0] = settings.position_weight;
  loss.weight[1] = settings.velocity_weight;
  loss.later = settings.rollout_weight;
  const auto terms = engine->add_chain_gradient(chain(), loss, gradient);
  for (std::size_t q = 0; q < terms.size(); q++) sums[q] += terms[q];
  batches++;
}

void JumpTrainer::add_batch(std::span<double> gradient)
{
  // drawn from seed and step alone: a resumed training sees the same windows
  std::seed_seq seed{settings.seed, unsigned(course->step), unsigned(course->step >> 32), 29u};
  std::mt19937 generator(seed);
  batch.clear();
  after.clear();
  drawn.clear();
  for (long w = 0; w < settings.windows; w++) {
    const int molecule = int((course->step * settings.windows + w) % source->n_molecules());
    const int stride = int(generator() % settings.strides.size());
    if (settings.rollout_jumps == 0) {
      drawn.push_back(source->draw(molecule, stride, generator));
      append_window(drawn.back(), settings.cutoff, batch, settings.noise, &generator);
      continue;
    }
    Window window = chain_source->draw(molecule, stride, generator);
    window.steps /= settings.rollout_jumps;
    drawn.push_back(window);
    append_chain(window, settings.rollout_jumps, settings.cutoff, batch, after, settings.noise,
                 &generator);
  }
  if (settings.rollout_jumps > 0) return add_rollout(gradient);
  const Graph graph = batch.graph.view();
  variables->start(graph, batch.input(), rows, scaled);
  variables->targets(graph, batch.input(), batch.known, target);
  const int C = jump_record(potential).predictions();
  std::vector<std::array<double, 4>> terms(std::size_t(settings.windows), {0.0, 0.0, 0.0, 0.0});
  const double weight[3] = {settings.position_weight, settings.velocity_weight,
                            settings.force_weight};
  if (settings.force_weight > 0) {
    // scaled as the force at the start
    const double scale =
        eV_in_amu_square_angstrom_per_square_ps / potential.tensors.at("input_scale").values[1];
    force_after.resize(batch.force_after.size());
    for (std::size_t k = 0; k < force_after.size(); k++)
      force_after[k] = scale * batch.force_after[k] / std::sqrt(batch.mass[k / 3]);
  }
  engine->add_gradient(
      graph, rows, scaled,
      [&](int first, int last, const double *u, double *u_bar) {
        for (int s = first; s < last; s++) {
          const int begin = graph.first_atom[s], end = graph.first_atom[s + 1];
          const double share = 1.0 / (3.0 * (end - begin) * double(settings.windows));
          for (int i = begin; i < end; i++)
            for (int q = 0; q < C; q++)
              for (int a = 0; a < 3; a++) {
                const int k = 3 * (C * i + q) + a;
                const double difference =
                    u[k] - (q < 2 ? target[3 * (2 * i + q) + a] : force_after[3 * i + a]);
                terms[s][q] += share * difference * difference;
                u_bar[k] = 2.0 * weight[q] * share * difference;
              }
          if (settings.structure.any()) terms[s][3] = add_structure(s, u, u_bar);
        }
      },
      gradient);
  for (const auto &term : terms) {
    for (int q = 0; q < 2; q++) sums[q] += term[q];
    force_sum += term[2];
    structure_sum += term[3];
  }
  batches++;
}

double JumpTrainer::add_structure(int s, const double *u, double *u_bar) const
{
  // a place is that of the trajectory plus what u is off its target, scaled back; the centre of
  // mass does not matter here
  const int begin = batch.graph.first_atom[s], n = batch.graph.first_atom[s + 1] - begin;
  const double scale =
      potential.tensors.at("target_scale").values[2 * std::size_t(batch.stride[s])];
  std::vector<double> known(3 * std::size_t(n)), x(known.size()), x_bar(known.size(), 0.0);
  const auto per_atom = [&](int i) {
    return scale / std::sqrt(batch.mass[begin + i]);
  };
  const std::size_t width = 3 * std::size_t(jump_record(potential).predictions());
  const auto of_u = [&](int i, int a) {
    return width * (begin + i) + a;
  };
  for (int i = 0; i < n; i++)
    for (int a = 0; a < 3; a++) {
      const std::size_t k = 3 * std::size_t(begin + i) + a,
                        of_target = k + 3 * std::size_t(begin + i);
      known[3 * i + a] = batch.x[k] + batch.known.displacement[k];
      x[3 * i + a] = known[3 * i + a] + per_atom(i) * (u[of_u(i, a)] - target[of_target]);
    }
  const double share = 1.0 / double(settings.windows);
  const double sum =
      settings.structure.add(coordinates.at(drawn[s].trajectory), known, x, scale, share, x_bar);
  for (int i = 0; i < n; i++)
    for (int a = 0; a < 3; a++) u_bar[of_u(i, a)] += per_atom(i) * x_bar[3 * i + a];
  return share * sum;
}

Potential JumpTrainer::with_weights(const std::vector<double> &values) const
{
  Potential copy = potential;
  set_flat_weights(copy, values);
  jump_record(copy).force_head = false;
  const auto table = tensors_of(copy);
  for (const char *name : {"readout.1.weight", "readout.1.bias"}) {
    Tensor &tensor = copy.tensors.at(name);
    tensor.shape = table.at(name).shape;
    if (settings.force_weight > 0) tensor.values.resize(tensor.values.size() / 3 * 2);
  }
  return copy;
}

void JumpTrainer::validate()
{
  JumpScore score;
  if (!valid_windows.empty())
    score = jump_score(with_weights(course->average), valid_windows, settings.options().precision,
                       settings.threads);
  double error =
      settings.position_weight * score.loss[0] + settings.velocity_weight * score.loss[1];
  RolloutErrors rollout;
  if (!valid_chains.empty()) {
    const Potential average = with_weights(course->average);
    EngineOptions options;
    options.precision = settings.options().precision;
    options.threads = settings.threads;
    rollout = rollout_errors(*make_jump_engine(average, options), average, valid_chains,
                             settings.choose_jumps, force);
    const auto &last = rollout.after.back();
    error = settings.position_weight * last.scaled[0] * last.scaled[0] +
        settings.velocity_weight * last.scaled[1] * last.scaled[1];
    // a chain that broke off is worse than any error
    if (rollout.failed > 0) error = 1e6 * double(rollout.failed) + error;
  }
  const bool gained = course->validated(error, valid_windows.empty());
  nlohmann::ordered_json line = {{"step", course->step},
                                 {"learning_rate", course->rate(course->step - 1)}};
  const double n = double(std::max(1L, batches)),
               per_second =
                   course->seconds > 0 ? double(batches * settings.windows) / course->seconds : 0.0;
  line["loss"] = {{"x", sums[0] / n}, {"v", sums[1] / n}};
  if (settings.rollout_jumps > 0) line["rollout_loss"] = {{"x", sums[2] / n}, {"v", sums[3] / n}};
  if (!valid_windows.empty())
    line["valid"] = {{"loss", {{"x", score.loss[0]}, {"v", score.loss[1]}}},
                     {"error_of_change", {{"x", score.change[0]}, {"v", score.change[1]}}},
                     {"skill", {{"x", score.skill[0]}, {"v", score.skill[1]}}}};
  if (!valid_chains.empty()) {
    const auto &last = rollout.after.back().scaled;
    line["valid_rollout"] = json_of(rollout);
    line["valid_rollout"]["loss"] = {{"x", last[0] * last[0]}, {"v", last[1] * last[1]}};
  }
  if (settings.force_weight > 0) line["loss"]["force"] = force_sum / n;
  if (settings.structure.any()) line["loss"]["structure"] = structure_sum / n;
  line["best_step"] = course->best_step;
  line["windows_per_second"] = per_second;
  course->log(line);
  std::printf("%9ld %10.2e %10.5f %8.3f%% %8.3f%% %8.4f %8.4f %9.0f%s\n", course->step,
              line["learning_rate"].get<double>(), (sums[0] + sums[1]) / n, 100 * score.change[0],
              100 * score.change[1], score.skill[0], score.skill[1], per_second,
              gained ? " *" : "");
  std::fflush(stdout);
  sums = {};
  structure_sum = force_sum = 0.0;
  batches = 0;
}

Course::Parts JumpTrainer::parts()
{
  Course::Parts parts;
  parts.add_gradient = [this](std::span<double> gradient) {
    add_batch(gradient);
  };
  parts.set_weights = [this](std::span<const double> weights) {
    engine->set_weights(weights);
  };
  parts.validate = [this] {
    validate();
  };
  parts.state = [this] {
    return nlohmann::ordered_json{
        {"sums", sums}, {"structure", structure_sum}, {"force", force_sum}, {"batches", batches}};
  };
  parts.restore = [this](const nlohmann::ordered_json &state) {
    // a checkpoint from before there were roll-outs has two
    const auto values = state["sums"].get<std::vector<double>>();
    std::copy_n(values.begin(), std::min(values.size(), sums.size()), sums.begin());
    structure_sum = state.value("structure", 0.0);
    force_sum = state.value("force", 0.0);
    state["batches"].get_to(batches);
  };
  return parts;
}

bool JumpTrainer::run(bool restart, bool force)
{
  OutputFile::check(settings.output, force);
  const Course::Parts parts = this->parts();
  const bool resumed = course->prepare(settings.description(), inputs, parts, restart);
  std::string molecules;
  for (int m = 0; m < source->n_molecules(); m++) molecules += " " + source->molecule_name(m);
  std::printf(
      "%zu training, %zu validation and %zu test trajectories of%s; species %s; %zu weights; %s\n",
      train.size(), valid.size(), test.size(), molecules.c_str(), potential.element_names().c_str(),
      course->weights.size(), engine->description().c_str());
  for (std::size_t k = 0; k < settings.strides.size(); k++)
    std::printf("%ld windows of %g fs\n", source->size(int(k)), settings.strides[k]);
  if (resumed) std::printf("resumed at step %ld of %ld\n", course->step, settings.steps);
  std::printf("\n%9s %10s %10s %9s %9s %8s %8s %9s\n%9s %10s %10s %9s %9s %8s %8s %9s\n", "step",
              "rate", "loss", "valid x", "valid v", "skill x", "skill v", "windows", "", "", "",
              "/change", "/change", "", "", "per s");
  std::fflush(stdout);
  if (!course->run(parts)) return false;
  write_result();
  return true;
}

void JumpTrainer::write_result()
{
  Potential result = with_weights(valid_windows.empty() ? course->average : course->best);
  // as the file will hold them
  const auto table = tensors_of(result);
  for (auto &[name, tensor] : result.tensors)
    if (table.at(name).trained())
      for (double &x : tensor.values) x = float(x);
  JumpReportOptions options;
  options.every = settings.every;
  options.energies = settings.energies;
  options.engine.precision = settings.options().precision;
  options.engine.threads = settings.threads;
  options.energy = teacher_energies(settings.energy);
  const auto &held_out = test.empty() ? (valid.empty() ? train : valid) : test;
  const auto reports = jump_report(result, held_out, options);
  const char *which = test.empty() ? (valid.empty() ? "training" : "validation") : "test";

  nlohmann::ordered_json provenance = {{"program", std::string("mlff ") + MLFF_VERSION},
                                       {"command", command},
                                       {"settings", settings.description()}};
  provenance["inputs"] = inputs.json()["files"];
  provenance["trajectories"] = {
      {"train", train.size()}, {"valid", valid.size()}, {"test", test.size()}};
  provenance["teacher"] = settings.energy.settings ? settings.energy.settings->name() : "none";
  provenance["steps"] = course->step;
  provenance["best_step"] = valid_windows.empty() ? course->step : course->best_step;
  provenance["reported"] = which;
  for (const auto &report : reports) provenance["report"].push_back(report.json());
  result.date = today();
  result.training = provenance.dump();
  {
    OutputFile file(folder + "/report.json", true);
    std::fputs((provenance["report"].dump(1) + "\n").c_str(), file);
    file.finish();
  }
  result.write(settings.output, true);
  std::printf("\nwrote %s (weights of step %ld); errors on %s trajectories:\n",
              settings.output.c_str(), provenance["best_step"].get<long>(), which);
  print(reports);
}

}    // namespace mlff
