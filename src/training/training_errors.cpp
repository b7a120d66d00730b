// Errors of a potential on labelled frames.
#include "training/training_errors.h"

#include "core/elements.h"
#include "core/units.h"
#include "engine/make_engine.h"

#include <cmath>

namespace mlff {

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

namespace {

  /// Adds the errors of one frame; `energy` (eV) and `force` [n][3] (eV/Å) are predictions.
  void add_frame(const Potential &potential, const TrainingFrame &frame, double energy,
                 const double *force, ErrorSums &sums, Predictions *predictions)
  {
    constexpr std::size_t most_energies = 20000, most_forces = 30000;
    const Structure &structure = frame.structure;
    if (structure.energy) {
      sums.energy_per_atom += std::abs(energy - *structure.energy) / structure.n_atoms();
      sums.n_energies++;
      if (predictions && predictions->energy.size() < most_energies) {
        double reference = 0.0;
        for (const int s : frame.graph.species)
          reference += potential.tensors.at("reference_energy").values[s];
        const double n = structure.n_atoms();
        predictions->energy.push_back(
            {(energy - reference) / n, (*structure.energy - reference) / n});
      }
    }
    for (std::size_t c = 0; c < structure.forces.size(); c++) {
      const double difference = std::abs(force[c] - structure.forces[c]);
      sums.force += difference;
      sums.force_square += difference * difference;
      sums.n_components++;
      if (predictions && predictions->force.size() < most_forces)
        predictions->force.push_back({force[c], structure.forces[c]});
      auto &element = sums.element[structure.numbers[c / 3]];
      element.first += difference;
      element.second++;
    }
  }

}    // namespace

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
    for (std::size_t k = first; k < last; k++)
      add_frame(potential, frames[k], result.energy[k - first],
                &force[3 * std::size_t(view.first_atom[k - first])], sums, predictions);
  }
  return sums;
}

}    // namespace mlff
