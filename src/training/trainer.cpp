#include "training/trainer.h"

#include "core/elements.h"
#include "core/units.h"
#include "data/npz.h"
#include "data/output_file.h"
#include "data/parse.h"
#include "engine/make_engine.h"
#include "engine/make_gradient.h"
#include "models/long_range/long_range_sizes.h"
#include "models/molecule_mlp/molecule_record.h"
#include "models/painn/painn_sizes.h"
#include "potential/model_kind.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

namespace mlff {

namespace {

  constexpr const char *term_names[] = {"energy", "force", "atom_energy", "jacobian"};

  /// rho(x) and its derivative.
  double penalty(const LossTerm &term, double x, double &slope)
  {
    if (term.huber && std::abs(x) > term.delta) {
      slope = std::copysign(2.0 * term.delta, x);
      return 2.0 * term.delta * std::abs(x) - term.delta * term.delta;
    }
    slope = 2.0 * x;
    return x * x;
  }

  double weight_at(const LossTerm &term, double share)
  {
    return term.weight + share * (term.final_weight - term.weight);
  }

}    // namespace

double ErrorSums::force_rmse() const
{
  return n_components ? std::sqrt(force_square / double(n_components)) : 0.0;
}

nlohmann::ordered_json ErrorSums::json() const
{
  nlohmann::ordered_json json;
  if (n_energies) json["energy_mae_meV_per_atom"] = energy_mae() / meV;
  if (n_components) {
    json["force_mae_meV_per_A"] = force_mae() / meV;
    json["force_rmse_meV_per_A"] = force_rmse() / meV;
    for (const auto &[z, sum] : element)
      json["force_mae_by_element"][element_symbol(z)] = sum.first / double(sum.second) / meV;
  }
  return json;
}

ErrorSums errors_of(const Potential &potential, const std::vector<TrainingFrame> &frames,
                    Precision precision, int threads, Predictions *predictions)
{
  EngineOptions options;
  options.engine = "host";
  options.precision = precision;
  options.threads = threads;
  const auto engine = make_engine(potential, options);
  ErrorSums sums;
  GraphStorage graph;
  Result result;
  std::vector<double> force;
  // several frames at once, so that threads have work, but no more than a batch of small molecules
  // takes
  constexpr std::size_t most_frames = 64;
  constexpr int most_atoms = 2048;
  for (std::size_t first = 0, last = 0; first < frames.size(); first = last) {
    graph.clear();
    int atoms = 0;
    for (last = first; last < frames.size() && last - first < most_frames; last++) {
      atoms += frames[last].structure.n_atoms();
      if (last > first && atoms > most_atoms) break;
      graph.append(frames[last].graph.view());
    }
    const Graph view = graph.view();
    engine->evaluate(view, result);
    sum_forces(view, result, force);
    for (std::size_t k = first; k < last; k++) {
      const Structure &structure = frames[k].structure;
      if (structure.energy) {
        sums.energy_per_atom +=
            std::abs(result.energy[k - first] - *structure.energy) / structure.n_atoms();
        sums.n_energies++;
        if (predictions && predictions->energy.size() < 20000) {
          double reference = 0.0;
          for (const int s : frames[k].graph.species)
            reference += potential.tensors.at("reference_energy").values[s];
          const double n = structure.n_atoms();
          predictions->energy.push_back(
              {(result.energy[k - first] - reference) / n, (*structure.energy - reference) / n});
        }
      }
      const double *f = &force[3 * std::size_t(view.first_atom[k - first])];
      for (std::size_t c = 0; c < structure.forces.size(); c++) {
        const double difference = std::abs(f[c] - structure.forces[c]);
        sums.force += difference;
        sums.force_square += difference * difference;
        sums.n_components++;
        if (predictions && predictions->force.size() < 30000)
          predictions->force.push_back({f[c], structure.forces[c]});
        auto &own = sums.element[structure.numbers[c / 3]];
        own.first += difference;
        own.second++;
      }
    }
  }
  return sums;
}

Trainer::Trainer(const TrainSettings &given, const std::string &command) :
    settings(given), command(command)
{
  folder = settings.output.substr(0, settings.output.size() - std::string(".safetensors").size()) +
      ".training";
  record_inputs();
  if (!settings.teachers.empty())
    teacher = teacher_of_potentials(settings.teachers, settings.threads);
  prepare_model();
  course = std::make_unique<Course>(settings, folder, flat_weights(potential));
  course->freeze(settings.freeze, weight_slices(potential), "model.freeze");
  if (settings.init_from.empty() && !settings.freeze.empty())
    throw FileError("'model.freeze' needs 'model.init_from': random weights would stay random");
  engine = make_weight_gradient(potential, settings.options(), settings.precision == "mixed");
}

void Trainer::record_inputs()
{
  for (const auto &file : settings.train) inputs.add_file("data.train", file.file);
  for (const auto &file : settings.valid) inputs.add_file("data.valid", file.file);
  for (const auto &file : settings.teachers) inputs.add_file("teacher.models", file);
  if (!settings.init_from.empty()) inputs.add_file("model.init_from", settings.init_from);
}

void Trainer::prepare_model()
{
  std::vector<int> elements;
  for (const auto &symbol : settings.elements) {
    const int z = atomic_number(symbol);
    if (z == 0)
      throw FileError("'model.elements' holds '" + symbol + "'; accepted: chemical symbols");
    elements.push_back(z);
  }
  Potential start;
  if (!settings.init_from.empty()) {
    start = Potential::read(settings.init_from);
    const std::string kind = settings.kind->name;
    const bool same = &start.kind() == settings.kind;
    if (settings.long_range && same) {
      if (settings.block_given)
        throw FileError("sizes of the long-range block ('model.fmm_...') are given by the "
                        "potential in 'model.init_from'; accepted: one of the two");
      settings.block = long_range_sizes(start);
    } else if (settings.long_range && &start.kind() != settings.kind->local_kind)
      throw FileError("'model.init_from' is a model '" + start.model() +
                      "'; accepted with 'model.kind: " + kind + "': " + kind + ", " +
                      settings.kind->local_kind->name);
    else if (!settings.long_range && !same)
      throw FileError("'model.init_from' is a model '" + start.model() +
                      "'; accepted with 'model.kind: " + kind + "': " + kind);
    settings.features = painn_sizes(start).features;
    settings.layers = painn_sizes(start).layers;
    settings.radial = painn_sizes(start).radial;
    settings.cutoff = start.cutoff;
    if (settings.norm_floor == 0.0) settings.norm_floor = painn_sizes(start).norm_floor;
    settings.widths = molecule_record(start).widths;
  }
  if (settings.molecule)
    settings.cutoff = 1e3;    // all pairs; that of the potential follows from the data
  data = read_training_data(settings, elements, settings.cutoff, teacher.get());

  potential.set_kind(*settings.kind);
  potential.elements = data.elements;
  potential.citation = settings.citation;
  potential.range = data.range;
  if (settings.molecule) return prepare_molecule(start);
  if (settings.long_range) {
    long_range_sizes(potential) = settings.block;
    for (const auto *list : {&data.train, &data.valid})
      for (const auto &frame : *list)
        if (frame.graph.position.size() != 3 * std::size_t(frame.structure.n_atoms()))
          throw FileError("data file '" + frame.file + "', frame " + std::to_string(frame.number) +
                          " is periodic in some directions; accepted for " + settings.kind->name +
                          ": systems open or periodic in all");
  }
  painn_sizes(potential) = {settings.features, settings.layers, settings.radial,
                            settings.norm_floor};
  potential.cutoff = settings.cutoff;
  start_weights(potential, settings.seed);
  potential.tensors["reference_energy"] = {"F64", {potential.n_species()}, data.reference_energy};
  potential.tensors["scale"] = {"F64", {}, {data.scale}};
  if (!settings.init_from.empty()) {
    for (const auto &slice : weight_slices(potential))
      if (slice.name != "embedding" && start.tensors.contains(slice.name))
        potential.tensors[slice.name] = start.tensors.at(slice.name);
    potential.tensors["scale"] = start.tensors.at("scale");
    for (int s = 0; s < potential.n_species(); s++)
      for (int k = 0; k < start.n_species(); k++)
        if (start.elements[k] == potential.elements[s]) {
          const auto &from = start.tensors.at("embedding").values;
          std::copy_n(from.begin() + long(k) * settings.features, settings.features,
                      potential.tensors["embedding"].values.begin() + long(s) * settings.features);
        }
    take_reference_energies();
  }
}

void Trainer::take_reference_energies()
{
  // those of the data, less what the network adds by itself
  std::vector<TrainingFrame> frames;
  const auto network = make_engine(potential, {"host"});
  Result result;
  for (const auto &frame : data.train) {
    if (!frame.structure.energy) continue;
    if (frames.size() >= 200) break;
    frames.push_back({});
    frames.back().structure.numbers = frame.structure.numbers;
    network->evaluate(frame.graph.view(), result);
    frames.back().structure.energy = *frame.structure.energy - result.energy[0];
  }
  const auto predicted = least_squares_energies(frames, potential.elements);
  auto &reference = potential.tensors["reference_energy"].values;
  for (std::size_t s = 0; s < reference.size(); s++) reference[s] += predicted[s];
}

void Trainer::prepare_molecule(const Potential &start)
{
  MoleculeRecord &molecule = molecule_record(potential);
  if (!settings.init_from.empty())
    molecule = molecule_record(start);
  else {
    // the bonds that most of some frames have: in a single one a bond may be long for a moment
    std::map<std::vector<std::pair<int, int>>, int> votes;
    const auto &numbers = data.train.front().structure.numbers;
    if (numbers.size() < 2 || int(numbers.size()) > max_molecule_atoms)
      throw FileError("data file '" + data.train.front().file + "', frame " +
                      std::to_string(data.train.front().number) + " has " +
                      std::to_string(numbers.size()) + " atoms; accepted for " +
                      settings.kind->name + ": 2 to " + std::to_string(max_molecule_atoms));
    int most = 0;
    for (std::size_t k = 0; k < data.train.size() && k < 100; k++) {
      const Structure &structure = data.train[k].structure;
      if (structure.numbers != numbers) continue;
      const BondedMolecule found = bonded_molecule(numbers, structure.positions);
      if (++votes[found.bonds] <= most) continue;
      most = votes[found.bonds];
      static_cast<BondedMolecule &>(molecule) = found;
    }
    molecule.widths = settings.widths;
    try {
      if (settings.permutations != 1)
        molecule.generators = generators_within(
            equivalent_permutations(molecule, settings.permutations ? 200000 : max_permutations),
            molecule.n_atoms(), settings.permutations ? settings.permutations : max_permutations);
    } catch (const MoleculeMismatch &error) {
      throw FileError(std::string("'model.permutations': ") + error.what() + "; accepted: none" +
                      (settings.permutations ? "" : ", or how many of them to use"));
    }
  }

  // inverse distances of all frames; a frame of another molecule ends it here
  MoleculeMatcher matcher(molecule, potential.elements, settings.cutoff);
  std::vector<double> sum(molecule.n_pairs(), 0.0), square(molecule.n_pairs(), 0.0);
  double largest = 0.0;
  for (const auto *list : {&data.train, &data.valid})
    for (const auto &frame : *list) {
      const Graph graph = frame.graph.view();
      try {
        matcher.find(graph);
      } catch (const MoleculeMismatch &error) {
        throw FileError("data file '" + frame.file + "', frame " + std::to_string(frame.number) +
                        ": " + error.what());
      }
      if (matcher.n_molecules() != 1)
        throw FileError("data file '" + frame.file + "', frame " + std::to_string(frame.number) +
                        " holds " + std::to_string(matcher.n_molecules()) +
                        " molecules; accepted for " + settings.kind->name + ": one");
      for (int p = 0; p < molecule.n_pairs(); p++) {
        const double *r = &graph.r[3 * std::size_t(matcher.edges()[p])],
                     d = std::hypot(r[0], r[1], r[2]);
        largest = std::max(largest, d);
        sum[p] += 1.0 / d;
        square[p] += 1.0 / (d * d);
      }
    }
  potential.cutoff = std::ceil(1.25 * largest + 1.0);

  start_weights(potential, settings.seed);
  potential.tensors["reference_energy"] = {"F64", {potential.n_species()}, data.reference_energy};
  if (!settings.init_from.empty()) {
    for (const auto &[name, tensor] : start.tensors)
      if (name != "reference_energy") potential.tensors[name] = tensor;
    potential.cutoff = std::max(potential.cutoff, start.cutoff);
    return take_reference_energies();
  }
  const double n = double(data.train.size() + data.valid.size());
  for (auto *list : {&sum, &square})
    for (double &x : *list) x /= n;
  const auto group = group_of(molecule.generators, molecule.n_atoms(), max_permutations);
  const auto mean = symmetric_means(molecule, group, sum);
  auto scale = symmetric_means(molecule, group, square);
  for (std::size_t p = 0; p < scale.size(); p++)
    scale[p] = std::sqrt(std::max(scale[p] - mean[p] * mean[p], 1e-8));
  // energies of the network's output have a variance of about one
  double energies = 0.0, energy_mean = 0.0, energy_square = 0.0, first = 0.0;
  for (const auto &frame : data.train)
    if (frame.structure.energy) {
      if (energies == 0.0) first = *frame.structure.energy;
      const double e = *frame.structure.energy - first;
      energies += 1.0;
      energy_mean += e;
      energy_square += e * e;
    }
  const double variance =
      energies > 1 ? energy_square / energies - std::pow(energy_mean / energies, 2) : 0.0;
  potential.tensors["input_mean"] = {"F64", {molecule.n_pairs()}, mean};
  potential.tensors["input_scale"] = {"F64", {molecule.n_pairs()}, scale};
  potential.tensors["scale"] = {
      "F64", {}, {variance > 0.0 ? std::sqrt(variance) : 0.1 * data.scale}};
}

void Trainer::next_batch()
{
  batch.clear();
  graph.clear();
  long atoms = 0;
  while (atoms < settings.batch_atoms) {
    if (order.empty() || position == long(order.size())) {
      // a batch ends with its epoch, unless that is shorter than a batch
      if (!batch.empty() && position == long(order.size()) && atoms * 2 >= settings.batch_atoms)
        break;
      if (position == long(order.size()) && !order.empty()) {
        epoch++;
        position = 0;
      }
      order = shuffled(int(data.train.size()), settings.seed * 7919ull + std::uint64_t(epoch) + 1);
    }
    const TrainingFrame &frame = data.train[order[position]];
    if (!batch.empty() && atoms + frame.structure.n_atoms() > settings.batch_atoms) break;
    position++;
    atoms += frame.structure.n_atoms();
    batch.push_back(&frame);
    graph.append(frame.graph.view());
  }
}

void Trainer::add_batch(std::span<double> gradient)
{
  const Graph view = graph.view();
  const double share = double(course->step) / double(settings.steps),
               part = 1.0 / double(settings.accumulate);
  const double w_energy = weight_at(settings.energy, share),
               w_force = weight_at(settings.force, share),
               w_atom = weight_at(settings.atom_energy, share),
               w_jacobian = weight_at(settings.jacobian, share);
  long n_energies = 0, n_components = 0, n_atom_energies = 0;
  for (const auto *frame : batch) {
    n_energies += frame->structure.energy.has_value();
    n_components += long(frame->structure.forces.size());
    n_atom_energies += long(frame->atom_energy.size());
  }
  // sums of each structure on its own, so that threads do not meet
  std::vector<std::array<double, 4>> terms(
      batch.size(), {0.0, 0.0, 0.0, 0.0});    // energy, force, atom energy, |dF|
  const LossDerivative loss = [&](int first, int last, const double *atom_energy,
                                  const double *force, double *energy_bar, double *force_bar) {
    for (int s = first; s < last; s++) {
      const TrainingFrame &frame = *batch[s];
      const int begin = view.first_atom[s], n = view.first_atom[s + 1] - begin;
      double slope;
      std::fill_n(energy_bar + begin, n, 0.0);
      std::fill_n(force_bar + 3 * begin, 3 * n, 0.0);
      if (frame.structure.energy && w_energy > 0) {
        double energy = 0.0;
        for (int i = begin; i < begin + n; i++) energy += atom_energy[i];
        const double root = std::sqrt(double(n));
        terms[s][0] = frame.weight *
            penalty(settings.energy, (energy - *frame.structure.energy) / root, slope) /
            double(n_energies);
        for (int i = begin; i < begin + n; i++)
          energy_bar[i] += part * w_energy * frame.weight * slope / root / double(n_energies);
      }
      for (int k = 0; k < 3 * n && !frame.structure.forces.empty(); k++) {
        const double difference = force[3 * begin + k] - frame.structure.forces[k],
                     weight = frame.weight * frame.atom_weight[k / 3] / double(n_components);
        terms[s][1] += weight * penalty(settings.force, difference, slope);
        terms[s][3] += std::abs(difference) / double(n_components);
        force_bar[3 * begin + k] = part * w_force * weight * slope;
      }
      for (int i = 0; i < n && w_atom > 0 && !frame.atom_energy.empty(); i++) {
        const double weight = frame.weight / double(n_atom_energies);
        terms[s][2] += weight *
            penalty(settings.atom_energy, atom_energy[begin + i] - frame.atom_energy[i], slope);
        energy_bar[begin + i] += part * w_atom * weight * slope;
      }
    }
  };
  engine->add_gradient(view, loss, gradient);
  for (const auto &term : terms) {
    for (int k = 0; k < 3; k++) sums[k] += part * term[k];
    sums[4] += part * term[3];
  }
  if (w_jacobian > 0) add_jacobian(w_jacobian * part, sums[3], gradient);
  frames_since += long(batch.size());
}

void Trainer::add_jacobian(double weight, double &term, std::span<double> gradient)
{
  // one random component of each structure; the teachers' row by central differences of their
  // forces (the Jacobian is symmetric)
  constexpr double h = 0.002;    // Å
  const Graph view = graph.view();
  std::vector<int> component;
  std::vector<double> target;
  std::mt19937_64 generator(settings.seed * 104729ull + std::uint64_t(course->step));
  for (std::size_t s = 0; s < batch.size(); s++) {
    Structure moved = batch[s]->structure;
    const int n = moved.n_atoms(), k = int(generator() % std::uint64_t(3 * n));
    component.push_back(3 * view.first_atom[s] + k);
    moved.positions[k] += h;
    const auto up = teacher->label(moved).forces;
    moved.positions[k] -= 2 * h;
    const auto down = teacher->label(moved).forces;
    for (int c = 0; c < 3 * n; c++) target.push_back((up[c] - down[c]) / (2 * h));
  }
  double sum = 0.0;
  engine->add_jacobian_gradient(
      view, component,
      [&](const double *row, double *bar) {
        for (std::size_t s = 0; s < batch.size(); s++)
          for (int k = 3 * view.first_atom[s]; k < 3 * view.first_atom[s + 1]; k++) {
            double slope;
            const double share = batch[s]->weight / double(target.size());
            sum += share * penalty(settings.jacobian, row[k] - target[k], slope);
            bar[k] = weight * share * slope;
          }
      },
      gradient);
  term += sum / double(settings.accumulate);
}

Potential Trainer::with_weights(const std::vector<double> &values) const
{
  Potential copy = potential;
  set_flat_weights(copy, values);
  return copy;
}

void Trainer::validate()
{
  const ErrorSums errors = errors_of(with_weights(course->average), data.valid,
                                     settings.options().precision, settings.threads);
  const bool gained = course->validated(errors.n_components && !by_energy ? errors.force_mae()
                                                                          : errors.energy_mae(),
                                        data.valid.empty());

  nlohmann::ordered_json line = {
      {"step", course->step},
      {"epoch", double(epoch) + double(position) / double(data.train.size())},
      {"learning_rate", course->rate(course->step - 1)}};
  const double n = double(std::max(1L, batches_since));
  for (int k = 0; k < 4; k++) line["loss"][term_names[k]] = sums[k] / n;
  line["train_force_mae_meV_per_A"] = sums[4] / n / meV;
  line["valid"] = errors.json();
  line["best_step"] = course->best_step;
  line["frames_per_second"] = course->seconds > 0 ? double(frames_since) / course->seconds : 0.0;
  course->log(line);
  const auto in_meV = [](double x) {
    return readable(x / meV, 2);
  };
  std::printf("%9ld %8.1f %10.2e %10s %10s %10s %9.0f%s\n", course->step,
              line["epoch"].get<double>(), line["learning_rate"].get<double>(),
              in_meV(sums[4] / n).c_str(),
              errors.n_components ? in_meV(errors.force_mae()).c_str() : "-",
              errors.n_energies ? in_meV(errors.energy_mae()).c_str() : "-",
              line["frames_per_second"].get<double>(), gained ? " *" : "");
  std::fflush(stdout);
  sums = {};
  batches_since = frames_since = 0;
}

Course::Parts Trainer::parts()
{
  Course::Parts parts;
  parts.add_gradient = [this](std::span<double> gradient) {
    for (long k = 0; k < settings.accumulate; k++) {
      next_batch();
      add_batch(gradient);
    }
    batches_since++;
  };
  parts.set_weights = [this](std::span<const double> weights) {
    engine->set_weights(weights);
  };
  parts.validate = [this] {
    validate();
  };
  parts.state = [this] {
    return nlohmann::ordered_json{{"epoch", epoch},
                                  {"position", position},
                                  {"frames_since", frames_since},
                                  {"batches_since", batches_since},
                                  {"sums", sums}};
  };
  parts.restore = [this](const nlohmann::ordered_json &state) {
    state["epoch"].get_to(epoch);
    state["position"].get_to(position);
    state["frames_since"].get_to(frames_since);
    state["batches_since"].get_to(batches_since);
    state["sums"].get_to(sums);
    if (position < 0 || position > long(data.train.size()))
      throw FileError("the checkpoint in '" + folder + "' is damaged; --restart begins anew");
    order = shuffled(int(data.train.size()), settings.seed * 7919ull + std::uint64_t(epoch) + 1);
  };
  return parts;
}

void Trainer::judge_validation()
{
  by_energy = false;
  double largest = 0.0;
  bool energies = true;
  for (const auto &frame : data.valid) {
    if (frame.structure.forces.empty()) return;
    for (const double f : frame.structure.forces) largest = std::max(largest, std::abs(f));
    energies = energies && frame.structure.energy;
  }
  if (data.valid.empty() || largest > 1e-9) return;
  // forces that vanish by symmetry, or for want of neighbors, are right for any weights
  if (errors_of(potential, data.valid, settings.options().precision, settings.threads).force_mae() >
      1e-4)
    return;
  if (!energies)
    throw FileError("the forces of all validation frames are zero for any weights, by symmetry or "
                    "for want of neighbors, and there are no energies that could choose "
                    "weights; accepted: other frames in 'data.valid', or 'data.valid_fraction: 0'");
  by_energy = true;
  std::printf("the forces of all validation frames are zero for any weights: their energies choose "
              "the weights\n");
}

bool Trainer::run(bool restart, bool force)
{
  OutputFile::check(settings.output, force);
  const Course::Parts parts = this->parts();
  const bool resumed = course->prepare(settings.description(), inputs, parts, restart);

  std::string names;
  for (const int z : data.elements) names += " " + element_symbol(z);
  std::printf("%zu training and %zu validation frames of%s", data.train.size(), data.valid.size(),
              names.c_str());
  if (data.left_out) std::printf(", %ld left out", data.left_out);
  std::printf("; %zu weights; %s\n", course->weights.size(), engine->description().c_str());
  if (settings.molecule) {
    const auto &molecule = molecule_record(potential);
    std::printf("%s, bonds %s; %zu of its permutations, made of", molecule.formula().c_str(),
                molecule.bond_text().c_str(),
                group_of(molecule.generators, molecule.n_atoms(), max_permutations).size());
    for (const auto &p : molecule.generators) std::printf(" %s", cycle_text(molecule, p).c_str());
    std::printf(molecule.generators.empty() ? " the identity\n" : "\n");
  }
  if (resumed) std::printf("resumed at step %ld of %ld\n", course->step, settings.steps);
  judge_validation();
  std::printf("\n%9s %8s %10s %10s %10s %10s %9s\n%9s %8s %10s %10s %10s %10s %9s\n", "step",
              "epoch", "rate", "train F", "valid F", "valid E", "frames", "", "", "", "meV/A",
              "meV/A", "meV/atom", "per s");
  std::fflush(stdout);

  if (!course->run(parts)) return false;
  write_result();
  return true;
}

void Trainer::write_result()
{
  Potential result = with_weights(data.valid.empty() ? course->average : course->best);
  const Precision precision = settings.options().precision;
  Predictions predictions;
  const auto &shown = data.valid.empty() ? data.train : data.valid;
  const ErrorSums train = errors_of(result, data.train, precision, settings.threads),
                  valid = errors_of(result, data.valid, precision, settings.threads);
  errors_of(result, shown, precision, settings.threads, &predictions);
  {
    OutputFile file(folder + "/predictions.json", true);
    const nlohmann::ordered_json json = {{"frames", data.valid.empty() ? "training" : "validation"},
                                         {"force_eV_per_A", predictions.force},
                                         {"energy_eV_per_atom", predictions.energy}};
    std::fputs(json.dump().c_str(), file);
    file.finish();
  }
  nlohmann::ordered_json provenance = {{"program", std::string("mlff ") + MLFF_VERSION},
                                       {"command", command},
                                       {"settings", settings.description()}};
  provenance["inputs"] = inputs.json()["files"];
  provenance["n_train"] = data.train.size();
  provenance["n_valid"] = data.valid.size();
  provenance["steps"] = course->step;
  provenance["best_step"] = data.valid.empty() ? course->step : course->best_step;
  provenance["train"] = train.json();
  provenance["valid"] = valid.json();
  result.date = today();
  result.training = provenance.dump();
  result.write(settings.output, true);
  std::printf("\nwrote %s (weights of step %ld)\n\n%-12s %16s %16s\n%-12s %16s %16s\n",
              settings.output.c_str(), provenance["best_step"].get<long>(), "", "force MAE",
              "energy MAE", "", "meV/A", "meV/atom");
  for (const auto &[name, errors] :
       {std::pair{"training", &train}, std::pair{"validation", &valid}})
    if (errors->n_components || errors->n_energies)
      std::printf("%-12s %16s %16s\n", name,
                  errors->n_components ? readable(errors->force_mae() / meV, 2).c_str() : "-",
                  errors->n_energies ? readable(errors->energy_mae() / meV, 2).c_str() : "-");
}

}    // namespace mlff
