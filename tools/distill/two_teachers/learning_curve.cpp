// The learning curve of a distillation: errors on fresh frames by the number of labels.
#include "distill/two_teachers/learning_curve.h"

#include "core/units.h"
#include "training/training_errors.h"

#include <cmath>
#include <cstdio>
#include <random>
#include <string>

namespace mlff {

using Json = nlohmann::ordered_json;

namespace {

  constexpr int resamples = 1000;

  /// A sum of squares of one frame, and how many squares these are.
  struct Squares {
    double sum = 0.0;
    long n = 0;
  };

  double root_mean(const Squares &all)
  {
    return all.n > 0 ? std::sqrt(all.sum / double(all.n)) : 0.0;
  }

  RootMeanSquare root_mean_square(const std::vector<Squares> &frames, unsigned seed)
  {
    Squares all;
    for (const auto &[sum, n] : frames) {
      all.sum += sum;
      all.n += n;
    }
    RootMeanSquare result{root_mean(all), std::nullopt};
    if (frames.size() < 2) return result;
    std::mt19937_64 generator(seed);
    double mean = 0.0, square = 0.0;
    for (int k = 0; k < resamples; k++) {
      Squares drawn;
      for (std::size_t f = 0; f < frames.size(); f++) {
        const auto &[sum, n] = frames[generator() % frames.size()];
        drawn.sum += sum;
        drawn.n += n;
      }
      const double difference = root_mean(drawn) - result.value;
      mean += difference / resamples;
      square += difference * difference / resamples;
    }
    result.error = std::sqrt(std::max(0.0, square - mean * mean));
    return result;
  }

  /// A number with two decimals, or a dash where it is not there.
  std::string cell(const Json &map, const char *key)
  {
    if (!map.contains(key)) return "-";
    char text[32];
    std::snprintf(text, sizeof(text), "%.2f", map[key].get<double>());
    return text;
  }

  constexpr std::array names = {
      std::pair{"force_rmse_meV_per_A", "force_rmse_error_meV_per_A"},
      std::pair{"energy_rmse_meV_per_atom", "energy_rmse_error_meV_per_atom"}};

}    // namespace

RootMeanSquare force_rmse(const std::vector<FrameErrors> &frames, unsigned seed)
{
  std::vector<Squares> squares;
  for (const auto &frame : frames)
    if (frame.components > 0) squares.push_back({frame.force_square, frame.components});
  return root_mean_square(squares, seed);
}

RootMeanSquare energy_rmse(const std::vector<FrameErrors> &frames, unsigned seed)
{
  std::vector<Squares> squares;
  for (const auto &frame : frames)
    if (frame.energy) squares.push_back({*frame.energy * *frame.energy, 1});
  return root_mean_square(squares, seed);
}

std::vector<FrameErrors> frame_errors(const Potential &potential,
                                      const std::vector<TrainingFrame> &frames)
{
  std::vector<FrameErrors> list;
  for (const auto &frame : frames) {
    const ErrorSums sums = errors_of(potential, {frame}, Precision::double_precision, 1);
    list.push_back({sums.force_square, sums.n_components, std::nullopt});
    if (sums.n_energies > 0) list.back().energy = sums.energy_per_atom;
  }
  return list;
}

Json probe_record(const std::vector<FrameErrors> &frames, bool with_energies, unsigned seed)
{
  Json record;
  const std::array found = {force_rmse(frames, seed), energy_rmse(frames, seed)};
  for (std::size_t k = 0; k < (with_energies ? 2 : 1); k++) {
    record[names[k].first] = found[k].value / meV;
    if (found[k].error) record[names[k].second] = *found[k].error / meV;
  }
  return record;
}

Json curve_point(long labels, const Json &entry)
{
  Json point = {{"labels", labels}, {"probes", entry["probes"]}};
  point["spread_meV_per_A"] = entry["mean_spread_meV_per_A"];
  const Json &probe = entry["probe"];
  for (const auto &[value, error] : names)
    for (const char *key : {value, error})
      if (probe.contains(key)) point[key] = probe[key];
  if (probe.contains("stress_mae_GPa")) point["stress_mae_GPa"] = probe["stress_mae_GPa"];
  point["discarded"] = entry["discarded"];
  for (const char *key : {"stopped", "trajectories"})
    if (entry.contains(key)) point[key] = entry[key];
  return point;
}

void print_curve_head(bool of_structures)
{
  std::printf("%8s %8s %10s %12s %8s %12s %8s", "labels", "probes", "spread", "probe F RMSE", "+-",
              "probe E RMSE", "+-");
  if (of_structures) std::printf(" %12s", "probe S MAE");
  std::printf(" %10s", "discarded");
  if (of_structures) std::printf(" %10s", "stopped");
  std::printf("\n%8s %8s %10s %12s %8s %12s %8s", "", "", "meV/A", "meV/A", "", "meV/atom", "");
  if (of_structures) std::printf(" %12s", "GPa");
  std::printf("\n");
  std::fflush(stdout);
}

void print_curve_row(const Json &point, bool of_structures)
{
  std::printf("%8ld %8ld %10s", point["labels"].get<long>(), point["probes"].get<long>(),
              cell(point, "spread_meV_per_A").c_str());
  for (const auto &[value, error] : names)
    std::printf(" %12s %8s", cell(point, value).c_str(), cell(point, error).c_str());
  if (of_structures) std::printf(" %12s", cell(point, "stress_mae_GPa").c_str());
  std::printf(" %10ld", point["discarded"].get<long>());
  if (of_structures) {
    const std::string stopped = std::to_string(point.value("stopped", 0L)) + " of " +
        std::to_string(point.value("trajectories", 0L));
    std::printf(" %10s", stopped.c_str());
  }
  std::printf("\n");
  std::fflush(stdout);
}

}    // namespace mlff
