// The start of a training of jumps: data, sizes, species, windows and weights.
#include "core/elements.h"
#include "core/progress.h"
#include "models/jump/jump_record.h"
#include "models/painn/painn_sizes.h"
#include "models/random_model.h"
#include "potential/model_kind.h"
#include "training/jump/jump_linear_fit.h"
#include "training/jump/jump_trainer.h"
#include "training/training_data.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>

namespace mlff {

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
  if (valid.empty() && settings.valid_fraction > 0) hold_out_validation();
}

/// Moves whole trajectories, or all of some molecules, to the validation.
void JumpTrainer::hold_out_validation()
{
  std::vector<std::vector<int>> molecules;
  for (const auto &trajectory : train)
    if (std::find(molecules.begin(), molecules.end(), trajectory.numbers) == molecules.end())
      molecules.push_back(trajectory.numbers);
  const int n = int(settings.hold_out_molecules ? molecules.size() : train.size());
  if (n < 2)
    throw FileError(std::string("one ") +
                    (settings.hold_out_molecules ? "molecule" : "trajectory") +
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

void JumpTrainer::prepare_model()
{
  const Potential start = read_start();
  if (settings.force_weight > 0 && !jump_predicts_force(*settings.kind))
    throw FileError("'loss.force' needs a network painn, but '" + settings.init_from +
                    "' is a model '" + start.model() + "'");
  set_sizes(start);
  find_species();
  for (auto *list : {&train, &valid, &test})
    for (auto &trajectory : *list)
      trajectory.species = jump_species(potential, trajectory.numbers, trajectory.bonds);
  source = std::make_unique<WindowSource>(train, steps(), settings.reversed);
  prepare_structure_loss();
  prepare_windows();
  random_weights();
  if (settings.init_from.empty())
    fit_linear(*source, train, potential);
  else
    take_over(start);
  for (const auto &range : jump_record(potential).species)
    if (!(range.velocity > 0))
      throw FileError("species " + range.name + " is in data held out, but not in 'data.train'");
}

/// The potential to start from, whose kind and sizes are then those of the settings.
Potential JumpTrainer::read_start()
{
  Potential start;
  if (settings.init_from.empty()) return start;
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
  return start;
}

void JumpTrainer::set_sizes(const Potential &start)
{
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
}

/// Species are elements, or classes of them, in ascending order, and named in that order.
void JumpTrainer::find_species()
{
  std::map<std::pair<int, std::string>, double> species;    // species and their masses
  std::set<double> temperatures;
  for (const auto *list : {&train, &valid, &test})
    for (const auto &trajectory : *list) {
      const auto environments = settings.classes
          ? bond_environments(trajectory.numbers, trajectory.bonds)
          : std::vector<std::string>(trajectory.numbers.size());
      for (int i = 0; i < trajectory.n_atoms(); i++) {
        const auto [entry, is_new] =
            species.insert({{trajectory.numbers[i], environments[i]}, trajectory.mass[i]});
        if (std::abs(entry->second - trajectory.mass[i]) > 1e-3 * entry->second)
          throw FileError("data file '" + trajectory.file + "': atom " + std::to_string(i + 1) +
                          " is " + element_symbol(trajectory.numbers[i]) + " of " +
                          std::to_string(trajectory.mass[i]) +
                          " g/mol, others of its species have " + std::to_string(entry->second) +
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
}

void JumpTrainer::prepare_structure_loss()
{
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
}

/// Windows and chains of the validation, chains of roll-outs, and the method for their forces.
void JumpTrainer::prepare_windows()
{
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
}

void JumpTrainer::random_weights()
{
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
}

/// Weights of the start, with the rows of species and strides that it has.
void JumpTrainer::take_over(const Potential &start)
{
  for (const auto &slice : weight_slices(potential))
    if (slice.name != "embedding" && slice.name != "vectors") {
      // a force head keeps its random start
      const auto &values = start.tensors.at(slice.name).values;
      std::copy(values.begin(), values.end(), potential.tensors[slice.name].values.begin());
    }
  // rows of species and strides that both have
  const int n = potential.n_species();
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
          take_rows(start, from_row, to_row);
          keep[to_row] = same;
        }
    }
  const bool same_strides = jump_record(start).strides == settings.strides;
  if (same_strides)
    for (const char *name : {"input_scale", "target_scale"})
      potential.tensors[name] = start.tensors.at(name);
  fit_linear(*source, train, potential, keep, same_strides);
}

/// Copies the weights of one species and stride.
void JumpTrainer::take_rows(const Potential &start, std::size_t from_row, std::size_t to_row)
{
  const int F = settings.features;
  const std::size_t n_rows = settings.strides.size() * std::size_t(potential.n_species());
  for (const auto &[name, width] :
       {std::pair{"embedding", F}, std::pair{"vectors", 2 * F}, std::pair{"linear", 4}}) {
    if (!start.tensors.contains(name)) continue;
    auto &to = potential.tensors[name].values;
    if (to.empty()) to.resize(n_rows * std::size_t(width));
    const auto &values = start.tensors.at(name).values;
    std::copy_n(values.begin() + long(from_row) * width, width, to.begin() + long(to_row) * width);
  }
}

}    // namespace mlff
