// The loss of a batch, its derivatives by the predictions, and the errors of its predictions.
#include "training/batch_loss.h"

#include "structure/lattice.h"

#include <algorithm>
#include <cmath>

namespace mlff {

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

void LossSums::add(const LossSums &other, double factor)
{
  for (int k = 0; k < n_loss_terms; k++) terms[k] += factor * other.terms[k];
  force_error += factor * other.force_error;
  stress_error += factor * other.stress_error;
  stress_batches += factor * other.stress_batches;
}

BatchLoss::BatchLoss(const TrainSettings &settings, const std::vector<const TrainingFrame *> &batch,
                     const Graph &graph, double share, double factor) :
    settings(settings),
    batch(batch), graph(graph),
    factor(factor), weight{weight_at(settings.energy, share), weight_at(settings.force, share),
                           weight_at(settings.stress, share),
                           weight_at(settings.atom_energy, share), 0.0},
    of_structure(batch.size())
{
  for (const auto *frame : batch) {
    n_energies += frame->structure.energy.has_value();
    n_components += long(frame->structure.forces.size());
    n_stress_components += frame->strain_gradient ? 6 : 0;
    n_atom_energies += long(frame->atom_energy.size());
  }
}

void BatchLoss::derive(int first, int last, const LossArrays &arrays)
{
  for (int s = first; s < last; s++) {
    const int begin = graph.first_atom[s], n = graph.first_atom[s + 1] - begin;
    std::fill_n(arrays.energy_bar + begin, n, 0.0);
    std::fill_n(arrays.force_bar + 3 * begin, 3 * n, 0.0);
    if (arrays.strain_bar) std::fill_n(arrays.strain_bar + 6 * s, 6, 0.0);
    const TrainingFrame &frame = *batch[s];
    if (frame.structure.energy && weight[energy_term] > 0) derive_energy(s, arrays);
    if (!frame.structure.forces.empty()) derive_forces(s, arrays);
    if (frame.strain_gradient && arrays.strain_gradient) derive_stress(s, arrays);
    if (!frame.atom_energy.empty() && weight[atom_energy_term] > 0) derive_atom_energies(s, arrays);
  }
}

void BatchLoss::derive_energy(int s, const LossArrays &arrays)
{
  const TrainingFrame &frame = *batch[s];
  const int begin = graph.first_atom[s], end = graph.first_atom[s + 1];
  double energy = 0.0, slope;
  for (int i = begin; i < end; i++) energy += arrays.atom_energy[i];
  const double root = std::sqrt(double(end - begin));
  of_structure[s].terms[energy_term] = frame.weight *
      penalty(settings.energy, (energy - *frame.structure.energy) / root, slope) /
      double(n_energies);
  for (int i = begin; i < end; i++)
    arrays.energy_bar[i] +=
        factor * weight[energy_term] * frame.weight * slope / root / double(n_energies);
}

void BatchLoss::derive_forces(int s, const LossArrays &arrays)
{
  const TrainingFrame &frame = *batch[s];
  const int begin = graph.first_atom[s], n = graph.first_atom[s + 1] - begin;
  LossSums &sums = of_structure[s];
  for (int k = 0; k < 3 * n; k++) {
    const double difference = arrays.force[3 * begin + k] - frame.structure.forces[k],
                 share = frame.weight * frame.atom_weight[k / 3] / double(n_components);
    double slope;
    sums.terms[force_term] += share * penalty(settings.force, difference, slope);
    sums.force_error += std::abs(difference) / double(n_components);
    arrays.force_bar[3 * begin + k] = factor * weight[force_term] * share * slope;
  }
}

void BatchLoss::derive_stress(int s, const LossArrays &arrays)
{
  const TrainingFrame &frame = *batch[s];
  const double n = graph.first_atom[s + 1] - graph.first_atom[s],
               volume = cell_volume(frame.structure.cell),
               share = frame.weight / double(n_stress_components);
  LossSums &sums = of_structure[s];
  for (int c = 0; c < 6; c++) {
    const double difference = arrays.strain_gradient[6 * s + c] - (*frame.strain_gradient)[c];
    double slope;
    sums.terms[stress_term] += share * penalty(settings.stress, difference / n, slope);
    sums.stress_error += std::abs(difference) / volume / double(n_stress_components);
    arrays.strain_bar[6 * s + c] = factor * weight[stress_term] * share * slope / n;
  }
}

void BatchLoss::derive_atom_energies(int s, const LossArrays &arrays)
{
  const TrainingFrame &frame = *batch[s];
  const int begin = graph.first_atom[s];
  const double share = frame.weight / double(n_atom_energies);
  for (std::size_t i = 0; i < frame.atom_energy.size(); i++) {
    const std::size_t at = std::size_t(begin) + i;
    double slope;
    of_structure[s].terms[atom_energy_term] +=
        share * penalty(settings.atom_energy, arrays.atom_energy[at] - frame.atom_energy[i], slope);
    arrays.energy_bar[at] += factor * weight[atom_energy_term] * share * slope;
  }
}

LossSums BatchLoss::sums() const
{
  LossSums sums;
  for (const auto &one : of_structure) sums.add(one, 1.0);
  sums.stress_batches = n_stress_components > 0 ? 1.0 : 0.0;
  return sums;
}

}    // namespace mlff
