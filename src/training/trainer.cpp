// Training of a potential: batches, loss, validation, result.
#include "training/trainer.h"

#include "core/elements.h"
#include "core/errors.h"
#include "core/units.h"
#include "data/output_file.h"
#include "data/parse.h"
#include "engine/make_gradient.h"
#include "models/molecule_mlp/molecule_record.h"

#include <algorithm>
#include <cmath>

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

Trainer::Trainer(const TrainSettings &given, const std::string &command) :
    settings(given), command(command)
{
  folder = settings.output.substr(0, settings.output.size() - std::string(".safetensors").size()) +
      ".training";
  record_inputs();
  if (!settings.teachers.empty())
    teacher = teacher_of_potentials(settings.teachers, settings.threads);
  prepare_model();
  loop = std::make_unique<TrainingLoop>(settings, folder, flat_weights(potential));
  loop->freeze(settings.freeze, weight_slices(potential), "model.freeze");
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
  const double share = double(loop->step) / double(settings.steps),
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
  // each structure has sums of its own, so that threads do not meet
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
  std::mt19937_64 generator(settings.seed * 104729ull + std::uint64_t(loop->step));
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
  const ErrorSums errors = errors_of(with_weights(loop->average), data.valid,
                                     settings.options().precision, settings.threads);
  const bool gained =
      loop->validated(errors.n_components && !by_energy ? errors.force_mae() : errors.energy_mae(),
                      data.valid.empty());

  nlohmann::ordered_json line = {
      {"step", loop->step},
      {"epoch", double(epoch) + double(position) / double(data.train.size())},
      {"learning_rate", loop->rate(loop->step - 1)}};
  const double n = double(std::max(1L, batches_since));
  for (int k = 0; k < 4; k++) line["loss"][term_names[k]] = sums[k] / n;
  line["train_force_mae_meV_per_A"] = sums[4] / n / meV;
  line["valid"] = errors.json();
  line["best_step"] = loop->best_step;
  line["frames_per_second"] = loop->seconds > 0 ? double(frames_since) / loop->seconds : 0.0;
  loop->log(line);
  const auto in_meV = [](double x) {
    return readable(x / meV, 2);
  };
  std::printf("%9ld %8.1f %10.2e %10s %10s %10s %9.0f%s\n", loop->step, line["epoch"].get<double>(),
              line["learning_rate"].get<double>(), in_meV(sums[4] / n).c_str(),
              errors.n_components ? in_meV(errors.force_mae()).c_str() : "-",
              errors.n_energies ? in_meV(errors.energy_mae()).c_str() : "-",
              line["frames_per_second"].get<double>(), gained ? " *" : "");
  std::fflush(stdout);
  sums = {};
  batches_since = frames_since = 0;
}

TrainingLoop::Parts Trainer::parts()
{
  TrainingLoop::Parts parts;
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
  const TrainingLoop::Parts parts = this->parts();
  const bool resumed = loop->prepare(settings.description(), inputs, parts, restart);

  std::string names;
  for (const int z : data.elements) names += " " + element_symbol(z);
  std::printf("%zu training and %zu validation frames of%s", data.train.size(), data.valid.size(),
              names.c_str());
  if (data.left_out) std::printf(", %ld left out", data.left_out);
  std::printf("; %zu weights; %s\n", loop->weights.size(), engine->description().c_str());
  if (settings.molecule) {
    const auto &molecule = molecule_record(potential);
    std::printf("%s, bonds %s; %zu of its permutations, made of", molecule.formula().c_str(),
                molecule.bond_text().c_str(),
                group_of(molecule.generators, molecule.n_atoms(), max_permutations).size());
    for (const auto &p : molecule.generators) std::printf(" %s", cycle_text(molecule, p).c_str());
    std::printf(molecule.generators.empty() ? " the identity\n" : "\n");
  }
  if (resumed) std::printf("resumed at step %ld of %ld\n", loop->step, settings.steps);
  judge_validation();
  std::printf("\n%9s %8s %10s %10s %10s %10s %9s\n%9s %8s %10s %10s %10s %10s %9s\n", "step",
              "epoch", "rate", "train F", "valid F", "valid E", "frames", "", "", "", "meV/A",
              "meV/A", "meV/atom", "per s");
  std::fflush(stdout);

  if (!loop->run(parts)) return false;
  write_result();
  return true;
}

void Trainer::write_result()
{
  Potential result = with_weights(data.valid.empty() ? loop->average : loop->best);
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
  provenance["steps"] = loop->step;
  provenance["best_step"] = data.valid.empty() ? loop->step : loop->best_step;
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
