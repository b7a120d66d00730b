// The loop of a training: steps, validation, checkpoints, log.
#include "training/training_loop.h"

#include "core/progress.h"
#include "data/output_file.h"
#include "models/random_model.h"

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

}    // namespace

void start_weights(Potential &potential, unsigned seed)
{
  Uniform uniform(seed);
  for (const auto &[name, entry] : tensors_of(potential)) {
    Tensor tensor;
    tensor.shape = entry.shape;
    tensor.values.resize(entry.size());
    const double width = entry.start == TensorStart::unit ? std::sqrt(3.0)
        : entry.start == TensorStart::glorot
        ? std::sqrt(6.0 / double(entry.shape[0] + entry.shape[1]))
        : 0.0;
    for (double &x : tensor.values) x = width * uniform();
    potential.tensors[name] = tensor;
  }
}

std::string today()
{
  const std::time_t now = std::time(nullptr);
  char text[16];
  std::strftime(text, sizeof(text), "%Y-%m-%d", std::gmtime(&now));
  return text;
}

TrainingLoop::TrainingLoop(const TrainingLoopSettings &settings, const std::string &folder,
                           std::vector<double> start) :
    weights(std::move(start)),
    average(weights), best(weights), settings(settings), folder(folder), optimizer(weights.size()),
    gradient(weights.size())
{
  optimizer.weight_decay = settings.weight_decay;
}

void TrainingLoop::freeze(const std::vector<std::string> &names,
                          const std::vector<WeightSlice> &slices, const std::string &key)
{
  for (const auto &name : names) {
    bool found = false;
    frozen.resize(weights.size());
    for (const auto &slice : slices)
      if (slice.name == name || slice.name.starts_with(name + ".")) {
        found = true;
        std::fill_n(frozen.begin() + long(slice.offset), slice.size, true);
      }
    if (found) continue;
    std::string accepted;
    for (const auto &slice : slices) accepted += (accepted.empty() ? "" : ", ") + slice.name;
    throw FileError("'" + key + "' names the tensor '" + name +
                    "'; accepted (or what they begin with): " + accepted);
  }
}

double TrainingLoop::rate(long at) const
{
  if (at < settings.warmup)
    return settings.learning_rate * double(at + 1) / double(settings.warmup);
  const double share =
      double(at - settings.warmup) / double(std::max(1L, settings.steps - settings.warmup));
  return settings.final_learning_rate +
      0.5 * (settings.learning_rate - settings.final_learning_rate) *
      (1.0 + std::cos(std::numbers::pi * std::min(1.0, share)));
}

void TrainingLoop::update()
{
  double square = 0.0;
  for (const double g : gradient) square += g * g;
  const double norm = std::sqrt(square);
  if (!std::isfinite(norm))
    throw FileError("the gradient is not finite at step " + std::to_string(step + 1) +
                    "; accepted: a smaller 'training.learning_rate' or 'training.clip'");
  if (settings.clip > 0 && norm > settings.clip)
    for (double &g : gradient) g *= settings.clip / norm;
  optimizer.step(weights, gradient, rate(step), frozen);
  step++;
  const double decay = std::min(settings.ema, double(1 + step) / double(10 + step));
  for (std::size_t i = 0; i < weights.size(); i++)
    average[i] = decay * average[i] + (1.0 - decay) * weights[i];
}

bool TrainingLoop::validated(double error, bool always)
{
  const bool gained = best_error < 0.0 || error < best_error || always;
  if (gained) {
    best_error = error;
    best_step = step;
    best = average;
    without_gain = 0;
  } else
    without_gain++;
  return gained;
}

void TrainingLoop::log(const nlohmann::ordered_json &line) const
{
  std::ofstream log(folder + "/log.jsonl", std::ios::app);
  log << line.dump() << "\n";
  if (!log.flush())
    throw FileError("'" + folder + "/log.jsonl' cannot be written: is the disk full?");
}

void TrainingLoop::save(const Parts &parts) const
{
  const nlohmann::ordered_json header = {{"settings", description},
                                         {"inputs", inputs},
                                         {"n_weights", weights.size()},
                                         {"step", step},
                                         {"optimizer_steps", optimizer.steps},
                                         {"best_error", best_error},
                                         {"best_step", best_step},
                                         {"without_gain", without_gain},
                                         {"seconds", seconds},
                                         {"state", parts.state()}};
  OutputFile file(checkpoint_path(), true);
  const std::string text = header.dump() + "\n";
  std::fwrite(text.data(), 1, text.size(), file);
  for (const auto *values : {&weights, &average, &best, &optimizer.mean, &optimizer.square})
    std::fwrite(values->data(), sizeof(double), values->size(), file);
  file.finish();
}

bool TrainingLoop::load(const InputRecord &now, const Parts &parts)
{
  std::ifstream file(checkpoint_path(), std::ios::binary);
  if (!file) return false;
  std::string text;
  std::getline(file, text);
  const auto header = nlohmann::ordered_json::parse(text, nullptr, false);
  const std::string where = "checkpoint '" + checkpoint_path() + "'";
  if (header.is_discarded() || !header.contains("settings") || !header.contains("state"))
    throw FileError(where + " is damaged; --restart begins anew");
  if (const auto found = difference_of(header["settings"], description, "training.threads"))
    throw FileError("setting '" + found->key + "' is " + found->now + ", but the training that " +
                    where + " belongs to has " + found->before + "; --restart begins anew");
  now.compare(header.value("inputs", nlohmann::ordered_json()), where, "--restart begins anew");
  if (header["n_weights"] != weights.size())
    throw FileError(
        where + " holds another number of weights: the data has changed; --restart begins anew");
  header["step"].get_to(step);
  header["optimizer_steps"].get_to(optimizer.steps);
  header["best_error"].get_to(best_error);
  header["best_step"].get_to(best_step);
  header["without_gain"].get_to(without_gain);
  header["seconds"].get_to(seconds);
  parts.restore(header["state"]);
  for (auto *values : {&weights, &average, &best, &optimizer.mean, &optimizer.square})
    file.read(reinterpret_cast<char *>(values->data()),
              std::streamsize(values->size() * sizeof(double)));
  if (!file) throw FileError(where + " is truncated; --restart begins anew");

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

bool TrainingLoop::prepare(const nlohmann::ordered_json &settings_description,
                           const InputRecord &now, const Parts &parts, bool restart)
{
  description = settings_description;
  inputs = now.json();
  fs::create_directories(folder);
  if (restart) fs::remove(checkpoint_path());
  const bool resumed = load(now, parts);
  if (!resumed) fs::remove(folder + "/log.jsonl");
  parts.set_weights(weights);
  return resumed;
}

bool TrainingLoop::run(const Parts &parts)
{
  const SignalScope signals;
  Progress progress("training");
  auto last_checkpoint = Clock::now(), last_step = last_checkpoint;
  while (step < settings.steps && improving()) {
    std::fill(gradient.begin(), gradient.end(), 0.0);
    parts.add_gradient(gradient);
    update();
    parts.set_weights(weights);
    const auto now = Clock::now();
    seconds += std::chrono::duration<double>(now - last_step).count();
    last_step = now;
    if (step % settings.validate_every == 0 || step == settings.steps) {
      parts.validate();
      seconds = 0.0;
      last_step = Clock::now();
    }
    if (stop_signal ||
        std::chrono::duration<double>(now - last_checkpoint).count() >=
            settings.checkpoint_seconds) {
      save(parts);
      last_checkpoint = now;
    }
    if (stop_signal) {
      spdlog::warn("stopped by signal {} at step {}; the same command goes on from here",
                   int(stop_signal), step);
      return false;
    }
    progress.update(double(step) / double(settings.steps), "step " + std::to_string(step));
  }
  save(parts);
  return true;
}

}    // namespace mlff
