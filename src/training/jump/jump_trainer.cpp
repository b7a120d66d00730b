// Training of jump networks: batches, loss, validation, result.
#include "training/jump/jump_trainer.h"

#include "core/units.h"
#include "data/output_file.h"
#include "engine/make_engine.h"
#include "engine/make_gradient.h"
#include "models/jump/jump_record.h"

#include <algorithm>
#include <cmath>

namespace mlff {

JumpTrainer::JumpTrainer(const JumpTrainSettings &given, const std::string &command) :
    settings(given), command(command)
{
  folder = settings.output.substr(0, settings.output.size() - std::string(".safetensors").size()) +
      ".training";
  record_inputs();
  read_data();
  prepare_model();
  loop = std::make_unique<TrainingLoop>(settings, folder, flat_weights(potential));
  loop->freeze(settings.freeze, weight_slices(potential), "model.freeze");
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
          v_reference(after[jumps - 1].velocity.data() + at, n3);
      try {
        // the energy that the chain started with
        const double total = inner_kinetic(trajectory.mass, v_start) +
            c * force(trajectory, std::span(batch.x).subspan(at, n3), f.subspan(at, n3));
        kinetic[s] = total - c * force(trajectory, x.subspan(at, n3), f.subspan(at, n3));
      } catch (const std::runtime_error &) {
        // If the method fails, the force of the trajectory takes its place.
        kinetic[s] = inner_kinetic(trajectory.mass, v_reference);
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
  std::seed_seq seed{settings.seed, unsigned(loop->step), unsigned(loop->step >> 32), 29u};
  std::mt19937 generator(seed);
  batch.clear();
  after.clear();
  drawn.clear();
  for (long w = 0; w < settings.windows; w++) {
    const int molecule = int((loop->step * settings.windows + w) % source->n_molecules());
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
  variables->targets(graph, batch.input(), batch.reference, target);
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
  std::vector<double> reference(3 * std::size_t(n)), x(reference.size()),
      x_bar(reference.size(), 0.0);
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
      reference[3 * i + a] = batch.x[k] + batch.reference.displacement[k];
      x[3 * i + a] = reference[3 * i + a] + per_atom(i) * (u[of_u(i, a)] - target[of_target]);
    }
  const double share = 1.0 / double(settings.windows);
  const double sum = settings.structure.add(coordinates.at(drawn[s].trajectory), reference, x,
                                            scale, share, x_bar);
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
    score = jump_score(with_weights(loop->average), valid_windows, settings.options().precision,
                       settings.threads);
  double error =
      settings.position_weight * score.loss[0] + settings.velocity_weight * score.loss[1];
  RolloutErrors rollout;
  if (!valid_chains.empty()) {
    const Potential average = with_weights(loop->average);
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
  const bool gained = loop->validated(error, valid_windows.empty());
  nlohmann::ordered_json line = {{"step", loop->step},
                                 {"learning_rate", loop->rate(loop->step - 1)}};
  const double n = double(std::max(1L, batches)),
               per_second = loop->seconds > 0 ? double(batches * settings.windows) / loop->seconds
                                              : 0.0;
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
  line["best_step"] = loop->best_step;
  line["windows_per_second"] = per_second;
  loop->log(line);
  std::printf("%9ld %10.2e %10.5f %8.3f%% %8.3f%% %8.4f %8.4f %9.0f%s\n", loop->step,
              line["learning_rate"].get<double>(), (sums[0] + sums[1]) / n, 100 * score.change[0],
              100 * score.change[1], score.skill[0], score.skill[1], per_second,
              gained ? " *" : "");
  std::fflush(stdout);
  sums = {};
  structure_sum = force_sum = 0.0;
  batches = 0;
}

TrainingLoop::Parts JumpTrainer::parts()
{
  TrainingLoop::Parts parts;
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
  const TrainingLoop::Parts parts = this->parts();
  const bool resumed = loop->prepare(settings.description(), inputs, parts, restart);
  std::string molecules;
  for (int m = 0; m < source->n_molecules(); m++) molecules += " " + source->molecule_name(m);
  std::printf(
      "%zu training, %zu validation and %zu test trajectories of%s; species %s; %zu weights; %s\n",
      train.size(), valid.size(), test.size(), molecules.c_str(), potential.element_names().c_str(),
      loop->weights.size(), engine->description().c_str());
  for (std::size_t k = 0; k < settings.strides.size(); k++)
    std::printf("%ld windows of %g fs\n", source->size(int(k)), settings.strides[k]);
  if (resumed) std::printf("resumed at step %ld of %ld\n", loop->step, settings.steps);
  std::printf("\n%9s %10s %10s %9s %9s %8s %8s %9s\n%9s %10s %10s %9s %9s %8s %8s %9s\n", "step",
              "rate", "loss", "valid x", "valid v", "skill x", "skill v", "windows", "", "", "",
              "/change", "/change", "", "", "per s");
  std::fflush(stdout);
  if (!loop->run(parts)) return false;
  write_result();
  return true;
}

void JumpTrainer::write_result()
{
  Potential result = with_weights(valid_windows.empty() ? loop->average : loop->best);
  // The report describes the weights with the precision that the file holds.
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
  provenance["steps"] = loop->step;
  provenance["best_step"] = valid_windows.empty() ? loop->step : loop->best_step;
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
