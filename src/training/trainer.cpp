// Training of a potential: batches, loss, validation, result.
#include "training/trainer.h"

#include "core/elements.h"
#include "core/errors.h"
#include "core/units.h"
#include "data/output_file.h"
#include "data/parse.h"
#include "engine/make_gradient.h"
#include "models/molecule_mlp/molecule_record.h"
#include "training/pretrain/pretraining.h"

#include <algorithm>
#include <cmath>

namespace mlff {

Trainer::Trainer(const TrainSettings &given, const std::string &command) :
    settings(given), command(command)
{
  folder = settings.work_folder();
  make_minus();
  inputs = recorded_files(settings);
  if (minus) inputs.add_provenance(minus->provenance(), "data.minus");
  if (!settings.teachers.empty())
    teacher = teacher_of_potentials(settings.teachers, settings.threads);
  prepare_model();
  loop = std::make_unique<TrainingLoop>(settings, folder, flat_weights(joint));
  loop->freeze(settings.freeze, weight_slices(joint), "model.freeze");
  if (settings.init_from.empty() && !settings.freeze.empty())
    throw FileError("'model.freeze' needs 'model.init_from': random weights would stay random");
  engine = make_weight_gradient(joint, settings.options(), settings.precision == "mixed");
}

void Trainer::make_minus()
{
  if (!settings.minus) return;
  try {
    TeacherSettings asked = *settings.minus;
    asked.threads = settings.threads;
    minus = make_teacher(asked);
  } catch (const std::runtime_error &error) {
    throw FileError(std::string("'data.minus': ") + error.what());
  }
  if (minus->depends_on_reference())
    throw FileError("'data.minus': bonds and parameters of this force are those of one geometry; "
                    "accepted: forces that are functions of the positions alone");
}

void Trainer::next_batch()
{
  batch.clear();
  graph.clear();
  // a small batch, too, has a frame of this training
  const long replay = std::min(std::lround(settings.replay * double(settings.batch_atoms)),
                               settings.batch_atoms - 1);
  queue.fill(settings.batch_atoms - replay, batch, graph);
  if (replay > 0) replay_queue.fill(replay, batch, graph);
}

void Trainer::add_batch(std::span<double> gradient)
{
  const Graph view = graph.view();
  const double share = double(loop->step) / double(settings.steps),
               part = 1.0 / double(settings.accumulate),
               w_jacobian = weight_at(settings.jacobian, share);
  BatchLoss loss(settings, batch, view, share, part);
  engine->add_gradient(
      view,
      [&](int first, int last, const LossArrays &arrays) {
        loss.derive(first, last, arrays);
      },
      gradient);
  sums.add(loss.sums(), part);
  if (w_jacobian > 0) add_jacobian(w_jacobian * part, sums.terms[jacobian_term], gradient);
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
  Potential copy = joint;
  set_flat_weights(copy, values);
  return replayed.empty() ? copy : with_first_labels(copy, potential.n_species());
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
      {"epoch", double(queue.epoch()) + double(queue.position()) / double(data.train.size())},
      {"learning_rate", loop->rate(loop->step - 1)}};
  const double n = double(std::max(1L, batches_since));
  for (int k = 0; k < n_loss_terms; k++) line["loss"][loss_term_names[k]] = sums.terms[k] / n;
  line["train_force_mae_meV_per_A"] = sums.force_error / n / meV;
  if (sums.stress_batches > 0)
    line["train_stress_mae_GPa"] =
        sums.stress_error / sums.stress_batches * eV_per_cubic_angstrom_in_GPa;
  line["valid"] = errors.json();
  line["best_step"] = loop->best_step;
  line["frames_per_second"] = loop->seconds > 0 ? double(frames_since) / loop->seconds : 0.0;
  loop->log(line);
  const auto in_meV = [](double x) {
    return readable(x / meV, 2);
  };
  std::printf("%9ld %8.1f %10.2e %10s %10s %10s", loop->step, line["epoch"].get<double>(),
              line["learning_rate"].get<double>(), in_meV(sums.force_error / n).c_str(),
              errors.n_components ? in_meV(errors.force_mae()).c_str() : "-",
              errors.n_energies ? in_meV(errors.energy_mae()).c_str() : "-");
  if (has_stress())
    std::printf(" %10s",
                errors.n_stress_components ? readable(errors.stress_mae_GPa(), 4).c_str() : "-");
  std::printf(" %9.0f%s\n", line["frames_per_second"].get<double>(), gained ? " *" : "");
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
    nlohmann::ordered_json state = {{"epoch", queue.epoch()},
                                    {"position", queue.position()},
                                    {"frames_since", frames_since},
                                    {"batches_since", batches_since},
                                    {"loss_terms", sums.terms},
                                    {"force_error", sums.force_error},
                                    {"stress_error", sums.stress_error},
                                    {"stress_batches", sums.stress_batches}};
    if (!replayed.empty())
      state["replay"] = {{"epoch", replay_queue.epoch()}, {"position", replay_queue.position()}};
    return state;
  };
  parts.restore = [this](const nlohmann::ordered_json &state) {
    state["frames_since"].get_to(frames_since);
    state["batches_since"].get_to(batches_since);
    for (const char *key : {"loss_terms", "force_error", "stress_error", "stress_batches"})
      if (!state.contains(key))
        throw FileError("the checkpoint in '" + folder +
                        "' is that of an earlier version, which kept no errors of stresses; "
                        "--restart begins anew");
    state["loss_terms"].get_to(sums.terms);
    state["force_error"].get_to(sums.force_error);
    state["stress_error"].get_to(sums.stress_error);
    state["stress_batches"].get_to(sums.stress_batches);
    const auto go_to = [](FrameQueue &frames, const nlohmann::ordered_json &place) {
      return frames.go_to(place.at("epoch").get<long>(), place.at("position").get<long>());
    };
    if (!go_to(queue, state) || (!replayed.empty() && !go_to(replay_queue, state.at("replay"))))
      throw FileError("the checkpoint in '" + folder + "' is damaged; --restart begins anew");
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

bool Trainer::has_stress() const
{
  return frames_with_stress(data.train) + frames_with_stress(data.valid) > 0;
}

void Trainer::print_head() const
{
  const auto line = [&](const std::array<const char *, 8> &words) {
    std::printf("%9s %8s %10s %10s %10s %10s", words[0], words[1], words[2], words[3], words[4],
                words[5]);
    if (has_stress()) std::printf(" %10s", words[6]);
    std::printf(" %9s\n", words[7]);
  };
  std::printf("\n");
  line({"step", "epoch", "rate", "train F", "valid F", "valid E", "valid S", "frames"});
  line({"", "", "", "meV/A", "meV/A", "meV/atom", "GPa", "per s"});
  std::fflush(stdout);
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
  if (!replayed.empty()) std::printf(", beside %zu of the first training", replayed.size());
  std::printf("; %zu weights; %s\n", loop->weights.size(), engine->description().c_str());
  if (settings.molecule) {
    const auto &molecule = molecule_record(potential);
    std::printf("%s, bonds %s; %zu of its permutations, made of", molecule.formula().c_str(),
                molecule.bond_text().c_str(),
                group_of(molecule.generators, molecule.n_atoms(), max_permutations).size());
    for (const auto &p : molecule.generators) std::printf(" %s", cycle_text(molecule, p).c_str());
    std::printf(molecule.generators.empty() ? " the identity\n" : "\n");
  }
  if (has_stress())
    std::printf("%ld training and %ld validation frames have a stress%s\n",
                frames_with_stress(data.train), frames_with_stress(data.valid),
                settings.stress.used() ? "" : ", which 'loss.stress' does not weigh");
  if (resumed) std::printf("resumed at step %ld of %ld\n", loop->step, settings.steps);
  judge_validation();
  print_head();

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
                                         {"energy_eV_per_atom", predictions.energy},
                                         {"stress_GPa", predictions.stress}};
    std::fputs(json.dump().c_str(), file);
    file.finish();
  }
  nlohmann::ordered_json provenance = {{"program", std::string("mlff ") + MLFF_VERSION},
                                       {"command", command},
                                       {"settings", settings.description()}};
  provenance["inputs"] = inputs.json()["files"];
  provenance["n_train"] = data.train.size();
  provenance["n_valid"] = data.valid.size();
  if (!replayed.empty()) provenance["n_replayed"] = replayed.size();
  if (const auto formulas = formulas_of(data.train); !formulas.is_null())
    provenance["formulas"] = formulas;
  provenance["steps"] = loop->step;
  provenance["best_step"] = data.valid.empty() ? loop->step : loop->best_step;
  provenance["train"] = train.json();
  provenance["valid"] = valid.json();
  result.date = today();
  result.training = provenance.dump();
  result.write(settings.output, true);
  std::printf("\nwrote %s (weights of step %ld)\n\n", settings.output.c_str(),
              provenance["best_step"].get<long>());
  print_errors(train, valid);
}

void Trainer::print_errors(const ErrorSums &train, const ErrorSums &valid) const
{
  const auto line = [&](const char *name, const std::string &forces, const std::string &energies,
                        const std::string &stresses) {
    std::printf("%-12s %16s %16s", name, forces.c_str(), energies.c_str());
    if (has_stress()) std::printf(" %16s", stresses.c_str());
    std::printf("\n");
  };
  line("", "force MAE", "energy MAE", "stress MAE");
  line("", "meV/A", "meV/atom", "GPa");
  for (const auto &[name, errors] :
       {std::pair{"training", &train}, std::pair{"validation", &valid}})
    if (errors->n_components || errors->n_energies || errors->n_stress_components)
      line(name, errors->n_components ? readable(errors->force_mae() / meV, 2) : "-",
           errors->n_energies ? readable(errors->energy_mae() / meV, 2) : "-",
           errors->n_stress_components ? readable(errors->stress_mae_GPa(), 4) : "-");
}

}    // namespace mlff
