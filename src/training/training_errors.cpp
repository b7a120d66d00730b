// Errors of a potential on labelled frames.
#include "training/training_errors.h"

#include "core/elements.h"
#include "core/units.h"
#include "engine/make_engine.h"
#include "structure/lattice.h"
#include "structure/stress.h"

#include <cmath>

namespace mlff {

double ErrorSums::force_rmse() const
{
  return n_components ? std::sqrt(force_square / double(n_components)) : 0.0;
}

double ErrorSums::stress_mae_GPa() const
{
  return n_stress_components ? stress / double(n_stress_components) * eV_per_cubic_angstrom_in_GPa
                             : 0.0;
}

void ErrorSums::add_stress(const std::array<double, 6> &predicted,
                           const std::array<double, 6> &label, double volume, int n)
{
  for (int c = 0; c < 6; c++) {
    const double difference = std::abs(predicted[c] - label[c]), error = difference / volume,
                 of_atom = difference / double(n);
    stress += error;
    stress_square += error * error;
    strain_gradient += of_atom;
    strain_gradient_square += of_atom * of_atom;
    n_stress_components++;
  }
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
  if (n_stress_components) {
    const double n = double(n_stress_components);
    json["stress_mae_GPa"] = stress_mae_GPa();
    json["stress_rmse_GPa"] = std::sqrt(stress_square / n) * eV_per_cubic_angstrom_in_GPa;
    json["stress_mae_meV_per_atom"] = strain_gradient / n / meV;
    json["stress_rmse_meV_per_atom"] = std::sqrt(strain_gradient_square / n) / meV;
  }
  return json;
}

namespace {

  constexpr std::size_t most_energies = 20000, most_forces = 30000, most_stresses = 30000;

  /// Adds the errors of one frame; `energy` (eV) and `force` [n][3] (eV/Å) are predictions.
  void add_frame(const Potential &potential, const TrainingFrame &frame, double energy,
                 const double *force, ErrorSums &sums, Predictions *predictions)
  {
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

  /// Adds the errors of the stress of a frame that has one; it is structure s of the graph.
  void add_stress(const TrainingFrame &frame, const Graph &graph, const Result &result, int s,
                  ErrorSums &sums, Predictions *predictions)
  {
    std::array<double, 9> gradient{};
    add_strain_gradient(graph, result, s, 1.0, gradient);
    const auto predicted = six_components(gradient), &label = *frame.strain_gradient;
    const double volume = cell_volume(frame.structure.cell);
    sums.add_stress(predicted, label, volume, frame.structure.n_atoms());
    const double unit = eV_per_cubic_angstrom_in_GPa / volume;
    for (int c = 0; c < 6 && predictions && predictions->stress.size() < most_stresses; c++)
      predictions->stress.push_back({predicted[c] * unit, label[c] * unit});
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
    for (std::size_t k = first; k < last; k++) {
      add_frame(potential, frames[k], result.energy[k - first],
                &force[3 * std::size_t(view.first_atom[k - first])], sums, predictions);
      if (frames[k].strain_gradient)
        add_stress(frames[k], view, result, int(k - first), sums, predictions);
    }
  }
  return sums;
}

}    // namespace mlff
