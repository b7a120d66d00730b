// What manifest and screen say of the rounds of a distillation.
#include "distill/round_report.h"

#include "workflow/lammps_run.h"

#include <cmath>
#include <cstdio>
#include <string>

namespace mlff {

using Json = nlohmann::ordered_json;

namespace {

  constexpr const char *force_error = "force_mae_meV_per_A", *stress_error = "stress_mae_GPa";

  /// A number of a map with some decimals, or a dash where it is not there.
  std::string text_of(const Json &map, const char *key, double decimals)
  {
    if (!map.contains(key)) return "-";
    const double scale = std::pow(10.0, decimals);
    return number(std::round(scale * map[key].get<double>()) / scale);
  }

}    // namespace

Json record_of(const SamplingConditions &conditions, const std::optional<TrajectoryEnd> &end)
{
  Json record = {{"temperature", conditions.temperature}};
  if (conditions.pressure) record["pressure"] = *conditions.pressure;
  if (!end)
    record["end"] = "error";
  else {
    record["end"] = end->stopped ? "stopped" : "complete";
    record["ps"] = end->ps;
  }
  return record;
}

void add_labels(Json &entry, const std::vector<DistilledSystem> &systems,
                const std::vector<Json> &summaries)
{
  long n = 0, discarded = 0, trajectories = 0, stopped = 0;
  double spread = 0.0;
  for (std::size_t m = 0; m < systems.size(); m++) {
    const Json &one = summaries[m];
    n += one["labelled"].get<long>();
    discarded += one["discarded"].get<long>();
    spread += one["mean_spread_meV_per_A"].get<double>() / double(systems.size());
    if (one.contains("trajectories"))
      for (const Json &trajectory : one["trajectories"]) {
        trajectories++;
        if (trajectory["end"] == "stopped") stopped++;
      }
    entry[systems[m].molecule ? "molecules" : "structures"][systems[m].name] = one;
  }
  entry["labelled"] = n;
  entry["discarded"] = discarded;
  entry["mean_spread_meV_per_A"] = spread;
  if (trajectories == 0) return;
  entry["trajectories"] = trajectories;
  entry["stopped"] = stopped;
}

bool errors_stay(const Json &before, const Json &now, double gain)
{
  if (now.value("stopped", 0L) > 0) return false;
  const auto stays = [&](const char *key) {
    return now["probe"][key].get<double>() > (1.0 - gain) * before["probe"][key].get<double>();
  };
  if (!stays(force_error)) return false;
  return !now["probe"].contains(stress_error) || !before["probe"].contains(stress_error) ||
      stays(stress_error);
}

void print_report_head(bool of_structures)
{
  std::printf("%6s %10s %10s %12s %12s", "round", "frames", "discarded", "spread", "probe F MAE");
  if (of_structures) std::printf(" %12s", "probe S MAE");
  std::printf(" %12s", "valid F MAE");
  if (of_structures) std::printf(" %12s %10s", "valid S MAE", "stopped");
  std::printf("\n%6s %10s %10s %12s %12s", "", "", "", "meV/A", "meV/A");
  if (of_structures) std::printf(" %12s", "GPa");
  std::printf(" %12s", "meV/A");
  if (of_structures) std::printf(" %12s %10s", "GPa", "");
  std::printf("\n");
}

void print_report_row(long round, const Json &entry, bool of_structures)
{
  const bool first = round == 0;
  const Json probe = entry.value("probe", Json::object()), &valid = entry["valid"];
  std::printf(
      "%6ld %10ld %10ld %12s %12s", round, entry[first ? "n_train" : "labelled"].get<long>(),
      first ? 0L : entry["discarded"].get<long>(),
      text_of(entry, "mean_spread_meV_per_A", 2).c_str(), text_of(probe, force_error, 2).c_str());
  if (of_structures) std::printf(" %12s", text_of(probe, stress_error, 4).c_str());
  std::printf(" %12.2f", valid[force_error].get<double>());
  if (of_structures)
    std::printf(" %12s %10s", text_of(valid, stress_error, 4).c_str(),
                first ? "-"
                      : (std::to_string(entry["stopped"].get<long>()) + " of " +
                         std::to_string(entry["trajectories"].get<long>()))
                            .c_str());
  std::printf("\n");
  std::fflush(stdout);
}

}    // namespace mlff
