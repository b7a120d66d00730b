#include "trainer.h"

#include "elements.h"
#include "npz.h"
#include "output_file.h"
#include "progress.h"
#include "random_model.h"
#include "units.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <csignal>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <numbers>

namespace mlff {

namespace {

  using Clock = std::chrono::steady_clock;
  namespace fs = std::filesystem;

  constexpr const char *term_names[] = {"energy", "force", "atom_energy", "jacobian"};

  volatile std::sig_atomic_t stop_signal = 0;

  /// Ends the training with a checkpoint on Ctrl-C and on SIGTERM.
  class SignalScope {
   public:
    SignalScope()
    {
      stop_signal = 0;
      for (int k = 0; k < 2; k++)
        before[k] = std::signal(numbers[k], [](int number) {
          stop_signal = number;
        });
    }
    ~SignalScope()
    {
      for (int k = 0; k < 2; k++) std::signal(numbers[k], before[k]);
    }
    SignalScope(const SignalScope &) = delete;
    SignalScope &operator=(const SignalScope &) = delete;

   private:
    static constexpr int numbers[2] = {SIGINT, SIGTERM};
    void (*before[2])(int);
  };

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

  std::string today()
  {
    const std::time_t now = std::time(nullptr);
    char text[16];
    std::strftime(text, sizeof(text), "%Y-%m-%d", std::gmtime(&now));
    return text;
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
    for (const auto &[z, sum] : element) json["force_mae_by_element"][element_symbol(z)] = sum.first / double(sum.second) / meV;
  }
  return json;
}

ErrorSums errors_of(const Potential &potential, const std::vector<TrainingFrame> &frames, Precision precision, int threads, Predictions *predictions)
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
  for (std::size_t first = 0; first < frames.size(); first += 64) {
    const std::size_t last = std::min(frames.size(), first + 64);
    graph.clear();
    for (std::size_t k = first; k < last; k++) graph.append(frames[k].graph.view());
    const Graph view = graph.view();
    engine->evaluate(view, result);
    sum_forces(view, result, force);
    for (std::size_t k = first; k < last; k++) {
      const Structure &structure = frames[k].structure;
      if (structure.energy) {
        sums.energy_per_atom += std::abs(result.energy[k - first] - *structure.energy) / structure.n_atoms();
        sums.n_energies++;
        if (predictions && predictions->energy.size() < 20000) {
          double reference = 0.0;
          for (const int s : frames[k].graph.species) reference += potential.tensors.at("reference_energy").values[s];
          const double n = structure.n_atoms();
          predictions->energy.push_back({(result.energy[k - first] - reference) / n, (*structure.energy - reference) / n});
        }
      }
      const double *f = &force[3 * std::size_t(view.first_atom[k - first])];
      for (std::size_t c = 0; c < structure.forces.size(); c++) {
        const double difference = std::abs(f[c] - structure.forces[c]);
        sums.force += difference;
        sums.force_square += difference * difference;
        sums.n_components++;
        if (predictions && predictions->force.size() < 30000) predictions->force.push_back({f[c], structure.forces[c]});
        auto &own = sums.element[structure.numbers[c / 3]];
        own.first += difference;
        own.second++;
      }
    }
  }
  return sums;
}

Trainer::Trainer(const TrainSettings &given, const std::string &command) : settings(given), command(command)
{
  folder = settings.output.substr(0, settings.output.size() - std::string(".safetensors").size()) + ".training";
  if (!settings.teachers.empty()) teacher = std::make_unique<TeacherEnsemble>(settings.teachers, settings.threads);
  prepare_model();
  const bool fresh = settings.init_from.empty();
  const auto slices = weight_slices(potential);
  for (const auto &name : settings.freeze) {
    bool found = false;
    frozen.resize(weights.size());
    for (const auto &slice : slices)
      if (slice.name == name || slice.name.starts_with(name + ".")) {
        found = true;
        std::fill_n(frozen.begin() + long(slice.offset), slice.size, true);
      }
    if (found) continue;
    std::string names;
    for (const auto &slice : slices) names += (names.empty() ? "" : ", ") + slice.name;
    throw FileError("'model.freeze' names the tensor '" + name + "'; accepted (or what they begin with): " + names);
  }
  if (fresh && !settings.freeze.empty()) throw FileError("'model.freeze' needs 'model.init_from': random weights would stay random");

  EngineOptions options;
  options.engine = settings.engine;
  options.precision = settings.precision == "double" ? Precision::double_precision : Precision::single_precision;
  options.threads = settings.threads;
  options.device = settings.device;
  engine = make_painn_gradient(potential, options, settings.precision == "mixed");
  gradient.resize(weights.size());
  optimizer = AdamW(weights.size());
  optimizer.weight_decay = settings.weight_decay;
  average = best = weights;
}

void Trainer::prepare_model()
{
  std::vector<int> elements;
  for (const auto &symbol : settings.elements) {
    const int z = atomic_number(symbol);
    if (z == 0) throw FileError("'model.elements' holds '" + symbol + "'; accepted: chemical symbols");
    elements.push_back(z);
  }
  Potential start;
  if (!settings.init_from.empty()) {
    start = Potential::read(settings.init_from);
    settings.features = start.sizes.features;
    settings.layers = start.sizes.layers;
    settings.radial = start.sizes.radial;
    settings.cutoff = start.cutoff;
  }
  data = read_training_data(settings, elements, settings.cutoff, teacher.get());

  potential.sizes = {settings.features, settings.layers, settings.radial};
  potential.elements = data.elements;
  potential.cutoff = settings.cutoff;
  potential.citation = settings.citation;
  potential.range = data.range;
  // K. He's and X. Glorot's uniform start: as wide as sums of inputs and outputs allow; biases zero
  Uniform uniform(settings.seed);
  for (const auto &[name, shape] : painn_tensors(potential.sizes, potential.n_species())) {
    Tensor tensor;
    tensor.shape = shape;
    std::size_t n = 1;
    for (const auto extent : shape) n *= std::size_t(extent);
    tensor.values.assign(n, 0.0);
    const double width = name == "embedding" ? std::sqrt(3.0) : shape.size() == 2 ? std::sqrt(6.0 / double(shape[0] + shape[1])) : 0.0;
    for (double &x : tensor.values) x = width * uniform();
    potential.tensors[name] = tensor;
  }
  potential.tensors["reference_energy"] = {"F64", {potential.n_species()}, data.reference_energy};
  potential.tensors["scale"] = {"F64", {}, {data.scale}};
  if (!settings.init_from.empty()) {
    for (const auto &slice : weight_slices(potential))
      if (slice.name != "embedding") potential.tensors[slice.name] = start.tensors.at(slice.name);
    potential.tensors["scale"] = start.tensors.at("scale");
    for (int s = 0; s < potential.n_species(); s++)
      for (int k = 0; k < start.n_species(); k++)
        if (start.elements[k] == potential.elements[s]) {
          const auto &from = start.tensors.at("embedding").values;
          std::copy_n(from.begin() + long(k) * settings.features, settings.features,
                      potential.tensors["embedding"].values.begin() + long(s) * settings.features);
        }
    // reference energies: those of the data, less what the network adds by itself
    const auto predicted = [&] {
      std::vector<TrainingFrame> frames;
      for (const auto &frame : data.train) {
        if (!frame.structure.energy || frames.size() >= 200) continue;
        frames.push_back({});
        frames.back().structure.numbers = frame.structure.numbers;
        frames.back().structure.energy = *frame.structure.energy;
      }
      const auto network = make_engine(potential, {"host"});
      Result result;
      std::size_t at = 0;
      for (const auto &frame : data.train) {
        if (!frame.structure.energy || at >= frames.size()) continue;
        network->evaluate(frame.graph.view(), result);
        *frames[at++].structure.energy -= result.energy[0];
      }
      return least_squares_energies(frames, potential.elements);
    }();
    auto &reference = potential.tensors["reference_energy"].values;
    for (std::size_t s = 0; s < reference.size(); s++) reference[s] += predicted[s];
  }
  weights = flat_weights(potential);
}

double Trainer::schedule(long at) const
{
  if (at < settings.warmup) return settings.learning_rate * double(at + 1) / double(settings.warmup);
  const double share = double(at - settings.warmup) / double(std::max(1L, settings.steps - settings.warmup));
  return settings.final_learning_rate +
      0.5 * (settings.learning_rate - settings.final_learning_rate) * (1.0 + std::cos(std::numbers::pi * std::min(1.0, share)));
}

void Trainer::next_batch()
{
  batch.clear();
  graph.clear();
  long atoms = 0;
  while (atoms < settings.batch_atoms) {
    if (order.empty() || position == long(order.size())) {
      // a batch ends with its epoch, unless that is shorter than a batch
      if (!batch.empty() && position == long(order.size()) && atoms * 2 >= settings.batch_atoms) break;
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

void Trainer::add_batch()
{
  const Graph view = graph.view();
  const double share = double(step) / double(settings.steps), part = 1.0 / double(settings.accumulate);
  const double w_energy = weight_at(settings.energy, share), w_force = weight_at(settings.force, share), w_atom = weight_at(settings.atom_energy, share),
               w_jacobian = weight_at(settings.jacobian, share);
  long n_energies = 0, n_components = 0, n_atom_energies = 0;
  for (const auto *frame : batch) {
    n_energies += frame->structure.energy.has_value();
    n_components += long(frame->structure.forces.size());
    n_atom_energies += long(frame->atom_energy.size());
  }
  // sums of each structure on its own, so that threads do not meet
  std::vector<std::array<double, 4>> terms(batch.size(), {0.0, 0.0, 0.0, 0.0});    // energy, force, atom energy, |dF|
  const LossDerivative loss = [&](int first, int last, const double *atom_energy, const double *force, double *energy_bar, double *force_bar) {
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
        terms[s][0] = frame.weight * penalty(settings.energy, (energy - *frame.structure.energy) / root, slope) / double(n_energies);
        for (int i = begin; i < begin + n; i++) energy_bar[i] += part * w_energy * frame.weight * slope / root / double(n_energies);
      }
      for (int k = 0; k < 3 * n && !frame.structure.forces.empty(); k++) {
        const double difference = force[3 * begin + k] - frame.structure.forces[k], weight = frame.weight * frame.atom_weight[k / 3] / double(n_components);
        terms[s][1] += weight * penalty(settings.force, difference, slope);
        terms[s][3] += std::abs(difference) / double(n_components);
        force_bar[3 * begin + k] = part * w_force * weight * slope;
      }
      for (int i = 0; i < n && w_atom > 0 && !frame.atom_energy.empty(); i++) {
        const double weight = frame.weight / double(n_atom_energies);
        terms[s][2] += weight * penalty(settings.atom_energy, atom_energy[begin + i] - frame.atom_energy[i], slope);
        energy_bar[begin + i] += part * w_atom * weight * slope;
      }
    }
  };
  engine->add_gradient(view, loss, gradient);
  for (const auto &term : terms) {
    for (int k = 0; k < 3; k++) sums[k] += part * term[k];
    sums[4] += part * term[3];
  }
  if (w_jacobian > 0) add_jacobian(w_jacobian * part, sums[3]);
  frames_since += long(batch.size());
}

void Trainer::add_jacobian(double weight, double &term)
{
  // one random component of each structure; the teachers' row by central differences of their forces (the Jacobian is symmetric)
  constexpr double h = 0.002;    // Å
  const Graph view = graph.view();
  std::vector<int> component;
  std::vector<double> target;
  std::mt19937_64 generator(settings.seed * 104729ull + std::uint64_t(step));
  for (std::size_t s = 0; s < batch.size(); s++) {
    Structure moved = batch[s]->structure;
    const int n = moved.n_atoms(), k = int(generator() % std::uint64_t(3 * n));
    component.push_back(3 * view.first_atom[s] + k);
    moved.positions[k] += h;
    teacher->label(moved);
    const auto up = moved.forces;
    moved.positions[k] -= 2 * h;
    teacher->label(moved);
    for (int c = 0; c < 3 * n; c++) target.push_back((up[c] - moved.forces[c]) / (2 * h));
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

bool Trainer::validate()
{
  const Precision precision = settings.precision == "double" ? Precision::double_precision : Precision::single_precision;
  const ErrorSums errors = errors_of(with_weights(average), data.valid, precision, settings.threads);
  const double error = errors.n_components ? errors.force_mae() : errors.energy_mae();
  const bool gained = best_error < 0.0 || error < best_error || data.valid.empty();
  if (gained) {
    best_error = error;
    best_step = step;
    best = average;
    without_gain = 0;
  } else
    without_gain++;

  nlohmann::ordered_json line = {
      {"step", step}, {"epoch", double(epoch) + double(position) / double(data.train.size())}, {"learning_rate", schedule(step - 1)}};
  const double n = double(std::max(1L, batches_since));
  for (int k = 0; k < 4; k++) line["loss"][term_names[k]] = sums[k] / n;
  line["train_force_mae_meV_per_A"] = sums[4] / n / meV;
  line["valid"] = errors.json();
  line["best_step"] = best_step;
  line["frames_per_second"] = seconds > 0 ? double(frames_since) / seconds : 0.0;
  {
    std::ofstream log(folder + "/log.jsonl", std::ios::app);
    log << line.dump() << "\n";
    if (!log.flush()) throw FileError("'" + folder + "/log.jsonl' cannot be written: is the disk full?");
  }
  const auto in_meV = [](double x) {
    char text[32];
    std::snprintf(text, sizeof(text), "%.2f", x / meV);
    return std::string(text);
  };
  std::printf("%9ld %8.1f %10.2e %10.2f %10s %10s %9.0f%s\n", step, line["epoch"].get<double>(), line["learning_rate"].get<double>(), sums[4] / n / meV,
              errors.n_components ? in_meV(errors.force_mae()).c_str() : "-", errors.n_energies ? in_meV(errors.energy_mae()).c_str() : "-",
              line["frames_per_second"].get<double>(), gained ? " *" : "");
  std::fflush(stdout);
  sums = {};
  batches_since = frames_since = 0;
  seconds = 0.0;
  return settings.patience == 0 || without_gain < settings.patience;
}

void Trainer::save_checkpoint() const
{
  nlohmann::ordered_json header = {{"settings", settings.description()},
                                   {"n_weights", weights.size()},
                                   {"step", step},
                                   {"epoch", epoch},
                                   {"position", position},
                                   {"optimizer_steps", optimizer.steps},
                                   {"best_error", best_error},
                                   {"best_step", best_step},
                                   {"without_gain", without_gain},
                                   {"frames_since", frames_since},
                                   {"batches_since", batches_since},
                                   {"seconds", seconds},
                                   {"sums", sums}};
  OutputFile file(checkpoint_path(), true);
  const std::string text = header.dump() + "\n";
  std::fwrite(text.data(), 1, text.size(), file);
  for (const auto *values : {&weights, &average, &best, &optimizer.mean, &optimizer.square}) std::fwrite(values->data(), sizeof(double), values->size(), file);
  file.finish();
}

bool Trainer::load_checkpoint()
{
  std::ifstream file(checkpoint_path(), std::ios::binary);
  if (!file) return false;
  std::string text;
  std::getline(file, text);
  const auto header = nlohmann::ordered_json::parse(text, nullptr, false);
  const std::string where = "checkpoint '" + checkpoint_path() + "'";
  if (header.is_discarded() || !header.contains("settings")) throw FileError(where + " is damaged; --restart begins anew");
  const auto ours = settings.description().flatten(), theirs = header["settings"].flatten();
  for (const auto *side : {&ours, &theirs})
    for (const auto &[key, value] : side->items()) {
      if (key == "/training/threads") continue;
      const auto &other = side == &ours ? theirs : ours;
      const std::string found = ours.contains(key) ? ours[key].dump() : "missing", expected = theirs.contains(key) ? theirs[key].dump() : "missing";
      if (!other.contains(key) || other[key] != value) {
        std::string name = key.substr(1);
        std::replace(name.begin(), name.end(), '/', '.');
        throw FileError("setting '" + name + "' is " + found + ", but the training that " + where + " belongs to has " + expected + "; --restart begins anew");
      }
    }
  if (header["n_weights"] != weights.size()) throw FileError(where + " holds another number of weights: the data has changed; --restart begins anew");
  header["step"].get_to(step);
  header["epoch"].get_to(epoch);
  header["position"].get_to(position);
  header["optimizer_steps"].get_to(optimizer.steps);
  header["best_error"].get_to(best_error);
  header["best_step"].get_to(best_step);
  header["without_gain"].get_to(without_gain);
  header["frames_since"].get_to(frames_since);
  header["batches_since"].get_to(batches_since);
  header["seconds"].get_to(seconds);
  header["sums"].get_to(sums);
  for (auto *values : {&weights, &average, &best, &optimizer.mean, &optimizer.square})
    file.read(reinterpret_cast<char *>(values->data()), std::streamsize(values->size() * sizeof(double)));
  if (!file) throw FileError(where + " is truncated; --restart begins anew");
  order = shuffled(int(data.train.size()), settings.seed * 7919ull + std::uint64_t(epoch) + 1);

  // the log may be ahead of the checkpoint
  std::ifstream log(folder + "/log.jsonl");
  std::string kept, line;
  while (std::getline(log, line)) {
    const auto entry = nlohmann::json::parse(line, nullptr, false);
    if (!entry.is_discarded() && entry.value("step", step + 1) <= step) kept += line + "\n";
  }
  log.close();
  OutputFile rewritten(folder + "/log.jsonl", true);
  std::fputs(kept.c_str(), rewritten);
  rewritten.finish();
  return true;
}

bool Trainer::run(bool restart, bool force)
{
  OutputFile::check(settings.output, force);
  fs::create_directories(folder);
  if (restart) {
    fs::remove(checkpoint_path());
    fs::remove(folder + "/log.jsonl");
  }
  const bool resumed = load_checkpoint();
  if (!resumed) fs::remove(folder + "/log.jsonl");
  engine->set_weights(weights);

  std::string names;
  for (const int z : data.elements) names += " " + element_symbol(z);
  std::printf("%zu training and %zu validation frames of%s", data.train.size(), data.valid.size(), names.c_str());
  if (data.left_out) std::printf(", %ld left out", data.left_out);
  std::printf("; %zu weights; %s\n", weights.size(), engine->description().c_str());
  if (resumed) std::printf("resumed at step %ld of %ld\n", step, settings.steps);
  std::printf("\n%9s %8s %10s %10s %10s %10s %9s\n%9s %8s %10s %10s %10s %10s %9s\n", "step", "epoch", "rate", "train F", "valid F", "valid E", "frames", "",
              "", "", "meV/A", "meV/A", "meV/atom", "per s");
  std::fflush(stdout);

  const SignalScope signals;
  Progress progress("training");
  auto last_checkpoint = Clock::now(), last_step = last_checkpoint;
  bool improving = settings.patience == 0 || without_gain < settings.patience;
  while (step < settings.steps && improving) {
    std::fill(gradient.begin(), gradient.end(), 0.0);
    for (long k = 0; k < settings.accumulate; k++) {
      next_batch();
      add_batch();
    }
    batches_since++;
    double square = 0.0;
    for (const double g : gradient) square += g * g;
    const double norm = std::sqrt(square);
    if (!std::isfinite(norm))
      throw FileError("the gradient is not finite at step " + std::to_string(step + 1) + "; accepted: a smaller 'training.learning_rate' or 'training.clip'");
    if (settings.clip > 0 && norm > settings.clip)
      for (double &g : gradient) g *= settings.clip / norm;
    optimizer.step(weights, gradient, schedule(step), frozen);
    engine->set_weights(weights);
    step++;
    const double decay = std::min(settings.ema, double(1 + step) / double(10 + step));
    for (std::size_t i = 0; i < weights.size(); i++) average[i] = decay * average[i] + (1.0 - decay) * weights[i];
    auto now = Clock::now();
    seconds += std::chrono::duration<double>(now - last_step).count();
    last_step = now;
    if (step % settings.validate_every == 0 || step == settings.steps) {
      improving = validate();
      last_step = Clock::now();
    }
    if (stop_signal || std::chrono::duration<double>(now - last_checkpoint).count() >= settings.checkpoint_seconds) {
      save_checkpoint();
      last_checkpoint = now;
    }
    if (stop_signal) {
      spdlog::warn("stopped by signal {} at step {}; the same command goes on from here", int(stop_signal), step);
      return false;
    }
    progress.update(double(step) / double(settings.steps), "step " + std::to_string(step));
  }
  save_checkpoint();
  write_result();
  return true;
}

void Trainer::write_result()
{
  Potential result = with_weights(data.valid.empty() ? average : best);
  const Precision precision = settings.precision == "double" ? Precision::double_precision : Precision::single_precision;
  Predictions predictions;
  const auto &shown = data.valid.empty() ? data.train : data.valid;
  const ErrorSums train = errors_of(result, data.train, precision, settings.threads), valid = errors_of(result, data.valid, precision, settings.threads);
  errors_of(result, shown, precision, settings.threads, &predictions);
  {
    OutputFile file(folder + "/predictions.json", true);
    const nlohmann::ordered_json json = {
        {"frames", data.valid.empty() ? "training" : "validation"}, {"force_eV_per_A", predictions.force}, {"energy_eV_per_atom", predictions.energy}};
    std::fputs(json.dump().c_str(), file);
    file.finish();
  }
  nlohmann::ordered_json provenance = {{"program", std::string("mlff ") + MLFF_VERSION}, {"command", command}, {"settings", settings.description()}};
  provenance["n_train"] = data.train.size();
  provenance["n_valid"] = data.valid.size();
  provenance["steps"] = step;
  provenance["best_step"] = data.valid.empty() ? step : best_step;
  provenance["train"] = train.json();
  provenance["valid"] = valid.json();
  result.date = today();
  result.training = provenance.dump();
  result.write(settings.output, true);
  std::printf("\nwrote %s (weights of step %ld)\n\n%-12s %16s %16s\n%-12s %16s %16s\n", settings.output.c_str(), provenance["best_step"].get<long>(), "",
              "force MAE", "energy MAE", "", "meV/A", "meV/atom");
  for (const auto &[name, errors] : {std::pair{"training", &train}, std::pair{"validation", &valid}})
    if (errors->n_components || errors->n_energies) std::printf("%-12s %16.2f %16.2f\n", name, errors->force_mae() / meV, errors->energy_mae() / meV);
}

}    // namespace mlff
